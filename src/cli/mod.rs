//! One file per verb: its arguments and what it does. The only place that prints.

mod add;
mod agreement;
mod annotation;
mod annotator;
mod assign;
mod branches;
mod chat;
mod check;
mod chosen;
mod compare;
mod completions;
mod controller_args;
mod decision;
mod decision_error;
mod demo;
mod explore;
mod export;
mod export_selection;
mod facets;
mod given_text;
mod help_query;
mod index;
mod line_difference;
mod live_tools;
mod log;
mod man;
mod merge;
mod model;
mod negated_clause;
mod output;
mod pair;
mod queue;
mod remove;
mod replay;
mod rerun;
mod review;
mod run;
mod sampling_args;
mod sandbox_worker;
mod search;
mod selection;
mod serve;
mod session;
mod show;
mod sources;
mod stats;
mod terminal_workbench;
mod trust;
mod undo;
mod wrapped_text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::{Kind, Report};
use output::{ColorChoice, Output};
use session::Session;

/// A workbench for multimodal agent trajectories: search them, look at their steps, export them.
#[derive(Debug, Parser)]
#[command(name = "retake", version, about, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong call, 3 done but some records could not be read or written.\n\
    The query language: retake help query"
)]
pub struct Cli {
    /// The folder that holds .retake/ (else the nearest folder above this one that does)
    #[arg(long, global = true, display_order = 900, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Use the built-in demo corpus
    #[arg(long, global = true, display_order = 901, conflicts_with = "workspace")]
    demo: bool,
    /// Who reviews (else `review.annotator` of the settings, else the system's user)
    #[arg(long, global = true, display_order = 902, value_name = "NAME", value_parser = annotator::name)]
    as_user: Option<String>,
    /// When to colour
    #[arg(
        long,
        global = true,
        display_order = 903,
        value_enum,
        default_value_t,
        value_name = "WHEN"
    )]
    color: ColorChoice,
    /// Print results only: no progress, no notes
    #[arg(short, long, global = true, display_order = 904)]
    quiet: bool,
    /// Print more of what is going on
    #[arg(short, long, global = true, display_order = 905)]
    verbose: bool,
    #[command(flatten)]
    workbench: terminal_workbench::WorkbenchArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    Add(add::AddArgs),
    Remove(remove::RemoveArgs),
    Index(index::IndexArgs),
    Sources(sources::SourcesArgs),
    Search(search::SearchArgs),
    Facets(facets::FacetsArgs),
    Show(show::ShowArgs),
    Stats(stats::StatsArgs),
    Compare(compare::CompareArgs),
    Replay(replay::ReplayArgs),
    Rerun(Box<rerun::RerunArgs>),
    Branches(branches::BranchesArgs),
    Run(run::RunArgs),
    Explore(explore::ExploreArgs),
    Check(check::CheckArgs),
    Review(review::ReviewArgs),
    Pair(pair::PairArgs),
    Log(log::LogArgs),
    Undo(undo::UndoArgs),
    Redo(undo::RedoArgs),
    Merge(merge::MergeArgs),
    Assign(assign::AssignArgs),
    Queue(queue::QueueArgs),
    Agreement(agreement::AgreementArgs),
    Export(export::ExportArgs),
    Model(model::ModelArgs),
    Serve(serve::ServeArgs),
    Chat(chat::ChatArgs),
    Trust(trust::TrustArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Help(help_query::HelpArgs),
}

/// Runs a command line and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if let Some(ended) = sandbox_worker::run(&arguments) {
        return ended;
    }
    let cli = match Cli::try_parse_from(negated_clause::spelled_out(arguments)) {
        Ok(cli) => cli,
        Err(error) => {
            // Clap prints help and versions, too, and knows for each where it belongs.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut output = Output::new(cli.color, cli.quiet, cli.verbose);
    let ended = dispatch(&cli, &mut output).and_then(|kind| {
        output.flush()?;
        Ok(kind)
    });
    match ended {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(kind)) => ExitCode::from(kind.exit_code()),
        Err(report) if report.broken_pipe => ExitCode::SUCCESS,
        Err(report) => {
            let _ = output.flush();
            output.error(&report);
            ExitCode::from(report.kind.exit_code())
        }
    }
}

/// How a command ended short of an error: `None` is all well.
type Ended = Result<Option<Kind>, Report>;

fn dispatch(cli: &Cli, output: &mut Output) -> Ended {
    let Some(command) = &cli.command else {
        return terminal_workbench::run(cli, output);
    };
    match command {
        Command::Completions(args) => return completions::run(args, output),
        Command::Man(args) => return man::run(args, output),
        Command::Help(args) => return help_query::run(args, output),
        _ => {}
    }
    let session = Session::new(cli)?;
    match command {
        Command::Add(args) => add::run(args, session, output),
        Command::Remove(args) => remove::run(args, session, output),
        Command::Index(args) => index::run(args, session, output),
        Command::Sources(args) => sources::run(args, session, output),
        Command::Search(args) => search::run(args, session, output),
        Command::Facets(args) => facets::run(args, session, output),
        Command::Show(args) => show::run(args, session, output),
        Command::Stats(args) => stats::run(args, session, output),
        Command::Compare(args) => compare::run(args, session, output),
        Command::Replay(args) => replay::run(args, session, output),
        Command::Rerun(args) => rerun::run(args, &session, output),
        Command::Branches(args) => branches::run(args, &session, output),
        Command::Run(args) => run::run(args, session, output),
        Command::Explore(args) => explore::run(args, session, output),
        Command::Check(args) => check::run(args, session, output),
        Command::Review(args) => review::run(args, session, output),
        Command::Pair(args) => pair::run(args, session, output),
        Command::Log(args) => log::run(args, session, output),
        Command::Undo(args) => undo::undo(args, session, output),
        Command::Redo(args) => undo::redo(args, session, output),
        Command::Merge(args) => merge::run(args, session, output),
        Command::Assign(args) => assign::run(args, session, output),
        Command::Queue(args) => queue::run(args, session, output),
        Command::Agreement(args) => agreement::run(args, session, output),
        Command::Export(args) => export::run(args, session, output),
        Command::Model(args) => model::run(args, &session, output),
        Command::Serve(args) => serve::run(args, &session, output),
        Command::Chat(args) => chat::run(args, &session, output),
        Command::Trust(args) => trust::run(args, session, output),
        Command::Completions(_) | Command::Man(_) | Command::Help(_) => Ok(None),
    }
}
