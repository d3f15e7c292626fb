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
    /// What is wrong with the first of those that were left out.
    pub problem: Option<String>,
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
            problem: self.problem.clone(),
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
            let open = super::open_plain(&file.path)?;
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
    let (mut values, mut problem) = elements(file, &small)?;
    if values.is_empty() {
        (values, problem) = elements(file, limits)?;
    }
    Ok(OwnedSample {
        top,
        keys: Vec::new(),
        values,
        problem,
    })
}

fn elements(
    file: &ContainerFile,
    limits: &ScanLimits,
) -> Result<(Vec<Value>, Option<String>), ContainerError> {
    let mut problem = None;
    let values = scan(file, Layout::Elements, ScanStart::default(), limits)?
        .take(LOOKED_AT)
        .filter_map(|found| value(found, &mut problem))
        .take(ELEMENTS)
        .collect();
    Ok((values, problem))
}

/// What was found, parsed; else the first problem is noted.
fn value(found: Found, problem: &mut Option<String>) -> Option<Value> {
    let parsed = match found {
        Found::Record(record) => {
            serde_json::from_slice(&record.bytes).map_err(|error| error.to_string())
        }
        Found::Problem(problem) => Err(problem.reason),
    };
    match parsed {
        Ok(value) => Some(value),
        Err(reason) => {
            problem.get_or_insert(reason);
            None
        }
    }
}

fn sample_object(file: &ContainerFile, limits: &ScanLimits) -> Result<OwnedSample, ContainerError> {
    let open = super::open_plain(&file.path)?;
    let mut members = JsonSpans::new(open, Layout::Members, limits);
    let mut sample = OwnedSample {
        top: Top::Object,
        keys: Vec::new(),
        values: Vec::new(),
        problem: None,
    };
    for _ in 0..KEYS {
        let Some(member) = members.next() else { break };
        let value = value(member, &mut sample.problem);
        // Without a key there was no member, only the end of what can be read.
        if let Some(key) = members.key() {
            sample.keys.push(key.to_owned());
            sample.values.push(value.unwrap_or(Value::Null));
        }
    }
    Ok(sample)
}
