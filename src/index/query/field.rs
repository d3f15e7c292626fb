//! The fields of the query language, as one table.

/// How the values of a field are read and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Running text, searched by its words; takes regular expressions.
    Text,
    /// A whole value, compared without regard to case; takes `prefix*`.
    Keyword,
    /// A whole number; takes comparisons and ranges.
    Number,
    /// `has:`, whether something is there.
    Has,
    /// `is:`, a state.
    Is,
    /// `in:`, what the results are.
    In,
}

/// A field of the query language.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The name before the colon.
    pub name: &'static str,
    /// How its values are read.
    pub kind: FieldKind,
    /// What it holds, in one line.
    pub doc: &'static str,
    /// A clause that uses it.
    pub example: &'static str,
    /// The only values it has, or empty where the data decides.
    pub values: &'static [&'static str],
}

const fn text(name: &'static str, doc: &'static str, example: &'static str) -> Field {
    field(name, FieldKind::Text, doc, example, &[])
}

const fn keyword(
    name: &'static str,
    doc: &'static str,
    example: &'static str,
    values: &'static [&'static str],
) -> Field {
    field(name, FieldKind::Keyword, doc, example, values)
}

const fn number(name: &'static str, doc: &'static str, example: &'static str) -> Field {
    field(name, FieldKind::Number, doc, example, &[])
}

const fn field(
    name: &'static str,
    kind: FieldKind,
    doc: &'static str,
    example: &'static str,
    values: &'static [&'static str],
) -> Field {
    Field {
        name,
        kind,
        doc,
        example,
        values,
    }
}

/// Every field, in the order in which help lists them.
pub static FIELDS: &[Field] = &[
    text("task", "what the agent was asked", "task:\"how many\""),
    text("thought", "what the agent thought", "thought:compare*"),
    text(
        "code",
        "the code or tool calls of a step",
        r"code:/ocr\(.*en/",
    ),
    text(
        "observation",
        "what a step printed",
        "observation:FileNotFoundError",
    ),
    text(
        "answer",
        "the final or the reference answer",
        "answer:Paris",
    ),
    text(
        "reason",
        "why a judge or a person chose",
        "reason:hallucinat*",
    ),
    text("note", "what annotators noted", "note:\"check again\""),
    text("edit", "what annotators wrote instead", "edit:search"),
    keyword("id", "the record, `<source>/<record>`", "id:demo/*", &[]),
    keyword(
        "source",
        "the source's name in this workspace",
        "source:mtrace",
        &[],
    ),
    keyword("format", "the format it was read as", "format:atif", &[]),
    keyword(
        "tool",
        "a tool that was called",
        "tool:(ocr OR search)",
        &[],
    ),
    keyword(
        "review",
        "what people decided",
        "review:accepted",
        &["unreviewed", "accepted", "rejected", "disputed", "tie"],
    ),
    keyword(
        "label",
        "what people say of a step",
        "label:first-wrong",
        &["good", "neutral", "bad", "first-wrong"],
    ),
    keyword("tag", "a tag people gave", "tag:good-example", &[]),
    keyword("queue", "a queue it was put into", "queue:pilot", &[]),
    keyword(
        "assigned",
        "an annotator who is to look at it",
        "assigned:ana",
        &[],
    ),
    keyword(
        "verdict",
        "what the data or people say of it",
        "verdict:incorrect",
        &[
            "correct",
            "incorrect",
            "unknown",
            "accepted",
            "rejected",
            "tie",
        ],
    ),
    keyword(
        "flag",
        "what the rules found",
        "flag:repeated-call",
        &[
            "no-tool",
            "unparsed",
            "error",
            "infra-error",
            "unknown-tool",
            "bad-arguments",
            "unlisted-path",
            "missing-file",
            "repeated-call",
            "ungrounded-answer",
            "no-progress",
            "duplicate-task",
        ],
    ),
    keyword("type", "the file type of an attachment", "type:pdf", &[]),
    keyword(
        "benchmark",
        "the benchmark it belongs to",
        "benchmark:gaia",
        &[],
    ),
    keyword("run", "the run's name", "run:baseline", &[]),
    keyword("model", "the controller that made it", "model:gpt-4*", &[]),
    keyword(
        "outcome",
        "what the benchmark's scorer says",
        "outcome:fail",
        &["pass", "fail", "unknown"],
    ),
    keyword(
        "replay",
        "what a replay said of a step",
        "replay:differs",
        &[
            "match",
            "match-normalised",
            "match-stubbed",
            "error-reproduced",
            "differs",
            "error-not-reproduced",
            "tool-result-unknown",
            "unsupported",
            "not-run",
        ],
    ),
    keyword(
        "role",
        "training data, a benchmark's gold, or a run",
        "role:gold",
        &["data", "gold", "run"],
    ),
    keyword("hash", "the content hash", "hash:1f3a*", &[]),
    number(
        "step",
        "the step's number, from 1; of a trajectory, any of its steps",
        "step:>5",
    ),
    number("steps", "how many steps the trajectory has", "steps:2..4"),
    number("level", "the benchmark's level of difficulty", "level:2"),
    number("bytes", "the size of the text", "bytes:>10000"),
    number("pictures", "how many pictures it has", "pictures:>=2"),
    field(
        "has",
        FieldKind::Has,
        "something is there",
        "has:image",
        &[
            "image",
            "error",
            "code",
            "candidates",
            "edit",
            "answer",
            "observation",
            "thought",
            "attachment",
            "reference",
        ],
    ),
    field(
        "is",
        FieldKind::Is,
        "a state, or what a record is",
        "is:stale",
        &[
            "reviewed",
            "unreviewed",
            "accepted",
            "rejected",
            "stale",
            "disputed",
            "tie",
            "error",
            "gold",
            "run",
            "pair",
            "source-changed",
        ],
    ),
    field(
        "in",
        FieldKind::In,
        "what the results are (else records)",
        "in:step",
        &["record", "trajectory", "step", "pair"],
    ),
];

/// The field with this name, without regard to case.
pub fn field_named(name: &str) -> Option<&'static Field> {
    FIELDS
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name))
}

impl Field {
    /// The table's spelling of one of the field's own values.
    pub fn value_named(&self, value: &str) -> Option<&'static str> {
        self.values
            .iter()
            .copied()
            .find(|known| known.eq_ignore_ascii_case(value))
    }
}

/// The field name that a text opens with, as written: letters, digits, `_` and `-` up to a colon.
///
/// An address (`https://…`) is no field, unless a field has that name.
pub(super) fn leading_name(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once(':')?;
    let shaped = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (shaped && (!rest.starts_with("//") || field_named(name).is_some())).then_some(name)
}

/// The known name nearest to what was typed: a slip of a letter or two, or its beginning.
pub fn closest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let length = typed.chars().count();
    if length > 40 {
        return None;
    }
    names
        .into_iter()
        .filter_map(|name| {
            let distance = strsim::osa_distance(&typed, name);
            if distance <= (length.max(name.len()) / 3).max(1) {
                Some((distance, name))
            } else {
                (length >= 2 && name.starts_with(&typed)).then_some((length + distance, name))
            }
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Outcome, ReviewState, Verdict};

    #[test]
    fn names_and_values_are_distinct_and_plain() {
        for (number, field) in FIELDS.iter().enumerate() {
            assert!(
                FIELDS[..number]
                    .iter()
                    .all(|other| other.name != field.name)
            );
            for name in field.values.iter().chain([&field.name]) {
                assert!(
                    name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                    "{name}"
                );
            }
            assert!(field.example.contains(':'));
        }
    }

    #[test]
    fn enumerated_values_are_those_of_the_domain() {
        let values = |name| field_named(name).unwrap().values.to_vec();
        assert_eq!(values("review"), ReviewState::ALL.map(ReviewState::name));
        let verdicts = [Verdict::Correct, Verdict::Incorrect, Verdict::Unknown];
        let given = [
            ReviewState::Accepted,
            ReviewState::Rejected,
            ReviewState::Tie,
        ];
        let all = verdicts.map(Verdict::name).into_iter();
        let all: Vec<_> = all.chain(given.map(ReviewState::name)).collect();
        assert_eq!(values("verdict"), all);
        let outcomes = [Outcome::Pass, Outcome::Fail, Outcome::Unknown];
        assert_eq!(values("outcome"), outcomes.map(Outcome::name));
    }

    #[test]
    fn slips_find_the_field() {
        let near = |typed| closest(typed, FIELDS.iter().map(|field| field.name));
        assert_eq!(near("tol"), Some("tool"));
        assert_eq!(near("otol"), Some("tool"));
        assert_eq!(near("TOOLS"), Some("tool"));
        assert_eq!(near("obs"), Some("observation"));
        assert_eq!(near("bechmark"), Some("benchmark"));
        assert_eq!(near("zzzz"), None);
        assert_eq!(near(&"t".repeat(5000)), None);
    }

    #[test]
    fn an_address_is_no_field() {
        assert_eq!(leading_name("tool:ocr"), Some("tool"));
        assert_eq!(leading_name("nonsense:x"), Some("nonsense"));
        assert_eq!(leading_name("https://example.org"), None);
        assert_eq!(leading_name("source://x"), Some("source"));
        assert_eq!(leading_name("12:30"), None);
        assert_eq!(leading_name("a b:c"), None);
        assert_eq!(leading_name(":c"), None);
    }
}
