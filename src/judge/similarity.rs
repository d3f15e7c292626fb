use std::collections::HashMap;

use crate::domain::{Action, Candidate, ToolCall, content_hash};
use crate::ingest::beam_pairs::word_bleu;
use crate::rules::normalised_code;

/// How like each other two candidates are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// BLEU over words of thought and action, 0 to 1, the first being the reference.
    pub bleu: f64,
    /// Whether their actions do the same.
    pub same_action: bool,
}

/// How like the chosen candidate another one is.
pub fn similarity(chosen: &Candidate, other: &Candidate) -> Similarity {
    let (reference, hypothesis) = (text(chosen), text(other));
    let reference: Vec<&str> = reference.split_whitespace().collect();
    let hypothesis: Vec<&str> = hypothesis.split_whitespace().collect();
    Similarity {
        bleu: word_bleu(&reference, &hypothesis),
        same_action: same_action(chosen, other),
    }
}

/// Whether two candidates do the same: Python by its tokens, comments and layout aside; structured calls by names and canonical
/// arguments; messages and replies without an action by their words.
pub fn same_action(a: &Candidate, b: &Candidate) -> bool {
    normalised_action(a) == normalised_action(b)
}

/// For each candidate the first one that does the same: itself, where nobody before it does.
pub fn first_alike(candidates: &[Candidate]) -> Vec<usize> {
    let mut firsts: HashMap<Normalised, usize> = HashMap::new();
    let first = |(index, candidate)| *firsts.entry(normalised_action(candidate)).or_insert(index);
    candidates.iter().enumerate().map(first).collect()
}

/// What an action does, whatever it looks like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Normalised {
    Code(String),
    Calls(Vec<(String, String)>),
    Message(Vec<String>),
    /// The reply has no action.
    Nothing(Vec<String>),
}

fn normalised_action(candidate: &Candidate) -> Normalised {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    match &candidate.action {
        Some(Action::Code(code)) => Normalised::Code(normalised_code(code)),
        Some(Action::ToolCalls(calls)) => {
            Normalised::Calls(calls.iter().map(normalised_call).collect())
        }
        Some(Action::Message(text)) => Normalised::Message(words(text)),
        None => {
            let text = candidate.reply.as_deref().or(candidate.thought.as_deref());
            Normalised::Nothing(words(text.unwrap_or_default()))
        }
    }
}

fn normalised_call(call: &ToolCall) -> (String, String) {
    // Models write arguments as text now and then.
    let written = match call.arguments.as_str() {
        Some(text) => text.to_owned(),
        None => call.arguments.to_string(),
    };
    let arguments = match content_hash(&written) {
        Ok(hash) => hash.to_string(),
        Err(_) => written,
    };
    (call.name.clone(), arguments)
}

/// Thought and action as one text.
fn text(candidate: &Candidate) -> String {
    let action = match &candidate.action {
        Some(Action::Code(code) | Action::Message(code)) => code.clone(),
        Some(Action::ToolCalls(calls)) => {
            let call = |call: &ToolCall| format!("{} {}", call.name, call.arguments);
            calls.iter().map(call).collect::<Vec<_>>().join(" ")
        }
        None => String::new(),
    };
    let thought = candidate.thought.as_deref().unwrap_or_default();
    format!("{thought} {action}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::case::tests::candidate;
    use super::*;

    fn calls(arguments: Value) -> Candidate {
        let call = ToolCall {
            id: None,
            name: "ocr".to_owned(),
            arguments,
            result: None,
        };
        Candidate {
            action: Some(Action::ToolCalls(vec![call])),
            ..Candidate::default()
        }
    }

    #[test]
    fn bleu_is_of_words() {
        // nltk 3.10 sentence_bleu of the split texts with smoothing method 1. By characters the second is .39 and more.
        let chosen = candidate(
            "I look at the picture to count cats.",
            "visualizer(question='How many?', image_path='a.jpg')",
            "",
        );
        let alike = candidate(
            "I look at the picture to count dogs.",
            "visualizer(question='How many?', image_path='a.jpg')",
            "",
        );
        let other = candidate(
            "I search the web for cats.",
            "ask_search_agent(query='cats')",
            "",
        );
        assert!((similarity(&chosen, &alike).bleu - 0.701_687_939_127_737_2).abs() < 1e-12);
        assert!((similarity(&chosen, &other).bleu - 0.024_549_475_440_235_117).abs() < 1e-12);
        assert!(similarity(&chosen, &alike).same_action);
        assert!(!similarity(&chosen, &other).same_action);
    }

    #[test]
    fn duplicates_are_folded_to_the_first() {
        let candidates = [
            candidate("A", "f('x')", ""),
            candidate("B", "g()", ""),
            candidate("C", "f( \"x\" )  # again", ""),
            candidate("B", "", ""),
            candidate(" B ", "", ""),
            candidate("C", "", ""),
        ];
        assert_eq!(first_alike(&candidates), [0, 1, 0, 3, 3, 5]);
        assert_eq!(first_alike(&[]), Vec::<usize>::new());
    }

    #[test]
    fn calls_are_compared_by_what_they_say() {
        let a = calls(json!({"image": "a.jpg", "k": 1}));
        assert!(same_action(&a, &calls(json!({"k": 1, "image": "a.jpg"}))));
        assert!(same_action(
            &a,
            &calls(json!("{\"k\": 1, \"image\": \"a.jpg\"}"))
        ));
        assert!(!same_action(&a, &calls(json!({"image": "a.jpg", "k": 2}))));
        assert!(!same_action(&calls(json!("{")), &calls(json!("["))));
    }
}
