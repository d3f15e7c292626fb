//! A preference pair from chat turns, the same for every format that has them.

use serde_json::Value;

use super::chat_turns::Turn;
use super::conversation::Conversation;
use super::json_field::{field, identifier};
use super::picture_field::PictureColumn;
use super::tool_schema::tools;
use crate::domain::{Candidate, Content, Context, Interner, PreferencePair, Provenance};

/// The turns that both sides share, and what each side goes on with.
#[derive(Debug, Default)]
pub(super) struct Sides {
    pub prompt: Vec<Turn>,
    pub chosen: Vec<Turn>,
    pub rejected: Vec<Turn>,
}

/// A record that is one pair. Pictures left in the column belong to the task.
pub(super) fn pair_content(
    row: &Value,
    format: &str,
    sides: Sides,
    column: PictureColumn,
    interner: &Interner,
    mut problems: Vec<String>,
) -> Content {
    let prompt = Conversation::of(sides.prompt, interner, &mut problems);
    let mut context = Context {
        system_prompt: prompt.system_prompt,
        tools: field(row, "tools").map(tools).unwrap_or_default(),
        task: prompt.task,
        steps: prompt.steps,
    };
    context.task.attachments.extend(column.rest());
    let mut side = |name: &str, turns| {
        let mut candidate = candidate(name, turns, interner, &mut problems);
        candidate.score = score(row, name);
        candidate
    };
    let chosen = side("chosen", sides.chosen);
    let rejected = side("rejected", sides.rejected);
    Content {
        natural_id: identifier(row, &["id", "prompt_id"]),
        trajectory: None,
        pairs: vec![PreferencePair {
            context,
            chosen,
            rejected,
            reason: None,
            part: None,
            provenance: Provenance {
                format: format.to_owned(),
                ..Provenance::default()
            },
        }],
        problems,
    }
}

/// The first step of a side; a side of several steps is more than a candidate can show.
fn candidate(
    side: &str,
    turns: Vec<Turn>,
    interner: &Interner,
    problems: &mut Vec<String>,
) -> Candidate {
    let conversation = Conversation::of(turns, interner, problems);
    if !conversation.task.text.is_empty() || conversation.system_prompt.is_some() {
        problems.push(format!(
            "`{side}` does not begin with a reply; only its reply is shown"
        ));
    }
    if conversation.steps.len() > 1 {
        problems.push(format!(
            "`{side}` has {} steps; only the first is shown",
            conversation.steps.len()
        ));
    }
    let Some(step) = conversation.steps.into_iter().next() else {
        problems.push(format!("`{side}` holds no reply"));
        return Candidate::default();
    };
    Candidate {
        thought: step.thought,
        action: step.action,
        observation: step.observation,
        reply: step.reply,
        ..Candidate::default()
    }
}

/// `score_chosen` or `chosen_score`, as published preference sets name them.
fn score(row: &Value, side: &str) -> Option<f64> {
    [format!("score_{side}"), format!("{side}_score")]
        .iter()
        .find_map(|key| field(row, key)?.as_f64())
}
