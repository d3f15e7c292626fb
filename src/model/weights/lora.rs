use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{SafetensorsFolder, TensorProblem, TensorSource};
use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::model_folder::Settings;
use burn::tensor::{Device, Tensor, TensorData};

/// A LoRA adapter (Hu et al. 2021) in the layout of PEFT: `adapter_config.json` and `adapter_model.safetensors`. Its products
/// are added to a model's weights as these are loaded.
pub(in crate::model) struct Adapter {
    path: PathBuf,
    source: SafetensorsFolder,
    /// By the name of the weight that each changes.
    changes: BTreeMap<String, Change>,
    /// Tensors that nothing is known to do with.
    unknown: Vec<String>,
}

/// What is added to a weight: `scale · b · a`.
struct Change {
    a: String,
    b: String,
    scale: f32,
    /// Whether `a` and `b` belong to a table of embeddings, which PEFT turns round.
    is_embedding: bool,
}

impl Adapter {
    const CONFIG: &'static str = "adapter_config.json";
    const WEIGHTS: &'static str = "adapter_model.safetensors";

    /// Reads the headers of an adapter's folder.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let missing = |file| ModelError::Missing {
            folder: folder.to_owned(),
            file,
        };
        let config = Settings::read(folder, Self::CONFIG)?.ok_or_else(|| missing(Self::CONFIG))?;
        let section = Section::whole(&config);
        let kind = section.text("peft_type").unwrap_or("LORA");
        if kind != "LORA" {
            return Err(section.error("peft_type", format!("is `{kind}`; known is `LORA`")));
        }
        for flag in ["use_dora", "lora_bias", "fan_in_fan_out"] {
            if section.flag_or(flag, false)? {
                return Err(section.error(flag, "is true, which is not known"));
            }
        }
        if !matches!(section.text("bias"), None | Some("none")) {
            return Err(section.error(
                "bias",
                "is not `none`; adapters that change biases are not known",
            ));
        }
        let path = folder.join(Self::WEIGHTS);
        if !path.is_file() {
            return Err(missing(Self::WEIGHTS));
        }
        let source = SafetensorsFolder::of_files([path.clone()])?;
        let scales = Scales::read(&section)?;
        let (mut changes, mut unknown) = (BTreeMap::new(), Vec::new());
        for name in source.names() {
            let plain = name.strip_prefix("base_model.model.").unwrap_or(&name);
            let linear = plain.strip_suffix(".lora_A.weight");
            let table = plain.strip_suffix(".lora_embedding_A");
            if let Some(module) = linear.or(table) {
                let scale = scales.of(module)?;
                let other = name.replace(".lora_A.", ".lora_B.");
                let other = other.replace(".lora_embedding_A", ".lora_embedding_B");
                let change = Change {
                    b: other,
                    a: name.clone(),
                    scale,
                    is_embedding: table.is_some(),
                };
                changes.insert(format!("{module}.weight"), change);
            } else if !plain.ends_with(".lora_B.weight") && !plain.ends_with(".lora_embedding_B") {
                unknown.push(name);
            }
        }
        Ok(Self {
            path,
            source,
            changes,
            unknown,
        })
    }

    /// Names its weights as these files do: versions of `transformers` name the parts of Qwen's models in two ways.
    pub fn bind(&mut self, model: &dyn TensorSource) {
        for (one, other) in [
            ("model.language_model.", "model."),
            ("model.visual.", "visual."),
        ] {
            for (from, to) in [(one, other), (other, one)] {
                let missing = |weight: &&String| {
                    let renamed = weight.strip_prefix(from).map(|rest| format!("{to}{rest}"));
                    let renamed = renamed.is_some_and(|name| model.entry(&name).is_some());
                    renamed && model.entry(weight).is_none()
                };
                let weights: Vec<String> = self.changes.keys().filter(missing).cloned().collect();
                for weight in weights {
                    if let Some(change) = self.changes.remove(&weight) {
                        let renamed = weight.replacen(from, to, 1);
                        self.changes.insert(renamed, change);
                    }
                }
            }
        }
    }

    /// What is wrong with it for the model of these tensors.
    pub fn problems(&self, model: &dyn TensorSource) -> Vec<TensorProblem> {
        let mut problems: Vec<TensorProblem> = self
            .unknown
            .iter()
            .map(|name| TensorProblem::Extra {
                name: name.clone(),
                found: self.source.entry(name).map(|e| e.shape).unwrap_or_default(),
            })
            .collect();
        for (weight, change) in &self.changes {
            let a = self.source.entry(&change.a).map(|e| e.shape);
            let a = a.unwrap_or_default();
            let target = model.entry(weight).map(|entry| entry.shape);
            let (Some([outputs, inputs]), [rank, _]) = (target.as_deref(), a.as_slice()) else {
                problems.push(TensorProblem::Extra {
                    name: change.a.clone(),
                    found: a,
                });
                continue;
            };
            let wanted = match change.is_embedding {
                true => [[*rank, *outputs], [*inputs, *rank]],
                false => [[*rank, *inputs], [*outputs, *rank]],
            };
            for (name, wanted) in [&change.a, &change.b].into_iter().zip(wanted) {
                match self.source.entry(name) {
                    None => problems.push(TensorProblem::Missing {
                        name: name.clone(),
                        wanted: wanted.to_vec(),
                    }),
                    Some(entry) if entry.shape != wanted => problems.push(TensorProblem::Shape {
                        name: name.clone(),
                        wanted: wanted.to_vec(),
                        found: entry.shape,
                    }),
                    Some(entry) if !entry.is_readable => problems.push(TensorProblem::Type {
                        name: name.clone(),
                        found: entry.kind,
                    }),
                    Some(_) => {}
                }
            }
        }
        problems
    }

    /// Whether it changes a weight.
    pub fn changes(&self, name: &str) -> bool {
        self.changes.contains_key(name)
    }

    /// Adds its product to a weight, if it changes this one.
    pub fn merge(&self, name: &str, shape: &[usize], values: &mut [f32]) -> Result<(), ModelError> {
        let Some(change) = self.changes.get(name) else {
            return Ok(());
        };
        let device = Device::flex();
        let matrix = |name: &str| -> Result<Tensor<2>, ModelError> {
            let entry = self.source.entry(name);
            let shape = entry.map(|entry| entry.shape).unwrap_or_default();
            let [rows, columns] = shape[..] else {
                return Err(self.unusable(format!("`{name}` is no matrix")));
            };
            let data = TensorData::new(self.source.read(name)?, [rows, columns]);
            Ok(Tensor::from_data(data, &device))
        };
        let (a, b) = (matrix(&change.a)?, matrix(&change.b)?);
        let product = b.matmul(a);
        let product = match change.is_embedding {
            true => product.transpose(),
            false => product,
        };
        if product.dims()[..] != *shape {
            return Err(self.unusable(format!("its change of `{name}` has another shape")));
        }
        let product = product.mul_scalar(change.scale).into_data();
        let product = product.try_into_vec_as::<f32>();
        let product = product.map_err(|error| self.unusable(error.to_string()))?;
        for (value, change) in values.iter_mut().zip(product) {
            *value += change;
        }
        Ok(())
    }

    fn unusable(&self, reason: String) -> ModelError {
        ModelError::Weights {
            path: self.path.clone(),
            reason,
        }
    }
}

/// How strong the changes of each module are.
struct Scales<'a> {
    section: &'a Section<'a>,
    is_rank_stable: bool,
}

impl<'a> Scales<'a> {
    fn read(section: &'a Section<'a>) -> Result<Self, ModelError> {
        Ok(Self {
            section,
            is_rank_stable: section.flag_or("use_rslora", false)?,
        })
    }

    /// `alpha / rank`, or `alpha / √rank` where it is rank-stabilised; patterns may say otherwise for some modules.
    fn of(&self, module: &str) -> Result<f32, ModelError> {
        let rank = self.number("r", "rank_pattern", module, 8.0)?;
        let alpha = self.number("lora_alpha", "alpha_pattern", module, 8.0)?;
        let by = if self.is_rank_stable {
            rank.sqrt()
        } else {
            rank
        };
        Ok((alpha / by) as f32)
    }

    fn number(
        &self,
        name: &str,
        pattern: &str,
        module: &str,
        default: f64,
    ) -> Result<f64, ModelError> {
        let number = self.section.number_or(name, default)?;
        let patterns = self.section.entries(pattern);
        for (pattern, value) in patterns {
            // PEFT takes the key as an expression that the end of a module's name has to match.
            let expression = regex::Regex::new(&format!(r"(?:.*\.)?(?:{pattern})$"));
            let expression = expression.map_err(|_| {
                self.section
                    .error(name, format!("has the pattern `{pattern}`"))
            })?;
            if expression
                .find(module)
                .is_some_and(|found| found.start() == 0)
            {
                return Ok(value.as_f64().unwrap_or(number));
            }
        }
        Ok(number)
    }
}
