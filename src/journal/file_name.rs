use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::JournalError;
use crate::domain::{percent_decode, percent_encode};

/// Which machine (more exactly: which checkout of a workspace) writes; kept by it, so that no two write to one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WriterId(u32);

impl WriterId {
    /// A new one, by chance.
    pub fn random() -> Result<Self, JournalError> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(|error| JournalError::Random(error.to_string()))?;
        Ok(Self(u32::from_be_bytes(bytes)))
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A text that is not eight hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a writer id has 8 hexadecimal digits in lower case")]
pub struct WriterIdError;

impl FromStr for WriterId {
    type Err = WriterIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 8 || !text.bytes().all(is_digit) {
            return Err(WriterIdError);
        }
        u32::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| WriterIdError)
    }
}

/// Whose journal a file is: `<annotator>@<writer id>.jsonl`, the annotator percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalName {
    /// The annotator.
    pub annotator: String,
    /// The machine.
    pub writer: WriterId,
}

impl JournalName {
    /// Reads a file's name; `None` if it is none of a journal.
    pub fn of_file(path: &Path) -> Option<Self> {
        let stem = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
        let (annotator, writer) = stem.rsplit_once('@')?;
        let name = Self {
            annotator: percent_decode(annotator),
            writer: writer.parse().ok()?,
        };
        // One journal has one name: `a%62` would be a second file of `ab`.
        let is_canonical = !annotator.is_empty() && percent_encode(&name.annotator) == annotator;
        is_canonical.then_some(name)
    }
}

impl fmt::Display for JournalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}@{}.jsonl",
            percent_encode(&self.annotator),
            self.writer
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_are_no_journals() {
        for name in [
            "ada.jsonl",
            "@0123abcd.jsonl",
            "ada@0123ABCD.jsonl",
            "ada@0123abc.jsonl",
            "ada@0123abcd.jsonl.cut-1",
            "a%64a@0123abcd.jsonl",
            "ada@+123abcd.jsonl",
        ] {
            assert_eq!(JournalName::of_file(Path::new(name)), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_annotator_has_a_file(annotator in ".+", writer: u32) {
            let name = JournalName { annotator, writer: WriterId(writer) };
            let file = name.to_string();
            proptest::prop_assert!(!file.contains(['/', '\\', ':', '\0']));
            proptest::prop_assert_eq!(JournalName::of_file(Path::new(&file)), Some(name));
        }
    }
}
