use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::journal::{TakenIn, take_in};
use crate::report::{Kind, Report};

use super::Ended;
use super::annotation::tell;
use super::output::{Output, Style};
use super::session::Session;

/// Take in what others decided: journals of other copies of this workspace
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// A journal, a folder of journals, a .retake folder, or the folder of a workspace
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: MergeFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum MergeFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"journals": […], "new": N, "known": N, "bad": N}
    Json,
}

pub(super) fn run(args: &MergeArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    let workspace = session.workspace()?;
    let taken = take_in(&workspace.journal_folder(), &args.paths).map_err(Report::from)?;
    tell(&taken.notices, output);
    // Searches show what is new from now on, and not only when somebody searches.
    session.corpus(&workspace, true, output)?;
    print(&taken, args.format, output)?;
    Ok((sum(&taken).bad > 0).then_some(Kind::Partial))
}

struct Counts {
    new: usize,
    known: usize,
    bad: usize,
}

fn sum(taken: &TakenIn) -> Counts {
    Counts {
        new: taken.files.iter().map(|file| file.added).sum(),
        known: taken.files.iter().map(|file| file.known).sum(),
        bad: taken.files.iter().map(|file| file.bad).sum(),
    }
}

fn print(taken: &TakenIn, format: MergeFormat, output: &mut Output) -> Result<(), Report> {
    let all = sum(taken);
    if format == MergeFormat::Json {
        let journals = taken.files.iter().map(|file| {
            serde_json::json!({
                "file": file.name.to_string(),
                "annotator": file.name.annotator,
                "new": file.added,
                "known": file.known,
                "bad": file.bad,
            })
        });
        return output.json(&serde_json::json!({
            "journals": journals.collect::<Vec<_>>(),
            "new": all.new,
            "known": all.known,
            "bad": all.bad,
        }));
    }
    for file in &taken.files {
        output.styled(Style::Bold, &file.name.annotator)?;
        output.styled(Style::Dim, format!(" @{}", file.name.writer))?;
        output.text(format!("  {} new, {} known", file.added, file.known))?;
        if file.bad > 0 {
            output.text(", ")?;
            output.styled(Style::Bad, format!("{} bad", file.bad))?;
        }
        output.line("")?;
    }
    match taken.files.len() {
        0 => output.note("there is no journal in it"),
        1 => {}
        many => output.note(format!("{many} journals, {} new records", all.new)),
    }
    Ok(())
}
