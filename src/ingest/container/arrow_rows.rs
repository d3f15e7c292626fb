use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::arrow_message::{ArrowMessages, Message};
use super::arrow_range::{read_rows, read_whole, reads_by_range, record_batch};
use super::guard::guarded;
use super::row_text::row_texts;
use super::{ContainerError, Found, FoundRecord, Location, Problem, ScanLimits};

/// After so many bad rows, the rest of a batch is given up.
const MOST_BAD_ROWS: u32 = 16;

/// The rows of an Arrow IPC file or stream.
pub(super) struct ArrowRows {
    messages: ArrowMessages,
    limits: ScanLimits,
    /// The next message.
    position: u64,
    /// The number of the next row.
    number: u64,
    current: Option<CurrentBatch>,
    ready: VecDeque<Found>,
    done: bool,
}

struct CurrentBatch {
    message: Message,
    /// The whole batch, where its rows can't be read by themselves.
    whole: Option<RecordBatch>,
    rows: Range<u64>,
    /// How many rows to read at once: fewer after an error, to find the row that is to blame.
    step: u64,
    most: u64,
    bad: u32,
}

impl ArrowRows {
    pub fn open(path: &Path, file: File, limits: &ScanLimits) -> Result<Self, ContainerError> {
        let messages = guarded(|| ArrowMessages::open(file, limits.record_bytes))
            .map_err(|error| ContainerError::table(path, error))?;
        Ok(Self {
            position: messages.first,
            messages,
            limits: *limits,
            number: 0,
            current: None,
            ready: VecDeque::new(),
            done: false,
        })
    }

    /// Reads the next message; a batch becomes `current`.
    fn next_message(&mut self) -> Result<(), ArrowError> {
        let Some(message) = self.messages.at(self.position)? else {
            self.done = true;
            if let Some(reason) = self.messages.cut.take() {
                self.problem(None, reason);
            }
            return Ok(());
        };
        self.position = message.next;
        let header = message.header()?;
        if header.header_as_dictionary_batch().is_some() {
            if self.messages.dictionaries_follow_the_scan() {
                self.messages
                    .take_dictionary(&message, self.limits.record_bytes)?;
            }
            return Ok(());
        }
        if header.header_as_record_batch().is_none() {
            return Ok(());
        }
        let batch = record_batch(&message, &header)?;
        let rows = batch.length().unsigned_abs();
        let whole = if reads_by_range(&self.messages, &batch) {
            None
        } else {
            match guarded(|| read_whole(&mut self.messages, &message)) {
                Ok(whole) => Some(whole),
                Err(error) => {
                    self.problem(
                        Some(self.number),
                        format!("{rows} rows from here on cannot be read: {error}"),
                    );
                    self.number = self.number.saturating_add(rows);
                    return Ok(());
                }
            }
        };
        let rows = whole.as_ref().map_or(rows, |whole| whole.num_rows() as u64);
        let row_bytes = (message.body_length / rows.max(1)).max(1);
        let most = (self.limits.chunk_bytes as u64 / row_bytes).clamp(1, 1024);
        self.current = Some(CurrentBatch {
            message,
            whole,
            rows: 0..rows,
            step: most,
            most,
            bad: 0,
        });
        Ok(())
    }

    /// Makes some rows of the current batch ready.
    fn read_some(&mut self, mut batch: CurrentBatch) {
        let rows = batch.rows.start..batch.rows.end.min(batch.rows.start + batch.step);
        let count = rows.end - rows.start;
        let texts = guarded(|| match &batch.whole {
            Some(whole) => row_texts(&whole.slice(rows.start as usize, count as usize)),
            None => {
                let limit = self.limits.record_bytes;
                row_texts(&read_rows(
                    &mut self.messages,
                    &batch.message,
                    rows.clone(),
                    limit,
                )?)
            }
        });
        match texts {
            Ok(texts) => {
                for (row, bytes) in rows.clone().zip(texts) {
                    let location = Location::Row {
                        group: batch.message.start,
                        row,
                    };
                    self.ready
                        .push_back(record(self.number, location, bytes, &self.limits));
                    self.number += 1;
                }
                batch.step = batch.step.saturating_mul(2).min(batch.most);
            }
            Err(_) if count > 1 => {
                batch.step = count / 2;
                self.current = Some(batch);
                return;
            }
            Err(error) => {
                batch.bad += 1;
                let left = batch.rows.end - batch.rows.start;
                if batch.bad == MOST_BAD_ROWS && left > 1 {
                    let reason = format!("{left} rows from here on cannot be read: {error}");
                    self.problem(Some(self.number), reason);
                    self.number = self.number.saturating_add(left);
                    return;
                }
                self.problem(Some(self.number), error.to_string());
                self.number += 1;
            }
        }
        batch.rows.start = rows.end;
        if !batch.rows.is_empty() {
            self.current = Some(batch);
        }
    }

    fn problem(&mut self, record: Option<u64>, reason: String) {
        self.ready.push_back(Found::Problem(Problem {
            record,
            offset: None,
            reason,
        }));
    }
}

impl Iterator for ArrowRows {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Some(found);
            }
            if let Some(batch) = self.current.take() {
                self.read_some(batch);
            } else if self.done {
                return None;
            } else if let Err(error) = guarded(|| self.next_message()) {
                // Where the next message starts is unknown.
                self.done = true;
                self.problem(
                    Some(self.number),
                    format!("the rest cannot be read: {error}"),
                );
            }
        }
    }
}

/// A row as a record, or a problem if its text is too long.
pub(super) fn record(
    number: u64,
    location: Location,
    bytes: Vec<u8>,
    limits: &ScanLimits,
) -> Found {
    let (length, limit) = (bytes.len() as u64, limits.record_bytes);
    if length > limit {
        return Found::Problem(Problem {
            record: Some(number),
            offset: None,
            reason: format!("the record has {length} bytes, more than the limit of {limit}"),
        });
    }
    Found::Record(FoundRecord {
        number,
        location,
        key: None,
        bytes,
    })
}

/// Reads one row: of the batch whose message starts at `group`.
pub(super) fn read_row(
    path: &Path,
    file: File,
    group: u64,
    row: u64,
    limits: &ScanLimits,
) -> Result<Vec<u8>, ContainerError> {
    let limit = limits.record_bytes;
    let texts = guarded(|| {
        let mut messages = ArrowMessages::open(file, limit)?;
        messages.read_dictionaries_for(group, limit)?;
        let Some(message) = messages.at(group)? else {
            return Ok(Vec::new());
        };
        let rows = row..row.saturating_add(1);
        row_texts(&read_rows(&mut messages, &message, rows, limit)?)
    })
    .map_err(|error| ContainerError::table(path, error))?;
    single(path, texts, limits)
}

/// The one text of a row that was asked for.
pub(super) fn single(
    path: &Path,
    texts: Vec<Vec<u8>>,
    limits: &ScanLimits,
) -> Result<Vec<u8>, ContainerError> {
    let path = path.to_path_buf();
    match texts.into_iter().next() {
        Some(text) if text.len() as u64 > limits.record_bytes => {
            let limit = limits.record_bytes;
            Err(ContainerError::RecordTooBig { path, limit })
        }
        Some(text) => Ok(text),
        None => Err(ContainerError::Moved { path }),
    }
}
