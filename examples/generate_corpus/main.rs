//! Writes a corpus of M-TRACE's and Pref-X's shape and size, for benchmarks:
//! `cargo run --release --example generate_corpus -- --trajectories 28500 --steps 177000 --seed 1 OUT`.

mod corpus;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;

/// Writes a generated corpus: `m-trace.json` and `pref-x.json`
#[derive(Parser)]
struct Arguments {
    /// The folder to write into; files of an earlier run are replaced
    out: PathBuf,
    /// Number of trajectories
    #[arg(long, default_value_t = 28_500)]
    trajectories: usize,
    /// Number of steps of all trajectories together
    #[arg(long, default_value_t = 177_000)]
    steps: usize,
    /// Number of preference pairs
    #[arg(long, default_value_t = 11_000)]
    pairs: usize,
    /// The same seed gives the same files
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write `m-trace.jsonl`, too
    #[arg(long)]
    jsonl: bool,
}

fn main() -> io::Result<()> {
    let Arguments {
        out,
        trajectories,
        steps,
        pairs,
        seed,
        jsonl,
    } = Arguments::parse();
    let start = Instant::now();
    let written = corpus::write(
        &corpus::Plan {
            trajectories,
            steps,
            pairs,
            seed,
            jsonl,
        },
        &out,
    )?;
    let seconds = start.elapsed().as_secs_f64();
    let mut stdout = io::stdout();
    for (path, bytes) in &written {
        writeln!(stdout, "{}  {:.1} MB", path.display(), *bytes as f64 / 1e6)?;
    }
    let megabytes = written
        .iter()
        .map(|(_, bytes)| *bytes as f64 / 1e6)
        .sum::<f64>();
    writeln!(
        stdout,
        "{megabytes:.1} MB in {seconds:.1} s, {:.0} MB/s",
        megabytes / seconds
    )
}
