//! Records of journals in words.

use super::{Edit, Judgement, NewStep, Place, Rejection, ReviewRecord, Side, StepKey, Verb};

/// Longer texts are cut where they are only mentioned.
const MENTIONED: usize = 60;

/// What a record says, without whom and what it is about: `rejected (wrong-answer: “the year is 1420”)`.
pub fn words(record: &ReviewRecord) -> String {
    let step = record.step();
    let of_step = step.map_or(String::new(), |step| format!(" {}", step_words(step)));
    match &record.verb {
        Verb::Accept => "accepted".to_owned(),
        Verb::AcceptPair(orientation) => format!("accepted{}", swapped_words(orientation.swapped)),
        Verb::Reject(why) => format!("rejected{}", why_words(why)),
        Verb::Tie | Verb::TieBlind(_) => "called equally good".to_owned(),
        Verb::Label(label) => format!("labelled{of_step} as {}", label_words(label.value())),
        Verb::FirstWrongStep => format!("called{of_step} the first wrong one"),
        Verb::Tag(tag) => format!("tagged {}", tag.tag),
        Verb::Untag(tag) => format!("took the tag {} away", tag.tag),
        Verb::Note(note) => match (note.text.is_empty(), note.replaces) {
            (true, _) => "took a note away".to_owned(),
            (false, Some(_)) => format!("changed a note to “{}”", mentioned(&note.text)),
            (false, None) => format!("noted{} “{}”", on(&of_step), mentioned(&note.text)),
        },
        Verb::Edit(edit) => edit_words(edit, &of_step),
        Verb::AddStep(new) => added_words(new),
        Verb::RemoveStep => format!("removed{of_step}"),
        Verb::MoveStep(place) => format!("moved{of_step} {}", place_words(*place)),
        Verb::Fresh => format!("confirmed{of_step}"),
        Verb::ToolResult(given) => format!(
            "said that {}({}){} returned “{}”",
            given.tool,
            mentioned(&given.arguments),
            match of_step.as_str() {
                "" => String::new(),
                step => format!(" of{step}"),
            },
            mentioned(&given.result)
        ),
        Verb::PairNew(_) => format!("made a pair of{of_step}"),
        Verb::PairSwap(_) => "swapped the sides".to_owned(),
        Verb::Assign(assignment) => {
            let to = assignment.annotators.join(", ");
            match assignment.queue.as_str() {
                "" => format!("assigned to {to}"),
                queue => format!("assigned to {to} (queue {queue})"),
            }
        }
        Verb::Adjudicate(adjudication) => {
            let verdict = match adjudication.verdict {
                Judgement::Accept => format!("accepted{}", swapped_words(adjudication.swapped)),
                Judgement::Reject => "rejected".to_owned(),
                Judgement::Tie => "equally good".to_owned(),
            };
            format!("adjudicated: {verdict}{}", why_words(&adjudication.why))
        }
        Verb::Undo(_) => "undid".to_owned(),
        Verb::Redo(_) => "redid".to_owned(),
        Verb::Unknown(unknown) => format!("{} (a verb of another version)", unknown.name),
    }
}

/// A label as people write it.
pub fn label_words(value: i8) -> String {
    match value {
        0 => "0".to_owned(),
        value => format!("{value:+}"),
    }
}

/// Which way a pair is meant.
pub fn swapped_words(swapped: bool) -> &'static str {
    match swapped {
        true => " with its sides swapped",
        false => "",
    }
}

fn on(of_step: &str) -> String {
    match of_step {
        "" => String::new(),
        step => format!(" on{step}"),
    }
}

/// A step's name in words; its number is the source's, and not that of what is shown.
pub fn step_words(step: StepKey) -> String {
    match step {
        StepKey::Source(number) => format!("step {number}"),
        StepKey::Added(id) => format!("the added step {id}"),
    }
}

/// Why something was rejected: ` (wrong-answer: “the year is 1420”)`, or nothing.
pub fn why_words(why: &Rejection) -> String {
    let text = match why.text.is_empty() {
        true => None,
        false => Some(format!("“{}”", mentioned(&why.text))),
    };
    let reasons = (!why.reasons.is_empty()).then(|| why.reasons.join(", "));
    match (reasons, text) {
        (None, None) => String::new(),
        (Some(only), None) | (None, Some(only)) => format!(" ({only})"),
        (Some(reasons), Some(text)) => format!(" ({reasons}: {text})"),
    }
}

fn edit_words(edit: &Edit, of_step: &str) -> String {
    let field = edit.field.name();
    let side = edit.side.map_or("", |side| match side {
        Side::Chosen => " of the candidate made as chosen",
        Side::Rejected => " of the candidate made as rejected",
    });
    let of_step = match of_step {
        "" => String::new(),
        step => format!(" of{step}"),
    };
    format!("edited the {field}{of_step}{side}")
}

fn added_words(new: &NewStep) -> String {
    let place = Place { after: new.after };
    format!("added a step {}", place_words(place))
}

fn place_words(place: Place) -> String {
    match place.after {
        Some(step) => format!("behind {}", step_words(step)),
        None => "to the first place".to_owned(),
    }
}

/// The beginning of a text, on one line.
pub fn mentioned(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MENTIONED) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// How many ids are named of records that say the same.
const NAMED: usize = 5;

/// What a batch says: of records that say the same the words once, and what they are about.
pub fn batch_words(records: &[&ReviewRecord]) -> Vec<(String, Vec<String>)> {
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    for record in records {
        let words = words(record);
        let about = match &record.target {
            Some(target) => target.reference.id.to_string(),
            None => String::new(),
        };
        match said.iter_mut().find(|(known, _)| *known == words) {
            Some((_, ids)) => ids.push(about),
            None => said.push((words, vec![about])),
        }
    }
    said
}

/// Ids in one line: the first of them, and how many more there are.
pub fn ids_words(ids: &[String]) -> String {
    let named = ids
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match ids.len().checked_sub(NAMED) {
        None | Some(0) => named,
        Some(more) => format!("{named} and {more} more"),
    }
}
