use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file of lines that is only added to, by one process or by several. A line that was added is on the disk; one that a crash cut is
/// no line, and goes with the next one that is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineLog {
    path: PathBuf,
}

/// A log that one process keeps to itself, for as long as this lives.
#[derive(Debug)]
pub struct HeldLog {
    path: PathBuf,
    file: File,
}

impl HeldLog {
    /// Adds a line and waits until it is on the disk.
    pub fn append(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        let before = self.file.stream_position()?;
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            // A half of it, on a full disk, must not become a part of the next one.
            let _ = self.file.set_len(before);
            let _ = self.file.seek(SeekFrom::Start(before));
        }
        written
    }

    /// Each line, in order.
    pub fn read(&mut self, take: impl FnMut(&[u8])) -> io::Result<()> {
        let end = self.file.stream_position()?;
        self.file.seek(SeekFrom::Start(0))?;
        let read = lines((&self.file).take(end), take);
        self.file.seek(SeekFrom::Start(end))?;
        read
    }

    /// Removes the file, before anybody else has it.
    pub fn remove(self) -> io::Result<()> {
        LineLog::new(self.path).remove()
    }

    /// Drops all lines.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.sync_data()
    }
}

impl LineLog {
    /// The log in a file, which need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line and waits until it is on the disk. `make` is given the lines that are there, while nobody else can add one.
    ///
    /// A line feed in it would make two of it: JSON has none.
    pub fn append_after<E: From<io::Error>>(
        &self,
        make: impl FnOnce(&mut dyn FnMut(&mut dyn FnMut(&[u8])) -> io::Result<()>) -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        let mut file = self.open()?;
        file.lock()?;
        let end = end_of_lines(&mut file)?;
        let mut read = |take: &mut dyn FnMut(&[u8])| {
            let mut from = &file;
            from.seek(SeekFrom::Start(0))?;
            lines(from.take(end), |line| take(line))
        };
        let mut line = make(&mut read)?;
        line.push(b'\n');
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        file.write_all(&line)?;
        file.sync_data()?;
        Ok(())
    }

    /// Adds a line and waits until it is on the disk.
    pub fn append(&self, line: Vec<u8>) -> io::Result<()> {
        self.append_after(|_| Ok(line))
    }

    /// Each whole line, in order; nothing without a file.
    pub fn read(&self, take: impl FnMut(&[u8])) -> io::Result<()> {
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            file => lines(file?, take),
        }
    }

    /// Keeps the log to oneself; `None` while another process does.
    pub fn hold(&self) -> io::Result<Option<HeldLog>> {
        let mut file = loop {
            let file = self.open()?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Whoever had it may have removed it at the last moment.
            if self.is_there(&file) {
                break file;
            }
        };
        let end = end_of_lines(&mut file)?;
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        Ok(Some(HeldLog {
            path: self.path.clone(),
            file,
        }))
    }

    /// Whether the file is still the one at its path.
    fn is_there(&self, file: &File) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let identity = |found: &fs::Metadata| (found.dev(), found.ino());
            let (opened, named) = (file.metadata(), fs::metadata(&self.path));
            matches!((opened, named), (Ok(opened), Ok(named)) if identity(&opened) == identity(&named))
        }
        #[cfg(not(unix))]
        {
            file.metadata().is_ok() && self.path.exists()
        }
    }

    /// Removes the file.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// The file, made with its folder if it is not there; the folder's entry is on the disk, too.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Somebody else may make it at the same moment.
        let file = options.create(true).truncate(false).open(&self.path)?;
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(file)
    }
}

fn lines(file: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        // The end, or a line that a crash cut.
        let Some((b'\n', whole)) = line.split_last().map(|(last, whole)| (*last, whole)) else {
            return Ok(());
        };
        take(whole);
    }
}

/// Where the last whole line ends.
fn end_of_lines(file: &mut File) -> io::Result<u64> {
    const PIECE: u64 = 64 << 10;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut piece = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        file.take(end - start).read_to_end(&mut piece)?;
        if let Some(feed) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + feed as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &LineLog) -> Vec<String> {
        let mut found = Vec::new();
        log.read(|line| found.push(String::from_utf8_lossy(line).into_owned()))
            .expect("read");
        found
    }

    #[test]
    fn a_cut_line_goes_wherever_it_was_cut() {
        let folder = std::env::temp_dir().join(format!("retake-line-log-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let log = LineLog::new(folder.join("runs").join("a.jsonl"));
        assert!(read(&log).is_empty());
        let long = "x".repeat(200_000);
        log.append(b"one".to_vec()).expect("added");
        log.append(long.clone().into_bytes()).expect("added");
        assert_eq!(read(&log), ["one", &long]);
        let whole = fs::read(log.path()).expect("bytes");
        for length in [200_003, 100_000, 5, 4, 3, 1, 0] {
            fs::write(log.path(), &whole[..length]).expect("cut");
            let kept = usize::from(length >= 4);
            assert_eq!(read(&log).len(), kept, "{length}");
            log.append(b"new".to_vec()).expect("added");
            assert_eq!(read(&log)[kept..], ["new"], "{length}");
        }
        log.remove().expect("removed");
        log.remove().expect("nothing to remove");
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_held_log_is_nobody_elses() {
        let folder = std::env::temp_dir().join(format!("retake-held-log-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let log = LineLog::new(folder.join("c.progress"));
        let mut held = log.hold().expect("opened").expect("free");
        held.append(b"one".to_vec()).expect("added");
        assert!(log.hold().expect("opened").is_none());
        drop(held);
        fs::write(log.path(), "one\ntw").expect("cut");
        let mut held = log.hold().expect("opened").expect("free again");
        held.append(b"two".to_vec()).expect("added");
        let mut found = 0;
        held.read(|_| found += 1).expect("read");
        assert_eq!(
            (found, read(&log)),
            (2, vec!["one".to_owned(), "two".to_owned()])
        );
        held.clear().expect("cleared");
        held.append(b"three".to_vec()).expect("added");
        assert_eq!(read(&log), ["three"]);
        held.remove().expect("removed");
        assert!(!log.path().exists());
        assert!(log.hold().expect("made anew").is_some());
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn lines_of_several_writers_do_not_mix() {
        let folder = std::env::temp_dir().join(format!("retake-line-logs-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let log = LineLog::new(folder.join("b.jsonl"));
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let log = log.clone();
                scope.spawn(move || {
                    for _ in 0..10 {
                        let numbered = log.append_after(|read| {
                            let mut count = 0;
                            read(&mut |_| count += 1)?;
                            Ok::<_, io::Error>(format!("{count} of {writer}").into_bytes())
                        });
                        numbered.expect("added");
                    }
                });
            }
        });
        let numbers: Vec<String> = read(&log);
        assert_eq!(numbers.len(), 40);
        let ordered = |(at, line): (usize, &String)| line.starts_with(&format!("{at} of "));
        assert!(numbers.iter().enumerate().all(ordered), "{numbers:?}");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
