use std::collections::HashMap;
use std::io;

use serde_json::value::RawValue;

use super::second::check_second;
use crate::corpus::decision::Subject;
use crate::corpus::{Corpus, Selected};
use crate::domain::Trajectory;
use crate::jobs::Progress;
use crate::replay::{
    REPLAY_VERSION, ReplayError, ReplayOptions, SecondInterpreter, TrajectoryReplay, Verdict,
    in_order, replay,
};
use crate::report::Report;
use crate::rules::ToolLists;
use crate::sandbox::{Cpython, Limits, Pool, WorkerCommand};
use crate::tools::LiveTools;
use crate::workspace::{ReplayEntry, ReplayLog, ReplayPlace, replayed_hash};

/// Entries are written to the log in groups of this size, so that a job that is cut goes on where it was.
const GROUP: usize = 64;

/// A trajectory that was replayed, or why not.
pub(super) struct Replayed {
    pub id: String,
    pub outcome: Result<Kept, Report>,
}

/// What is known of a replay, and what is still to be kept of it.
pub(super) struct Kept {
    pub replay: TrajectoryReplay,
    entry: Option<ReplayEntry>,
}

/// Why a job did not get to its end.
pub(super) enum JobError {
    Cancelled,
    Report(Report),
}

/// Trajectories that are replayed, and what with.
pub(super) struct Job<'a> {
    pub corpus: &'a Corpus,
    pub log: &'a ReplayLog,
    pub known: &'a HashMap<String, ReplayPlace>,
    pub options: &'a ReplayOptions,
    pub python: Option<&'a Cpython>,
    pub live: Option<LiveTools>,
    pub tool_lists: ToolLists,
    /// Whether what is replayed is kept.
    pub keeps: bool,
}

impl Job<'_> {
    /// Replays, gives each result in the order of the selection, and keeps it.
    pub fn run(
        &self,
        chosen: &[Selected],
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
            progress: progress.clone(),
            ..self.options.clone()
        };
        if let Some(second) = &options.second {
            check_second(&second.pool).map_err(JobError::Report)?;
        }
        let pool = pool(command);
        let live = self.live.clone().map(|live| live.of_job(progress));
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
            |chosen| self.replay(chosen, &pool, &options, live.as_ref()),
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

    fn replay(
        &self,
        chosen: &Selected,
        pool: &Pool,
        options: &ReplayOptions,
        live: Option<&LiveTools>,
    ) -> Replayed {
        let subject = chosen.subject(self.corpus);
        Replayed {
            id: chosen.id(),
            outcome: subject
                .map_err(Report::from)
                .and_then(|subject| self.one(&subject, pool, options, live)),
        }
    }

    fn one(
        &self,
        subject: &Subject,
        pool: &Pool,
        options: &ReplayOptions,
        live: Option<&LiveTools>,
    ) -> Result<Kept, Report> {
        let nothing = Trajectory::default();
        let content = &subject.current.content;
        let trajectory = content.trajectory.as_ref().unwrap_or(&nothing);
        let (hash, record) = (replayed_hash(trajectory), subject.record.hash.to_string());
        let python = self.python.map_or("", |python| python.version.as_str());
        let identity = live.map_or(String::new(), LiveTools::identity);
        let with = format!("{REPLAY_VERSION} {python} {identity}");
        let known = self.known.get(&record);
        if let Some(known) = known.and_then(|place| self.log.entry(*place))
            && known.hash == hash
            && known.with == with
            && let Ok(replay) = serde_json::from_str(known.replay.get())
            && !(live.is_some() && lacks_results(&replay))
        {
            return Ok(Kept {
                replay,
                entry: None,
            });
        }
        let definitions = self.tool_lists.of(trajectory);
        let tools: Vec<String> = definitions.iter().map(|tool| tool.name.clone()).collect();
        let mut options = options.clone();
        if let Some(live) = live {
            let roots = self.corpus.roots(&subject.record.id);
            options.live = live.providers(roots, pool, &definitions);
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

/// Whether a tool did not answer; a live one may the next time.
fn lacks_results(replay: &TrajectoryReplay) -> bool {
    let mut steps = replay.steps.iter();
    steps.any(|step| step.verdict == Verdict::ToolResultUnknown)
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
