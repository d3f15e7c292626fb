//! Single replies with a label, for KTO: each side of a pair, and each step of a trajectory that is good or bad.
//!
//! A trainer learns from the tokens of the completion, and what tools printed must not be among them. So a trajectory is not
//! one completion but a row for each reply, after what came before it. The label of a step is what annotators say of it;
//! a step without labels has that of its trajectory. A step whose label is 0 is neither.

use std::collections::HashSet;

use super::step_labels::{step_votes, trajectory_verdict};
use crate::export::chats::chat::{CallForm, Chat, ChatTurn, chat_in};
use crate::export::target::Contents;
use crate::export::{Outgoing, Refusal, Rendered};

/// A reply, and whether it is a good one.
pub(in crate::export) struct LabelledReply<'a> {
    /// What it is said in.
    pub chat: &'a Chat,
    /// The turns before it.
    pub before: &'a [ChatTurn],
    /// What is said.
    pub reply: &'a ChatTurn,
    /// Whether it is good.
    pub label: bool,
}

/// Whether a record has replies with labels: a pair, a trajectory that somebody judged, or a step.
pub(in crate::export) fn has_labels(outgoing: &Outgoing) -> bool {
    let content = &outgoing.record.content;
    let is_labelled = || {
        step_votes(outgoing)
            .iter()
            .any(|votes| votes.verdict().is_some())
    };
    !content.pairs.is_empty()
        || (content.trajectory.is_some()
            && (trajectory_verdict(outgoing).is_some() || is_labelled()))
}

/// A row for each labelled reply of a record. Pairs of one record share sides: a row is there once.
pub(in crate::export) fn labelled_rows(
    outgoing: &Outgoing,
    form: CallForm,
    mut row: impl FnMut(LabelledReply<'_>) -> Result<(String, Contents), Refusal>,
) -> Rendered {
    let mut rendered = Rendered::default();
    let content = &outgoing.record.content;
    if content.trajectory.is_some() {
        match chat_in(form, outgoing, None) {
            Ok(chat) => step_rows(outgoing, &chat, &mut row, &mut rendered),
            Err(refusal) => rendered.add(None, None, Err(refusal)),
        }
    }
    let mut seen = HashSet::new();
    for pair in &content.pairs {
        let part = pair.part.as_deref();
        let chat = match chat_in(form, outgoing, part) {
            Ok(chat) => chat,
            Err(refusal) => {
                rendered.add(part, None, Err(refusal));
                continue;
            }
        };
        let sides = chat.sides.iter().flat_map(|sides| sides.iter());
        for (reply, label) in sides.zip([true, false]) {
            let made = row(LabelledReply {
                chat: &chat,
                before: &chat.turns,
                reply,
                label,
            });
            let is_new = made
                .as_ref()
                .map_or(true, |(json, _)| seen.insert(json.clone()));
            if is_new {
                rendered.add_with(part, None, made);
            }
        }
    }
    rendered
}

fn step_rows(
    outgoing: &Outgoing,
    chat: &Chat,
    row: &mut impl FnMut(LabelledReply<'_>) -> Result<(String, Contents), Refusal>,
    rendered: &mut Rendered,
) {
    let whole = trajectory_verdict(outgoing);
    for (number, votes) in (1..).zip(step_votes(outgoing)) {
        let Some((before, reply)) = chat.at_step(number) else {
            continue;
        };
        let label = match votes.is_empty() {
            true => whole,
            false => votes.verdict(),
        };
        let Some(label) = label else {
            if votes.is_disputed() {
                let reason = "annotators label the step differently, and no label has most of them";
                rendered.add(None, Some(number), Err(Refusal::new(reason)));
            }
            continue;
        };
        let made = row(LabelledReply {
            chat,
            before,
            reply,
            label,
        });
        rendered.add_with(None, Some(number), made);
    }
}
