//! Where the rows of one split go.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::json_rows::JsonRows;
use super::spool::Spool;
use super::staging::Staging;
use super::table::{InferredTable, TypedTable};
use super::target::{Columns, Complete, Contents, TargetKind};
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
    /// Rows whose form depends on all of them.
    Waiting {
        waiting: Spool,
        complete: Complete,
        rows: JsonRows<Box<dyn Write + 'w>>,
    },
    /// The name that each document has in a folder of its own; without it documents lie side by side.
    Documents(Option<&'static str>),
    Typed(TypedTable),
    Inferred {
        rows: InferredTable,
        file: File,
        is_parquet: bool,
    },
}

impl<'w> SinkForm<'w> {
    /// `scratch` has room for rows that have to wait.
    fn json(
        target: &Target,
        out: Box<dyn Write + 'w>,
        scratch: &mut Staging,
    ) -> Result<Self, ExportError> {
        let rows = JsonRows::new(out, target.kind == TargetKind::JsonArray);
        Ok(match target.complete {
            Some(complete) => Self::Waiting {
                waiting: Spool::new(scratch.scratch()?),
                complete,
                rows,
            },
            None => Self::Json(rows),
        })
    }
}

impl<'w> Sink<'w> {
    /// Rows of a JSON target to a stream; `scratch` is where files for intermediate results can be.
    pub fn to_stream(
        target: &Target,
        out: &'w mut dyn Write,
        scratch: &mut Staging,
    ) -> Result<Self, ExportError> {
        Ok(Self {
            path: PathBuf::new(),
            form: SinkForm::json(target, Box::new(out), scratch)?,
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
                SinkForm::json(target, Box::new(BufWriter::new(file)), staging)?
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
            (SinkForm::Waiting { waiting, .. }, _) => waiting.put(row)?,
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

    /// Ends the file, whose rows and those of its other splits hold `contents`; returns what a reader of it should know.
    pub fn finish(
        self,
        contents: Contents,
        progress: &Progress,
    ) -> Result<Vec<String>, ExportError> {
        match self.form {
            SinkForm::Json(rows) => rows.finish()?,
            SinkForm::Waiting {
                waiting,
                complete,
                mut rows,
            } => {
                for row in waiting.rows()? {
                    progress.check()?;
                    let mut row: Map<String, Value> =
                        serde_json::from_str(&row?).map_err(std::io::Error::from)?;
                    complete(&mut row, contents);
                    rows.put(&Value::Object(row).to_string())?;
                }
                rows.finish()?;
            }
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
