use super::ModelError;
use super::config::Section;

/// The numbers of a language model: a stack of layers with rotary positions, as Llama and Qwen have it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderConfig {
    /// Tokens that there are.
    pub vocabulary: usize,
    /// Numbers for each token between layers.
    pub hidden: usize,
    /// Numbers for each token inside the feed-forward part.
    pub intermediate: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / key_value_heads` heads of queries.
    pub key_value_heads: usize,
    /// Numbers for each head.
    pub head: usize,
    /// What is added to a variance before its root.
    pub epsilon: f64,
    /// Tokens that fit in a context.
    pub context: usize,
    /// Whether queries, keys and values have a bias.
    pub has_attention_bias: bool,
    /// Whether the output of attention has a bias.
    pub has_output_bias: bool,
    /// Whether the feed-forward part has biases.
    pub has_feed_forward_bias: bool,
    /// Whether queries and keys are normalised for each head (Qwen3).
    pub has_head_norms: bool,
    /// Whether the head that gives logits is the table of token embeddings.
    pub is_tied: bool,
    /// How positions turn queries and keys.
    pub rotary: RotaryConfig,
}

/// How positions turn queries and keys.
#[derive(Debug, Clone, PartialEq)]
pub struct RotaryConfig {
    /// The base of the frequencies.
    pub theta: f64,
    /// How frequencies are stretched for long contexts.
    pub scaling: RotaryScaling,
    /// For each frequency the axis of positions that it turns by: 0 time (or the only one), 1 row, 2 column.
    pub axes: Vec<usize>,
}

/// How frequencies are stretched.
#[derive(Debug, Clone, PartialEq)]
pub enum RotaryScaling {
    /// Not at all.
    None,
    /// All by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Low ones by a factor, high ones not, and those between by degrees (Llama 3).
    Llama3 {
        /// The factor.
        factor: f64,
        /// Turns in the original context below which a frequency is low.
        low: f64,
        /// Turns in the original context above which a frequency is high.
        high: f64,
        /// The original context.
        context: f64,
    },
    /// Each by a factor of its own (`rope_freqs` of GGUF files).
    Each {
        /// The factor of each frequency.
        factors: Vec<f32>,
    },
}

/// What a `config.json` that is made of a GGUF file calls factors of its own for each frequency.
pub(super) const FACTORS: &str = "factors";

/// How the axes of positions share the frequencies (m-RoPE).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AxisOrder {
    /// There is one axis.
    One,
    /// Blocks of frequencies, one for each axis (Qwen2-VL, Qwen2.5-VL).
    Blocks,
    /// Axes take turns (Qwen3-VL).
    Interleaved,
}

/// What a family of models does in its own way, beyond what its `config.json` says.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecoderFamily {
    /// The epsilon where the file has none.
    pub epsilon: f64,
    /// The base of the frequencies where the file has none.
    pub theta: f64,
    /// Whether queries, keys and values have a bias although no file says so.
    pub has_attention_bias: bool,
    /// Whether queries and keys are normalised for each head.
    pub has_head_norms: bool,
    /// The axes of positions.
    pub axes: AxisOrder,
}

impl DecoderFamily {
    /// Llama.
    pub const LLAMA: Self = Self {
        epsilon: 1e-6,
        theta: 10_000.0,
        has_attention_bias: false,
        has_head_norms: false,
        axes: AxisOrder::One,
    };
    /// Llama inside SmolVLM and Idefics3.
    pub const IDEFICS: Self = Self {
        epsilon: 1e-5,
        ..Self::LLAMA
    };
    /// Qwen2 inside Qwen2-VL and Qwen2.5-VL.
    pub const QWEN2: Self = Self {
        epsilon: 1e-5,
        theta: 1_000_000.0,
        has_attention_bias: true,
        has_head_norms: false,
        axes: AxisOrder::Blocks,
    };
    /// Qwen3 inside Qwen3-VL.
    pub const QWEN3: Self = Self {
        epsilon: 1e-6,
        theta: 500_000.0,
        has_attention_bias: false,
        has_head_norms: true,
        axes: AxisOrder::Interleaved,
    };
}

impl DecoderConfig {
    /// Reads the section of a language model. `whole` is the file, which has what the section lacks in some layouts.
    pub(super) fn read(
        section: &Section<'_>,
        whole: &Section<'_>,
        family: &DecoderFamily,
    ) -> Result<Self, ModelError> {
        if let Some(activation) = section.text("hidden_act")
            && !matches!(activation, "silu" | "swish")
        {
            return Err(section.error("hidden_act", format!("is `{activation}`; known is `silu`")));
        }
        if section.flag_or("use_sliding_window", false)? {
            return Err(section.error(
                "use_sliding_window",
                "is true; models with a sliding window are not known",
            ));
        }
        let hidden = section.count("hidden_size")?;
        let heads = section.count("num_attention_heads")?;
        let key_value_heads = section.count_or("num_key_value_heads", heads)?;
        section.divides("num_attention_heads", heads, key_value_heads)?;
        let head = match section.has("head_dim") {
            true => section.count("head_dim")?,
            false => section.divides("hidden_size", hidden, heads)?,
        };
        section.divides("head_dim", head, 2)?;
        let bias = section.flag_or("attention_bias", false)?;
        let tied = section.flag_or("tie_word_embeddings", false)?;
        Ok(Self {
            vocabulary: section.count("vocab_size")?,
            hidden,
            intermediate: section.count("intermediate_size")?,
            layers: section.count("num_hidden_layers")?,
            heads,
            key_value_heads,
            head,
            epsilon: section.number_or("rms_norm_eps", family.epsilon)?,
            context: section.count_or("max_position_embeddings", 2048)?,
            has_attention_bias: bias || family.has_attention_bias,
            has_output_bias: bias,
            has_feed_forward_bias: section.flag_or("mlp_bias", false)?,
            has_head_norms: family.has_head_norms,
            // The file's own word counts: a part may have the default of its kind.
            is_tied: whole.flag_or("tie_word_embeddings", tied)?,
            rotary: RotaryConfig::read(section, family, head / 2)?,
        })
    }
}

impl RotaryConfig {
    /// `rope_parameters` (newer) or `rope_scaling` and `rope_theta` (older), for so many frequencies.
    fn read(
        section: &Section<'_>,
        family: &DecoderFamily,
        frequencies: usize,
    ) -> Result<Self, ModelError> {
        let newer = section.inside("rope_parameters");
        let older = section.inside("rope_scaling");
        let own = newer.as_ref().or(older.as_ref());
        let theta = section.number_or("rope_theta", family.theta)?;
        let theta = match &newer {
            Some(newer) => newer.number_or("rope_theta", theta)?,
            None => theta,
        };
        if theta <= 1.0 {
            return Err(section.error("rope_theta", "is not above 1"));
        }
        let sections = match own {
            Some(own) => own.counts("mrope_section")?,
            None => None,
        };
        Ok(Self {
            theta,
            scaling: own.map_or(Ok(RotaryScaling::None), |own| {
                RotaryScaling::read(own, frequencies)
            })?,
            axes: axes(section, family.axes, sections, frequencies)?,
        })
    }
}

impl RotaryScaling {
    fn read(section: &Section<'_>, frequencies: usize) -> Result<Self, ModelError> {
        let kind = section.text("rope_type").or_else(|| section.text("type"));
        let demanded = |name: &str| match section.number_or(name, f64::NAN)? {
            number if number > 0.0 => Ok(number),
            _ => Err(section.error(name, "is missing or not above 0")),
        };
        match kind.unwrap_or("default") {
            "default" | "mrope" => Ok(Self::None),
            "linear" => Ok(Self::Linear {
                factor: demanded("factor")?,
            }),
            "llama3" => Ok(Self::Llama3 {
                factor: demanded("factor")?,
                low: demanded("low_freq_factor")?,
                high: demanded("high_freq_factor")?,
                context: demanded("original_max_position_embeddings")?,
            }),
            FACTORS => {
                let factors = section.numbers(FACTORS)?.unwrap_or_default();
                if factors.len() != frequencies || factors.iter().any(|factor| *factor <= 0.0) {
                    let problem = format!("are no {frequencies} numbers above 0");
                    return Err(section.error(FACTORS, problem));
                }
                Ok(Self::Each {
                    factors: factors.into_iter().map(|factor| factor as f32).collect(),
                })
            }
            other => Err(section.error(
                "rope_type",
                format!("is `{other}`; known are default, mrope, linear and llama3"),
            )),
        }
    }
}

/// The axis of each frequency.
fn axes(
    section: &Section<'_>,
    order: AxisOrder,
    sections: Option<Vec<usize>>,
    frequencies: usize,
) -> Result<Vec<usize>, ModelError> {
    if order == AxisOrder::One {
        return Ok(vec![0; frequencies]);
    }
    let wrong = || {
        let problem = format!("is no list of three counts with the sum {frequencies}");
        section.error("mrope_section", problem)
    };
    let sections = sections.ok_or_else(wrong)?;
    let [time, rows, columns] = sections[..] else {
        return Err(wrong());
    };
    match order {
        AxisOrder::Interleaved => {
            // Rows and columns take every third frequency from 1 and 2 on, within three times their count.
            let axis = |frequency: usize| match frequency % 3 {
                1 if frequency < rows.saturating_mul(3) => 1,
                2 if frequency < columns.saturating_mul(3) => 2,
                _ => 0,
            };
            Ok((0..frequencies).map(axis).collect())
        }
        _ => {
            if time.saturating_add(rows).saturating_add(columns) != frequencies {
                return Err(wrong());
            }
            let blocks = [(0, time), (1, rows), (2, columns)];
            Ok(blocks
                .into_iter()
                .flat_map(|(axis, count)| std::iter::repeat_n(axis, count))
                .collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::model_folder::Settings;

    fn read(change: Value, family: &DecoderFamily) -> Result<DecoderConfig, ModelError> {
        let mut values = json!({
            "vocab_size": 100, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 6,
            "num_key_value_heads": 2,
        });
        let members = values.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        let settings = Settings {
            path: "config.json".into(),
            values: members.clone(),
        };
        let whole = Section::whole(&settings);
        DecoderConfig::read(&whole, &whole, family)
    }

    #[test]
    fn what_a_file_leaves_out_is_the_familys() {
        let config = read(json!({}), &DecoderFamily::LLAMA).unwrap();
        assert_eq!((config.head, config.context), (8, 2048));
        assert_eq!((config.epsilon, config.rotary.theta), (1e-6, 1e4));
        assert_eq!(config.rotary.axes, [0; 4]);
        assert!(!config.is_tied && !config.has_attention_bias);
        let config = read(
            json!({"rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}, "rope_theta": 5e5}),
            &DecoderFamily::QWEN2,
        )
        .unwrap();
        assert_eq!(config.rotary.axes, [0, 1, 2, 2]);
        assert_eq!(config.rotary.theta, 5e5);
        assert!(config.has_attention_bias && !config.has_output_bias);
    }

    #[test]
    fn interleaved_axes_take_turns_within_their_count() {
        let axes = |sections: [usize; 3], head: usize| {
            let change = json!({"head_dim": head, "rope_parameters": {"mrope_section": sections}});
            read(change, &DecoderFamily::QWEN3).unwrap().rotary.axes
        };
        assert_eq!(axes([1, 1, 2], 8), [0, 1, 2, 0]);
        assert_eq!(axes([4, 2, 2], 16), [0, 1, 2, 0, 1, 2, 0, 0]);
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        let cases = [
            (json!({"num_key_value_heads": 4}), "num_attention_heads"),
            (json!({"head_dim": 7}), "head_dim"),
            (json!({"hidden_act": "relu"}), "hidden_act"),
            (json!({"use_sliding_window": true}), "use_sliding_window"),
            (
                json!({"rope_scaling": {"rope_type": "yarn"}}),
                "rope_scaling.rope_type",
            ),
            (
                json!({"rope_scaling": {"rope_type": "llama3", "factor": 8}}),
                "low_freq_factor",
            ),
            (json!({"rope_theta": 0.5}), "rope_theta"),
        ];
        for (change, member) in cases {
            let error = read(change, &DecoderFamily::LLAMA).unwrap_err().to_string();
            assert!(error.contains(member), "{error}");
        }
        let error = read(json!({}), &DecoderFamily::QWEN2).unwrap_err();
        assert!(error.to_string().contains("mrope_section"), "{error}");
    }
}
