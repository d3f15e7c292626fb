//! The files of a source, and whether they are as they were.

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
    /// Lines were appended to its only file.
    Appended(SourceFile),
    /// It is to be read again; `files` has what is there.
    Changed(Vec<SourceFile>),
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
    state
        .files
        .iter()
        .any(|file| !file.plain.starts_with(&state.path) && !file.plain.exists())
}

/// What happened to a source; reads files whose stamps differ.
pub fn change(
    source: &Source,
    state: Option<&SourceState>,
    files: Vec<SourceFile>,
) -> Result<SourceChange, CorpusError> {
    let Some(state) = state.filter(|state| same_settings(source, state)) else {
        return Ok(SourceChange::Changed(files));
    };
    if !is_stale(source, Some(state), &files) {
        return Ok(SourceChange::None);
    }
    if lacks_unpacked(state) {
        return Ok(SourceChange::Changed(files));
    }
    if let ([old], [new]) = (state.files.as_slice(), files.as_slice())
        && let Some(appended) = appended(old, new)?
    {
        return Ok(if appended {
            SourceChange::Appended(new.clone())
        } else {
            SourceChange::Touched(files)
        });
    }
    let names = |files: &[SourceFile]| files.iter().map(|f| f.relative.clone()).collect::<Vec<_>>();
    let known: Vec<String> = state.files.iter().map(|f| f.relative.clone()).collect();
    if known != names(&files) {
        return Ok(SourceChange::Changed(files));
    }
    for (old, new) in state.files.iter().zip(&files) {
        if old.stamp != new.stamp
            && (old.stamp.size != new.stamp.size || hash_of(&new.path, u64::MAX)?.0 != old.hash)
        {
            return Ok(SourceChange::Changed(files));
        }
    }
    Ok(SourceChange::Touched(files))
}

/// `Some(true)` if whole lines were added to an otherwise equal JSONL file, `Some(false)` if its bytes are equal.
fn appended(old: &FileState, new: &SourceFile) -> Result<Option<bool>, CorpusError> {
    let plain_lines = old.kind == ContainerKind::JsonLines && old.plain == new.path;
    if !plain_lines || old.relative != new.relative || new.stamp.size < old.stamp.size {
        return Ok(None);
    }
    let (hash, last) = hash_of(&new.path, old.stamp.size)?;
    if hash != old.hash {
        return Ok(None);
    }
    if new.stamp.size == old.stamp.size {
        return Ok(Some(false));
    }
    // A last line without its end was read as it stood; what was appended belongs to it.
    Ok((last == Some(b'\n')).then_some(true))
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
