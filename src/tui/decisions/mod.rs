//! Verbs as data: what is asked of a person before one is saved, and how it is said of a record.

mod deed;
mod field_edit;
mod step_pair;
mod tool_answer;

use crate::corpus::decision::{self, Ruling, Verdict};
use crate::domain::review::{Judgement, Opinion, Rejection, StepLabel};

use super::action::Action;
use super::effect::{CommitRequest, Decision};
use super::overlays::{Choice, Confirm, Overlay, Prompt, RejectionForm};
use super::question::Question;
use super::subject::Subject;
use super::views::edit::{EditView, Purpose};

pub use deed::{Deed, Vote};
pub use field_edit::{FieldEdit, field_editor};
pub use step_pair::{pair_with_candidate, pair_with_written};
pub use tool_answer::{AskedCall, TYPED_RESULT, answer_editor, unanswered};

use field_edit::edit_choice;
use step_pair::pair_candidates;

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
        is_blind: false,
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
        Purpose::ToolResult(asked) => Ok(tool_answer::typed(asked, &text)),
        Purpose::Candidate(subject) => pair_with_written(subject, &text),
        Purpose::OwnCandidate(_) => Err("its re-run is gone".to_owned()),
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
