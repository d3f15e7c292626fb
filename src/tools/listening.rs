//! A scripted model for tests, which keeps what it is asked.

use std::sync::{Arc, Mutex};

use super::model::{MakeController, ModelAccess};
use crate::controller::{
    ChatRequest, Controller, ControllerError, Delta, Reply, ScriptedController,
};
use crate::jobs::Progress;

/// What was asked, in order.
pub(super) type Requests = Arc<Mutex<Vec<ChatRequest>>>;

struct Listening(ScriptedController, Requests);

impl Controller for Listening {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        self.1.lock().unwrap().push(request.clone());
        self.0.propose(request, progress, tell)
    }
}

/// A model that answers each question with these candidates; without any it fails.
pub(super) fn model(name: &str, answer: Option<&str>) -> (ModelAccess, Requests) {
    let requests = Requests::default();
    let heard = Arc::clone(&requests);
    let answers: Vec<Vec<String>> = answer
        .map(|text| vec![text.to_owned()])
        .into_iter()
        .collect();
    let make: MakeController = Arc::new(move || {
        let scripted = ScriptedController::new(answers.clone());
        Ok(Box::new(Listening(scripted, Arc::clone(&heard))))
    });
    let model = ModelAccess {
        name: name.to_owned(),
        make,
        progress: Progress::default(),
    };
    (model, requests)
}
