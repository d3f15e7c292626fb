//! Files read as the workspace reads them: opened, detected by content among all formats, scanned, read.

use std::path::{Path, PathBuf};

use retake::domain::{Content, Interner};
use retake::ingest::container::{Found, FoundRecord, ScanLimits, ScanStart, open, scan};
use retake::ingest::{FORMATS, Format, RecordText, detect};

/// A plain file and its records; a record that can't be read fails the test.
pub struct ReadFile {
    pub format: &'static Format,
    pub records: Vec<FoundRecord>,
    /// Its path inside its source.
    pub relative: String,
}

impl ReadFile {
    pub fn new(path: &Path, relative: &str) -> Self {
        let limits = ScanLimits::default();
        let opened = open(path, Path::new("no cache is needed"), &limits).unwrap();
        assert_eq!(opened.problems, []);
        let name = relative.rsplit('/').next().unwrap();
        let found = detect(&opened.file, name, FORMATS, &limits).unwrap();
        let records = scan(&opened.file, found.layout, ScanStart::default(), &limits)
            .unwrap()
            .map(|found| match found {
                Found::Record(record) => record,
                Found::Problem(problem) => panic!("{}: {problem:?}", path.display()),
            })
            .collect();
        Self {
            format: found.format,
            records,
            relative: relative.to_owned(),
        }
    }

    /// What each record is read as.
    pub fn contents(&self) -> impl Iterator<Item = Result<Content, String>> + '_ {
        self.records.iter().map(|record| {
            let key = record.key.as_deref();
            read(self.format, text(record), key, &self.relative)
        })
    }
}

/// A record's text.
pub fn text(record: &FoundRecord) -> &str {
    std::str::from_utf8(&record.bytes).unwrap()
}

/// One record's text, read as a format.
pub fn read(format: &Format, text: &str, key: Option<&str>, path: &str) -> Result<Content, String> {
    let interner = &Interner::default();
    let record = RecordText {
        text,
        key,
        path,
        interner,
    };
    (format.read)(&record).map_err(|error| error.to_string())
}

/// A path below the shared data, where they are there.
#[allow(clippy::print_stderr)]
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RETAKE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = root.join("data").join(path);
    if !path.exists() {
        eprintln!("skipped: ../shared not there");
        return None;
    }
    Some(path)
}
