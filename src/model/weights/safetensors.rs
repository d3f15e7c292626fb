use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::store::{ModuleStore, SafetensorsStore};
use burn::tensor::{DType, bf16};
use serde_json::{Map, Value};

use super::{TensorEntry, TensorSource};
use crate::model::ModelError;
use crate::model::model_folder::Settings;

/// The safetensors files of a model: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
///
/// Burn's store reads and checks the headers. It gives the numbers of a tensor as a whole alone, a copy of them: so they are read
/// here, in parts, from where the header says they are.
pub(in crate::model) struct SafetensorsFolder {
    tensors: BTreeMap<String, Stored>,
}

/// Where a tensor is.
struct Stored {
    path: PathBuf,
    /// Its first byte in the file.
    start: u64,
    shape: Vec<usize>,
    kind: DType,
}

/// Bytes that are read at a time; they are on the stack.
const PIECE: usize = 1 << 14;

impl SafetensorsFolder {
    const SINGLE: &'static str = "model.safetensors";
    const INDEX: &'static str = "model.safetensors.index.json";

    /// Reads the headers of a model's folder.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let single = folder.join(Self::SINGLE);
        if single.is_file() {
            return Self::of_files([single]);
        }
        let Some(index) = Settings::read(folder, Self::INDEX)? else {
            return Err(ModelError::Missing {
                folder: folder.to_owned(),
                file: Self::SINGLE,
            });
        };
        let wrong = |reason: String| ModelError::Weights {
            path: index.path.clone(),
            reason,
        };
        let map = index
            .object("weight_map")
            .ok_or_else(|| wrong("it has no `weight_map`".to_owned()))?;
        let mut shards = BTreeSet::new();
        for file in map.values() {
            // A name that leads out of the folder is not followed.
            let name = file
                .as_str()
                .filter(|name| !name.is_empty() && !name.contains(['/', '\\']) && *name != "..")
                .ok_or_else(|| wrong(format!("{file} in `weight_map` is no file name")))?;
            shards.insert(folder.join(name));
        }
        if let Some(missing) = shards.iter().find(|shard| !shard.is_file()) {
            let name = missing.file_name().unwrap_or_default().to_string_lossy();
            return Err(wrong(format!(
                "it names the shard {name}, which is missing"
            )));
        }
        Self::of_files(shards)
    }

    /// Its files.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let files: BTreeSet<&Path> = self
            .tensors
            .values()
            .map(|stored| stored.path.as_path())
            .collect();
        files.into_iter()
    }

    /// Reads the headers of these files.
    pub fn of_files(paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, ModelError> {
        let mut tensors = BTreeMap::new();
        for path in paths {
            let mut store = SafetensorsStore::from_file(&path);
            let found = store.get_all_tensors();
            let found = found.map_err(|e| failure(&path, &refusal(&path, &e)))?;
            let starts = starts(&path).map_err(|e| failure(&path, &e))?;
            for (name, tensor) in found {
                let start = starts.get(name).copied();
                let stored = Stored {
                    path: path.clone(),
                    start: start.ok_or_else(|| failure(&path, &format!("`{name}` is nowhere")))?,
                    shape: tensor.shape.to_vec(),
                    kind: tensor.dtype,
                };
                if let Some(other) = tensors.insert(name.clone(), stored) {
                    let reason = format!("`{name}` is in {} as well", other.path.display());
                    return Err(ModelError::Weights { path, reason });
                }
            }
        }
        Ok(Self { tensors })
    }
}

impl TensorSource for SafetensorsFolder {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn entry(&self, name: &str) -> Option<TensorEntry> {
        let stored = self.tensors.get(name)?;
        Some(TensorEntry {
            shape: stored.shape.clone(),
            kind: format!("{:?}", stored.kind).to_lowercase(),
            is_readable: reader(stored.kind).is_some(),
        })
    }

    fn read_part(&self, name: &str, first: usize, numbers: &mut [f32]) -> Result<(), ModelError> {
        let stored = self.tensors.get(name);
        let Some((stored, reader)) = stored.zip(stored.and_then(|s| reader(s.kind))) else {
            return Err(ModelError::Weights {
                path: stored.map(|s| s.path.clone()).unwrap_or_default(),
                reason: format!("`{name}` can't be read"),
            });
        };
        let read = stored.read(reader, first, numbers);
        read.map_err(|source| ModelError::Read {
            path: stored.path.clone(),
            source,
        })
    }
}

impl Stored {
    /// Numbers from a place on.
    fn read(&self, reader: Reader, first: usize, numbers: &mut [f32]) -> io::Result<()> {
        let size = self.kind.size();
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.start + (first * size) as u64))?;
        let mut piece = [0_u8; PIECE];
        for numbers in numbers.chunks_mut(PIECE / size) {
            let bytes = piece.get_mut(..numbers.len() * size).unwrap_or_default();
            file.read_exact(bytes)?;
            reader(bytes, numbers);
        }
        Ok(())
    }
}

/// Makes numbers of as many in a file.
type Reader = fn(&[u8], &mut [f32]);

/// What reads numbers of a type, if anything does. Bytes are in the order of files.
fn reader(kind: DType) -> Option<Reader> {
    /// Pairs of a number's bytes and where it goes.
    fn pairs<'a, const SIZE: usize>(
        bytes: &'a [u8],
        numbers: &'a mut [f32],
    ) -> impl Iterator<Item = (&'a mut f32, &'a [u8; SIZE])> {
        numbers.iter_mut().zip(bytes.as_chunks().0)
    }
    match kind {
        DType::F32 => Some(|bytes, numbers| {
            pairs(bytes, numbers).for_each(|(n, bytes)| *n = f32::from_le_bytes(*bytes));
        }),
        DType::F16 => Some(|bytes, numbers| {
            pairs(bytes, numbers).for_each(|(n, bytes)| *n = of_half(u16::from_le_bytes(*bytes)));
        }),
        DType::BF16 => Some(|bytes, numbers| {
            pairs(bytes, numbers).for_each(|(n, bytes)| *n = bf16::from_le_bytes(*bytes).to_f32());
        }),
        _ => None,
    }
}

/// The number of 16 bits with these bits. `f16` asks for the processor's instructions at each number; loops over this become vectors.
#[inline(always)]
fn of_half(bits: u16) -> f32 {
    /// What the exponents of 16 and 32 bits differ by.
    const EXPONENTS: f32 = f32::from_bits((127 + 112) << 23);
    let (sign, size) = (
        u32::from(bits & 0x8000) << 16,
        u32::from(bits & 0x7fff) << 13,
    );
    let finite = (f32::from_bits(size) * EXPONENTS).to_bits();
    // All bits of the exponent: infinite, or no number.
    let other = size | 0x7f80_0000;
    let is_finite = bits & 0x7c00 != 0x7c00;
    f32::from_bits(sign | if is_finite { finite } else { other })
}

/// What a file says of its tensors.
struct Header {
    tensors: Map<String, Value>,
    /// Where their bytes begin.
    data: u64,
}

impl Header {
    /// Its length, and then JSON.
    fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let mut text = Vec::new();
        file.take(length).read_to_end(&mut text)?;
        Ok(Self {
            tensors: serde_json::from_slice(&text)?,
            data: length.saturating_add(8),
        })
    }

    /// The place in the file that an entry tells: where a tensor begins (0), or ends (1).
    fn place(&self, entry: &Value, which: usize) -> Option<u64> {
        let offset = entry.pointer("/data_offsets")?.get(which)?.as_u64()?;
        self.data.checked_add(offset)
    }
}

/// Where each tensor's bytes begin in a file whose header is right.
fn starts(path: &Path) -> io::Result<BTreeMap<String, u64>> {
    let header = Header::read(path)?;
    let start = |(name, entry): (&String, &Value)| Some((name.clone(), header.place(entry, 0)?));
    Ok(header.tensors.iter().filter_map(start).collect())
}

/// Why Burn's store refuses a file, in more words than it has: files are cut most of the time, or have numbers of a newer type.
fn refusal(path: &Path, error: &dyn std::fmt::Display) -> String {
    /// What the store knows.
    const TYPES: &[&str] = &[
        "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U8", "BOOL",
    ];
    let found = path.metadata().map_or(0, |metadata| metadata.len());
    let Ok(header) = Header::read(path) else {
        return format!("the header of its {found} bytes can't be read ({error})");
    };
    let ends = header.tensors.values().filter_map(|e| header.place(e, 1));
    if let Some(wanted) = ends.max().filter(|wanted| *wanted > found) {
        return format!("the file is cut: it has {found} bytes of {wanted}");
    }
    let other = header.tensors.iter().find_map(|(name, entry)| {
        let kind = entry.get("dtype")?.as_str()?;
        (!TYPES.contains(&kind)).then_some((name, kind))
    });
    match other {
        Some((name, kind)) => {
            format!("`{name}` has numbers of the type {kind}, which can't be read")
        }
        None => error.to_string(),
    }
}

fn failure(path: &Path, error: &dyn std::fmt::Display) -> ModelError {
    ModelError::Weights {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::f16;

    use super::*;

    #[test]
    fn all_numbers_of_16_bits_are_read() {
        for bits in 0..=u16::MAX {
            let (found, wanted) = (of_half(bits), f16::from_bits(bits).to_f32());
            assert_eq!(found.is_nan(), wanted.is_nan(), "{bits:04x}");
            if !wanted.is_nan() {
                assert_eq!(found.to_bits(), wanted.to_bits(), "{bits:04x}");
            }
        }
    }

    #[test]
    fn parts_are_those_of_the_whole_in_each_type() {
        let folder = std::env::temp_dir().join(format!("retake-parts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // More than is read at a time, behind a tensor of another type and a word of metadata.
        let count = 3 * PIECE;
        let number = |place: usize| (place % 251) as f32 - 125.0;
        let numbers: Vec<f32> = (0..count).map(number).collect();
        let bytes = |kind: &str| -> Vec<u8> {
            let bytes = numbers.iter().flat_map(|n| match kind {
                "F32" => n.to_le_bytes().to_vec(),
                "F16" => f16::from_f32(*n).to_le_bytes().to_vec(),
                _ => bf16::from_f32(*n).to_le_bytes().to_vec(),
            });
            bytes.collect()
        };
        for kind in ["F32", "F16", "BF16"] {
            let data = bytes(kind);
            let header = serde_json::json!({
                "__metadata__": {"format": "pt"},
                "first": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]},
                "second": {"dtype": kind, "shape": [count / 8, 8], "data_offsets": [8, 8 + data.len()]},
            });
            let header = header.to_string();
            let mut file = (header.len() as u64).to_le_bytes().to_vec();
            file.extend(header.as_bytes());
            file.extend([9; 8]);
            file.extend(data);
            let path = folder.join("model.safetensors");
            std::fs::write(&path, &file).unwrap();
            let source = SafetensorsFolder::open(&folder).unwrap();
            assert_eq!(source.read("second").unwrap(), numbers, "{kind}");
            let mut part = vec![0.0; 16];
            source.read_part("second", 24, &mut part).unwrap();
            assert_eq!(part, numbers[24..40], "{kind}");
            assert!(source.read_part("first", 0, &mut part).is_err());
            // A file that was cut after its header was read.
            std::fs::write(&path, &file[..file.len() - 4]).unwrap();
            let error = source.read("second").unwrap_err();
            assert!(matches!(error, ModelError::Read { .. }), "{error:?}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
