use crate::controller::{
    ChatRequest, Content, ContentPart, Controller, ControllerError, Delta, Provenance, Reply,
};
use crate::jobs::Progress;

/// A controller that takes text alone: pictures are left out before it is asked.
pub(super) struct WithoutPictures(pub Box<dyn Controller>);

impl Controller for WithoutPictures {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        self.0.propose(&without_pictures(request), progress, tell)
    }

    fn provenance(&self) -> Provenance {
        self.0.provenance()
    }

    fn notes(&self) -> Vec<String> {
        self.0.notes()
    }
}

/// Whether pictures are left out, where somebody allows it: models that take them get them, and where a server does not say,
/// whoever allows it knows.
pub(super) fn are_left_out(is_allowed: bool, takes_pictures: Option<bool>) -> bool {
    is_allowed && takes_pictures != Some(true)
}

/// What is left is one text: templates of models that know nothing of pictures take no parts.
fn without_pictures(request: &ChatRequest) -> ChatRequest {
    let mut request = request.clone();
    for message in &mut request.messages {
        if let Some(Content::Parts(parts)) = &message.content {
            let texts = parts.iter().filter_map(|part| match part {
                ContentPart::Text { text } => Some(text.as_str()),
                ContentPart::ImageUrl { .. } => None,
            });
            message.content = Some(Content::Text(texts.collect()));
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controller::ScriptedController;

    #[test]
    fn models_that_are_known_to_take_pictures_get_them() {
        let takes = [Some(true), Some(false), None];
        assert_eq!(
            takes.map(|takes| are_left_out(true, takes)),
            [false, true, true]
        );
        assert_eq!(takes.map(|takes| are_left_out(false, takes)), [false; 3]);
    }

    #[test]
    fn texts_stay() {
        let picture = json!({"type": "image_url", "image_url": {"url": "data:,"}});
        let text = json!({"type": "text", "text": "T"});
        let messages = json!({"messages": [
            {"role": "user", "content": [picture, text, text]}, {"role": "user", "content": "S"}, {"role": "user", "content": [picture]},
        ]});
        let request: ChatRequest = serde_json::from_value(messages).unwrap();
        let kept = serde_json::to_value(without_pictures(&request)).unwrap();
        assert_eq!(kept["messages"][0]["content"], "TT");
        assert_eq!(kept["messages"][1]["content"], "S");
        assert_eq!(kept["messages"][2]["content"], "");
        let inner = Box::new(ScriptedController::new([vec!["a".to_owned()]]));
        let mut outer = WithoutPictures(inner);
        let reply = outer.propose(&request, &Progress::default(), &mut |_| {});
        assert_eq!(reply.unwrap().candidates[0].text, "a");
        assert_eq!(
            (outer.name(), outer.provenance().model.as_str()),
            ("scripted", "scripted")
        );
    }
}
