//! What people decide: checked against what is shown, saved as one batch, told in the same words by every front end.
//!
//! A verb is a function of a [`Subject`] that says a target and what is said of it. A [`Batch`] collects these, and a
//! [`DecisionWriter`] saves it. Nothing here prints or asks.

mod adjudication;
mod batch;
mod candidate_text;
mod consequences;
mod edit;
mod error;
mod log;
mod new_pair;
mod remark;
mod reversal;
mod step_verb;
mod subject;
mod verdict;
mod writer;

pub use adjudication::Ruling;
pub use batch::{Batch, Changed, draft};
pub use candidate_text::{is_empty_candidate, parse_candidate};
pub use consequences::{NewlyStale, consequences, in_words};
pub use edit::{edit_pair, edit_trajectory};
pub use error::DecisionError;
pub use log::{Log, LogEntry};
pub use new_pair::{accept_new_pair, new_pair};
pub use remark::{note, replace_note, tag, tool_result, untag};
pub use reversal::Direction;
pub use step_verb::{add_step, confirm_step, first_wrong_step, label, move_step, remove_step};
pub use subject::{Subject, no_pair};
pub use verdict::{Verdict, reasons, swap};
pub use writer::{DecisionWriter, NotSaved};

use crate::domain::review::{Target, Verb};

/// A verb on its target; `None` where everything is so already.
pub type Decided = Option<(Target, Verb)>;
