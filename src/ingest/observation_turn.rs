//! The turn that answers a code agent's step: `[OUTPUT OF STEP i] Observation:\n…` or `[OUTPUT OF STEP i] Error: …`.
//!
//! What the agent loop adds to an error ("Now let's retry …") is part of what the controller saw, so it stays.

use std::ops::Range;

use crate::domain::Observation;

/// How observations open that are errors although no turn header says so: beams and DPO files keep the text alone.
const ERROR_OPENINGS: [&str; 5] = [
    // transformers.agents, ReactCodeAgent.step
    "Error in code parsing:",
    "Code execution failed due to the following error:",
    "Error in generating llm output:",
    // The Pref-X sampler
    "Error in extracting action",
    "LLM output failed. No output generated.",
];

/// An observation turn, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationTurn {
    /// The step that the header names, counted from 0; `None` without a header.
    pub step: Option<usize>,
    /// Whether the header or the text says that executing the step failed.
    pub is_error: bool,
    /// The text's bytes, without header and trailing white space; on character boundaries, maybe empty.
    pub text: Range<usize>,
}

impl ObservationTurn {
    /// Takes a turn apart; a turn without a header is all text.
    pub fn parse(turn: &str) -> Self {
        let (step, says_error, start) = header(turn)
            .map_or((None, false, 0), |(step, error, at)| {
                (Some(step), error, at)
            });
        let rest = turn.get(start..).unwrap_or_default();
        let text = start..start + rest.trim_end().len();
        Self {
            step,
            is_error: says_error || opens_as_error(rest),
            text,
        }
    }

    /// The observation; `turn` is what was parsed.
    pub fn observation(&self, turn: &str) -> Observation {
        Observation {
            text: turn.get(self.text.clone()).unwrap_or_default().to_owned(),
            is_error: self.is_error,
            pictures: Vec::new(),
        }
    }
}

/// An observation that stands alone, without a turn header.
pub fn plain_observation(text: &str) -> Observation {
    Observation {
        text: text.to_owned(),
        is_error: opens_as_error(text),
        pictures: Vec::new(),
    }
}

fn opens_as_error(text: &str) -> bool {
    let text = text.trim_start();
    ERROR_OPENINGS
        .iter()
        .any(|opening| text.starts_with(opening))
}

/// The step's index, whether the header says `Error`, and where the text starts.
fn header(turn: &str) -> Option<(usize, bool, usize)> {
    let rest = turn.trim_start().strip_prefix("[OUTPUT OF STEP ")?;
    let (step, rest) = rest.split_once(']')?;
    let step = step.trim().parse().ok()?;
    let rest = rest.trim_start();
    let (rest, is_error) = match rest.strip_prefix("Observation:") {
        Some(rest) => (rest, false),
        None => (rest.strip_prefix("Error:")?, true),
    };
    // One line feed ends the header; what is indented after it stays indented.
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    Some((step, is_error, turn.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(turn: &str) -> (Option<usize>, bool, &str) {
        let parsed = ObservationTurn::parse(turn);
        (parsed.step, parsed.is_error, &turn[parsed.text])
    }

    #[test]
    fn headers_and_errors() {
        assert_eq!(
            parse("[OUTPUT OF STEP 0] Observation:\n  a  b\nc\n"),
            (Some(0), false, "  a  b\nc")
        );
        assert_eq!(
            parse("[OUTPUT OF STEP 12] Error: Boom\nNow let's retry: take care\n"),
            (Some(12), true, "Boom\nNow let's retry: take care")
        );
        assert_eq!(
            parse("[OUTPUT OF STEP 1] Observation:\nError in code parsing: bad"),
            (Some(1), true, "Error in code parsing: bad")
        );
        assert_eq!(parse("no header"), (None, false, "no header"));
        assert_eq!(parse("[OUTPUT OF STEP x] Error: a").0, None);
        assert_eq!(
            parse("[OUTPUT OF STEP 3] Observation:\n"),
            (Some(3), false, "")
        );
        assert!(!plain_observation("An Error in code parsing: is discussed").is_error);
        assert!(plain_observation("Error in extracting action, trying").is_error);
    }

    proptest::proptest! {
        #[test]
        fn any_turn_gives_a_valid_range(head in "(\\[OUTPUT OF STEP [0-9]{0,30}\\] ?(Observation|Error):?)?", text in "\\PC*|[\\s\\S]{0,40}") {
            let turn = head + &text;
            let parsed = ObservationTurn::parse(&turn);
            proptest::prop_assert!(turn.get(parsed.text.clone()).is_some());
        }
    }
}
