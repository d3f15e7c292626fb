use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::domain::{Attachment, PictureReference, Provenance, Task, Trajectory, visible};
use crate::jobs::Slots;
use crate::judge::{JudgeNames, Panel};
use crate::media::PictureRoots;
use crate::report::{Kind, Report};
use crate::rollout::{
    Agent, Choose, Draw, End, Environment, FirstUsable, IMPORTS, Pictures, PromptForm, Rollout,
    RolloutEvent, RolloutOptions, RunFile, new_system_prompt,
};
use crate::sandbox::{Limits, Pool, WorkerCommand};
use crate::serve::WantedModel;
use crate::synth::JudgedChoice;

use super::Ended;
use super::controller_args::ControllerArgs;
use super::explore::{end_name, run_name};
use super::live_tools::{live_tools, offered};
use super::output::{Output, Style};
use super::sampling_args::SamplingArgs;
use super::serve::limits;
use super::session::{Session, interruptible, workspace_report};

/// Run the agent on a new task, and keep the trajectory
///
/// The controller writes Python that calls tools: the built-in ones, the workspace's MCP servers, and the model itself for questions
/// about pictures and files. The run is added to .retake/runs/NAME.jsonl, a source like any other.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What is asked
    #[arg(value_name = "TASK")]
    task: String,
    /// A picture that the controller is shown; may be given several times
    #[arg(long, value_name = "FILE")]
    image: Vec<PathBuf>,
    /// A file that the controller is told of, for its tools; may be given several times
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    controller: ControllerArgs,
    /// Candidates for each step
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    candidates: u16,
    /// Who chooses among several candidates: rules, model:NAME, model-rank:NAME, model-score:NAME, outcome:NAME, joined by +
    #[arg(long, value_name = "JUDGES", default_value = "rules")]
    judge: JudgeNames,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// The name under which runs are kept
    #[arg(long, value_name = "NAME", default_value = "runs", value_parser = run_name)]
    run: String,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: RunFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum RunFormat {
    /// For people, as it goes
    #[default]
    Text,
    /// One object: {"id", "answer", "end", "steps"}
    Json,
}

pub(super) fn run(args: &RunArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    let (mut workspace, _) = session.workspace_or_new()?;
    let settings = args.sampling.over(&session.config.rollout);
    let connector = args.controller.connector(&session, Some(&workspace))?;
    let wanted = args.controller.wanted();
    let files = Files::of(args)?;
    let live = live_tools(&workspace, &connector, &wanted, output)?;
    let mut controller = args
        .controller
        .connect(&session, Some(&workspace), output)?;
    let prompts = session.prompts(&workspace);
    let judge = |model: &str| -> Result<_, Report> {
        let wanted = WantedModel {
            model: Some(model.to_owned()),
            ..WantedModel::default()
        };
        Ok(interruptible(|progress| {
            connector.connect(&wanted, progress)
        })?)
    };
    let mut panel = Panel::of(&args.judge, &session.config.judge, &prompts, judge)?;
    let model = controller.name().to_owned();
    let is_text = args.format == RunFormat::Text;
    let rollout = interruptible(|progress| -> Result<Rollout, Report> {
        let command = WorkerCommand::own().map_err(|error| Report::from_error(&error))?;
        let slots = Slots::default();
        let pool = Pool::new(command, Limits::default(), slots.total(), progress.clone());
        let roots = PictureRoots::new(files.roots.clone());
        let providers = live.providers(roots.clone(), &pool, &[]);
        let tools = offered(&providers);
        let environment = Environment::new(pool, prompts.clone(), slots, progress)
            .live(PromptForm::Code, providers);
        let system = new_system_prompt(&prompts, &tools, IMPORTS)?;
        let mut rollout = Rollout::new(Trajectory {
            system_prompt: Some(system.text.into()),
            task: Task {
                text: args.task.clone(),
                prompt: None,
                attachments: files.attachments.clone(),
            },
            provenance: Provenance {
                format: "retake".to_owned(),
                run: Some(args.run.clone()),
                model: Some(model.clone()),
                ..Provenance::default()
            },
            ..Trajectory::default()
        });
        let count = usize::from(args.candidates);
        let draw = Draw::of_config(&settings, PromptForm::Code, count, args.sampling.seed);
        let pictures = Pictures {
            roots,
            limits: limits(&session.config.pictures),
            ..Pictures::default()
        };
        let options = RolloutOptions::new(&settings, draw);
        let mut judged = JudgedChoice {
            panel: &mut panel,
            settings: &session.config.judge,
            tools: &tools,
            environment: &environment,
            pictures: &pictures,
            options: &options,
            reference: None,
            benchmark: None,
            seed: args.sampling.seed,
        };
        let mut first = FirstUsable;
        let choose: &mut dyn Choose = match count {
            1 => &mut first,
            _ => &mut judged,
        };
        let mut told = Ok(());
        let streams = is_text && count == 1;
        let ended = Agent {
            controller: controller.as_mut(),
            environment: &environment,
            pictures: &pictures,
            options: &options,
            choose,
            stops: None,
            progress,
            tell: &mut |event| {
                if is_text && told.is_ok() {
                    told = tell(&event, streams, output);
                    if told.is_err() {
                        progress.cancel();
                    }
                }
            },
        }
        .run(&mut rollout, &mut |_| Ok(()));
        told?;
        match ended {
            // What it did so far is kept.
            Err(error) if rollout.trajectory.steps.is_empty() => Err(error.into()),
            Err(error) => {
                let report = Report::from(error);
                rollout.end = Some(End::NoChoice(report.message));
                Ok(rollout)
            }
            Ok(()) => Ok(rollout),
        }
    })?;
    let end = rollout.end.clone().unwrap_or(End::Answered);
    let mut trajectory = rollout.trajectory;
    trajectory.provenance.failure = end.failure();
    let file = RunFile::new(workspace.run_path(&args.run), &args.run);
    let id = file.append(&key(&args.task), &trajectory, &rollout.pairs)?;
    workspace
        .add_run(&args.run, &files.roots)
        .map_err(workspace_report)?;
    if args.format == RunFormat::Json {
        output.json(&json!({
            "id": id.as_str(),
            "answer": trajectory.answer,
            "end": end_name(&end),
            "steps": trajectory.steps.len(),
        }))?;
    } else {
        if let Some(failure) = end.failure() {
            output.styled(Style::Bad, "ended: ")?;
            output.data_line(&failure, &[])?;
            output.line("")?;
        }
        if let Some(answer) = &trajectory.answer {
            output.styled(Style::Bold, "answer: ")?;
            output.data_line(answer, &[])?;
            output.line("")?;
        }
        output.note(format!("kept as {id}"));
    }
    Ok((end != End::Answered).then_some(Kind::Partial))
}

/// What happens, for people: the reply as it comes, and what executing it printed.
fn tell(event: &RolloutEvent<'_>, streams: bool, output: &mut Output) -> Result<(), Report> {
    match event {
        RolloutEvent::Began { step } => {
            output.styled(Style::Bold, format!("step {}", step + 1))?;
            output.line("")?;
        }
        RolloutEvent::Text(delta) if streams => {
            output.text(visible(&delta.text))?;
        }
        RolloutEvent::Text(_) | RolloutEvent::Proposed { .. } => return Ok(()),
        RolloutEvent::Executed { number, candidate } => {
            if streams {
                output.line("")?;
            } else {
                output.styled(Style::Dim, format!("candidate {}", number + 1))?;
                output.line("")?;
                output.data(candidate.reply.as_deref().unwrap_or_default(), "  ")?;
            }
            match (&candidate.observation, candidate.unavailable()) {
                (Some(seen), _) => {
                    let style = if seen.is_error {
                        Style::Bad
                    } else {
                        Style::Dim
                    };
                    output.styled(
                        style,
                        if seen.is_error {
                            "error"
                        } else {
                            "observation"
                        },
                    )?;
                    output.line("")?;
                    output.data(&seen.text, "  ")?;
                }
                (None, Some(reason)) => {
                    output.styled(Style::Bad, "unavailable: ")?;
                    output.data_line(reason, &[])?;
                    output.line("")?;
                }
                (None, None) => {}
            }
        }
        RolloutEvent::Chosen { index, .. } if !streams => {
            output.styled(Style::Dim, format!("candidate {} is the step", index + 1))?;
            output.line("")?;
        }
        RolloutEvent::Chosen { .. } => {}
    }
    output.flush()
}

/// Files of a task: how they are named, and where they are.
struct Files {
    attachments: Vec<Attachment>,
    roots: Vec<PathBuf>,
}

impl Files {
    /// A relative path inside this folder stays as it is; another is named whole.
    fn of(args: &RunArgs) -> Result<Self, Report> {
        let mut files = Self {
            attachments: Vec::new(),
            roots: Vec::new(),
        };
        let here = std::env::current_dir()
            .map_err(|error| Report::failure(format!("this folder can't be found: {error}")))?;
        let shown = args.image.iter().map(|path| (path, true));
        for (path, shown) in shown.chain(args.file.iter().map(|path| (path, false))) {
            let real = path.canonicalize().map_err(|error| {
                Report::failure(format!("{} can't be read: {error}", path.display()))
            })?;
            let real_here = here.canonicalize().unwrap_or_else(|_| here.clone());
            let (name, root) = match real.strip_prefix(&real_here) {
                Ok(inside) => (inside.to_owned(), real_here),
                Err(_) => (
                    real.clone(),
                    real.parent().unwrap_or(Path::new("/")).to_owned(),
                ),
            };
            if !files.roots.contains(&root) {
                files.roots.push(root);
            }
            files.attachments.push(Attachment {
                reference: PictureReference::Path(name.to_string_lossy().into_owned()),
                alias: None,
                caption: None,
                shown,
            });
        }
        Ok(files)
    }
}

/// A name for a task: its first words.
fn key(task: &str) -> String {
    const WORDS: usize = 6;
    let words: Vec<String> = task
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(str::to_lowercase)
        .collect();
    match words.is_empty() {
        true => "task".to_owned(),
        false => words.join("-"),
    }
}
