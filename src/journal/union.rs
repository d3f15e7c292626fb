use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use uuid::Uuid;

use super::machine::Machine;
use super::scan::{LineKey, good_lines};
use super::tail::{Tail, cut, read_range};
use super::{JournalError, Notice, NoticeKind};

/// What became of lines that were to be in a file.
#[derive(Default)]
pub(super) struct United {
    pub(super) added: usize,
    pub(super) known: usize,
    pub(super) notices: Vec<Notice>,
}

/// Opens a file for reading and appending; makes it and its folder if they are not there.
fn open_to_append(path: &Path, may_create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => {}
        opened => return opened,
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = options.create(true).open(path)?;
    // The file's name is on the disk before anything in it is acknowledged.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// The file under its lock, and under its name: it may be replaced while one waits for the lock.
pub(super) fn open_locked(path: &Path, may_create: bool) -> io::Result<File> {
    loop {
        let file = open_to_append(path, may_create)?;
        file.lock()?;
        if is_at(&file, path)? {
            return Ok(file);
        }
    }
}

/// Whether a path still leads to an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((open.dev(), open.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// An open file can't be replaced there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Appends those lines that a file lacks, under its lock.
pub(super) fn unite(
    path: &Path,
    lines: &[(LineKey, Vec<u8>)],
    machine: &mut dyn Machine,
) -> Result<United, JournalError> {
    let fail = || JournalError::write(path);
    let mut file = open_locked(path, true).map_err(fail())?;
    let length = file.metadata().map_err(fail())?.len();
    let bytes = read_range(&mut file, 0..length).map_err(JournalError::read(path))?;
    let mut united = United::default();
    let mut keys: HashSet<LineKey> = HashSet::new();
    let mut ids: HashMap<Uuid, u64> = HashMap::new();
    for (key, _) in good_lines(&bytes) {
        keys.insert(key);
        ids.extend(key.0.map(|id| (id, key.1)));
    }
    let tail = Tail::find(&mut file, length).map_err(JournalError::read(path))?;
    let mut out = Vec::new();
    for ((id, checksum), line) in lines {
        if !keys.insert((*id, *checksum)) {
            united.known += 1;
            continue;
        }
        if let Some(id) = id
            && ids.insert(*id, *checksum).is_some()
        {
            united.notices.push(Notice {
                file: path.to_owned(),
                at: None,
                kind: NoticeKind::Conflict(*id),
            });
        }
        united.added += 1;
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    if out.is_empty() {
        return Ok(united);
    }
    if length > tail.end {
        let notice = cut(&mut file, path, tail.end..length, machine).map_err(fail())?;
        united.notices.push(notice);
    }
    if !tail.is_ended {
        out.insert(0, b'\n');
    }
    let written = machine
        .append(&file, &out)
        .and_then(|()| machine.sync(&file));
    if let Err(source) = written {
        // If this fails, too, there are whole lines and a torn one at the end: the next commit finds and cuts that.
        let _ = machine.truncate(&file, tail.end);
        return Err(fail()(source));
    }
    Ok(united)
}
