//! What the index was built from: sources, files, their stamps, and what could not be read.
//!
//! Written whole under a new name before each commit of the index; the commit's note names it. So whoever opens the
//! index sees a state and documents that belong together, whatever was going on.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::{Benchmark, ReferenceAnswer};
use crate::ingest::Layout;
use crate::ingest::container::{ContainerKind, Problem};
use crate::journal::JournalHead;
use crate::workspace::ReplayLogHead;

use super::record_table::table_of;

/// Changes whenever readers, rules or documents do: an index of another number is built anew.
pub const STATE_VERSION: u32 = 6;

/// The whole state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexState {
    /// `STATE_VERSION`.
    pub version: u32,
    /// Counts commits.
    pub generation: u64,
    /// The ordinal of the next new source.
    pub next_ordinal: u32,
    /// One for each source that is in the index.
    pub sources: Vec<SourceState>,
    /// How far journals were followed; `None` while records that were indexed since still lack their reviews.
    pub followed: Option<Followed>,
}

/// How far journals were followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// Whose eyes the index has: what others decided may be hidden.
    pub annotator: String,
    /// Whether it is.
    pub blind: bool,
    /// Every journal.
    pub heads: Vec<JournalHead>,
    /// How far the log of replays went.
    pub replays: ReplayLogHead,
}

/// One source as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceState {
    /// Its name.
    pub name: String,
    /// Its number in the index.
    pub ordinal: u32,
    /// Its file or folder.
    pub path: PathBuf,
    /// The format that a person set.
    pub forced_format: Option<String>,
    /// Its picture roots.
    pub images: Vec<PathBuf>,
    /// The name of its record table beside the state.
    pub table: String,
    /// Whether rows come in the order of files and records; insertions between known records break it.
    pub in_order: bool,
    /// Its files.
    pub files: Vec<FileState>,
    /// What it holds.
    pub counts: SourceCounts,
    /// What could not be read; at most `MAX_WARNINGS`, `counts.warnings` has the number of all.
    pub warnings: Vec<Warning>,
    /// Reference answers of the benchmark tasks in it.
    pub gold: Vec<GoldTask>,
    /// A hash of the reference answers that its runs were scored with; 0 without runs.
    pub scored_with: u64,
}

/// More warnings than this are counted, not kept.
pub const MAX_WARNINGS: usize = 1000;

/// Counts of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCounts {
    /// Bytes of its files, as they are on disk.
    pub bytes: u64,
    /// Records that were read.
    pub records: u64,
    /// Trajectories.
    pub trajectories: u64,
    /// Steps.
    pub steps: u64,
    /// Pairs.
    pub pairs: u64,
    /// Warnings.
    pub warnings: u64,
    /// Records that could not be read at all.
    pub unread: u64,
}

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileState {
    /// Its path inside the source; a file source has its own name here.
    pub relative: String,
    /// The plain file that is read: the file itself, or its unpacked form in the cache.
    pub plain: PathBuf,
    /// How it holds its records.
    pub kind: ContainerKind,
    /// Its format's name.
    pub format: String,
    /// How records lie in it.
    pub layout: Layout,
    /// Size, time and inode when it was read.
    pub stamp: Stamp,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// How many records a scan counted.
    pub records: u64,
    /// Warnings of it.
    pub warnings: u64,
    /// Records of it that could not be read at all.
    pub unread: u64,
}

/// Equal stamps mean: not read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970; 0 where the system does not tell.
    pub modified: u64,
    /// The inode; 0 where the system has none.
    pub inode: u64,
}

impl Stamp {
    /// The stamp of a file as it is now.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| u64::try_from(since.as_nanos()).ok())
            .unwrap_or(0);
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Ok(Self {
            size: metadata.len(),
            modified,
            inode,
        })
    }
}

/// Something that could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The file's path inside the source.
    pub file: String,
    /// Record, offset and reason.
    #[serde(flatten)]
    pub problem: Problem,
}

/// A benchmark's task and its reference answer, for scoring runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoldTask {
    /// The benchmark.
    pub benchmark: Benchmark,
    /// The task's key in it.
    pub key: String,
    /// The row of the task's record in its source's table.
    pub row: u32,
    /// The reference answer; `None` where only a model or a picture can tell.
    pub reference: Option<ReferenceAnswer>,
}

impl IndexState {
    /// Before anything was read; `generation` counts the commits so far.
    pub fn after(generation: u64) -> Self {
        Self {
            version: STATE_VERSION,
            generation,
            next_ordinal: 0,
            sources: Vec::new(),
            followed: None,
        }
    }

    /// The file of a generation.
    pub fn path(folder: &Path, generation: u64) -> PathBuf {
        folder.join(format!("state-{generation}.json"))
    }

    /// The state that a commit's note names; `None` if it is gone, damaged, or of another version.
    pub fn load(folder: &Path, note: Option<&str>) -> Option<Self> {
        let generation: u64 = note?.parse().ok()?;
        let bytes = std::fs::read(Self::path(folder, generation)).ok()?;
        let state: Self = serde_json::from_slice(&bytes).ok()?;
        (state.version == STATE_VERSION && state.generation == generation).then_some(state)
    }

    /// Writes the state under its generation's name.
    pub fn save(&self, folder: &Path) -> std::io::Result<()> {
        let file = std::fs::File::create(Self::path(folder, self.generation))?;
        let mut out = std::io::BufWriter::new(file);
        serde_json::to_writer(&mut out, self)?;
        out.into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .sync_all()
    }

    /// The source with this name.
    pub fn source(&self, name: &str) -> Option<&SourceState> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// The source with this ordinal.
    pub fn by_ordinal(&self, ordinal: u32) -> Option<&SourceState> {
        self.sources.iter().find(|source| source.ordinal == ordinal)
    }

    /// Removes tables and states that neither this nor the previous generation needs.
    pub fn remove_old(&self, folder: &Path) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        // Whoever opened the commit before may still be reading.
        let before = self.generation.saturating_sub(1);
        let earlier = Self::load(folder, Some(&before.to_string()));
        let states = [before, self.generation].map(|generation| format!("state-{generation}.json"));
        let tables: Vec<&str> = earlier
            .iter()
            .flat_map(|state| &state.sources)
            .chain(&self.sources)
            .map(|source| source.table.as_str())
            .collect();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_state = name.starts_with("state-") && name.ends_with(".json");
            let old_state = is_state && !states.contains(&name);
            let old_table = table_of(&name).is_some_and(|table| !tables.contains(&table));
            if old_state || old_table {
                // A file that can't be removed now is removed after the next commit.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}
