//! The same work on a corpus many times as large: how time and memory grow.

use std::path::Path;
use std::time::{Duration, Instant};

use retake::config::Config;
use retake::corpus::refresh;
use retake::jobs::Progress;

use super::{generate, memory, new_workspace};

struct Indexed {
    time: Duration,
    /// KB.
    peak: u64,
    bytes: u64,
}

/// Indexes a corpus and one `scale` times as large, each once and cold.
pub fn run(trajectories: usize, scale: usize, folder: &Path, config: &Config) {
    println!("\nCold index at {scale} times the size");
    let one = index(trajectories, &folder.join("one"), config);
    let many = index(trajectories * scale, &folder.join("many"), config);
    for (name, indexed) in [("once", &one), ("scaled", &many)] {
        println!(
            "  {name:<8} {:>7.0} MB  {:>7.1} s  {:>4} MB peak anonymous",
            indexed.bytes as f64 / 1e6,
            indexed.time.as_secs_f64(),
            indexed.peak / 1024
        );
    }
    println!(
        "  time ratio                 {:.2}  (bar: {:.1})",
        many.time.as_secs_f64() / one.time.as_secs_f64(),
        scale as f64 * 1.1
    );
    println!(
        "  memory ratio               {:.2}",
        many.peak as f64 / one.peak as f64
    );
}

fn index(trajectories: usize, folder: &Path, config: &Config) -> Indexed {
    let files = generate(trajectories, folder);
    let size = |file: &std::path::PathBuf| std::fs::metadata(file).expect("file").len();
    let workspace = new_workspace(folder, &files);
    let watch = memory::Watch::start();
    let start = Instant::now();
    refresh(&workspace, config, &Progress::default(), false, true).expect("indexed");
    Indexed {
        time: start.elapsed(),
        peak: watch.peak(),
        bytes: files.iter().map(size).sum(),
    }
}
