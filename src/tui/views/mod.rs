//! What fills the screen. A view holds its own state, turns actions into requests, and draws itself; it does nothing else.

pub mod compare;
pub mod corpus;
pub mod edit;
pub mod jobs;
pub mod log;
pub mod record_lines;
pub mod replay;
pub mod rerun;
pub mod statistics;

use crate::corpus::Inspection;
use crate::domain::{RecordId, TargetId};

use super::action::Action;
use super::effect::{Effect, InspectRequest, Purpose, Ticket};
use super::overlays::{Choice, Overlay};
use super::question::Question;
use super::subject::Subject;

use edit::EditView;

/// What a view asks the app for.
#[derive(Debug)]
pub enum Request {
    /// Do this.
    Do(Effect),
    /// Put this in front.
    Show(Box<Overlay>),
    /// Decide this about these.
    Decide(Action, Vec<Subject>),
    /// Open this editor.
    Edit(Box<EditView>),
    /// Say this at the bottom of the screen.
    Say(String),
    /// Close the view.
    Close,
}

/// Opens a record by its id.
pub fn open_record(record: &RecordId) -> Effect {
    Effect::Inspect(InspectRequest {
        ticket: Ticket::default(),
        id: TargetId {
            record: record.clone(),
            part: None,
        },
        purpose: Purpose::Open(None),
    })
}

/// Opens the candidates that a record keeps of a step, from 1: of this one if it has some.
pub fn open_candidates(record: &RecordId, step: Option<u32>) -> Effect {
    Effect::Inspect(InspectRequest {
        ticket: Ticket::default(),
        id: TargetId {
            record: record.clone(),
            part: None,
        },
        purpose: Purpose::Candidates(step),
    })
}

/// Opens the gold record of a run, or one of the runs of a gold task.
pub fn open_gold(record: &Inspection) -> Request {
    if let Some(gold) = &record.gold {
        return Request::Do(open_record(&gold.id));
    }
    match record.runs.as_slice() {
        [] => Request::Say(
            "it is no run of a task whose gold record is here, and no task with runs".to_owned(),
        ),
        [one] => Request::Do(open_record(&one.id)),
        runs => {
            let option = |run: &crate::corpus::TaskRun| {
                format!("{} {} {}", run.outcome.name(), run.id, run.run)
            };
            let options = runs.iter().map(option).collect();
            let records = runs.iter().map(|run| run.id.clone()).collect();
            let choice = Choice::new("Runs", options, Question::OpenRecord(records));
            Request::Show(Box::new(Overlay::Choice(choice)))
        }
    }
}
