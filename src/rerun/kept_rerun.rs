use std::fs;
use std::io::{self, Read as _};
use std::path::PathBuf;

use super::{RerunError, StepRerun};
use crate::corpus::CorpusError;
use crate::domain::ContentHash;
use crate::workspace::Workspace;

/// The last re-run of each step, so that somebody can still pick from it in another call. Can be deleted at any time.
#[derive(Debug, Clone)]
pub struct KeptReruns {
    folder: PathBuf,
}

/// Re-runs of more bytes are not read: nothing of retake's writes such.
const MOST_BYTES: u64 = 256 << 20;

impl KeptReruns {
    /// Those of a workspace.
    pub fn of(workspace: &Workspace) -> Self {
        Self {
            folder: workspace.cache_folder().join("reruns"),
        }
    }

    fn path(&self, hash: &ContentHash, step: usize) -> PathBuf {
        self.folder.join(format!("{hash}-{}.json.zst", step + 1))
    }

    /// Keeps a re-run in the place of the last one of its step.
    pub fn keep(&self, rerun: &StepRerun) -> Result<(), RerunError> {
        let path = self.path(&rerun.hash, rerun.step);
        let temporary = path.with_extension(format!("tmp{}", std::process::id()));
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let packed = zstd::bulk::compress(&serde_json::to_vec(rerun)?, 3)?;
            fs::write(&temporary, packed)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&temporary);
            CorpusError::write(&path)(source).into()
        })
    }

    /// The last re-run of a step, from 0, of the record with this content hash; `None` if none is kept, or none that this version can
    /// read.
    pub fn find(&self, hash: &ContentHash, step: usize) -> Option<StepRerun> {
        let packed = fs::read(self.path(hash, step)).ok()?;
        let unpacked = zstd::stream::read::Decoder::new(packed.as_slice()).ok()?;
        let rerun: StepRerun = serde_json::from_reader(unpacked.take(MOST_BYTES)).ok()?;
        (rerun.hash == *hash && rerun.step == step).then_some(rerun)
    }
}
