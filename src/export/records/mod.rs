//! Records in the formats they came in: unedited as they are, edited with only the edits in them.

pub(in crate::export) mod atif;
pub(in crate::export) mod atif_edit;
pub(in crate::export) mod atif_review;
pub(in crate::export) mod call_results;
pub(in crate::export) mod code_turns;
pub(in crate::export) mod dialog;
pub(in crate::export) mod m_trace;
pub(in crate::export) mod original;
pub(in crate::export) mod own_lines;
pub(in crate::export) mod pref_x_beam;
pub(in crate::export) mod raw_run;
pub(in crate::export) mod step_match;
