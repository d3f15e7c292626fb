use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::confinement::Confinement;
use super::error::SandboxError;
use super::message::{Reply, Request};
use super::pool::Pool;
use super::process::{Silence, Worker};
use super::run::{Exhausted, Outcome, StepRun, ToolHost, Variable};

/// How long anything but a step may take.
const HOUSEKEEPING: Duration = Duration::from_secs(20);

/// The state of a run after a step, as text; any worker of the same version can go on from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState(String);

/// One run: its variables live from step to step in a worker of its own.
///
/// A step that ends its worker loses them; [`Session::restore`] brings a saved state back.
pub struct Session {
    pool: Pool,
    /// `None` once it died.
    worker: Option<Worker>,
    /// Why there is no worker.
    lost: String,
}

impl Session {
    pub(super) fn begin(pool: Pool, worker: Worker) -> Result<Self, SandboxError> {
        let limits = pool.limits();
        let mut session = Self {
            pool,
            worker: Some(worker),
            lost: String::new(),
        };
        session.ask(&Request::Reset { limits })?;
        Ok(session)
    }

    /// What confines the worker.
    pub fn confinement(&self) -> Option<&Confinement> {
        self.worker.as_ref().map(|worker| &worker.confinement)
    }

    /// Runs a step's code after the steps before it. What the code does wrong is in the result; an error is ours.
    pub fn run(&mut self, code: &str, host: &mut dyn ToolHost) -> Result<StepRun, SandboxError> {
        let limits = self.pool.limits();
        let progress = self.pool.progress().clone();
        let Some(worker) = &mut self.worker else {
            return Err(SandboxError::StateLost(self.lost.clone()));
        };
        worker.send(&Request::Run {
            code: code.to_owned(),
            tools: host.tools(),
        })?;
        let mut patience = limits.clock;
        loop {
            let since = Instant::now();
            let reply = worker.receive(patience, Some(&progress));
            patience = patience.saturating_sub(since.elapsed());
            let ended = match reply {
                Ok(Ok(Reply::Call(call))) => {
                    let answer = host.call(&call);
                    if progress.check().is_err() {
                        return Err(self.lose("cancelled", SandboxError::Cancelled));
                    }
                    worker.send(&Request::Answer(answer))?;
                    continue;
                }
                Ok(Ok(Reply::Ran(run))) => return Ok(*run),
                Ok(Ok(Reply::Failed(reason))) => return Err(SandboxError::State(reason)),
                Ok(Ok(_)) => {
                    let error = SandboxError::Protocol("a reply to another request".to_owned());
                    return Err(self.lose("the worker broke its protocol", error));
                }
                Ok(Err(error)) => {
                    return Err(self.lose("the worker broke its protocol", error));
                }
                Err(Silence::Cancelled) => {
                    return Err(self.lose("cancelled", SandboxError::Cancelled));
                }
                Err(Silence::TooLate) => Outcome::Exhausted(Exhausted::Clock),
                Err(Silence::Ended(outcome)) => outcome,
            };
            self.worker = None;
            self.lost = format!("an earlier step ended its worker: {ended}");
            return Ok(StepRun::ended(ended));
        }
    }

    /// Whether an earlier step ended the worker.
    pub fn is_lost(&self) -> bool {
        self.worker.is_none()
    }

    /// The state, to go on from it in this session or another.
    pub fn save(&mut self) -> Result<SavedState, SandboxError> {
        match self.ask(&Request::Save)? {
            Reply::Saved { state } => Ok(SavedState(state)),
            _ => Err(SandboxError::Protocol("no state".to_owned())),
        }
    }

    /// Takes up a state, in a new worker if the old one died.
    pub fn restore(&mut self, state: &SavedState) -> Result<(), SandboxError> {
        if self.worker.is_none() {
            *self = self.pool.session()?;
        }
        self.ask(&Request::Restore {
            limits: self.pool.limits(),
            state: state.0.clone(),
        })
        .map(drop)
    }

    /// The variables, values cut to `width` characters.
    pub fn variables(&mut self, width: usize) -> Result<Vec<Variable>, SandboxError> {
        match self.ask(&Request::Variables { width })? {
            Reply::Variables(variables) => Ok(variables),
            _ => Err(SandboxError::Protocol("no variables".to_owned())),
        }
    }

    /// A document's text, read in the worker; `ending` is its file's, in lower case without the dot. What is wrong with the
    /// document is in the inner result.
    pub fn document(
        &mut self,
        ending: &str,
        bytes: &[u8],
    ) -> Result<Result<String, String>, SandboxError> {
        let request = Request::Document {
            ending: ending.to_owned(),
            content: STANDARD.encode(bytes),
        };
        match self.ask(&request) {
            Ok(Reply::Text { text }) => Ok(Ok(text)),
            Err(SandboxError::State(reason)) => Ok(Err(reason)),
            // It was too much for its reader.
            Err(SandboxError::StateLost(reason)) => Ok(Err(reason)),
            Err(error) => Err(error),
            Ok(_) => Err(SandboxError::Protocol("no text".to_owned())),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Reply, SandboxError> {
        let Some(worker) = &mut self.worker else {
            return Err(SandboxError::StateLost(self.lost.clone()));
        };
        worker.send(request)?;
        match worker.receive(HOUSEKEEPING, None) {
            Ok(Ok(Reply::Failed(reason))) => Err(SandboxError::State(reason)),
            Ok(reply) => reply,
            Err(Silence::Ended(outcome)) => {
                let reason = outcome.to_string();
                Err(self.lose(&reason, SandboxError::StateLost(reason.clone())))
            }
            Err(Silence::TooLate | Silence::Cancelled) => {
                let error = SandboxError::StateLost("the worker went silent".to_owned());
                Err(self.lose("the worker went silent", error))
            }
        }
    }

    fn lose(&mut self, reason: &str, error: SandboxError) -> SandboxError {
        self.worker = None;
        self.lost = reason.to_owned();
        error
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool.take_back(worker);
        }
    }
}
