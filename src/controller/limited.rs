use super::{ChatRequest, Controller, ControllerError, Delta, Provenance, Reply};
use crate::jobs::{Progress, Slots};

/// A controller that waits with each request until fewer than so many are on their way, whoever makes them.
pub struct Limited {
    /// What is asked.
    pub controller: Box<dyn Controller>,
    /// How many requests at a time.
    pub slots: Slots,
}

impl Controller for Limited {
    fn name(&self) -> &str {
        self.controller.name()
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        let _slot = self.slots.take(progress)?;
        self.controller.propose(request, progress, tell)
    }

    fn provenance(&self) -> Provenance {
        self.controller.provenance()
    }

    fn notes(&self) -> Vec<String> {
        self.controller.notes()
    }
}
