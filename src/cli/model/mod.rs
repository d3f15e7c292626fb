//! `retake model`: the models that can be run here.

mod add;
mod bench;
mod info;
mod list;
mod loading;
mod pull;
mod remove;

use clap::{Args, Subcommand};

use super::Ended;
use super::output::Output;
use super::session::Session;

pub(super) use loading::{LoadArgs, load, load_from, registry};

/// Models: get them, give them names, look at them, measure them
#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Pull(pull::PullArgs),
    Info(info::InfoArgs),
    Bench(bench::BenchArgs),
    Rm(remove::RemoveArgs),
}

pub(super) fn run(args: &ModelArgs, session: &Session, output: &mut Output) -> Ended {
    match &args.command {
        ModelCommand::Add(args) => add::run(args, session, output),
        ModelCommand::List(args) => list::run(args, session, output),
        ModelCommand::Pull(args) => pull::run(args, session, output),
        ModelCommand::Info(args) => info::run(args, session, output),
        ModelCommand::Bench(args) => bench::run(args, session, output),
        ModelCommand::Rm(args) => remove::run(args, session, output),
    }
}
