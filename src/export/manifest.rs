//! What an export was made of and how, beside its files: which rows are which records, from which sources and decisions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ExportSummary, LeftOut};
use crate::journal::JournalHead;

/// The origin of an export, as far as it is known before its first row.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Origin {
    /// The query.
    pub query: String,
    /// The sources of the workspace.
    pub sources: Vec<OriginSource>,
    /// How far each journal was read.
    pub journals: Vec<JournalHead>,
}

/// A source with the files that were read.
#[derive(Debug, Clone, Serialize)]
pub struct OriginSource {
    /// Its name.
    pub name: String,
    /// Its files, each with the BLAKE3 of its bytes.
    pub files: BTreeMap<String, String>,
}

/// The file `<export>.manifest.json`. It depends on data, decisions and options alone: the same export has the same manifest.
#[derive(Debug, Serialize)]
pub(super) struct Manifest<'a> {
    pub retake: &'static str,
    pub target: &'static str,
    #[serde(flatten)]
    pub origin: &'a Origin,
    pub include: Vec<&'static str>,
    pub allow: Vec<&'static str>,
    pub media: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<ManifestSplit<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// The name of the folder whose tokenizer counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<&'a str>,
    /// Items that were left out, by reason.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Rows that were not written, by the rule that they fail.
    pub failed: BTreeMap<&'static str, usize>,
    /// For each file the ids of its rows, in order; of a folder the ids of its documents.
    pub files: Vec<ManifestFile>,
}

#[derive(Debug, Serialize)]
pub(super) struct ManifestSplit<'a> {
    pub shares: BTreeMap<&'a str, f64>,
    pub seed: u64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct ManifestFile {
    pub path: String,
    /// `<record>`, `<record>:<pair>`, and with ` step N` behind it for a row of one step.
    pub rows: Vec<String>,
}

/// How many items were left out for each reason.
pub fn left_out_counts(left_out: &[LeftOut]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for item in left_out {
        *counts.entry(item.reason.name()).or_default() += 1;
    }
    counts
}

/// How many failures there are of each rule.
pub fn failure_counts(summary: &ExportSummary) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for failure in &summary.failures {
        *counts.entry(failure.rule).or_default() += 1;
    }
    counts
}
