use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Flag, Place, Rule, RuleContext};
use crate::domain::{Trajectory, visible_line};

const NAME: &str = "error";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "An observation that its format marks as an error. A printed text that only speaks of errors does not fire.",
    check,
};

/// The most characters of an observation that a message repeats.
const MAX_QUOTE: usize = 120;

fn check(trajectory: &Trajectory, _: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    for (index, step) in trajectory.steps.iter().enumerate() {
        let Some(observation) = step.observation.as_ref().filter(|o| o.is_error) else {
            continue;
        };
        let range = telling_line(&observation.text);
        let line = observation.text.get(range.clone()).unwrap_or_default();
        let quote: String = visible_line(line).chars().take(MAX_QUOTE).collect();
        let message = if quote.is_empty() {
            "the step failed".to_owned()
        } else {
            quote
        };
        flags.push(Flag::at_step(NAME, index, Place::Observation, message).over(range));
    }
}

/// The line that says what failed: the first that names an error and announces no other line, else the first that
/// announces none, else the first.
fn telling_line(text: &str) -> Range<usize> {
    static ERROR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)(?:error|exception)\b").ok());
    let lines = lines(text);
    let tells = |range: &&Range<usize>| {
        !text
            .get((*range).clone())
            .unwrap_or_default()
            .ends_with(':')
    };
    let names_error = |range: &&Range<usize>| {
        let line = text.get((*range).clone()).unwrap_or_default();
        ERROR.as_ref().is_some_and(|error| error.is_match(line))
    };
    let best = lines.iter().filter(tells).find(names_error);
    best.or_else(|| lines.iter().find(tells))
        .or(lines.first())
        .cloned()
        .unwrap_or(0..0)
}

/// The bytes of each line with text, without white space around it.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let from = start + (line.len() - line.trim_start().len());
        let shown = line.trim();
        if !shown.is_empty() {
            found.push(from..from + shown.len());
        }
        start += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::rules::Place;
    use crate::rules::sample::{code, failed, flags_of, trajectory};

    #[test]
    fn a_failed_step_is_flagged_at_the_line_that_tells() {
        let text = "Code execution failed due to the following error:\nTypeError: é is no number\nNow let's retry";
        let found = flags_of(
            super::NAME,
            &trajectory([failed(code("f()", text)), failed(code("f()", " \n"))]),
        );
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].step, found[0].field),
            (Some(1), Place::Observation)
        );
        assert_eq!(
            &text[found[0].range.clone().expect("range")],
            "TypeError: é is no number"
        );
        assert_eq!(found[0].message, "TypeError: é is no number");
        assert_eq!(found[1].message, "the step failed");
        let text = "Error: Failed due to the following error:\n cannot squeeze \nNow let's avoid previous errors!\n";
        assert_eq!(&text[super::telling_line(text)], "cannot squeeze");
    }

    #[test]
    fn prose_about_errors_is_not() {
        assert!(
            flags_of(
                super::NAME,
                &trajectory([code("f()", "Error: the book of errors")])
            )
            .is_empty()
        );
    }

    proptest::proptest! {
        #[test]
        fn the_line_is_always_inside(text in "[a-z:\\n \\ré]{0,40}(error)?[\\n:é ]{0,5}") {
            proptest::prop_assert!(text.get(super::telling_line(&text)).is_some());
        }
    }
}
