use clap::{Args, ValueEnum};

use crate::cli::controller_args::ControllerArgs;
use crate::cli::explore::run_name;
use crate::cli::sampling_args::SamplingArgs;
use crate::judge::JudgeNames;
use crate::report::Report;

/// Run a step again: new candidates for it, each executed, ranked, ready to pick
///
/// The recorded step is candidate 0. Every candidate runs on its own copy of the state before the step; its tool calls are answered by
/// what the trajectory recorded and, with --live, by live tools. Nothing is saved but what is picked: --pick with --save makes preference
/// pairs of it, --continue a branch of the trajectory. On a terminal you are asked.
#[derive(Debug, Args)]
pub struct RerunArgs {
    /// The trajectory, by id or content hash
    #[arg(required_unless_present = "query")]
    pub id: Option<String>,
    /// The step, by its number as it is shown now
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "query")]
    pub step: Option<u32>,
    /// Run every step that this query finds (of a trajectory: all its steps), without asking, into a run that is reviewed later
    #[arg(long, value_name = "QUERY", conflicts_with = "id", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// With --query: the name of the run, and of the review queue
    #[arg(long, value_name = "NAME", default_value = "reruns", value_parser = run_name)]
    pub run: String,
    /// With --query: who reviews the pairs (else yourself); may be given several times
    #[arg(long, value_name = "ANNOTATOR", requires = "query")]
    pub to: Vec<String>,
    /// New candidates (else `candidates` under [rollout] in the settings)
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub candidates: Option<u8>,
    #[command(flatten)]
    pub controller: ControllerArgs,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Who ranks: rules, model:NAME, model-rank:NAME, model-score:NAME, outcome:NAME, or several joined by +
    #[arg(long, value_name = "JUDGE", default_value = "rules")]
    pub judge: JudgeNames,
    /// Let live tools answer calls that are not recorded: the workspace's MCP servers, the built-in ones, the controller's eyes
    #[arg(long)]
    pub live: bool,
    /// Leave pictures out that can't be read
    #[arg(long)]
    pub skip_pictures: bool,
    /// Change task and earlier steps in $EDITOR first; the changes are saved with the pair
    #[arg(long, conflicts_with = "query")]
    pub edit_context: bool,
    /// Pick from the last re-run of this step in the place of a new one
    #[arg(long, conflicts_with_all = ["query", "edit_context"])]
    pub last: bool,
    /// Pick this candidate: its number, or `best` for the one that the judges prefer
    #[arg(long, value_name = "I", conflicts_with_all = ["query", "none_good"])]
    pub pick: Option<Pick>,
    /// What stands on the other side: numbers, or `all` for everyone whom the paper's rules reject (else the recorded step)
    #[arg(long, value_name = "J", value_delimiter = ',', requires = "pick")]
    pub reject: Vec<Reject>,
    /// Change the picked candidate in $EDITOR first; it is executed again
    #[arg(long, requires = "pick")]
    pub edit: bool,
    /// Why it is better
    #[arg(long, value_name = "TEXT", requires = "pick", allow_hyphen_values = true)]
    pub reason: Option<String>,
    /// Save preference pairs of the picked candidate
    #[arg(long, requires = "pick")]
    pub save: bool,
    /// With --save: accept the pairs at once
    #[arg(long, requires = "save")]
    pub accept: bool,
    /// Go on from the picked candidate to the end, as a new branch of the trajectory
    #[arg(long = "continue", requires = "pick")]
    pub go_on: bool,
    /// Note on the step that no candidate is good
    #[arg(long)]
    pub none_good: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub format: RerunFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum RerunFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"id", "step", "context", "candidates": […], "best", …}; what is saved comes after it, one object each
    Json,
}

/// Which candidate is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// By its number.
    Number(usize),
    /// The one that the judges prefer.
    Best,
}

/// Which candidates are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reject {
    /// By its number.
    Number(usize),
    /// All that the paper's rules reject.
    All,
}

impl std::str::FromStr for Pick {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "best" => Ok(Self::Best),
            text => text.parse().map(Self::Number).map_err(|_| "a candidate's number, or best".to_owned()),
        }
    }
}

impl std::str::FromStr for Reject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            text => text.parse().map(Self::Number).map_err(|_| "candidates' numbers, or all".to_owned()),
        }
    }
}

impl RerunArgs {
    /// What clap can't tell.
    pub fn check(&self) -> Result<(), Report> {
        if self.pick.is_some() && !self.save && !self.go_on {
            return Err(Report::usage("--pick alone does nothing")
                .hint("--save makes a preference pair, --continue a branch"));
        }
        Ok(())
    }
}
