use std::path::Path;

use image::RgbImage;

use super::model_folder::Settings;
use super::picture_tokens::{Family, PatchGrid, Tiles};
use super::resampling::{Filter, resize};
use super::vision::Pixels;
use super::{ModelError, PictureSize, PictureTokens};

/// A model's image processor: what it makes of a picture's pixels.
///
/// Source: `image_processing_qwen2_vl.py`, `image_processing_idefics3.py` and `image_processing_smolvlm.py` of `transformers`.
#[derive(Debug, Clone, PartialEq)]
pub struct PicturePixels {
    tokens: PictureTokens,
    frames: usize,
    filter: Filter,
    /// For each channel what a byte is multiplied with, and what is then added.
    scale: [(f32, f32); 3],
}

impl PicturePixels {
    /// Reads the settings of a model's folder, as [`PictureTokens::open`] does.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let (tokens, settings) = PictureTokens::with_settings(folder)?;
        Self::new(tokens, &settings)
    }

    fn new(tokens: PictureTokens, settings: &Settings) -> Result<Self, ModelError> {
        let section = super::config::Section::whole(settings);
        let is_qwen = matches!(tokens.family(), Family::Qwen(_));
        let number = match settings.values.get("resample") {
            Some(number) => number.as_u64().unwrap_or(u64::MAX),
            None if is_qwen => 3,
            None => 1,
        };
        let filter = Filter::of(number).ok_or_else(|| {
            let problem =
                format!("is {number}; known are 1 (Lanczos), 2 (bilinear) and 3 (bicubic)");
            section.error("resample", problem)
        })?;
        let three = |name: &str, default: [f64; 3]| match settings.values.get(name) {
            None | Some(serde_json::Value::Null) => Ok(default),
            Some(value) => {
                let numbers = value.as_array().map(Vec::as_slice);
                match numbers.unwrap_or_default() {
                    [a, b, c] => a.as_f64().zip(b.as_f64()).zip(c.as_f64()),
                    _ => None,
                }
                .map(|((a, b), c)| [a, b, c])
                .ok_or_else(|| section.error(name, "is no list of three numbers"))
            }
        };
        let (mean, deviation) = match is_qwen {
            true => (
                [0.481_454_66, 0.457_827_5, 0.408_210_73],
                [0.268_629_54, 0.261_302_58, 0.275_777_11],
            ),
            false => ([0.5; 3], [0.5; 3]),
        };
        let mean = three("image_mean", mean)?;
        let deviation = three("image_std", deviation)?;
        if deviation.iter().any(|number| *number <= 0.0) {
            return Err(section.error("image_std", "is not above 0"));
        }
        let (rescales, normalizes) = (
            section.flag_or("do_rescale", true)?,
            section.flag_or("do_normalize", true)?,
        );
        let factor = match rescales {
            true => section.number_or("rescale_factor", 1.0 / 255.0)?,
            false => 1.0,
        };
        let channel = |place: usize| match normalizes {
            true => (factor / deviation[place], -mean[place] / deviation[place]),
            false => (factor, 0.0),
        };
        let single = |(a, b): (f64, f64)| (a as f32, b as f32);
        Ok(Self {
            frames: section.count_or("temporal_patch_size", 2)?,
            filter,
            scale: [0, 1, 2].map(|place| single(channel(place))),
            tokens,
        })
    }

    /// How many tokens pictures become.
    pub fn tokens(&self) -> &PictureTokens {
        &self.tokens
    }

    /// The pixels of a picture.
    pub fn process(&self, picture: &RgbImage) -> Result<Pixels, ModelError> {
        let size = PictureSize {
            width: picture.width(),
            height: picture.height(),
        };
        // Refuses what has no pixels, and what is too long.
        self.tokens.text_of(size)?;
        match self.tokens.family() {
            Family::Qwen(grid) => self.patches(picture, size, grid),
            Family::Idefics(tiles) => Ok(self.tiles(picture, size, tiles)),
        }
    }

    fn value(&self, channel: usize, byte: u8) -> f32 {
        let (factor, offset) = self.scale.get(channel).copied().unwrap_or((1.0, 0.0));
        f32::from(byte).mul_add(factor, offset)
    }

    fn patches(
        &self,
        picture: &RgbImage,
        size: PictureSize,
        grid: &PatchGrid,
    ) -> Result<Pixels, ModelError> {
        let squares = grid.squares(size).ok_or(ModelError::PictureShape {
            width: size.width,
            height: size.height,
            reason: "one side is more than 200 times as long as the other",
        })?;
        let (patch, merge) = (grid.patch_size as usize, grid.merge_size as usize);
        let (rows, columns) = (squares.0 * merge, squares.1 * merge);
        let (height, width) = (rows * patch, columns * patch);
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let picture = match grid.is_resized {
            true => resize(picture, side(width), side(height), self.filter),
            false => picture.clone(),
        };
        let mut values = Vec::with_capacity(height * width * 3 * self.frames);
        for square in 0..squares.0 * squares.1 {
            for inner in 0..merge * merge {
                let row = square / squares.1 * merge + inner / merge;
                let column = square % squares.1 * merge + inner % merge;
                for channel in 0..3 {
                    let start = values.len();
                    for y in row * patch..(row + 1) * patch {
                        for x in column * patch..(column + 1) * patch {
                            let byte = picture.get((y * width + x) * 3 + channel);
                            values.push(self.value(channel, byte.copied().unwrap_or(0)));
                        }
                    }
                    // A picture is a film that stands still.
                    let end = values.len();
                    for _ in 1..self.frames {
                        values.extend_from_within(start..end);
                    }
                }
            }
        }
        Ok(Pixels::Patches {
            values,
            grid: [1, rows, columns],
        })
    }

    fn tiles(&self, picture: &RgbImage, size: PictureSize, tiles: &Tiles) -> Pixels {
        let mut picture = picture.clone();
        if tiles.is_resized {
            let (height, width) = tiles.first_size(size);
            picture = resize(&picture, width, height, self.filter);
        }
        let edge = tiles.tile_edge;
        let (rows, columns) = tiles.split(size);
        let mut values = Vec::new();
        if rows * columns > 0 {
            let height = u32::try_from(rows).unwrap_or(1) * edge;
            let width = u32::try_from(columns).unwrap_or(1) * edge;
            picture = resize(&picture, width, height, self.filter);
            for row in 0..rows {
                for column in 0..columns {
                    self.tile(&picture, row, column, edge as usize, &mut values);
                }
            }
        }
        // The whole picture once more, or alone.
        let whole = resize(&picture, edge, edge, self.filter);
        self.tile(&whole, 0, 0, edge as usize, &mut values);
        Pixels::Tiles {
            values,
            count: rows * columns + 1,
            side: edge as usize,
        }
    }

    /// Adds one tile, channel by channel.
    fn tile(&self, picture: &RgbImage, row: usize, column: usize, edge: usize, out: &mut Vec<f32>) {
        let width = picture.width() as usize;
        for channel in 0..3 {
            for y in row * edge..(row + 1) * edge {
                for x in column * edge..(column + 1) * edge {
                    let byte = picture.get((y * width + x) * 3 + channel);
                    out.push(self.value(channel, byte.copied().unwrap_or(0)));
                }
            }
        }
    }
}
