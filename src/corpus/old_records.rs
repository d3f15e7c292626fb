//! What the last build of a source left: its rows, by id and by place.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use crate::ingest::container::Location;

use super::error::CorpusError;
use super::record_row::RecordRow;
use super::record_table::{LoadedTable, RecordTable};
use super::source_files::{PlannedFile, Reading};
use super::state::{GoldTask, SourceState};

/// A record of a file that did not change.
pub(super) struct KeptRecord {
    /// The file's number now.
    pub(super) file: u32,
    pub(super) location: Location,
    pub(super) row: u32,
}

/// What the last build left.
#[derive(Default)]
pub(super) struct OldRecords {
    pub(super) rows: LoadedTable,
    /// Its files by their paths: what a record's path says is read, too.
    pub(super) files: Vec<String>,
    /// Rows by a hash of the id; a row's own id tells whether it is the one.
    by_id: HashMap<u64, u32>,
    hasher: std::hash::RandomState,
    /// Whether a row was met again.
    pub(super) seen: Vec<bool>,
    /// In the order of files and records.
    pub(super) kept: VecDeque<KeptRecord>,
    /// Reference answers by row.
    pub(super) gold: HashMap<u32, GoldTask>,
    pub(super) scored_with: u64,
}

impl OldRecords {
    pub(super) fn load(state: Option<&SourceState>, folder: &Path) -> Result<Self, CorpusError> {
        let Some(state) = state else {
            return Ok(Self::default());
        };
        let path = folder.join(&state.table);
        let damaged = |_| CorpusError::Damaged(path.clone());
        let rows = RecordTable::open(&path)
            .and_then(|table| table.load())
            .map_err(damaged)?;
        let mut old = Self {
            files: state.files.iter().map(|f| f.relative.clone()).collect(),
            seen: vec![false; rows.count() as usize],
            gold: state.gold.iter().map(|g| (g.row, g.clone())).collect(),
            scored_with: state.scored_with,
            ..Self::default()
        };
        for row in rows.rows() {
            let (number, row) = row.map_err(damaged)?;
            old.by_id.insert(old.hash(&row.id), number);
        }
        old.rows = rows;
        Ok(old)
    }

    pub(super) fn hash(&self, id: &str) -> u64 {
        std::hash::BuildHasher::hash_one(&self.hasher, id)
    }

    pub(super) fn row(&self, number: u32) -> Result<Option<RecordRow>, CorpusError> {
        let damaged = |_| CorpusError::Thread("the record table is damaged".to_owned());
        self.rows.row(number).map_err(damaged)
    }

    pub(super) fn with_id(&self, id: &str) -> Result<Option<(u32, RecordRow)>, CorpusError> {
        let Some(number) = self.by_id.get(&self.hash(id)).copied() else {
            return Ok(None);
        };
        let row = self.row(number)?.filter(|row| row.id == id);
        Ok(row.map(|row| (number, row)))
    }

    /// Finds the records of files that are kept, wholly or up to where lines were appended.
    pub(super) fn find_kept(&mut self, plan: &[PlannedFile]) -> Result<(), CorpusError> {
        let now: HashMap<usize, u32> = (0..)
            .zip(plan)
            .filter_map(|(number, planned)| match planned.reading {
                Reading::Kept(old) | Reading::Appended(old) => Some((old, number)),
                Reading::Whole => None,
            })
            .collect();
        if now.is_empty() {
            return Ok(());
        }
        let mut kept = Vec::new();
        for number in 0..self.rows.count() {
            let Some(row) = self.row(number)? else {
                continue;
            };
            if let Some(file) = now.get(&(row.file as usize)) {
                kept.push(KeptRecord {
                    file: *file,
                    location: row.location,
                    row: number,
                });
            }
        }
        kept.sort_unstable_by_key(|record| (record.file, record.location));
        self.kept = kept.into();
        Ok(())
    }
}
