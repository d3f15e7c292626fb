use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder::files_in;
use super::line::Shared;
use super::machine::ThisMachine;
use super::scan::{good_lines, scan};
use super::union::unite;
use super::{JournalError, JournalName, Notice, NoticeKind};

/// What a merge did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TakenIn {
    /// Each journal that was given, in the order of names.
    pub files: Vec<TakenFile>,
    /// Lines that are not good (they stay where they are), ids with two lines (both are kept), ends that were cut.
    pub notices: Vec<Notice>,
}

/// What a merge did with one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFile {
    /// Whose it is.
    pub name: JournalName,
    /// How many records are new here.
    pub added: usize,
    /// How many were here already.
    pub known: usize,
    /// How many of its lines are not good, and stay where they are.
    pub bad: usize,
}

/// Copies the records of other journals into `folder`, each into the file of its own annotator and machine, byte by byte.
///
/// A path is a journal, a folder of journals, a `.retake` folder, or the folder of a workspace. It makes no difference in
/// which order journals are taken in, nor how often.
pub fn take_in(folder: &Path, paths: &[PathBuf]) -> Result<TakenIn, JournalError> {
    let mut journals: BTreeMap<JournalName, Vec<PathBuf>> = BTreeMap::new();
    for path in paths {
        for file in journals_of(path)? {
            let name = JournalName::of_file(&file).ok_or(JournalError::Name(file.clone()))?;
            journals.entry(name).or_default().push(file);
        }
    }
    let mut taken = TakenIn::default();
    for (name, files) in journals {
        let mut lines = Vec::new();
        let before = taken.notices.len();
        for file in files {
            let bytes = fs::read(&file).map_err(JournalError::read(&file))?;
            lines.extend(good_lines(&bytes).map(|(key, line)| (key, line.to_vec())));
            let scanned = scan(&bytes, &mut Shared::default());
            let bad = scanned
                .notices
                .into_iter()
                .map(|(line, offset, kind)| Notice {
                    file: file.clone(),
                    at: Some((line + 1, offset)),
                    kind,
                });
            let is_left = |notice: &Notice| !matches!(notice.kind, NoticeKind::NotUnderstood(_));
            taken.notices.extend(bad.filter(is_left));
        }
        let bad = taken.notices.len() - before;
        let into = folder.join(name.to_string());
        let united = unite(&into, &lines, &mut ThisMachine)?;
        taken.notices.extend(united.notices);
        taken.files.push(TakenFile {
            name,
            added: united.added,
            known: united.known,
            bad,
        });
    }
    Ok(taken)
}

/// The journals that a path stands for.
fn journals_of(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let meta = fs::metadata(path).map_err(JournalError::read(path))?;
    if !meta.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let inside = [path.join(".retake").join("journal"), path.join("journal")];
    let folder = inside.iter().find(|folder| folder.is_dir());
    let found = files_in(folder.map_or(path, PathBuf::as_path))?;
    if found.is_empty() && folder.is_none() {
        return Err(JournalError::NoJournal(path.to_owned()));
    }
    Ok(found)
}
