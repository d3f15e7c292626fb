//! `retake replay`: recorded steps run again; one file for what is chosen, the job, and each way to print.

mod job;
mod json;
mod page;
mod second;

use std::collections::HashMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::corpus::Corpus;
use crate::jobs::Progress;
use crate::replay::{ReplayOptions, StepReplay, Summary, TrajectoryReplay, Verdict};
use crate::report::{Kind, Report};
use crate::rules::ToolLists;
use crate::workspace::Workspace;

use super::Ended;
use super::chosen::chosen;
use super::controller_args::ControllerArgs;
use super::live_tools::tools_of_replay;
use super::output::Output;
use super::session::{Session, corpus_report, tell, with_bar};
use job::{Job, JobError, Kept, Replayed};
use second::prepared;

/// Run recorded steps again and compare what they print
///
/// The code of each step runs in the sandbox; its tool calls are answered by the recording itself. What replays say is
/// searched with `replay:differs` and the like, and kept until the trajectory changes.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Ids as `retake search` prints them (`-` reads ids from standard input), or a query; everything without
    #[arg(value_name = "ID|QUERY")]
    words: Vec<String>,
    /// Run up to this step of one trajectory, and show what it does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    step: Option<u32>,
    /// Show the variables after each step; of one trajectory
    #[arg(long)]
    state: bool,
    /// Ask this CPython where the sandbox's own interpreter does not get on; it runs behind bubblewrap's walls or not at all
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Let live tools answer calls that are not recorded: the workspace's MCP servers, built-in ones, and a model, if one is set
    #[arg(long)]
    live: bool,
    /// Let the model play the tools that nothing else answers, too; what it makes up is marked and never a match
    #[arg(long, requires = "live")]
    simulate: bool,
    #[command(flatten)]
    controller: ControllerArgs,
    /// Run what was run already, too
    #[arg(long)]
    fresh: bool,
    /// Run this many trajectories at a time (else one for each core)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: ReplayFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ReplayFormat {
    /// For people: what does not reproduce, and a summary
    #[default]
    Text,
    /// One object a step: {"id", "step", "verdict", "reason", "recorded", "actual", …}
    Json,
}

/// The bar of a job that runs trajectories.
const REPLAYING: &str = "replaying {wide_bar} {pos}/{len} {per_sec} {eta} left";

/// Values of variables are cut to this many characters.
const VALUE_WIDTH: usize = 200;

pub(super) fn run(args: &ReplayArgs, session: Session, output: &mut Output) -> Ended {
    let workspace = session.workspace()?;
    let (mut corpus, refresh) = session.refreshed(&workspace, false, output)?;
    tell(&refresh, output);
    let chosen = chosen(&args.words, &corpus)?;
    let alone = chosen.len() == 1;
    if (args.step.is_some() || args.state) && !alone {
        return Err(Report::usage(format!(
            "--step and --state are about one trajectory, not {}",
            chosen.len()
        )));
    }
    let log = workspace.replay_log();
    let known = match args.fresh || args.step.is_some() || args.state {
        true => HashMap::new(),
        // A log that can't be read is replayed anew.
        false => log.places().unwrap_or_default(),
    };
    let python = args
        .python
        .as_ref()
        .map(|python| prepared(python, &workspace));
    let python = python.transpose()?;
    let options = ReplayOptions {
        until: args.step.map(|step| step as usize - 1),
        variables: args.state.then_some(VALUE_WIDTH),
        ..ReplayOptions::default()
    };
    let live = match (args.live, args.controller.is_given()) {
        (true, _) => {
            let (controller, simulates) = (&args.controller, args.simulate);
            let tools = tools_of_replay(controller, simulates, &session, &workspace, output);
            Some(tools?)
        }
        (false, true) => {
            let what = "a model answers calls of live tools alone: add --live";
            return Err(Report::usage(what.to_owned()));
        }
        (false, false) => None,
    };
    let keeps = args.step.is_none() && !args.state;
    let job = Job {
        corpus: &corpus,
        log: &log,
        known: &known,
        options: &options,
        python: python.as_ref(),
        live,
        tool_lists: ToolLists::default(),
        // What is only a part, or shows more, is not kept.
        keeps,
    };
    let mut printer = Printer {
        args,
        alone,
        summary: Summary::default(),
        failed: 0,
        waiting: Vec::new(),
        error: None,
    };
    // A bar and results on one terminal would spoil each other.
    let streams = args.format == ReplayFormat::Json;
    let is_hidden = output.is_quiet() || streams && output.is_terminal();
    let cancelled = with_bar(!is_hidden, REPLAYING, |progress| {
        progress.add_total(chosen.len() as u64);
        job.run(&chosen, args.threads, progress, |replayed| {
            printer.take(replayed, output);
            // Nobody reads what would come.
            if printer.error.is_some() {
                progress.cancel();
            }
        })
    });
    if let Some(report) = printer.error {
        return Err(report);
    }
    for (id, replay) in &printer.waiting {
        page::print(id, replay, alone, output)?;
    }
    let cancelled = match cancelled {
        Ok(()) => false,
        Err(JobError::Cancelled) => true,
        Err(JobError::Report(report)) => return Err(report),
    };
    if args.format == ReplayFormat::Text && args.step.is_none() {
        page::print_summary(&printer.summary, output)?;
    }
    drop(job);
    if keeps {
        follow(&mut corpus, &workspace, output);
    }
    if cancelled {
        return Err(Report::failure("cancelled")
            .hint("what was replayed is kept; the same call goes on from there"));
    }
    Ok((printer.failed > 0).then_some(Kind::Partial))
}

/// Prints replays as they come, or keeps what is to be printed at the end.
struct Printer<'a> {
    args: &'a ReplayArgs,
    alone: bool,
    summary: Summary,
    failed: u64,
    waiting: Vec<(String, TrajectoryReplay)>,
    error: Option<Report>,
}

impl Printer<'_> {
    fn take(&mut self, Replayed { id, outcome }: Replayed, output: &mut Output) {
        let taken = match outcome {
            Ok(Kept { replay, .. }) => self.print(id, replay, output),
            Err(report) => {
                self.failed += 1;
                output.note(format!("{id}: {}", report.message));
                Ok(())
            }
        };
        if let Err(report) = taken {
            self.error.get_or_insert(report);
        }
    }

    fn print(
        &mut self,
        id: String,
        mut replay: TrajectoryReplay,
        output: &mut Output,
    ) -> Result<(), Report> {
        if let Some(step) = self.args.step {
            check_step(&id, step, &replay)?;
            replay.steps.drain(..step as usize - 1);
        }
        self.summary.add(&replay);
        if self.args.format == ReplayFormat::Json {
            return json::print(&id, &replay, output);
        }
        if !self.alone {
            // Where there is nothing to run, the summary has the number.
            let is_idle =
                |step: &StepReplay| step.verdict == Verdict::NotRun && step.rule.is_none();
            replay
                .steps
                .retain(|step| !step.verdict.reproduces() && !is_idle(step));
        }
        self.waiting.push((id, replay));
        Ok(())
    }
}

/// Lets searches see what was replayed; that they don't yet is no reason to fail.
fn follow(corpus: &mut Corpus, workspace: &Workspace, output: &Output) {
    if let Err(error) = corpus.follow(workspace, &Progress::default(), true) {
        let report = corpus_report(&error);
        output.note(format!(
            "warning: searches don't see this yet: {}",
            report.message
        ));
    }
}

fn check_step(id: &str, step: u32, replay: &TrajectoryReplay) -> Result<(), Report> {
    let count = replay.steps.len();
    if step as usize > count {
        return Err(Report::failure(format!("{id} has no step {step}"))
            .hint(format!("steps: 1 to {count}")));
    }
    Ok(())
}
