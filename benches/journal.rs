//! Opening a journal of a million records and appending to one, beside the floors they are measured against.
//!
//!     cargo bench --bench journal
//!
//! RETAKE_BENCH_RECORDS sets how many records; RETAKE_BENCH_FOLDER where they are written. Every figure comes from this
//! one process on the same files; ratios count, absolute times depend on the machine.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use retake::domain::review::{
    Draft, Edit, Field, NoteText, Rejection, Reviews, StepKey, StepLabel, TagName, Target,
    TextHash, Verb,
};
use retake::domain::{ContentHash, TargetId};
use retake::jobs::Progress;
use retake::journal::{Journal, JournalFolder, WriterId};
use serde::Deserialize;

const ROUNDS: usize = 5;
const APPENDS: usize = 200;

fn main() {
    let count = std::env::var("RETAKE_BENCH_RECORDS")
        .ok()
        .and_then(|v| v.parse().ok());
    let count = count.unwrap_or(1_000_000);
    let folder =
        std::env::var_os("RETAKE_BENCH_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("retake-bench-journal-{}", std::process::id()));
    let path = write(&folder, count);
    let size = fs::metadata(&path).expect("file").len();
    println!(
        "{count} records, {:.0} MB, {ROUNDS} rounds in turn with the floor",
        size as f64 / 1e6
    );
    let (mut opens, mut folds, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let journals = JournalFolder::open(&folder, &Progress::default()).expect("read");
        let opened = start.elapsed();
        assert_eq!(journals.reviews().len(), count);
        fold(journals.reviews());
        opens.push(opened);
        folds.push(start.elapsed() - opened);
        drop(journals);
        floors.push(floor(&path, count));
    }
    let (open, fold, floor) = (median(opens), median(folds), median(floors));
    println!("  read and verify            {:.2} s", open.as_secs_f64());
    println!("  fold every target          {:.2} s", fold.as_secs_f64());
    println!(
        "  together                   {:.2} s  (bar: 1.5)",
        (open + fold).as_secs_f64()
    );
    println!(
        "  floor (lines, typed JSON)  {:.2} s, one thread",
        floor.as_secs_f64()
    );
    append(&folder);
    fs::remove_dir_all(&folder).expect("removed");
}

/// What annotators do all day, on a tenth as many targets as records.
fn draft(number: usize) -> Draft {
    let item = number / 10;
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(
        &(item as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_le_bytes(),
    );
    let target = Target::new(
        TargetId::parse(&format!("m-trace/{item:08x}")),
        ContentHash(hash),
    );
    let step = target.with_step(StepKey::Source(1 + number as u32 % 7));
    let (target, verb) = match number % 10 {
        0 => (target, Verb::Accept),
        1 => {
            let reasons = vec!["wrong answer".to_owned(), "hallucination".to_owned()];
            let text = "the sign says 22:00, not 20:00".to_owned();
            (target, Verb::Reject(Rejection { reasons, text }))
        }
        2 => (
            target,
            Verb::Tag(TagName {
                tag: "second-look".to_owned(),
            }),
        ),
        3 => {
            let text = "The picture shows two cups; the third is a reflection.".to_owned();
            (
                step,
                Verb::Note(NoteText {
                    text,
                    replaces: None,
                }),
            )
        }
        4 => {
            let edit = Edit {
                field: Field::Thought,
                side: None,
                text: "I count the cups in the picture, without reflections.\n".repeat(3),
                against: TextHash::of("before"),
            };
            (step, Verb::Edit(edit))
        }
        _ => (
            step,
            Verb::Label(StepLabel::new((number % 3) as i8 - 1).expect("label")),
        ),
    };
    Draft::new(target, verb).expect("draft")
}

fn write(folder: &Path, count: usize) -> PathBuf {
    let writer = WriterId::random().expect("id");
    let mut journal = Journal::open(folder, "ada", writer).expect("opened");
    for start in (0..count).step_by(50_000) {
        let drafts: Vec<Draft> = (start..count.min(start + 50_000)).map(draft).collect();
        journal.append(&drafts).expect("written");
    }
    journal.path().to_owned()
}

/// What everybody decided about everything, with one thread for each core.
fn fold(reviews: &Reviews) {
    let references: Vec<_> = reviews.references().collect();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let fold = |part: &[&std::sync::Arc<retake::domain::review::Reference>]| {
        for reference in part {
            black_box(reviews.review(&reference.id, &reference.hash, |_| true));
        }
    };
    std::thread::scope(|scope| {
        for part in references.chunks(references.len().div_ceil(threads).max(1)) {
            scope.spawn(move || fold(part));
        }
    });
}

#[derive(Deserialize)]
struct Line {
    id: String,
    annotator: String,
    sequence: u64,
    verb: String,
    #[serde(default)]
    payload: serde_json::Value,
}

/// The plain way: line by line, parsed to a type, without a check of any kind.
fn floor(path: &Path, count: usize) -> Duration {
    let start = Instant::now();
    let file = BufReader::with_capacity(1 << 20, File::open(path).expect("file"));
    let parse = |line: Result<String, _>| -> Line {
        serde_json::from_str(&line.expect("line")).expect("JSON")
    };
    let lines: Vec<Line> = file.lines().map(parse).collect();
    let took = start.elapsed();
    assert_eq!(lines.len(), count);
    black_box(
        lines
            .iter()
            .map(|l| l.id.len() + l.annotator.len() + l.verb.len() + l.sequence as usize)
            .sum::<usize>(),
    );
    black_box(lines.iter().filter(|line| line.payload.is_null()).count());
    took
}

/// Appends to the journal of a million, in turn with bare writes of as many bytes.
fn append(folder: &Path) {
    let mut journal =
        Journal::open(folder, "bob", WriterId::random().expect("id")).expect("opened");
    journal.append(&[draft(0)]).expect("written");
    let bare = folder.join("bare");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&bare)
        .expect("file");
    let line = vec![b'x'; 400];
    let (mut own, mut floors) = (Vec::new(), Vec::new());
    for number in 0..APPENDS {
        let start = Instant::now();
        journal.append(&[draft(number)]).expect("written");
        own.push(start.elapsed());
        let start = Instant::now();
        file.write_all(&line).expect("written");
        file.sync_data().expect("synced");
        floors.push(start.elapsed());
    }
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let (own, floor) = (milliseconds(median(own)), milliseconds(median(floors)));
    println!("\n{APPENDS} commits of one record, in turn with a bare write and fsync");
    println!("  commit                     {own:.2} ms");
    println!("  floor (write, fsync)       {floor:.2} ms");
    println!(
        "  over the disk's own        {:.2} ms  (bar: 2)",
        own - floor
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
