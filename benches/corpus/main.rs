//! Indexing, searching and showing a corpus of M-TRACE's real size, beside the floors they are measured against.
//!
//!     cargo bench --bench corpus
//!
//! RETAKE_BENCH_PART=index, search, following or scale measures that alone; scale, which only so is measured, compares the cold
//! index with that of RETAKE_BENCH_SCALE (10) times the corpus (10 GB). RETAKE_BENCH_TRAJECTORIES makes the corpus itself larger or
//! smaller, RETAKE_BENCH_ROUNDS sets how often it is indexed, and RETAKE_BENCH_FOLDER keeps it between runs.
//! Every figure comes from this one process on the same files; ratios count, absolute times depend on the machine.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

#[path = "../../examples/generate_corpus/corpus/mod.rs"]
mod corpus;
mod floor;
mod following;
mod memory;
mod queries;
mod scale;
mod showing;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use retake::config::Config;
use retake::corpus::{Corpus, refresh};
use retake::jobs::Progress;
use retake::workspace::{SourceDeclaration, Workspace};

fn main() {
    let number = |name: &str, default: usize| {
        std::env::var(name)
            .ok()
            .and_then(|v| v.parse().ok())
            .unwrap_or(default)
    };
    let trajectories = number("RETAKE_BENCH_TRAJECTORIES", 28_500);
    let rounds = number("RETAKE_BENCH_ROUNDS", 3);
    let folder = std::env::var_os("RETAKE_BENCH_FOLDER").map_or_else(
        || std::env::temp_dir().join(format!("retake-bench-{}", std::process::id())),
        PathBuf::from,
    );
    let config = Config::load(None).expect("defaults");
    let part = std::env::var("RETAKE_BENCH_PART").ok();
    let wants = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if part.as_deref() == Some("scale") {
        let scale = number("RETAKE_BENCH_SCALE", 10);
        scale::run(trajectories, scale, &folder, &config);
    } else {
        let files = generate(trajectories, &folder);
        let sizes = files
            .iter()
            .map(|file| std::fs::metadata(file).expect("file").len());
        let size: u64 = sizes.sum();
        if rounds > 0 && wants("index") {
            cold(rounds, &folder, &files, &config, size);
        }
        let workspace =
            Workspace::open(&folder, None).unwrap_or_else(|_| new_workspace(&folder, &files));
        if wants("search") {
            search(&workspace, &config, &files, &folder, size);
        }
        if wants("following") {
            following::run(&workspace, &config);
        }
    }
    if std::env::var_os("RETAKE_BENCH_FOLDER").is_none() {
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}

/// Searching and showing.
fn search(workspace: &Workspace, config: &Config, files: &[PathBuf], folder: &Path, size: u64) {
    let corpus = queries::run(workspace, config, files);
    println!(
        "  index on disk              {:.2} of the sources",
        corpus.index_size().expect("size") as f64 / size as f64
    );
    showing::run(&corpus, files, config, folder);
}

fn cold(rounds: usize, folder: &Path, files: &[PathBuf], config: &Config, size: u64) {
    println!("\nCold index, {rounds} rounds in turn with the floor");
    let mut own = Vec::new();
    let mut floors = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..rounds {
        let workspace = new_workspace(folder, files);
        let watch = memory::Watch::start();
        let start = Instant::now();
        refresh(&workspace, config, &Progress::default(), false, true).expect("indexed");
        own.push(start.elapsed());
        peaks.push(watch.peak());
        floors.push(floor::run(files, config, folder));
    }
    let (own, floors) = (median(own), median(floors));
    println!("  sources                    {:.0} MB", size as f64 / 1e6);
    println!(
        "  retake                     {:.1} s, {:.0} MB/s",
        own.as_secs_f64(),
        size as f64 / 1e6 / own.as_secs_f64()
    );
    println!("  floor (bare tantivy loop)  {:.1} s", floors.as_secs_f64());
    println!(
        "  ratio                      {:.2}  (bar: 1.30)",
        own.as_secs_f64() / floors.as_secs_f64()
    );
    println!(
        "  peak anonymous memory      {} MB  (bar: 400)",
        peaks.iter().max().expect("a round") / 1024
    );
}

fn generate(trajectories: usize, folder: &Path) -> Vec<PathBuf> {
    let plan = corpus::Plan {
        trajectories,
        steps: trajectories * 177_000 / 28_500,
        pairs: trajectories * 11_000 / 28_500,
        seed: 1,
        jsonl: true,
    };
    std::fs::create_dir_all(folder).expect("folder");
    let files: Vec<PathBuf> = ["m-trace.json", "pref-x.json"]
        .iter()
        .map(|f| folder.join(f))
        .collect();
    if !files.iter().all(|file| file.is_file()) {
        corpus::write(&plan, folder).expect("generated");
    }
    println!(
        "{trajectories} trajectories, {} steps, {} pairs",
        plan.steps, plan.pairs
    );
    files
}

/// A workspace with the files as sources and nothing indexed.
fn new_workspace(folder: &Path, files: &[PathBuf]) -> Workspace {
    let _ = std::fs::remove_dir_all(folder.join(".retake"));
    let mut workspace = Workspace::create(folder, None).expect("workspace");
    for file in files {
        let declared = SourceDeclaration {
            name: file
                .file_stem()
                .expect("stem")
                .to_string_lossy()
                .into_owned(),
            path: file.clone(),
            format: None,
            images: Vec::new(),
        };
        workspace.add_source(declared).expect("added");
    }
    workspace
}

pub(crate) fn open(workspace: &Workspace, config: &Config) -> Corpus {
    Corpus::open(workspace, config, &Progress::default(), true)
        .expect("opened")
        .0
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
