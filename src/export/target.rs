use super::original::own_json;
use super::table_row::table_rows;
use super::{Refusal, atif, m_trace, own_lines, pref_x, pref_x_beam, raw_run};
use crate::domain::Record;

/// A row of [`TARGETS`]: something that records can be written as.
#[derive(Debug)]
pub struct Target {
    /// The stable name: `retake export NAME`.
    pub name: &'static str,
    /// One line for a person.
    pub title: &'static str,
    /// The usual ending of its file, without a dot; empty for a folder.
    pub extension: &'static str,
    /// How its rows lie in a file.
    pub kind: TargetKind,
    /// Makes the rows of one record, each as JSON text.
    render: fn(&Record) -> Rendered,
}

impl Target {
    /// What the target makes of one record.
    pub fn rows_of(&self, record: &Record) -> Rendered {
        (self.render)(record)
    }
}

/// How rows lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// One JSON array.
    JsonArray,
    /// A row a line.
    JsonLines,
    /// A row a line in a file, or `<id>.json` for each row in a folder.
    Documents,
    /// A folder of `<id>/<this name>`.
    Folders(&'static str),
    /// Parquet.
    Parquet(Columns),
    /// Arrow IPC, file form.
    ArrowFile(Columns),
}

impl TargetKind {
    /// Whether rows can go to a stream such as stdout.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::JsonArray | Self::JsonLines | Self::Documents)
    }
}

/// Where a table's columns come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// The columns of trajectories, or those of pairs: what the first record is.
    Typed,
    /// What the records' own fields hold.
    Inferred,
}

/// What a writer makes of one record.
#[derive(Debug, Default)]
pub struct Rendered {
    /// JSON texts.
    pub rows: Vec<String>,
    /// Why rows that one could expect are missing.
    pub refusals: Vec<Refusal>,
}

impl Rendered {
    /// One row, or none.
    pub(super) fn one(row: Result<String, Refusal>) -> Self {
        let mut rendered = Self::default();
        rendered.add(row);
        rendered
    }

    pub(super) fn add(&mut self, row: Result<String, Refusal>) {
        match row {
            Ok(row) => self.rows.push(row),
            Err(refusal) => self.refusals.push(refusal),
        }
    }
}

/// Everything that records can be written as.
pub static TARGETS: &[Target] = &[
    Target {
        name: "m-trace",
        title: "M-TRACE / MAT trajectories in the Qwen-VL (ShareGPT) form",
        extension: "json",
        kind: TargetKind::JsonArray,
        render: m_trace::m_trace,
    },
    Target {
        name: "minicpm",
        title: "MAT trajectories in the MiniCPM-V form",
        extension: "json",
        kind: TargetKind::JsonArray,
        render: m_trace::minicpm,
    },
    Target {
        name: "raw-run",
        title: "raw runs of the M-TRACE pipeline",
        extension: "json",
        kind: TargetKind::JsonArray,
        render: raw_run::raw_run,
    },
    Target {
        name: "pref-x-beam",
        title: "Pref-X explorations, a folder each",
        extension: "",
        kind: TargetKind::Folders("beam_search_data.json"),
        render: pref_x_beam::pref_x_beam,
    },
    Target {
        name: "pref-x",
        title: "preference pairs in the LLaMA-Factory form of Pref-X",
        extension: "json",
        kind: TargetKind::JsonArray,
        render: pref_x::pref_x,
    },
    Target {
        name: "atif",
        title: "ATIF trajectories (Harbor), a line or a file each",
        extension: "jsonl",
        kind: TargetKind::Documents,
        render: atif::atif,
    },
    Target {
        name: "jsonl",
        title: "retake's own lines: everything, edits included",
        extension: "jsonl",
        kind: TargetKind::JsonLines,
        render: own_lines::own_line,
    },
    Target {
        name: "parquet",
        title: "Parquet with typed columns (Hugging Face)",
        extension: "parquet",
        kind: TargetKind::Parquet(Columns::Typed),
        render: table_rows,
    },
    Target {
        name: "arrow",
        title: "Arrow IPC with typed columns (Hugging Face)",
        extension: "arrow",
        kind: TargetKind::ArrowFile(Columns::Typed),
        render: table_rows,
    },
    Target {
        name: "raw-jsonl",
        title: "the records' own JSON, a line each",
        extension: "jsonl",
        kind: TargetKind::JsonLines,
        render: |record| Rendered::one(own_json(record)),
    },
    Target {
        name: "raw-parquet",
        title: "the records' own fields as Parquet",
        extension: "parquet",
        kind: TargetKind::Parquet(Columns::Inferred),
        render: |record| Rendered::one(own_json(record)),
    },
    Target {
        name: "raw-arrow",
        title: "the records' own fields as Arrow IPC",
        extension: "arrow",
        kind: TargetKind::ArrowFile(Columns::Inferred),
        render: |record| Rendered::one(own_json(record)),
    },
];

/// The target with this name.
pub fn target_named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
