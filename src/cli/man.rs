use clap::{Args, CommandFactory};

use crate::report::Report;

use super::output::Output;
use super::{Cli, Ended};

/// Print the manual page
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The verb to describe, such as `search` or `review edit`; the program itself without one
    #[arg(value_name = "VERB")]
    verb: Vec<String>,
}

pub(super) fn run(args: &ManArgs, output: &mut Output) -> Ended {
    let mut command = Cli::command();
    command.build();
    let mut found = Some(&command);
    for word in &args.verb {
        found = found.and_then(|verb| verb.find_subcommand(word));
    }
    let command = found.cloned().ok_or_else(|| {
        let verb = args.verb.join(" ");
        Report::usage(format!("there is no verb `{verb}`")).hint("`retake --help` lists them")
    })?;
    clap_mangen::Man::new(command).render(output.raw())?;
    Ok(None)
}
