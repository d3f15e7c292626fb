use serde_json::{Value, json};

use crate::corpus::CurrentPair;
use crate::domain::TargetId;
use crate::domain::review::{EditedStep, Staleness, StepKey};
use crate::report::Report;

use super::Shown;
use super::review_json::{notes_json, review_json};

/// What `retake show --format json` prints; names are stable.
pub fn of(shown: &Shown<'_>) -> Result<Value, Report> {
    let record = shown.record;
    let target = shown.subject.id();
    let trajectory = record.content.trajectory.as_ref();
    let trajectory = trajectory.filter(|_| target.part.is_none());
    if let (Some(range), Some(trajectory)) = (&shown.steps, trajectory) {
        let at = *range.start();
        let flags = shown.flags.iter().filter(|flag| flag.step == Some(at));
        let step = shown.current.steps.get(at - 1);
        return Ok(json!({
            "id": record.id,
            "hash": record.hash.to_string(),
            "step": at,
            "content": trajectory.steps.get(at - 1),
            "flags": flags.collect::<Vec<_>>(),
            "mark": step.map(|step| mark(shown, at, step)),
        }));
    }
    let pairs = shown.pairs();
    let contents: Vec<_> = pairs.iter().map(|(pair, _)| pair).collect();
    let reviews: Vec<Value> = pairs
        .iter()
        .map(|(_, pair)| pair_json(shown, pair))
        .collect();
    let marks = shown.current.steps.iter().enumerate();
    let marks: Vec<Value> = marks.map(|(at, step)| mark(shown, at + 1, step)).collect();
    let review = review_json(shown.subject.review(), shown.subject.state(), shown);
    let conflicts = shown.current.conflicts.iter().map(|conflict| {
        json!({
            "record": conflict.record,
            "step": conflict.step.map(|step| step.to_string()),
            "reason": conflict.reason.to_string(),
            "applied": conflict.reason.is_applied(),
        })
    });
    let id = TargetId {
        record: record.id.clone(),
        part: target.part.clone(),
    };
    Ok(json!({
        "id": id.to_string(),
        "hash": record.hash.to_string(),
        "trajectory": trajectory,
        "pairs": contents,
        "flags": shown.flags,
        "problems": record.content.problems,
        "original": shown.is_original,
        "review": review,
        "marks": if trajectory.is_some() { marks } else { Vec::new() },
        "pair_reviews": reviews,
        "lost_pairs": shown.current.lost_pairs,
        "conflicts": conflicts.collect::<Vec<_>>(),
        "source_changes": shown.changes.iter().map(|change| change.json(shown)).collect::<Vec<_>>(),
    }))
}

fn pair_json(shown: &Shown<'_>, pair: &CurrentPair) -> Value {
    let made = shown.current.review.pairs.iter();
    let part = pair.target.part.as_deref();
    let made = made.clone().find(|made| Some(made.id.to_string().as_str()) == part);
    json!({
        "id": pair.target.to_string(),
        "made_by": made.map(|made| made.annotator.to_string()),
        "made_at": made.map(|made| made.time.to_string()),
        "review": review_json(&pair.review, pair.state, shown),
    })
}

/// What is to be said of a step besides its content.
fn mark(shown: &Shown<'_>, number: usize, step: &EditedStep) -> Value {
    let review = &shown.current.review;
    let labels = review.labels.get(&step.key).into_iter().flatten();
    let labels = labels.map(|(by, label)| json!({ "annotator": by, "value": label.value() }));
    let first_wrong = review.first_wrong_steps.iter();
    let first_wrong = first_wrong.filter(|(_, key)| **key == step.key);
    let notes = review
        .notes
        .iter()
        .filter(|note| note.step == Some(step.key));
    json!({
        "step": number,
        "key": step.key.to_string(),
        "edited": step.is_edited,
        "added": matches!(step.key, StepKey::Added(_)),
        "stale": step.stale.map(staleness_name),
        "labels": labels.collect::<Vec<_>>(),
        "first_wrong": first_wrong.map(|(by, _)| by.to_string()).collect::<Vec<_>>(),
        "notes": notes_json(notes),
    })
}

fn staleness_name(staleness: Staleness) -> &'static str {
    match staleness {
        Staleness::Observation => "observation",
        Staleness::Step => "step",
    }
}
