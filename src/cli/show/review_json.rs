use serde_json::{Value, json};

use crate::corpus::opinion_name;
use crate::domain::ReviewState;
use crate::domain::review::{Judgement, Note, Review};

use super::Shown;

/// A review for programs, as far as it may be seen; names are stable.
pub fn review_json(review: &Review, state: ReviewState, shown: &Shown<'_>) -> Value {
    let verdicts = review.verdicts.iter().map(|(annotator, verdict)| {
        json!({
            "annotator": annotator,
            "verdict": opinion_name(verdict.opinion),
            "reasons": verdict.why.reasons,
            "text": verdict.why.text,
            "time": verdict.time.to_string(),
            "swapped": verdict.swapped,
        })
    });
    let adjudication = review
        .adjudication
        .as_ref()
        .map(|(annotator, adjudication)| {
            json!({
                "annotator": annotator,
                "verdict": match adjudication.verdict {
                    Judgement::Accept => "accepted",
                    Judgement::Reject => "rejected",
                    Judgement::Tie => "tie",
                },
                "swapped": adjudication.swapped,
                "reasons": adjudication.why.reasons,
                "text": adjudication.why.text,
            })
        });
    let own = review.verdicts.get(shown.annotator);
    let tags = review.tags.iter();
    let tags = tags.map(|(tag, annotator)| json!({ "tag": tag, "annotator": annotator }));
    json!({
        "state": state.name(),
        "own": own.map(|verdict| opinion_name(verdict.opinion)),
        "verdicts": verdicts.collect::<Vec<_>>(),
        "adjudication": adjudication,
        "objections": review.objections,
        "reasons": review.reasons(),
        "tags": tags.collect::<Vec<_>>(),
        "notes": notes_json(review.notes.iter()),
        "queues": review.assignments,
        "swapped": review.swapped,
        "source_changed": review.source_changed(),
    })
}

/// Notes for programs.
pub fn notes_json<'a>(notes: impl Iterator<Item = &'a Note>) -> Vec<Value> {
    let note = |note: &Note| {
        json!({
            "note": note.id,
            "annotator": note.annotator,
            "time": note.time.to_string(),
            "step": note.step.map(|step| step.to_string()),
            "text": note.text,
        })
    };
    notes.map(note).collect()
}
