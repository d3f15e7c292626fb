use std::ops::Range;
use std::path::Path;

use burn::tensor::{Device, Tensor};

use super::ModelError;
use super::architecture::{Blueprint, PictureRule};
use super::decoder_config::DecoderConfig;
use super::layers::{Decoder, DecoderInput, KeyValueCache, Position};
use super::vision::{PictureEmbedding, Pixels, VisionTower};
use super::weights::{Adapter, Loader, Precision, TensorSource};
use crate::jobs::Progress;

/// A model's computation: tokens and pictures to logits.
#[derive(Debug)]
pub(super) struct Network {
    decoder: Decoder,
    tower: Option<Box<dyn VisionTower>>,
    rule: Option<PictureRule>,
}

/// Where the tokens of each picture of a prompt are, and where all its tokens stand in the model's eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// For each picture the stretches of tokens that are its own, in order.
    pub pictures: Vec<Vec<Range<usize>>>,
    /// The place of each token.
    pub positions: Vec<Position>,
    /// The place of the token that comes next.
    pub next: u32,
}

impl Network {
    /// Loads a model.
    pub fn load(
        blueprint: &dyn Blueprint,
        source: &dyn TensorSource,
        path: &Path,
        device: &Device,
        precision: Precision,
        adapter: Option<&Adapter>,
        progress: &Progress,
    ) -> Result<Self, ModelError> {
        let parts = Loader::build(
            source,
            path.to_owned(),
            device,
            precision,
            adapter,
            progress,
            |loader| blueprint.build(loader),
        )?;
        Ok(Self {
            decoder: parts.decoder,
            tower: parts.tower,
            rule: blueprint.pictures(),
        })
    }

    /// The numbers of its language model.
    pub fn config(&self) -> &DecoderConfig {
        self.decoder.config()
    }

    /// An empty cache for `capacity` tokens in each of `batch` rows.
    pub fn cache(&self, batch: usize, capacity: usize) -> KeyValueCache {
        self.decoder.cache(batch, capacity)
    }

    /// The embeddings of a picture.
    pub fn see(
        &self,
        pixels: &Pixels,
        progress: &Progress,
    ) -> Result<PictureEmbedding, ModelError> {
        match &self.tower {
            Some(tower) => tower.encode(pixels, progress),
            None => Err(ModelError::NoPictures),
        }
    }

    /// Where the tokens of a prompt are.
    pub fn layout(&self, ids: &[u32], pictures: &[&Pixels]) -> Result<Layout, ModelError> {
        let vocabulary = self.config().vocabulary;
        if let Some(id) = ids.iter().find(|id| **id as usize >= vocabulary) {
            return Err(ModelError::TokenId {
                id: *id,
                vocabulary,
            });
        }
        let mut counts = Vec::with_capacity(pictures.len());
        for pixels in pictures {
            let Some(tower) = &self.tower else {
                return Err(ModelError::NoPictures);
            };
            counts.push(tower.tokens(pixels)?);
        }
        let token = self.rule.map(|rule| rule.token);
        let places: Vec<usize> = (0..ids.len())
            .filter(|place| token.is_some() && ids.get(*place).copied() == token)
            .collect();
        let wanted: usize = counts.iter().sum();
        if places.len() != wanted {
            return Err(ModelError::PicturePlaces {
                places: places.len(),
                wanted,
                pictures: pictures.len(),
            });
        }
        let mut rest = places.as_slice();
        let mut stretches = Vec::with_capacity(counts.len());
        for count in counts {
            let (own, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = later;
            stretches.push(stretches_of(own));
        }
        let (positions, next) = self.positions(ids.len(), &stretches, pictures);
        Ok(Layout {
            pictures: stretches,
            positions,
            next,
        })
    }

    /// `get_rope_index` of Qwen's models; elsewhere a token's place is its number.
    fn positions(
        &self,
        count: usize,
        stretches: &[Vec<Range<usize>>],
        pictures: &[&Pixels],
    ) -> (Vec<Position>, u32) {
        let merge = self.rule.and_then(|rule| rule.merge);
        let mut positions: Vec<Position> = Vec::with_capacity(count);
        let mut next = 0_u32;
        for (stretches, pixels) in stretches.iter().zip(pictures) {
            let (Some(merge), Pixels::Patches { grid, .. }, [own]) =
                (merge, pixels, stretches.as_slice())
            else {
                continue;
            };
            while positions.len() < own.start {
                positions.push([next; 3]);
                next += 1;
            }
            let [_, rows, columns] = grid.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
            let merge = u32::try_from(merge).unwrap_or(1).max(1);
            let (rows, columns) = (rows / merge, columns / merge);
            let square = (rows * columns).max(1);
            for token in 0..own.len() {
                let token = u32::try_from(token).unwrap_or(u32::MAX);
                let inside = token % square;
                positions.push([
                    next + token / square,
                    next + inside / columns.max(1),
                    next + inside % columns.max(1),
                ]);
            }
            next += rows.max(columns);
        }
        while positions.len() < count {
            positions.push([next; 3]);
            next += 1;
        }
        (positions, next)
    }

    /// What the decoder reads of a prompt from the token `start` on. No picture begins before `start` and ends after it.
    /// `pictures` has the embedding of each picture from there on.
    pub fn input(
        &self,
        ids: &[u32],
        layout: &Layout,
        start: usize,
        end: usize,
        pictures: &[(usize, PictureEmbedding)],
    ) -> DecoderInput {
        let own = ids.get(start..end).unwrap_or_default();
        let mut embeddings = self.decoder.embed(own);
        let mut additions: Vec<Tensor<2>> = Vec::new();
        for (picture, embedding) in pictures {
            let stretches = layout.pictures.get(*picture);
            let stretches: Vec<_> = stretches
                .into_iter()
                .flatten()
                .map(|own| own.start - start..own.end - start)
                .collect();
            embeddings = put(embeddings, &stretches, &embedding.tokens);
            for (place, addition) in embedding.additions.iter().enumerate() {
                if additions.len() <= place {
                    additions.push(embeddings.zeros_like());
                }
                if let Some(whole) = additions.get_mut(place) {
                    *whole = put(whole.clone(), &stretches, addition);
                }
            }
        }
        let positions = layout.positions.get(start..end).unwrap_or_default();
        DecoderInput {
            embeddings: embeddings.unsqueeze_dim(0),
            positions: vec![positions.to_vec()],
            padding: Vec::new(),
            additions: additions.into_iter().map(|a| a.unsqueeze_dim(0)).collect(),
        }
    }

    /// What the decoder reads of one token for each row.
    pub fn next_input(&self, ids: &[u32], positions: &[u32]) -> DecoderInput {
        DecoderInput {
            embeddings: self.decoder.embed(ids).unsqueeze_dim(1),
            positions: positions.iter().map(|place| vec![[*place; 3]]).collect(),
            padding: Vec::new(),
            additions: Vec::new(),
        }
    }

    /// Reads tokens behind those of the cache; the logits of all of them, `[batch, tokens, vocabulary]`.
    #[cfg(test)]
    pub fn forward(&self, input: DecoderInput, cache: &mut KeyValueCache) -> Tensor<3> {
        let hidden = self.decoder.forward(input, cache, &Progress::default());
        self.decoder.logits(hidden.unwrap())
    }

    /// Reads tokens behind those of the cache.
    pub fn read(
        &self,
        input: DecoderInput,
        cache: &mut KeyValueCache,
        progress: &Progress,
    ) -> Result<(), ModelError> {
        self.decoder.forward(input, cache, progress)?;
        Ok(())
    }

    /// Reads tokens behind those of the cache; the logits of the last, `[batch, vocabulary]`.
    pub fn forward_last(
        &self,
        input: DecoderInput,
        cache: &mut KeyValueCache,
        progress: &Progress,
    ) -> Result<Tensor<2>, ModelError> {
        let hidden = self.decoder.forward(input, cache, progress)?;
        let last = hidden.dims()[1].saturating_sub(1);
        let logits = self.decoder.logits(hidden.narrow(1, last, 1));
        Ok(logits.squeeze_dim(1))
    }
}

/// Places in stretches of neighbours.
fn stretches_of(places: &[usize]) -> Vec<Range<usize>> {
    places
        .chunk_by(|a, b| a + 1 == *b)
        .filter_map(|stretch| Some(*stretch.first()?..stretch.last()? + 1))
        .collect()
}

/// Puts the rows of `part` in these stretches of `whole`, in order.
fn put(whole: Tensor<2>, stretches: &[Range<usize>], part: &Tensor<2>) -> Tensor<2> {
    let mut whole = whole;
    let width = whole.dims()[1];
    let mut row = 0;
    for stretch in stretches {
        let rows = part.clone().narrow(0, row, stretch.len());
        whole = whole.slice_assign([stretch.clone(), 0..width], rows);
        row += stretch.len();
    }
    whole
}
