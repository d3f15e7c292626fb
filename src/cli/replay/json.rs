use serde_json::json;

use crate::cli::output::Output;
use crate::domain::{LoggedCall, LoggedResult};
use crate::replay::{StepReplay, TrajectoryReplay};
use crate::report::Report;

/// One object a step.
pub(super) fn print(
    id: &str,
    replay: &TrajectoryReplay,
    output: &mut Output,
) -> Result<(), Report> {
    for step in &replay.steps {
        output.json(&object(id, step))?;
    }
    Ok(())
}

fn object(id: &str, step: &StepReplay) -> serde_json::Value {
    let mut object = json!({
        "id": id,
        "step": step.step + 1,
        "verdict": step.verdict.name(),
        "reason": step.reason,
        "recorded": step.recorded,
        "actual": step.actual,
        "independent": step.is_independent,
        "rule": step.rule,
        "notes": step.notes,
        "calls": step.calls.iter().map(call).collect::<Vec<_>>(),
    });
    if let (Some(variables), Some(fields)) = (&step.variables, object.as_object_mut()) {
        let variables = variables.iter().map(|variable| {
            json!({
                "name": variable.name,
                "type": variable.kind,
                "value": variable.value,
                "cut": variable.is_cut,
            })
        });
        fields.insert("variables".to_owned(), variables.collect());
    }
    object
}

fn call(call: &LoggedCall) -> serde_json::Value {
    let (kind, text) = match &call.result {
        LoggedResult::Value(text) => ("result", text),
        LoggedResult::Error(text) => ("error", text),
        LoggedResult::Unavailable(text) => ("unavailable", text),
    };
    json!({
        "index": call.index,
        "name": call.name,
        "arguments": call.arguments,
        kind: text,
        "provider": call.provider,
    })
}
