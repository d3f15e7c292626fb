use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is known of where candidates come from; `model`, `weights` and `backend` are those of a record's `Generation`. Servers other than retake's own tell little of it; what is not told is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The model's name.
    pub model: String,
    /// The server's address, where it is another than retake's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The BLAKE3 of the weights in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// The same of an adapter that is merged into them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// What people call the architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// What it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What computes there, and in which numbers: `flex f32`, `wgpu f16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The version of retake that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retake: Option<String>,
    /// Tokens that fit in a context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// Whether it takes pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_pictures: Option<bool>,
    /// Whether a request may say how each of its candidates is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draws_each: Option<bool>,
}

impl Provenance {
    /// That of a name, of which no more is known.
    pub fn named(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            ..Self::default()
        }
    }

    /// What a server lists of a model; `None` if the entry has no name. Members of other types than retake's are left out.
    pub(super) fn listed(entry: &Value) -> Option<Self> {
        let text = |name: &str| Some(entry.get(name)?.as_str()?.to_owned());
        Some(Self {
            model: text("id")?,
            server: None,
            weights: text("weights"),
            adapter: text("adapter"),
            architecture: text("architecture"),
            device: text("device"),
            backend: text("backend"),
            retake: text("retake"),
            // vLLM tells it, too, under its own name.
            context: ["context", "max_model_len"]
                .iter()
                .find_map(|name| entry.get(name)?.as_u64()),
            takes_pictures: entry.get("takes_pictures").and_then(Value::as_bool),
            draws_each: entry.get("draws_each").and_then(Value::as_bool),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_told_is_absent() {
        let told = json!({
            "id": "m", "weights": "00", "device": "cpu", "context": 512, "takes_pictures": true, "adapter": null, "created": 0,
        });
        let listed = Provenance::listed(&told).unwrap();
        assert_eq!(listed.weights.as_deref(), Some("00"));
        assert_eq!((listed.context, listed.adapter.clone()), (Some(512), None));
        let written = serde_json::to_value(&listed).unwrap();
        let wanted = json!({
            "model": "m", "weights": "00", "device": "cpu", "context": 512, "takes_pictures": true,
        });
        assert_eq!(written, wanted);
        let odd = json!({"id": "m", "weights": 3, "context": "many", "max_model_len": 9});
        let odd = Provenance::listed(&odd).unwrap();
        assert_eq!((odd.weights, odd.context), (None, Some(9)));
        assert_eq!(Provenance::listed(&json!({"id": 1})), None);
    }
}
