use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::content::first_bytes;
use super::{ContainerError, Problem, ScanLimits};

/// A compressed file's content, as a plain file in the cache.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// The plain file.
    pub path: PathBuf,
    /// What could not be unpacked, if not all could.
    pub problem: Option<Problem>,
}

/// A temporary file that was not written to for so long was left by a process that died.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Unpacks a gzip or Zstandard file, known by its first bytes, into the folder `cache`, where it stays until the file
/// changes. `None` when the file is not compressed.
///
/// The name in the cache is made of hashes of the file's path and of its size and time, so that a changed file is
/// unpacked anew and its older content is removed. A file that is cut or damaged keeps what could be unpacked.
///
/// # Errors
/// When it is no file, can't be read, unpacks to more than `limits.unpacked_bytes`, or nothing could be unpacked.
pub fn unpack(
    path: &Path,
    cache: &Path,
    limits: &ScanLimits,
) -> Result<Option<Unpacked>, ContainerError> {
    let metadata = fs::metadata(path).map_err(ContainerError::io(path))?;
    if !metadata.is_file() {
        return Err(ContainerError::NotAFile {
            path: path.to_path_buf(),
        });
    }
    let mut file = File::open(path).map_err(ContainerError::io(path))?;
    let Some(codec) = codec_of(&first_bytes(&mut file).map_err(ContainerError::io(path))?) else {
        return Ok(None);
    };
    let full = path.canonicalize().map_err(ContainerError::io(path))?;
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let source = short_hash(full.as_os_str().as_encoded_bytes());
    let state = short_hash(format!("{} {}", metadata.len(), age.as_nanos()).as_bytes());
    let whole = cache.join(format!("{source}-{state}"));
    let part = cache.join(format!("{source}-{state}-part"));
    if whole.is_file() {
        return Ok(Some(Unpacked {
            path: whole,
            problem: None,
        }));
    }
    if let Ok(metadata) = fs::metadata(&part) {
        let problem = Some(part_problem(metadata.len()));
        return Ok(Some(Unpacked {
            path: part,
            problem,
        }));
    }
    fs::create_dir_all(cache).map_err(ContainerError::write(cache))?;
    remove_older(cache, &source).map_err(ContainerError::write(cache))?;
    let temporary = cache.join(format!("{source}-{state}-{}.tmp", std::process::id()));
    let unpacked = write_unpacked(path, codec, file, &temporary, limits.unpacked_bytes).and_then(
        |(length, is_whole)| {
            let target = if is_whole { whole } else { part };
            fs::rename(&temporary, &target).map_err(ContainerError::write(&target))?;
            let problem = (!is_whole).then(|| part_problem(length));
            Ok(Unpacked {
                path: target,
                problem,
            })
        },
    );
    if unpacked.is_err() {
        // The error that is told is the first one.
        let _ = fs::remove_file(&temporary);
    }
    unpacked.map(Some)
}

#[derive(Clone, Copy)]
enum Codec {
    Gzip,
    Zstandard,
}

fn codec_of(start: &[u8]) -> Option<Codec> {
    match start {
        [0x1F, 0x8B, ..] => Some(Codec::Gzip),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Codec::Zstandard),
        // A frame to skip, with which seekable and parallel writers begin.
        [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Codec::Zstandard),
        _ => None,
    }
}

fn short_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().chars().take(24).collect()
}

fn part_problem(length: u64) -> Problem {
    Problem {
        record: None,
        offset: None,
        reason: format!(
            "the compressed file is cut or damaged: only its first {length} unpacked bytes can be read"
        ),
    }
}

/// Removes what earlier states of the same file were unpacked to.
fn remove_older(cache: &Path, source: &str) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(source) {
            continue;
        }
        let is_in_use = name.ends_with(".tmp") && {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified
                .ok()
                .and_then(|time| SystemTime::now().duration_since(time).ok());
            age.is_none_or(|age| age < ABANDONED)
        };
        if !is_in_use {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Writes the content to `target`: its length, and whether it is whole.
fn write_unpacked(
    path: &Path,
    codec: Codec,
    file: File,
    target: &Path,
    limit: u64,
) -> Result<(u64, bool), ContainerError> {
    let cannot = |reason: String| ContainerError::Unpack {
        path: path.to_path_buf(),
        reason,
    };
    let mut decoder: Box<dyn Read> = match codec {
        Codec::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file))),
        Codec::Zstandard => {
            let decoder = zstd::stream::read::Decoder::new(file);
            Box::new(decoder.map_err(|error| cannot(error.to_string()))?)
        }
    };
    let mut output = File::create(target).map_err(ContainerError::write(target))?;
    let mut buffer = vec![0; 1 << 18];
    let mut length = 0_u64;
    let damage = loop {
        let count = match decoder.read(&mut buffer) {
            Ok(0) => break None,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => break Some(error),
        };
        length += count as u64;
        if length > limit {
            return Err(cannot(format!(
                "it unpacks to more than the limit of {limit} bytes"
            )));
        }
        output
            .write_all(buffer.get(..count).unwrap_or_default())
            .map_err(ContainerError::write(target))?;
    };
    match damage {
        Some(error) if length == 0 => Err(cannot(error.to_string())),
        damage => Ok((length, damage.is_none())),
    }
}
