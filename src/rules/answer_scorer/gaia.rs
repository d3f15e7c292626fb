//! GAIA's `question_scorer` (paper §4), rule for rule.

use std::borrow::Cow;

/// Whether a model's answer is right.
///
/// A numeric truth compares as a float after `$`, `%` and `,` are stripped from the answer; a truth with `,` or `;` is
/// a list and compares element by element; any other compares without case, white space and punctuation.
pub fn question_scorer(model_answer: &str, ground_truth: &str) -> bool {
    if let Some(truth) = python_float(ground_truth) {
        return answer_number(model_answer) == truth;
    }
    if !ground_truth.contains(SEPARATORS) {
        return normal(model_answer, true) == normal(ground_truth, true);
    }
    let truths = ground_truth.split(SEPARATORS);
    let answers = model_answer.split(SEPARATORS);
    truths.clone().count() == answers.clone().count()
        && truths
            .zip(answers)
            .all(|(truth, answer)| match python_float(truth) {
                Some(truth) => answer_number(answer) == truth,
                None => normal(answer, false) == normal(truth, false),
            })
}

const SEPARATORS: [char; 2] = [',', ';'];

/// An answer as a number; what is none counts as infinity, as in the original.
fn answer_number(answer: &str) -> f64 {
    let bare: String = answer
        .chars()
        .filter(|c| !matches!(c, '$' | '%' | ','))
        .collect();
    python_float(&bare).unwrap_or(f64::INFINITY)
}

/// Python's `float(text)`: as Rust's, but white space around it and single underscores between digits are allowed.
fn python_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    let bare = if text.contains('_') {
        let bytes = text.as_bytes();
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let between = |at: usize| at > 0 && digit(at - 1) && digit(at + 1);
        if !text.match_indices('_').all(|(at, _)| between(at)) {
            return None;
        }
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    bare.parse().ok()
}

/// Python counts four separators of ASCII as white space that Unicode does not.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Lower case without white space, and without ASCII punctuation if so asked.
fn normal(text: &str, drop_punctuation: bool) -> String {
    let bare: String = text.chars().filter(|c| !is_space(*c)).collect();
    let mut lower = bare.to_lowercase();
    if drop_punctuation {
        lower.retain(|c| !c.is_ascii_punctuation());
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_texts_and_lists_follow_the_original() {
        let cases = [
            // (answer, truth, right)
            ("$1,234.50", "1234.5", true),
            ("17%", "17", true),
            ("17 percent", "17", false),
            ("about 17", "17", false),
            ("0.170", ".17", true),
            (" 3 ", "3.0", true),
            ("1_000", "1000", true),
            ("1__000", "1000", false),
            ("Saint Petersburg", "St. Petersburg", false),
            ("sea gull", "Seagull.", true),
            ("\"Right!\"", "right", true),
            ("a, b, c", "a,b,c", true),
            ("a, b", "a,b,c", false),
            ("b, a", "a, b", false),
            ("A; 2.0", "a, 2", true),
            ("St. X, 5", "St X, 5", false),
            ("$5; x", "5;x", true),
            ("", "", true),
            ("None", "x", false),
            // What the original does with a truth that is infinite: every answer that is no number is right.
            ("whatever", "inf", true),
            ("nan", "nan", false),
        ];
        for (answer, truth, right) in cases {
            assert_eq!(
                question_scorer(answer, truth),
                right,
                "{answer:?} for {truth:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn every_truth_passes_itself(truth in "\\PC{0,24}") {
            let is_nan = python_float(&truth).is_some_and(f64::is_nan)
                || truth.split(SEPARATORS).any(|t| python_float(t).is_some_and(f64::is_nan));
            proptest::prop_assert!(is_nan || question_scorer(&truth, &truth));
        }

        #[test]
        fn no_input_panics(answer: String, truth: String) {
            question_scorer(&answer, &truth);
        }
    }
}
