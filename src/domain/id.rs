use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `<source>/<record>`: the source's stored name, then the data's own id (percent-encoded) or its number.
///
/// The first record with an id keeps it; later ones in the same source get `~2`, `~3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordId(String);

impl RecordId {
    /// Joins a source's name and an already encoded record part.
    pub fn new(source: &str, record: &str) -> Self {
        Self(format!("{source}/{record}"))
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The source's name.
    pub fn source(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(s, _)| s)
    }

    /// The record part.
    pub fn record(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, r)| r)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for RecordId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// What a person points at: a record, or one pair inside a record (`<record>:<part>`, as in `beam/abc:2.3`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetId {
    /// The record.
    pub record: RecordId,
    /// The pair inside it, where the record holds more than itself.
    pub part: Option<String>,
}

impl TargetId {
    /// Splits `<source>/<record>[:<part>]`; a record part never holds `:`, since it is percent-encoded.
    pub fn parse(text: &str) -> Self {
        let slash = text.find('/').unwrap_or(0);
        match text[slash..].find(':') {
            Some(colon) => Self {
                record: RecordId(text[..slash + colon].to_owned()),
                part: Some(text[slash + colon + 1..].to_owned()),
            },
            None => Self {
                record: RecordId(text.to_owned()),
                part: None,
            },
        }
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "{}:{part}", self.record),
            None => write!(f, "{}", self.record),
        }
    }
}

/// BLAKE3 over a record's canonical JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ContentHash(pub [u8; 32]);

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for ContentHash {
    type Error = ContentHashError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl ContentHash {
    /// The first eight bytes as a number: the form that the index looks up by.
    pub fn prefix(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(first)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a content hash has 64 hexadecimal digits")]
pub struct ContentHashError;

impl FromStr for ContentHash {
    type Err = ContentHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| ContentHashError)?;
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            b'A'..=b'F' => Ok(digit - b'A' + 10),
            _ => Err(ContentHashError),
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

/// Makes a data's own id fit for a record part: all but letters, digits and `-_.` becomes `%XX`.
///
/// Letters and digits of every script stay: an id in Chinese is still read by people.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_alphanumeric() || matches!(character, '-' | '_' | '.') {
            out.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

/// Undoes [`percent_encode`]; bytes that make no UTF-8 become U+FFFD.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        if let Some(byte) = hex {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_split_at_the_first_colon_of_the_record_part() {
        let target = TargetId::parse("beam/abc:2.3");
        assert_eq!(target.record.as_str(), "beam/abc");
        assert_eq!(target.part.as_deref(), Some("2.3"));
        assert_eq!(target.to_string(), "beam/abc:2.3");
        assert_eq!(TargetId::parse("beam/abc").part, None);
        assert_eq!(TargetId::parse("abc").record.record(), "");
    }

    #[test]
    fn hashes_survive_their_text_form() {
        let hash = ContentHash([7; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("07".parse::<ContentHash>().is_err());
        assert!("é".repeat(32).parse::<ContentHash>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn encoding_loses_nothing_and_leaves_no_separator(text in ".*") {
            let encoded = percent_encode(&text);
            proptest::prop_assert!(!encoded.contains(['/', ':', '~', ' ', '\n']));
            proptest::prop_assert_eq!(percent_decode(&encoded), text);
        }
    }
}
