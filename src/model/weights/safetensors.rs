use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use burn::store::burn_pack::Tensor as Stored;
use burn::store::{ModuleStore, SafetensorsStore, bridge};
use burn::tensor::DType;

use super::{TensorEntry, TensorSource};
use crate::model::ModelError;
use crate::model::model_folder::Settings;

/// The safetensors files of a model: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
///
/// Files are mapped; until a tensor is asked for, only headers are read.
pub(in crate::model) struct SafetensorsFolder {
    tensors: BTreeMap<String, (PathBuf, Stored)>,
}

impl SafetensorsFolder {
    const SINGLE: &'static str = "model.safetensors";
    const INDEX: &'static str = "model.safetensors.index.json";

    /// Reads the headers of a model's folder.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let single = folder.join(Self::SINGLE);
        if single.is_file() {
            return Self::of_files([single]);
        }
        let Some(index) = Settings::read(folder, Self::INDEX)? else {
            return Err(ModelError::Missing {
                folder: folder.to_owned(),
                file: Self::SINGLE,
            });
        };
        let wrong = |reason: String| ModelError::Weights {
            path: index.path.clone(),
            reason,
        };
        let map = index
            .object("weight_map")
            .ok_or_else(|| wrong("it has no `weight_map`".to_owned()))?;
        let mut shards = BTreeSet::new();
        for file in map.values() {
            // A name that leads out of the folder is not followed.
            let name = file
                .as_str()
                .filter(|name| !name.is_empty() && !name.contains(['/', '\\']) && *name != "..")
                .ok_or_else(|| wrong(format!("{file} in `weight_map` is no file name")))?;
            shards.insert(folder.join(name));
        }
        if let Some(missing) = shards.iter().find(|shard| !shard.is_file()) {
            let name = missing.file_name().unwrap_or_default().to_string_lossy();
            return Err(wrong(format!(
                "it names the shard {name}, which is missing"
            )));
        }
        Self::of_files(shards)
    }

    /// Its files.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let files: BTreeSet<&Path> = self
            .tensors
            .values()
            .map(|(path, _)| path.as_path())
            .collect();
        files.into_iter()
    }

    /// Reads the headers of these files.
    pub fn of_files(paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, ModelError> {
        let mut tensors = BTreeMap::new();
        for path in paths {
            let mut store = SafetensorsStore::from_file(&path);
            let found = store.get_all_tensors().map_err(|e| failure(&path, &e))?;
            for (name, tensor) in found {
                let earlier = tensors.insert(name.clone(), (path.clone(), tensor.clone()));
                if let Some((other, _)) = earlier {
                    let reason = format!("`{name}` is in {} as well", other.display());
                    return Err(ModelError::Weights { path, reason });
                }
            }
        }
        Ok(Self { tensors })
    }
}

impl TensorSource for SafetensorsFolder {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn entry(&self, name: &str) -> Option<TensorEntry> {
        let (_, tensor) = self.tensors.get(name)?;
        Some(TensorEntry {
            shape: tensor.shape.to_vec(),
            kind: format!("{:?}", tensor.dtype).to_lowercase(),
            is_readable: matches!(tensor.dtype, DType::F32 | DType::F16 | DType::BF16),
        })
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let Some((path, tensor)) = self.tensors.get(name) else {
            return Err(ModelError::Weights {
                path: PathBuf::new(),
                reason: format!("`{name}` is missing"),
            });
        };
        let data = bridge::to_data(tensor).map_err(|e| failure(path, &e))?;
        data.try_into_vec_as().map_err(|e| failure(path, &e))
    }
}

fn failure(path: &Path, error: &dyn std::fmt::Display) -> ModelError {
    ModelError::Weights {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
