mod chosen;
mod json;
mod page;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::value::RawValue;

use crate::corpus::Corpus;
use crate::domain::Trajectory;
use crate::jobs::Progress;
use crate::replay::{
    REPLAY_VERSION, ReplayError, ReplayOptions, SecondInterpreter, Summary, TrajectoryReplay,
    in_order, replay,
};
use crate::report::{Kind, Report};
use crate::rules::ToolLists;
use crate::sandbox::{Cpython, Limits, Pool, SandboxError, WorkerCommand};
use crate::tools::{Provider, ResultCache, Surroundings, built_in, connect};
use crate::workspace::{ReplayEntry, ReplayLog, ReplayPlace, Workspace, replayed_hash};

use super::Ended;
use super::output::Output;
use super::session::{Session, corpus_report, tell, with_bar, workspace_report};
use super::subject::Subject;
use chosen::{Chosen, chosen};

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
    /// Let live tools answer calls that are not recorded: the workspace's MCP servers, then the built-in ones
    #[arg(long)]
    live: bool,
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

/// Entries are written to the log in groups of this size, so that a job that is cut goes on where it was.
const GROUP: usize = 64;

/// A trajectory that was replayed, or why not.
struct Replayed {
    id: String,
    outcome: Result<Kept, Report>,
}

/// What is known of a replay, and what is still to be kept of it.
struct Kept {
    replay: TrajectoryReplay,
    entry: Option<ReplayEntry>,
}

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
    let keeps = args.step.is_none() && !args.state;
    let job = Job {
        corpus: &corpus,
        log: &log,
        known: &known,
        options: &options,
        python: python.as_ref(),
        live: args
            .live
            .then(|| live_tools(&workspace, output))
            .transpose()?,
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
    let is_shown = !output.is_quiet() && !(streams && output.is_terminal());
    let cancelled = with_bar(is_shown, REPLAYING, |progress| {
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
            replay.steps.retain(|step| !step.verdict.reproduces());
        }
        self.waiting.push((id, replay));
        Ok(())
    }
}

/// What answers calls that are not recorded, beside what a trajectory brings itself.
struct LiveTools {
    /// MCP servers, in the order of their declaration.
    servers: Vec<Provider>,
    /// Where built-in tools keep pictures.
    pictures: PathBuf,
    /// Where results of servers are kept.
    results: PathBuf,
}

impl LiveTools {
    /// What a replay was made with: other servers may answer otherwise.
    fn name(&self) -> String {
        let servers = self.servers.iter().map(|server| server.label.as_str());
        format!("live {}", servers.collect::<Vec<_>>().join(" "))
    }
}

/// Starts the servers that the workspace declares. One that can't be used is told, and the others go on.
fn live_tools(workspace: &Workspace, output: &Output) -> Result<LiveTools, Report> {
    let mut servers = Vec::new();
    for server in workspace.mcp_servers().map_err(workspace_report)? {
        match connect(&server) {
            Ok(provider) => servers.push(provider),
            Err(error) => output.note(format!("warning: {}", Report::from_error(&error).message)),
        }
    }
    Ok(LiveTools {
        servers,
        pictures: workspace.pictures_folder(),
        results: workspace.cache_folder().join("tool-results"),
    })
}

fn prepared(python: &Path, workspace: &Workspace) -> Result<Cpython, Report> {
    Cpython::prepare(python, &workspace.cache_folder().join("sandbox"))
        .map_err(|error| python_report(&error))
}

/// An error unless a worker of the second interpreter starts behind its walls.
fn check_second(pool: &Pool) -> Result<(), Report> {
    let session = pool.session().map_err(|error| python_report(&error))?;
    match session.confinement() {
        Some(confinement) if !confinement.is_closed() => {
            let open: Vec<String> = confinement.open.iter().map(ToString::to_string).collect();
            let reason = format!("its walls let through {}", open.join(", "));
            Err(python_report(&SandboxError::Unconfined(reason)))
        }
        _ => Ok(()),
    }
}

fn python_report(error: &SandboxError) -> Report {
    let mut report = Report::from_error(error);
    report.message = format!("not run in CPython: {}", report.message);
    report.hint("CPython runs behind bubblewrap (bwrap) only; without --python the sandbox's own interpreter runs alone")
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

enum JobError {
    Cancelled,
    Report(Report),
}

struct Job<'a> {
    corpus: &'a Corpus,
    log: &'a ReplayLog,
    known: &'a HashMap<String, ReplayPlace>,
    options: &'a ReplayOptions,
    python: Option<&'a Cpython>,
    live: Option<LiveTools>,
    tool_lists: ToolLists,
    keeps: bool,
}

impl Job<'_> {
    fn run(
        &self,
        chosen: &[Chosen],
        threads: Option<u16>,
        progress: &Progress,
        mut give: impl FnMut(Replayed),
    ) -> Result<(), JobError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = threads.map_or(cores, usize::from).min(chosen.len()).max(1);
        let command =
            WorkerCommand::own().map_err(|error| JobError::Report(Report::from_error(&error)))?;
        let pool = |command| Pool::new(command, Limits::default(), threads, progress.clone());
        let options = ReplayOptions {
            second: self.python.map(|python| SecondInterpreter {
                pool: pool(python.command.clone()),
                name: format!("CPython {}", python.version),
                caution: python.caution().map(str::to_owned),
            }),
            ..self.options.clone()
        };
        if let Some(second) = &options.second {
            check_second(&second.pool).map_err(JobError::Report)?;
        }
        let pool = pool(command);
        let mut entries = Vec::new();
        let mut lost = None;
        let mut keep = |entries: &mut Vec<ReplayEntry>| {
            if let Err(error) = self.log.add(&std::mem::take(entries)) {
                lost.get_or_insert(error);
            }
        };
        let ended = in_order(
            chosen.iter(),
            threads,
            progress,
            |chosen| self.replay(chosen, &pool, &options),
            |mut replayed| {
                if matches!(&replayed.outcome, Err(report) if report.message == CANCELLED) {
                    return;
                }
                if let Ok(kept) = &mut replayed.outcome {
                    entries.extend(kept.entry.take());
                }
                if entries.len() >= GROUP {
                    keep(&mut entries);
                }
                give(replayed);
            },
        );
        if !entries.is_empty() {
            keep(&mut entries);
        }
        if let Some(error) = lost {
            return Err(JobError::Report(not_kept(&error)));
        }
        ended.map_err(|_| JobError::Cancelled)
    }

    fn replay(&self, chosen: &Chosen, pool: &Pool, options: &ReplayOptions) -> Replayed {
        let subject = chosen.subject(self.corpus);
        Replayed {
            id: chosen.id(),
            outcome: subject.and_then(|subject| self.one(&subject, pool, options)),
        }
    }

    fn one(&self, subject: &Subject, pool: &Pool, options: &ReplayOptions) -> Result<Kept, Report> {
        let nothing = Trajectory::default();
        let content = &subject.current.content;
        let trajectory = content.trajectory.as_ref().unwrap_or(&nothing);
        let (hash, record) = (replayed_hash(trajectory), subject.record.hash.to_string());
        let python = self.python.map_or("", |python| python.version.as_str());
        let live = self.live.as_ref().map_or(String::new(), LiveTools::name);
        let with = format!("{REPLAY_VERSION} {python} {live}");
        let known = self.known.get(&record);
        if let Some(known) = known.and_then(|place| self.log.entry(*place))
            && known.hash == hash
            && known.with == with
            && let Ok(replay) = serde_json::from_str(known.replay.get())
        {
            return Ok(Kept {
                replay,
                entry: None,
            });
        }
        let tools = self.tool_lists.of(trajectory);
        let tools: Vec<String> = tools.iter().map(|tool| tool.name.clone()).collect();
        let mut options = options.clone();
        if let Some(live) = &self.live {
            let roots = Arc::new(self.corpus.roots(&subject.record.id));
            options.live.clone_from(&live.servers);
            options.live.push(built_in(&Surroundings {
                roots: Arc::clone(&roots),
                pictures: live.pictures.clone(),
                pool: pool.clone(),
            }));
            options.cache = Some(ResultCache {
                folder: live.results.clone(),
                roots,
            });
        }
        let replay = replay(pool, trajectory, &tools, &options).map_err(replay_report)?;
        let entry = self
            .keeps
            .then(|| entry(subject, hash, record, with, &replay));
        Ok(Kept {
            entry: entry.flatten(),
            replay,
        })
    }
}

fn entry(
    subject: &Subject,
    hash: String,
    record: String,
    with: String,
    replay: &TrajectoryReplay,
) -> Option<ReplayEntry> {
    let steps = replay.steps.iter();
    let json = serde_json::to_string(replay).ok()?;
    Some(ReplayEntry {
        id: subject.record.id.to_string(),
        hash,
        record,
        with,
        verdicts: steps.map(|step| step.verdict.name().to_owned()).collect(),
        replay: RawValue::from_string(json).ok()?,
    })
}

const CANCELLED: &str = "cancelled";

fn replay_report(error: ReplayError) -> Report {
    match &error {
        ReplayError::Cancelled => Report::failure(CANCELLED),
        _ => Report::from_error(&error),
    }
}

fn not_kept(error: &io::Error) -> Report {
    Report::failure(format!("what was replayed can't be kept: {error}"))
        .hint("is .retake/cache writable, and the disk not full?")
}
