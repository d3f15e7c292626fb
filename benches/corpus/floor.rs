//! The floor of indexing: the same documents from records that are already parsed, into a bare tantivy writer with the
//! same schema, threads and memory. Reading, parsing, hashing, checking and every table are left out.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use retake::config::Config;
use retake::corpus::ReviewFacts;
use retake::corpus::documents::{DocumentContext, record_documents};
use retake::corpus::preparation::{GoldTasks, PreparedRecord, Workbench, prepare};
use retake::corpus::scan_limits;
use retake::domain::{Interner, RecordId, TargetId};
use retake::index::{IndexStore, RecordKey, WriteBudget};
use retake::ingest::container::{Found, ScanStart, open, scan};
use retake::ingest::{FORMATS, detect};
use retake::media::PictureRoots;
use retake::rules::ToolLists;

pub fn run(files: &[PathBuf], config: &Config, folder: &Path) -> Duration {
    let records = parse(files, config, folder);
    let index = folder.join("floor");
    let _ = std::fs::remove_dir_all(&index);
    let store = IndexStore::open_or_create(&index).expect("index");
    let threads = match config.index.threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        some => some,
    };
    let budget = WriteBudget {
        threads,
        memory_bytes: config.index.memory_mb * 1_000_000,
        is_small_change: false,
    };
    let review = ReviewFacts::default();
    let start = Instant::now();
    let mut writer = store.writer(budget).expect("writer");
    for (row, record) in records.iter().enumerate() {
        let target = TargetId {
            record: RecordId::new("floor", &row.to_string()),
            part: None,
        };
        let context = DocumentContext {
            source: "floor",
            target: &target,
            key: RecordKey {
                source: 0,
                row: row as u32,
            },
            hash: &record.hash,
            tools: &record.findings.tools,
            flags: &record.findings.flags,
            outcome: record.findings.outcome,
            review: &review,
            replays: &[],
        };
        let documents = record_documents(
            &writer,
            &record.content,
            &record.findings.pair_tools,
            &[],
            &context,
        );
        writer.add(documents).expect("added");
    }
    writer.commit("floor").expect("committed");
    writer.finish(|| false).expect("merged");
    start.elapsed()
}

fn parse(files: &[PathBuf], config: &Config, folder: &Path) -> Vec<PreparedRecord> {
    let (interner, tool_lists, gold) = (
        Interner::default(),
        ToolLists::default(),
        GoldTasks::default(),
    );
    let roots = PictureRoots::new(Vec::new());
    let bench = Workbench {
        interner: &interner,
        tool_lists: &tool_lists,
        files: &roots,
        gold: &gold,
    };
    let limits = scan_limits(config);
    let mut records = Vec::new();
    for file in files {
        let opened = open(file, folder, &limits).expect("opened");
        let name = file.file_name().expect("name").to_string_lossy();
        let detected = detect(&opened.file, &name, FORMATS, &limits).expect("format");
        for found in
            scan(&opened.file, detected.layout, ScanStart::default(), &limits).expect("scan")
        {
            if let Found::Record(found) = found
                && let Ok(record) = prepare(found, detected.format, &name, &bench)
            {
                records.push(record);
            }
        }
    }
    records
}
