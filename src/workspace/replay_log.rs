use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::Trajectory;

/// What replays said, by record: a file of JSON lines in the cache, which can be deleted at any time.
///
/// Lines are only added; of several about one record the last counts. What a replay says in full is kept as it is given:
/// this file knows only the verdicts.
#[derive(Debug, Clone)]
pub struct ReplayLog {
    path: PathBuf,
}

/// The verdicts of one record, without the rest of its line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReplayVerdicts {
    /// The record's id when it was replayed.
    pub id: String,
    /// What was replayed; see [`replayed_hash`].
    pub hash: String,
    /// The record's own content hash, by which sources know it.
    pub record: String,
    /// The verdict of each step.
    pub verdicts: Vec<String>,
}

/// A hash of what a replay looks at: steps, answer and system prompt. A person's edit changes it.
pub fn replayed_hash(trajectory: &Trajectory) -> String {
    let replayed = (
        &trajectory.steps,
        &trajectory.answer,
        &trajectory.system_prompt,
        &trajectory.tools,
    );
    // Plain data is always JSON.
    let json = serde_json::to_vec(&replayed).unwrap_or_default();
    blake3::hash(&json).to_hex().to_string()
}

/// How far a log went: a log that was deleted and written anew is another one, however long it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayLogHead {
    /// Bytes.
    pub length: u64,
    /// A hash of the last of them.
    end: String,
}

/// How many bytes before a head are looked at.
const LOOKED_AT: u64 = 4096;

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayPlace {
    start: u64,
    length: usize,
}

/// One record's line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReplayEntry {
    /// The record's id when it was replayed.
    pub id: String,
    /// What was replayed: a hash of the content as it was, with people's edits.
    pub hash: String,
    /// The record's own content hash, by which sources know it.
    pub record: String,
    /// With what it was replayed: another version or other tools replay anew.
    pub with: String,
    /// The verdict of each step.
    pub verdicts: Vec<String>,
    /// All that the replay says.
    pub replay: Box<RawValue>,
}

impl ReplayLog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// How far the log goes now; nothing of it without a file.
    pub fn head(&self) -> ReplayLogHead {
        let length = fs::metadata(&self.path).map_or(0, |file| file.len());
        self.head_at(length).unwrap_or_default()
    }

    /// Whether this is the log that went so far once, and perhaps further now.
    pub fn goes_on_from(&self, head: &ReplayLogHead) -> bool {
        self.head_at(head.length).is_ok_and(|known| known == *head)
    }

    /// The head that the log had when it was so long.
    fn head_at(&self, length: u64) -> io::Result<ReplayLogHead> {
        if length == 0 {
            return Ok(ReplayLogHead::default());
        }
        let mut file = File::open(&self.path)?;
        let looked = length.min(LOOKED_AT);
        file.seek(SeekFrom::Start(length - looked))?;
        let mut bytes = Vec::new();
        file.take(looked).read_to_end(&mut bytes)?;
        Ok(ReplayLogHead {
            length: length - looked + bytes.len() as u64,
            end: blake3::hash(&bytes).to_hex().to_string(),
        })
    }

    /// Adds entries, whole lines at once.
    pub fn add(&self, entries: &[ReplayEntry]) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        // Two processes may add at once; a line that a crash cut is followed by a line feed, so that it is alone.
        file.lock()?;
        if needs_line_feed(&self.path)? {
            lines.insert(0, b'\n');
        }
        file.write_all(&lines)
    }

    /// The verdicts from a place in the file on, the last of each record, by its content hash; lines that can't be read are
    /// passed over.
    pub fn verdicts(&self, from: u64) -> io::Result<HashMap<String, ReplayVerdicts>> {
        let mut verdicts = HashMap::new();
        self.lines(from, |_, entry: ReplayVerdicts| {
            verdicts.insert(entry.record.clone(), entry);
        })?;
        Ok(verdicts)
    }

    /// Where the last entry of each record is, by its content hash.
    pub fn places(&self) -> io::Result<HashMap<String, ReplayPlace>> {
        #[derive(Deserialize)]
        struct Named {
            record: String,
        }
        let mut places = HashMap::new();
        self.lines(0, |place, entry: Named| {
            places.insert(entry.record, place);
        })?;
        Ok(places)
    }

    /// The entry at a place; `None` if it can't be read any more.
    pub fn entry(&self, place: ReplayPlace) -> Option<ReplayEntry> {
        let mut file = File::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(place.start)).ok()?;
        let mut line = vec![0; place.length];
        file.read_exact(&mut line).ok()?;
        serde_json::from_slice(&line).ok()
    }

    fn lines<T: DeserializeOwned>(
        &self,
        from: u64,
        mut take: impl FnMut(ReplayPlace, T),
    ) -> io::Result<()> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        file.seek(SeekFrom::Start(from))?;
        let mut start = from;
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            let length = line.len();
            if let Ok(entry) = serde_json::from_slice::<T>(&line) {
                take(ReplayPlace { start, length }, entry);
            }
            start += length as u64 + 1;
        }
        Ok(())
    }
}

fn needs_line_feed(path: &PathBuf) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(record: &str, verdict: &str) -> ReplayEntry {
        ReplayEntry {
            id: format!("source/{record}"),
            hash: "h".to_owned(),
            record: record.to_owned(),
            with: "1".to_owned(),
            verdicts: vec![verdict.to_owned()],
            replay: RawValue::from_string("{\"n\": 1.50}".to_owned()).expect("JSON"),
        }
    }

    #[test]
    fn the_last_line_of_a_record_counts_and_torn_lines_do_not() {
        let folder = std::env::temp_dir().join(format!("retake-replay-log-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let log = ReplayLog::new(folder.join("cache").join("replays.jsonl"));
        assert_eq!(log.head(), ReplayLogHead::default());
        assert!(log.goes_on_from(&log.head()));
        assert!(log.verdicts(0).expect("read").is_empty());
        log.add(&[entry("a", "match"), entry("b", "match")])
            .expect("added");
        let head = log.head();
        let first = head.length;
        log.add(&[entry("a", "differs")]).expect("added");
        let verdict = |from: u64, record: &str| {
            let entries = log.verdicts(from).expect("read");
            entries.get(record).map(|entry| entry.verdicts[0].clone())
        };
        assert_eq!(verdict(0, "a").as_deref(), Some("differs"));
        assert_eq!(verdict(0, "b").as_deref(), Some("match"));
        assert_eq!(verdict(first, "b"), None);
        let places = log.places().expect("read");
        let entry_of = |record: &str| log.entry(places[record]).expect("an entry");
        assert_eq!(entry_of("a").verdicts, ["differs"]);
        assert_eq!(entry_of("b").replay.get(), "{\"n\": 1.50}");
        let verdicts = log.verdicts(first).expect("read");
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts["a"].verdicts, ["differs"]);
        assert!(log.goes_on_from(&head) && log.goes_on_from(&ReplayLogHead::default()));
        assert_ne!(log.head(), head);
        // A crash cuts the last line; what comes after it is read.
        let whole = log.head();
        let length = whole.length;
        let file = OpenOptions::new()
            .write(true)
            .open(&log.path)
            .expect("open");
        file.set_len(length - 5).expect("cut");
        assert_eq!(verdict(0, "a").as_deref(), Some("match"));
        log.add(&[entry("c", "match")]).expect("added");
        assert_eq!(verdict(0, "c").as_deref(), Some("match"));
        // Another log does not go on from the old one, be it shorter or longer.
        assert!(!log.goes_on_from(&whole));
        fs::remove_file(&log.path).expect("removed");
        assert!(!log.goes_on_from(&head));
        let other = ["x", "y", "z"].map(|record| entry(record, "differs"));
        log.add(&other).expect("added");
        assert!(log.head().length > head.length && !log.goes_on_from(&head));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
