use std::path::Path;

use serde_json::Value;

use super::model_folder::Settings;
use super::{ModelError, PictureSize};

/// What a picture becomes in the text of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PictureText {
    /// What stands in the place of [`PictureTokens::placeholder`].
    pub text: String,
    /// Tokens that it takes beyond those of `text`, where the placeholder is there once and counts many times.
    pub more_tokens: usize,
}

/// How many tokens a model takes for a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureTokens(Family);

/// The two ways in which pictures become tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Family {
    /// By squares of patches.
    Qwen(PatchGrid),
    /// By tiles.
    Idefics(Tiles),
}

/// The settings of `Qwen2VLImageProcessor`: a token for each square of `merge_size`² patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatchGrid {
    pub is_resized: bool,
    pub patch_size: u32,
    pub merge_size: u32,
    min_pixels: u64,
    max_pixels: u64,
}

/// The settings of `Idefics3Processor` and its image processor: tiles of a fixed side, and the whole picture once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tiles {
    pub is_resized: bool,
    is_split: bool,
    longest_edge: u32,
    pub tile_edge: u32,
    tokens_of_tile: usize,
}

/// What no side of a picture is resized beyond.
const LARGEST_EDGE: u32 = 4096;

impl PictureTokens {
    /// Reads the settings of a model's folder: `config.json`, `preprocessor_config.json` and `processor_config.json`.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        Ok(Self::with_settings(folder)?.0)
    }

    /// As [`Self::open`], and the settings of the image processor.
    pub(super) fn with_settings(folder: &Path) -> Result<(Self, Settings), ModelError> {
        let missing = |file| ModelError::Missing {
            folder: folder.to_owned(),
            file,
        };
        let config = Settings::read(folder, "config.json")?;
        let config = config.ok_or_else(|| missing("config.json"))?;
        let processor = Settings::read(folder, "processor_config.json")?.unwrap_or_default();
        let pictures = Settings::read(folder, "preprocessor_config.json")?;
        // Newer versions keep the image processor's settings inside those of the processor.
        let inside = processor.object("image_processor").map(|values| Settings {
            path: processor.path.clone(),
            values: values.clone(),
        });
        let pictures = pictures
            .or(inside)
            .ok_or_else(|| missing("preprocessor_config.json"))?;
        let model_type = config.text("model_type").unwrap_or_default();
        let family = match model_type {
            "qwen2_vl" | "qwen2_5_vl" | "qwen3_vl" | "qwen3_vl_moe" | "qwen3_5" | "qwen3_5_moe" => {
                Family::Qwen(PatchGrid::from_settings(&pictures))
            }
            "idefics3" | "smolvlm" => Family::Idefics(Tiles::from_settings(&pictures, &processor)),
            _ => return Err(ModelError::UnknownModel(model_type.to_owned())),
        };
        Ok((Self(family), pictures))
    }

    /// The way in which pictures become tokens.
    pub(super) fn family(&self) -> &Family {
        &self.0
    }

    /// What a chat template writes for a picture.
    pub fn placeholder(&self) -> &'static str {
        match self.0 {
            Family::Qwen(_) => "<|image_pad|>",
            Family::Idefics(_) => "<image>",
        }
    }

    /// A templated text in which each placeholder is as often as its picture has tokens.
    pub(super) fn expand(
        &self,
        text: &str,
        pictures: &[PictureSize],
    ) -> Result<String, ModelError> {
        let placeholder = self.placeholder();
        let placeholders = text.matches(placeholder).count();
        if placeholders != pictures.len() {
            return Err(ModelError::Placeholders {
                placeholder,
                placeholders,
                pictures: pictures.len(),
            });
        }
        let mut pieces = text.split(placeholder);
        let mut expanded = pieces.next().unwrap_or_default().to_owned();
        for (picture, piece) in pictures.iter().zip(pieces) {
            let picture = self.text_of(*picture)?;
            let once = picture.text.matches(placeholder).count();
            // Those of one picture are as often as each other.
            let repeated = placeholder.repeat(picture.more_tokens / once.max(1) + 1);
            expanded += &picture.text.replace(placeholder, &repeated);
            expanded += piece;
        }
        Ok(expanded)
    }

    /// What the processor makes of the placeholder.
    pub(super) fn text_of(&self, size: PictureSize) -> Result<PictureText, ModelError> {
        let shape = |reason| ModelError::PictureShape {
            width: size.width,
            height: size.height,
            reason,
        };
        if size.width == 0 || size.height == 0 {
            return Err(shape("it has none"));
        }
        let placeholder = self.placeholder();
        match &self.0 {
            Family::Qwen(grid) => {
                let tokens = grid
                    .tokens(size)
                    .ok_or_else(|| shape("one side is more than 200 times as long as the other"))?;
                Ok(PictureText {
                    text: placeholder.to_owned(),
                    more_tokens: tokens.saturating_sub(1),
                })
            }
            Family::Idefics(tiles) => {
                let (rows, columns) = tiles.split(size);
                let text = tile_text(rows, columns, placeholder);
                let count = rows * columns + 1;
                Ok(PictureText {
                    text,
                    more_tokens: count * tiles.tokens_of_tile.saturating_sub(1),
                })
            }
        }
    }
}

fn number(value: Option<&Value>) -> Option<u64> {
    value?.as_u64()
}

fn side(value: Option<&Value>) -> Option<u32> {
    number(value)?.try_into().ok().filter(|side| *side > 0)
}

impl PatchGrid {
    fn from_settings(settings: &Settings) -> Self {
        let size = settings.object("size");
        let of_size = |name: &str| number(size.and_then(|size| size.get(name)));
        let own = |name: &str| settings.values.get(name);
        Self {
            is_resized: own("do_resize").and_then(Value::as_bool).unwrap_or(true),
            patch_size: side(own("patch_size")).unwrap_or(14),
            merge_size: side(own("merge_size")).unwrap_or(2),
            min_pixels: number(own("min_pixels"))
                .or_else(|| of_size("shortest_edge"))
                .unwrap_or(56 * 56),
            max_pixels: number(own("max_pixels"))
                .or_else(|| of_size("longest_edge"))
                .unwrap_or(28 * 28 * 1280),
        }
    }

    /// A token for each square; `None` for a shape that is refused.
    fn tokens(&self, size: PictureSize) -> Option<usize> {
        let (rows, columns) = self.squares(size)?;
        Some(rows * columns)
    }

    /// `smart_resize`: rows and columns of squares; `None` for a shape that it refuses.
    pub fn squares(&self, size: PictureSize) -> Option<(usize, usize)> {
        let (height, width) = (f64::from(size.height), f64::from(size.width));
        if height.max(width) / height.min(width) > 200.0 {
            return None;
        }
        let factor = f64::from(self.patch_size) * f64::from(self.merge_size);
        let (min, max) = (self.min_pixels as f64, self.max_pixels as f64);
        // Python rounds halves to even.
        let mut rows = (height / factor).round_ties_even();
        let mut columns = (width / factor).round_ties_even();
        let pixels = rows * factor * columns * factor;
        if pixels > max {
            let beta = (height * width / max).sqrt();
            rows = (height / beta / factor).floor().max(1.0);
            columns = (width / beta / factor).floor().max(1.0);
        } else if pixels < min {
            let beta = (min / (height * width)).sqrt();
            rows = (height * beta / factor).ceil();
            columns = (width * beta / factor).ceil();
        }
        Some((rows as usize, columns as usize))
    }
}

impl Tiles {
    fn from_settings(pictures: &Settings, processor: &Settings) -> Self {
        let edge = |name: &str| side(pictures.object(name)?.get("longest_edge"));
        let is = |name: &str| pictures.values.get(name).and_then(Value::as_bool);
        let tokens_of_tile = number(processor.values.get("image_seq_len"));
        Self {
            is_resized: is("do_resize").unwrap_or(true),
            is_split: is("do_image_splitting").unwrap_or(true),
            longest_edge: edge("size").unwrap_or(4 * 364),
            tile_edge: edge("max_image_size").unwrap_or(364),
            tokens_of_tile: tokens_of_tile
                .and_then(|n| n.try_into().ok())
                .unwrap_or(169),
        }
    }

    /// Rows and columns of tiles; none where the picture is one tile.
    ///
    /// `resize`, `resize_for_vision_encoder` and `split_images` of the image processor, with their arithmetic of floats.
    pub fn split(&self, size: PictureSize) -> (usize, usize) {
        if !self.is_split {
            return (0, 0);
        }
        let (mut height, mut width) = (f64::from(size.height), f64::from(size.width));
        if self.is_resized {
            (height, width) = self.to_edge(height, width);
        }
        let tile = f64::from(self.tile_edge);
        let up = |side: f64| (side / tile).ceil() * tile;
        let aspect = width / height;
        if width >= height {
            width = up(width);
            height = up((width / aspect).trunc());
        } else {
            height = up(height);
            width = up((height * aspect).trunc());
        }
        match height > tile || width > tile {
            true => ((height / tile) as usize, (width / tile) as usize),
            false => (0, 0),
        }
    }
}

impl Tiles {
    /// Height and width after the first resizing.
    pub fn first_size(&self, size: PictureSize) -> (u32, u32) {
        let (height, width) = self.to_edge(f64::from(size.height), f64::from(size.width));
        (height as u32, width as u32)
    }

    fn to_edge(&self, height: f64, width: f64) -> (f64, f64) {
        let (height, width) = to_longest_edge(height, width, f64::from(self.longest_edge));
        below(height, width, f64::from(LARGEST_EDGE))
    }
}

/// `_resize_output_size_rescale_to_max_len`.
fn to_longest_edge(height: f64, width: f64, edge: f64) -> (f64, f64) {
    let aspect = width / height;
    let even = |side: f64| side + side % 2.0;
    let (height, width) = match width >= height {
        true => (even((edge / aspect).trunc()), edge),
        false => (edge, even((edge * aspect).trunc())),
    };
    (height.max(1.0), width.max(1.0))
}

/// `_resize_output_size_scale_below_upper_bound`.
fn below(height: f64, width: f64, edge: f64) -> (f64, f64) {
    let aspect = width / height;
    let (height, width) = if width >= height && width > edge {
        ((edge / aspect).trunc(), edge)
    } else if height > width && height > edge {
        (edge, (edge * aspect).trunc())
    } else {
        (height, width)
    };
    (height.max(1.0), width.max(1.0))
}

/// `replace_image_token`, each tile's tokens written once.
fn tile_text(rows: usize, columns: usize, placeholder: &str) -> String {
    const AROUND: &str = "<fake_token_around_image>";
    let mut text = String::new();
    for row in 1..=rows {
        for column in 1..=columns {
            text += &format!("{AROUND}<row_{row}_col_{column}>{placeholder}");
        }
        text.push('\n');
    }
    if rows > 0 {
        text.push('\n');
    }
    text + &format!("{AROUND}<global-img>{placeholder}{AROUND}")
}
