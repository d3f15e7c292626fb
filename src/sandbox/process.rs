use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, bounded};

use super::confinement::Confinement;
use super::error::SandboxError;
use super::message::{LONGEST_LINE, Reply, Request};
use super::pool::WorkerCommand;
use super::run::{Exhausted, Outcome};
use crate::jobs::Progress;

/// How long a worker may take to start.
const START: Duration = Duration::from_secs(20);

/// How much of a worker's error output is kept.
const COMPLAINT: usize = 4 << 10;

/// How often a wait looks whether it was cancelled.
const GLANCE: Duration = Duration::from_millis(50);

/// One worker process, as its parent sees it. Dropping it kills it.
pub(super) struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    replies: Receiver<io::Result<Reply>>,
    complaint: Arc<Mutex<Vec<u8>>>,
    program: PathBuf,
    pub confinement: Confinement,
}

/// Why no reply came.
pub(super) enum Silence {
    /// It was too late; the worker is dead now.
    TooLate,
    /// The worker ended.
    Ended(Outcome),
    /// Somebody asked to stop; the worker is dead now.
    Cancelled,
}

impl Worker {
    /// Starts a worker and waits until it is confined.
    pub fn start(command: &WorkerCommand, memory: u64) -> Result<Self, SandboxError> {
        let start = |source| SandboxError::Start {
            program: command.program.clone(),
            source,
        };
        let mut started = Command::new(&command.program);
        started
            .args(&command.arguments)
            .arg(memory.to_string())
            // Nothing of our surroundings is the step's business.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C is for us to handle: a step is ended in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut started, 0);
        let mut child = started.spawn().map_err(start)?;
        let complaint = Arc::new(Mutex::new(Vec::new()));
        let (sender, replies) = bounded(1);
        let input = child.stdin.take();
        if let Some(output) = child.stdout.take() {
            let read = move || {
                let mut output = BufReader::new(output);
                loop {
                    let reply = read_reply(&mut output).transpose();
                    let Some(reply) = reply else { return };
                    let is_last = reply.is_err();
                    if sender.send(reply).is_err() || is_last {
                        return;
                    }
                }
            };
            thread::Builder::new()
                .name("sandbox-replies".to_owned())
                .spawn(read)
                .map_err(start)?;
        }
        if let Some(errors) = child.stderr.take() {
            let kept = Arc::clone(&complaint);
            thread::Builder::new()
                .name("sandbox-errors".to_owned())
                .spawn(move || keep_end(errors, &kept))
                .map_err(start)?;
        }
        let mut worker = Self {
            child,
            input,
            replies,
            complaint,
            program: command.program.clone(),
            confinement: Confinement::default(),
        };
        let not_ready = |worker: &Self, reason| SandboxError::NotReady {
            program: worker.program.clone(),
            reason,
        };
        match worker.receive(START, None) {
            Ok(Ok(Reply::Ready(confinement))) => worker.confinement = confinement,
            Ok(Ok(_)) => return Err(not_ready(&worker, "it says something else".to_owned())),
            Ok(Err(error)) => return Err(not_ready(&worker, error.to_string())),
            Err(Silence::Ended(outcome)) => {
                return Err(not_ready(&worker, outcome.to_string()));
            }
            Err(Silence::TooLate | Silence::Cancelled) => {
                return Err(not_ready(&worker, format!("no word for {START:?}")));
            }
        }
        Ok(worker)
    }

    /// Sends a request; a worker that is gone is noticed when no reply comes.
    pub fn send(&mut self, request: &Request) -> Result<(), SandboxError> {
        let mut line = serde_json::to_vec(request)
            .map_err(|error| SandboxError::Protocol(error.to_string()))?;
        if line.len() >= LONGEST_LINE {
            return Err(SandboxError::Protocol(format!(
                "a message of {} bytes is too long",
                line.len()
            )));
        }
        line.push(b'\n');
        if let Some(input) = &mut self.input
            && input.write_all(&line).and_then(|()| input.flush()).is_err()
        {
            self.input = None;
        }
        Ok(())
    }

    /// Waits for a reply. A worker that is too late, or whose job is cancelled, is killed.
    pub fn receive(
        &mut self,
        patience: Duration,
        progress: Option<&Progress>,
    ) -> Result<Result<Reply, SandboxError>, Silence> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.replies.recv_timeout(left.min(GLANCE)) {
                Ok(Ok(reply)) => return Ok(Ok(reply)),
                Ok(Err(error)) => {
                    self.kill();
                    return Ok(Err(SandboxError::Protocol(error.to_string())));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Silence::Ended(self.how_it_ended()));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if progress.is_some_and(|progress| progress.check().is_err()) {
                        self.kill();
                        return Err(Silence::Cancelled);
                    }
                    if left.is_zero() {
                        self.kill();
                        return Err(Silence::TooLate);
                    }
                }
            }
        }
    }

    fn kill(&mut self) {
        self.input = None;
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Reads the exit status and the last words.
    fn how_it_ended(&mut self) -> Outcome {
        self.input = None;
        // Its output is closed; give it a moment to be gone, and then do it.
        let mut status = None;
        for _ in 0..100 {
            status = self.child.try_wait().ok().flatten();
            if status.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        if status.is_none() {
            self.kill();
        }
        let words = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words).into_owned();
        outcome(status, words.trim())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What it means that a worker ended under a step.
fn outcome(status: Option<ExitStatus>, words: &str) -> Outcome {
    if words.contains("memory allocation of") {
        return Outcome::Exhausted(Exhausted::Memory);
    }
    if words.contains("stack") && words.contains("overflow") {
        return Outcome::WorkerDied("the code nests deeper than its stack".to_owned());
    }
    #[cfg(unix)]
    if let Some(signal) = status.and_then(|status| {
        use std::os::unix::process::ExitStatusExt as _;
        // A shell or a sandbox in between tells a signal as 128 and its number.
        let told = status.code().and_then(|code| code.checked_sub(128));
        status
            .signal()
            .or(told.filter(|signal| (1..=64).contains(signal)))
    }) {
        // SIGXCPU: the limit on computing; by its number, which all systems share.
        if signal == 24 {
            return Outcome::Exhausted(Exhausted::Computing);
        }
        return Outcome::WorkerDied(format!("signal {signal}{}", last_line(words)));
    }
    let status = status.map_or_else(|| "no status".to_owned(), |status| status.to_string());
    Outcome::WorkerDied(format!("{status}{}", last_line(words)))
}

fn last_line(words: &str) -> String {
    words
        .lines()
        .next_back()
        .map_or_else(String::new, |line| format!(" ({line})"))
}

/// One reply, or `None` at the end.
fn read_reply(output: &mut impl BufRead) -> io::Result<Option<Reply>> {
    let mut line = Vec::new();
    let limit = u64::try_from(LONGEST_LINE).unwrap_or(u64::MAX);
    output.take(limit).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        // A line that was cut by the end of the worker is no reply; a longer one breaks the protocol.
        return if line.len() < LONGEST_LINE {
            Ok(None)
        } else {
            Err(io::Error::other("a reply is too long"))
        };
    }
    serde_json::from_slice(&line)
        .map(Some)
        .map_err(io::Error::from)
}

fn keep_end(mut errors: ChildStderr, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = errors.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(buffer.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(COMPLAINT);
        kept.drain(..surplus);
    }
}
