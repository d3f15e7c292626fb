use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{CandidateOptions, Sampling, TokenLogprob};
use crate::model::random::Random;

/// Draws the tokens of one candidate.
#[derive(Debug)]
pub(super) struct Sampler {
    sampling: Sampling,
    random: Random,
    /// Tokens of the context, for the penalty; empty where there is none.
    seen: BTreeSet<u32>,
}

/// A token and its logit, later its probability.
type Scored = (u32, f32);

/// Best first; of equals the smaller id first, so that there is one order.
fn best_first(a: &Scored, b: &Scored) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

fn scored(logits: &[f32]) -> Vec<Scored> {
    (0_u32..).zip(logits.iter().copied()).collect()
}

impl Sampler {
    /// For a candidate that goes on from these tokens.
    pub fn new(options: &CandidateOptions, context: &[u32]) -> Self {
        let has_penalty = options.sampling.repetition_penalty != 1.0;
        let context = context.iter().copied().filter(|_| has_penalty);
        Self {
            sampling: options.sampling,
            random: Random::new(options.seed),
            seen: context.collect(),
        }
    }

    /// The next token.
    pub fn draw(&mut self, logits: &[f32]) -> u32 {
        let mut tokens = scored(logits);
        let penalty = self.sampling.repetition_penalty;
        for id in &self.seen {
            if let Some((_, logit)) = tokens.get_mut(*id as usize) {
                *logit = if *logit > 0.0 {
                    *logit / penalty
                } else {
                    *logit * penalty
                };
            }
        }
        let id = match self.sampling.temperature {
            0.0 => tokens
                .iter()
                .min_by(|a, b| best_first(a, b))
                .map_or(0, |best| best.0),
            temperature => {
                tokens
                    .iter_mut()
                    .for_each(|(_, logit)| *logit /= temperature);
                self.draw_of(tokens)
            }
        };
        if penalty != 1.0 {
            self.seen.insert(id);
        }
        id
    }

    fn draw_of(&mut self, mut tokens: Vec<Scored>) -> u32 {
        let sampling = self.sampling;
        let is_cut = sampling.top_k > 0 && sampling.top_k < tokens.len();
        if is_cut {
            tokens.select_nth_unstable_by(sampling.top_k - 1, best_first);
            tokens.truncate(sampling.top_k);
        }
        if is_cut || sampling.top_p < 1.0 {
            tokens.sort_unstable_by(best_first);
        }
        let best = tokens
            .iter()
            .map(|token| token.1)
            .fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for (_, value) in &mut tokens {
            *value = (*value - best).exp();
            sum += f64::from(*value);
        }
        if sampling.top_p < 1.0 {
            // The fewest best tokens whose probabilities reach it.
            let wanted = f64::from(sampling.top_p) * sum;
            let mut reached = 0.0;
            let enough = tokens.iter().position(|(_, value)| {
                reached += f64::from(*value);
                reached >= wanted
            });
            tokens.truncate(enough.map_or(tokens.len(), |place| place + 1));
        }
        if sampling.min_p > 0.0 {
            // The best token's value is 1.
            tokens.retain(|(_, value)| *value >= sampling.min_p);
        }
        let sum: f64 = tokens.iter().map(|(_, value)| f64::from(*value)).sum();
        let mut left = self.random.next() * sum;
        for (id, value) in &tokens {
            left -= f64::from(*value);
            if left < 0.0 {
                return *id;
            }
        }
        tokens.last().map_or(0, |token| token.0)
    }
}

/// How likely a token is, and the `top` most likely ones.
pub(super) fn logprob(logits: &[f32], id: u32, top: usize) -> TokenLogprob {
    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits
        .iter()
        .map(|logit| f64::from(logit - best).exp())
        .sum();
    let norm = f64::from(best) + sum.ln();
    let of = |logit: f32| (f64::from(logit) - norm) as f32;
    let mut tokens = scored(logits);
    let top = top.min(tokens.len());
    if top > 0 {
        tokens.select_nth_unstable_by(top - 1, best_first);
    }
    tokens.truncate(top);
    tokens.sort_unstable_by(best_first);
    TokenLogprob {
        id,
        logprob: of(logits
            .get(id as usize)
            .copied()
            .unwrap_or(f32::NEG_INFINITY)),
        top: tokens
            .into_iter()
            .map(|(id, logit)| (id, of(logit)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities 0.4, 0.3, 0.2, 0.1 of the tokens 2, 0, 3, 1.
    fn logits() -> Vec<f32> {
        [0.3_f32, 0.1, 0.4, 0.2].map(f32::ln).to_vec()
    }

    fn drawn(sampling: Sampling, count: usize) -> Vec<f64> {
        let options = CandidateOptions {
            sampling,
            seed: 9,
            stop: Vec::new(),
            max_tokens: None,
        };
        let mut sampler = Sampler::new(&options, &[]);
        let mut shares = vec![0.0; 4];
        for _ in 0..count {
            shares[sampler.draw(&logits()) as usize] += 1.0 / count as f64;
        }
        shares
    }

    fn assert_shares(sampling: Sampling, wanted: [f64; 4]) {
        let shares = drawn(sampling, 20_000);
        for (share, wanted) in shares.iter().zip(wanted) {
            assert!((share - wanted).abs() < 0.015, "{shares:?}");
            assert!(wanted > 0.0 || *share == 0.0, "{shares:?}");
        }
    }

    #[test]
    fn shares_are_those_of_the_settings() {
        let all = Sampling::default();
        assert_shares(all, [0.3, 0.1, 0.4, 0.2]);
        assert_shares(Sampling::greedy(), [0.0, 0.0, 1.0, 0.0]);
        assert_shares(
            Sampling { top_k: 2, ..all },
            [3.0 / 7.0, 0.0, 4.0 / 7.0, 0.0],
        );
        // 0.4 + 0.3 reaches 0.65; 0.4 alone does not.
        assert_shares(
            Sampling { top_p: 0.65, ..all },
            [3.0 / 7.0, 0.0, 4.0 / 7.0, 0.0],
        );
        assert_shares(
            Sampling {
                top_p: 0.4 - 1e-4,
                ..all
            },
            [0.0, 0.0, 1.0, 0.0],
        );
        // Half of 0.4 is 0.2, which 0.1 does not reach.
        assert_shares(
            Sampling { min_p: 0.49, ..all },
            [3.0 / 9.0, 0.0, 4.0 / 9.0, 2.0 / 9.0],
        );
        // A temperature of one half squares the probabilities: 9, 1, 16, 4 of 30.
        let cold = Sampling {
            temperature: 0.5,
            ..all
        };
        assert_shares(cold, [9.0 / 30.0, 1.0 / 30.0, 16.0 / 30.0, 4.0 / 30.0]);
    }

    #[test]
    fn seen_tokens_become_less_likely() {
        let options = CandidateOptions {
            sampling: Sampling {
                repetition_penalty: 2.0,
                ..Sampling::greedy()
            },
            seed: 0,
            stop: Vec::new(),
            max_tokens: None,
        };
        let mut sampler = Sampler::new(&options, &[1]);
        // 3 / 2 = 1.5 is less than 2; then 2 / 2 = 1 is less than 1.5; a negative logit goes down.
        let logits = [2.0, 3.0, -0.5];
        assert_eq!([sampler.draw(&logits), sampler.draw(&logits)], [0, 1]);
        let mut sampler = Sampler::new(&options, &[1]);
        assert_eq!(sampler.draw(&[-0.6, -0.5, -3.0]), 0);
    }

    #[test]
    fn a_seed_settles_the_draws() {
        let sampling = Sampling::default();
        assert_eq!(drawn(sampling, 50), drawn(sampling, 50));
    }

    #[test]
    fn logprobs_are_logarithms_of_probabilities() {
        let told = logprob(&logits(), 3, 2);
        assert!((told.logprob - 0.2_f32.ln()).abs() < 1e-6);
        assert_eq!(told.top.iter().map(|t| t.0).collect::<Vec<_>>(), [2, 0]);
        assert!((told.top[1].1 - 0.3_f32.ln()).abs() < 1e-6);
        assert!(logprob(&logits(), 0, 0).top.is_empty());
    }
}
