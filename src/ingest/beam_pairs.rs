//! Preference pairs that the candidates of a Pref-X exploration imply (paper §1, "Pair rules").
//!
//! The chosen candidate of a step is preferred to each candidate that went wrong or that does something else: measured
//! by BLEU over words. The reference passes raw strings, so that it compares characters, and may pair the chosen
//! candidate with itself; neither is repeated here.

use std::collections::HashMap;

use super::code_reply::CodeReply;
use crate::domain::{Action, Candidate, Context, PreferencePair, Provenance};

/// Below this BLEU two candidates count as different steps.
pub const MAX_BLEU: f64 = 0.3;

/// Observations that tell of the machinery, not of the candidate; such cases make no pairs.
pub const INFRASTRUCTURE: [&str; 3] = [
    "Internal Server Error",
    "CUDA out of memory",
    "CUDA error: out of memory",
];

/// The pairs of one step. `context` ends before it; parts are `<step>.<candidate>`, both from 1.
pub fn beam_pairs(
    context: &Context,
    candidates: &[Candidate],
    chosen: usize,
    reason: Option<&str>,
    provenance: &Provenance,
) -> Vec<PreferencePair> {
    let Some(best) = candidates.get(chosen) else {
        return Vec::new();
    };
    if is_infrastructure_failure(best) {
        return Vec::new();
    }
    let step = context.steps.len() + 1;
    candidates
        .iter()
        .enumerate()
        .filter(|(index, candidate)| *index != chosen && is_rejected(best, candidate))
        .map(|(index, candidate)| PreferencePair {
            context: context.clone(),
            chosen: best.clone(),
            rejected: candidate.clone(),
            reason: reason.map(str::to_owned),
            part: Some(format!("{step}.{}", index + 1)),
            provenance: provenance.clone(),
        })
        .collect()
}

fn is_rejected(best: &Candidate, candidate: &Candidate) -> bool {
    let same = best.thought == candidate.thought && best.action == candidate.action;
    !same
        && !is_infrastructure_failure(candidate)
        && (has_failed(candidate) || word_bleu(&words(best), &words(candidate)) < MAX_BLEU)
}

/// Whether a candidate's observation tells of the machinery and says nothing about the candidate.
pub fn is_infrastructure_failure(candidate: &Candidate) -> bool {
    candidate.observation.as_ref().is_some_and(|observation| {
        INFRASTRUCTURE
            .iter()
            .any(|message| observation.text.contains(message))
    })
}

/// No thought (or one without its mark), no code, or an observation that is an error or speaks of one.
pub fn has_failed(candidate: &Candidate) -> bool {
    let reply = candidate.reply.as_deref();
    candidate.thought.is_none()
        || reply.is_some_and(|reply| !CodeReply::parse(reply).has_thought_mark)
        || candidate.action.is_none()
        || candidate
            .observation
            .as_ref()
            .is_some_and(|o| o.is_error || o.text.to_lowercase().contains("error"))
}

fn words(candidate: &Candidate) -> Vec<&str> {
    let code = match &candidate.action {
        Some(Action::Code(code)) => code.as_str(),
        _ => "",
    };
    let thought = candidate.thought.as_deref().unwrap_or_default();
    thought
        .split_whitespace()
        .chain(code.split_whitespace())
        .collect()
}

/// Sentence BLEU up to 4-grams with one reference and smoothing method 1 (ε = 0.1), as NLTK computes it.
pub fn word_bleu(reference: &[&str], hypothesis: &[&str]) -> f64 {
    const ORDER: usize = 4;
    const EPSILON: f64 = 0.1;
    if hypothesis.is_empty() {
        return 0.0;
    }
    let mut log_sum = 0.0;
    for order in 1..=ORDER {
        let mut known: HashMap<&[&str], usize> = HashMap::new();
        for gram in reference.windows(order) {
            *known.entry(gram).or_default() += 1;
        }
        let mut hits: usize = 0;
        for gram in hypothesis.windows(order) {
            if let Some(left) = known.get_mut(gram).filter(|left| **left > 0) {
                *left -= 1;
                hits += 1;
            }
        }
        if order == 1 && hits == 0 {
            return 0.0;
        }
        let total = (hypothesis.len() + 1).saturating_sub(order).max(1);
        let hits = if hits == 0 { EPSILON } else { hits as f64 };
        log_sum += (hits / total as f64).ln();
    }
    let brevity = if hypothesis.len() > reference.len() {
        1.0
    } else {
        (1.0 - reference.len() as f64 / hypothesis.len() as f64).exp()
    };
    brevity * (log_sum / ORDER as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Observation;

    #[test]
    fn bleu_is_nltks() {
        // nltk.translate.bleu_score.sentence_bleu([a.split()], b.split(), smoothing_function=method1), NLTK 3.9
        let cases = [
            (
                "the cat sat on the mat",
                "the cat sat on a mat",
                0.537284965911771,
            ),
            ("a b c d e f g", "a b c d", 0.4723665527410147),
            ("a b", "a b", 0.316227766016838),
            ("x y z w", "p q r s", 0.0),
            (
                "one two three four five six",
                "one two three four five six seven eight",
                0.6803749333171202,
            ),
            ("a", "a", 0.1778279410038923),
            ("the the the the", "the cat the dog", 0.09554427922043669),
        ];
        for (a, b, expected) in cases {
            let reference: Vec<&str> = a.split_whitespace().collect();
            let hypothesis: Vec<&str> = b.split_whitespace().collect();
            let bleu = word_bleu(&reference, &hypothesis);
            assert!((bleu - expected).abs() < 1e-12, "{a} / {b}: {bleu}");
        }
        assert_eq!(word_bleu(&["a"], &[]), 0.0);
    }

    fn candidate(thought: &str, code: &str, observation: &str) -> Candidate {
        Candidate {
            thought: (!thought.is_empty()).then(|| thought.to_owned()),
            action: (!code.is_empty()).then(|| Action::Code(code.to_owned())),
            observation: Some(Observation {
                text: observation.to_owned(),
                ..Observation::default()
            }),
            ..Candidate::default()
        }
    }

    fn parts(candidates: &[Candidate], chosen: usize) -> Vec<String> {
        let pairs = beam_pairs(
            &Context::default(),
            candidates,
            chosen,
            None,
            &Provenance::default(),
        );
        pairs.into_iter().filter_map(|pair| pair.part).collect()
    }

    #[test]
    fn who_is_rejected() {
        let chosen = "I look at the picture with the visualizer to count the cats";
        let candidates = [
            candidate(chosen, "visualizer(question='How many cats?')", "three"),
            // The same step, and the same in other words: kept out.
            candidate(chosen, "visualizer(question='How many cats?')", "an error"),
            candidate(
                &format!("{chosen} there"),
                "visualizer(question='How many cats?')",
                "three",
            ),
            // No thought; no code; an error; another step.
            candidate("", "visualizer(question='How many cats?')", "three"),
            candidate(chosen, "", "three"),
            candidate(
                &format!("{chosen} now"),
                "visualizer(question='How many cats?')",
                "Some ERROR",
            ),
            candidate("Search the web", "ask_search_agent('cats')", "many"),
            // The machinery failed.
            candidate(
                "Search again",
                "ask_search_agent('dogs')",
                "Internal Server Error",
            ),
        ];
        assert_eq!(parts(&candidates, 0), ["1.4", "1.5", "1.6", "1.7"]);
        assert!(parts(&candidates, 7).is_empty());
        assert!(parts(&candidates, 99).is_empty());
    }
}
