use super::ConnectError;
use super::shared_server::{Client, SharedServer, is_gone};
use crate::controller::{ChatRequest, Controller, ControllerError, Delta, Provenance, Reply};
use crate::jobs::Progress;

/// A model of retake's own server. One that has ended since the last request is started again.
pub(super) struct OwnController {
    server: SharedServer,
    client: Client,
}

impl OwnController {
    /// Finds or starts the server.
    pub fn new(server: SharedServer, progress: &Progress) -> Result<Self, ConnectError> {
        let client = server.client(progress)?;
        Ok(Self { server, client })
    }
}

impl Controller for OwnController {
    fn name(&self) -> &str {
        self.client.http.name()
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        let mut has_told = false;
        let mut told = |delta: Delta| {
            has_told |= delta.reading.is_none();
            tell(delta);
        };
        let first = self.client.http.propose(request, progress, &mut told);
        match first {
            // What was told can't be taken back; then the next request starts it.
            Err(error) if is_gone(&error) && !has_told => {
                self.client = self.server.client(progress).map_err(not_started)?;
                self.client.http.propose(request, progress, tell)
            }
            other => other,
        }
    }

    /// Its address is another one each time, and says nothing of where candidates come from.
    fn provenance(&self) -> Provenance {
        Provenance {
            server: None,
            ..self.client.http.provenance()
        }
    }

    fn notes(&self) -> Vec<String> {
        self.client.notes.clone()
    }
}

fn not_started(error: ConnectError) -> ControllerError {
    match error {
        ConnectError::Controller(error) => error,
        ConnectError::Cancelled(cancelled) => ControllerError::Cancelled(cancelled),
        error => ControllerError::NotStarted(crate::report::Report::from(error).message),
    }
}
