//! Whether an answer is right by its benchmark's own scorer (paper §4). Only what can be computed exactly is scored;
//! what needs a model stays [`Outcome::Unknown`].

pub mod gaia;
pub mod gta;

use crate::domain::{Benchmark, Outcome, ReferenceAnswer};

/// Scores an answer with the scorer of its benchmark; without a benchmark the kind of reference tells which.
///
/// A run that gave no answer fails wherever an answer could have been scored.
pub fn outcome(
    benchmark: Option<Benchmark>,
    answer: Option<&str>,
    reference: Option<&ReferenceAnswer>,
) -> Outcome {
    let Some(reference) = reference else {
        return Outcome::Unknown;
    };
    match (benchmark, reference) {
        // Agent-X is judged by a model throughout; GTA's scorer knows no plain text.
        (Some(Benchmark::AgentX), _)
        | (_, ReferenceAnswer::Texts(_))
        | (Some(Benchmark::Gta), ReferenceAnswer::Text(_)) => Outcome::Unknown,
        (_, ReferenceAnswer::Lists { .. }) => match answer {
            Some(answer) => gta::score(answer, reference),
            None => Outcome::Fail,
        },
        (_, ReferenceAnswer::Text(truth)) => {
            pass_if(answer.is_some_and(|answer| gaia::question_scorer(answer, truth)))
        }
    }
}

fn pass_if(right: bool) -> Outcome {
    if right { Outcome::Pass } else { Outcome::Fail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_benchmark_or_the_kind_of_reference_picks_the_scorer() {
        let text = ReferenceAnswer::Text("1,000".to_owned());
        let lists = ReferenceAnswer::Lists {
            whitelist: vec![vec!["1,000".to_owned()]],
            blacklist: Vec::new(),
        };
        let texts = ReferenceAnswer::Texts(vec!["a thousand".to_owned()]);
        let cases = [
            (None, Some("1000"), Some(&text), Outcome::Fail),
            (None, Some("1, 000"), Some(&text), Outcome::Pass),
            (
                Some(Benchmark::Gaia),
                Some("1,000"),
                Some(&text),
                Outcome::Pass,
            ),
            (Some(Benchmark::Gaia), None, Some(&text), Outcome::Fail),
            (
                Some(Benchmark::Gta),
                Some("1,000"),
                Some(&text),
                Outcome::Unknown,
            ),
            (
                Some(Benchmark::Gta),
                Some("about 1,000 of them"),
                Some(&lists),
                Outcome::Pass,
            ),
            (None, Some("about 1000"), Some(&lists), Outcome::Fail),
            (None, None, Some(&lists), Outcome::Fail),
            (
                Some(Benchmark::Gta),
                Some("a thousand"),
                Some(&texts),
                Outcome::Unknown,
            ),
            (Some(Benchmark::Gta), None, Some(&texts), Outcome::Unknown),
            (
                Some(Benchmark::AgentX),
                Some("1,000"),
                Some(&text),
                Outcome::Unknown,
            ),
            (Some(Benchmark::Gaia), Some("1,000"), None, Outcome::Unknown),
        ];
        for (benchmark, answer, reference, expected) in cases {
            assert_eq!(
                outcome(benchmark, answer, reference),
                expected,
                "{benchmark:?} {answer:?} {reference:?}"
            );
        }
    }
}
