use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::ExploreFormat;
use crate::cli::output::{Output, Style};
use crate::report::Report;
use crate::rollout::End;
use crate::synth::Explored;

/// Prints what becomes of tasks.
pub(super) struct Page {
    format: ExploreFormat,
    runs: usize,
    steps: usize,
    candidates: usize,
    pairs: usize,
    failed: usize,
    ends: BTreeMap<&'static str, usize>,
    broken: Option<Report>,
}

impl Page {
    pub fn new(format: ExploreFormat) -> Self {
        Self {
            format,
            runs: 0,
            steps: 0,
            candidates: 0,
            pairs: 0,
            failed: 0,
            ends: BTreeMap::new(),
            broken: None,
        }
    }

    /// Keeps the first error for the end.
    pub fn keep(&mut self, done: Result<(), Report>) {
        if let Err(report) = done {
            self.broken.get_or_insert(report);
        }
    }

    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    pub fn some_failed(&self) -> bool {
        self.failed > 0
    }

    pub fn take(&mut self, explored: &Explored, output: &mut Output) {
        match &explored.outcome {
            Ok(run) => {
                self.runs += 1;
                self.steps += run.steps;
                self.candidates += run.candidates;
                self.pairs += run.pairs;
                *self.ends.entry(end_name(&run.end)).or_default() += 1;
            }
            Err(report) => {
                self.failed += 1;
                output.note(format!("{}: {}", explored.key, report.message));
            }
        }
        if self.format == ExploreFormat::Json {
            let line = match &explored.outcome {
                Ok(run) => json!({
                    "task": explored.key,
                    "id": run.record.as_str(),
                    "steps": run.steps,
                    "candidates": run.candidates,
                    "pairs": run.pairs,
                    "end": end_name(&run.end),
                }),
                Err(report) => json!({"task": explored.key, "error": report.message}),
            };
            let printed = output.json(&line).and_then(|()| output.flush());
            self.keep(printed);
        }
    }

    /// The summary; an error that printing met.
    pub fn finish(&mut self, tasks: usize, file: &Path, output: &mut Output) -> Result<(), Report> {
        if let Some(report) = self.broken.take() {
            return Err(report);
        }
        if self.format == ExploreFormat::Json {
            return Ok(());
        }
        output.styled(Style::Bold, self.runs)?;
        let known = tasks.saturating_sub(self.runs + self.failed);
        output.text(format!(
            " of {tasks} tasks explored: {} steps, {} candidates, {} pairs",
            self.steps, self.candidates, self.pairs
        ))?;
        output.line(match known {
            0 => String::new(),
            known => format!("; {known} not in this call"),
        })?;
        for (end, count) in &self.ends {
            output.line(format!("  {count} {end}"))?;
        }
        if self.failed > 0 {
            output.line(format!("  {} without a run", self.failed))?;
        }
        output.text("in ")?;
        output.data_line(&file.display().to_string(), &[])?;
        output.line("")
    }
}

/// Why a run ended, in a word for JSON and people.
pub(in crate::cli) fn end_name(end: &End) -> &'static str {
    match end {
        End::Answered => "answered",
        End::StepLimit => "step-limit",
        End::Errors => "errors",
        End::Unavailable(_) => "unavailable",
        End::NoChoice(_) => "no-choice",
    }
}
