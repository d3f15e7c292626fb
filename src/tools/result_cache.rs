use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::toolbox::written_arguments;
use crate::media::PictureRoots;
use crate::sandbox::{Call, PythonValue};

/// What live tools gave, by provider, tool, arguments and the content of the files that the arguments name. A folder that can
/// be deleted at any time.
#[derive(Debug, Clone)]
pub struct ResultCache {
    /// Where results are kept.
    pub folder: PathBuf,
    /// Where paths of the data are looked up.
    pub roots: Arc<PictureRoots>,
}

/// One result, with what it is the result of.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    provider: String,
    tool: String,
    arguments: String,
    /// Hashes of the files that texts among the arguments name.
    files: Vec<String>,
    result: PythonValue,
}

impl ResultCache {
    /// The result of the same call of the same provider, while its files are what they were.
    pub fn find(&self, provider: &str, call: &Call) -> Option<PythonValue> {
        let key = self.key(provider, call);
        let bytes = fs::read(self.path(&key)).ok()?;
        let entry: Entry = serde_json::from_slice(&bytes).ok()?;
        (Key::of(&entry) == key).then_some(entry.result)
    }

    /// Keeps a result. One that can't be kept is asked for again.
    pub fn keep(&self, provider: &str, call: &Call, result: &PythonValue) {
        let key = self.key(provider, call);
        let path = self.path(&key);
        let entry = Entry {
            provider: key.provider,
            tool: key.tool,
            arguments: key.arguments,
            files: key.files,
            result: result.clone(),
        };
        let temporary = path.with_extension(format!("tmp{}", std::process::id()));
        let written = serde_json::to_vec(&entry)
            .map_err(std::io::Error::from)
            .and_then(|json| {
                fs::create_dir_all(&self.folder)?;
                fs::write(&temporary, json)?;
                fs::rename(&temporary, &path)
            });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
    }

    fn key(&self, provider: &str, call: &Call) -> Key {
        let values = call.arguments.iter();
        let values = values.chain(call.keywords.iter().map(|(_, value)| value));
        let file = |value: &PythonValue| {
            let path = self.roots.resolve(value.as_str()?).ok()?;
            let bytes = fs::read(path).ok()?;
            Some(blake3::hash(&bytes).to_hex().to_string())
        };
        Key {
            provider: provider.to_owned(),
            tool: call.name.clone(),
            arguments: written_arguments(call),
            files: values.filter_map(file).collect(),
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        let parts = [&key.provider, &key.tool, &key.arguments];
        for part in parts.into_iter().chain(&key.files) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        self.folder
            .join(format!("{}.json", hasher.finalize().to_hex()))
    }
}

#[derive(PartialEq, Eq)]
struct Key {
    provider: String,
    tool: String,
    arguments: String,
    files: Vec<String>,
}

impl Key {
    fn of(entry: &Entry) -> Self {
        Self {
            provider: entry.provider.clone(),
            tool: entry.tool.clone(),
            arguments: entry.arguments.clone(),
            files: entry.files.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_holds_for_the_same_call_on_the_same_files() {
        let folder =
            std::env::temp_dir().join(format!("retake-result-cache-{}", std::process::id()));
        fs::create_dir_all(folder.join("root")).expect("folder");
        let picture = folder.join("root").join("a.png");
        fs::write(&picture, "one").expect("written");
        let cache = ResultCache {
            folder: folder.join("cache"),
            roots: Arc::new(PictureRoots::new(vec![folder.join("root")])),
        };
        let call = |path: &str| Call {
            index: 0,
            name: "ocr".to_owned(),
            arguments: vec![PythonValue::Str(path.to_owned())],
            keywords: Vec::new(),
        };
        let result = PythonValue::Tuple(vec![PythonValue::Float(0.5)]);
        assert_eq!(cache.find("mcp:a", &call("a.png")), None);
        cache.keep("mcp:a", &call("a.png"), &result);
        assert_eq!(cache.find("mcp:a", &call("a.png")), Some(result.clone()));
        assert_eq!(cache.find("mcp:b", &call("a.png")), None);
        assert_eq!(cache.find("mcp:a", &call("b.png")), None);
        fs::write(&picture, "two").expect("written");
        assert_eq!(cache.find("mcp:a", &call("a.png")), None);
        fs::write(&picture, "one").expect("written");
        assert_eq!(cache.find("mcp:a", &call("a.png")), Some(result));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
