use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::connection::{is_passing, pause};
use super::{Hub, HubError, ListedFile, Listing};
use crate::jobs::Progress;
use crate::model::architecture::Architecture;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The folder of the model, or its GGUF file.
    pub path: PathBuf,
    /// Files of weights whose checksum the hub does not tell: only their sizes could be checked.
    pub unchecked: Vec<String>,
}

/// Room that is left to others.
const MARGIN: u64 = 64 << 20;

/// A file without a checksum that is larger is taken for the same if its size is.
const SMALL: u64 = 32 << 20;

/// Gets a model into a folder: one in the layout of Hugging Face, or a GGUF file of the repository. Files that are there and right stay;
/// what has begun to come goes on.
///
/// Small files come first: a model that can't be run is told before its weights come.
pub fn pull(
    hub: &Hub,
    listing: &Listing,
    gguf: Option<&str>,
    folder: &Path,
    progress: &Progress,
) -> Result<Pulled, HubError> {
    fs::create_dir_all(folder).map_err(failed(folder, "written"))?;
    let _lock = lock(folder)?;
    let download = Download {
        hub,
        listing,
        folder,
        progress,
    };
    let (beside, weights) = match gguf {
        Some(name) => (listing.texts(), vec![listing.chosen(name)?]),
        None => (listing.beside(), download.weights()?),
    };
    let all: Vec<&ListedFile> = beside.into_iter().chain(weights.iter().copied()).collect();
    download.check_space(&all)?;
    progress.add_total(all.iter().map(|file| file.size).sum());
    let mut unchecked = Vec::new();
    for file in all {
        let is_checked = download.get(file, true)?;
        if !is_checked && weights.contains(&file) {
            unchecked.push(file.name.clone());
        }
    }
    let path = match gguf {
        Some(name) => folder.join(name),
        None => folder.to_owned(),
    };
    Ok(Pulled { path, unchecked })
}

struct Download<'a> {
    hub: &'a Hub,
    listing: &'a Listing,
    folder: &'a Path,
    progress: &'a Progress,
}

impl<'a> Download<'a> {
    /// The files of the weights of a model that can be run; what says so is got for it.
    fn weights(&self) -> Result<Vec<&'a ListedFile>, HubError> {
        let Some(config) = self.listing.file("config.json") else {
            // Repositories of GGUF files have none; the error names the files.
            self.listing.weights(None)?;
            return Err(self
                .hub
                .misunderstood("the repository has weights and no config.json"));
        };
        self.get(config, false)?;
        let config = self.json("config.json");
        let kind = config
            .as_ref()
            .and_then(|config| config.get("model_type")?.as_str());
        Architecture::named(kind.unwrap_or_default())?;
        if self.listing.is_single() {
            return self.listing.weights(None);
        }
        if let Some(index) = self.listing.file(Listing::INDEX) {
            self.get(index, false)?;
        }
        self.listing.weights(self.json(Listing::INDEX).as_ref())
    }

    fn json(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.folder.join(name)).ok()?).ok()
    }

    /// Where a file is while it comes. What began to come of another version of it has another place.
    fn part(&self, file: &ListedFile) -> PathBuf {
        let version = file.sha256.as_deref().unwrap_or(&self.listing.commit);
        let version: String = version.chars().take(16).collect();
        self.folder.join(format!("{}.{version}.part", file.name))
    }

    fn check_space(&self, files: &[&ListedFile]) -> Result<(), HubError> {
        let is_there = |file: &ListedFile| {
            size_of(&self.folder.join(&file.name)).max(size_of(&self.part(file)))
        };
        let needed: u64 = files
            .iter()
            .map(|file| file.size.saturating_sub(is_there(file)))
            .sum();
        // Where the system does not say, the disk does.
        let Ok(free) = fs4::available_space(self.folder) else {
            return Ok(());
        };
        if needed == 0 || needed.saturating_add(MARGIN) <= free {
            return Ok(());
        }
        Err(HubError::Space {
            folder: self.folder.to_owned(),
            free,
            needed,
        })
    }

    /// Gets a file, and says whether its checksum was known. `counts` adds to what is done.
    fn get(&self, file: &ListedFile, counts: bool) -> Result<bool, HubError> {
        let place = self.folder.join(&file.name);
        if self.is_there(file, &place)? {
            if counts {
                self.progress.advance(file.size);
            }
            return Ok(file.sha256.is_some());
        }
        let part = self.part(file);
        let told = self.fetch(file, &part, counts)?;
        let wanted = file.sha256.clone().or(told);
        if let Some(wanted) = &wanted {
            let found = self.sha256(&part)?;
            if found != *wanted {
                fs::remove_file(&part).map_err(failed(&part, "written"))?;
                return Err(HubError::Checksum {
                    file: file.name.clone(),
                    wanted: wanted.clone(),
                    found,
                });
            }
        }
        fs::rename(&part, &place).map_err(failed(&place, "written"))?;
        Ok(wanted.is_some())
    }

    fn is_there(&self, file: &ListedFile, place: &Path) -> Result<bool, HubError> {
        if size_of(place) != file.size || !place.is_file() {
            return Ok(false);
        }
        match &file.sha256 {
            Some(wanted) => Ok(self.sha256(place)? == *wanted),
            None => Ok(file.size > SMALL),
        }
    }

    /// Brings a file to its size, however often the connection is cut, as long as something comes. The checksum that the hub tells
    /// on the way.
    fn fetch(
        &self,
        file: &ListedFile,
        part: &Path,
        counts: bool,
    ) -> Result<Option<String>, HubError> {
        let (mut told, mut tries) = (None, 0);
        let mut have = size_of(part);
        if have > file.size {
            fs::remove_file(part).map_err(failed(part, "written"))?;
            have = 0;
        }
        if counts {
            self.progress.advance(have);
        }
        while have < file.size || !part.is_file() {
            self.progress.check()?;
            let came = self.append(file, part, have, counts, &mut told);
            let now = size_of(part);
            if now > have {
                tries = 0;
            }
            have = now;
            match came {
                Ok(()) if have >= file.size => break,
                Ok(()) => {}
                Err(error) if is_passing(&error) && self.hub.waits.before(tries + 1).is_some() => {}
                Err(error) => return Err(error),
            }
            tries += 1;
            let Some(wait) = self.hub.waits.before(tries) else {
                return Err(self
                    .hub
                    .unreachable(&"its answers end before the file does"));
            };
            pause(wait, self.progress)?;
        }
        Ok(told)
    }

    /// Adds what comes of one answer to a part.
    fn append(
        &self,
        file: &ListedFile,
        part: &Path,
        have: u64,
        counts: bool,
        told: &mut Option<String>,
    ) -> Result<(), HubError> {
        let url = self.hub.file_url(self.listing, &file.name);
        let what = format!("{}/{}", self.listing.repository, file.name);
        let answer = self.hub.get(&url, &what, Some(have))?;
        if told.is_none() {
            *told = answer.sha256;
        }
        let is_rest = answer.response.status() == 206;
        if is_rest {
            let range = answer.response.headers().get("content-range");
            let range = range
                .and_then(|range| range.to_str().ok())
                .unwrap_or_default();
            let begins = range
                .strip_prefix("bytes ")
                .and_then(|range| range.split('-').next()?.parse::<u64>().ok());
            if begins != Some(have) {
                let reason = format!("it was asked from byte {have} on and sends `{range}`");
                return Err(self.hub.misunderstood(&reason));
            }
        }
        let mut options = OpenOptions::new();
        // A hub that does not know parts sends the whole again.
        match is_rest {
            true => options.append(true),
            false => options.write(true).truncate(true),
        };
        let mut output = options
            .create(true)
            .open(part)
            .map_err(failed(part, "written"))?;
        let mut length = if is_rest { have } else { 0 };
        let mut reader = answer.response.into_body().into_reader();
        let mut buffer = vec![0; 256 << 10];
        loop {
            self.progress.check()?;
            let count = reader
                .read(&mut buffer)
                .map_err(|error| self.hub.unreachable(&error))?;
            if count == 0 {
                return output.sync_all().map_err(failed(part, "written"));
            }
            length += count as u64;
            if length > file.size {
                drop(output);
                fs::remove_file(part).map_err(failed(part, "written"))?;
                let reason = format!("{} is longer than its {} bytes", file.name, file.size);
                return Err(self.hub.misunderstood(&reason));
            }
            output
                .write_all(buffer.get(..count).unwrap_or_default())
                .map_err(failed(part, "written"))?;
            if counts {
                // What comes a second time is counted once.
                self.progress
                    .advance(length.saturating_sub(have).min(count as u64));
            }
        }
    }

    fn sha256(&self, path: &Path) -> Result<String, HubError> {
        let mut file = File::open(path).map_err(failed(path, "read"))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            self.progress.check()?;
            match file.read(&mut buffer).map_err(failed(path, "read"))? {
                0 => break,
                count => hasher.update(buffer.get(..count).unwrap_or_default()),
            }
        }
        let digest = hasher.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// One process at a time brings files into a folder.
fn lock(folder: &Path) -> Result<File, HubError> {
    let path = folder.join(".pull.lock");
    let lock = File::create(&path).map_err(failed(&path, "written"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(HubError::Busy(folder.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(failed(&path, "written")(source)),
    }
}

fn size_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn failed(path: &Path, doing: &'static str) -> impl Fn(std::io::Error) -> HubError {
    let path = path.to_owned();
    move |source| HubError::File {
        path: path.clone(),
        doing,
        source,
    }
}
