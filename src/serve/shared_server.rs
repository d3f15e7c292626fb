use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use crossbeam::channel::{RecvTimeoutError, bounded};
use serde::{Deserialize, Serialize};

use super::ConnectError;
use crate::controller::{Address, ControllerError, HttpController, HttpOptions, Key, RetryPolicy};
use crate::jobs::Progress;

/// The server of one model, which all processes of a user share: whoever needs it first starts it, and it ends when nobody asks.
///
/// Where it listens, and its key, are in a file that its user alone may read. A lock makes sure that one process starts it.
#[derive(Debug, Clone)]
pub(super) struct SharedServer {
    /// What people call the model.
    pub name: String,
    /// The program that serves.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where the servers of this user are written down.
    pub folder: PathBuf,
    /// What tells it from the others there.
    pub id: String,
    /// How long it may say nothing.
    pub silence: Duration,
}

/// What the first line of a server says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    url: String,
    key: String,
    /// Its process, for people who look for it.
    #[serde(default)]
    pid: Option<u32>,
    /// What people should know of it.
    #[serde(default)]
    notes: Vec<String>,
}

/// A client of a server, and what people should know of it.
pub(super) struct Client {
    pub http: HttpController,
    pub notes: Vec<String>,
}

/// How often a wait looks whether it was cancelled.
const GLANCE: Duration = Duration::from_millis(50);

/// How long a server that is there may take to say so.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of what a server says of its end is told.
const LAST_WORDS: u64 = 4 << 10;

/// What servers left behind is removed after this.
const LEFTOVERS: Duration = Duration::from_secs(7 * 24 * 3600);

impl SharedServer {
    /// A client of the server, which is started if it is not there.
    pub fn client(&self, progress: &Progress) -> Result<Client, ConnectError> {
        make_private_folder(&self.folder).map_err(|source| self.failed("", "written", source))?;
        let _lock = self.lock(progress)?;
        if let Some(client) = self.running() {
            return Ok(client);
        }
        self.remove_leftovers();
        let place = self.start(progress)?;
        let text = serde_json::to_string(&place).unwrap_or_default();
        write_private(&self.path("json"), &text)
            .map_err(|source| self.failed("json", "written", source))?;
        self.client_of(place)
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.id))
    }

    fn failed(&self, ending: &str, doing: &'static str, source: std::io::Error) -> ConnectError {
        let path = match ending {
            "" => self.folder.clone(),
            ending => self.path(ending),
        };
        ConnectError::File {
            path,
            doing,
            source,
        }
    }

    /// Waits for its turn: another process may be starting the server.
    fn lock(&self, progress: &Progress) -> Result<File, ConnectError> {
        let failed = |source| self.failed("lock", "locked", source);
        let file = private_options().open(self.path("lock")).map_err(failed)?;
        loop {
            progress.check()?;
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => thread::sleep(GLANCE),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }

    /// A client of the server that is written down, if that is there and answers.
    fn running(&self) -> Option<Client> {
        let text = fs::read_to_string(self.path("json")).ok()?;
        let place: Place = serde_json::from_str(&text).ok()?;
        self.client_of(place).ok()
    }

    fn client_of(&self, place: Place) -> Result<Client, ConnectError> {
        let not_ready = |words: String| self.not_ready(words, Vec::new());
        let address = Address::new(&place.url)?;
        let key = Key::new(&place.key);
        if key.is_none() {
            return Err(not_ready("its key is none".to_owned()));
        }
        let retries = RetryPolicy {
            waits_for_server: false,
            ..RetryPolicy::default()
        };
        let patient = |silence: Duration| {
            let options = HttpOptions {
                key: key.clone(),
                retries,
                silence,
                ..HttpOptions::default()
            };
            HttpController::new(address.clone(), &self.name, options)
        };
        let listed = patient(PATIENCE).listed()?;
        let known = listed
            .into_iter()
            .next()
            .ok_or_else(|| not_ready("it serves no model".to_owned()))?;
        let mut http = patient(self.silence);
        http.set_provenance(known);
        Ok(Client {
            http,
            notes: place.notes,
        })
    }

    fn not_ready(&self, words: String, hints: Vec<String>) -> ConnectError {
        ConnectError::NotReady {
            name: self.name.clone(),
            words,
            hints,
        }
    }

    /// Starts the server and waits until it says where it listens.
    fn start(&self, progress: &Progress) -> Result<Place, ConnectError> {
        let start = |source| ConnectError::Start {
            name: self.name.clone(),
            program: self.program.clone(),
            source,
        };
        let log = private_options().truncate(true).open(self.path("log"));
        let log = log.map_err(|source| self.failed("log", "written", source))?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        // Ctrl-C in the terminal of whoever started it is not meant for it: others use it, too.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(start)?;
        let (sender, line) = bounded(1);
        if let Some(output) = child.stdout.take() {
            let read = move || {
                let mut line = String::new();
                if matches!(BufReader::new(output).read_line(&mut line), Ok(1..)) {
                    // Nobody may wait any more.
                    let _ = sender.send(line);
                }
            };
            thread::Builder::new()
                .name("server-place".to_owned())
                .spawn(read)
                .map_err(start)?;
        }
        loop {
            match line.recv_timeout(GLANCE) {
                Ok(line) => match serde_json::from_str(&line) {
                    Ok(place) => {
                        wait_in_background(child);
                        return Ok(place);
                    }
                    Err(error) => {
                        end(child);
                        let words =
                            format!("it says where it listens in a way of its own: {error}");
                        return Err(self.not_ready(words, Vec::new()));
                    }
                },
                Err(RecvTimeoutError::Disconnected) => {
                    end(child);
                    let (words, hints) = last_words(&self.path("log"));
                    return Err(self.not_ready(words, hints));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(cancelled) = progress.check() {
                        end(child);
                        return Err(cancelled.into());
                    }
                }
            }
        }
    }

    /// Removes what servers of long ago left behind. What can't be removed stays.
    fn remove_leftovers(&self) {
        let now = SystemTime::now();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let changed = entry.metadata().and_then(|data| data.modified());
            let age = changed.ok().and_then(|at| now.duration_since(at).ok());
            let is_own = path
                .file_stem()
                .is_some_and(|stem| stem == self.id.as_str());
            if !is_own && age.is_some_and(|age| age > LEFTOVERS) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Whether a server has to be found, or started, anew.
pub(super) fn is_gone(error: &ControllerError) -> bool {
    matches!(
        error,
        ControllerError::Unreachable { .. }
            | ControllerError::Cut { .. }
            | ControllerError::Refused { status: 401, .. }
    )
}

/// A child that has ended waits for its parent to look.
fn wait_in_background(mut child: Child) {
    let wait = move || {
        let _ = child.wait();
    };
    // Without the thread it is a line in the list of processes until this one ends.
    let _ = thread::Builder::new()
        .name("server-end".to_owned())
        .spawn(wait);
}

fn end(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// What a server said last: the error and its hints.
fn last_words(log: &Path) -> (String, Vec<String>) {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS)))?;
        let mut bytes = Vec::new();
        file.take(LAST_WORDS).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let mut hints: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("hint: "))
        .map(str::to_owned)
        .collect();
    let error = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("error: "));
    let last = || text.lines().rev().find(|line| !line.trim().is_empty());
    if error.is_none() {
        hints.push("if a driver crashes, `--device cpu` does without it".to_owned());
    }
    let words = error.or_else(last).unwrap_or("it said nothing");
    (words.to_owned(), hints)
}

/// Files that others may not read.
fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// A new file in the place of the old one.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    // One that was left behind may have another mode.
    let _ = fs::remove_file(&new);
    let mut file = private_options().create_new(true).open(&new)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_error_and_its_hints() {
        let log = std::env::temp_dir().join(format!("retake-last-words-{}", std::process::id()));
        for (text, words, hints) in [
            ("", "it said nothing", 1),
            (
                "noise\nerror: no room\nhint: buy some\nhint: or not\n",
                "no room",
                2,
            ),
            ("a driver\ncrashed\n\n", "crashed", 1),
        ] {
            fs::write(&log, text).unwrap();
            let (said, told) = last_words(&log);
            assert_eq!((said.as_str(), told.len()), (words, hints));
        }
        fs::remove_file(&log).unwrap();
        assert_eq!(last_words(&log).0, "it said nothing");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("retake-private-{}", std::process::id()));
        make_private_folder(&folder).unwrap();
        let path = folder.join("a.json");
        write_private(&path, "x").unwrap();
        write_private(&path, "y").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        assert_eq!(fs::read_to_string(&path).unwrap(), "y");
        fs::remove_dir_all(folder).unwrap();
    }
}
