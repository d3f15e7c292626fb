use tantivy::TantivyDocument;
use tantivy::schema::Field;

use super::schema::Fields;
use crate::domain::ContentHash;

/// Which record a document belongs to: the source's ordinal and the row in its record table.
///
/// The index holds nothing else of a record but what is searched; everything shown is read from the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The source's ordinal, given once and never again.
    pub source: u32,
    /// The row in the source's record table.
    pub row: u32,
}

impl RecordKey {
    pub(super) fn to_number(self) -> u64 {
        (u64::from(self.source) << 32) | u64::from(self.row)
    }

    pub(super) fn from_number(number: u64) -> Self {
        Self {
            source: (number >> 32) as u32,
            row: number as u32,
        }
    }
}

/// What a document stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A whole trajectory.
    Trajectory,
    /// One step of a trajectory.
    Step,
    /// A preference pair.
    Pair,
}

/// The second value of `kind` of what is a result unless a query says otherwise.
pub(super) const RECORD: &str = "record";

impl DocumentKind {
    /// The value of the `kind` field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trajectory => "trajectory",
            Self::Step => "step",
            Self::Pair => "pair",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Trajectory, Self::Step, Self::Pair]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A document on its way into the index. A field name that the schema does not have is a programming error.
#[derive(Debug)]
pub struct IndexDocument<'a> {
    fields: &'a Fields,
    document: TantivyDocument,
    bytes: usize,
    /// Exact values so far: each counts once in a document.
    keywords: Vec<(Field, String)>,
}

impl<'a> IndexDocument<'a> {
    pub(super) fn new(fields: &'a Fields, kind: DocumentKind) -> Self {
        let mut document = Self {
            fields,
            document: TantivyDocument::new(),
            bytes: 0,
            keywords: Vec::new(),
        };
        document.keyword("kind", kind.name());
        if kind != DocumentKind::Step {
            document.keyword("kind", RECORD);
        }
        document
    }

    /// Adds text to a text field; several texts in one field never make one phrase.
    pub fn text(&mut self, field: &str, text: &str) {
        debug_assert!(
            self.fields.text_named(field).is_some(),
            "no text field {field}"
        );
        if let (Some(field), false) = (self.fields.text_named(field), text.is_empty()) {
            self.document.add_text(field, text);
            self.bytes += text.len();
        }
    }

    /// Adds an exact value.
    pub fn keyword(&mut self, field: &str, value: &str) {
        debug_assert!(
            self.fields.keyword_named(field).is_some(),
            "no keyword field {field}"
        );
        // Tantivy refuses terms of 64 KiB and more; nothing that long is a facet.
        if let (Some(field), 1..=1024) = (self.fields.keyword_named(field), value.len())
            && !self
                .keywords
                .iter()
                .any(|(f, known)| *f == field && known == value)
        {
            self.keywords.push((field, value.to_owned()));
            self.document.add_text(field, value);
        }
    }

    /// Adds a number; a range matches a document if it matches any of its numbers in that field.
    pub fn number(&mut self, field: &str, value: u64) {
        debug_assert!(
            self.fields.number_named(field).is_some(),
            "no number field {field}"
        );
        if let Some(field) = self.fields.number_named(field) {
            self.document.add_u64(field, value);
        }
    }

    /// Says which record the document belongs to, and under which id and hash it is found.
    pub fn identify(&mut self, key: RecordKey, id: &str, hash: &ContentHash) {
        self.document.add_u64(self.fields.record, key.to_number());
        if id.len() <= 4096 {
            self.document.add_text(self.fields.id, id);
        }
        self.document.add_text(self.fields.hash, hash.to_string());
    }

    /// The document, and about how many bytes it takes.
    pub(super) fn into_inner(self) -> (TantivyDocument, usize) {
        (self.document, self.bytes)
    }
}
