use std::path::{Path, PathBuf};

use clap::Args;

use crate::corpus::SourceState;
use crate::domain::percent_encode;
use crate::ingest::{FORMATS, format_named};
use crate::report::{Kind, Report};
use crate::workspace::SourceDeclaration;

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, workspace_report};
use super::sources::{source_line, warning_text};

/// Add files or folders as sources, and index them
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Files or folders; the format is found by their content
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Read them as this format
    #[arg(long = "as", value_name = "FORMAT")]
    format: Option<String>,
    /// A folder under which the data's picture paths are looked up; can be given several times
    #[arg(long, value_name = "ROOT")]
    images: Vec<PathBuf>,
    /// The source's name, the first part of its records' ids (else the file's name)
    #[arg(long)]
    name: Option<String>,
}

pub(super) fn run(args: &AddArgs, session: Session, output: &mut Output) -> Ended {
    session.refuse_demo()?;
    if let Some(format) = &args.format
        && format_named(format).is_none()
    {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        return Err(Report::usage(format!("there is no format `{format}`"))
            .hint(format!("formats: {}", names.join(", "))));
    }
    if args.name.is_some() && args.paths.len() > 1 {
        return Err(
            Report::usage("one name can't be given to several sources").hint("add them one by one")
        );
    }
    let paths: Vec<PathBuf> = args
        .paths
        .iter()
        .map(|p| existing(p))
        .collect::<Result<_, _>>()?;
    let images: Vec<PathBuf> = args
        .images
        .iter()
        .map(|p| existing(p))
        .collect::<Result<_, _>>()?;
    let (mut workspace, new) = session.workspace_or_new()?;
    let mut names = Vec::new();
    let mut added: Vec<String> = Vec::new();
    for path in paths {
        let sources = workspace.sources();
        if let Some(known) = sources.iter().find(|source| source.path == path) {
            let other_name = args.name.as_ref().is_some_and(|name| *name != known.name);
            let other_format = args.format.is_some() && args.format != known.format;
            if other_name || other_format {
                return Err(Report::usage(format!(
                    "{} is there already, as the source `{}`",
                    path.display(),
                    known.name
                ))
                .hint(format!(
                    "`retake remove {}` first, then add it anew",
                    known.name
                )));
            }
            if !images.is_empty() {
                workspace
                    .add_images(&known.name, &images)
                    .map_err(workspace_report)?;
            }
            output.note(format!("source `{}` is there already", known.name));
            names.push(known.name.clone());
            continue;
        }
        let name = match &args.name {
            Some(name) => checked_name(name)?,
            None => free_name(&path, |name| sources.iter().all(|s| s.name != name)),
        };
        workspace
            .add_source(SourceDeclaration {
                name: name.clone(),
                path,
                format: args.format.clone(),
                images: images.clone(),
            })
            .map_err(workspace_report)?;
        added.push(name.clone());
        names.push(name);
    }
    if new {
        output.note(format!(
            "made a workspace in {}",
            workspace.folder().display()
        ));
    }
    let corpus = session.corpus(&workspace, true, output)?;
    let mut kind = None;
    let mut strangers: Vec<(String, String)> = Vec::new();
    for name in &names {
        // What was a source before stays one, whatever became of its file.
        let stranger = corpus.state().source(name).and_then(nothing_opened);
        if let Some(reason) = stranger.filter(|_| added.contains(name)) {
            strangers.push((name.clone(), reason));
            continue;
        }
        let Some(source) = corpus.state().source(name) else {
            return Err(Report::failure(format!(
                "source `{name}` was added, but can't be read now"
            ))
            .hint("`retake sources` says why"));
        };
        source_line(source, output)?;
        for warning in source.warnings.iter().take(3) {
            output.text("  ")?;
            output.styled(Style::Bad, "warning")?;
            output.text(" ")?;
            output.data_line(&warning_text(warning), &[])?;
            output.line("")?;
        }
        if source.counts.warnings > 3 {
            let more = source.counts.warnings - 3;
            output.line(format!("  {more} more: retake sources --warnings"))?;
        }
        if source.counts.unread > 0 {
            kind = Some(Kind::Partial);
        }
    }
    if strangers.is_empty() {
        return Ok(kind);
    }
    for (name, _) in &strangers {
        workspace.remove_source(name).map_err(workspace_report)?;
    }
    session.corpus(&workspace, true, output)?;
    let reasons: Vec<String> = strangers
        .iter()
        .map(|(name, reason)| format!("`{name}` was not added: {reason}"))
        .collect();
    Err(Report::failure(reasons.join("\n")))
}

/// Why no file of a source could be opened; `None` if one could, or none is there yet.
fn nothing_opened(source: &SourceState) -> Option<String> {
    let opened = source.files.iter().any(|file| !file.format.is_empty());
    if opened || source.files.is_empty() {
        return None;
    }
    let reason = source.warnings.first().map(warning_text);
    Some(reason.unwrap_or_else(|| source.path.display().to_string()))
}

fn existing(path: &Path) -> Result<PathBuf, Report> {
    let found = path.canonicalize().map_err(|error| {
        Report::failure(format!("{} can't be read: {error}", path.display())).hint("check the path")
    })?;
    if found.is_file() || found.is_dir() {
        return Ok(found);
    }
    Err(
        Report::failure(format!("{} is neither a file nor a folder", path.display()))
            .hint("write what comes out of it to a file first"),
    )
}

fn checked_name(name: &str) -> Result<String, Report> {
    if name.is_empty() || name != percent_encode(name) {
        return Err(Report::usage(format!("`{name}` can't be a source's name"))
            .hint("use letters, digits, `-`, `_` and `.`"));
    }
    Ok(name.to_owned())
}

/// The file's stem; a number behind it where another source has that name.
fn free_name(path: &Path, is_free: impl Fn(&str) -> bool) -> String {
    let mut stem = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if path.is_file() {
        for ending in [
            "gz", "zst", "json", "jsonl", "ndjson", "parquet", "arrow", "feather",
        ] {
            if let Some(shorter) = stem.strip_suffix(&format!(".{ending}")) {
                stem = shorter.to_owned();
            }
        }
    }
    let letters = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let stem: String = stem.chars().map(letters).collect();
    let stem = if stem.is_empty() {
        "source".to_owned()
    } else {
        stem
    };
    if is_free(&stem) {
        return stem;
    }
    (2..)
        .map(|n| format!("{stem}-{n}"))
        .find(|name| is_free(name))
        .unwrap_or(stem)
}
