//! What is decided, and how it is said of a record.

use crate::corpus::decision::{
    self, Decided, DecisionError, Ruling, Subject as ReviewSubject, Verdict,
};
use crate::domain::review::{
    Blindness, Field, LiteralCandidate, NewPair, Opinion, Orientation, Side, StepLabel, TagName,
    ToolResult, Verb,
};

/// What is decided about something, before it is a record.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A verdict on the whole.
    Verdict(Verdict),
    /// The sides of a pair are exchanged.
    Swap,
    /// Of a pair as it is shown: the side that is better; the pair is turned if need be, and accepted.
    Prefer(Side),
    /// A vote in blind mode.
    Vote(Vote),
    /// A step's label.
    Label(u32, StepLabel),
    /// The first wrong step.
    FirstWrongStep(u32),
    /// A tag more.
    Tag(TagName),
    /// A tag less.
    Untag(TagName),
    /// A note, on a step or on the whole.
    Note(Option<u32>, String),
    /// A new text for a field of a step or of the whole.
    Edit(Field, Option<u32>, String),
    /// A new text for a field of a side of a pair.
    EditSide(Field, Option<Side>, String),
    /// A step behind this one.
    AddStep(u32, LiteralCandidate),
    /// A step less.
    RemoveStep(u32),
    /// A step behind another one.
    MoveStep(u32, u32),
    /// A stale step holds.
    Confirm(u32),
    /// What a call of a step returned.
    ToolResult(u32, Box<ToolResult>),
    /// A pair of candidates for a step.
    NewPair(u32, Box<NewPair>),
    /// The end of a disagreement.
    Rule(Ruling),
}

/// What somebody says of a pair without knowing which side is which; sides by their names as the pair was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// The better side; `None` if both are equally good.
    pub preferred: Option<Side>,
    /// The side that stood to the left.
    pub left: Side,
}

impl Deed {
    /// Whether it is said of a pair by somebody who knows which side is which.
    pub fn takes_sides(&self) -> bool {
        match self {
            Self::Verdict(verdict) => verdict.opinion != Opinion::Reject,
            Self::Swap | Self::Prefer(_) | Self::EditSide(..) | Self::Rule(_) => true,
            _ => false,
        }
    }

    /// The deed as records say it; empty where everything is so already. Several records are one batch.
    pub fn on(
        &self,
        subject: &ReviewSubject,
        annotator: &str,
    ) -> Result<Vec<Decided>, DecisionError> {
        let decided = match self {
            Self::Verdict(verdict) => {
                if verdict.opinion == Opinion::Tie {
                    subject.expect_pair()?;
                }
                verdict.on(subject, annotator)
            }
            Self::Swap => decision::swap(subject)?,
            Self::Prefer(side) => return prefer(subject, *side, annotator),
            Self::Vote(vote) => return vote.on(subject),
            Self::Label(step, label) => decision::label(subject, *step, *label, annotator)?,
            Self::FirstWrongStep(step) => decision::first_wrong_step(subject, *step, annotator)?,
            Self::Tag(tag) => decision::tag(subject, tag),
            Self::Untag(tag) => decision::untag(subject, tag),
            Self::Note(step, text) => decision::note(subject, *step, text)?,
            Self::Edit(field, step, text) => {
                decision::edit_trajectory(subject, *field, *step, text)?
            }
            Self::EditSide(field, side, text) => decision::edit_pair(subject, *field, *side, text)?,
            Self::AddStep(after, texts) => decision::add_step(subject, Some(*after), texts)?,
            Self::RemoveStep(step) => decision::remove_step(subject, *step)?,
            Self::MoveStep(step, after) => decision::move_step(subject, *step, *after)?,
            Self::Confirm(step) => decision::confirm_step(subject, *step)?,
            Self::ToolResult(step, given) => decision::tool_result(subject, *step, given)?,
            Self::NewPair(step, pair) => decision::new_pair(subject, *step, pair)?,
            Self::Rule(ruling) => {
                let (target, adjudication) = ruling.on(subject)?;
                Some((target, Verb::Adjudicate(adjudication)))
            }
        };
        Ok(vec![decided])
    }
}

/// Who prefers the side that is shown as rejected turns the pair, and accepts it so.
fn prefer(
    subject: &ReviewSubject,
    side: Side,
    annotator: &str,
) -> Result<Vec<Decided>, DecisionError> {
    subject.expect_pair()?;
    if side == Side::Chosen {
        return Ok(vec![Verdict::plain(Opinion::Accept).on(subject, annotator)]);
    }
    let turned = decision::swap(subject)?;
    let swapped = !subject.review().swapped;
    let accepted = (
        subject.target.clone(),
        Verb::AcceptPair(Orientation::open(swapped)),
    );
    Ok(vec![turned, Some(accepted)])
}

impl Vote {
    /// The vote as records say it: also where it repeats what was said before. The pair is turned if need be.
    fn on(self, subject: &ReviewSubject) -> Result<Vec<Decided>, DecisionError> {
        subject.expect_pair()?;
        let Self { preferred, left } = self;
        let Some(side) = preferred else {
            let tie = Verb::TieBlind(Blindness { left });
            return Ok(vec![Some((subject.target.clone(), tie))]);
        };
        let review = subject.review();
        let swapped = side == Side::Rejected;
        // Whose question is settled already does not settle it anew.
        let turned = match swapped != review.swapped && review.adjudication.is_none() {
            true => decision::swap(subject)?,
            false => None,
        };
        let accepted = Verb::AcceptPair(Orientation {
            swapped,
            left: Some(left),
        });
        Ok(vec![turned, Some((subject.target.clone(), accepted))])
    }
}
