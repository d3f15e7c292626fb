use serde_json::Value;

use super::original::own_json;
use super::pictures::{PictureUse, Pictures};
use super::preflight::PreflightRule;
use super::table_row::table_rows;
use super::{
    Outgoing, Refusal, atif, llama_factory, m_trace, own_lines, pref_x, pref_x_beam, raw_run,
};

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
    /// What its rows are made of.
    pub holds: Holds,
    /// How its rows name pictures.
    pub pictures: PictureUse,
    /// What is checked of a row before it is written.
    pub rules: &'static [&'static PreflightRule],
    /// Longer rows are cut by the trainer as it comes: its own default, in tokens; `None` where it has none.
    pub max_tokens: Option<usize>,
    /// The entry of LLaMA-Factory's `dataset_info.json` for a file of this name, where the target is one for it.
    pub dataset_info: Option<fn(&str) -> Value>,
    /// Makes the rows of one record, each as JSON text.
    pub(super) render: fn(&Outgoing, &mut Pictures) -> Rendered,
}

impl Target {
    /// What the target makes of one record, pictures named as the data does.
    pub fn rows_of(&self, outgoing: &Outgoing) -> Rendered {
        (self.render)(outgoing, &mut Pictures::new(super::Media::Path))
    }

    /// Whether a record has something that this target holds.
    pub(super) fn finds_something_in(&self, outgoing: &Outgoing) -> bool {
        let content = &outgoing.record.content;
        match self.holds {
            Holds::Trajectories => content.trajectory.is_some(),
            Holds::Pairs => !content.pairs.is_empty(),
            Holds::Both | Holds::Records => {
                content.trajectory.is_some() || !content.pairs.is_empty()
            }
        }
    }
}

/// What a target's rows are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Trajectories.
    Trajectories,
    /// Preference pairs.
    Pairs,
    /// A record's trajectory, its pairs, or both.
    Both,
    /// Records as their sources have them.
    Records,
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

/// A row as a writer makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The pair that it is, where it is one of several of its record.
    pub part: Option<String>,
    /// The step that it is about, from 1, where it is about one of several.
    pub step: Option<usize>,
    /// JSON text.
    pub json: String,
}

/// A row that could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The pair that it would be.
    pub part: Option<String>,
    /// The step that it would be about, or because of which it can't be made.
    pub step: Option<usize>,
    /// Why.
    pub refusal: Refusal,
}

/// What a writer makes of one record.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Rows.
    pub rows: Vec<Row>,
    /// Why rows that one could expect are missing.
    pub refusals: Vec<RefusedRow>,
}

impl Rendered {
    /// The row of a whole record, or none.
    pub(super) fn one(row: Result<String, Refusal>) -> Self {
        let mut rendered = Self::default();
        rendered.add(None, None, row);
        rendered
    }

    /// A row of a pair or a step.
    pub(super) fn add(
        &mut self,
        part: Option<&str>,
        step: Option<usize>,
        row: Result<String, Refusal>,
    ) {
        let part = part.map(str::to_owned);
        match row {
            Ok(json) => self.rows.push(Row { part, step, json }),
            Err(refusal) => self.refusals.push(RefusedRow {
                part,
                step,
                refusal,
            }),
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
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| m_trace::m_trace(&outgoing.record),
    },
    Target {
        name: "minicpm",
        title: "MAT trajectories in the MiniCPM-V form",
        extension: "json",
        kind: TargetKind::JsonArray,
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| m_trace::minicpm(&outgoing.record),
    },
    Target {
        name: "raw-run",
        title: "raw runs of the M-TRACE pipeline",
        extension: "json",
        kind: TargetKind::JsonArray,
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| raw_run::raw_run(&outgoing.record),
    },
    Target {
        name: "pref-x-beam",
        title: "Pref-X explorations, a folder each",
        extension: "",
        kind: TargetKind::Folders("beam_search_data.json"),
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| pref_x_beam::pref_x_beam(&outgoing.record),
    },
    Target {
        name: "pref-x",
        title: "preference pairs in the LLaMA-Factory form of Pref-X",
        extension: "json",
        kind: TargetKind::JsonArray,
        holds: Holds::Pairs,
        pictures: PictureUse::Column,
        rules: pref_x::RULES,
        max_tokens: Some(llama_factory::CUTOFF_LENGTH),
        dataset_info: Some(llama_factory::pairs_info),
        render: pref_x::pref_x,
    },
    Target {
        name: "atif",
        title: "ATIF trajectories (Harbor), a line or a file each",
        extension: "jsonl",
        kind: TargetKind::Documents,
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| atif::atif(&outgoing.record),
    },
    Target {
        name: "jsonl",
        title: "retake's own lines: everything, edits included",
        extension: "jsonl",
        kind: TargetKind::JsonLines,
        holds: Holds::Both,
        pictures: PictureUse::Untouched,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| own_lines::own_line(&outgoing.record),
    },
    Target {
        name: "parquet",
        title: "Parquet with typed columns (Hugging Face)",
        extension: "parquet",
        kind: TargetKind::Parquet(Columns::Typed),
        holds: Holds::Both,
        pictures: PictureUse::Column,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: table_rows,
    },
    Target {
        name: "arrow",
        title: "Arrow IPC with typed columns (Hugging Face)",
        extension: "arrow",
        kind: TargetKind::ArrowFile(Columns::Typed),
        holds: Holds::Both,
        pictures: PictureUse::Column,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: table_rows,
    },
    Target {
        name: "raw-jsonl",
        title: "the records' own JSON, a line each",
        extension: "jsonl",
        kind: TargetKind::JsonLines,
        holds: Holds::Records,
        pictures: PictureUse::Untouched,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| Rendered::one(own_json(&outgoing.record)),
    },
    Target {
        name: "raw-parquet",
        title: "the records' own fields as Parquet",
        extension: "parquet",
        kind: TargetKind::Parquet(Columns::Inferred),
        holds: Holds::Records,
        pictures: PictureUse::Untouched,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| Rendered::one(own_json(&outgoing.record)),
    },
    Target {
        name: "raw-arrow",
        title: "the records' own fields as Arrow IPC",
        extension: "arrow",
        kind: TargetKind::ArrowFile(Columns::Inferred),
        holds: Holds::Records,
        pictures: PictureUse::Untouched,
        rules: &[],
        max_tokens: None,
        dataset_info: None,
        render: |outgoing, _| Rendered::one(own_json(&outgoing.record)),
    },
];

/// The target with this name.
pub fn target_named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
