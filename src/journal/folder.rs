use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::blocks::{Block, ReadBlock, read_blocks};
use super::file_state::{FileState, Stamp};
use super::line::Shared;
use super::tail::read_range;
use super::{JournalError, JournalName, Notice, NoticeKind};
use crate::domain::review::{Added, Reference, ReviewRecord, Reviews};
use crate::jobs::Progress;

/// Bytes of a line without long texts: so much room is made for what is read.
const USUAL_LINE: u64 = 400;

/// All journals of a workspace, read. It never writes to them.
#[derive(Debug)]
pub struct JournalFolder {
    folder: PathBuf,
    files: BTreeMap<PathBuf, FileState>,
    reviews: Reviews,
    /// Two lines with one id, in whichever files.
    conflicts: Vec<Notice>,
    /// What is there and can't be read.
    unreadable: Vec<Notice>,
}

/// What a refresh found.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// How many records are new.
    pub records: usize,
    /// What they are about, with what their undos and redos switched.
    pub references: Vec<Arc<Reference>>,
    /// Whether all was read anew, because a file was cut, replaced or removed: anything may be different.
    pub is_reread: bool,
}

/// How far a journal was read: what an export notes down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHead {
    /// The file's name.
    pub file: String,
    /// How many good lines it has.
    pub records: u64,
    /// How many of them this version can read.
    pub read: u64,
    /// The last of these.
    pub last_read: Option<Uuid>,
    /// The highest record number.
    pub sequence: u64,
    /// The checksum of the last good line.
    pub checksum: Option<u64>,
}

impl JournalFolder {
    /// Reads every journal of a folder, with one thread for each core; a folder that is not there has none.
    pub fn open(folder: &Path, progress: &Progress) -> Result<Self, JournalError> {
        let mut journals = Self {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
            reviews: Reviews::default(),
            conflicts: Vec::new(),
            unreadable: Vec::new(),
        };
        let (mut blocks, mut length) = (Vec::new(), 0);
        for (path, stamp) in journals.list()? {
            progress.add_total(stamp.length);
            length += stamp.length;
            blocks.extend(Block::of(&path, stamp.length));
            journals.files.insert(path, FileState::new(stamp));
        }
        let (files, reviews) = (&mut journals.files, &mut journals.reviews);
        reviews.reserve(usize::try_from(length / USUAL_LINE).unwrap_or(0));
        let added = read_blocks(&blocks, progress, |read| {
            let records = blocks.iter().zip(read).flat_map(|(block, read)| {
                let state = files.entry(block.path.clone()).or_default();
                state.take(&block.path, read)
            });
            reviews.extend(records)
        })?;
        journals.tell(&added);
        Ok(journals)
    }

    /// What everybody decided.
    pub fn reviews(&self) -> &Reviews {
        &self.reviews
    }

    /// Adds records: those that this process has just committed need not be read.
    pub fn add(&mut self, records: Vec<ReviewRecord>) -> Added {
        let added = self.reviews.extend(records);
        self.tell(&added);
        added
    }

    fn tell(&mut self, added: &Added) {
        self.conflicts
            .extend(added.conflicts.iter().map(|id| Notice {
                file: self.folder.clone(),
                at: None,
                kind: NoticeKind::Conflict(*id),
            }));
    }

    /// What people should know of the files as they are.
    pub fn notices(&self) -> Vec<Notice> {
        let of_files = self
            .files
            .iter()
            .flat_map(|(path, file)| file.notices(path));
        let others = self.unreadable.iter().chain(&self.conflicts).cloned();
        of_files.chain(others).collect()
    }

    /// How far each journal was read.
    pub fn heads(&self) -> Vec<JournalHead> {
        self.files
            .iter()
            .map(|(path, file)| file.head(path))
            .collect()
    }

    /// What records are about that were not there when the journals had these heads, with what their undos and redos
    /// switched; `None` where a journal is not the one that had the head, so that anything may be different.
    pub fn changed_since(&self, heads: &[JournalHead]) -> Option<Vec<Arc<Reference>>> {
        let mut known: HashMap<&str, &JournalHead> = heads
            .iter()
            .map(|head| (head.file.as_str(), head))
            .collect();
        let mut new = Vec::new();
        for (path, state) in &self.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let read = match known.remove(&*name) {
                None => 0,
                Some(head) => {
                    let read = usize::try_from(head.read).ok()?;
                    if state.ids.get(..read)?.last().copied() != head.last_read {
                        return None;
                    }
                    read
                }
            };
            new.extend(state.ids.get(read..)?);
        }
        known.is_empty().then(|| self.reviews.touched_by(&new))
    }

    /// Reads what was appended since. Where nothing was, it costs a look at each file.
    pub fn refresh(&mut self) -> Result<Refreshed, JournalError> {
        let present = self.list()?;
        if self.files.keys().any(|path| !present.contains_key(path)) {
            return self.read_anew();
        }
        let mut refreshed = Refreshed::default();
        for (path, stamp) in present {
            let known = self.files.get(&path);
            if known.is_some_and(|known| known.stamp == stamp) {
                continue;
            }
            let state = known.cloned().unwrap_or_default();
            let Some((state, records)) = follow(&path, state, stamp)? else {
                return self.read_anew();
            };
            self.files.insert(path, state);
            let added = self.add(records);
            refreshed.records += added.records;
            refreshed.references.extend(added.references);
        }
        refreshed.references.sort_by_key(Arc::as_ptr);
        refreshed
            .references
            .dedup_by_key(|reference| Arc::as_ptr(reference));
        Ok(refreshed)
    }

    fn read_anew(&mut self) -> Result<Refreshed, JournalError> {
        *self = Self::open(&self.folder, &Progress::default())?;
        Ok(Refreshed {
            records: self.reviews.len(),
            references: self.reviews.references().cloned().collect(),
            is_reread: true,
        })
    }

    /// The journals that are there now.
    fn list(&mut self) -> Result<BTreeMap<PathBuf, Stamp>, JournalError> {
        self.unreadable.clear();
        let mut found = BTreeMap::new();
        for path in files_in(&self.folder)? {
            // What can't be opened is told, and the others are read.
            let kind = match Stamp::of(&path).and_then(|stamp| File::open(&path).map(|_| stamp)) {
                Ok(stamp) if JournalName::of_file(&path).is_some() => {
                    found.insert(path, stamp);
                    continue;
                }
                Ok(_) => NoticeKind::OtherName,
                Err(error) => NoticeKind::Unreadable(error.to_string()),
            };
            self.unreadable.push(Notice {
                file: path,
                at: None,
                kind,
            });
        }
        Ok(found)
    }
}

/// The `*.jsonl` of a folder, in order; none if it is not there.
pub(super) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(JournalError::read(folder))?,
    };
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.map_err(JournalError::read(folder))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    Ok(paths)
}

/// Reads what a file has more than it had; `None` if it is another one.
fn follow(
    path: &Path,
    mut state: FileState,
    stamp: Stamp,
) -> Result<Option<(FileState, Vec<ReviewRecord>)>, JournalError> {
    let (start, end) = (state.last_start, state.end);
    if stamp.length < end {
        return Ok(None);
    }
    let read = File::open(path).and_then(|mut file| read_range(&mut file, start..stamp.length));
    let bytes = read.map_err(JournalError::read(path))?;
    let behind = bytes.get((end - start) as usize..);
    let Some(behind) = behind.filter(|_| bytes.starts_with(&state.last_line)) else {
        return Ok(None);
    };
    state.rewind(stamp);
    let read = ReadBlock::scan(behind, end, &mut Shared::default());
    let records = state.take(path, read);
    Ok(Some((state, records)))
}
