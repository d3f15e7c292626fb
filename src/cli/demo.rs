//! The built-in corpus: what `retake` shows where there is no workspace, and what `--demo` looks into.

use std::path::Path;

use crate::config::cache_folder;
use crate::corpus::Corpus;
use crate::index::query::{Query, ResultKind};
use crate::report::Report;
use crate::workspace::{SourceDeclaration, Workspace, WorkspaceError};

use super::output::{Output, Style};
use super::session::{Session, corpus_report, workspace_report};
use super::{Cli, Ended};

include!(concat!(env!("OUT_DIR"), "/demo_files.rs"));

/// The demo, written to the user's cache where it is not there yet.
pub fn workspace(user_folder: Option<&Path>) -> Result<Workspace, Report> {
    let folder = cache_folder()
        .ok_or_else(|| {
            Report::failure("there is no place for the demo").hint("set HOME or RETAKE_CACHE_DIR")
        })?
        .join(format!("demo-{}", fingerprint()));
    match Workspace::open(&folder, user_folder) {
        Ok(mut workspace) => {
            // It is this program's own work, wherever trust is recorded.
            if !workspace.is_trusted() {
                workspace.trust().map_err(workspace_report)?;
            }
            Ok(workspace)
        }
        Err(WorkspaceError::NotFound(_)) => unpack(&folder, user_folder),
        Err(error) => Err(workspace_report(error)),
    }
}

fn unpack(folder: &Path, user_folder: Option<&Path>) -> Result<Workspace, Report> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| {
            Report::failure(format!(
                "the demo can't be written to {}: {error}",
                path.display()
            ))
            .hint("set RETAKE_CACHE_DIR to a folder that can be written")
        }
    };
    for (name, bytes) in DEMO_FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(fail(parent))?;
        }
        std::fs::write(&path, bytes).map_err(fail(&path))?;
    }
    let mut workspace = Workspace::create(folder, user_folder).map_err(workspace_report)?;
    let folder = workspace.root().to_owned();
    for name in ["trajectories", "pairs"] {
        let declared = SourceDeclaration {
            name: name.to_owned(),
            path: folder.join(format!("{name}.json")),
            format: None,
            images: vec![folder.clone()],
        };
        workspace.add_source(declared).map_err(workspace_report)?;
    }
    Ok(workspace)
}

/// Another demo lives in another folder.
fn fingerprint() -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, bytes) in DEMO_FILES {
        hasher.update(name.as_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().to_hex()[..12].to_owned()
}

/// `retake` alone: what the workspace here holds, or the demo.
pub fn run(cli: &Cli, output: &mut Output) -> Ended {
    let session = Session::new(cli)?;
    let (workspace, is_demo) = match session.workspace() {
        Ok(workspace) => (workspace, cli.demo),
        Err(error) if cli.workspace.is_some() => return Err(error),
        Err(_) => (workspace(crate::config::user_folder().as_deref())?, true),
    };
    let corpus = session.corpus(&workspace, false, output)?;
    if cli.demo {
        output.line("The built-in demo")?;
    } else if is_demo {
        output.line("No workspace here: this is the built-in demo.")?;
    } else {
        output.data(
            &format!("The workspace in {}", workspace.root().display()),
            "",
        )?;
    }
    output.line("")?;
    for source in &corpus.state().sources {
        super::sources::source_line(source, output)?;
    }
    output.line("")?;
    summary(&corpus, output)?;
    let flag = if is_demo { "--demo " } else { "" };
    output.line("")?;
    output.styled(Style::Bold, "Try")?;
    output.line("")?;
    for example in [
        "search boats",
        "search in:step is:error",
        "show trajectories/harbour-boats",
        "facets --field flag",
        "stats verdict:incorrect",
        "help query",
    ] {
        if is_demo || !example.starts_with("show") {
            output.line(format!("  retake {flag}{example}"))?;
        }
    }
    if is_demo {
        output.line("  retake add YOUR-DATA.json")?;
    }
    Ok(None)
}

fn summary(corpus: &Corpus, output: &mut Output) -> Result<(), Report> {
    for (result_kind, field, title) in [
        (ResultKind::Trajectory, "verdict", "verdicts"),
        (ResultKind::Step, "tool", "tools by steps"),
        (ResultKind::Trajectory, "flag", "flags by trajectories"),
    ] {
        let query = Query {
            result_kind,
            ..Query::default()
        };
        let summary = corpus
            .summarize(&query, &[field], &[])
            .map_err(|error| corpus_report(&error))?;
        let mut counts: Vec<(String, u64)> = summary.facets.into_iter().flatten().collect();
        counts.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), value.clone()));
        if counts.is_empty() {
            continue;
        }
        let text: Vec<String> = counts
            .iter()
            .take(8)
            .map(|(value, count)| format!("{value} {count}"))
            .collect();
        output.styled(Style::Bold, title)?;
        output.text("  ")?;
        output.data_line(&text.join(", "), &[])?;
        output.line("")?;
    }
    Ok(())
}
