//! What people decided, in the `extra` of an ATIF trajectory and of its steps, under `review`: the specification has no
//! field for it.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::atif;
use super::original::unsupported;
use crate::domain::ReviewState;
use crate::domain::review::{Note, Opinion, Rejection, Review, StepKey};
use crate::export::json_text::RawObject;
use crate::export::{Outgoing, Refusal};

const KEY: &str = "review";

/// The row with the review in it; without one as it is.
pub(in crate::export) fn with_review(json: String, outgoing: &Outgoing) -> Result<String, Refusal> {
    let steps: Vec<StepKey> = outgoing.steps.iter().map(|step| step.key).collect();
    let whole = whole_review(&outgoing.review, outgoing.state, &steps);
    let of_steps: Vec<Value> = steps
        .iter()
        .map(|key| step_review(&outgoing.review, *key))
        .collect();
    if is_empty(&whole) && of_steps.iter().all(is_empty) {
        return Ok(json);
    }
    let mut row = RawObject::parse(&json)?;
    if !is_empty(&whole) {
        add(&mut row, &whole)?;
    }
    let written = row.get("steps").ok_or_else(|| unsupported(atif::NAME))?;
    let mut written: Vec<RawObject> = serde_json::from_str(written.get())?;
    let is_own = |step: &&mut RawObject| step.text("source").as_deref() == Some("agent");
    for (step, review) in written.iter_mut().filter(is_own).zip(&of_steps) {
        if !is_empty(review) {
            add(step, review)?;
        }
    }
    row.set("steps", &written)?;
    row.to_json()
}

fn is_empty(review: &Value) -> bool {
    review.as_object().is_none_or(Map::is_empty)
}

/// Adds a review to the `extra` of an object, whose other members stay as they are.
fn add(object: &mut RawObject, review: &Value) -> Result<(), Refusal> {
    let known: Option<&RawValue> = object.get("extra");
    let mut extra = match known.filter(|extra| extra.get() != "null") {
        Some(extra) => RawObject::parse(extra.get())?,
        None => RawObject::default(),
    };
    extra.set(KEY, review)?;
    object.set("extra", &extra)
}

/// An object of the members that are not empty.
fn filled(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let is_filled = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let members = members.into_iter().filter(|(_, value)| is_filled(value));
    Value::Object(
        members
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn whole_review(review: &Review, state: ReviewState, steps: &[StepKey]) -> Value {
    let verdicts = review.verdicts.iter().map(|(annotator, given)| {
        let verdict = match given.opinion {
            Opinion::Accept => "accept",
            Opinion::Reject => "reject",
            Opinion::Tie => "tie",
        };
        judged(
            annotator,
            verdict,
            &given.why,
            given.time.to_string().into(),
        )
    });
    let adjudication = review
        .adjudication
        .as_ref()
        .map(|(annotator, adjudication)| {
            let verdict = adjudication.verdict.name();
            judged(annotator, verdict, &adjudication.why, Value::Null)
        });
    let first_wrong = review
        .first_wrong_steps
        .iter()
        .filter_map(|(annotator, key)| {
            let place = steps.iter().position(|step| step == key)?;
            Some(json!({"annotator": &**annotator, "step": place + 1}))
        });
    let tags: Vec<&String> = review.tags.keys().collect();
    let of_step = |note: &&Note| note.step.is_none_or(|key| !steps.contains(&key));
    filled([
        (
            "state",
            match state {
                ReviewState::Unreviewed => Value::Null,
                state => state.name().into(),
            },
        ),
        ("verdicts", verdicts.collect()),
        ("adjudication", json!(adjudication)),
        ("first_wrong_steps", first_wrong.collect()),
        ("tags", json!(tags)),
        (
            "notes",
            review.notes.iter().filter(of_step).map(note).collect(),
        ),
    ])
}

fn judged(annotator: &str, verdict: &str, why: &Rejection, time: Value) -> Value {
    filled([
        ("annotator", annotator.into()),
        ("verdict", verdict.into()),
        ("reasons", json!(why.reasons)),
        ("text", why.text.as_str().into()),
        ("time", time),
    ])
}

fn note(note: &Note) -> Value {
    json!({"annotator": &*note.annotator, "time": note.time.to_string(), "text": note.text})
}

fn step_review(review: &Review, key: StepKey) -> Value {
    let labels = review.labels.get(&key).into_iter().flatten();
    let labels =
        labels.map(|(annotator, label)| json!({"annotator": &**annotator, "value": label.value()}));
    let notes = review.notes.iter().filter(|note| note.step == Some(key));
    filled([
        ("labels", labels.collect()),
        ("notes", notes.map(note).collect()),
    ])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::domain::review::Judgement;
    use crate::domain::review::{Adjudication, GivenVerdict, Timestamp};
    use crate::export::target_named;
    use crate::export::test_items::{code_run, first_wrong, label, run};

    const WHEN: &str = "2026-03-01T10:00:00.000Z";

    fn time() -> Timestamp {
        WHEN.parse().unwrap()
    }

    fn row(outgoing: &Outgoing) -> Value {
        let rendered = target_named("atif").unwrap().rows_of(outgoing);
        serde_json::from_str(&rendered.rows[0].json).unwrap()
    }

    #[test]
    fn decisions_are_in_extra() {
        let mut outgoing = run(code_run());
        assert!(row(&outgoing)["extra"].get("review").is_none());
        let why = Rejection {
            reasons: vec!["hallucination".to_owned()],
            text: "No kite.".to_owned(),
        };
        let review = &mut outgoing.review;
        review.verdicts.insert(
            Arc::from("ann"),
            GivenVerdict {
                record: Uuid::from_u128(1),
                time: time(),
                opinion: Opinion::Reject,
                why,
                swapped: false,
            },
        );
        review.adjudication = Some((
            Arc::from("ben"),
            Adjudication {
                verdict: Judgement::Accept,
                swapped: false,
                why: Rejection::default(),
            },
        ));
        review.tags.insert("hard".to_owned(), Arc::from("ann"));
        for (step, text) in [(None, "Odd."), (Some(StepKey::Source(2)), "Why again?")] {
            review.notes.push(Note {
                id: Uuid::from_u128(2),
                annotator: Arc::from("ann"),
                time: time(),
                step,
                text: text.to_owned(),
            });
        }
        label(&mut outgoing, "ann", 2, -1);
        first_wrong(&mut outgoing, "ben", 3);
        outgoing.state = ReviewState::Accepted;
        let row = row(&outgoing);
        assert_eq!(
            row["extra"]["review"],
            json!({
                "state": "accepted",
                "verdicts": [{"annotator": "ann", "verdict": "reject", "reasons": ["hallucination"], "text": "No kite.", "time": WHEN}],
                "adjudication": {"annotator": "ben", "verdict": "accept"},
                "first_wrong_steps": [{"annotator": "ben", "step": 3}],
                "tags": ["hard"],
                "notes": [{"annotator": "ann", "time": WHEN, "text": "Odd."}],
            })
        );
        assert_eq!(row["extra"]["answer"], "blue");
        let agent: Vec<&Value> = row["steps"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|step| step["source"] == "agent")
            .collect();
        assert_eq!(
            agent[1]["extra"]["review"],
            json!({
                "labels": [{"annotator": "ann", "value": -1}],
                "notes": [{"annotator": "ann", "time": WHEN, "text": "Why again?"}],
            })
        );
        assert!(agent[0].get("extra").is_none());
    }

    #[test]
    fn the_rest_of_the_record_keeps_its_text() {
        let mut outgoing = run(code_run());
        label(&mut outgoing, "ann", 1, 1);
        let json = r#"{"n": 1.50, "steps": [{"source":"user"}, {"source":"agent","extra":{"x":1e2}}, {"source":"agent"}], "extra":null}"#;
        assert_eq!(
            with_review(json.to_owned(), &outgoing).unwrap(),
            r#"{"n":1.50,"steps":[{"source":"user"},{"source":"agent","extra":{"x":1e2,"review":{"labels":[{"annotator":"ann","value":1}]}}},{"source":"agent"}],"extra":null}"#
        );
        outgoing.review = Review::default();
        assert_eq!(with_review(json.to_owned(), &outgoing).unwrap(), json);
    }
}
