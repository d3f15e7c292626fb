use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::corpus::picture_folders;
use crate::journal::{JournalName, TakenIn, take_in};
use crate::report::{Kind, Report};
use crate::rollout::{RunFile, TakenRuns};
use crate::workspace::Workspace;

use super::Ended;
use super::annotation::tell;
use super::explore::run_name;
use super::output::{Output, Style};
use super::session::{Session, workspace_report};

/// Take in what others did: journals and runs of other copies of this workspace
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// A journal, a folder of journals, a file of runs, a .retake folder, or the folder of a workspace
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
    /// One object: {"journals": […], "new": N, "known": N, "bad": N, "candidates": {"new": N, "bad": N}, "runs": […]}
    Json,
}

pub(super) fn run(args: &MergeArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    let mut workspace = session.workspace()?;
    let runs = take_in_runs(&mut workspace, &args.paths)?;
    let candidates = take_in_candidates(&workspace, &args.paths)?;
    let mut paths = Vec::new();
    for path in &args.paths {
        // Where runs are, a journal need not be.
        let has_journal = ["journal", ".retake/journal"]
            .iter()
            .any(|inner| path.join(inner).is_dir());
        if has_journal || run_files(path)?.is_empty() {
            paths.push(path.clone());
        }
    }
    let taken = match paths.is_empty() {
        true => TakenIn::default(),
        false => take_in(&workspace.journal_folder(), &paths).map_err(Report::from)?,
    };
    tell(&taken.notices, output);
    // Searches show what is new from now on, and not only when somebody searches.
    session.corpus(&workspace, true, output)?;
    print(&taken, &runs, candidates, args.format, output)?;
    let bad = sum(&taken).bad + candidates.1 + runs.iter().map(|(_, run)| run.bad).sum::<usize>();
    Ok((bad > 0).then_some(Kind::Partial))
}

/// Whether a file holds runs. Journals are named by annotator and machine.
fn is_run_file(path: &Path) -> bool {
    let is_lines = path.extension().is_some_and(|ending| ending == "jsonl");
    is_lines && JournalName::of_file(path).is_none() && RunFile::holds_runs(path)
}

/// Takes in the candidates that pairs of others were made of: how many are new, and how many are not what their names say.
fn take_in_candidates(workspace: &Workspace, paths: &[PathBuf]) -> Result<(usize, usize), Report> {
    let kept = workspace.kept_candidates();
    let (mut new, mut bad) = (0, 0);
    for path in paths {
        // A journal alone may lie where it was made.
        let above = path.ancestors().skip(1).take(2).map(Path::to_owned);
        let inner = [path.clone(), path.join(".retake")];
        for folder in inner.into_iter().chain(above) {
            if folder == workspace.folder() {
                continue;
            }
            let taken = kept.take_in(&folder).map_err(|error| {
                Report::failure(format!("candidates of {} can't be taken in: {error}", folder.display()))
            })?;
            new += taken.0;
            bad += taken.1;
        }
    }
    Ok((new, bad))
}

/// Takes in the runs that paths hold, each file into that of its name, and makes these sources.
fn take_in_runs(
    workspace: &mut Workspace,
    paths: &[PathBuf],
) -> Result<Vec<(String, TakenRuns)>, Report> {
    let mut taken: BTreeMap<String, TakenRuns> = BTreeMap::new();
    let mut files = Vec::new();
    for path in paths {
        files.extend(run_files(path)?);
    }
    for file in files {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if run_name(&name).is_err() {
            return Err(Report::failure(format!(
                "{} is no name of runs",
                file.display()
            )));
        }
        let runs = RunFile::new(workspace.run_path(&name), &name);
        let new = runs.take_in(&file)?;
        let all = taken.entry(name).or_default();
        all.new += new.new;
        all.known += new.known;
        all.bad += new.bad;
        all.sources.extend(new.sources);
    }
    for (name, runs) in &taken {
        if !workspace.run_path(name).exists() {
            continue;
        }
        let mut images: Vec<PathBuf> = Vec::new();
        for source in workspace.sources() {
            if runs.sources.contains(&source.name) {
                images.extend(picture_folders(&source));
            }
        }
        workspace.add_run(name, &images).map_err(workspace_report)?;
    }
    Ok(taken.into_iter().collect())
}

/// The file of runs that a path is, or those of the workspace that it is; in order.
fn run_files(path: &Path) -> Result<Vec<PathBuf>, Report> {
    if path.is_file() {
        return Ok(Some(path.to_owned())
            .filter(|path| is_run_file(path))
            .into_iter()
            .collect());
    }
    let mut files = Vec::new();
    let folders = [path.join("runs"), path.join(".retake").join("runs")];
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let unreadable = |error: std::io::Error| {
            Report::failure(format!("{} can't be read: {error}", folder.display()))
        };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            files.extend(Some(file).filter(|file| is_run_file(file)));
        }
    }
    files.sort();
    Ok(files)
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

fn print(
    taken: &TakenIn,
    runs: &[(String, TakenRuns)],
    candidates: (usize, usize),
    format: MergeFormat,
    output: &mut Output,
) -> Result<(), Report> {
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
            "candidates": {"new": candidates.0, "bad": candidates.1},
            "runs": runs.iter().map(|(name, run)| serde_json::json!({
                "run": name, "new": run.new, "known": run.known, "bad": run.bad,
            })).collect::<Vec<_>>(),
        }));
    }
    for (name, run) in runs {
        output.styled(Style::Bold, name)?;
        output.text(format!("  {} new, {} known", run.new, run.known))?;
        if run.bad > 0 {
            output.text(", ")?;
            output.styled(Style::Bad, format!("{} bad", run.bad))?;
        }
        output.line(" runs")?;
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
    if candidates.1 > 0 {
        let (new, bad) = candidates;
        output.note(format!("warning: of the candidates {new} are new, {bad} are not what their names say"));
    }
    match taken.files.len() {
        0 if runs.is_empty() => output.note("there are neither journals nor runs in it"),
        0 => {}
        1 => {}
        many => output.note(format!("{many} journals, {} new records", all.new)),
    }
    Ok(())
}
