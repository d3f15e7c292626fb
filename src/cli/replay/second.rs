use std::path::Path;

use crate::report::Report;
use crate::sandbox::{Cpython, Pool, SandboxError};
use crate::workspace::Workspace;

/// Prepares the CPython that somebody names.
pub(super) fn prepared(python: &Path, workspace: &Workspace) -> Result<Cpython, Report> {
    Cpython::prepare(python, &workspace.cache_folder().join("sandbox"))
        .map_err(|error| python_report(&error))
}

/// An error unless a worker of the second interpreter starts behind its walls.
pub(super) fn check_second(pool: &Pool) -> Result<(), Report> {
    let session = pool.session().map_err(|error| python_report(&error))?;
    match session.confinement() {
        Some(confinement) if !confinement.is_closed() => {
            let open: Vec<String> = confinement.open.iter().map(ToString::to_string).collect();
            let reason = format!("its walls let through {}", open.join(", "));
            Err(python_report(&SandboxError::Unconfined(reason)))
        }
        _ => Ok(()),
    }
}

fn python_report(error: &SandboxError) -> Report {
    let mut report = Report::from_error(error);
    report.message = format!("not run in CPython: {}", report.message);
    report.hint("CPython runs behind bubblewrap (bwrap) only; without --python the sandbox's own interpreter runs alone")
}
