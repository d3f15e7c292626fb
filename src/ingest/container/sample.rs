use std::fs::File;

use serde_json::Value;

use super::{
    ContainerError, ContainerFile, ContainerKind, Found, JsonSpans, ScanLimits, ScanStart, scan,
};
use crate::ingest::{Layout, Sample, Top};

/// Elements, lines or rows in a sample.
const ELEMENTS: usize = 3;
/// How many are looked at to find as many that can be parsed.
const LOOKED_AT: usize = 20;
/// Keys of a top object in a sample.
const KEYS: usize = 32;
/// The longest value that a sample parses, if there are shorter ones.
const VALUE_BYTES: u64 = 8 << 20;

/// The beginning of a file, parsed.
#[derive(Debug, Clone)]
pub struct OwnedSample {
    /// What stands at the file's top.
    pub top: Top,
    /// For `Top::Object`: a key for each of `values`. Else empty.
    pub keys: Vec<String>,
    /// The first elements, lines or rows, or the top object's first values; what can't be parsed is left out, a member
    /// of more than 8 MiB is null.
    pub values: Vec<Value>,
}

impl OwnedSample {
    /// Lends it to a format.
    pub fn view<'a>(&'a self, file_name: &'a str) -> Sample<'a> {
        Sample {
            top: self.top,
            keys: &self.keys,
            values: &self.values,
            file_name,
        }
    }

    /// The same file seen as lines, of which it has one: a JSON lines file with one line looks like an object.
    pub fn as_one_line(&self) -> Self {
        let object = self.keys.iter().cloned().zip(self.values.iter().cloned());
        Self {
            top: Top::Lines,
            keys: Vec::new(),
            values: vec![Value::Object(object.collect())],
        }
    }
}

/// Parses the first records of a file.
///
/// # Errors
/// When the file can't be read.
pub fn sample(file: &ContainerFile, limits: &ScanLimits) -> Result<OwnedSample, ContainerError> {
    let small = ScanLimits {
        record_bytes: limits.record_bytes.min(VALUE_BYTES),
        ..*limits
    };
    let top = match file.kind {
        ContainerKind::Parquet | ContainerKind::ArrowFile | ContainerKind::ArrowStream => Top::Rows,
        ContainerKind::JsonLines => Top::Lines,
        ContainerKind::Json => {
            let open = File::open(&file.path).map_err(ContainerError::io(&file.path))?;
            let mut window = super::window::Window::new(open, 0, 4096);
            let marked = window.skip_mark().map_err(ContainerError::io(&file.path))?;
            let first = window
                .skip_space()
                .map_err(ContainerError::io(&file.path))?;
            match (marked, first) {
                (Ok(()), Some(b'{')) => return sample_object(file, &small),
                _ => Top::Array,
            }
        }
    };
    let mut values = elements(file, &small)?;
    if values.is_empty() {
        values = elements(file, limits)?;
    }
    Ok(OwnedSample {
        top,
        keys: Vec::new(),
        values,
    })
}

fn elements(file: &ContainerFile, limits: &ScanLimits) -> Result<Vec<Value>, ContainerError> {
    Ok(scan(file, Layout::Elements, ScanStart::default(), limits)?
        .take(LOOKED_AT)
        .filter_map(|found| match found {
            Found::Record(record) => serde_json::from_slice(&record.bytes).ok(),
            Found::Problem(_) => None,
        })
        .take(ELEMENTS)
        .collect())
}

fn sample_object(file: &ContainerFile, limits: &ScanLimits) -> Result<OwnedSample, ContainerError> {
    let open = File::open(&file.path).map_err(ContainerError::io(&file.path))?;
    let mut members = JsonSpans::new(open, Layout::Members, limits);
    let mut sample = OwnedSample {
        top: Top::Object,
        keys: Vec::new(),
        values: Vec::new(),
    };
    for _ in 0..KEYS {
        let value = match members.next() {
            None => break,
            Some(Found::Record(record)) => serde_json::from_slice(&record.bytes).ok(),
            Some(Found::Problem(_)) => None,
        };
        // Without a key there was no member, only the end of what can be read.
        if let Some(key) = members.key() {
            sample.keys.push(key.to_owned());
            sample.values.push(value.unwrap_or(Value::Null));
        }
    }
    Ok(sample)
}
