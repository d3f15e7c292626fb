//! Pictures that tools make: kept by the hash of their bytes, named by a path that calls can use again.

use std::fs;
use std::path::Path;

/// Where the paths of pictures that tools made begin.
pub(super) const MADE: &str = ".retake/blobs/pictures/";

/// Keeps a picture's bytes in the folder of made pictures, and gives the path by which calls name it.
pub(super) fn keep_picture(bytes: &[u8], ending: &str, folder: &Path) -> Result<String, String> {
    let name = format!("{}.{ending}", blake3::hash(bytes).to_hex());
    let path = folder.join(&name);
    if !path.is_file() {
        let temporary = path.with_extension(format!("tmp{}", std::process::id()));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&temporary, bytes))
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(format!("{MADE}{name}"))
}

/// Whether a text is the path of a picture that a tool made.
pub fn is_made_picture(text: &str) -> bool {
    text.starts_with(MADE)
}
