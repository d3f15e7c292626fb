use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::weights::{GgufFile, GgufValue};
use super::{ChatTemplate, ModelError, Tokenizer};

/// What a GGUF file has besides weights and settings: its tokenizer and its chat template.
pub(super) struct GgufParts {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The chat template, if the file has one.
    pub template: Option<ChatTemplate>,
}

/// How texts are cut in words before they become tokens, by the name in `tokenizer.ggml.pre`.
///
/// Source: `llm_tokenizer_bpe` of llama.cpp.
const WORDS: &[(&str, &[&str])] = &[
    (
        "smollm",
        &[
            r"\p{N}",
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
        ],
    ),
    (
        "gpt-2",
        &[r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"],
    ),
    (
        "qwen2",
        &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    ),
    (
        "llama-bpe",
        &[
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ],
    ),
];

/// Kinds of tokens that stand for themselves in a text: control tokens, and those that users defined.
const CONTROL: i64 = 3;
const DEFINED: i64 = 4;

impl GgufParts {
    /// Reads a file's metadata.
    pub fn read(file: &GgufFile) -> Result<Self, ModelError> {
        let special = |name: &str| {
            let id = file.value(&format!("tokenizer.ggml.{name}_token_id"))?;
            let tokens = file.value("tokenizer.ggml.tokens")?.list()?;
            let token = tokens.get(usize::try_from(id.integer()?).ok()?)?;
            Some((format!("{name}_token"), Value::from(token.text()?)))
        };
        let names: Map<String, Value> = ["bos", "eos", "unk", "pad"]
            .into_iter()
            .filter_map(special)
            .map(|(name, token)| match name.as_str() {
                "unknown_token" => ("unk_token".to_owned(), token),
                _ => (name, token),
            })
            .collect();
        let template = file
            .value("tokenizer.chat_template")
            .and_then(GgufValue::text);
        let template = template
            .map(|text| ChatTemplate::from_text(file.path(), text, names))
            .transpose()?;
        Ok(Self {
            tokenizer: tokenizer(file)?,
            template,
        })
    }
}

/// The tokenizer as a `tokenizer.json` would have it.
fn tokenizer(file: &GgufFile) -> Result<Tokenizer, ModelError> {
    let wrong = |reason: String| ModelError::Tokenizer {
        path: file.path().to_owned(),
        reason,
    };
    let text = |name: &str| file.value(name).and_then(GgufValue::text);
    let model = text("tokenizer.ggml.model").unwrap_or("missing");
    if model != "gpt2" {
        return Err(wrong(format!(
            "it is of the kind `{model}`; known is `gpt2`"
        )));
    }
    let cut = text("tokenizer.ggml.pre").unwrap_or("gpt-2");
    let Some((_, expressions)) = WORDS.iter().find(|(name, _)| *name == cut) else {
        let known: Vec<&str> = WORDS.iter().map(|(name, _)| *name).collect();
        let known = known.join(", ");
        return Err(wrong(format!(
            "it cuts words by `{cut}`; known are {known}"
        )));
    };
    let list = |name: &str| {
        let list = file.value(name).and_then(GgufValue::list);
        list.ok_or_else(|| wrong(format!("`{name}` is missing")))
    };
    let texts = |name: &str| -> Result<Vec<&str>, ModelError> {
        let texts = list(name)?.iter().map(GgufValue::text);
        let texts: Option<Vec<&str>> = texts.collect();
        texts.ok_or_else(|| wrong(format!("`{name}` is no list of texts")))
    };
    let tokens = texts("tokenizer.ggml.tokens")?;
    let merges = texts("tokenizer.ggml.merges")?;
    let kinds = list("tokenizer.ggml.token_type")?;
    let vocabulary: BTreeMap<&str, usize> = tokens
        .iter()
        .enumerate()
        .map(|(id, token)| (*token, id))
        .collect();
    let added: Vec<Value> = tokens
        .iter()
        .zip(kinds)
        .enumerate()
        .filter_map(|(id, (token, kind))| {
            let kind = kind.integer()?;
            let stands_for_itself = [CONTROL, DEFINED].contains(&kind);
            stands_for_itself.then(|| {
                json!({
                    "id": id, "content": token, "special": kind == CONTROL, "normalized": false, "single_word": false,
                    "lstrip": false, "rstrip": false,
                })
            })
        })
        .collect();
    let mut cuts: Vec<Value> = expressions
        .iter()
        .map(|expression| {
            json!({"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": false})
        })
        .collect();
    cuts.push(json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}));
    let value = json!({
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": cuts},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges, "ignore_merges": cut == "llama-bpe"},
    });
    Tokenizer::from_json(file.path(), &value.to_string())
}
