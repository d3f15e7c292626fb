//! A line is read the same, whichever way it is read.

use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::line::{self, Shared};
use crate::domain::review::{
    Adjudication, Assignment, Blindness, CandidateReference, Edit, Field, Judgement,
    LiteralCandidate, NewPair, NewStep, NoteText, Orientation, Place, Rejection, Reversal,
    ReviewRecord, Side, StepKey, StepLabel, TagName, Target, TextHash, Timestamp, ToolResult,
    UnknownVerb, Verb,
};
use crate::domain::{ContentHash, TargetId};

/// A verb of every kind, with this text in it.
fn verbs(text: &str) -> Vec<Verb> {
    let text = text.to_owned();
    let why = Rejection {
        reasons: vec!["other".to_owned(), text.clone()],
        text: text.clone(),
    };
    let literal = LiteralCandidate {
        thought: Some(text.clone()),
        code: None,
        observation: Some(String::new()),
    };
    let unknown = |payload: Option<&str>| {
        Verb::Unknown(Box::new(UnknownVerb {
            name: "a-later-verb".to_owned(),
            payload: payload.map(str::to_owned),
            problem: None,
        }))
    };
    vec![
        Verb::Accept,
        Verb::AcceptPair(Orientation::open(true)),
        Verb::Reject(why.clone()),
        Verb::AcceptPair(Orientation {
            swapped: false,
            left: Some(Side::Rejected),
        }),
        Verb::Tie,
        Verb::TieBlind(Blindness { left: Side::Chosen }),
        Verb::Label(StepLabel::new(-1).expect("label")),
        Verb::FirstWrongStep,
        Verb::Tag(TagName { tag: text.clone() }),
        Verb::Untag(TagName { tag: text.clone() }),
        Verb::Note(NoteText {
            text: text.clone(),
            replaces: Some(Uuid::from_u128(9)),
        }),
        Verb::Edit(Edit {
            field: Field::Code,
            side: Some(Side::Rejected),
            text: text.clone(),
            against: TextHash::of("before"),
        }),
        Verb::AddStep(Box::new(NewStep {
            after: Some(StepKey::Added(Uuid::from_u128(3))),
            texts: literal.clone(),
        })),
        Verb::RemoveStep,
        Verb::MoveStep(Place { after: None }),
        Verb::Fresh,
        Verb::ToolResult(Box::new(ToolResult {
            tool: "ocr".to_owned(),
            arguments: text.clone(),
            result: text.clone(),
        })),
        Verb::PairNew(Box::new(NewPair {
            chosen: CandidateReference::Literal(literal),
            rejected: CandidateReference::Step,
            reason: text.clone(),
        })),
        Verb::PairSwap(Orientation::open(false)),
        Verb::Assign(Assignment {
            queue: text.clone(),
            annotators: vec!["ana".to_owned(), text],
        }),
        Verb::Adjudicate(Adjudication {
            verdict: Judgement::Accept,
            swapped: true,
            why,
        }),
        Verb::Undo(Reversal {
            reverses: Uuid::from_u128(5),
        }),
        unknown(None),
        unknown(Some("{\"x\":[1,2]}")),
    ]
}

fn record(verb: Verb, id: &str, annotator: &str, number: u64) -> ReviewRecord {
    let whole = Target::new(
        TargetId::parse(id),
        ContentHash([u8::try_from(number % 251).expect("a byte"); 32]),
    );
    let target = match number % 4 {
        0 => None,
        1 => Some(whole),
        2 => Some(whole.with_step(StepKey::Source(12))),
        _ => Some(whole.with_step(StepKey::Added(Uuid::from_u128(7)))),
    };
    ReviewRecord {
        sequence: number,
        id: Uuid::from_u128(u128::from(number) << 3),
        time: Timestamp::from_milliseconds(number * 1_000_003),
        annotator: Arc::from(annotator),
        target,
        verb,
        batch: number.is_multiple_of(3).then_some(Uuid::from_u128(11)),
        checksum: 0,
    }
}

/// The line of a record, without its end, and its checksum.
fn written(record: &mut ReviewRecord) -> Vec<u8> {
    let mut bytes = Vec::new();
    line::write(record, &mut bytes).expect("written");
    assert_eq!(bytes.pop(), Some(b'\n'));
    bytes
}

fn both(line: &[u8]) -> (Option<ReviewRecord>, Result<ReviewRecord, String>) {
    let text = std::str::from_utf8(line).expect("UTF-8");
    let quick = line::read_layout(text, 1, &mut Shared::default());
    (quick, line::read_json(text, 1, &mut Shared::default()))
}

#[test]
fn what_is_written_is_read_without_a_json_parser() {
    for (number, verb) in (1..).zip(verbs("plain text, with 漢字")) {
        let is_known = !matches!(verb, Verb::Unknown(_));
        let mut record = record(verb, "m-trace/a%20b:2.3", "ana", number);
        let line = written(&mut record);
        let (quick, slow) = both(&line);
        record.checksum = 1;
        assert_eq!(slow.as_ref(), Ok(&record), "{number}");
        assert_eq!(quick.is_some(), is_known, "{number}");
        assert!(quick.is_none_or(|quick| quick == record), "{number}");
    }
}

#[test]
fn what_only_looks_like_a_line_is_left_to_the_json_parser() {
    let mut tie = record(Verb::Tie, "a/1", "ana", 3);
    let line = String::from_utf8(written(&mut tie)).expect("UTF-8");
    let with = |from: &str, to: &str| {
        assert!(line.contains(from), "{line}");
        line.replacen(from, to, 1)
    };
    for other in [
        with("\"version\":1", "\"version\":2"),
        with("\"sequence\":3", "\"sequence\":03"),
        with("\"sequence\":3", "\"sequence\":+3"),
        with("\"tie\"", "\"tie\",\"payload\":{broken"),
        with("\"tie\"", "\"tie\",\"more\":1"),
        with("\"ana\"", "\"a\nna\""),
        with("\"ana\"", "\"a\\u006ea\""),
        with("{\"version\"", "{ \"version\""),
    ] {
        assert_eq!(both(other.as_bytes()).0, None, "{other}");
    }
    let escaped = with("\"ana\"", "\"a\\u006ea\"");
    assert_eq!(
        both(escaped.as_bytes()).1.map(|r| r.annotator.to_string()),
        Ok("ana".to_owned())
    );
}

proptest! {
    #[test]
    fn both_ways_say_the_same(
        text in ".{0,20}",
        id in "[a-z\"\\\\/:%é]{1,12}",
        annotator in ".{1,8}",
        number in 0_u64..1000,
        verb in 0_usize..21,
        change in proptest::option::of((0_usize..400, "[ -~]{0,3}")),
    ) {
        let verb = verbs(&text).remove(verb);
        let mut record = record(verb, &id, &annotator, number);
        let mut line = String::from_utf8(written(&mut record)).expect("UTF-8");
        // The end with the checksum was compared before.
        if let Some((at, put)) = change {
            let at = (0..=at % (line.len() - 31)).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            let end = (at + 1..=line.len()).find(|end| line.is_char_boundary(*end)).unwrap_or(at);
            line.replace_range(at..end, &put);
        }
        let (quick, slow) = both(line.as_bytes());
        if let Some(quick) = quick {
            prop_assert_eq!(Ok(quick), slow, "{}", line);
        }
    }
}
