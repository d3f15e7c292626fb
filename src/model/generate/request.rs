use super::Prompt;

/// How the next token is drawn. The order is that of `transformers`: penalty, temperature, top-k, top-p, min-p.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// What logits are divided by; 0 takes the best token.
    pub temperature: f32,
    /// Only the best tokens whose probabilities sum up to this.
    pub top_p: f32,
    /// Only so many of the best tokens; 0 for all.
    pub top_k: usize,
    /// Only tokens of at least this share of the best one's probability; 0 for all.
    pub min_p: f32,
    /// What makes tokens of the context less likely; 1 for nothing.
    pub repetition_penalty: f32,
}

impl Default for Sampling {
    /// All tokens, as the model has them.
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
        }
    }
}

impl Sampling {
    /// The best token each time.
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            ..Self::default()
        }
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let is_in = |value: f32, least: f32, most: f32| (least..=most).contains(&value);
        let checks = [
            (
                "temperature",
                self.temperature,
                is_in(self.temperature, 0.0, 100.0),
                "from 0 to 100",
            ),
            (
                "top_p",
                self.top_p,
                self.top_p > 0.0 && self.top_p <= 1.0,
                "above 0 and at most 1",
            ),
            (
                "min_p",
                self.min_p,
                is_in(self.min_p, 0.0, 1.0),
                "from 0 to 1",
            ),
            (
                "repetition_penalty",
                self.repetition_penalty,
                self.repetition_penalty > 0.0 && self.repetition_penalty <= 100.0,
                "above 0 and at most 100",
            ),
        ];
        let wrong = checks.into_iter().find(|(_, _, is_right, _)| !is_right);
        wrong.map(|(name, value, _, range)| format!("{name} is {value}, and has to be {range}"))
    }
}

/// What one candidate is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateOptions {
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// What settles the draws.
    pub seed: u64,
    /// Texts that end it; they are no part of it.
    pub stop: Vec<String>,
    /// Tokens that it has at most; `None` for all that fit in the context.
    pub max_tokens: Option<usize>,
}

/// Candidates that are asked for.
#[derive(Debug, Clone)]
pub struct GenerationRequest {
    /// What they go on from.
    pub prompt: Prompt,
    /// One for each candidate.
    pub candidates: Vec<CandidateOptions>,
    /// How many likely tokens are told for each place, besides the token itself; `None` tells nothing of probabilities.
    pub logprobs: Option<usize>,
}

/// How likely a token was.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLogprob {
    /// The token.
    pub id: u32,
    /// The logarithm of its probability, before temperature and cuts.
    pub logprob: f32,
    /// The most likely tokens in its place, best first.
    pub top: Vec<(u32, f32)>,
}

/// Why a candidate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// By a token or a text that ends it.
    Stop,
    /// It has as many tokens as it may.
    Length,
}

/// What is told while candidates are made.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// How much of the prompt is read, before each further part of it.
    Reading {
        /// Tokens that are read, those that were known included.
        read: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// A part of a candidate.
    Piece(Piece),
}

/// A part of a candidate, as soon as it is certain.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Which candidate.
    pub candidate: usize,
    /// Text; may be empty.
    pub text: String,
    /// The token that brought it, if probabilities were asked for.
    pub logprob: Option<TokenLogprob>,
    /// Set on its last piece.
    pub finish: Option<Finish>,
}

/// A candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Its text, without what ended it.
    pub text: String,
    /// Its tokens; that which ended it, too.
    pub ids: Vec<u32>,
    /// How likely each token was, if that was asked for.
    pub logprobs: Vec<TokenLogprob>,
    /// Why it ended.
    pub finish: Finish,
}

/// What a generation took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GenerationStatistics {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Those of them that were still known from an earlier request.
    pub cached_tokens: usize,
    /// Pictures that had to be looked at.
    pub seen_pictures: usize,
    /// Seconds until the prompt was read.
    pub prompt_seconds: f64,
    /// Tokens of all candidates.
    pub new_tokens: usize,
    /// Seconds for these.
    pub decode_seconds: f64,
}
