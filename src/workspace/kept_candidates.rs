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
        if self.read(&hash).is_none() {
            self.write(&hash, &json)?;
        }
        Ok(hash)
    }

    fn write(&self, hash: &ContentHash, json: &str) -> io::Result<()> {
        let path = self.path(hash);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let temporary = path.with_extension(format!("tmp{}", std::process::id()));
        let written = File::create(&temporary)
            .and_then(|mut file| {
                file.write_all(json.trim_end().as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        } else if let Ok(folder) = File::open(folder) {
            // The name, too; not every system lets a folder be synced.
            let _ = folder.sync_all();
        }
        written
    }

    /// Keeps the candidates of another copy of the workspace, whose `.retake/` this is. How many are new, and how many are not what their
    /// names say and stay where they are.
    pub fn take_in(&self, other: &Path) -> io::Result<(usize, usize)> {
        let others = Self::new(other.join("blobs").join("candidates"));
        let (mut new, mut bad) = (0, 0);
        let groups = match fs::read_dir(&others.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
            groups => groups?,
        };
        for group in groups {
            let group = group?.path();
            if !group.is_dir() {
                continue;
            }
            for file in fs::read_dir(group)? {
                let path = file?.path();
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let Some(hash) = name.strip_suffix(".json").and_then(|name| name.parse().ok()) else {
                    continue;
                };
                if self.read(&hash).is_some() {
                    continue;
                }
                match others.read(&hash) {
                    Some(json) => {
                        self.write(&hash, &json)?;
                        new += 1;
                    }
                    None => bad += 1,
                }
            }
        }
        Ok((new, bad))
    }

    /// The candidate with this hash; `None` if it is not kept, or is not what the hash says.
    pub fn find(&self, hash: &ContentHash) -> Option<Candidate> {
        serde_json::from_str(&self.read(hash)?).ok()
    }

    /// Its text, if the hash is right.
    fn read(&self, hash: &ContentHash) -> Option<String> {
        let file = File::open(self.path(hash)).ok()?;
        let mut json = String::new();
        file.take(MOST_BYTES).read_to_string(&mut json).ok()?;
        let is_it = content_hash(&json).is_ok_and(|found| found == *hash);
        is_it.then_some(json)
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
        // Another copy of the workspace takes it in, once.
        let other = KeptCandidates::new(folder.join("other"));
        let copy = folder.join("copy");
        let theirs = KeptCandidates::new(copy.join("blobs/candidates"));
        let hash = theirs.keep(&Candidate::default()).expect("kept");
        let broken = theirs.path(&ContentHash([1; 32]));
        fs::create_dir_all(broken.parent().expect("a folder")).expect("made");
        fs::write(broken, "{}").expect("written");
        assert_eq!(other.take_in(&copy).expect("taken in"), (1, 1));
        assert_eq!(other.take_in(&copy).expect("taken in"), (0, 1));
        assert_eq!(other.find(&hash), Some(Candidate::default()));
        assert_eq!(other.take_in(&folder).expect("nothing there"), (0, 0));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
