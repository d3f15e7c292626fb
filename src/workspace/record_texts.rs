use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::domain::{ContentHash, content_hash};

/// Records as they were when somebody reviewed them, by content hash: journals hold hashes, and a source keeps no history.
///
/// They can be removed at any time. Whoever asks for one then hears that it is not there.
#[derive(Debug, Clone)]
pub struct RecordTexts {
    folder: PathBuf,
}

impl RecordTexts {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, hash: &ContentHash) -> PathBuf {
        let name = hash.to_string();
        let group = name.get(..2).unwrap_or_default();
        self.folder.join(group).join(format!("{name}.json.zst"))
    }

    /// Keeps a record's JSON, if it is not kept already.
    ///
    /// It is there whole or not at all. It is not synced: a record that a crash took away is one that can't be compared,
    /// and nothing that anybody decided.
    pub fn keep(&self, hash: &ContentHash, json: &str) -> io::Result<()> {
        let path = self.path(hash);
        if fs::metadata(&path).is_ok_and(|known| known.len() > 0) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let packed = zstd::bulk::compress(json.as_bytes(), 3)?;
        let temporary = path.with_extension(format!("tmp{}", std::process::id()));
        let written = File::create(&temporary)
            .and_then(|mut file| file.write_all(&packed))
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// The JSON of the record with this hash; `None` if it is not kept, is not what the hash says, or has more than `limit`
    /// bytes.
    pub fn find(&self, hash: &ContentHash, limit: u64) -> Option<String> {
        let file = File::open(self.path(hash)).ok()?;
        let mut json = String::new();
        let unpacked = zstd::stream::read::Decoder::new(file).ok()?;
        unpacked.take(limit).read_to_string(&mut json).ok()?;
        let is_it = content_hash(&json).is_ok_and(|found| found == *hash);
        is_it.then_some(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(name: &str) -> RecordTexts {
        let folder = std::env::temp_dir().join(format!("retake-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        RecordTexts::new(folder)
    }

    #[test]
    fn what_is_kept_is_found_as_it_was() {
        let texts = texts("record-texts");
        let json = "{\"task\": \"漢字 1.0\",\n \"n\": 1.50}";
        let hash = content_hash(json).expect("JSON");
        assert_eq!(texts.find(&hash, 1 << 20), None);
        texts.keep(&hash, json).expect("kept");
        texts.keep(&hash, json).expect("kept again");
        assert_eq!(texts.find(&hash, 1 << 20).as_deref(), Some(json));
        // More than is allowed, and another record under its name.
        assert_eq!(texts.find(&hash, 4), None);
        let packed = zstd::bulk::compress(b"{}", 3).expect("packed");
        fs::write(texts.path(&hash), packed).expect("written");
        assert_eq!(texts.find(&hash, 1 << 20), None);
        // What a crash left empty is written again.
        fs::write(texts.path(&hash), "").expect("emptied");
        assert_eq!(texts.find(&hash, 1 << 20), None);
        texts.keep(&hash, json).expect("kept");
        assert_eq!(texts.find(&hash, 1 << 20).as_deref(), Some(json));
        fs::remove_dir_all(&texts.folder).expect("removed");
    }
}
