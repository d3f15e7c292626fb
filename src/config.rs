//! Settings: the embedded defaults (`assets/config.toml`) under the user's own file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml_edit::{DocumentMut, Item};

const DEFAULTS: &str = include_str!("../assets/config.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[index]`
    pub index: IndexConfig,
    /// `[read]`
    pub read: ReadConfig,
    /// `[pictures]`
    pub pictures: PictureConfig,
    /// `[search]`
    pub search: SearchConfig,
    /// `[review]`
    pub review: ReviewConfig,
    /// `[rollout]`
    pub rollout: RolloutConfig,
    /// `[controller]`
    pub controller: ControllerConfig,
    /// `[models.NAME]`: servers that have names.
    #[serde(default)]
    pub models: BTreeMap<String, EndpointConfig>,
    /// `[judge]`
    pub judge: JudgeConfig,
    /// `[tui]`
    pub tui: TuiConfig,
}

/// `[index]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexConfig {
    /// Threads that read and index; 0 takes one for each core.
    pub threads: usize,
    /// Memory of the index writer in MB, all threads together.
    pub memory_mb: usize,
}

/// `[read]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadConfig {
    /// The largest record that is read, in MB.
    pub max_record_mb: u64,
    /// The most that a compressed file may unpack to, in MB.
    pub max_unpacked_mb: u64,
}

/// `[pictures]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureConfig {
    /// The largest file that is decoded, in MB.
    pub max_file_mb: u64,
    /// The most pixels that are decoded, in millions.
    pub max_megapixels: u64,
}

/// `[search]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Hits shown unless a command says otherwise.
    pub limit: usize,
}

/// `[review]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewConfig {
    /// Whose journal is written; empty takes the system's user.
    pub annotator: String,
    /// Whether what others decided is hidden until one's own verdict is given.
    pub blind: bool,
    /// Of blind mode: the share of pairs, from 0 to 1, that are shown a second time.
    pub repeat: f64,
    /// Reasons for a rejection.
    pub reasons: Vec<String>,
}

/// `[rollout]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutConfig {
    /// Steps of a run at most.
    pub max_steps: usize,
    /// A run ends once so many of its steps have failed.
    pub error_tolerance: usize,
    /// Candidates of a step where several are compared.
    pub candidates: usize,
    /// What the logits of a step's first candidate are divided by.
    pub temperature: f32,
    /// What those of the others are divided by.
    pub other_temperature: f32,
    /// Only the best tokens whose probabilities sum up to this.
    pub top_p: f32,
    /// Only so many of the best tokens.
    pub top_k: usize,
    /// Tokens of a candidate at most.
    pub max_tokens: usize,
    /// Texts that end a reply of a code agent.
    pub stop: Vec<String>,
    /// Trajectories that are explored at a time; 0 takes one for each core.
    pub trajectories: usize,
}

/// `[controller]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerConfig {
    /// The model that is asked unless a command says otherwise; empty if there is none.
    pub model: String,
    /// Where models of retake's own server run: `auto`, `cpu`, `gpu` or `gpu:N`.
    pub device: String,
    /// Seconds without a request after which a model that retake has started ends.
    pub idle_seconds: u64,
    /// Seconds that a server may say nothing, the reading of the prompt included.
    pub silence_seconds: u64,
}

/// `[models.NAME]`, of the user's settings or of a workspace: a server that speaks OpenAI's chat completions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// Its address, up to and with the version: `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    /// The model's name there; else the name that the server gets here.
    #[serde(default)]
    pub model: Option<String>,
    /// The environment variable that holds its key. The key itself is written nowhere.
    #[serde(default)]
    pub key_env: Option<String>,
    /// Seconds that it may say nothing; else `controller.silence_seconds`.
    #[serde(default)]
    pub silence_seconds: Option<u64>,
}

/// `[judge]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeConfig {
    /// Candidates whose word BLEU with the chosen one is below this count as other steps, and are rejected.
    pub max_bleu: f64,
    /// So many candidates that went wrong are rejected, however like the chosen one they are.
    pub most_failed: usize,
    /// How often the outcome judge goes on from each candidate to the end.
    pub continuations: usize,
    /// What a judging model's logits are divided by.
    pub temperature: f32,
    /// Tokens of a judging model's answer at most.
    pub max_tokens: usize,
    /// Characters of each observation that a judging model is shown.
    pub most_characters: usize,
}

/// `[tui]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuiConfig {
    /// The name of the keymap under the user's own keys.
    pub keymap: String,
    /// The name of the theme.
    pub theme: String,
}

/// A user's file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error("the settings in {path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or names a setting that does not exist.
    #[error("the settings in {path} are wrong: {reason}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the place.
        reason: String,
    },
}

impl Config {
    /// The defaults under the user's file, if there is one.
    pub fn load(user_file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = user_file.filter(|path| path.is_file()) else {
            return Self::merged("", Path::new("assets/config.toml"));
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::merged(&text, path)
    }

    fn merged(user: &str, path: &Path) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError::Wrong {
            path: path.to_owned(),
            reason,
        };
        let mut all: DocumentMut = DEFAULTS
            .parse()
            .map_err(|e: toml_edit::TomlError| wrong(e.to_string()))?;
        let user: DocumentMut = user
            .parse()
            .map_err(|e: toml_edit::TomlError| wrong(e.to_string()))?;
        overlay(all.as_item_mut(), user.as_item());
        toml_edit::de::from_document(all).map_err(|e| wrong(e.message().to_owned()))
    }
}

fn overlay(below: &mut Item, above: &Item) {
    match (below.as_table_like_mut(), above.as_table_like()) {
        (Some(below), Some(above)) => {
            for (key, value) in above.iter() {
                match below.get_mut(key) {
                    Some(known) => overlay(known, value),
                    None => {
                        below.insert(key, value.clone());
                    }
                }
            }
        }
        _ => *below = above.clone(),
    }
}

/// The folder of the user's own files: `$RETAKE_CONFIG_DIR`, else `retake` in the system's place for settings.
pub fn user_folder() -> Option<PathBuf> {
    set("RETAKE_CONFIG_DIR")
        .or_else(|| set("XDG_CONFIG_HOME").map(|p| p.join("retake")))
        .or_else(|| set("APPDATA").map(|p| p.join("retake")))
        .or_else(|| set("HOME").map(|p| p.join(".config").join("retake")))
}

/// The folder of what can be made anew: `$RETAKE_CACHE_DIR`, else `retake` in the system's place for caches.
pub fn cache_folder() -> Option<PathBuf> {
    set("RETAKE_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|p| p.join("retake")))
        .or_else(|| set("LOCALAPPDATA").map(|p| p.join("retake")))
        .or_else(|| set("HOME").map(|p| p.join(".cache").join("retake")))
}

/// The folder of models that were downloaded: `$RETAKE_MODELS_DIR`, else `retake/models` in the system's place for data.
pub fn models_folder() -> Option<PathBuf> {
    let folder = set("XDG_DATA_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| set("HOME").map(|p| p.join(".local").join("share")));
    set("RETAKE_MODELS_DIR").or_else(|| folder.map(|p| p.join("retake").join("models")))
}

/// A path that the environment sets.
fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_file_lies_over_the_defaults() {
        let config = Config::merged("[search]\nlimit = 3\n", Path::new("x")).expect("config");
        assert_eq!(config.search.limit, 3);
        assert_eq!(config.read, Config::load(None).expect("defaults").read);
    }

    #[test]
    fn servers_have_names() {
        let text = "[models.big]\nbase_url = \"http://a/v1\"\nkey_env = \"A_KEY\"\n";
        let config = Config::merged(text, Path::new("x")).expect("config");
        assert_eq!(config.models["big"].key_env.as_deref(), Some("A_KEY"));
        assert_eq!(config.models["big"].model, None);
        // A key itself has no place in a file.
        let key = format!("{text}key = \"sk-1\"\n");
        assert!(Config::merged(&key, Path::new("x")).is_err());
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = Config::merged("[search]\nlimits = 3\n", Path::new("my.toml"))
            .expect_err("unknown")
            .to_string();
        assert!(
            error.contains("my.toml") && error.contains("limits"),
            "{error}"
        );
    }
}
