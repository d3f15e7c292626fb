use std::collections::VecDeque;

use super::{CandidateText, ChatRequest, Controller, ControllerError, Delta, Reply};
use crate::jobs::Progress;

/// A controller that answers what it was told to, for tests and demonstrations.
#[derive(Debug, Default)]
pub struct ScriptedController {
    answers: VecDeque<Vec<String>>,
    /// The requests that came, in order.
    pub requests: Vec<ChatRequest>,
}

impl ScriptedController {
    /// Answers the first request with the first list of candidates, and so on.
    pub fn new(answers: impl IntoIterator<Item = Vec<String>>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            requests: Vec::new(),
        }
    }
}

impl Controller for ScriptedController {
    fn name(&self) -> &str {
        "scripted"
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        progress.check()?;
        self.requests.push(request.clone());
        let texts = self
            .answers
            .pop_front()
            .ok_or(ControllerError::ScriptEnded)?;
        for (candidate, text) in texts.iter().enumerate() {
            tell(Delta {
                candidate,
                text: text.clone(),
                reading: None,
            });
        }
        let candidates = texts.into_iter().map(|text| CandidateText {
            text,
            finish: Some("stop".to_owned()),
            ..CandidateText::default()
        });
        Ok(Reply {
            candidates: candidates.collect(),
            model: Some("scripted".to_owned()),
            usage: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_in_order_and_then_no_more() {
        let mut controller = ScriptedController::new([vec!["a".to_owned(), "b".to_owned()]]);
        let mut told = Vec::new();
        let request = ChatRequest::default();
        let progress = Progress::default();
        let reply = controller.propose(&request, &progress, &mut |delta| told.push(delta.text));
        assert_eq!(reply.unwrap().candidates[1].text, "b");
        assert_eq!(told, ["a", "b"]);
        let ended = controller.propose(&request, &progress, &mut |_| {});
        assert!(matches!(ended, Err(ControllerError::ScriptEnded)));
        assert_eq!(
            controller.requests.len(),
            2,
            "also the one without an answer"
        );
    }
}
