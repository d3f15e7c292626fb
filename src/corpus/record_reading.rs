//! Records, read from their sources one by one.

use std::collections::HashMap;

use crate::domain::{Record, RecordId, TargetId};
use crate::index::RecordKey;
use crate::ingest::container::{ContainerFile, FoundRecord, read_at};
use crate::ingest::{Format, format_named};

use super::record_row::RecordRow;
use super::record_table::LoadedTable;
use super::state::{FileState, SourceState};
use super::{Corpus, CorpusError, Current, preparation, scan_limits};

impl Corpus {
    /// The record that an id or a content hash names; what people typed may be a pair's id, too.
    pub fn find(&self, id: &TargetId) -> Result<Record, CorpusError> {
        self.record(self.key_of(id)?)
    }

    /// Where the record is that an id or a content hash names.
    pub fn key_of(&self, id: &TargetId) -> Result<RecordKey, CorpusError> {
        for key in self.reader.keys_of(&id.record.to_string())? {
            let Some(row) = self.row(key)? else { continue };
            let Some(source) = self.state.by_ordinal(key.source) else {
                continue;
            };
            let found = RecordId::new(&source.name, &row.id);
            if found == id.record || row.hash.to_string() == id.record.as_str() {
                return Ok(key);
            }
        }
        Err(CorpusError::NoRecord(id.to_string()))
    }

    /// The record that a hit points at.
    pub fn record(&self, key: RecordKey) -> Result<Record, CorpusError> {
        let gone = || CorpusError::NoRecord(format!("{}.{}", key.source, key.row));
        let source = self.state.by_ordinal(key.source).ok_or_else(gone)?;
        let row = self.row(key)?.ok_or_else(gone)?;
        self.record_in(source, row)
    }

    pub(super) fn row(&self, key: RecordKey) -> Result<Option<RecordRow>, CorpusError> {
        let Some(table) = self.tables.get(&key.source) else {
            return Ok(None);
        };
        table
            .row(key.row)
            .map_err(|_| CorpusError::Damaged(self.folder.clone()))
    }

    pub(super) fn all_rows(&self, source: &SourceState) -> Result<LoadedTable, CorpusError> {
        let Some(table) = self.tables.get(&source.ordinal) else {
            return Ok(LoadedTable::default());
        };
        let damaged = |_| CorpusError::Damaged(self.folder.clone());
        table.load().map_err(damaged)
    }

    /// All ids of a source by row.
    pub(super) fn ids(&self, source: &SourceState) -> Result<HashMap<u32, RecordId>, CorpusError> {
        let damaged = |_| CorpusError::Damaged(self.folder.clone());
        let rows = self.all_rows(source)?;
        let id = |row: Result<(u32, RecordRow), _>| {
            let (number, row) = row.map_err(damaged)?;
            Ok((number, RecordId::new(&source.name, &row.id)))
        };
        rows.rows().map(id).collect()
    }

    pub(super) fn record_in(
        &self,
        source: &SourceState,
        row: RecordRow,
    ) -> Result<Record, CorpusError> {
        let id = RecordId::new(&source.name, &row.id);
        let (found, format, file) = self.locate(source, &row, &id)?;
        let unreadable = |reason: String| unreadable(&id, reason);
        let (hash, content) = preparation::read(&found, format, &file.relative, &self.interner)
            .map_err(unreadable)?;
        if hash != row.hash {
            return Err(unreadable(format!(
                "{} has changed since it was indexed; run `retake index`",
                file.plain.display()
            )));
        }
        Ok(Record {
            raw: String::from_utf8_lossy(&found.bytes).into(),
            key: found.key,
            id,
            hash,
            content,
        })
    }

    /// A record as it is now, its text not checked against its hash: for lists, where a glance must be cheap.
    pub(super) fn glance(&self, key: RecordKey) -> Result<(RecordId, Current), CorpusError> {
        let gone = || CorpusError::NoRecord(format!("{}.{}", key.source, key.row));
        let source = self.state.by_ordinal(key.source).ok_or_else(gone)?;
        let row = self.row(key)?.ok_or_else(gone)?;
        let id = RecordId::new(&source.name, &row.id);
        let (found, format, file) = self.locate(source, &row, &id)?;
        let content = preparation::read_content(&found, format, &file.relative, &self.interner)
            .map_err(|reason| unreadable(&id, reason))?;
        let current = self.current_content(&id, &row.hash, content);
        Ok((id, current))
    }

    /// The bytes of a record with its format and file.
    pub(super) fn locate<'s>(
        &self,
        source: &'s SourceState,
        row: &RecordRow,
        id: &RecordId,
    ) -> Result<(FoundRecord, &'static Format, &'s FileState), CorpusError> {
        if let Some(reason) = self.source_of(id).and_then(|s| s.closed.as_deref()) {
            return Err(unreadable(id, reason.to_owned()));
        }
        let file = source
            .files
            .get(row.file as usize)
            .ok_or_else(|| unreadable(id, "its file is not listed".to_owned()))?;
        let format = format_named(&file.format)
            .ok_or_else(|| unreadable(id, format!("its format `{}` is unknown", file.format)))?;
        let container = ContainerFile {
            path: file.plain.clone(),
            kind: file.kind,
        };
        let found = FoundRecord {
            number: 0,
            location: row.location,
            bytes: read_at(&container, row.location, &scan_limits(&self.config))?,
            key: row.key.clone(),
        };
        Ok((found, format, file))
    }
}

pub(super) fn unreadable(id: &RecordId, reason: String) -> CorpusError {
    CorpusError::Unreadable {
        id: id.to_string(),
        reason,
    }
}
