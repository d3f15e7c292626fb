//! Where the rows of one split go.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::json_rows::JsonRows;
use super::spool::Spool;
use super::staging::Staging;
use super::tables::hugging_face::{Column, HuggingFaceTable};
use super::tables::table::{InferredTable, TypedTable};
use super::tables::table_cell::cells;
use super::target::{Columns, Complete, Contents, Row, TargetKind};
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
    /// Rows of a trainer in a table, whose columns depend on all of them.
    Table {
        waiting: Spool,
        complete: Option<Complete>,
        columns: fn(Contents) -> Vec<Column>,
        file: File,
        is_parquet: bool,
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

    /// Rows to a file of this name; those of trainers as a table if its ending says so.
    pub fn to_file(
        target: &Target,
        path: PathBuf,
        staging: &mut Staging,
    ) -> Result<Self, ExportError> {
        let file = staging.file(&path)?;
        let ending = path.extension().and_then(|ending| ending.to_str());
        if let (Some(columns), Some(ending @ ("parquet" | "arrow"))) = (target.columns, ending) {
            let form = SinkForm::Table {
                waiting: Spool::new(staging.scratch()?),
                complete: target.complete_table.or(target.complete),
                columns,
                file,
                is_parquet: ending == "parquet",
            };
            return Ok(Self { path, form });
        }
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
        row: &Row,
        staging: Option<&mut Staging>,
    ) -> Result<Result<(), Refusal>, ExportError> {
        let json = row.json.as_str();
        match (&mut self.form, staging) {
            (SinkForm::Json(rows), _) => rows.put(json)?,
            (SinkForm::Waiting { waiting, .. }, _) => waiting.put(json)?,
            (
                SinkForm::Table {
                    waiting,
                    columns,
                    complete,
                    ..
                },
                _,
            ) => {
                let json = completed(json, *complete, row.contents)?;
                if let Err(refusal) = fit(columns(row.contents), &json) {
                    return Ok(Err(refusal));
                }
                waiting.put(&json)?;
            }
            (SinkForm::Typed(table), _) => return table.put(&outgoing.record, json),
            (SinkForm::Inferred { rows, .. }, _) => return rows.put(json),
            (SinkForm::Documents(name), Some(staging)) => {
                staging.document(&self.path, outgoing.record.id.record(), *name, json)?;
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
                    rows.put(&completed(&row?, Some(complete), contents)?)?;
                }
                rows.finish()?;
            }
            SinkForm::Table {
                waiting,
                complete,
                columns,
                file,
                is_parquet,
            } => {
                let mut table = HuggingFaceTable::new(file, columns(contents), is_parquet)?;
                let mut notes = Vec::new();
                for row in waiting.rows()? {
                    progress.check()?;
                    if let Err(refusal) = table.put(&completed(&row?, complete, contents)?)? {
                        notes.push(format!("a row is missing: {refusal}"));
                    }
                }
                table.finish()?;
                return Ok(notes);
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

/// A row in the form that all have in a file that holds `contents`.
fn completed(
    row: &str,
    complete: Option<Complete>,
    contents: Contents,
) -> Result<String, ExportError> {
    let mut row: Map<String, Value> = serde_json::from_str(row).map_err(std::io::Error::from)?;
    if let Some(complete) = complete {
        complete(&mut row, contents);
    }
    Ok(Value::Object(row).to_string())
}

/// Whether a row has its place in a table of these columns.
fn fit(columns: Vec<Column>, row: &str) -> Result<(), Refusal> {
    cells(&columns, serde_json::from_str(row)?).map(drop)
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
