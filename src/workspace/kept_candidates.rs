use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::domain::{Candidate, ContentHash, content_hash};

/// Candidates that controllers generated and people made pairs of, by content hash: journals hold hashes.
///
/// Unlike what the cache holds they can't be made anew, and go with the journals.
#[derive(Debug, Clone, Default)]
pub struct KeptCandidates {
    folder: PathBuf,
}

/// More than any candidate has.
const MOST_BYTES: u64 = 64 << 20;

impl KeptCandidates {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, hash: &ContentHash) -> PathBuf {
        let name = hash.to_string();
        let group = name.get(..2).unwrap_or_default();
        self.folder.join(group).join(format!("{name}.json"))
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a candidate, if it is not kept already. Once this returns it is on the disk, whole.
    pub fn keep(&self, candidate: &Candidate) -> io::Result<ContentHash> {
        let json = serde_json::to_string(candidate)?;
        let hash = content_hash(&json).map_err(io::Error::other)?;
        if self.find(&hash).is_some() {
            return Ok(hash);
        }
        let path = self.path(&hash);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let temporary = path.with_extension(format!("tmp{}", std::process::id()));
        let written = File::create(&temporary)
            .and_then(|mut file| {
                file.write_all(json.as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        // The name, too; not every system lets a folder be synced.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(hash)
    }

    /// The candidate with this hash; `None` if it is not kept, or is not what the hash says.
    pub fn find(&self, hash: &ContentHash) -> Option<Candidate> {
        let file = File::open(self.path(hash)).ok()?;
        let mut json = String::new();
        file.take(MOST_BYTES).read_to_string(&mut json).ok()?;
        let is_it = content_hash(&json).is_ok_and(|found| found == *hash);
        serde_json::from_str(&json).ok().filter(|_| is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Action;

    #[test]
    fn what_is_kept_is_found_as_it_was_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("retake-kept-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let kept = KeptCandidates::new(folder.join("candidates"));
        let candidate = Candidate {
            thought: Some("數".to_owned()),
            action: Some(Action::Code("print(1.50)".to_owned())),
            score: Some(0.1 + 0.2),
            ..Candidate::default()
        };
        let hash = kept.keep(&candidate).expect("kept");
        assert_eq!(kept.keep(&candidate).expect("kept again"), hash);
        assert_eq!(kept.find(&hash).as_ref(), Some(&candidate));
        assert_eq!(kept.find(&ContentHash([0; 32])), None);
        // Somebody wrote another one in its place.
        fs::write(kept.path(&hash), "{\"maker\": \"recorded\"}").expect("written");
        assert_eq!(kept.find(&hash), None);
        assert_eq!(kept.keep(&candidate).expect("kept"), hash);
        assert_eq!(kept.find(&hash), Some(candidate));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
