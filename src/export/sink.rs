//! Where the rows of one split go.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::json_rows::JsonRows;
use super::staging::Staging;
use super::table::{InferredTable, TypedTable};
use super::target::{Columns, TargetKind};
use super::{ExportError, Outgoing, Refusal, Target};
use crate::jobs::Progress;

/// A file or folder that takes rows.
pub(super) struct Sink<'w> {
    /// The file, below the export's folder; of documents the folder that they are in.
    pub path: PathBuf,
    form: SinkForm<'w>,
}

enum SinkForm<'w> {
    Json(JsonRows<Box<dyn Write + 'w>>),
    /// The name that each document has in a folder of its own; without it documents lie side by side.
    Documents(Option<&'static str>),
    Typed(TypedTable),
    Inferred {
        rows: InferredTable,
        file: File,
        is_parquet: bool,
    },
}

impl<'w> Sink<'w> {
    /// Rows of a JSON target to a stream.
    pub fn to_stream(target: &Target, out: &'w mut dyn Write) -> Result<Self, ExportError> {
        if !target.kind.is_stream() {
            return Err(ExportError::NeedsFile(target.name));
        }
        let is_array = target.kind == TargetKind::JsonArray;
        Ok(Self {
            path: PathBuf::new(),
            form: SinkForm::Json(JsonRows::new(Box::new(out), is_array)),
        })
    }

    /// Rows to a file of this name.
    pub fn to_file(
        target: &Target,
        path: PathBuf,
        staging: &mut Staging,
    ) -> Result<Self, ExportError> {
        let file = staging.file(&path)?;
        let is_parquet = matches!(target.kind, TargetKind::Parquet(_));
        let form = match target.kind {
            TargetKind::JsonArray
            | TargetKind::JsonLines
            | TargetKind::Documents
            | TargetKind::Folders(_) => {
                let is_array = target.kind == TargetKind::JsonArray;
                SinkForm::Json(JsonRows::new(Box::new(BufWriter::new(file)), is_array))
            }
            TargetKind::Parquet(Columns::Typed) | TargetKind::ArrowFile(Columns::Typed) => {
                SinkForm::Typed(TypedTable::new(file, is_parquet))
            }
            TargetKind::Parquet(Columns::Inferred) | TargetKind::ArrowFile(Columns::Inferred) => {
                SinkForm::Inferred {
                    rows: InferredTable::new(staging.scratch()?),
                    file,
                    is_parquet,
                }
            }
        };
        Ok(Self { path, form })
    }

    /// A document for each row, in a folder.
    pub fn to_folder(target: &Target, path: PathBuf) -> Self {
        let name = match target.kind {
            TargetKind::Folders(name) => Some(name),
            _ => None,
        };
        Self {
            path,
            form: SinkForm::Documents(name),
        }
    }

    /// Takes a row; a refusal passes over it.
    pub fn put(
        &mut self,
        outgoing: &Outgoing,
        row: &str,
        staging: Option<&mut Staging>,
    ) -> Result<Result<(), Refusal>, ExportError> {
        match (&mut self.form, staging) {
            (SinkForm::Json(rows), _) => rows.put(row)?,
            (SinkForm::Typed(table), _) => return table.put(&outgoing.record, row),
            (SinkForm::Inferred { rows, .. }, _) => return rows.put(row),
            (SinkForm::Documents(name), Some(staging)) => {
                staging.document(&self.path, outgoing.record.id.record(), *name, row)?;
            }
            // Documents are never written without a folder.
            (SinkForm::Documents(_), None) => {}
        }
        Ok(Ok(()))
    }

    /// Ends the file; returns what a reader of it should know.
    pub fn finish(self, progress: &Progress) -> Result<Vec<String>, ExportError> {
        match self.form {
            SinkForm::Json(rows) => rows.finish()?,
            SinkForm::Documents(_) => {}
            SinkForm::Typed(table) => table.finish()?,
            SinkForm::Inferred {
                rows,
                file,
                is_parquet,
            } => return rows.finish(file, is_parquet, progress),
        }
        Ok(Vec::new())
    }
}

/// Whether a target makes a folder of documents of this destination.
pub(super) fn is_folder(target: &Target, to: &Path) -> bool {
    match target.kind {
        TargetKind::Folders(_) => true,
        TargetKind::Documents => is_meant_as_folder(to),
        _ => false,
    }
}

/// Whether a destination is a folder, or is written as one.
fn is_meant_as_folder(to: &Path) -> bool {
    to.as_os_str().as_encoded_bytes().ends_with(b"/") || to.is_dir()
}
