use std::fmt;
use std::str::FromStr;

use super::{HubError, SUGGESTED};

/// A repository of a hub, at a revision: `ORGANISATION/NAME`, with `@REVISION` behind it or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    name: String,
    revision: Option<String>,
}

impl Repository {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last part of its name.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// A branch, a tag or a commit.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// The name of a folder for its files.
    pub fn folder_name(&self) -> String {
        let revision = self
            .revision
            .as_ref()
            .map(|revision| format!("@{revision}"));
        let name = self.name.clone() + revision.as_deref().unwrap_or_default();
        name.replace('/', "--")
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.revision {
            Some(revision) => write!(f, "{}@{revision}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for Repository {
    type Err = HubError;

    /// Reads a name; the last part alone will do for those that are suggested.
    fn from_str(text: &str) -> Result<Self, HubError> {
        let wrong = |reason| HubError::Name {
            name: text.to_owned(),
            reason,
        };
        let (name, revision) = match text.split_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (text, None),
        };
        let is_plain = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
        };
        let suggested = SUGGESTED
            .iter()
            .map(|model| model.repository)
            .find(|repository| repository.ends_with(&format!("/{name}")));
        let name = suggested.filter(|_| !name.is_empty()).unwrap_or(name);
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() != 2 {
            return Err(wrong("it is not ORGANISATION/NAME"));
        }
        if !parts.iter().all(|part| is_plain(part)) {
            return Err(wrong("it has characters that no name has"));
        }
        if let Some(revision) = revision
            && !revision.split('/').all(is_plain)
        {
            return Err(wrong("its revision has characters that no revision has"));
        }
        Ok(Self {
            name: name.to_owned(),
            revision: revision.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_or_refused() {
        let read = |text: &str| text.parse::<Repository>();
        let plain = read("Org/Some.Model-1").unwrap();
        assert_eq!(
            (plain.revision(), plain.short_name()),
            ("main", "Some.Model-1")
        );
        assert_eq!(plain.folder_name(), "Org--Some.Model-1");
        let tagged = read("Org/Model@refs/pr/3").unwrap();
        assert_eq!(tagged.to_string(), "Org/Model@refs/pr/3");
        assert_eq!(tagged.folder_name(), "Org--Model@refs--pr--3");
        let suggested = read("SmolVLM-256M-Instruct").unwrap();
        assert_eq!(suggested.name(), "HuggingFaceTB/SmolVLM-256M-Instruct");
        for wrong in [
            "",
            "/",
            "a",
            "a/b/c",
            "../b",
            "a/..",
            "a/b?x",
            "a/b@",
            "a/b@../c",
            "a/b\u{1b}",
            "http://x/a/b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
