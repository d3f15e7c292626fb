//! What was decided, batch by batch, in words.

use crate::corpus::{Corpus, CorpusError};
use crate::domain::review::ReviewRecord;
use crate::domain::review::words::{batch_words, words};

use super::effect::LogEntry;

/// More batches are not listed.
const LISTED: usize = 2_000;

/// The newest batches, newest first, as far as one may see them.
pub fn read(corpus: &Corpus) -> Result<Vec<LogEntry>, CorpusError> {
    let log = corpus.log(None, LISTED)?;
    let entries = log.entries.iter().rev().filter_map(|entry| {
        let first = entry.records.first()?;
        let is_reversal = first.verb.is_reversal();
        let about: Vec<&ReviewRecord> = match is_reversal {
            true => entry.switched.iter().collect(),
            false => entry.records.iter().collect(),
        };
        let mut said = batch_words(&about);
        if is_reversal {
            let verb = words(first);
            for (text, _) in &mut said {
                *text = format!("{verb}: {text}");
            }
        }
        let time = first.time.to_string();
        // Milliseconds are for programs.
        let time = time.get(..19).unwrap_or(&time).replace('T', " ");
        Some(LogEntry {
            batch: entry.batch,
            time,
            annotator: first.annotator.to_string(),
            said,
            is_undone: entry.is_undone,
            is_reversal,
        })
    });
    Ok(entries.collect())
}
