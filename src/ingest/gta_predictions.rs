//! GTA runs as OpenCompass saves them (paper §3e): `{"0": {gold, prediction, origin_prompt}}`.
//!
//! Two shapes: step by step, where `prediction` lists one assistant turn for each gold turn (none was executed), and
//! end to end, where `prediction[0]` is the list of all turns of the run.

use serde_json::Value;

use super::chat_turns::{Speaker, Turn};
use super::conversation::Conversation;
use super::gta::dialog_turns;
use super::json_field::{elements, field, items, plain_field, text};
use super::{Format, Layout, ReadError, RecordText, Sample, Top};
use crate::domain::{Benchmark, Content, Provenance, Role, Trajectory};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "gta-predictions",
    title: "GTA runs saved by OpenCompass",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let found = sample.top == Top::Object && sample.values.iter().any(is_prediction);
    found.then_some(Layout::Members)
}

fn is_prediction(value: &Value) -> bool {
    let named = value.get("gold").is_some() || value.get("origin_prompt").is_some();
    let first = items(value, "prediction").first();
    let turn = first.and_then(|entry| elements(entry).map_or(Some(entry), <[Value]>::first));
    named && turn.is_some_and(|turn| turn.get("role").is_some())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let prediction = field(&row, "prediction")
        .and_then(elements)
        .ok_or_else(|| {
            ReadError(
                "a GTA prediction needs `prediction`, a list; this record has none".to_owned(),
            )
        })?;
    let mut problems = Vec::new();
    let is_whole_run = prediction.first().is_some_and(Value::is_array);
    if is_whole_run && prediction.len() > 1 {
        problems.push(format!(
            "the task has {} rounds; their steps are shown as one run",
            prediction.len()
        ));
    }
    let mut turns: Vec<Turn> = task_text(&row)
        .map(|question| Turn::of(Speaker::User, question))
        .into_iter()
        .collect();
    let mut failure = None;
    for entry in prediction {
        for message in elements(entry).unwrap_or(std::slice::from_ref(entry)) {
            failure = error(message);
            turns.extend(dialog_turns(std::slice::from_ref(message), &mut problems));
            if let Some(message) = &failure {
                turns.push(Turn {
                    is_error: true,
                    ..Turn::of(Speaker::Tool, message.clone())
                });
            }
        }
    }
    let conversation = Conversation::of(turns, record.interner, &mut problems);
    let key = record.key.map(str::to_owned);
    Ok(Content {
        natural_id: key.clone(),
        trajectory: Some(Trajectory {
            task: conversation.task,
            steps: conversation.steps,
            answer: conversation.answer,
            provenance: Provenance {
                format: FORMAT.name.to_owned(),
                role: Role::Run,
                benchmark: Some(Benchmark::Gta),
                task_key: key,
                model: model(record.path).map(str::to_owned),
                // Only a whole run ends where its last turn fails; single steps are independent.
                failure: failure.filter(|_| is_whole_run),
                ..Provenance::default()
            },
            ..Trajectory::default()
        }),
        pairs: Vec::new(),
        problems,
    })
}

/// A turn's `error`: a text, or `{type, msg}`.
fn error(turn: &Value) -> Option<String> {
    match field(turn, "error")? {
        Value::Bool(false) => None,
        Value::String(text) if text.is_empty() => None,
        error @ Value::Object(_) => {
            let parts: Vec<String> = ["type", "msg", "message"]
                .iter()
                .filter_map(|key| plain_field(error, key))
                .collect();
            Some(if parts.is_empty() {
                error.to_string()
            } else {
                parts.join(": ")
            })
        }
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The question: `origin_prompt` holds it as text (end to end), or the turns before each step.
fn task_text(row: &Value) -> Option<String> {
    fn question(prompt: &Value, depth: usize) -> Option<String> {
        match prompt {
            Value::String(text) => Some(text.clone()),
            Value::Object(_) if matches!(text(prompt, "role"), Some("user" | "HUMAN")) => {
                plain_field(prompt, "content").or_else(|| plain_field(prompt, "prompt"))
            }
            Value::Array(prompts) if depth < 3 => prompts
                .iter()
                .find_map(|prompt| question(prompt, depth + 1)),
            _ => None,
        }
    }
    question(field(row, "origin_prompt")?, 0)
}

/// OpenCompass saves to `…/predictions/<model>/<data set>.json`.
fn model(path: &str) -> Option<&str> {
    let mut folders = path.rsplit('/').skip(1);
    let model = folders.next()?;
    (folders.next()? == "predictions" && !model.is_empty()).then_some(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_named_by_its_folder() {
        assert_eq!(
            model("20240601/predictions/some-7b/gta_bench.json"),
            Some("some-7b")
        );
        assert_eq!(model("gta_bench.json"), None);
        assert_eq!(model("some/gta_bench.json"), None);
    }
}
