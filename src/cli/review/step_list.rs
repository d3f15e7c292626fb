use std::path::PathBuf;

use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, StepArgs, Words, decide};
use crate::cli::given_text::file_text;
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::corpus::decision::{self, is_empty_candidate, parse_candidate};
use crate::domain::review::LiteralCandidate;
use crate::report::Report;

/// Add a step that the source does not have
#[derive(Debug, Args)]
pub struct AddStepArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// The step before it, by its number as it is shown now; 0 for the first place [default: the last step]
    #[arg(long, value_name = "N")]
    after: Option<u32>,
    /// Why
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    thought: Option<String>,
    /// The action: Python, or the JSON of tool calls where the other steps have these
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    code: Option<String>,
    /// What it printed
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    observation: Option<String>,
    /// All of it in a file: a JSON object of thought, code and observation, or a reply (Thought: … Code: ```py …```)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["thought", "code", "observation"])]
    file: Option<PathBuf>,
}

/// Leave steps out
#[derive(Debug, Args)]
pub struct RemoveStepArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
}

/// Give a step another place
#[derive(Debug, Args)]
pub struct MoveStepArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
    /// The step before its new place, by its number as it is shown now; 0 for the first place
    #[arg(long, value_name = "N")]
    after: u32,
}

/// Say that a stale step holds although something before it was edited
#[derive(Debug, Args)]
pub struct FreshArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
}

pub fn add(args: &AddStepArgs, session: &Session, output: &mut Output) -> Ended {
    let texts = match &args.file {
        Some(file) => {
            let from_input = file.as_os_str() == "-";
            if from_input && args.decision.selection.reads_standard_input() {
                return Err(Report::usage("standard input can't hold both ids and text"));
            }
            parse_candidate(&file_text(file)?)?
        }
        None => LiteralCandidate {
            thought: args.thought.clone(),
            code: args.code.clone(),
            observation: args.observation.clone(),
        },
    };
    if is_empty_candidate(&texts) {
        return Err(Report::usage("a step says or does something")
            .hint("--thought TEXT, --code TEXT, --observation TEXT, or --file FILE"));
    }
    let words = Words {
        verb: "add-step",
        done: "step added to",
    };
    let hits = StepHits::Trajectories;
    decide(&args.decision, session, output, words, hits, |subject| {
        Ok(decision::add_step(subject, args.after, &texts)?)
    })
}

pub fn remove(args: &RemoveStepArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "remove-step",
        done: "removed from",
    };
    let hits = StepHits::Steps;
    decide(&args.decision, session, output, words, hits, |subject| {
        let step = args.step.required(subject)?;
        Ok(decision::remove_step(subject, step)?)
    })
}

pub fn move_step(args: &MoveStepArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "move-step",
        done: "moved in",
    };
    let hits = StepHits::Steps;
    decide(&args.decision, session, output, words, hits, |subject| {
        let step = args.step.required(subject)?;
        Ok(decision::move_step(subject, step, args.after)?)
    })
}

pub fn fresh(args: &FreshArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "fresh",
        done: "confirmed",
    };
    let hits = StepHits::Steps;
    decide(&args.decision, session, output, words, hits, |subject| {
        let step = args.step.required(subject)?;
        Ok(decision::confirm_step(subject, step)?)
    })
}
