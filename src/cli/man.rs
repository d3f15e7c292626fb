use clap::{Args, CommandFactory};

use super::output::Output;
use super::{Cli, Ended};

/// Print the manual page
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The verb to describe; the program itself without one
    verb: Option<String>,
}

pub(super) fn run(args: &ManArgs, output: &mut Output) -> Ended {
    let mut command = Cli::command();
    command.build();
    let command = match &args.verb {
        None => command,
        Some(verb) => {
            let found = command.find_subcommand(verb).cloned();
            found.ok_or_else(|| {
                crate::report::Report::usage(format!("there is no verb `{verb}`"))
                    .hint("`retake --help` lists them")
            })?
        }
    };
    clap_mangen::Man::new(command).render(output.raw())?;
    Ok(None)
}
