use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{FINAL_ANSWER, Flag, Place, Rule, RuleContext};
use crate::domain::Trajectory;

const NAME: &str = "ungrounded-answer";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "The answer has a number (two digits or more, or with decimals) that neither the task nor any observation has: \
          not exactly, not rounded, not as a percentage, not in thousands, millions or billions, and not as the sum, \
          difference, product or quotient of two numbers there. Does not fire where anything computed could have made it \
          (arithmetic or a function's result in the code, an equation in a thought), where the agent was shown a picture \
          and read it without a tool, where there are no steps, nor for numbers inside names, paths, dates and times. \
          Flags the first such number.",
    check,
};

/// So many numbers of an answer are looked at.
const MAX_CLAIMED: usize = 1_000;

/// Where there is so much to have seen, nothing is said.
const MAX_KNOWN: usize = 100_000;

/// So many numbers are combined in pairs; a long web page has more, of which most say nothing.
const MAX_COMBINED: usize = 200;

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    let Some(answer) = trajectory.answer.as_deref() else {
        return;
    };
    // The cheap questions first: few answers get to the last one.
    let claimed: Vec<NumberText> = numbers(answer)
        .filter(NumberText::is_telling)
        .take(MAX_CLAIMED)
        .collect();
    if claimed.is_empty()
        || trajectory.steps.is_empty()
        || may_be_seen_or_computed(trajectory, context)
    {
        return;
    }
    let all = evidence(trajectory).flat_map(all_numbers).map(|n| n.value);
    let known: Vec<f64> = all.take(MAX_KNOWN).collect();
    if known.len() == MAX_KNOWN {
        return;
    }
    let mut unseen = claimed
        .iter()
        .filter(|number| !known.iter().any(|other| number.may_come_from(*other)))
        .peekable();
    if unseen.peek().is_none() {
        return;
    }
    let stated = evidence(trajectory).flat_map(stated_numbers);
    let combined: Vec<f64> = stated.take(MAX_COMBINED).collect();
    let ungrounded = unseen
        .find(|number| !number.combines(&combined))
        .filter(|_| {
            let mut thoughts = trajectory
                .steps
                .iter()
                .filter_map(|step| step.thought.as_deref());
            !thoughts.any(has_equation)
        });
    flags.extend(ungrounded.map(|number| {
        let text = answer.get(number.range.clone()).unwrap_or_default();
        let message = format!("neither the task nor an observation has {text}");
        Flag::at(NAME, Place::Answer, message).over(number.range.clone())
    }));
}

/// Functions whose results hold no number that their arguments did not.
const NOT_COMPUTING: &[&str] = &[
    "print",
    "str",
    "list",
    "dict",
    "set",
    "tuple",
    "sorted",
    "open",
    FINAL_ANSWER,
];

/// Whether a number could have come from a picture or from running code.
fn may_be_seen_or_computed(trajectory: &Trajectory, context: &RuleContext<'_>) -> bool {
    let shown = trajectory
        .task
        .attachments
        .iter()
        .any(|a| a.shown && a.reference.is_picture());
    let in_steps = trajectory.steps.iter().any(|step| {
        !step.pictures.is_empty()
            || step
                .observation
                .as_ref()
                .is_some_and(|o| !o.pictures.is_empty())
    });
    let computes = context.calls.iter().enumerate().any(|(index, step)| {
        step.computes
            || step.calls.iter().any(|call| {
                // Methods of texts, lists and dictionaries compute nothing that is counted here.
                call.is_plain()
                    && !NOT_COMPUTING.contains(&call.name.as_str())
                    && !context.is_tool_call(call, index)
            })
    });
    (shown && !context.uses_tool(trajectory)) || in_steps || computes
}

fn has_equation(thought: &str) -> bool {
    static EQUATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"[\d%)][^\n.;]{0,20}[=≈][^\n.;]{0,20}\d|\d\s*[*×÷+]\s*[$€£]?\d").ok()
    });
    EQUATION
        .as_ref()
        .is_some_and(|equation| equation.is_match(thought))
}

/// Everything that the agent did not say itself.
fn evidence(trajectory: &Trajectory) -> impl Iterator<Item = &str> {
    let task = &trajectory.task;
    let attachments = task.attachments.iter().filter_map(|a| a.caption.as_deref());
    let observed = trajectory.steps.iter().flat_map(|step| {
        let results = step
            .tool_calls()
            .iter()
            .filter_map(|call| call.result.as_deref());
        step.observation
            .as_ref()
            .map(|o| o.text.as_str())
            .into_iter()
            .chain(results)
    });
    [Some(task.text.as_str()), task.prompt.as_deref()]
        .into_iter()
        .flatten()
        .chain(attachments)
        .chain(observed)
}

/// A number in a text.
#[derive(Debug, Clone, PartialEq)]
struct NumberText {
    value: f64,
    /// Digits after the point.
    decimals: i32,
    /// Digits before it.
    digits: usize,
    range: Range<usize>,
}

impl NumberText {
    /// Single digits are counts and list numbers, which prove nothing.
    fn is_telling(&self) -> bool {
        self.digits >= 2 || self.decimals > 0
    }

    /// Whether it is another number, rounded, as a percentage, or in thousands, millions or billions.
    fn may_come_from(&self, other: f64) -> bool {
        [1.0, 1e2, 1e-2, 1e3, 1e-3, 1e6, 1e-6, 1e9, 1e-9]
            .iter()
            .any(|factor| self.rounds(other * factor))
    }

    /// Whether another number, rounded to as many digits as this has, is this.
    fn rounds(&self, other: f64) -> bool {
        // Half a unit of the last digit that is written, and a little for binary fractions.
        (other - self.value).abs() <= 0.5 * 10_f64.powi(-self.decimals) * (1.0 + 1e-9)
    }

    /// Whether it is the result of one operation on two of these numbers.
    fn combines(&self, known: &[f64]) -> bool {
        known.iter().enumerate().any(|(n, a)| {
            known.iter().take(n + 1).any(|b| {
                let results = [a + b, (a - b).abs(), a * b, a / b, b / a];
                results
                    .into_iter()
                    .any(|result| result.is_finite() && self.may_come_from(result))
            })
        })
    }
}

/// The numbers that a text states, without those inside names, paths, dates and times.
fn numbers(text: &str) -> impl Iterator<Item = NumberText> {
    all_numbers(text).filter(|number| stands_alone(text, &number.range))
}

/// The numbers of a text that may be calculated with; a price stays one where a scan reads `S19.99`.
fn stated_numbers(text: &str) -> impl Iterator<Item = f64> {
    let counts = |n: &NumberText| n.decimals > 0 || stands_alone(text, &n.range);
    all_numbers(text)
        .filter(move |n| counts(n))
        .map(|n| n.value)
}

fn all_numbers(text: &str) -> impl Iterator<Item = NumberText> {
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?-u)[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?").ok()
    });
    NUMBER
        .as_ref()
        .into_iter()
        .flat_map(|regex| regex.find_iter(text))
        .filter_map(|found| {
            let plain = found.as_str().replace(',', "");
            let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
            Some(NumberText {
                value: plain.parse().ok()?,
                decimals: i32::try_from(fraction.len()).ok()?,
                digits: whole.len(),
                range: found.range(),
            })
        })
}

fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut back = before.chars().rev();
    let (last, one_before) = (back.next(), back.next());
    let mut ahead = after.chars();
    let (next, one_after) = (ahead.next(), ahead.next());
    let in_name = last.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '#' | '/' | '\\'))
        || matches!(next, Some('_' | '\\'));
    // `2024-05-01`, `10/12`, `12:30`, `1.2.3`: a part of something longer.
    let joined = (matches!(last, Some('-' | ':' | '.' | '/' | ',')) && digit(one_before))
        || (matches!(next, Some('-' | ':' | '.' | '/' | ',')) && digit(one_after));
    // A file's name or a model's goes on behind the number (`7.png`, `40HX`).
    let goes_on = next == Some('.') && one_after.is_some_and(char::is_alphabetic)
        || next.is_some_and(char::is_uppercase);
    !in_name && !joined && !goes_on
}

#[cfg(test)]
mod tests {
    use crate::domain::{Step, Trajectory};
    use crate::rules::sample::{code, flags_of, trajectory};
    use crate::rules::{Flag, Place};

    fn answered<const N: usize>(steps: [Step; N], answer: &str) -> Vec<Flag> {
        let mut trajectory: Trajectory = trajectory(steps);
        trajectory.task.attachments.clear();
        trajectory.answer = Some(answer.to_owned());
        flags_of(super::NAME, &trajectory)
    }

    #[test]
    fn a_number_from_nowhere_is_flagged_in_the_answer() {
        let answer = "É: 24 birds, 1,250 km, 3 eggs.";
        let found = answered(
            [code("print(reader('q'))", "24 birds fly 1,300 km")],
            answer,
        );
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].step, found[0].field), (None, Place::Answer));
        assert_eq!(&answer[found[0].range.clone().expect("range")], "1,250");
        assert_eq!(answered([code("final_answer(3.5)", "")], "3.5").len(), 1);
    }

    #[test]
    fn numbers_that_were_seen_in_any_form_are_not() {
        for answer in [
            "1300",
            "1.3 thousand km",
            "1,299.8",
            "about 1,300",
            "12.35%",
            "12.3",
            "24",
            "37.8 million",
            "7",
        ] {
            let seen = "It flies 1,300 km (1299.76), a share of 0.12345 or 12.345, 37,800,000 m";
            assert!(
                answered([code("print(reader('q'))", seen)], answer).is_empty(),
                "{answer}"
            );
        }
    }

    #[test]
    fn one_operation_in_the_head_is_allowed() {
        let fires =
            |answer| !answered([code("print(reader('q'))", "27.75 and 15")], answer).is_empty();
        for answer in ["42.75", "12.75", "416.25", "1.85", "54.05%", "416"] {
            assert!(!fires(answer), "{answer}");
        }
        for answer in ["43.75", "4162.5", "1.95", "54.15%"] {
            assert!(fires(answer), "{answer}");
        }
    }

    #[test]
    fn what_may_be_computed_or_seen_does_not_fire() {
        assert!(answered([code("final_answer(16 * 2)", "")], "32").is_empty());
        assert!(answered([code("final_answer(count(x))", "")], "32").is_empty());
        let mut thinking = code("final_answer(32)", "");
        thinking.thought = Some("Twice is 16 * 2 = 32.".to_owned());
        assert!(answered([thinking], "32").is_empty());
        let mut shown = trajectory([code("final_answer(32)", "")]);
        shown.answer = Some("32".to_owned());
        assert!(flags_of(super::NAME, &shown).is_empty());
        assert!(answered([], "32").is_empty());
    }

    #[test]
    fn numbers_inside_names_dates_and_paths_are_not_claims() {
        for answer in [
            ".cache/1727533380801_cld96e9e.jpeg",
            "on 2023-10-15",
            "at 12:30",
            "A320",
            "out/77.png",
            "v10.2.3",
            "88.jpg",
        ] {
            assert!(
                answered([code("print(reader('q'))", "x")], answer).is_empty(),
                "{answer}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_survived(answer in "[0-9.,/:_é -]{0,40}") {
            let found = answered([code("final_answer(x)", "")], &answer);
            for flag in found {
                proptest::prop_assert!(answer.get(flag.range.expect("range")).is_some());
            }
        }
    }
}
