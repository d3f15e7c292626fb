//! The verifier's words: JSON `{"thought": …, "correct": "yes"|"no"}` inside quotes, fences, `### start json` marks, or bare.

use serde::Deserialize;

use super::json_text::JsonText;
use crate::domain::{Verdict, Verification};

/// A verifier may write braces before its JSON; it is not searched for further than this many.
const MAX_BRACES: usize = 8;

/// Reads `correct` and `traj_verification`. Where both judge and disagree, `correct` counts and `problems` says so.
pub fn read_verification(
    correct: Option<&str>,
    verification: Option<&str>,
    problems: &mut Vec<String>,
) -> Option<Verification> {
    let stated = correct.map(verdict_of);
    let (written, reason) = match verification {
        Some(text) => {
            let (verdict, reason) = parse_words(text);
            (Some(verdict), reason)
        }
        None => (None, None),
    };
    let verdict = match (stated, written) {
        (None, None) => return None,
        (Some(Verdict::Unknown) | None, Some(written)) => written,
        (Some(stated), Some(written)) => {
            if written != Verdict::Unknown && written != stated {
                problems.push(format!(
                    "correct says {}, traj_verification says {}; correct counts",
                    stated.name(),
                    written.name()
                ));
            }
            stated
        }
        (Some(stated), None) => stated,
    };
    Some(Verification { verdict, reason })
}

#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow, default)]
    thought: JsonText<'a>,
    #[serde(borrow, default)]
    correct: JsonText<'a>,
}

/// The verdict in a verifier's reply, and its thought; what cannot be parsed is its own reason.
fn parse_words(text: &str) -> (Verdict, Option<String>) {
    let objects = text.match_indices('{').take(MAX_BRACES);
    for (at, _) in objects {
        let tail = text.get(at..).unwrap_or_default();
        let first = serde_json::Deserializer::from_str(tail)
            .into_iter::<Words<'_>>()
            .next();
        if let Some(Ok(words)) = first
            && (words.correct.0.is_some() || words.thought.0.is_some())
        {
            let verdict = words.correct.as_str().map_or(Verdict::Unknown, verdict_of);
            return (verdict, words.thought.into_string());
        }
    }
    // Invalid JSON is common where a thought has quotes or line breaks; the reference looks for these words alone.
    let written = text
        .split_once("\"correct\"")
        .and_then(|(_, after)| after.trim_start().strip_prefix(':'))
        .and_then(|after| after.trim_start().strip_prefix('"'))
        .and_then(|after| after.split('"').next());
    let reason = text.trim();
    (
        written.map_or(Verdict::Unknown, verdict_of),
        (!reason.is_empty()).then(|| reason.to_owned()),
    )
}

fn verdict_of(word: &str) -> Verdict {
    match word.trim().to_ascii_lowercase().as_str() {
        "yes" | "true" | "correct" => Verdict::Correct,
        "no" | "false" | "incorrect" => Verdict::Incorrect,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(correct: Option<&str>, text: Option<&str>) -> (Verdict, Option<String>, usize) {
        let mut problems = Vec::new();
        let verification = read_verification(correct, text, &mut problems).unwrap();
        (verification.verdict, verification.reason, problems.len())
    }

    #[test]
    fn four_wrappings_hold_the_same_verdict() {
        let json = "{\n\"thought\": \"Good.\",\n\"correct\": \"yes\"\n}";
        let wrapped = [
            format!("'''\n### start json\n{json}\n### end json\n'''"),
            format!("```json\n{json}\n```"),
            format!("### start json\n{json}\n### end json"),
            format!("```\n### start json\n{json}\n### end json\n```"),
            json.to_owned(),
        ];
        for text in wrapped {
            let expected = (Verdict::Correct, Some("Good.".to_owned()), 0);
            assert_eq!(read(None, Some(&text)), expected, "{text}");
        }
    }

    #[test]
    fn correct_counts_and_disagreement_is_said() {
        let no = "{\"thought\": \"Bad.\", \"correct\": \"no\"}";
        let reason = Some("Bad.".to_owned());
        assert_eq!(
            read(Some("yes"), Some(no)),
            (Verdict::Correct, reason.clone(), 1)
        );
        assert_eq!(
            read(Some("no"), Some(no)),
            (Verdict::Incorrect, reason.clone(), 0)
        );
        assert_eq!(
            read(Some("maybe"), Some(no)),
            (Verdict::Incorrect, reason, 0)
        );
        assert_eq!(read(Some("True"), None), (Verdict::Correct, None, 0));
        assert_eq!(read_verification(None, None, &mut Vec::new()), None);
    }

    #[test]
    fn broken_json_keeps_its_words() {
        let broken = "```json\n{\"thought\": \"He said \"no\".\", \"correct\" : \"no\"}\n```";
        assert_eq!(
            read(None, Some(broken)),
            (Verdict::Incorrect, Some(broken.to_owned()), 0)
        );
        let prose = " It looks fine. ";
        assert_eq!(
            read(None, Some(prose)),
            (Verdict::Unknown, Some("It looks fine.".to_owned()), 0)
        );
        assert_eq!(
            read(None, Some("{set} {\"correct\": \"yes\"}")),
            (Verdict::Correct, None, 0)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(correct in proptest::option::of(".*"), text in proptest::option::of("[{}\":a-z\\s\\PC]*")) {
            let read = read_verification(correct.as_deref(), text.as_deref(), &mut Vec::new());
            proptest::prop_assert_eq!(read.is_some(), correct.is_some() || text.is_some());
        }
    }
}
