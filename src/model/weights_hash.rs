use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::ModelError;
use super::weights::SafetensorsFolder;
use crate::jobs::Progress;

/// The files that hold the numbers of a model or of an adapter, and what tells one version of them from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightFiles {
    files: Vec<PathBuf>,
}

impl WeightFiles {
    /// Those of a folder in the layout of Hugging Face, or a GGUF file.
    pub fn of_model(path: &Path) -> Result<Self, ModelError> {
        if path.is_file() {
            return Ok(Self {
                files: vec![path.to_owned()],
            });
        }
        let folder = SafetensorsFolder::open(path)?;
        Ok(Self {
            files: folder.files().map(Path::to_owned).collect(),
        })
    }

    /// That of an adapter in PEFT's layout.
    pub fn of_adapter(folder: &Path) -> Self {
        Self {
            files: vec![folder.join("adapter_model.safetensors")],
        }
    }

    /// A text that is another one when a file is another one: paths, sizes and times of change.
    pub fn stamp(&self) -> Result<String, ModelError> {
        let mut stamp = String::new();
        for file in &self.files {
            let failed = |source| read_error(file, source);
            let file_data = file.metadata().map_err(failed)?;
            let changed = file_data.modified().map_err(failed)?;
            let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
            let (path, size) = (file.display(), file_data.len());
            stamp.push_str(&format!("{path}\n{size} {}\n", changed.as_nanos()));
        }
        Ok(stamp)
    }

    /// The BLAKE3 of the file in hexadecimal digits; that of the hashes of the files where there are several.
    pub fn hash(&self, progress: &Progress) -> Result<String, ModelError> {
        let mut hashes = Vec::with_capacity(self.files.len());
        for file in &self.files {
            hashes.push(hash_of(file, progress)?);
        }
        let hash = match hashes.as_slice() {
            [one] => *one,
            several => {
                let mut all = blake3::Hasher::new();
                for hash in several {
                    all.update(hash.as_bytes());
                }
                all.finalize()
            }
        };
        Ok(hash.to_hex().to_string())
    }
}

fn hash_of(path: &Path, progress: &Progress) -> Result<blake3::Hash, ModelError> {
    let failed = |source| read_error(path, source);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        progress.check()?;
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hasher.finalize()),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        };
    }
}

fn read_error(path: &Path, source: std::io::Error) -> ModelError {
    ModelError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::super::runnable_tests::folder;
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_file_or_of_the_hashes() {
        let progress = Progress::default();
        let model = WeightFiles::of_model(&folder("text")).unwrap();
        let bytes = std::fs::read(folder("text").join("model.safetensors")).unwrap();
        let wanted = blake3::hash(&bytes);
        assert_eq!(model.hash(&progress).unwrap(), wanted.to_hex().to_string());
        let two = WeightFiles {
            files: vec![model.files[0].clone(), model.files[0].clone()],
        };
        let both = blake3::hash(&[*wanted.as_bytes(), *wanted.as_bytes()].concat());
        assert_eq!(two.hash(&progress).unwrap(), both.to_hex().to_string());
        assert!(
            model
                .stamp()
                .unwrap()
                .contains(&format!("\n{} ", bytes.len()))
        );
        progress.cancel();
        assert!(model.hash(&progress).is_err());
        let none = WeightFiles::of_adapter(Path::new("/nowhere"));
        assert!(none.stamp().is_err() && none.hash(&Progress::default()).is_err());
    }
}
