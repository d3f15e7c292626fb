//! Files to records, through the public functions alone.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod compressed;
mod detection;
mod json_spans;
mod tables;

use std::path::{Path, PathBuf};

use retake::ingest::Layout;
use retake::ingest::container::{
    ContainerFile, Found, FoundRecord, Problem, ScanLimits, ScanStart, open, read_at, scan,
};

/// An empty folder for one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("containers")
        .join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn limits(record_bytes: u64, chunk_bytes: usize) -> ScanLimits {
    ScanLimits {
        record_bytes,
        chunk_bytes,
        ..ScanLimits::default()
    }
}

fn parted(found: impl Iterator<Item = Found>) -> (Vec<FoundRecord>, Vec<Problem>) {
    let mut records = Vec::new();
    let mut problems = Vec::new();
    for found in found {
        match found {
            Found::Record(record) => records.push(record),
            Found::Problem(problem) => problems.push(problem),
        }
    }
    (records, problems)
}

fn opened(path: &Path) -> ContainerFile {
    let cache = path.parent().unwrap().join("cache");
    open(path, &cache, &ScanLimits::default()).unwrap().file
}

/// All records of a file, each also read by its location.
fn records(file: &ContainerFile, limits: &ScanLimits) -> (Vec<FoundRecord>, Vec<Problem>) {
    let found = scan(file, Layout::Elements, ScanStart::default(), limits).unwrap();
    let (records, problems) = parted(found);
    for record in &records {
        assert_eq!(
            read_at(file, record.location, limits).unwrap(),
            record.bytes
        );
    }
    (records, problems)
}

#[allow(clippy::print_stderr)]
fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");
    let shared = PathBuf::from(std::env::var_os("RETAKE_SHARED").unwrap_or_else(|| beside.into()));
    if !shared.is_dir() {
        eprintln!("skipped: ../shared not there");
        return None;
    }
    Some(shared)
}
