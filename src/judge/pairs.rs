//! Pairs that judged candidates imply: the paper's rules (§1, "Pair rules") without the reference's bugs. BLEU is of words, the best is
//! a number and never among the rejected, no pair prefers a step to itself, and the judge's failure is looked for in what it said.

use std::fmt;

use super::similarity::similarity;
use crate::config::JudgeConfig;
use crate::domain::{Action, Candidate, Context, PreferencePair, Provenance};
use crate::ingest::beam_pairs::{INFRASTRUCTURE, has_failed, is_infrastructure_failure};

/// Why a candidate is rejected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RejectedFor {
    /// It has no thought or no action, or its observation is an error or speaks of one.
    Failed,
    /// It is another step than the chosen one: its word BLEU with it.
    Other(f64),
}

impl fmt::Display for RejectedFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("it went wrong"),
            Self::Other(bleu) => write!(f, "it is another step (word BLEU {bleu:.2})"),
        }
    }
}

/// Which candidates are rejected for the best one, in order, and why. Nobody, where the judge or the machinery failed.
pub fn rejected(
    candidates: &[Candidate],
    best: usize,
    reason: Option<&str>,
    settings: &JudgeConfig,
) -> Vec<(usize, RejectedFor)> {
    let Some(chosen) = candidates.get(best) else {
        return Vec::new();
    };
    let speaks_of_failure = |text: &str| INFRASTRUCTURE.iter().any(|sign| text.contains(sign));
    let judged = &chosen.judgements;
    let has_no_verdict = !judged.is_empty() && judged.iter().all(|one| one.no_verdict.is_some());
    if has_no_verdict || reason.is_some_and(speaks_of_failure) || is_infrastructure_failure(chosen)
    {
        return Vec::new();
    }
    let mut failed = 0;
    let mut found = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let alike = similarity(chosen, candidate);
        let is_same = alike.same_action && candidate.thought == chosen.thought;
        if index == best || is_same || is_infrastructure_failure(candidate) {
            continue;
        }
        if went_wrong(candidate) && failed < settings.most_failed {
            failed += 1;
            found.push((index, RejectedFor::Failed));
        } else if alike.bleu < settings.max_bleu && !alike.same_action {
            found.push((index, RejectedFor::Other(alike.bleu)));
        }
    }
    found
}

/// A code agent's candidate by the paper's rule; one that calls tools has no marks in its reply, and is told by its results alone.
fn went_wrong(candidate: &Candidate) -> bool {
    match &candidate.action {
        Some(Action::ToolCalls(_) | Action::Message(_)) => {
            let observed = candidate.observation.as_ref();
            observed.is_some_and(|o| o.is_error || o.text.to_lowercase().contains("error"))
        }
        _ => has_failed(candidate),
    }
}

/// The pairs of one step. `context` ends before it; parts are `<step>.<candidate>`, both from 1.
pub fn preference_pairs(
    context: &Context,
    candidates: &[Candidate],
    best: usize,
    reason: Option<&str>,
    provenance: &Provenance,
    settings: &JudgeConfig,
) -> Vec<PreferencePair> {
    let step = context.steps.len() + 1;
    let pair = |(index, why): (usize, RejectedFor)| {
        Some(PreferencePair {
            context: context.clone(),
            chosen: candidates.get(best)?.clone(),
            rejected: candidates.get(index)?.clone(),
            reason: Some(match reason {
                Some(reason) => format!("{reason} (the rejected one: {why})"),
                None => format!("the rejected one: {why}"),
            }),
            part: Some(format!("{step}.{}", index + 1)),
            provenance: provenance.clone(),
        })
    };
    let rejected = rejected(candidates, best, reason, settings);
    rejected.into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::super::case::tests::candidate;
    use super::*;
    use crate::config::Config;
    use crate::domain::Judgement;

    fn settings() -> JudgeConfig {
        Config::load(None).expect("defaults").judge
    }

    const LOOK: &str = "I look at the picture with the visualizer to count the cats";

    fn explored() -> Vec<Candidate> {
        vec![
            candidate("Search the web", "ask_search_agent('cats')", "many"),
            candidate(LOOK, "visualizer(question='How many cats?')", "three"),
            // The same step, and the same in other words.
            candidate(LOOK, "visualizer(question=\"How many cats?\")", "three"),
            candidate(
                &format!("{LOOK} there"),
                "visualizer(question='How many cats?')",
                "three",
            ),
            // Three that went wrong, the last with words like the chosen one's.
            candidate(
                &format!("{LOOK} now"),
                "visualizer(question='How many cats there?')",
                "Error: no",
            ),
            candidate(
                "",
                "visualizer(question='How many cats?', image='a')",
                "three",
            ),
            candidate(
                &format!("{LOOK} again"),
                "visualizer(question='How many cats are there?')",
                "Error: no",
            ),
            // The machinery.
            candidate(
                "Search again",
                "ask_search_agent('dogs')",
                "Internal Server Error",
            ),
        ]
    }

    #[test]
    fn who_is_rejected_and_why() {
        let found = rejected(&explored(), 1, Some("it looks"), &settings());
        let names: Vec<(usize, bool)> = found
            .iter()
            .map(|(index, why)| (*index, *why == RejectedFor::Failed))
            .collect();
        assert_eq!(names, [(0, false), (4, true), (5, true)]);
        let all = JudgeConfig {
            most_failed: 9,
            max_bleu: 0.0,
            ..settings()
        };
        let found = rejected(&explored(), 1, None, &all);
        assert_eq!(
            found.iter().map(|(index, _)| *index).collect::<Vec<_>>(),
            [4, 5, 6]
        );
    }

    #[test]
    fn a_judge_or_a_machine_that_failed_makes_no_pair() {
        let mut candidates = explored();
        assert!(rejected(&candidates, 7, None, &settings()).is_empty());
        assert!(rejected(&candidates, 99, None, &settings()).is_empty());
        let reason = Some("502: Internal Server Error");
        assert!(rejected(&candidates, 1, reason, &settings()).is_empty());
        candidates[1].judgements = vec![Judgement {
            no_verdict: Some("no answer".to_owned()),
            ..Judgement::default()
        }];
        assert!(rejected(&candidates, 1, None, &settings()).is_empty());
    }

    #[test]
    fn a_failed_best_is_never_preferred_to_itself() {
        // In the reference the best of these enters its own pool and is paired with itself.
        let best = candidate("I try", "f(", "Error: syntax");
        let candidates = [
            best.clone(),
            best.clone(),
            candidate("I try", "f( ", "Error: x"),
        ];
        for at in 0..candidates.len() {
            let context = Context::default();
            let pairs = preference_pairs(
                &context,
                &candidates,
                at,
                None,
                &Provenance::default(),
                &settings(),
            );
            assert!(pairs.is_empty(), "{at}");
        }
    }

    #[test]
    fn calls_of_tools_go_wrong_by_their_results() {
        let call = |name: &str, result: &str| Candidate {
            reply: Some(String::new()),
            action: Some(Action::ToolCalls(vec![crate::domain::ToolCall {
                id: None,
                name: name.to_owned(),
                arguments: serde_json::json!({"image": "a.jpg"}),
                result: Some(result.to_owned()),
            }])),
            ..candidate("I look at the picture to count the cats", "", result)
        };
        let explored = [
            call("ocr", "three"),
            call("count", "three"),
            call("detect", "Error: no"),
        ];
        let all = JudgeConfig {
            max_bleu: 0.0,
            ..settings()
        };
        assert_eq!(
            rejected(&explored, 0, None, &all),
            [(2, RejectedFor::Failed)]
        );
    }

    #[test]
    fn pairs_say_their_place_and_their_reason() {
        let pairs = preference_pairs(
            &Context::default(),
            &explored(),
            1,
            Some("it looks"),
            &Provenance::default(),
            &settings(),
        );
        let parts: Vec<_> = pairs
            .iter()
            .filter_map(|pair| pair.part.as_deref())
            .collect();
        assert_eq!(parts, ["1.1", "1.5", "1.6"]);
        assert!(
            pairs
                .iter()
                .all(|pair| pair.chosen == explored()[1] && pair.chosen != pair.rejected)
        );
        assert_eq!(
            pairs[1].reason.as_deref(),
            Some("it looks (the rejected one: it went wrong)")
        );
    }

    proptest::proptest! {
        #[test]
        fn nobody_is_preferred_to_what_does_the_same(
            texts in proptest::collection::vec((0_usize..3, 0_usize..4, 0_usize..3), 1..7),
            best in 0_usize..7,
        ) {
            let thoughts = ["", "I look", "I search"];
            let codes = ["", "f('x')", "f(\"x\")", "g(1)"];
            let observations = ["", "three", "Error: no"];
            let candidates: Vec<Candidate> = texts
                .iter()
                .map(|(t, c, o)| candidate(thoughts[*t], codes[*c], observations[*o]))
                .collect();
            for (index, _) in rejected(&candidates, best, None, &settings()) {
                proptest::prop_assert_ne!(index, best);
                let same = similarity(&candidates[best], &candidates[index]).same_action
                    && candidates[best].thought == candidates[index].thought;
                proptest::prop_assert!(!same);
            }
        }
    }
}
