//! A corpus of M-TRACE's and Pref-X's shape and size, made from a seed.
//!
//! Each trajectory is a function of the seed, its number and its count of steps, so pairs make the trajectories that
//! they need again, and nothing but the counts is held in memory.

mod attachment;
mod code;
mod json;
mod observation;
mod pair;
mod prose;
mod random;
mod system_prompt;
mod tool;
mod trajectory;
mod vocabulary;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use json::Layout;
use pair::Pair;
use random::Random;
use system_prompt::SystemPrompts;
use trajectory::Trajectory;
use vocabulary::Vocabulary;

/// What to make.
pub struct Plan {
    /// Trajectories, at least one where there are pairs.
    pub trajectories: usize,
    /// Steps of all trajectories together, at least one for each.
    pub steps: usize,
    /// Preference pairs, each over another step.
    pub pairs: usize,
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// Whether to write the trajectories as JSON Lines, too.
    pub jsonl: bool,
}

/// Writes the files of a plan into a folder; returns their paths and sizes in bytes.
///
/// # Errors
/// A plan that can't be met, or a file that can't be written.
pub fn write(plan: &Plan, folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    if plan.steps < plan.trajectories {
        return Err(io::Error::other(
            "each trajectory needs a step: raise --steps",
        ));
    }
    if plan.pairs > plan.steps {
        return Err(io::Error::other(
            "each pair needs a step of its own: lower --pairs",
        ));
    }
    let vocabulary = Vocabulary::new(plan.seed);
    let systems = SystemPrompts::new(&vocabulary, plan.seed);
    let counts = step_counts(plan);
    fs::create_dir_all(folder)?;

    let mut array = ArrayFile::create(folder.join("m-trace.json"))?;
    let mut lines = match plan.jsonl {
        true => Some(Output::create(folder.join("m-trace.jsonl"))?),
        false => None,
    };
    let mut text = String::new();
    for (number, &steps) in counts.iter().enumerate() {
        let record = Trajectory::new(&vocabulary, plan.seed, number as u64, steps);
        text.clear();
        json::trajectory(&record, &systems, Layout::Indented, &mut text);
        array.element(&text)?;
        if let Some(lines) = &mut lines {
            text.clear();
            json::trajectory(&record, &systems, Layout::Line, &mut text);
            text.push('\n');
            lines.write(&text)?;
        }
    }
    let mut written = vec![array.finish()?];
    if let Some(lines) = lines {
        written.push(lines.finish()?);
    }

    let mut pairs = ArrayFile::create(folder.join("pref-x.json"))?;
    let chosen = steps_with_pairs(plan.pairs, &counts);
    for (trajectory, &count) in chosen.iter().enumerate().filter(|(_, count)| **count > 0) {
        let steps = counts[trajectory];
        let record = Trajectory::new(&vocabulary, plan.seed, trajectory as u64, steps);
        for nth in 0..count {
            // Spread over the trajectory, the first one not always at its start.
            let step = (trajectory + nth * steps / count) % steps;
            let number = (trajectory as u64) << 16 | nth as u64;
            let pair = Pair::new(&vocabulary, plan.seed, &record, number, step);
            text.clear();
            json::pair(&pair, &systems, &mut text);
            pairs.element(&text)?;
        }
    }
    written.push(pairs.finish()?);
    Ok(written)
}

/// Steps of each trajectory: many short ones, few long ones, and exactly the planned sum.
fn step_counts(plan: &Plan) -> Vec<usize> {
    let random = &mut Random::new(plan.seed, u64::MAX - 2);
    if plan.trajectories == 0 {
        return Vec::new();
    }
    // Two at least, where there are enough: a step with a tool and the answer.
    let least = (plan.steps / plan.trajectories).min(2);
    let spare = plan.steps - least * plan.trajectories;
    let weights: Vec<f64> = (0..plan.trajectories)
        .map(|_| -(1.0 - random.unit()).ln())
        .collect();
    let scale = spare as f64 / weights.iter().sum::<f64>();
    let mut counts: Vec<_> = weights
        .iter()
        .map(|w| least + (w * scale) as usize)
        .collect();
    let missing = plan.steps.saturating_sub(counts.iter().sum());
    for _ in 0..missing {
        counts[random.below(plan.trajectories)] += 1;
    }
    counts
}

/// How many steps of each trajectory become pairs: evenly spread, never more than it has.
fn steps_with_pairs(pairs: usize, counts: &[usize]) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    let mut seen = 0;
    let share = |seen: usize| (seen as u128 * pairs as u128 / total.max(1) as u128) as usize;
    let of_each = counts.iter().map(|count| {
        let before = share(seen);
        seen += count;
        share(seen) - before
    });
    of_each.collect()
}

/// A file that counts its bytes.
struct Output {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl Output {
    fn create(path: PathBuf) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        Ok(Self {
            path,
            file,
            bytes: 0,
        })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes())
    }

    fn finish(mut self) -> io::Result<(PathBuf, u64)> {
        self.file.flush()?;
        Ok((self.path, self.bytes))
    }
}

/// A file that holds one JSON array.
struct ArrayFile {
    output: Output,
    empty: bool,
}

impl ArrayFile {
    fn create(path: PathBuf) -> io::Result<Self> {
        let mut output = Output::create(path)?;
        output.write("[")?;
        Ok(Self {
            output,
            empty: true,
        })
    }

    /// Adds an element; its text begins with its line break.
    fn element(&mut self, text: &str) -> io::Result<()> {
        if !self.empty {
            self.output.write(",")?;
        }
        self.empty = false;
        self.output.write(text)
    }

    fn finish(mut self) -> io::Result<(PathBuf, u64)> {
        self.output.write(if self.empty { "]" } else { "\n]" })?;
        self.output.finish()
    }
}
