use super::PictureReference;

/// Answers whether a file that data names is there, so that pure checks need no disk.
pub trait FileLookup {
    /// `None` where it cannot be known: an address, or no picture root to look under.
    fn exists(&self, reference: &PictureReference) -> Option<bool>;
}
