use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ModelError;

/// The text of a file in a model's folder; `None` where there is none.
pub(super) fn text(folder: &Path, name: &str) -> Result<Option<String>, ModelError> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ModelError::Read { path, source }),
    }
}

/// An object of settings in a model's folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub path: PathBuf,
    pub values: Map<String, Value>,
}

impl Settings {
    /// Reads `name`; `None` where there is none.
    pub fn read(folder: &Path, name: &str) -> Result<Option<Self>, ModelError> {
        let path = folder.join(name);
        let Some(text) = text(folder, name)? else {
            return Ok(None);
        };
        match serde_json::from_str(&text) {
            Ok(values) => Ok(Some(Self { path, values })),
            Err(source) => Err(ModelError::Json { path, source }),
        }
    }

    /// A member that is an object.
    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.values.get(name)?.as_object()
    }

    /// A member that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }
}
