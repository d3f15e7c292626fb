//! `retake explore`: Pref-X explorations of a selection or of a list of tasks; one file for what is explored, and how it is printed.

mod page;
mod tasks;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::controller::Limited;
use crate::domain::percent_encode;
use crate::jobs::{Progress, Slots};
use crate::judge::{JudgeNames, Panel};
use crate::prompts::Prompts;
use crate::report::{Kind, Report};
use crate::rollout::{Environment, RunFile};
use crate::rules::ToolLists;
use crate::sandbox::{Limits, Pool, WorkerCommand};
use crate::serve::{Connector, WantedModel};
use crate::synth::{Crew, Exploration, Shard, StepLog, TaskName};
use crate::workspace::Workspace;

use super::Ended;
use super::controller_args::ControllerArgs;
use super::live_tools::tools_of_run;
use super::output::Output;
use super::sampling_args::SamplingArgs;
use super::session::{Session, tell, with_bar, workspace_report};
use page::Page;
pub(super) use page::end_name;
use tasks::Tasks;

/// Explore tasks for preference pairs: the best candidate of each step becomes history
///
/// Each candidate is executed on its own copy of the state; judges choose; what they reject makes pairs with what they choose, by the
/// rules of Pref-X. Every finished step is on the disk: whatever stops it, the same call goes on from there.
#[derive(Debug, Args)]
pub struct ExploreArgs {
    /// Ids as `retake search` prints them (`-` reads ids from standard input), or a query; everything without
    #[arg(value_name = "ID|QUERY")]
    words: Vec<String>,
    /// Explore the tasks of a list in the place of recorded ones: a task a line, or {"id", "task", "files"}
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    tasks: Option<PathBuf>,
    /// Candidates for each step (else `candidates` under [rollout] in the settings)
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    candidates: Option<u16>,
    #[command(flatten)]
    controller: ControllerArgs,
    /// Who judges, the first decides and the next ones between equals: rules, model:NAME, model-rank:NAME, model-score:NAME, outcome:NAME, joined by +
    #[arg(long, value_name = "JUDGES", default_value = "rules")]
    judge: JudgeNames,
    /// The run's name: it is kept in .retake/runs/NAME.jsonl and is a source of that name
    #[arg(long, value_name = "NAME", default_value = "explored", value_parser = run_name)]
    run: String,
    /// Keep it in this file instead, which is no source
    #[arg(short, long, value_name = "FILE", conflicts_with = "run")]
    output: Option<PathBuf>,
    /// Only this part of the tasks, such as 2/5; machines that share nothing each take one
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// Let live tools answer calls that are not recorded
    #[arg(long)]
    live: bool,
    /// Leave pictures out that can't be read, instead of leaving their tasks out
    #[arg(long)]
    skip_pictures: bool,
    /// Tasks at a time (else `trajectories` under [rollout] in the settings)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Requests to the model at a time (else as many as tasks)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    requests: Option<u16>,
    /// Candidates that are executed at a time (else one for each core)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    executions: Option<u16>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: ExploreFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ExploreFormat {
    /// For people: what could not be explored, and a summary
    #[default]
    Text,
    /// One object a task: {"task", "id", "steps", "candidates", "pairs", "end"} or {"task", "error"}
    Json,
}

/// The bar of a job that explores tasks.
const EXPLORING: &str = "exploring {wide_bar} {pos}/{len} {elapsed} {eta} left";

/// A name that a run's file and source may have.
pub(super) fn run_name(name: &str) -> Result<String, String> {
    match name.is_empty() || name != percent_encode(name) || name.starts_with('.') {
        true => Err("a run's name has letters, digits, `-`, `_` and `.`".to_owned()),
        false => Ok(name.to_owned()),
    }
}

pub(super) fn run(args: &ExploreArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    let (workspace, _) = session.workspace_or_new()?;
    let (corpus, refresh) = session.refreshed(&workspace, false, output)?;
    tell(&refresh, output);
    let settings = args.sampling.over(&session.config.rollout);
    let connector = args.controller.connector(&session, Some(&workspace))?;
    let wanted = args.controller.wanted();
    let file = args.file(&workspace);
    let judges = args.judge.to_string();
    let count = args.candidates.map_or(settings.candidates, usize::from);
    let named = wanted
        .model
        .clone()
        .unwrap_or_else(|| session.config.controller.model.clone());
    let live = match args.live {
        true => Some(tools_of_run(
            &workspace, &connector, &wanted, &named, output,
        )?),
        false => None,
    };
    let (log, begun) = StepLog::open(
        &file.path,
        json!({
            "model": named,
            "adapter": wanted.adapter,
            "judge": judges,
            "candidates": count,
            "temperature": settings.temperature,
            "other_temperature": settings.other_temperature,
            "top_p": settings.top_p,
            "top_k": settings.top_k,
            "max_tokens": settings.max_tokens,
            "max_steps": settings.max_steps,
            "error_tolerance": settings.error_tolerance,
            "seed": args.sampling.seed,
            "live": args.live,
        }),
    )?;
    let threads = match args.threads.map_or(settings.trajectories, usize::from) {
        0 => Slots::default().total(),
        threads => threads,
    };
    let executions = args
        .executions
        .map_or_else(Slots::default, |n| Slots::new(usize::from(n)));
    let requests = Slots::new(args.requests.map_or(threads, usize::from));
    let tasks = Tasks::of(args, &corpus)?;
    let names: Vec<TaskName> = tasks.names(args.shard);
    let mut page = Page::new(args.format);
    // A bar and results on one terminal would spoil each other.
    let is_hidden = output.is_quiet() || args.format == ExploreFormat::Json && output.is_terminal();
    let mut sources = RunSource {
        file: &file,
        images: tasks.images(&workspace),
        workspace,
        is_added: false,
    };
    let context = Context {
        session: &session,
        connector: &connector,
        wanted: &wanted,
        judges: &args.judge,
        prompts: session.prompts(&sources.workspace),
        requests,
    };
    let ended = with_bar(!is_hidden, EXPLORING, |progress| {
        let pool = context.pool(executions.total(), progress)?;
        let environment =
            Environment::new(pool, context.prompts.clone(), executions.clone(), progress);
        let workshop = tasks::Workshop {
            corpus: &corpus,
            tasks: &tasks,
            environment,
            live: live.as_ref(),
            tool_lists: ToolLists::default(),
            settings: &settings,
            count,
            seed: args.sampling.seed,
            pictures: &session.config.pictures,
            skips_pictures: args.skip_pictures,
            run: &file.name,
            model: &named,
        };
        let run_file = RunFile::new(file.path.clone(), &file.name);
        let exploration = Exploration {
            file: &run_file,
            log: &log,
            judging: &session.config.judge,
            prepare: &|task| workshop.prepare(task),
            crew: &|progress| context.crew(progress),
            threads: threads.min(names.len()).max(1),
        };
        let explored = exploration.explore(&names, begun, progress, |explored| {
            if explored.outcome.is_ok() {
                page.keep(sources.add());
            }
            page.take(&explored, output);
            // Nobody reads what would come.
            if page.is_broken() {
                progress.cancel();
            }
        });
        explored.map_err(Report::from)
    });
    page.finish(names.len(), &file.path, output)?;
    ended?;
    Ok(page.some_failed().then_some(Kind::Partial))
}

/// Where a run is kept.
struct Place {
    path: PathBuf,
    /// Its name as a source.
    name: String,
    is_source: bool,
}

impl ExploreArgs {
    fn file(&self, workspace: &Workspace) -> Place {
        match &self.output {
            None => Place {
                path: workspace.run_path(&self.run),
                name: self.run.clone(),
                is_source: true,
            },
            Some(path) => Place {
                name: percent_encode(&stem(path)),
                path: path.clone(),
                is_source: false,
            },
        }
    }
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Makes the file a source once something is in it.
struct RunSource<'a> {
    file: &'a Place,
    images: Vec<PathBuf>,
    workspace: Workspace,
    is_added: bool,
}

impl RunSource<'_> {
    fn add(&mut self) -> Result<(), Report> {
        if self.is_added || !self.file.is_source {
            return Ok(());
        }
        self.is_added = true;
        let added = self.workspace.add_run(&self.file.name, &self.images);
        added.map_err(workspace_report)
    }
}

/// What crews are made of.
struct Context<'a> {
    session: &'a Session,
    connector: &'a Connector,
    wanted: &'a WantedModel,
    judges: &'a JudgeNames,
    prompts: Prompts,
    requests: Slots,
}

impl Context<'_> {
    fn pool(&self, most: usize, progress: &Progress) -> Result<Pool, Report> {
        let command = WorkerCommand::own().map_err(|error| Report::from_error(&error))?;
        Ok(Pool::new(
            command,
            Limits::default(),
            most,
            progress.clone(),
        ))
    }

    fn crew(&self, progress: &Progress) -> Result<Crew, Report> {
        let limited = |wanted: &WantedModel| -> Result<_, Report> {
            let controller = self.connector.connect(wanted, progress)?;
            Ok(Box::new(Limited {
                controller,
                slots: self.requests.clone(),
            }))
        };
        let judge = |model: &str| -> Result<Box<dyn crate::controller::Controller>, Report> {
            let wanted = WantedModel {
                model: Some(model.to_owned()),
                ..WantedModel::default()
            };
            Ok(limited(&wanted)?)
        };
        Ok(Crew {
            controller: limited(self.wanted)?,
            panel: Panel::of(
                self.judges,
                &self.session.config.judge,
                &self.prompts,
                judge,
            )?,
        })
    }
}
