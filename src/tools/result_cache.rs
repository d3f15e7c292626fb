use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tool::{Patience, Provider, Tool};
use super::toolbox::written_arguments;
use crate::media::PictureRoots;
use crate::sandbox::{Answer, Call, PythonValue};

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
    /// A provider with its kept results before it: what it answers is kept, and what is kept is not asked for again. Where calls
    /// are shown, kept results are `(kept)`. `identity` is what else tells the provider's results from others': which program
    /// or model it is.
    pub fn over(&self, provider: Provider, identity: &str) -> [Provider; 2] {
        let label = &provider.label;
        let key = format!("{label} {identity}");
        let tools = |is_lookup: bool| {
            let key = &key;
            let tools = provider.tools.iter().map(move |tool| {
                Arc::new(Cached {
                    tool: Arc::clone(tool),
                    provider: key.clone(),
                    cache: self.clone(),
                    is_lookup,
                }) as Arc<dyn Tool>
            });
            tools.collect::<Vec<_>>()
        };
        let kept = Provider {
            label: format!("{label} (kept)"),
            tools: tools(true),
        };
        let asked = Provider {
            label: label.clone(),
            tools: tools(false),
        };
        [kept, asked]
    }

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
        let mut files = Vec::new();
        for value in values {
            self.add_files(value, &mut files);
        }
        Key {
            provider: provider.to_owned(),
            tool: call.name.clone(),
            arguments: written_arguments(call),
            files,
        }
    }

    /// Hashes of the files that a value names, also inside lists.
    fn add_files(&self, value: &PythonValue, files: &mut Vec<String>) {
        match value {
            PythonValue::Str(text) => {
                let mut hasher = blake3::Hasher::new();
                let file = self.roots.resolve(text).ok().map(fs::File::open);
                if let Some(Ok(file)) = file
                    && hasher.update_reader(file).is_ok()
                {
                    files.push(hasher.finalize().to_hex().to_string());
                }
            }
            PythonValue::List(items) | PythonValue::Tuple(items) => {
                items.iter().for_each(|item| self.add_files(item, files));
            }
            PythonValue::Dict(pairs) => {
                pairs
                    .iter()
                    .for_each(|(_, item)| self.add_files(item, files));
            }
            _ => {}
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

/// A tool whose results are kept: either what looks them up, or what keeps them.
struct Cached {
    tool: Arc<dyn Tool>,
    provider: String,
    cache: ResultCache,
    is_lookup: bool,
}

impl Tool for Cached {
    fn name(&self) -> &str {
        self.tool.name()
    }

    fn description(&self) -> &str {
        self.tool.description()
    }

    fn parameters(&self) -> Value {
        self.tool.parameters()
    }

    fn call(&self, call: &Call) -> Answer {
        self.call_at(0, call)
    }

    fn call_at(&self, step: usize, call: &Call) -> Answer {
        if self.is_lookup {
            let kept = self.cache.find(&self.provider, call);
            // That nothing is kept is no reason to tell.
            return kept.map_or(Answer::Unavailable(String::new()), Answer::Value);
        }
        let answer = self.tool.call_at(step, call);
        if let Answer::Value(value) = &answer {
            self.cache.keep(&self.provider, call, value);
        }
        answer
    }

    fn patience(&self) -> Patience {
        match self.is_lookup {
            true => Patience::Usual,
            false => self.tool.patience(),
        }
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
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::super::toolbox::Toolbox;
    use super::*;

    /// Answers with how often it was asked; every third time it fails.
    struct Counting(AtomicI64);

    impl Tool for Counting {
        fn name(&self) -> &str {
            "count"
        }

        fn description(&self) -> &str {
            "counts"
        }

        fn parameters(&self) -> Value {
            Value::Null
        }

        fn call(&self, _: &Call) -> Answer {
            match self.0.fetch_add(1, Ordering::Relaxed) + 1 {
                times if times % 3 == 0 => Answer::Error("tired".to_owned()),
                times => Answer::Value(PythonValue::Int(times)),
            }
        }
    }

    #[test]
    fn a_kept_result_is_marked_and_failures_are_not_kept() {
        let folder =
            std::env::temp_dir().join(format!("retake-kept-results-{}", std::process::id()));
        let cache = ResultCache {
            folder: folder.clone(),
            roots: Arc::new(PictureRoots::new(Vec::new())),
        };
        let counting = Provider {
            label: "mcp:a".to_owned(),
            tools: vec![Arc::new(Counting(AtomicI64::new(0)))],
        };
        let toolbox = Toolbox {
            live: cache.over(counting, "1").into(),
            ..Toolbox::default()
        };
        let asked = |argument: i64| {
            let call = Call {
                index: 0,
                name: "count".to_owned(),
                arguments: vec![PythonValue::Int(argument)],
                keywords: Vec::new(),
            };
            let (answer, label) = toolbox.live_answer(0, &call);
            (answer, label.unwrap_or_default())
        };
        let value = |times| Answer::Value(PythonValue::Int(times));
        assert_eq!(asked(7), (value(1), "mcp:a".to_owned()));
        assert_eq!(asked(7), (value(1), "mcp:a (kept)".to_owned()));
        assert_eq!(asked(8), (value(2), "mcp:a".to_owned()));
        assert_eq!(asked(9).0, Answer::Error("tired".to_owned()));
        assert_eq!(asked(9), (value(4), "mcp:a".to_owned()));
        // What was kept can be deleted at any time.
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(asked(7), (value(5), "mcp:a".to_owned()));
        fs::remove_dir_all(&folder).expect("removed");
    }

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
