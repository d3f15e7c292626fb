//! Journals: append-only files of review records, one for each annotator and machine, that merge by union. A line whose
//! checksum is right is never dropped or rewritten; what is acknowledged is on the disk. See `docs/journal.md`.

mod blocks;
mod error;
mod file_name;
mod file_state;
mod folder;
mod layout;
mod line;
mod machine;
mod merge;
mod notice;
mod scan;
mod sequences;
mod tail;
mod union;
mod writer;

#[cfg(test)]
mod folder_tests;
#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod writer_tests;

pub use error::JournalError;
pub use file_name::{JournalName, WriterId};
pub use folder::{JournalFolder, JournalHead, Refreshed};
pub use merge::{TakenFile, TakenIn, take_in};
pub use notice::{Notice, NoticeKind};
pub use writer::Journal;
