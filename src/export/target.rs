use serde_json::{Map, Value};

use super::chats::chat::CallForm;
use super::pictures::{PictureUse, Pictures};
use super::preflight::PreflightRule;
use super::records::original::own_json;
use super::records::{atif, m_trace, own_lines, pref_x_beam, raw_run};
use super::tables::hugging_face::Column;
use super::tables::table_row::table_rows;
use super::trainers::{
    axolotl, kto, llama_factory, llamafactory_kto, llamafactory_sft, ms_swift, openai_messages,
    pref_x, trl_preference, trl_prm, trl_sft,
};
use super::{Outgoing, Refusal};

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
    /// The trainer shrinks larger pictures to this many pixels before the model's own processor sees them; `None` where it
    /// does not.
    pub max_pixels: Option<u64>,
    /// The entry of LLaMA-Factory's `dataset_info.json` for a file of this name, where the target is one for it.
    pub dataset_info: Option<fn(&str) -> Value>,
    /// Whether trajectories that people rejected are rows, too: a label says that they are bad.
    pub takes_rejected: bool,
    /// The columns of a file with such rows, for a trainer; `None` where the rows have a form of their own.
    pub columns: Option<fn(Contents) -> Vec<Column>>,
    /// What of an item is said by its rows, for a trainer.
    pub(super) chat: Option<CallForm>,
    /// What else a record needs to be one of the target's.
    pub(super) needs: fn(&Outgoing) -> bool,
    /// Gives a row the form that all have in a file that holds this, where that depends on it. Twice is as once.
    pub(super) complete: Option<Complete>,
    /// The same for a table, whose columns hold one type each, where JSON rows need it not.
    pub(super) complete_table: Option<Complete>,
    /// Makes the rows of one record, each as JSON text.
    pub(super) render: fn(&Outgoing, &mut Pictures) -> Rendered,
}

/// What rows hold that makes a difference to the form of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Pictures.
    pub pictures: bool,
    /// Declared tools.
    pub tools: bool,
    /// Structured calls of tools.
    pub calls: bool,
}

impl Contents {
    /// What a file with both holds.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            pictures: self.pictures || other.pictures,
            tools: self.tools || other.tools,
            calls: self.calls || other.calls,
        }
    }
}

/// Gives a row the form that all have in a file that holds this.
pub(super) type Complete = fn(&mut Map<String, Value>, Contents);

/// What most targets have.
pub(super) const BASE: Target = Target {
    name: "",
    title: "",
    extension: "",
    kind: TargetKind::JsonLines,
    holds: Holds::Records,
    pictures: PictureUse::Untouched,
    rules: &[],
    max_tokens: None,
    max_pixels: None,
    dataset_info: None,
    takes_rejected: false,
    columns: None,
    chat: None,
    needs: |_| true,
    complete: None,
    complete_table: None,
    render: |_, _| Rendered {
        rows: Vec::new(),
        refusals: Vec::new(),
    },
};

impl Target {
    /// What the target makes of one record, pictures named as the data does.
    pub fn rows_of(&self, outgoing: &Outgoing) -> Rendered {
        (self.render)(outgoing, &mut Pictures::new(super::Media::Path))
    }

    /// Whether rows of pairs hold what the sides led to: those of trainers end in a reply, but for the ranking form, which has a
    /// place for it, and records as they are.
    pub(super) fn holds_observations_of_sides(&self) -> bool {
        self.chat.is_none() || self.name == "pref-x"
    }

    /// Whether a record has something that this target holds.
    pub(super) fn finds_something_in(&self, outgoing: &Outgoing) -> bool {
        let content = &outgoing.record.content;
        let holds = match self.holds {
            Holds::Trajectories => content.trajectory.is_some(),
            Holds::Pairs => !content.pairs.is_empty(),
            Holds::Both | Holds::Records => {
                content.trajectory.is_some() || !content.pairs.is_empty()
            }
        };
        holds && (self.needs)(outgoing)
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
    /// What it holds, where that makes a difference.
    pub contents: Contents,
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
        self.add_with(part, step, row.map(|json| (json, Contents::default())));
    }

    /// The same with what the row holds.
    pub(super) fn add_with(
        &mut self,
        part: Option<&str>,
        step: Option<usize>,
        row: Result<(String, Contents), Refusal>,
    ) {
        let part = part.map(str::to_owned);
        match row {
            Ok((json, contents)) => self.rows.push(Row {
                part,
                step,
                json,
                contents,
            }),
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
        render: |outgoing, _| m_trace::m_trace(&outgoing.record),
        ..BASE
    },
    Target {
        name: "minicpm",
        title: "MAT trajectories in the MiniCPM-V form",
        extension: "json",
        kind: TargetKind::JsonArray,
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        render: |outgoing, _| m_trace::minicpm(&outgoing.record),
        ..BASE
    },
    Target {
        name: "raw-run",
        title: "raw runs of the M-TRACE pipeline",
        extension: "json",
        kind: TargetKind::JsonArray,
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        render: |outgoing, _| raw_run::raw_run(&outgoing.record),
        ..BASE
    },
    Target {
        name: "pref-x-beam",
        title: "Pref-X explorations, a folder each",
        extension: "",
        kind: TargetKind::Folders("beam_search_data.json"),
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        render: |outgoing, _| pref_x_beam::pref_x_beam(&outgoing.record),
        ..BASE
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
        max_pixels: Some(llama_factory::MAX_PIXELS),
        dataset_info: Some(llama_factory::pairs_info),
        columns: Some(|_| pref_x::columns()),
        chat: Some(CallForm::Code),
        render: pref_x::pref_x,
        ..BASE
    },
    llamafactory_sft::TARGET,
    llamafactory_kto::TARGET,
    trl_preference::TARGET,
    trl_sft::TARGET,
    trl_prm::TARGET,
    kto::TARGET,
    ms_swift::PAIRS,
    ms_swift::TRAJECTORIES,
    axolotl::PAIRS,
    axolotl::TRAJECTORIES,
    openai_messages::TARGET,
    Target {
        name: "atif",
        title: "ATIF trajectories (Harbor), a line or a file each",
        extension: "jsonl",
        kind: TargetKind::Documents,
        holds: Holds::Trajectories,
        pictures: PictureUse::AsInData,
        render: |outgoing, _| atif::reviewed(outgoing),
        ..BASE
    },
    Target {
        name: "jsonl",
        title: "retake's own lines: everything, edits included",
        extension: "jsonl",
        holds: Holds::Both,
        render: |outgoing, _| own_lines::own_line(&outgoing.record),
        ..BASE
    },
    Target {
        name: "parquet",
        title: "Parquet with typed columns (Hugging Face)",
        extension: "parquet",
        kind: TargetKind::Parquet(Columns::Typed),
        holds: Holds::Both,
        pictures: PictureUse::Column,
        render: table_rows,
        ..BASE
    },
    Target {
        name: "arrow",
        title: "Arrow IPC with typed columns (Hugging Face)",
        extension: "arrow",
        kind: TargetKind::ArrowFile(Columns::Typed),
        holds: Holds::Both,
        pictures: PictureUse::Column,
        render: table_rows,
        ..BASE
    },
    Target {
        name: "raw-jsonl",
        title: "the records' own JSON, a line each",
        extension: "jsonl",
        render: |outgoing, _| Rendered::one(own_json(&outgoing.record)),
        ..BASE
    },
    Target {
        name: "raw-parquet",
        title: "the records' own fields as Parquet",
        extension: "parquet",
        kind: TargetKind::Parquet(Columns::Inferred),
        render: |outgoing, _| Rendered::one(own_json(&outgoing.record)),
        ..BASE
    },
    Target {
        name: "raw-arrow",
        title: "the records' own fields as Arrow IPC",
        extension: "arrow",
        kind: TargetKind::ArrowFile(Columns::Inferred),
        render: |outgoing, _| Rendered::one(own_json(&outgoing.record)),
        ..BASE
    },
];

/// The target with this name.
pub fn target_named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
