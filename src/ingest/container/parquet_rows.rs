use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;

use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;

use super::arrow_rows::{record, single};
use super::guard::guarded;
use super::row_text::row_texts;
use super::{ContainerError, Found, Location, Problem, ScanLimits};

/// The rows of a Parquet file, one row group after the other.
pub(super) struct ParquetRows {
    file: File,
    metadata: ArrowReaderMetadata,
    limits: ScanLimits,
    /// The row group to open next.
    next_group: usize,
    current: Option<CurrentGroup>,
    /// The number of the next row.
    number: u64,
    ready: VecDeque<Found>,
}

struct CurrentGroup {
    reader: ParquetRecordBatchReader,
    group: u64,
    /// The next row inside the group.
    row: u64,
    /// How many it has.
    rows: u64,
}

impl ParquetRows {
    pub fn open(path: &Path, file: File, limits: &ScanLimits) -> Result<Self, ContainerError> {
        let metadata = guarded(|| Ok(ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?))
            .map_err(|error| ContainerError::table(path, error))?;
        Ok(Self {
            file,
            metadata,
            limits: *limits,
            next_group: 0,
            current: None,
            number: 0,
            ready: VecDeque::new(),
        })
    }

    fn open_group(&self, group: usize, rows: u64) -> Result<ParquetRecordBatchReader, ArrowError> {
        let bytes = self.metadata.metadata().row_group(group).total_byte_size();
        let row_bytes = (u64::try_from(bytes).unwrap_or(0) / rows.max(1)).max(1);
        let batch = (self.limits.chunk_bytes as u64 / row_bytes).clamp(1, 1024);
        let file = self.file.try_clone()?;
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(usize::try_from(batch).unwrap_or(1))
                .build()?;
        Ok(reader)
    }

    fn read_some(&mut self, mut group: CurrentGroup) {
        let texts = guarded(|| {
            let batch = group.reader.next().transpose()?;
            batch.as_ref().map(row_texts).transpose()
        });
        match texts {
            Ok(Some(texts)) => {
                for bytes in texts {
                    let location = Location::Row {
                        group: group.group,
                        row: group.row,
                    };
                    self.ready
                        .push_back(record(self.number, location, bytes, &self.limits));
                    self.number += 1;
                    group.row += 1;
                }
                self.current = Some(group);
            }
            Ok(None) if group.row >= group.rows => {}
            Ok(None) => self.give_up(&group, "they are missing"),
            Err(error) => self.give_up(&group, &error.to_string()),
        }
    }

    /// Goes on with the next row group.
    fn give_up(&mut self, group: &CurrentGroup, reason: &str) {
        self.skip_rows(group.group, group.rows.saturating_sub(group.row), reason);
    }

    fn skip_rows(&mut self, group: u64, left: u64, reason: &str) {
        self.ready.push_back(Found::Problem(Problem {
            record: Some(self.number),
            offset: None,
            reason: format!(
                "{left} rows of row group {group} from here on cannot be read: {reason}"
            ),
        }));
        self.number = self.number.saturating_add(left);
    }
}

impl Iterator for ParquetRows {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Some(found);
            }
            if let Some(group) = self.current.take() {
                self.read_some(group);
                continue;
            }
            let group = self.next_group;
            let rows = self.metadata.metadata().row_groups().get(group)?.num_rows();
            let rows = u64::try_from(rows).unwrap_or(0);
            self.next_group += 1;
            match guarded(|| self.open_group(group, rows)) {
                Ok(reader) => {
                    self.current = Some(CurrentGroup {
                        reader,
                        group: group as u64,
                        row: 0,
                        rows,
                    });
                }
                Err(error) => self.skip_rows(group as u64, rows, &error.to_string()),
            }
        }
    }
}

/// Reads one row. With an offset index only the pages that hold it are read, else its row group up to it.
pub(super) fn read_row(
    path: &Path,
    file: File,
    group: u64,
    row: u64,
    limits: &ScanLimits,
) -> Result<Vec<u8>, ContainerError> {
    let texts = guarded(|| {
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&file, options)?;
        let (Ok(group), Ok(row)) = (usize::try_from(group), usize::try_from(row)) else {
            return Ok(Vec::new());
        };
        let groups = metadata.metadata().row_groups();
        let rows = groups.get(group).map_or(0, |group| group.num_rows());
        if usize::try_from(rows).map_or(true, |rows| row >= rows) {
            return Ok(Vec::new());
        }
        let selection = vec![RowSelector::skip(row), RowSelector::select(1)];
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_row_groups(vec![group])
            .with_row_selection(RowSelection::from(selection))
            .with_batch_size(1)
            .build()?;
        let batch = reader.next().transpose()?;
        batch.as_ref().map_or(Ok(Vec::new()), row_texts)
    })
    .map_err(|error| ContainerError::table(path, error))?;
    single(path, texts, limits)
}
