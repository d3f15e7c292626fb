//! CPython as a worker: confined by bubblewrap, or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::SandboxError;
use super::pool::WorkerCommand;

/// The program that runs in CPython.
const DRIVER: &str = include_str!("../../assets/sandbox/cpython_worker.py");

/// Prints what of the system an interpreter needs.
const ASK: &str = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.executable); \
                   print(sys.prefix); print(sys.base_prefix)";

/// Where programs and libraries are; read-only for the worker, nothing else of the machine is there.
const SYSTEM: [&str; 9] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
];

/// From this version on, CPython adds floats otherwise than what recorded the published data.
const SUMS_OTHERWISE: (u32, u32) = (3, 12);

/// A CPython that steps can run in.
#[derive(Debug, Clone)]
pub struct Cpython {
    /// Its version, `3.11.7`.
    pub version: String,
    /// How a worker of it is started.
    pub command: WorkerCommand,
}

impl Cpython {
    /// Prepares an interpreter. `folder` is where the filter of system calls is kept.
    ///
    /// Nothing of a step runs without bubblewrap: where it is missing, or can't make its walls here, that is the error.
    pub fn prepare(python: &Path, folder: &Path) -> Result<Self, SandboxError> {
        let Some(bubblewrap) = in_path("bwrap") else {
            return Err(SandboxError::Unconfined(
                "bubblewrap (bwrap) is not installed".to_owned(),
            ));
        };
        let answers = ask(python)?;
        let [version, executable, places @ ..] = answers.as_slice() else {
            return Err(not_python(python, "it does not say what it is"));
        };
        let filter = write_filter(folder)?;
        let mut arguments: Vec<OsString> = Vec::new();
        // The filter reaches bubblewrap as an open file.
        let shell = "exec \"$@\" 9<\"$0\"";
        arguments.extend(["-c".into(), shell.into(), filter.into(), bubblewrap.into()]);
        arguments.extend(walls(places).map(OsString::from));
        arguments.extend([executable.into(), "-I".into(), "-c".into(), DRIVER.into()]);
        let command = WorkerCommand {
            program: PathBuf::from("/bin/sh"),
            arguments,
        };
        Ok(Self {
            version: version.clone(),
            command,
        })
    }

    /// What its version does otherwise than what recorded the published data.
    pub fn caution(&self) -> Option<&'static str> {
        let mut numbers = self.version.split('.').map_while(|n| n.parse::<u32>().ok());
        let version = (numbers.next()?, numbers.next()?);
        (version >= SUMS_OTHERWISE)
            .then_some("from 3.12 on, CPython's sum of floats has other last digits")
    }
}

/// Bubblewrap's arguments, up to the program.
fn walls(places: &[String]) -> impl Iterator<Item = String> {
    let own = [
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        "--seccomp",
        "9",
    ];
    let mut arguments: Vec<String> = own.map(str::to_owned).to_vec();
    let mut bind = |place: &str| {
        arguments.extend(["--ro-bind-try", place, place].map(str::to_owned));
    };
    SYSTEM.iter().for_each(|place| bind(place));
    for place in places {
        // A virtual environment is elsewhere; the root would be everything.
        if Path::new(place).components().count() > 1 && !place.starts_with("/usr") {
            bind(place);
        }
    }
    let rest = [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--chdir",
        "/tmp",
        "--setenv",
        "HOME",
        "/tmp",
        "--setenv",
        "MPLBACKEND",
        "Agg",
        "--setenv",
        "PYTHONHASHSEED",
        "0",
        // One thread each: libraries that count cores would want more than a step may have.
        "--setenv",
        "OPENBLAS_NUM_THREADS",
        "1",
        "--setenv",
        "OMP_NUM_THREADS",
        "1",
        "--",
    ];
    arguments.extend(rest.map(str::to_owned));
    arguments.into_iter()
}

fn ask(python: &Path) -> Result<Vec<String>, SandboxError> {
    let output = Command::new(python)
        .args(["-I", "-c", ASK])
        .stdin(Stdio::null())
        .output()
        .map_err(|source| SandboxError::Start {
            program: python.to_owned(),
            source,
        })?;
    if !output.status.success() {
        return Err(not_python(python, &String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

fn not_python(python: &Path, reason: &str) -> SandboxError {
    SandboxError::NotReady {
        program: python.to_owned(),
        reason: reason.trim().to_owned(),
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// Writes the filter of system calls: no further process. Limits on their number do not bind the superuser.
fn write_filter(folder: &Path) -> Result<PathBuf, SandboxError> {
    let unconfined =
        |error: io::Error| SandboxError::Unconfined(format!("no filter of system calls: {error}"));
    let program = filter::program().ok_or_else(|| {
        SandboxError::Unconfined("this system has no filter of system calls".to_owned())
    })?;
    fs::create_dir_all(folder).map_err(unconfined)?;
    let path = folder.join(format!("no-processes-{}.bpf", std::env::consts::ARCH));
    if fs::read(&path).is_ok_and(|known| known == program) {
        return Ok(path);
    }
    let temporary = folder.join(format!("no-processes-{}.tmp", std::process::id()));
    fs::write(&temporary, &program)
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(unconfined)?;
    Ok(path)
}

#[cfg(target_os = "linux")]
mod filter {
    use std::collections::BTreeMap;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    /// The bytes of a filter that refuses new processes and leaves threads.
    pub fn program() -> Option<Vec<u8>> {
        let architecture = TargetArch::try_from(std::env::consts::ARCH).ok()?;
        let thread = u64::try_from(libc::CLONE_THREAD).ok()?;
        let is_process = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(thread),
            0,
        );
        let is_process = SeccompRule::new(vec![is_process.ok()?]).ok()?;
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        rules.insert(libc::SYS_clone, vec![is_process]);
        // Its flags are out of a filter's sight; who finds it missing takes the older call.
        rules.insert(libc::SYS_clone3, Vec::new());
        #[cfg(target_arch = "x86_64")]
        {
            rules.insert(libc::SYS_fork, Vec::new());
            rules.insert(libc::SYS_vfork, Vec::new());
        }
        let missing = SeccompAction::Errno(u32::try_from(libc::ENOSYS).ok()?);
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, missing, architecture);
        let program: BpfProgram = filter.ok()?.try_into().ok()?;
        let bytes = program.iter().flat_map(|instruction| {
            let mut bytes = [0; 8];
            bytes[..2].copy_from_slice(&instruction.code.to_ne_bytes());
            bytes[2] = instruction.jt;
            bytes[3] = instruction.jf;
            bytes[4..].copy_from_slice(&instruction.k.to_ne_bytes());
            bytes
        });
        Some(bytes.collect())
    }
}

#[cfg(not(target_os = "linux"))]
mod filter {
    pub fn program() -> Option<Vec<u8>> {
        None
    }
}
