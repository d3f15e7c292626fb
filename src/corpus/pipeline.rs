//! Scan → prepare in parallel → one consumer in file order. Memory is bounded by the number of batches under way.

use std::panic::AssertUnwindSafe;

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::ingest::container::{
    ContainerFile, Found, FoundRecord, Location, Problem, ScanLimits, ScanStart, scan,
};
use crate::ingest::{Format, Layout};
use crate::jobs::Progress;

use super::error::CorpusError;
use super::preparation::{PreparedRecord, Workbench, prepare};

/// A file that can be scanned, with its format.
#[derive(Clone)]
pub struct OpenedFile {
    /// The plain file.
    pub container: ContainerFile,
    /// Its format.
    pub format: &'static Format,
    /// How records lie in it.
    pub layout: Layout,
    /// Its path inside the source.
    pub relative: String,
    /// Where to start.
    pub start: ScanStart,
    /// Its number among the source's files.
    pub number: u32,
}

/// What came of one record or place of a file.
pub enum Outcome {
    /// A record.
    Read(Box<PreparedRecord>),
    /// A place that could not be read; `lost` if a whole record is missing because of it.
    Problem {
        /// What and where.
        problem: Problem,
        /// Whether a record is missing.
        lost: bool,
    },
}

struct Batch {
    sequence: u64,
    file: usize,
    found: Vec<Found>,
}

struct Prepared {
    sequence: u64,
    file: usize,
    outcomes: Vec<Outcome>,
}

const BATCH_RECORDS: usize = 64;
const BATCH_BYTES: usize = 1 << 20;
/// Batches under way for each thread; more would only take memory.
const BATCHES_PER_THREAD: usize = 3;

/// Reads all files and hands every outcome to `consume`, in the order of files and records, with its file.
pub fn run(
    files: &[OpenedFile],
    limits: &ScanLimits,
    threads: usize,
    bench: &Workbench<'_>,
    progress: &Progress,
    mut consume: impl FnMut(&OpenedFile, Outcome) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let under_way = threads * BATCHES_PER_THREAD;
    // Whoever puts a batch in takes a permit; the consumer gives it back.
    let (permit_in, permits) = bounded::<()>(under_way);
    for _ in 0..under_way {
        let _ = permit_in.send(());
    }
    let (batch_in, batches) = bounded::<Batch>(under_way);
    let (prepared_in, prepared) = bounded::<Prepared>(under_way);
    std::thread::scope(|scope| {
        let scanner = scope.spawn({
            let permits = permits.clone();
            move || scan_all(files, limits, progress, &permits, &batch_in)
        });
        for _ in 0..threads {
            let (batches, prepared_in) = (batches.clone(), prepared_in.clone());
            scope.spawn(move || {
                for batch in batches {
                    let done = prepare_batch(batch, files, bench);
                    if prepared_in.send(done).is_err() {
                        break;
                    }
                }
            });
        }
        drop((batches, prepared_in));
        let result = consume_in_order(files, &prepared, &permit_in, progress, &mut consume);
        // On an error the scanner waits for permits or room that never come: closing the channels ends it.
        drop((prepared, permit_in, permits));
        let scanned = scanner
            .join()
            .unwrap_or_else(|_| Err(CorpusError::Thread("the scan stopped".to_owned())));
        result.and(scanned)
    })
}

fn consume_in_order(
    files: &[OpenedFile],
    prepared: &Receiver<Prepared>,
    permits: &Sender<()>,
    progress: &Progress,
    consume: &mut impl FnMut(&OpenedFile, Outcome) -> Result<(), CorpusError>,
) -> Result<(), CorpusError> {
    let mut waiting = std::collections::BTreeMap::new();
    let mut next = 0;
    for batch in prepared {
        waiting.insert(batch.sequence, batch);
        while let Some(batch) = waiting.remove(&next) {
            next += 1;
            progress.check()?;
            if let Some(file) = files.get(batch.file) {
                batch
                    .outcomes
                    .into_iter()
                    .try_for_each(|outcome| consume(file, outcome))?;
            }
            let _ = permits.send(());
        }
    }
    // A worker that died took a batch with it.
    if waiting.is_empty() {
        Ok(())
    } else {
        Err(CorpusError::Thread("reading a record failed".to_owned()))
    }
}

fn scan_all(
    files: &[OpenedFile],
    limits: &ScanLimits,
    progress: &Progress,
    permits: &Receiver<()>,
    batches: &Sender<Batch>,
) -> Result<(), CorpusError> {
    let mut sequence = 0;
    for (file, opened) in files.iter().enumerate() {
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut seen = opened.start.offset;
        let send = |found: Vec<Found>, sequence: &mut u64| {
            let batch = Batch {
                sequence: *sequence,
                file,
                found,
            };
            *sequence += 1;
            permits.recv().is_ok() && batches.send(batch).is_ok()
        };
        let scanned = scan(&opened.container, opened.layout, opened.start, limits);
        let scanned = scanned.unwrap_or_else(|error| {
            // One file that can't be read keeps nobody from the others.
            Box::new(std::iter::once(Found::Problem(Problem::from(&error))))
        });
        for item in scanned {
            progress.check()?;
            if let Found::Record(record) = &item {
                bytes += record.bytes.len();
                if let Location::Span { offset, length } = record.location {
                    progress.advance((offset + length).saturating_sub(seen));
                    seen = seen.max(offset + length);
                }
            }
            found.push(item);
            if found.len() >= BATCH_RECORDS || bytes >= BATCH_BYTES {
                bytes = 0;
                if !send(std::mem::take(&mut found), &mut sequence) {
                    return Ok(());
                }
            }
        }
        if !found.is_empty() && !send(found, &mut sequence) {
            return Ok(());
        }
        let size = std::fs::metadata(&opened.container.path).map_or(seen, |m| m.len());
        progress.advance(size.saturating_sub(seen));
    }
    Ok(())
}

fn prepare_batch(batch: Batch, files: &[OpenedFile], bench: &Workbench<'_>) -> Prepared {
    let outcomes = match files.get(batch.file) {
        Some(file) => batch
            .found
            .into_iter()
            .map(|found| match found {
                Found::Record(record) => outcome(record, file, bench),
                Found::Problem(problem) => Outcome::Problem {
                    problem,
                    lost: true,
                },
            })
            .collect(),
        None => Vec::new(),
    };
    Prepared {
        sequence: batch.sequence,
        file: batch.file,
        outcomes,
    }
}

/// Reads one record.
pub fn outcome(record: FoundRecord, file: &OpenedFile, bench: &Workbench<'_>) -> Outcome {
    let (number, offset) = (record.number, offset_of(record.location));
    // A reader that panics loses its record; a lost worker would leave the pipeline waiting for ever.
    let prepared = std::panic::catch_unwind(AssertUnwindSafe(|| {
        prepare(record, file.format, &file.relative, bench)
    }));
    let reason = match prepared {
        Ok(Ok(prepared)) => return Outcome::Read(Box::new(prepared)),
        Ok(Err(reason)) => reason,
        Err(_) => "reading it failed inside retake; please report it".to_owned(),
    };
    Outcome::Problem {
        problem: Problem {
            record: Some(number),
            offset,
            reason,
        },
        lost: true,
    }
}

/// The byte at which a record starts, in files that have bytes a person can look up.
pub fn offset_of(location: Location) -> Option<u64> {
    match location {
        Location::Span { offset, .. } => Some(offset),
        Location::Row { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Content, FileLookup, Interner, PictureReference};
    use crate::ingest::container::ContainerKind;
    use crate::ingest::{ReadError, RecordText};
    use crate::rules::ToolLists;

    use super::super::preparation::GoldTasks;

    struct NoFiles;

    impl FileLookup for NoFiles {
        fn exists(&self, _: &PictureReference) -> Option<bool> {
            None
        }
    }

    fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
        match record.text {
            r#"{"reads":"panic"}"# => panic!("a reader's mistake"),
            r#"{"reads":"error"}"# => Err(ReadError("no record".to_owned())),
            _ => Ok(Content::default()),
        }
    }

    static PANICS: Format = Format {
        name: "panics",
        title: "A reader with a mistake",
        detect: |_| None,
        read,
    };

    /// Several batches, so that a worker that was lost would be missed.
    #[test]
    fn a_reader_that_panics_loses_its_record_alone() {
        let path = std::env::temp_dir().join(format!("retake-panics-{}", std::process::id()));
        let kind = |number: usize| match number % 40 {
            7 => "panic",
            20 => "error",
            _ => "well",
        };
        let count = 10 * BATCH_RECORDS;
        let lines: Vec<String> = (0..count)
            .map(|number| format!("{{\"reads\":\"{}\"}}\n", kind(number)))
            .collect();
        std::fs::write(&path, lines.concat()).unwrap();
        let file = OpenedFile {
            container: ContainerFile {
                path: path.clone(),
                kind: ContainerKind::JsonLines,
            },
            format: &PANICS,
            layout: Layout::Elements,
            relative: "some.jsonl".to_owned(),
            start: ScanStart::default(),
            number: 0,
        };
        let bench = Workbench {
            interner: &Interner::default(),
            tool_lists: &ToolLists::default(),
            files: &NoFiles,
            gold: &GoldTasks::default(),
        };
        let mut delivered = Vec::new();
        let done = run(
            &[file],
            &ScanLimits::default(),
            2,
            &bench,
            &Progress::default(),
            |_, outcome| {
                delivered.push(match outcome {
                    Outcome::Read(record) => (record.number as usize, "well", String::new()),
                    Outcome::Problem { problem, lost } => {
                        assert!(lost, "a record is missing: {problem:?}");
                        let number = problem.record.unwrap() as usize;
                        let offset = lines[..number].concat().len() as u64;
                        assert_eq!(problem.offset, Some(offset));
                        match problem.reason.as_str() {
                            "no record" => (number, "error", String::new()),
                            _ => (number, "panic", problem.reason),
                        }
                    }
                });
                Ok(())
            },
        );
        std::fs::remove_file(&path).unwrap();
        done.unwrap();
        assert_eq!(delivered.len(), count);
        for (number, (delivered, outcome, reason)) in delivered.iter().enumerate() {
            assert_eq!((*delivered, *outcome), (number, kind(number)));
            assert_eq!(reason.contains("report it"), *outcome == "panic");
        }
    }
}
