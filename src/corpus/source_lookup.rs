//! Where the pictures and files of a source are looked for.

use std::path::{Path, PathBuf};

use crate::domain::{FileLookup, PictureReference};
use crate::media::PictureRoots;
use crate::workspace::Source;

/// The picture roots of a source: those declared, then the folder that it lies in.
pub fn picture_roots(source: &Source) -> PictureRoots {
    PictureRoots::new(picture_folders(source))
}

/// The folders in which files of a source are looked up, in order: those that somebody said, then its own.
pub fn picture_folders(source: &Source) -> Vec<PathBuf> {
    let own = if source.path.is_dir() {
        Some(source.path.clone())
    } else {
        source.path.parent().map(Path::to_owned)
    };
    source.images.iter().cloned().chain(own).collect()
}

/// Tells missing files only where somebody said where files are.
pub struct KnownRoots<'a> {
    roots: &'a PictureRoots,
    declared: bool,
}

impl<'a> KnownRoots<'a> {
    /// The lookup of a source.
    pub fn of(source: &Source, roots: &'a PictureRoots) -> Self {
        Self {
            roots,
            declared: !source.images.is_empty(),
        }
    }
}

impl FileLookup for KnownRoots<'_> {
    fn exists(&self, reference: &PictureReference) -> Option<bool> {
        self.roots
            .exists(reference)
            .filter(|there| *there || self.declared)
    }
}
