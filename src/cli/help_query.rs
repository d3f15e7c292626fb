use clap::{Args, CommandFactory};

use crate::export::preflight_reference;
use crate::index::query::reference;
use crate::report::Report;

use super::output::Output;
use super::{Cli, Ended};

/// Describe a verb, the query language (`retake help query`), or the checks of exports (`retake help preflight`)
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// `query`, `preflight`, or a verb, such as `search` or `review edit`
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

pub(super) fn run(args: &HelpArgs, output: &mut Output) -> Ended {
    let mut command = Cli::command();
    let topic = args.topic.join(" ");
    let help = match topic.as_str() {
        "query" => reference(),
        "preflight" => preflight_reference(),
        "" => command.render_long_help().to_string(),
        _ => {
            command.build();
            let mut found = Some(&mut command);
            for word in &args.topic {
                found = found.and_then(|verb| verb.find_subcommand_mut(word));
            }
            let verb = found.ok_or_else(|| {
                Report::usage(format!("there is no help on `{topic}`")).hint(
                    "`retake help query`, `retake help preflight`, or `retake help` for the verbs",
                )
            })?;
            verb.render_long_help().to_string()
        }
    };
    output.line(help.trim_end())?;
    Ok(None)
}
