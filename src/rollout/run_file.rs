use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::error::RolloutError;
use crate::domain::{
    Origin, PreferencePair, RecordId, Trajectory, content_hash, percent_decode, percent_encode,
};
use crate::workspace::LineLog;

/// A file of runs: a record a line, in retake's own form, added when a run ends. It is a source like any other.
#[derive(Debug, Clone)]
pub struct RunFile {
    log: LineLog,
    source: String,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    /// The key that was asked for, where it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    hash: String,
    format: &'a str,
    trajectory: &'a Trajectory,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pairs: &'a [PreferencePair],
}

/// A record's id in its file, and the hash of its origin.
#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    trajectory: Option<Grown>,
}

#[derive(Deserialize)]
struct Grown {
    #[serde(default)]
    origin: Option<Hashed>,
}

#[derive(Deserialize)]
struct Hashed {
    hash: String,
}

/// What tells records of copies of a file apart.
#[derive(Deserialize)]
struct Known {
    id: String,
    hash: String,
    #[serde(default)]
    trajectory: Option<Origins>,
}

#[derive(Deserialize)]
struct Origins {
    #[serde(default)]
    origin: Option<Origin>,
}

/// What taking in another copy of a file of runs did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenRuns {
    /// Records that are new here.
    pub new: usize,
    /// Records that were here.
    pub known: usize,
    /// Lines that are no records of runs, and stay where they are.
    pub bad: usize,
    /// Sources that the new ones grew from.
    pub sources: BTreeSet<String>,
}

/// The form that records are read as.
const FORMAT: &str = "retake";

impl RunFile {
    /// The runs in a file, which need not be there yet. `source` is the name under which it is a source.
    pub fn new(path: PathBuf, source: &str) -> Self {
        Self {
            log: LineLog::new(path),
            source: source.to_owned(),
        }
    }

    /// Adds a record; it is on the disk when this returns. `key` is its name in the file, which gets a number behind it if it is taken.
    pub fn append(
        &self,
        key: &str,
        trajectory: &Trajectory,
        pairs: &[PreferencePair],
    ) -> Result<RecordId, RolloutError> {
        let mut id = String::new();
        let appended = self.log.append_after(|read| {
            id = self.free_id(key, read)?;
            let taken = id != self.id(key);
            line(&id, taken.then_some(key), trajectory, pairs)
        });
        appended.map_err(|error: io::Error| self.failed("written", error))?;
        Ok(RecordId::from(id.as_str()))
    }

    /// The keys that are there, each with the hash of the record that it grew from, if it grew from one. A key that was taken stands
    /// here as it was asked for.
    pub fn keys(&self) -> Result<HashSet<(String, Option<String>)>, RolloutError> {
        let mut keys = HashSet::new();
        let read = self.log.read(|line| {
            if let Ok(named) = serde_json::from_slice::<Named>(line) {
                let key = named.id.split_once('/').map_or("", |(_, key)| key);
                let origin = named.trajectory.and_then(|grown| grown.origin);
                let hash = origin.map(|origin| origin.hash);
                let key = named.key.unwrap_or_else(|| percent_decode(key));
                keys.insert((key, hash));
            }
        });
        read.map_err(|error| self.failed("read", error))?;
        Ok(keys)
    }

    /// Whether a file holds runs, by its first line.
    pub fn holds_runs(path: &Path) -> bool {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            #[serde(rename = "trajectory")]
            _trajectory: IgnoredAny,
        }
        let mut line = Vec::new();
        let Ok(file) = File::open(path) else {
            return false;
        };
        let read = BufReader::new(file).read_until(b'\n', &mut line);
        let head = serde_json::from_slice::<Head>(&line);
        read.is_ok() && head.is_ok_and(|head| head.format == FORMAT)
    }

    /// Takes in the records of another copy of the file: those that are not here. Each is kept as it is; one whose name another record has
    /// here gets a number behind it.
    pub fn take_in(&self, other: &Path) -> Result<TakenRuns, RolloutError> {
        let mut taken = TakenRuns::default();
        let mut here: HashMap<String, String> = HashMap::new();
        let read = self.log.read(|line| {
            if let Ok(known) = serde_json::from_slice::<Known>(line) {
                here.insert(known.hash, known.id);
            }
        });
        read.map_err(|error| self.failed("read", error))?;
        let mut new: Vec<(Known, Vec<u8>)> = Vec::new();
        let theirs = LineLog::new(other.to_owned());
        let read = theirs.read(|line| match serde_json::from_slice::<Known>(line) {
            Ok(known) if here.contains_key(&known.hash) => taken.known += 1,
            Ok(known) => {
                here.insert(known.hash.clone(), known.id.clone());
                new.push((known, line.to_vec()));
            }
            Err(_) => taken.bad += 1,
        });
        read.map_err(|source| RolloutError::File {
            path: other.to_owned(),
            doing: "read",
            source,
        })?;
        for (known, line) in new {
            if let Some(origin) = known.trajectory.and_then(|grown| grown.origin) {
                taken.sources.insert(origin.record.source().to_owned());
            }
            self.take_line(&known.id, line)?;
            taken.new += 1;
        }
        Ok(taken)
    }

    fn take_line(&self, id: &str, line: Vec<u8>) -> Result<(), RolloutError> {
        let key = percent_decode(id.split_once('/').map_or(id, |(_, key)| key));
        let appended = self.log.append_after(|read| {
            let free = self.free_id(&key, read)?;
            if free == id {
                return Ok(line);
            }
            let mut record: serde_json::Value = serde_json::from_slice(&line)?;
            record["id"] = free.into();
            Ok(serde_json::to_vec(&record)?)
        });
        appended.map_err(|error: io::Error| self.failed("written", error))
    }

    /// The first name that no record has.
    fn free_id(
        &self,
        key: &str,
        read: &mut dyn FnMut(&mut dyn FnMut(&[u8])) -> io::Result<()>,
    ) -> io::Result<String> {
        let mut taken = HashSet::new();
        read(&mut |line| {
            if let Ok(named) = serde_json::from_slice::<Named>(line) {
                taken.insert(named.id);
            }
        })?;
        let name = |number: usize| match number {
            1 => self.id(key),
            number => self.id(&format!("{key}-{number}")),
        };
        Ok((1..)
            .map(name)
            .find(|id| !taken.contains(id))
            .unwrap_or_default())
    }

    fn id(&self, key: &str) -> String {
        format!("{}/{}", self.source, percent_encode(key))
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> RolloutError {
        RolloutError::File {
            path: self.log.path().to_owned(),
            doing,
            source,
        }
    }
}

fn line(
    id: &str,
    key: Option<&str>,
    trajectory: &Trajectory,
    pairs: &[PreferencePair],
) -> io::Result<Vec<u8>> {
    let held = serde_json::to_string(&(trajectory, pairs))?;
    let hash = content_hash(&held).map_err(io::Error::other)?;
    let line = Line {
        id,
        key,
        hash: hash.to_string(),
        format: FORMAT,
        trajectory,
        pairs,
    };
    Ok(serde_json::to_vec(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Interner;
    use crate::ingest::{RecordText, format_named};

    #[test]
    fn runs_are_read_back_and_names_are_used_once() {
        let folder = std::env::temp_dir().join(format!("retake-run-file-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        let file = RunFile::new(folder.join("tries.jsonl"), "tries");
        let mut trajectory = Trajectory {
            answer: Some("17\n".to_owned()),
            ..Trajectory::default()
        };
        trajectory.provenance.format = FORMAT.to_owned();
        let ids: Vec<String> = ["a b", "a b", "c"]
            .iter()
            .map(|key| file.append(key, &trajectory, &[]).unwrap().to_string())
            .collect();
        assert_eq!(ids, ["tries/a%20b", "tries/a%20b-2", "tries/c"]);
        let keys = file.keys().unwrap();
        assert_eq!(
            keys,
            [("a b".to_owned(), None), ("c".to_owned(), None)].into()
        );
        let text = std::fs::read_to_string(folder.join("tries.jsonl")).unwrap();
        let interner = Interner::default();
        let content = (format_named("retake").unwrap().read)(&RecordText {
            text: text.lines().next().unwrap(),
            key: None,
            path: "tries.jsonl",
            interner: &interner,
        });
        let content = content.unwrap();
        assert_eq!(content.natural_id.as_deref(), Some("a b"));
        assert_eq!(content.trajectory, Some(trajectory));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
