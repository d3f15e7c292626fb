use serde_json::{Value, json};

use crate::cli::output::Output;
use crate::report::Report;
use crate::rerun::StepRerun;

/// Prints a re-run as one object.
pub(super) fn print(rerun: &StepRerun, output: &mut Output) -> Result<(), Report> {
    let candidates = rerun
        .candidates
        .iter()
        .enumerate()
        .map(|(number, candidate)| {
            let mut value = json!(candidate.candidate);
            if let Some(object) = value.as_object_mut() {
                object.insert("number".to_owned(), number.into());
                object.insert("place".to_owned(), json!(candidate.place));
                object.insert("same_as".to_owned(), json!(candidate.folded));
                object.insert("cut".to_owned(), candidate.candidate.is_cut().into());
                object.insert("given_up".to_owned(), candidate.cancelled.into());
                object.insert(
                    "unavailable".to_owned(),
                    json!(candidate.candidate.unavailable()),
                );
            }
            value
        });
    let candidates: Vec<Value> = candidates.collect();
    let context = rerun.context.hash().map(|hash| hash.to_string()).ok();
    output.json(&json!({
        "id": rerun.record,
        "hash": rerun.hash,
        "step": rerun.step + 1,
        "context": context,
        "edits": rerun.edits,
        "candidates": candidates,
        "best": rerun.best,
        "reason": rerun.reason,
        "judge_failure": rerun.judge_failure,
        "notes": rerun.notes,
        "time": rerun.time,
    }))
}
