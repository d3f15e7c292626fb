use std::fs;
use std::path::Path;

use crate::jobs::Progress;
use crate::model::{ModelError, WeightFiles};

/// The hash of weights, remembered in a folder of the cache as long as the files keep their places, sizes and times of change.
pub fn remembered_hash(
    files: &WeightFiles,
    cache: Option<&Path>,
    progress: &Progress,
) -> Result<String, ModelError> {
    let stamp = blake3::hash(files.stamp()?.as_bytes()).to_hex();
    let place = cache.map(|cache| cache.join("weights").join(stamp.as_str()));
    if let Some(place) = &place
        && let Ok(known) = fs::read_to_string(place)
        && is_hash(&known)
    {
        return Ok(known);
    }
    let hash = files.hash(progress)?;
    if let Some(place) = &place
        && let Some(folder) = place.parent()
    {
        // What can't be remembered is computed again.
        let new = place.with_extension(std::process::id().to_string());
        let kept = fs::create_dir_all(folder).and_then(|()| fs::write(&new, &hash));
        let _ = kept.and_then(|()| fs::rename(&new, place));
    }
    Ok(hash)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_computed_once_for_each_state_of_the_files() {
        let folder = std::env::temp_dir().join(format!("retake-hash-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let weights = folder.join("adapter_model.safetensors");
        fs::write(&weights, "one").unwrap();
        let files = WeightFiles::of_adapter(&folder);
        let ask = || remembered_hash(&files, Some(&folder), &Progress::default()).unwrap();
        let one = ask();
        assert_eq!(one, blake3::hash(b"one").to_hex().to_string());
        let kept = fs::read_dir(folder.join("weights")).unwrap().next();
        let kept = kept.unwrap().unwrap().path();
        fs::write(&kept, "0".repeat(64)).unwrap();
        assert!(ask().ends_with("000"), "it is not read again");
        fs::write(&kept, "torn").unwrap();
        assert_eq!(ask(), one);
        fs::write(&weights, "other").unwrap();
        assert_ne!(ask(), one);
        fs::remove_dir_all(folder).unwrap();
    }
}
