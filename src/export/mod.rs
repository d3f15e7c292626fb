//! Records to files: one file per format, from the domain. Listed in [`TARGETS`].
//!
//! A writer makes JSON text of one record, or says why it can't; it never sees a file. How rows lie in a file (array,
//! lines, folders, tables) is the business of `json_rows`, `new_folder` and `table`. A record whose format is the target's
//! own keeps its text: unedited as it is, edited with only the edits in it. Nothing is written over and nothing is left
//! behind half done: files appear under their name when they are complete.

mod atif;
mod atif_edit;
mod code_turns;
mod dialog;
mod error;
mod hugging_face;
mod json_rows;
mod json_text;
mod m_trace;
mod new_file;
mod new_folder;
mod original;
mod own_lines;
mod pref_x;
mod pref_x_beam;
mod python_call;
mod raw_run;
mod step_match;
mod table;
mod table_cell;
mod table_file;
mod table_row;
mod table_shape;
mod target;

use std::io::{BufWriter, Write};
use std::path::Path;

pub use error::{ExportError, Refusal};
pub use hugging_face::{Column, ColumnType, HuggingFaceTable};
use json_rows::JsonRows;
use new_file::NewFile;
use new_folder::NewFolder;
use table::{InferredTable, TypedTable};
pub use target::{Columns, Rendered, TARGETS, Target, TargetKind, target_named};

use crate::domain::{Record, RecordId};
use crate::jobs::Progress;

/// What an export did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// How many rows or files were written; a record can make several (pairs) or none.
    pub written: u64,
    /// Records, or pairs of them, that the target cannot hold, with the reason.
    pub skipped: Vec<(RecordId, String)>,
    /// What a reader of the file should know: fields that became text because they hold several kinds of values.
    pub notes: Vec<String>,
}

/// Where an export goes and how it is watched.
#[derive(Debug, Clone, Copy)]
pub struct ExportOptions<'a> {
    /// Whether existing files may be replaced.
    pub overwrite: bool,
    /// Advances by one for each record; cancelling it ends the export and leaves nothing behind.
    pub progress: &'a Progress,
}

/// Writes records to a file, or to files in a folder, that appear when everything is written.
///
/// Targets of [`TargetKind::Folders`] always make a folder; those of [`TargetKind::Documents`] do so where `to` is a
/// folder or ends in `/`. Records are taken one by one; a table holds at most a row group of them.
pub fn export<E>(
    target: &Target,
    records: &mut dyn Iterator<Item = Result<Record, E>>,
    to: &Path,
    options: ExportOptions<'_>,
) -> Result<ExportSummary, ExportError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut run = Run {
        target,
        records: &mut records.map(|record| record.map_err(|e| ExportError::Record(Box::new(e)))),
        progress: options.progress,
        summary: ExportSummary::default(),
    };
    match target.kind {
        TargetKind::Folders(name) => run.write_folder(to, options.overwrite, Some(name))?,
        TargetKind::Documents if is_folder(to) => run.write_folder(to, options.overwrite, None)?,
        TargetKind::JsonArray | TargetKind::JsonLines | TargetKind::Documents => {
            let mut file = NewFile::create(to, options.overwrite)?;
            let mut out = BufWriter::new(file.writer());
            run.write_json(&mut out)?;
            out.flush()?;
            drop(out);
            file.commit()?;
        }
        TargetKind::Parquet(columns) | TargetKind::ArrowFile(columns) => {
            run.write_table(to, options.overwrite, columns)?;
        }
    }
    Ok(run.summary)
}

/// Writes records of a JSON target to a stream (`-o -`).
pub fn write_to<E>(
    target: &Target,
    records: &mut dyn Iterator<Item = Result<Record, E>>,
    out: &mut dyn Write,
    progress: &Progress,
) -> Result<ExportSummary, ExportError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    if !target.kind.is_stream() {
        return Err(ExportError::NeedsFile(target.name));
    }
    let mut run = Run {
        target,
        records: &mut records.map(|record| record.map_err(|e| ExportError::Record(Box::new(e)))),
        progress,
        summary: ExportSummary::default(),
    };
    run.write_json(out)?;
    out.flush()?;
    Ok(run.summary)
}

/// Whether a destination is meant as a folder: it is one, or it is written as one.
fn is_folder(to: &Path) -> bool {
    to.as_os_str().as_encoded_bytes().ends_with(b"/") || to.is_dir()
}

/// Takes a row of a record; a refusal passes over that row alone.
type Put<'a> = dyn FnMut(&Record, String) -> Result<Result<(), Refusal>, ExportError> + 'a;

struct Run<'a> {
    target: &'a Target,
    records: &'a mut dyn Iterator<Item = Result<Record, ExportError>>,
    progress: &'a Progress,
    summary: ExportSummary,
}

impl Run<'_> {
    fn each_row(&mut self, put: &mut Put<'_>) -> Result<(), ExportError> {
        for record in &mut *self.records {
            self.progress.check()?;
            let record = record?;
            let rendered = self.target.rows_of(&record);
            let mut refusals = rendered.refusals;
            for row in rendered.rows {
                match put(&record, row)? {
                    Ok(()) => self.summary.written += 1,
                    Err(refusal) => refusals.push(refusal),
                }
            }
            let refusals = refusals.into_iter();
            let skipped = refusals.map(|refusal| (record.id.clone(), refusal.to_string()));
            self.summary.skipped.extend(skipped);
            self.progress.advance(1);
        }
        Ok(self.progress.check()?)
    }

    fn write_json(&mut self, out: &mut dyn Write) -> Result<(), ExportError> {
        let mut rows = JsonRows::new(out, self.target.kind == TargetKind::JsonArray);
        self.each_row(&mut |_, row| Ok(Ok(rows.put(&row)?)))?;
        Ok(rows.finish()?)
    }

    fn write_folder(
        &mut self,
        to: &Path,
        overwrite: bool,
        name: Option<&str>,
    ) -> Result<(), ExportError> {
        let mut folder = NewFolder::create(to, overwrite)?;
        self.each_row(&mut |record, row| {
            folder.add(record.id.record(), name, &row)?;
            Ok(Ok(()))
        })?;
        folder.commit()
    }

    fn write_table(
        &mut self,
        to: &Path,
        overwrite: bool,
        columns: Columns,
    ) -> Result<(), ExportError> {
        let mut file = NewFile::create(to, overwrite)?;
        let is_parquet = matches!(self.target.kind, TargetKind::Parquet(_));
        match columns {
            Columns::Typed => {
                let mut table = TypedTable::new(file.writer(), is_parquet);
                self.each_row(&mut |record, row| table.put(record, &row))?;
                table.finish()?;
            }
            Columns::Inferred => {
                let spool = NewFile::create_beside(to)?;
                let mut table = InferredTable::new(spool.writer());
                self.each_row(&mut |_, row| table.put(&row))?;
                let progress = self.progress;
                self.summary.notes = table.finish(file.writer(), is_parquet, progress)?;
            }
        }
        file.commit()
    }
}
