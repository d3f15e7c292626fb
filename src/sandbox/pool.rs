use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Limits;
use super::error::SandboxError;
use super::process::Worker;
use super::session::Session;
use super::worker::WORKER_VERB;
use crate::jobs::Progress;

/// How a worker is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments; the memory limit in bytes comes after them.
    pub arguments: Vec<OsString>,
}

impl WorkerCommand {
    /// This same program, with its hidden command.
    pub fn own() -> Result<Self, SandboxError> {
        let program = std::env::current_exe().map_err(|source| SandboxError::Start {
            program: PathBuf::from("retake"),
            source,
        })?;
        Ok(Self::of(program))
    }

    /// A program that has the hidden command.
    pub fn of(program: PathBuf) -> Self {
        Self {
            program,
            arguments: vec![OsString::from(WORKER_VERB)],
        }
    }
}

/// Warm workers: a session takes one, and gives it back if it is still alive. Cloning shares.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    command: WorkerCommand,
    limits: Limits,
    progress: Progress,
    idle: Mutex<Vec<Worker>>,
    /// The most workers that wait.
    most: usize,
}

impl Pool {
    /// A pool that keeps at most `most` workers waiting. No worker is started before it is needed, or [`Pool::warm`] asks.
    ///
    /// Whoever cancels `progress` kills the workers that are at it.
    pub fn new(command: WorkerCommand, limits: Limits, most: usize, progress: Progress) -> Self {
        Self {
            shared: Arc::new(Shared {
                command,
                limits,
                progress,
                idle: Mutex::new(Vec::new()),
                most,
            }),
        }
    }

    /// Starts workers in the background, so that as many wait as may.
    pub fn warm(&self) {
        for _ in self.idle().len()..self.shared.most {
            let pool = self.clone();
            // Without a thread the worker is started when it is needed.
            let _ = thread::Builder::new()
                .name("sandbox-start".to_owned())
                .spawn(move || {
                    // Why it does not start is said to who needs it.
                    if let Ok(worker) = pool.start() {
                        pool.take_back(worker);
                    }
                });
        }
    }

    /// The limits of each step.
    pub fn limits(&self) -> Limits {
        self.shared.limits
    }

    /// A session with a fresh state.
    pub fn session(&self) -> Result<Session, SandboxError> {
        loop {
            let Some(worker) = self.idle().pop() else {
                return Session::begin(self.clone(), self.start()?);
            };
            // One that died while it waited is replaced.
            if let Ok(session) = Session::begin(self.clone(), worker) {
                return Ok(session);
            }
        }
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.shared.progress
    }

    pub(super) fn take_back(&self, worker: Worker) {
        let mut idle = self.idle();
        if idle.len() < self.shared.most {
            idle.push(worker);
        }
    }

    fn start(&self) -> Result<Worker, SandboxError> {
        Worker::start(&self.shared.command, self.shared.limits.memory)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.shared
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
