//! Verbs as data: what is asked of a person before one is saved, and how it is said of a record.

use crate::corpus::decision::{
    self, Decided, DecisionError, Ruling, Subject as ReviewSubject, Verdict,
};
use crate::domain::review::{
    Blindness, CandidateReference, Field, Judgement, LiteralCandidate, NewPair, Opinion,
    Orientation, Rejection, Side, StepLabel, TagName, Verb,
};

use super::action::Action;
use super::effect::{CommitRequest, Decision};
use super::overlays::{Choice, Confirm, Overlay, Prompt, RejectionForm};
use super::question::Question;
use super::subject::Subject;
use super::views::edit::{EditView, Purpose};

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

/// A field that is edited.
#[derive(Debug, Clone)]
pub struct FieldEdit {
    /// Of what.
    pub subject: Subject,
    /// Which.
    pub field: Field,
    /// Of a pair: of which side, as it is shown now.
    pub side: Option<Side>,
}

/// What comes before a verb is saved.
#[derive(Debug)]
pub enum Asked {
    /// Nothing: it is saved.
    Commit(CommitRequest),
    /// Something in front of the view.
    Overlay(Box<Overlay>),
    /// A text.
    Editor(Box<EditView>),
    /// It can't be done, and why.
    Say(String),
}

/// One deed on all subjects, as a batch.
pub fn commit(subjects: &[Subject], done: &str, deed: &Deed) -> CommitRequest {
    let decisions = subjects.iter().map(|subject| Decision {
        id: subject.id.clone(),
        seen: subject.seen(),
        deed: deed.clone(),
    });
    CommitRequest {
        decisions: decisions.collect(),
        done: done.to_owned(),
    }
}

/// More than one item at once is asked about first.
fn confirmed(request: CommitRequest) -> Asked {
    match request.decisions.len() {
        0 => Asked::Say("nothing is selected".to_owned()),
        1 => Asked::Commit(request),
        count => {
            let text = format!(
                "{count} items are to be {} as one batch (one undo takes it back).",
                request.done
            );
            let confirm = Confirm::new(text, Question::Commit(Box::new(request)));
            Asked::Overlay(Box::new(Overlay::Confirm(confirm)))
        }
    }
}

/// What an action on subjects asks first, or saves at once.
pub fn ask(action: Action, subjects: &[Subject], reasons: &[String]) -> Asked {
    let Some(first) = subjects.first() else {
        return Asked::Say("nothing is selected".to_owned());
    };
    let step = first.step.and_then(|step| u32::try_from(step).ok());
    let verdict = |opinion: Opinion, done: &str| {
        confirmed(commit(
            subjects,
            done,
            &Deed::Verdict(Verdict::plain(opinion)),
        ))
    };
    let on_step = |done: &str, deed: &dyn Fn(u32) -> Deed| match step {
        Some(step) => Asked::Commit(commit(subjects, done, &deed(step))),
        None => Asked::Say("this is about a step: go to one".to_owned()),
    };
    let label = |value: i8, done: &str| match StepLabel::new(value) {
        Some(label) => on_step(done, &|step| Deed::Label(step, label)),
        None => Asked::Say("there is no such label".to_owned()),
    };
    match action {
        Action::Accept => verdict(Opinion::Accept, "accepted"),
        Action::Tie => verdict(Opinion::Tie, "called equally good"),
        Action::Reject => {
            let title = match subjects.len() {
                1 => format!("Reject {}", first.id),
                count => format!("Reject {count} items"),
            };
            overlay(Overlay::RejectionForm(RejectionForm::new(title, reasons)))
        }
        Action::LabelGood => label(1, "labelled +1"),
        Action::LabelNeutral => label(0, "labelled 0"),
        Action::LabelBad => label(-1, "labelled -1"),
        Action::FirstWrongStep => on_step("called the first wrong step", &Deed::FirstWrongStep),
        Action::RemoveStep => match step {
            Some(step) => {
                let request = commit(subjects, "removed a step", &Deed::RemoveStep(step));
                let text = format!("Remove step {step}? The steps behind it become stale.");
                overlay(Overlay::Confirm(Confirm::new(
                    text,
                    Question::Commit(Box::new(request)),
                )))
            }
            None => Asked::Say("this is about a step: go to one".to_owned()),
        },
        Action::MoveStepUp => match step {
            Some(0 | 1) => Asked::Say("it is the first step".to_owned()),
            _ => on_step("moved a step", &|step| {
                Deed::MoveStep(step, step.saturating_sub(2))
            }),
        },
        Action::MoveStepDown => on_step("moved a step", &|step| Deed::MoveStep(step, step + 1)),
        Action::Fresh => on_step("confirmed a step", &Deed::Confirm),
        Action::Swap if !first.is_pair() => Asked::Say("it is no pair".to_owned()),
        Action::Swap => Asked::Commit(commit(subjects, "swapped the sides", &Deed::Swap)),
        Action::Tag => prompt("Tag", "a word such as second-look", Question::Tag),
        Action::Untag => untag(first),
        Action::Note => {
            let title = match (subjects.len(), step) {
                (1, Some(step)) => format!("Note on step {step} of {}", first.id),
                (1, None) => format!("Note on {}", first.id),
                (count, _) => format!("Note on {count} items"),
            };
            editor(EditView::new(
                title,
                "",
                false,
                Purpose::Note(subjects.to_vec()),
            ))
        }
        Action::AddStep => {
            let title = format!(
                "A new step behind step {} of {}",
                step.unwrap_or(0),
                first.id
            );
            let view = EditView::new(title, NEW_STEP, false, Purpose::NewStep(first.clone()));
            editor(view)
        }
        Action::EditField => edit_choice(first),
        Action::MakePair => pair_candidates(first),
        Action::Adjudicate => {
            let mut options = vec!["accept", "reject"];
            if first.is_pair() {
                options.extend(["accept with the sides swapped", "tie"]);
            }
            let options = options.into_iter().map(str::to_owned).collect();
            overlay(Overlay::Choice(Choice::new(
                "What holds?",
                options,
                Question::Adjudicate,
            )))
        }
        _ => Asked::Say("that can't be done here".to_owned()),
    }
}

/// What a new step looks like before one writes it.
const NEW_STEP: &str = "Thought: \nCode:\n```py\n\n```";

fn overlay(overlay: Overlay) -> Asked {
    Asked::Overlay(Box::new(overlay))
}

fn editor(view: EditView) -> Asked {
    Asked::Editor(Box::new(view))
}

fn prompt(title: &str, hint: &str, question: Question) -> Asked {
    overlay(Overlay::Prompt(Prompt::new(title, hint, question)))
}

fn untag(subject: &Subject) -> Asked {
    let tags: Vec<String> = match subject.review() {
        Some(review) => review.tags.keys().cloned().collect(),
        None => return prompt("Take away the tag", "its name", Question::Untag(Vec::new())),
    };
    match tags.is_empty() {
        true => Asked::Say("it has no tag".to_owned()),
        false => overlay(Overlay::Choice(Choice::new(
            "Take away the tag",
            tags.clone(),
            Question::Untag(tags),
        ))),
    }
}

/// Asks which field to edit.
fn edit_choice(subject: &Subject) -> Asked {
    let fields: Vec<(Field, Option<Side>)> = match (subject.is_pair(), subject.step) {
        (true, _) => {
            let of = |side: Side| {
                [Field::Thought, Field::Code, Field::Observation].map(|field| (field, Some(side)))
            };
            let mut fields = of(Side::Chosen).to_vec();
            fields.extend(of(Side::Rejected));
            fields.push((Field::Task, None));
            fields
        }
        (false, Some(_)) => [Field::Thought, Field::Code, Field::Observation]
            .map(|field| (field, None))
            .to_vec(),
        (false, None) => [Field::Task, Field::Answer]
            .map(|field| (field, None))
            .to_vec(),
    };
    let name = |(field, side): &(Field, Option<Side>)| match side {
        Some(Side::Chosen) => format!("{} of the chosen side", field.name()),
        Some(Side::Rejected) => format!("{} of the rejected side", field.name()),
        None => field.name().to_owned(),
    };
    let options = fields.iter().map(name).collect();
    overlay(Overlay::Choice(Choice::new(
        "Edit",
        options,
        Question::EditField(fields),
    )))
}

/// An editor of a field, with its text as it is now.
pub fn field_editor(
    subject: &Subject,
    field: Field,
    side: Option<Side>,
) -> Result<EditView, String> {
    use crate::domain::review::{candidate_text, step_text, trajectory_text};
    let record = subject.record.as_ref().ok_or("open it first")?;
    let step = subject.step.filter(|_| field.is_of_step());
    let trajectory = record.current.content.trajectory.as_ref();
    let (text, is_code) = match (subject.pair(), side) {
        (Some(pair), Some(side)) => {
            let candidate = match side {
                Side::Chosen => &pair.chosen,
                Side::Rejected => &pair.rejected,
            };
            let is_code = matches!(
                candidate.action,
                Some(crate::domain::Action::Code(_)) | None
            );
            (candidate_text(candidate, field).into_owned(), is_code)
        }
        (Some(pair), None) => (pair.context.task.text.clone(), false),
        (None, _) => {
            let trajectory = trajectory.ok_or("it has nothing to edit")?;
            match step {
                Some(number) => {
                    let step = trajectory
                        .steps
                        .get(number.saturating_sub(1))
                        .ok_or("there is no such step")?;
                    let is_code =
                        matches!(step.action, Some(crate::domain::Action::Code(_)) | None);
                    (step_text(step, field).into_owned(), is_code)
                }
                None if field.is_of_step() => {
                    return Err("this is about a step: go to one".to_owned());
                }
                None => (trajectory_text(trajectory, field).to_owned(), false),
            }
        }
    };
    let of = match step {
        Some(step) => format!(" of step {step}"),
        None => String::new(),
    };
    let title = format!("The {}{of} of {}", field.name(), subject.id);
    let edit = FieldEdit {
        subject: subject.clone(),
        field,
        side,
    };
    let is_python = field == Field::Code && is_code;
    let mut view = EditView::new(title, &text, is_python, Purpose::Field(edit));
    view.stale = stale_words(subject, field, &text);
    Ok(view)
}

/// What an edit of a field makes stale.
fn stale_words(subject: &Subject, field: Field, before: &str) -> String {
    let Some(record) = subject.record.as_ref().filter(|_| !subject.is_pair()) else {
        return String::new();
    };
    let target = crate::domain::review::Target::new(subject.id.clone(), record.record.hash);
    let subject_then = ReviewSubject {
        record: record.record.clone(),
        current: record.current.clone(),
        target,
        step: None,
        kept: crate::workspace::KeptCandidates::default(),
    };
    let step = subject
        .step
        .filter(|_| field.is_of_step())
        .and_then(|step| u32::try_from(step).ok());
    // Any other text has the same consequences.
    let other = format!("{before}.");
    let decided = decision::edit_trajectory(&subject_then, field, step, &other);
    let Ok(Some((target, verb))) = decided else {
        return String::new();
    };
    let stale = decision::consequences(&subject_then, &target, &verb).unwrap_or_default();
    decision::in_words(&stale)
}

/// Asks what the step is to be compared with.
fn pair_candidates(subject: &Subject) -> Asked {
    let Some(number) = subject.step else {
        return Asked::Say("this is about a step: go to one".to_owned());
    };
    let record = subject.record.as_ref();
    let trajectory = record.and_then(|record| record.current.content.trajectory.as_ref());
    let step = trajectory.and_then(|trajectory| trajectory.steps.get(number - 1));
    let Some(step) = step else {
        return Asked::Say("open it first".to_owned());
    };
    let count = step.candidates.len();
    let sampled = step.candidates.iter().enumerate().map(|(at, candidate)| {
        let thought = candidate.thought.as_deref().unwrap_or_default();
        let short = crate::tui::widgets::styled_text::cut(thought, 40);
        format!("candidate {}: {short}", at + 1)
    });
    let mut options: Vec<String> = sampled.collect();
    options.push("write a better one".to_owned());
    let title = format!("Pair step {number} with");
    overlay(Overlay::Choice(Choice::new(
        title,
        options,
        Question::PairCandidate(count),
    )))
}

/// The pair of a step and a sampled candidate; the step is the better one unless it was not the one chosen.
pub fn pair_with_candidate(subject: &Subject, candidate: usize) -> Option<CommitRequest> {
    let step = u32::try_from(subject.step?).ok()?;
    let pair = NewPair {
        chosen: CandidateReference::Step,
        rejected: CandidateReference::Candidate(u32::try_from(candidate + 1).ok()?),
        reason: String::new(),
    };
    let deed = Deed::NewPair(step, Box::new(pair));
    Some(commit(std::slice::from_ref(subject), "made a pair", &deed))
}

/// The pair of a written candidate, which is the better one, and the step.
pub fn pair_with_written(subject: &Subject, text: &str) -> Result<CommitRequest, String> {
    let written = decision::parse_candidate(text).map_err(|error| error.to_string())?;
    let step = subject.step.and_then(|step| u32::try_from(step).ok());
    let step = step.ok_or("this is about a step: go to one")?;
    let pair = NewPair {
        chosen: CandidateReference::Literal(written),
        rejected: CandidateReference::Step,
        reason: String::new(),
    };
    let deed = Deed::NewPair(step, Box::new(pair));
    Ok(commit(std::slice::from_ref(subject), "made a pair", &deed))
}

/// What an editor's text says when it is saved.
pub fn saved(view: &EditView) -> Result<CommitRequest, String> {
    let text = view.text();
    match &view.purpose {
        Purpose::Field(edit) => {
            let subjects = std::slice::from_ref(&edit.subject);
            let step = edit.subject.step.filter(|_| edit.field.is_of_step());
            let step = step.and_then(|step| u32::try_from(step).ok());
            let deed = match edit.subject.is_pair() {
                true => Deed::EditSide(edit.field, edit.side, text),
                false => Deed::Edit(edit.field, step, text),
            };
            Ok(commit(
                subjects,
                &format!("edited the {}", edit.field.name()),
                &deed,
            ))
        }
        Purpose::NewStep(subject) => {
            let texts = decision::parse_candidate(&text).map_err(|error| error.to_string())?;
            let after = subject
                .step
                .and_then(|step| u32::try_from(step).ok())
                .unwrap_or(0);
            let deed = Deed::AddStep(after, texts);
            Ok(commit(std::slice::from_ref(subject), "added a step", &deed))
        }
        Purpose::Candidate(subject) => pair_with_written(subject, &text),
        Purpose::Note(subjects) => {
            let step = match subjects.as_slice() {
                [one] => one.step.and_then(|step| u32::try_from(step).ok()),
                _ => None,
            };
            Ok(commit(
                subjects,
                "noted",
                &Deed::Note(step, text.trim().to_owned()),
            ))
        }
    }
}

/// A rejection of all subjects.
pub fn rejection(subjects: &[Subject], why: Rejection) -> CommitRequest {
    let verdict = Verdict {
        opinion: Opinion::Reject,
        why,
    };
    commit(subjects, "rejected", &Deed::Verdict(verdict))
}

/// A ruling by the number of the option chosen.
pub fn ruling(subjects: &[Subject], option: usize) -> CommitRequest {
    let verdict = match option {
        0 | 2 => Judgement::Accept,
        1 => Judgement::Reject,
        _ => Judgement::Tie,
    };
    let ruling = Ruling {
        verdict,
        is_swap: option == 2,
        why: Rejection::default(),
    };
    commit(subjects, "adjudicated", &Deed::Rule(ruling))
}
