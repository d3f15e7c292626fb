use clap::{Args, CommandFactory};

use crate::export::preflight_reference;
use crate::index::query::reference;
use crate::report::Report;

use super::output::Output;
use super::{Cli, Ended};

/// Describe a verb, the query language (`retake help query`), or the checks of exports (`retake help preflight`)
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// `query`, `preflight`, or a verb
    topic: Option<String>,
}

pub(super) fn run(args: &HelpArgs, output: &mut Output) -> Ended {
    let mut command = Cli::command();
    let help = match args.topic.as_deref() {
        Some("query") => reference(),
        Some("preflight") => preflight_reference(),
        None => command.render_long_help().to_string(),
        Some(topic) => {
            command.build();
            match command.find_subcommand_mut(topic) {
                Some(verb) => verb.render_long_help().to_string(),
                None => {
                    return Err(Report::usage(format!("there is no help on `{topic}`"))
                        .hint("`retake help query`, `retake help preflight`, or `retake help` for the verbs"));
                }
            }
        }
    };
    output.line(help.trim_end())?;
    Ok(None)
}
