use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::picture_cache::PictureCache;
use super::prefix_cache::{Prefix, PrefixCache};
use super::sampler::{Sampler, logprob};
use super::text_stream::{Pushed, TextStream};
use super::{
    Completion, Finish, GenerationRequest, GenerationStatistics, Piece, Prompt, PromptPicture,
    TokenLogprob, Told,
};
use crate::jobs::Progress;
use crate::model::layers::KeyValueCache;
use crate::model::network::Layout;
use crate::model::{Model, ModelError};

/// Makes candidates with a model, one request at a time, and remembers what the next request may begin with.
#[derive(Debug)]
pub struct Generator {
    model: Arc<Model>,
    prefixes: PrefixCache,
    pictures: PictureCache,
}

/// A candidate in the making.
#[derive(Debug)]
struct Draft {
    sampler: Sampler,
    stream: TextStream,
    ids: Vec<u32>,
    logprobs: Vec<TokenLogprob>,
    most: usize,
    finish: Option<Finish>,
}

/// Tokens of a prompt that are read at a time; between them it can be stopped.
const TOKENS_AT_A_TIME: usize = 512;

/// Tokens that a candidate has room for at first. Most answers are short, and a context may be long.
const FIRST_ROOM: usize = 256;

/// The most candidates of a request.
const MOST_CANDIDATES: usize = 64;

impl Generator {
    /// With nothing remembered.
    pub fn new(model: Arc<Model>) -> Self {
        Self {
            model,
            prefixes: PrefixCache::default(),
            pictures: PictureCache::default(),
        }
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Forgets what was read, so that the next request is a cold one.
    pub fn forget(&mut self) {
        self.prefixes = PrefixCache::default();
        self.pictures = PictureCache::default();
    }

    /// Makes the candidates of a request. `tell` is given how far the prompt is read, and each piece of text as soon as it is certain.
    pub fn generate(
        &mut self,
        request: &GenerationRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(Vec<Completion>, GenerationStatistics), ModelError> {
        let model = Arc::clone(&self.model);
        let most = self.check(request)?;
        let started = Instant::now();
        let mut statistics = GenerationStatistics {
            prompt_tokens: request.prompt.ids.len(),
            ..GenerationStatistics::default()
        };
        let pixels: Vec<_> = request.prompt.pictures.iter().map(|p| p.pixels()).collect();
        let layout = model.network().layout(&request.prompt.ids, &pixels)?;
        let is_alone = request.candidates.len() == 1;
        let longest = most.iter().copied().max().unwrap_or(0);
        let own = if is_alone { longest.min(FIRST_ROOM) } else { 0 };
        let mut prefix = self.known(&request.prompt, &layout, own);
        statistics.cached_tokens = prefix.ids.len();
        let read = self.read(
            &request.prompt,
            &layout,
            &mut prefix,
            progress,
            &mut statistics,
            tell,
        );
        let logits = match read {
            Ok(logits) => logits,
            Err(error) => {
                // What was read before is good.
                self.prefixes.put(prefix);
                return Err(error);
            }
        };
        statistics.prompt_seconds = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let mut drafts: Vec<Draft> = request
            .candidates
            .iter()
            .zip(most)
            .map(|(options, most)| Draft {
                sampler: Sampler::new(options, &request.prompt.ids),
                stream: TextStream::new(&options.stop),
                ids: Vec::new(),
                logprobs: Vec::new(),
                most,
                finish: None,
            })
            .collect();
        let result = self.decode(
            &mut drafts,
            logits,
            &mut prefix,
            layout.next,
            request.logprobs,
            progress,
            &mut |piece| tell(Told::Piece(piece)),
        );
        statistics.decode_seconds = started.elapsed().as_secs_f64();
        statistics.new_tokens = drafts.iter().map(|draft| draft.ids.len()).sum();
        if is_alone && let Some(draft) = drafts.first() {
            // The last token was drawn and not read.
            let read = prefix.cache.length().saturating_sub(prefix.ids.len());
            prefix.ids.extend(draft.ids.iter().take(read));
        }
        self.prefixes.put(prefix);
        result?;
        let completions = drafts.into_iter().map(|draft| Completion {
            text: draft.stream.text().to_owned(),
            ids: draft.ids,
            logprobs: draft.logprobs,
            finish: draft.finish.unwrap_or(Finish::Length),
        });
        Ok((completions.collect(), statistics))
    }

    /// How many tokens each candidate may have.
    fn check(&self, request: &GenerationRequest) -> Result<Vec<usize>, ModelError> {
        let wrong = |reason: String| Err(ModelError::Request(reason));
        if request.prompt.ids.is_empty() {
            return wrong("the prompt is empty".to_owned());
        }
        if !(1..=MOST_CANDIDATES).contains(&request.candidates.len()) {
            let count = request.candidates.len();
            return wrong(format!(
                "{count} candidates are asked for, and 1 to {MOST_CANDIDATES} can be made at a time"
            ));
        }
        let (tokens, context) = (request.prompt.ids.len(), self.model.context());
        let mut most = Vec::with_capacity(request.candidates.len());
        for options in &request.candidates {
            if let Some(problem) = options.sampling.problem() {
                return wrong(problem);
            }
            let wanted = options.max_tokens.unwrap_or(1).max(1);
            if tokens.saturating_add(wanted) > context {
                return Err(ModelError::Context {
                    prompt: tokens,
                    wanted,
                    context,
                });
            }
            most.push(options.max_tokens.unwrap_or(context - tokens));
        }
        Ok(most)
    }

    /// What is known of a prompt, with room for all of it and `own` tokens more.
    fn known(&mut self, prompt: &Prompt, layout: &Layout, own: usize) -> Prefix {
        let capacity = prompt.ids.len() + own;
        let places = places(prompt, layout);
        if let Some(prefix) = self.prefixes.take(&prompt.ids, &places, capacity) {
            return prefix;
        }
        let cache = self.model.network().cache(1, capacity);
        self.prefixes.make_room(cache.bytes());
        Prefix {
            ids: Vec::new(),
            given: 0,
            pictures: Vec::new(),
            cache,
        }
    }

    /// Reads a prompt, as far as it is not known; the logits of what comes next.
    fn read(
        &mut self,
        prompt: &Prompt,
        layout: &Layout,
        prefix: &mut Prefix,
        progress: &Progress,
        statistics: &mut GenerationStatistics,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Vec<f32>, ModelError> {
        let model = Arc::clone(&self.model);
        let network = model.network();
        let places = places(prompt, layout);
        let mut logits = Vec::new();
        let count = prompt.ids.len();
        while prefix.ids.len() < count {
            progress.check()?;
            let start = prefix.ids.len();
            tell(Told::Reading {
                read: start,
                total: count,
            });
            let mut end = (start + TOKENS_AT_A_TIME).min(count);
            // A picture is read at once.
            for (place, _) in &places {
                if place.start < end && end < place.end {
                    end = place.end;
                }
            }
            let mut seen = Vec::new();
            for (number, (place, hash)) in places.iter().enumerate() {
                if place.start >= start && place.start < end {
                    let embedding = match self.pictures.get(*hash) {
                        Some(known) => known,
                        None => {
                            let picture = prompt.pictures.get(number);
                            let pixels = picture.ok_or(ModelError::NoPictures)?.pixels();
                            let embedding = network.see(pixels, progress)?;
                            statistics.seen_pictures += 1;
                            self.pictures.put(*hash, embedding.clone());
                            embedding
                        }
                    };
                    seen.push((number, embedding));
                    prefix.pictures.push((place.clone(), *hash));
                }
            }
            let input = network.input(&prompt.ids, layout, start, end, &seen);
            if end == count {
                let last = network.forward_last(input, &mut prefix.cache, progress)?;
                logits = read_back(last)?;
            } else {
                network.read(input, &mut prefix.cache, progress)?;
            }
            let read = prompt.ids.get(start..end).unwrap_or_default();
            prefix.ids.extend(read);
            prefix.given = end;
        }
        Ok(logits)
    }

    /// Draws token after token until every draft is finished. `logits` are those behind the prompt, `next` is the place of the
    /// first token.
    #[allow(clippy::too_many_arguments)]
    fn decode(
        &self,
        drafts: &mut [Draft],
        logits: Vec<f32>,
        prefix: &mut Prefix,
        next: u32,
        top: Option<usize>,
        progress: &Progress,
        tell: &mut dyn FnMut(Piece),
    ) -> Result<(), ModelError> {
        let network = self.model.network();
        let longest = drafts.iter().map(|draft| draft.most).max().unwrap_or(0);
        let mut rows: Vec<usize> = Vec::new();
        for (number, draft) in drafts.iter_mut().enumerate() {
            self.draw(draft, number, &logits, top, tell)?;
            if draft.finish.is_none() {
                rows.push(number);
            }
        }
        // A single candidate goes on in the cache of its prompt; several share it.
        let mut fork: Option<KeyValueCache> = (drafts.len() > 1 && !rows.is_empty())
            .then(|| prefix.cache.fork(rows.len(), longest.min(FIRST_ROOM)));
        let mut place = next;
        while !rows.is_empty() {
            progress.check()?;
            let last = |row: &usize| drafts.get(*row).and_then(|d| d.ids.last()).copied();
            let ids: Vec<u32> = rows.iter().filter_map(last).collect();
            let input = network.next_input(&ids, &vec![place; ids.len()]);
            let cache = fork.as_mut().unwrap_or(&mut prefix.cache);
            cache.make_room(1);
            let logits = read_back(network.forward_last(input, cache, progress)?)?;
            place += 1;
            let vocabulary = logits.len() / rows.len();
            for (number, logits) in rows.iter().zip(logits.chunks(vocabulary.max(1))) {
                if let Some(draft) = drafts.get_mut(*number) {
                    self.draw(draft, *number, logits, top, tell)?;
                }
            }
            let goes_on = |row: &usize| drafts.get(*row).is_some_and(|d| d.finish.is_none());
            let kept: Vec<usize> = (0..rows.len())
                .filter(|at| rows.get(*at).is_some_and(goes_on))
                .collect();
            if kept.len() < rows.len() {
                if let Some(fork) = fork.as_mut().filter(|_| !kept.is_empty()) {
                    fork.keep_rows(&kept);
                }
                rows = kept
                    .iter()
                    .filter_map(|at| rows.get(*at))
                    .copied()
                    .collect();
            }
        }
        Ok(())
    }

    /// The next token of a draft.
    fn draw(
        &self,
        draft: &mut Draft,
        candidate: usize,
        logits: &[f32],
        top: Option<usize>,
        tell: &mut dyn FnMut(Piece),
    ) -> Result<(), ModelError> {
        if draft.most == 0 {
            draft.finish = Some(Finish::Length);
            tell(Piece {
                candidate,
                text: String::new(),
                logprob: None,
                finish: draft.finish,
            });
            return Ok(());
        }
        if let Some(wrong) = logits.iter().find(|logit| !logit.is_finite()) {
            return Err(ModelError::NotFinite(*wrong));
        }
        let tokenizer = self.model.tokenizer();
        let id = draft.sampler.draw(logits);
        draft.ids.push(id);
        let told = top.map(|top| logprob(logits, id, top));
        draft.logprobs.extend(told.clone());
        let mut text = if self.model.ends(id) {
            draft.finish = Some(Finish::Stop);
            draft.stream.finish(tokenizer)?
        } else {
            match draft.stream.push(tokenizer, id)? {
                Pushed::Text(text) => text,
                Pushed::Stopped(text) => {
                    draft.finish = Some(Finish::Stop);
                    text
                }
            }
        };
        if draft.finish.is_none() && draft.ids.len() >= draft.most {
            draft.finish = Some(Finish::Length);
            text += &draft.stream.finish(tokenizer)?;
        }
        tell(Piece {
            candidate,
            text,
            logprob: told,
            finish: draft.finish,
        });
        Ok(())
    }
}

/// Where the pictures of a prompt are, each from its first to behind its last token.
fn places(prompt: &Prompt, layout: &Layout) -> Vec<(Range<usize>, blake3::Hash)> {
    let pairs = layout.pictures.iter().zip(&prompt.pictures);
    let place =
        |(stretches, picture): (&Vec<_>, &PromptPicture)| (extent(stretches), picture.hash());
    pairs.map(place).collect()
}

/// From the first to behind the last of some stretches.
fn extent(stretches: &[Range<usize>]) -> Range<usize> {
    let first = stretches.first().map_or(0, |stretch| stretch.start);
    let last = stretches.last().map_or(first, |stretch| stretch.end);
    first..last
}

/// Logits in the memory of this machine.
fn read_back(logits: burn::tensor::Tensor<2>) -> Result<Vec<f32>, ModelError> {
    let values = logits.try_into_vec_as::<f32>();
    values.map_err(|error| ModelError::Device(error.to_string()))
}
