use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::gguf_block::BlockFormat;
use super::gguf_value::GgufReader;
use super::{GgufValue, TensorEntry, TensorSource};
use crate::model::ModelError;
use crate::model::decoder_config::FACTORS;
use crate::model::model_folder::Settings;

/// A GGUF file of a Llama model: its settings, its tokenizer's data, and its tensors under the names of `transformers`.
///
/// Source: the specification in `docs/gguf.md` of ggml.
#[derive(Debug)]
pub(in crate::model) struct GgufFile {
    path: PathBuf,
    metadata: BTreeMap<String, GgufValue>,
    tensors: BTreeMap<String, Packed>,
}

/// Where a tensor is in the file.
#[derive(Debug)]
struct Packed {
    shape: Vec<usize>,
    kind: u32,
    start: u64,
    /// Heads whose halves llama.cpp has interleaved.
    interleaved_heads: Option<usize>,
}

/// Names in GGUF files for the parts of a layer, and those of `transformers`.
const LAYER_NAMES: &[(&str, &str)] = &[
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The tensor that says what each frequency of rotary positions is divided by (Llama 3.1 and later). It belongs to the settings.
const FREQUENCY_FACTORS: &str = "rope_freqs.weight";

/// Where tensors begin unless the file says otherwise.
const ALIGNMENT: u64 = 32;

/// The most dimensions of a tensor.
const MOST_DIMENSIONS: u32 = 4;

impl GgufFile {
    /// Reads the header of a file.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let read = |source| ModelError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let header = Self::header(path, BufReader::new(file), length);
        header.map_err(|error| ModelError::Weights {
            path: path.to_owned(),
            reason: error.to_string(),
        })
    }

    fn header(path: &Path, file: impl Read, length: u64) -> io::Result<Self> {
        let mut reader = GgufReader::new(file, length);
        if reader.u32()?.to_le_bytes() != *b"GGUF" {
            return Err(io::Error::other("it is no GGUF file"));
        }
        let version = reader.u32()?;
        if !(2..=3).contains(&version) {
            let problem = format!("it is of version {version} of the format; known are 2 and 3");
            return Err(io::Error::other(problem));
        }
        let (tensors, values) = (reader.count()?, reader.count()?);
        let mut metadata = BTreeMap::new();
        for _ in 0..values {
            let name = reader.text()?;
            metadata.insert(name, reader.value()?);
        }
        let mut packed = Vec::new();
        for _ in 0..tensors {
            let name = reader.text()?;
            let dimensions = reader.u32()?;
            if dimensions > MOST_DIMENSIONS {
                let problem = format!("`{name}` has {dimensions} dimensions");
                return Err(io::Error::other(problem));
            }
            let mut shape = Vec::new();
            for _ in 0..dimensions {
                let side = usize::try_from(reader.u64()?).map_err(io::Error::other)?;
                // The innermost dimension comes first in the file.
                shape.insert(0, side);
            }
            let kind = reader.u32()?;
            packed.push((name, shape, kind, reader.u64()?));
        }
        let alignment = metadata.get("general.alignment");
        let alignment = alignment
            .and_then(GgufValue::integer)
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| number.is_power_of_two())
            .unwrap_or(ALIGNMENT);
        let data = reader.position().next_multiple_of(alignment);
        let mut file = Self {
            path: path.to_owned(),
            metadata,
            tensors: BTreeMap::new(),
        };
        for (name, shape, kind, offset) in packed {
            let start = data.checked_add(offset);
            let size = bytes_of(&shape, kind);
            let end = start
                .zip(size)
                .and_then(|(start, size)| start.checked_add(size));
            let fits = BlockFormat::of(kind).is_none() || end.is_some_and(|end| end <= length);
            let Some(start) = start.filter(|_| fits) else {
                let problem = format!("the file is cut: `{name}` would end beyond it");
                return Err(io::Error::other(problem));
            };
            let tensor = Packed {
                interleaved_heads: file.interleaved_heads(&name),
                shape,
                kind,
                start,
            };
            file.tensors.insert(known_name(&name), tensor);
        }
        Ok(file)
    }

    /// A value among its metadata.
    pub fn value(&self, name: &str) -> Option<&GgufValue> {
        self.metadata.get(name)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.value(name)?.integer()
    }

    /// llama.cpp's converter turns the halves of a head's queries and keys into pairs.
    fn interleaved_heads(&self, name: &str) -> Option<usize> {
        let heads = |name: &str| usize::try_from(self.integer(name)?).ok();
        let all = heads("llama.attention.head_count");
        if name.contains(".attn_q.") {
            all
        } else if name.contains(".attn_k.") {
            heads("llama.attention.head_count_kv").or(all)
        } else {
            None
        }
    }

    /// What a `config.json` would say.
    pub fn config(&self) -> Result<Settings, ModelError> {
        let kind = self.value("general.architecture").and_then(GgufValue::text);
        if kind != Some("llama") {
            let kind = kind.unwrap_or("unknown");
            return Err(ModelError::Weights {
                path: self.path.clone(),
                reason: format!(
                    "it holds a model of the architecture `{kind}`; of GGUF files only `llama` can be run"
                ),
            });
        }
        let mut values = Map::new();
        values.insert("model_type".to_owned(), json!("llama"));
        for (name, member) in [
            ("block_count", "num_hidden_layers"),
            ("embedding_length", "hidden_size"),
            ("feed_forward_length", "intermediate_size"),
            ("attention.head_count", "num_attention_heads"),
            ("attention.head_count_kv", "num_key_value_heads"),
            ("context_length", "max_position_embeddings"),
            ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
            ("attention.key_length", "head_dim"),
            ("rope.freq_base", "rope_theta"),
        ] {
            let value = match self.value(&format!("llama.{name}")) {
                Some(GgufValue::Integer(number)) => json!(number),
                Some(GgufValue::Number(number)) => json!(number),
                _ => continue,
            };
            values.insert(member.to_owned(), value);
        }
        let scaling = self
            .value("llama.rope.scaling.type")
            .and_then(GgufValue::text);
        if let Some(scaling) = scaling.filter(|scaling| *scaling != "none") {
            let factor = match self.value("llama.rope.scaling.factor") {
                Some(GgufValue::Number(factor)) => json!(factor),
                _ => Value::Null,
            };
            let scaling = json!({"rope_type": scaling, "factor": factor});
            values.insert("rope_scaling".to_owned(), scaling);
        }
        if self.tensors.contains_key(FREQUENCY_FACTORS) {
            let factors = self.read(FREQUENCY_FACTORS)?;
            let scaling = json!({"rope_type": FACTORS, FACTORS: factors});
            values.insert("rope_scaling".to_owned(), scaling);
        }
        let embeddings = self.tensors.get("model.embed_tokens.weight");
        if let Some([vocabulary, _]) = embeddings.map(|tensor| tensor.shape.as_slice()) {
            values.insert("vocab_size".to_owned(), json!(vocabulary));
        }
        let is_tied = !self.tensors.contains_key("lm_head.weight");
        values.insert("tie_word_embeddings".to_owned(), json!(is_tied));
        for (name, member) in [("eos", "eos_token_id"), ("bos", "bos_token_id")] {
            if let Some(id) = self.integer(&format!("tokenizer.ggml.{name}_token_id")) {
                values.insert(member.to_owned(), json!(id));
            }
        }
        Ok(Settings {
            path: self.path.clone(),
            values,
        })
    }

    /// Rows from one on, as the file has them.
    fn read_rows(
        &self,
        tensor: &Packed,
        format: &BlockFormat,
        first: usize,
        numbers: &mut [f32],
    ) -> io::Result<()> {
        let row = tensor.shape.last().copied().unwrap_or(1).max(1);
        let row_bytes = row / format.numbers * format.bytes;
        let mut bytes = vec![0; numbers.len() / row * row_bytes];
        let mut file = File::open(&self.path)?;
        let mut at = |row: usize, bytes: &mut [u8]| {
            file.seek(SeekFrom::Start(tensor.start + (row * row_bytes) as u64))?;
            file.read_exact(bytes)
        };
        match (tensor.interleaved_heads, tensor.shape.as_slice()) {
            (Some(heads), [rows, _]) => {
                for (place, bytes) in bytes.chunks_exact_mut(row_bytes.max(1)).enumerate() {
                    at(interleaved_row(first + place, *rows, heads), bytes)?;
                }
            }
            _ => at(first, &mut bytes)?,
        }
        format.unpack_all(&bytes, numbers);
        Ok(())
    }
}

impl TensorSource for GgufFile {
    fn names(&self) -> Vec<String> {
        let names = self.tensors.keys().cloned();
        names.filter(|name| name != FREQUENCY_FACTORS).collect()
    }

    fn entry(&self, name: &str) -> Option<TensorEntry> {
        let tensor = self.tensors.get(name)?;
        Some(TensorEntry {
            shape: tensor.shape.clone(),
            kind: BlockFormat::name_of(tensor.kind),
            is_readable: BlockFormat::of(tensor.kind).is_some(),
        })
    }

    fn read_part(&self, name: &str, first: usize, numbers: &mut [f32]) -> Result<(), ModelError> {
        let tensor = self.tensors.get(name);
        let format = tensor.and_then(|tensor| BlockFormat::of(tensor.kind));
        let (Some(tensor), Some(format)) = (tensor, format) else {
            return Err(ModelError::Weights {
                path: self.path.clone(),
                reason: format!("`{name}` can't be read"),
            });
        };
        let row = tensor.shape.last().copied().unwrap_or(1).max(1);
        let read = self.read_rows(tensor, format, first / row, numbers);
        read.map_err(|source| ModelError::Read {
            path: self.path.clone(),
            source,
        })
    }
}

/// Bytes of a tensor; `None` for a type that can't be read, or a shape that is no whole number of blocks.
fn bytes_of(shape: &[usize], kind: u32) -> Option<u64> {
    let format = BlockFormat::of(kind)?;
    let numbers = shape
        .iter()
        .try_fold(1_usize, |n, side| n.checked_mul(*side))?;
    let is_whole = shape.last()?.is_multiple_of(format.numbers);
    let blocks = is_whole.then(|| numbers / format.numbers)?;
    u64::try_from(blocks.checked_mul(format.bytes)?).ok()
}

/// A tensor's name in `transformers`; the file's own where it has none there.
fn known_name(name: &str) -> String {
    let whole = match name {
        "token_embd.weight" => Some("model.embed_tokens.weight"),
        "output_norm.weight" => Some("model.norm.weight"),
        "output.weight" => Some("lm_head.weight"),
        _ => None,
    };
    if let Some(whole) = whole {
        return whole.to_owned();
    }
    let parts = name
        .strip_prefix("blk.")
        .and_then(|rest| rest.split_once('.'));
    let known = parts.and_then(|(layer, rest)| {
        let (part, end) = rest.rsplit_once('.')?;
        let (_, known) = LAYER_NAMES.iter().find(|(own, _)| *own == part)?;
        Some(format!("model.layers.{layer}.{known}.{end}"))
    });
    known.unwrap_or_else(|| name.to_owned())
}

/// Where the file has a row of heads whose halves it has as pairs: first of one half, first of the other, and so on.
fn interleaved_row(row: usize, rows: usize, heads: usize) -> usize {
    let head = (rows / heads.max(1)).max(1);
    let half = (head / 2).max(1);
    let inside = row % head;
    row - inside + 2 * (inside % half) + inside / half
}
