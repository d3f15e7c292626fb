//! The files of a source, opened, with the format of each.

use std::path::Path;

use crate::config::Config;
use crate::ingest::container::{
    ContainerError, ContainerFile, ContainerKind, Problem, ScanLimits, ScanStart, open,
};
use crate::ingest::{DetectionError, FORMATS, Layout, detect, detect_as, format_named};
use crate::workspace::Source;

use super::pipeline::OpenedFile;
use super::source_files::{PlannedFile, Reading, SourceFile};
use super::state::{FileState, SourceState};

/// Limits of reading, from the settings.
pub fn scan_limits(config: &Config) -> ScanLimits {
    ScanLimits {
        record_bytes: config.read.max_record_mb.saturating_mul(1 << 20),
        unpacked_bytes: config.read.max_unpacked_mb.saturating_mul(1 << 20),
        ..ScanLimits::default()
    }
}

/// A file as the state will have it, and what came of opening it.
pub struct Opening {
    /// Its state; without a format where it could not be opened.
    pub state: FileState,
    /// How to read it, where it is to be read.
    pub opened: Option<OpenedFile>,
    /// Bytes that will be read.
    pub bytes: u64,
    /// What is wrong with it although it can be read.
    pub problems: Vec<Problem>,
    /// Why it can't be read.
    pub failure: Option<Failure>,
}

/// Why a file can't be read.
pub enum Failure {
    /// It is damaged, or out of reach.
    Broken(String),
    /// A sound file that lies beside those with records: what it holds instead.
    Stranger(String),
}

/// Opens what is to be read of a file; `number` is its place in the source.
pub fn open_planned(
    source: &Source,
    planned: &PlannedFile,
    number: u32,
    old: Option<&SourceState>,
    cache: &Path,
    limits: &ScanLimits,
) -> Opening {
    let known = match planned.reading {
        Reading::Whole => None,
        Reading::Kept(at) => old.and_then(|state| Some((state.files.get(at)?, false))),
        Reading::Appended(at) => old.and_then(|state| Some((state.files.get(at)?, true))),
    };
    match known {
        Some((known, appended)) => go_on(known, &planned.file, number, appended),
        None => open_whole(source, &planned.file, number, cache, limits),
    }
}

/// What is known of a file stays; appended lines are read from where it ended.
fn go_on(known: &FileState, file: &SourceFile, number: u32, appended: bool) -> Opening {
    let opened = opened_again(known, number).filter(|_| appended);
    let start = known.stamp.size;
    Opening {
        state: FileState {
            stamp: file.stamp,
            ..known.clone()
        },
        opened: opened.map(|opened| OpenedFile {
            start: ScanStart {
                offset: start,
                number: known.records,
            },
            ..opened
        }),
        bytes: file.stamp.size.saturating_sub(start),
        problems: Vec::new(),
        failure: None,
    }
}

/// A file that was opened before, from its beginning.
pub fn opened_again(known: &FileState, number: u32) -> Option<OpenedFile> {
    Some(OpenedFile {
        container: ContainerFile {
            path: known.plain.clone(),
            kind: known.kind,
        },
        format: format_named(&known.format)?,
        layout: known.layout,
        relative: known.relative.clone(),
        start: ScanStart::default(),
        number,
    })
}

fn open_whole(
    source: &Source,
    file: &SourceFile,
    number: u32,
    cache: &Path,
    limits: &ScanLimits,
) -> Opening {
    let mut opening = Opening {
        state: FileState {
            relative: file.relative.clone(),
            plain: file.path.clone(),
            kind: ContainerKind::Json,
            format: String::new(),
            layout: Layout::Whole,
            stamp: file.stamp,
            hash: String::new(),
            records: 0,
            warnings: 0,
            unread: 0,
        },
        opened: None,
        bytes: 0,
        problems: Vec::new(),
        failure: None,
    };
    match find_format(source, file, number, cache, limits) {
        Ok((opened, problems)) => {
            let state = &mut opening.state;
            state.plain.clone_from(&opened.container.path);
            state.kind = opened.container.kind;
            opened.format.name.clone_into(&mut state.format);
            state.layout = opened.layout;
            opening.bytes = std::fs::metadata(&opened.container.path).map_or(0, |m| m.len());
            opening.problems = problems;
            opening.opened = Some(opened);
        }
        Err(failure) => opening.failure = Some(failure),
    }
    opening
}

fn find_format(
    source: &Source,
    file: &SourceFile,
    number: u32,
    cache: &Path,
    limits: &ScanLimits,
) -> Result<(OpenedFile, Vec<Problem>), Failure> {
    let broken = |error: ContainerError| Failure::Broken(error.to_string());
    let opened = open(&file.path, cache, limits).map_err(broken)?;
    let name = file.relative.rsplit('/').next().unwrap_or(&file.relative);
    let found = match &source.format {
        Some(forced) => detect_as(&opened.file, name, forced, FORMATS, limits),
        None => detect(&opened.file, name, FORMATS, limits),
    }
    .map_err(|error| match error {
        // In a folder nobody has asked for this very file.
        DetectionError::NoFormat { seen, .. } if source.path.is_dir() => Failure::Stranger(seen),
        error => Failure::Broken(error.to_string()),
    })?;
    let opened_file = OpenedFile {
        container: opened.file,
        format: found.format,
        layout: found.layout,
        relative: file.relative.clone(),
        start: ScanStart::default(),
        number,
    };
    Ok((opened_file, opened.problems))
}
