use std::io::{Cursor, Read};

use zip::ZipArchive;

/// The most bytes that an archive may unpack to, as it says and in fact.
const MOST_UNPACKED: u64 = 64 << 20;

/// The most files in one.
const MOST_FILES: usize = 10_000;

/// An archive whose sizes were looked at.
pub(super) struct Archive<'a> {
    files: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl<'a> Archive<'a> {
    /// Opens an archive, unless it says of itself that it is too large.
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let mut files = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| format!("the archive can't be read: {error}"))?;
        if files.len() > MOST_FILES {
            return Err(format!("the archive has more than {MOST_FILES} files"));
        }
        let mut unpacked = 0_u64;
        for number in 0..files.len() {
            let file = files.by_index_raw(number);
            unpacked = unpacked.saturating_add(file.map_or(0, |file| file.size()));
        }
        if unpacked > MOST_UNPACKED {
            return Err(too_large());
        }
        Ok(Self {
            files,
            left: MOST_UNPACKED,
        })
    }

    /// The names of its files.
    pub fn names(&self) -> Vec<String> {
        let names = self.files.file_names();
        names
            .filter_map(|name| Some(name.ok()?.into_owned()))
            .collect()
    }

    /// The content of a file, which may be larger than the archive says.
    pub fn read(&mut self, name: &str) -> Result<String, String> {
        let file = self
            .files
            .by_name(name)
            .map_err(|error| format!("{name}: {error}"))?;
        let mut content = Vec::new();
        file.take(self.left + 1)
            .read_to_end(&mut content)
            .map_err(|error| format!("{name}: {error}"))?;
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or_else(too_large)?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }
}

fn too_large() -> String {
    format!("the archive unpacks to more than {MOST_UNPACKED} bytes")
}
