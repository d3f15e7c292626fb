use tantivy::Index;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{LowerCaser, RawTokenizer, TextAnalyzer};

use super::tokenizer::IdentifierTokenizer;

/// Changes whenever the schema or a tokenizer does; an index with another number is built anew.
pub const SCHEMA_VERSION: u32 = 6;

/// Text fields, in the order in which a plain word looks through them.
pub const TEXT_FIELDS: [&str; 8] = [
    "task",
    "thought",
    "code",
    "observation",
    "answer",
    "reason",
    "note",
    "edit",
];

/// Fields of exact values, shown as facets.
pub const KEYWORD_FIELDS: [&str; 20] = [
    "source",
    "format",
    "tool",
    "review",
    "label",
    "tag",
    "verdict",
    "flag",
    "type",
    "benchmark",
    "run",
    "model",
    "outcome",
    "replay",
    "role",
    "has",
    "is",
    "kind",
    "part",
    "task_key",
];

/// Fields of numbers, for comparisons and sorting.
pub const NUMBER_FIELDS: [&str; 5] = ["step", "steps", "level", "bytes", "pictures"];

const TEXT_TOKENIZER: &str = "identifier";
const KEYWORD_TOKENIZER: &str = "keyword";

/// Tantivy's handles of all fields.
#[derive(Debug, Clone)]
pub struct Fields {
    pub(super) text: [Field; TEXT_FIELDS.len()],
    pub(super) keyword: [Field; KEYWORD_FIELDS.len()],
    pub(super) number: [Field; NUMBER_FIELDS.len()],
    /// The id, exactly; one document of each kind has it.
    pub(super) id: Field,
    /// The content hash, in hexadecimal digits.
    pub(super) hash: Field,
    /// Source ordinal and row in that source's record table; see [`super::RecordKey`].
    pub(super) record: Field,
}

/// The schema and its handles.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let text_options = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(TEXT_TOKENIZER)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    );
    let exact = |tokenizer: &str| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::Basic),
        )
    };
    let text = TEXT_FIELDS.map(|name| builder.add_text_field(name, text_options.clone()));
    // Matched in lower case, counted and shown as the data writes it.
    let keyword = KEYWORD_FIELDS
        .map(|name| builder.add_text_field(name, exact(KEYWORD_TOKENIZER).set_fast("raw")));
    let number = NUMBER_FIELDS.map(|name| builder.add_u64_field(name, NumericOptions::from(FAST)));
    let id = builder.add_text_field("id", exact(KEYWORD_TOKENIZER));
    let hash = builder.add_text_field("hash", exact("raw"));
    let record = builder.add_u64_field("record", INDEXED | FAST);
    let fields = Fields {
        text,
        keyword,
        number,
        id,
        hash,
        record,
    };
    (builder.build(), fields)
}

pub(super) fn register_tokenizers(index: &Index) {
    index.tokenizers().register(
        TEXT_TOKENIZER,
        TextAnalyzer::from(IdentifierTokenizer::default()),
    );
    index.tokenizers().register(
        KEYWORD_TOKENIZER,
        TextAnalyzer::builder(RawTokenizer::default())
            .filter(LowerCaser)
            .build(),
    );
}

impl Fields {
    pub(super) fn text_named(&self, name: &str) -> Option<Field> {
        let at = TEXT_FIELDS.iter().position(|known| *known == name)?;
        self.text.get(at).copied()
    }

    pub(super) fn keyword_named(&self, name: &str) -> Option<Field> {
        let at = KEYWORD_FIELDS.iter().position(|known| *known == name)?;
        self.keyword.get(at).copied()
    }

    pub(super) fn number_named(&self, name: &str) -> Option<Field> {
        let at = NUMBER_FIELDS.iter().position(|known| *known == name)?;
        self.number.get(at).copied()
    }
}
