use std::fmt;

use serde::{Deserialize, Serialize};

/// What keeps a worker from doing more than computing, as it found when it tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Whether the address space is limited.
    pub memory: bool,
    /// Whether Landlock refuses files and network.
    pub landlock: bool,
    /// Whether seccomp refuses system calls that computing does not need.
    pub seccomp: bool,
    /// What still went through when the worker tried it; empty when it is confined.
    pub open: Vec<Refusal>,
}

/// Something that a worker tries, to see that it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Reading a file.
    ReadFile,
    /// Writing a file.
    WriteFile,
    /// Connecting over the network.
    Network,
    /// Starting a program.
    Process,
}

impl Confinement {
    /// Whether nothing went through.
    pub fn is_closed(&self) -> bool {
        self.open.is_empty()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadFile => "reading files",
            Self::WriteFile => "writing files",
            Self::Network => "the network",
            Self::Process => "starting programs",
        })
    }
}

/// Confines this process for good, and tries what must not go.
///
/// Each layer is taken where the system has it. The interpreter itself knows neither files nor network; this holds
/// where a fault in it would let code out.
pub(super) fn confine(memory: u64) -> Confinement {
    let mut confinement = Confinement {
        memory: system::limit_resources(memory),
        landlock: system::forbid_files(),
        seccomp: system::forbid_calls(),
        open: Vec::new(),
    };
    confinement.open = what_goes();
    confinement
}

/// Allows `seconds` more of computing before the system kills this process.
pub(super) fn limit_computing(seconds: u64) {
    system::limit_computing(seconds);
}

fn what_goes() -> Vec<Refusal> {
    let own = std::path::Path::new("/");
    let target = std::env::temp_dir().join(format!("retake-confinement-{}", std::process::id()));
    let mut open = Vec::new();
    if std::fs::read_dir(own).is_ok() || std::fs::File::open("/proc/self/status").is_ok() {
        open.push(Refusal::ReadFile);
    }
    if std::fs::File::create_new(&target).is_ok() {
        let _ = std::fs::remove_file(&target);
        open.push(Refusal::WriteFile);
    }
    if std::net::TcpListener::bind(("127.0.0.1", 0)).is_ok() {
        open.push(Refusal::Network);
    }
    if std::process::Command::new("/bin/true").spawn().is_ok() {
        open.push(Refusal::Process);
    }
    open
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
    };
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use rustix::time::{ClockId, clock_gettime};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter_all_threads,
    };

    pub fn limit_resources(memory: u64) -> bool {
        // No dump of memory, and no file grows, whatever else fails.
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
        let _ = setrlimit(Resource::Fsize, none);
        let limit = Rlimit {
            current: Some(memory),
            maximum: Some(memory),
        };
        setrlimit(Resource::As, limit).is_ok()
    }

    pub fn limit_computing(seconds: u64) {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let used = Duration::from_secs(u64::try_from(used.tv_sec).unwrap_or(0)).as_secs();
        // The limit is in whole seconds, and the started one counts.
        let limit = Rlimit {
            current: Some(used + seconds + 1),
            maximum: getrlimit(Resource::Cpu).maximum,
        };
        let _ = setrlimit(Resource::Cpu, limit);
    }

    pub fn forbid_files() -> bool {
        let restrict = || -> Result<RulesetStatus, RulesetError> {
            // Older kernels take of this what they know.
            let abi = ABI::V6;
            let ruleset = Ruleset::default()
                .handle_access(AccessFs::from_all(abi))?
                .handle_access(AccessNet::from_all(abi))?
                .scope(Scope::from_all(abi))?;
            Ok(ruleset.create()?.restrict_self()?.ruleset)
        };
        restrict().is_ok_and(|status| status != RulesetStatus::NotEnforced)
    }

    /// The system calls of a process that computes, allocates, and reads and writes what is open.
    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_ppoll,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_nanosleep,
        libc::SYS_clock_nanosleep,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_prlimit64,
        libc::SYS_getrlimit,
        libc::SYS_setrlimit,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    pub fn forbid_calls() -> bool {
        let Ok(architecture) = TargetArch::try_from(std::env::consts::ARCH) else {
            return false;
        };
        let rules: BTreeMap<i64, Vec<_>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
        let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
        SeccompFilter::new(rules, refuse, SeccompAction::Allow, architecture)
            .and_then(BpfProgram::try_from)
            .is_ok_and(|program| apply_filter_all_threads(&program).is_ok())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub fn limit_resources(_memory: u64) -> bool {
        false
    }

    pub fn limit_computing(_seconds: u64) {}

    pub fn forbid_files() -> bool {
        false
    }

    pub fn forbid_calls() -> bool {
        false
    }
}
