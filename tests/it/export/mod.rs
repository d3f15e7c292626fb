//! What is written: nothing lost where nothing was edited, only the edits where something was, and files that are whole.

mod decisions;
mod edits;
mod files;
mod hugging_face;
mod preflight;
mod records;
mod round_trips;
mod tables;
mod trainers;
