use std::collections::BTreeSet;

use serde_json::Value;

use super::{HubError, Repository};

/// What a repository has at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The repository.
    pub repository: Repository,
    /// The commit that the revision is.
    pub commit: String,
    /// Its license, by its card.
    pub license: Option<String>,
    /// Files in its top folder whose names are plain.
    pub files: Vec<ListedFile>,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal digits, if the hub tells it: it does of large files.
    pub sha256: Option<String>,
}

/// Files beside the weights that a model may need.
const BESIDE: [&str; 11] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    "chat_template.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    Listing::INDEX,
];

impl Listing {
    /// Weights in one file.
    pub(super) const SINGLE: &'static str = "model.safetensors";
    /// The list of shards.
    pub(super) const INDEX: &'static str = "model.safetensors.index.json";

    /// Reads what a hub answers. `Err` says what is wrong with it.
    pub(super) fn read(repository: &Repository, answer: &Value) -> Result<Self, String> {
        let commit = answer.get("sha").and_then(Value::as_str);
        let is_commit =
            |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        let commit = commit.filter(is_commit).ok_or("it names no commit")?;
        let listed = answer.get("siblings").and_then(Value::as_array);
        let listed = listed.ok_or("it has no list `siblings`")?;
        Ok(Self {
            repository: repository.clone(),
            commit: commit.to_owned(),
            license: license(answer),
            files: listed.iter().filter_map(ListedFile::read).collect(),
        })
    }

    /// A file by its name.
    pub fn file(&self, name: &str) -> Option<&ListedFile> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Whether its weights are in one file, not in shards.
    pub(super) fn is_single(&self) -> bool {
        self.file(Self::SINGLE).is_some()
    }

    /// Everything but weights.
    pub(super) fn beside(&self) -> Vec<&ListedFile> {
        let is_wanted = |file: &&ListedFile| {
            let is_needless_index = file.name == Self::INDEX && self.is_single();
            !is_needless_index && BESIDE.contains(&file.name.as_str())
        };
        let settings = self.files.iter().filter(is_wanted);
        self.texts().into_iter().chain(settings).collect()
    }

    /// What people read: the card and the license.
    pub(super) fn texts(&self) -> Vec<&ListedFile> {
        let is_text =
            |file: &&ListedFile| file.name == "README.md" || file.name.starts_with("LICENSE");
        self.files.iter().filter(is_text).collect()
    }

    /// The file or the shards of the weights; `index` is the list of shards, where there is one.
    pub(super) fn weights(&self, index: Option<&Value>) -> Result<Vec<&ListedFile>, HubError> {
        let missing = |wanted: &str| HubError::NoModel {
            repository: self.repository.to_string(),
            wanted: wanted.to_owned(),
            files: self.gguf(),
        };
        if let Some(single) = self.file(Self::SINGLE) {
            return Ok(vec![single]);
        }
        let map = index
            .and_then(|index| index.get("weight_map"))
            .and_then(Value::as_object);
        let map = map.ok_or_else(|| missing(Self::SINGLE))?;
        let names: BTreeSet<&str> = map.values().filter_map(Value::as_str).collect();
        if names.is_empty() {
            return Err(missing(Self::SINGLE));
        }
        let find = |name: &&str| self.file(name).ok_or_else(|| missing(name));
        names.iter().map(find).collect()
    }

    /// A GGUF file that was asked for by name.
    pub(super) fn chosen(&self, name: &str) -> Result<&ListedFile, HubError> {
        self.file(name).ok_or_else(|| HubError::NoModel {
            repository: self.repository.to_string(),
            wanted: name.to_owned(),
            files: self.gguf(),
        })
    }

    fn gguf(&self) -> Vec<String> {
        let names = self.files.iter().map(|file| &file.name);
        names
            .filter(|name| name.ends_with(".gguf"))
            .cloned()
            .collect()
    }
}

impl ListedFile {
    fn read(entry: &Value) -> Option<Self> {
        let name = entry.get("rfilename")?.as_str()?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        if name.starts_with('.') || !name.chars().all(is_plain) {
            return None;
        }
        let large = entry.get("lfs");
        let size = large
            .and_then(|large| large.get("size"))
            .or_else(|| entry.get("size"))?;
        let sha256 = large
            .and_then(|large| large.get("sha256").or_else(|| large.get("oid")))
            .and_then(Value::as_str);
        Some(Self {
            name: name.to_owned(),
            size: size.as_u64()?,
            sha256: sha256.and_then(checksum),
        })
    }
}

/// A SHA-256 in hexadecimal digits, without what is around it.
pub(super) fn checksum(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("W/").trim_matches('"');
    let is_whole = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_whole.then(|| text.to_ascii_lowercase())
}

/// The license of the card, else of the tags.
fn license(answer: &Value) -> Option<String> {
    let card = answer.get("cardData");
    let of_card = |name: &str| card?.get(name)?.as_str();
    let license = of_card("license").filter(|license| *license != "other");
    if let Some(license) = license.or_else(|| of_card("license_name")) {
        return Some(license.to_owned());
    }
    let tags = answer.get("tags")?.as_array()?;
    let tag = tags.iter().filter_map(Value::as_str);
    tag.filter_map(|tag| tag.strip_prefix("license:"))
        .map(str::to_owned)
        .next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listing(answer: &Value) -> Result<Listing, String> {
        Listing::read(&"a/b".parse().unwrap(), answer)
    }

    #[test]
    fn files_are_listed_and_names_that_lead_elsewhere_are_not() {
        let hash = "AB".repeat(32);
        let answer = json!({
            "sha": "0123abc", "cardData": {"license": "other", "license_name": "some-license"}, "siblings": [
                {"rfilename": "config.json", "size": 12}, {"rfilename": "../../.bashrc", "size": 1},
                {"rfilename": "onnx/model.safetensors", "size": 1}, {"rfilename": ".gitattributes", "size": 1},
                {"rfilename": "model-1.safetensors", "size": 9, "lfs": {"sha256": hash, "size": 90}}, {"rfilename": "x.bin"},
                {"rfilename": "model.safetensors.index.json", "size": 3}, {"rfilename": "a.gguf", "size": 4}, {"rfilename": "LICENSE.txt", "size": 5},
            ],
        });
        let listing = listing(&answer).unwrap();
        let names: Vec<&str> = listing
            .files
            .iter()
            .map(|file| file.name.as_str())
            .collect();
        let wanted = [
            "config.json",
            "model-1.safetensors",
            "model.safetensors.index.json",
            "a.gguf",
            "LICENSE.txt",
        ];
        assert_eq!(names, wanted);
        assert_eq!(listing.license.as_deref(), Some("some-license"));
        let weights = listing.file("model-1.safetensors").unwrap();
        assert_eq!(weights.size, 90);
        assert_eq!(weights.sha256, Some("ab".repeat(32)));
        assert_eq!(listing.beside().len(), 3);
        let index = json!({"weight_map": {"x": "model-1.safetensors", "y": "model-1.safetensors"}});
        assert_eq!(listing.weights(Some(&index)).unwrap(), [weights]);
        let error = listing.weights(None).unwrap_err().to_string();
        assert!(
            error.contains("model.safetensors") && error.contains("a.gguf"),
            "{error}"
        );
        let elsewhere = json!({"weight_map": {"x": "../../etc/passwd"}});
        assert!(listing.weights(Some(&elsewhere)).is_err());
        assert_eq!(listing.chosen("a.gguf").unwrap().size, 4);
        assert!(listing.chosen("b.gguf").is_err());
    }

    #[test]
    fn what_is_no_listing_is_told() {
        for wrong in [
            json!([]),
            json!({"sha": "12"}),
            json!({"sha": "zz", "siblings": []}),
            json!({"siblings": []}),
        ] {
            assert!(listing(&wrong).is_err(), "{wrong}");
        }
        let tagged = json!({"sha": "12", "siblings": [], "tags": ["x", "license:mit"]});
        assert_eq!(listing(&tagged).unwrap().license.as_deref(), Some("mit"));
        assert_eq!(
            checksum(&format!("\"{}\"", "a".repeat(64))).unwrap().len(),
            64
        );
        assert_eq!(checksum("\"abc\""), None);
    }
}
