use crate::model::ModelError;
use crate::model::config::Section;
use crate::model::decoder_config::DecoderConfig;
use crate::model::layers::Activation;
use crate::model::qwen2_5_vl::WindowConfig;
use crate::model::qwen3_vl::DeepConfig;

/// What tells one vision part from another.
#[derive(Debug)]
pub(in crate::model) struct VisionFamily {
    /// The member that has its width, and the width where there is none.
    pub width: (&'static str, usize),
    /// The width between the layers of a feed-forward part where no member says; `None` where `mlp_ratio` settles it.
    pub intermediate: Option<usize>,
    /// Layers where no member says.
    pub depth: usize,
    /// Pixels of a patch's side where no member says.
    pub patch: usize,
    /// The function between the layers of a feed-forward part where no member says.
    pub activation: Activation,
    /// Whether norms are without mean and bias.
    pub has_plain_norms: bool,
    /// Whether patches are projected with a bias.
    pub has_patch_bias: bool,
    /// What a feed-forward part is made of.
    pub feed_forward: FeedForwardNames,
    /// The norm and the two layers that make a token of a square of patches.
    pub merger: [&'static str; 3],
    /// Whether most layers see windows alone.
    pub has_windows: bool,
    /// Whether positions are learned, and what inner layers see is told.
    pub is_deep: bool,
}

/// The names of a feed-forward part's tensors.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) enum FeedForwardNames {
    /// Two layers of these names.
    Plain(&'static str, &'static str),
    /// With a gate: `gate_proj`, `up_proj` and `down_proj`.
    Gated,
}

/// The numbers of a vision part.
#[derive(Debug, Clone)]
pub(in crate::model) struct VisionConfig {
    /// What it is one of.
    pub family: &'static VisionFamily,
    /// Numbers of a patch between layers.
    pub width: usize,
    /// The width inside a feed-forward part.
    pub intermediate: usize,
    /// Layers.
    pub depth: usize,
    /// Heads of attention; `width / heads` is a multiple of four.
    pub heads: usize,
    /// Colours of a pixel.
    pub channels: usize,
    /// Pixels of a patch's side.
    pub patch: usize,
    /// Frames of a patch.
    pub frames: usize,
    /// Patches of a side of the square that becomes one token.
    pub merge: usize,
    /// The width of the language model.
    pub hidden: usize,
    /// The base of the frequencies of patches' positions.
    pub theta: f64,
    /// The function inside a feed-forward part.
    pub activation: Activation,
    /// Windows, where layers see them.
    pub windows: Option<WindowConfig>,
    /// Learned positions and inner layers, where the family has them.
    pub deep: Option<DeepConfig>,
}

impl VisionConfig {
    /// Reads `vision_config`.
    pub fn read(
        whole: &Section<'_>,
        decoder: &DecoderConfig,
        family: &'static VisionFamily,
    ) -> Result<Self, ModelError> {
        let vision = whole.demanded("vision_config")?;
        let (name, width) = family.width;
        let width = vision.count_or(name, width)?;
        let heads = vision.count_or("num_heads", 16)?;
        let head = vision.divides(name, width, heads)?;
        vision.divides(name, head, 4)?;
        let out = vision.count_or("out_hidden_size", decoder.hidden)?;
        if out != decoder.hidden {
            let problem = format!("is {out}, and the language model has {}", decoder.hidden);
            return Err(vision.error("out_hidden_size", problem));
        }
        let intermediate = match family.intermediate {
            Some(count) => vision.count_or("intermediate_size", count)?,
            None => (width as f64 * vision.number_or("mlp_ratio", 4.0)?) as usize,
        };
        let theta = vision.inside("rope_parameters");
        let theta = theta.map_or(Ok(10_000.0), |rotary| {
            rotary.number_or("rope_theta", 10_000.0)
        });
        let depth = vision.count_or("depth", family.depth)?;
        let patch = vision.count_or("patch_size", family.patch)?;
        let merge = vision.count_or("spatial_merge_size", 2)?;
        Ok(Self {
            family,
            width,
            intermediate,
            depth,
            heads,
            channels: vision.count_or("in_channels", 3)?,
            patch,
            frames: vision.count_or("temporal_patch_size", 2)?,
            merge,
            hidden: decoder.hidden,
            theta: theta?,
            activation: Activation::read(&vision, family.activation)?,
            windows: match family.has_windows {
                true => Some(WindowConfig::read(&vision, patch, merge)?),
                false => None,
            },
            deep: match family.is_deep {
                true => Some(DeepConfig::read(&vision, depth, decoder.layers)?),
                false => None,
            },
        })
    }
}
