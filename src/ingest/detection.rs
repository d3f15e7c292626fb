use serde_json::Value;

use super::container::sample;
use super::container::{ContainerError, ContainerFile, ContainerKind, OwnedSample, ScanLimits};
use super::{Format, Layout, Top};

/// What a file turned out to be.
#[derive(Clone, Copy)]
pub struct Detected {
    /// Reads its records.
    pub format: &'static Format,
    /// How they lie in it.
    pub layout: Layout,
    /// How the file holds them.
    pub kind: ContainerKind,
}

impl std::fmt::Debug for Detected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} {:?}", self.format.name, self.layout, self.kind)
    }
}

/// Why no format was chosen.
#[derive(Debug, thiserror::Error)]
pub enum DetectionError {
    /// The file can't be read.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// None fits.
    #[error(
        "no format fits `{file}`, which holds {seen}; name one with `--as FORMAT`: {}",
        formats.join(", ")
    )]
    NoFormat {
        /// The file's name.
        file: String,
        /// What it holds.
        seen: String,
        /// The names of all formats.
        formats: Vec<&'static str>,
    },
    /// Nothing of it can be parsed.
    #[error("`{file}` holds {seen}: {reason}")]
    Unparsed {
        /// The file's name.
        file: String,
        /// What it holds.
        seen: String,
        /// What is wrong with the first record.
        reason: String,
    },
    /// The name of a format that there is not.
    #[error("there is no format `{name}`; the formats are {}", formats.join(", "))]
    NoSuchFormat {
        /// What was asked for.
        name: String,
        /// The names of all formats.
        formats: Vec<&'static str>,
    },
}

/// The first of `formats` that fits a file's first records.
///
/// # Errors
/// When the file can't be read, or none fits.
pub fn detect(
    file: &ContainerFile,
    file_name: &str,
    formats: &'static [Format],
    limits: &ScanLimits,
) -> Result<Detected, DetectionError> {
    let sample = sample(file, limits)?;
    let fits = |sample: &OwnedSample| {
        let view = sample.view(file_name);
        formats
            .iter()
            .find_map(|format| Some((format, (format.detect)(&view)?)))
    };
    let found = match fits(&sample) {
        None if sample.top == Top::Object => fits(&sample.as_one_line()),
        found => found,
    };
    let kind = file.kind;
    found
        .map(|(format, layout)| Detected {
            format,
            layout,
            kind,
        })
        .ok_or_else(|| match &sample.problem {
            Some(reason) if sample.values.iter().all(Value::is_null) => DetectionError::Unparsed {
                file: file_name.to_owned(),
                seen: seen(&sample),
                reason: reason.clone(),
            },
            _ => DetectionError::NoFormat {
                file: file_name.to_owned(),
                seen: seen(&sample),
                formats: names(formats),
            },
        })
}

/// The format with a name that a person gave; where it does not know the file, its records are taken to be the
/// elements of a list, or one whole object.
///
/// # Errors
/// When the file can't be read, or no format has that name.
pub fn detect_as(
    file: &ContainerFile,
    file_name: &str,
    name: &str,
    formats: &'static [Format],
    limits: &ScanLimits,
) -> Result<Detected, DetectionError> {
    let format = formats
        .iter()
        .find(|format| format.name == name)
        .ok_or_else(|| DetectionError::NoSuchFormat {
            name: name.to_owned(),
            formats: names(formats),
        })?;
    let sample = sample(file, limits)?;
    let layout = match (format.detect)(&sample.view(file_name)) {
        Some(layout) => layout,
        None if sample.top == Top::Object => {
            let lines = sample.as_one_line();
            (format.detect)(&lines.view(file_name)).unwrap_or(Layout::Whole)
        }
        None => Layout::Elements,
    };
    let kind = file.kind;
    Ok(Detected {
        format,
        layout,
        kind,
    })
}

fn names(formats: &'static [Format]) -> Vec<&'static str> {
    formats.iter().map(|format| format.name).collect()
}

/// What a sample holds, for a person.
fn seen(sample: &OwnedSample) -> String {
    let first = sample.values.first();
    let (list, no_records) = match sample.top {
        Top::Object => {
            let keys = sample.keys.iter().map(String::as_str);
            return format!("an object {}", with_keys("keys", keys));
        }
        Top::Array => ("an array of", "an array of nothing that can be parsed"),
        Top::Lines => ("lines of", "lines that can't be parsed"),
        Top::Rows => ("a table", "a table without rows"),
    };
    match first {
        None => no_records.to_owned(),
        Some(Value::Object(object)) if sample.top == Top::Rows => {
            format!(
                "{list} {}",
                with_keys("columns", object.keys().map(String::as_str))
            )
        }
        Some(Value::Object(object)) => {
            format!(
                "{list} objects {}",
                with_keys("keys", object.keys().map(String::as_str))
            )
        }
        Some(Value::Array(_)) => format!("{list} arrays"),
        Some(Value::String(_)) => format!("{list} texts"),
        Some(Value::Number(_)) => format!("{list} numbers"),
        Some(Value::Bool(_) | Value::Null) => format!("{list} true, false or null"),
    }
}

fn with_keys<'a>(what: &str, keys: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let keys: Vec<_> = keys.take(SHOWN + 1).collect();
    match keys.get(..SHOWN) {
        _ if keys.is_empty() => format!("without {what}"),
        Some(first) if keys.len() > SHOWN => format!("with {what} {}, …", first.join(", ")),
        _ => format!("with {what} {}", keys.join(", ")),
    }
}
