//! The files of a source, and whether they are as they were.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::ingest::container::{ContainerKind, files_in};
use crate::workspace::Source;

use super::error::CorpusError;
use super::state::{FileState, SourceState, Stamp};

/// A file of a source, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path inside the source.
    pub relative: String,
    /// Size, time and inode.
    pub stamp: Stamp,
}

/// What happened to a source since it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceChange {
    /// Nothing: no byte was read to know it.
    None,
    /// Stamps changed, bytes did not; the new stamps are to be kept.
    Touched(Vec<SourceFile>),
    /// Some of it is to be read.
    Changed(Vec<PlannedFile>),
}

/// A file of a source, and how much of it is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// The file.
    pub file: SourceFile,
    /// How much of it.
    pub reading: Reading,
}

/// How much of a file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    Whole,
    /// The lines after those that the old state's file of this number has.
    Appended(usize),
    /// Nothing: it is as the old state's file of this number.
    Kept(usize),
}

/// Everything is to be read.
pub fn whole(files: Vec<SourceFile>) -> Vec<PlannedFile> {
    let plan = |file| PlannedFile {
        file,
        reading: Reading::Whole,
    };
    files.into_iter().map(plan).collect()
}

/// The files of a source in a stable order.
pub fn list(source: &Source) -> Result<Vec<SourceFile>, CorpusError> {
    let read = CorpusError::read(&source.path);
    let metadata = std::fs::metadata(&source.path).map_err(read)?;
    if !metadata.is_dir() && !metadata.is_file() {
        // Reading a pipe or a device might never end.
        let path = source.path.display();
        return Err(CorpusError::Refused(format!(
            "{path} is neither a file nor a folder"
        )));
    }
    let found = if metadata.is_dir() {
        files_in(&source.path)?
            .into_iter()
            .map(|file| (file.path, file.relative))
            .collect()
    } else {
        let name = source.path.file_name().unwrap_or_default();
        vec![(source.path.clone(), name.to_string_lossy().into_owned())]
    };
    found
        .into_iter()
        .map(|(path, relative)| {
            if let Some(reason) = source.refusal(&path) {
                return Err(CorpusError::Refused(reason));
            }
            let stamp = Stamp::of(&path).map_err(CorpusError::read(&path))?;
            Ok(SourceFile {
                path,
                relative,
                stamp,
            })
        })
        .collect()
}

/// Whether a source's settings or stamps differ from what the index was built from; reads no file.
pub fn is_stale(source: &Source, state: Option<&SourceState>, files: &[SourceFile]) -> bool {
    state.is_none_or(|state| {
        !same_settings(source, state)
            || lacks_unpacked(state)
            || state.files.len() != files.len()
            || state
                .files
                .iter()
                .zip(files)
                .any(|(old, new)| old.relative != new.relative || old.stamp != new.stamp)
    })
}

fn same_settings(source: &Source, state: &SourceState) -> bool {
    source.path == state.path
        && source.format == state.forced_format
        && source.images == state.images
}

/// Whether the unpacked form of a compressed file is gone: the cache can be deleted at any time.
fn lacks_unpacked(state: &SourceState) -> bool {
    state.files.iter().any(|file| unpacked_is_gone(state, file))
}

fn unpacked_is_gone(state: &SourceState, file: &FileState) -> bool {
    !file.plain.starts_with(&state.path) && !file.plain.exists()
}

/// What happened to a source; reads files whose stamps differ.
pub fn change(
    source: &Source,
    state: Option<&SourceState>,
    files: Vec<SourceFile>,
) -> Result<SourceChange, CorpusError> {
    let Some(state) = state.filter(|state| same_settings(source, state)) else {
        return Ok(SourceChange::Changed(whole(files)));
    };
    if !is_stale(source, Some(state), &files) {
        return Ok(SourceChange::None);
    }
    // Not all warnings were kept, so those of single files aren't known.
    if state.counts.warnings > state.warnings.len() as u64 {
        return Ok(SourceChange::Changed(whole(files)));
    }
    let known: HashMap<&str, usize> = (0..)
        .zip(&state.files)
        .map(|(number, file)| (file.relative.as_str(), number))
        .collect();
    let plan = files.into_iter().map(|file| {
        let old = known.get(file.relative.as_str());
        let old = old.and_then(|number| Some((*number, state.files.get(*number)?)));
        let reading = match old {
            // A file without records is looked at again whenever something happens around it.
            Some((number, old)) if !old.format.is_empty() && !unpacked_is_gone(state, old) => {
                reading(number, old, &file)?
            }
            _ => Reading::Whole,
        };
        Ok(PlannedFile { file, reading })
    });
    let plan = plan.collect::<Result<Vec<_>, CorpusError>>()?;
    let kept = |(number, planned): (usize, &PlannedFile)| planned.reading == Reading::Kept(number);
    if plan.len() == state.files.len() && plan.iter().enumerate().all(kept) {
        let files = plan.into_iter().map(|planned| planned.file).collect();
        return Ok(SourceChange::Touched(files));
    }
    Ok(SourceChange::Changed(plan))
}

fn reading(number: usize, old: &FileState, new: &SourceFile) -> Result<Reading, CorpusError> {
    if old.stamp == new.stamp {
        return Ok(Reading::Kept(number));
    }
    // Only plain lines can be read from the middle on.
    let plain_lines = old.kind == ContainerKind::JsonLines && old.plain == new.path;
    if new.stamp.size < old.stamp.size || (new.stamp.size > old.stamp.size && !plain_lines) {
        return Ok(Reading::Whole);
    }
    let (hash, last) = hash_of(&new.path, old.stamp.size)?;
    if hash != old.hash {
        return Ok(Reading::Whole);
    }
    if new.stamp.size == old.stamp.size {
        return Ok(Reading::Kept(number));
    }
    // A last line without its end was read as it stood; what was appended belongs to it.
    Ok(match last {
        Some(b'\n') => Reading::Appended(number),
        _ => Reading::Whole,
    })
}

/// BLAKE3 of a file's first `limit` bytes in hexadecimal digits, and the last byte of them.
pub fn hash_of(path: &Path, limit: u64) -> Result<(String, Option<u8>), CorpusError> {
    let mut file = File::open(path)
        .map_err(CorpusError::read(path))?
        .take(limit);
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut last = None;
    loop {
        let count = file.read(&mut buffer).map_err(CorpusError::read(path))?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        hasher.update(bytes);
        last = bytes.last().copied();
    }
    Ok((hasher.finalize().to_hex().to_string(), last))
}
