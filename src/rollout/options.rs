use std::iter::{once, repeat_n};

use super::prompt::PromptForm;
use crate::config::RolloutConfig;
use crate::domain::Sampling;

/// How the candidates of a step are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// How many.
    pub count: usize,
    /// How the first is drawn.
    pub first: Sampling,
    /// How the others are.
    pub others: Sampling,
    /// What settles the draws of a run; each step has its own share of it ([`Draw::step_seed`]).
    pub seed: u64,
}

/// Candidates that are asked for in one request: same prompt, same sampling but for the temperature, decoded as a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// How many.
    pub count: usize,
    /// How they are drawn.
    pub sampling: Sampling,
    /// The temperature of each, where that is not the same for all; empty else.
    pub temperatures: Vec<f32>,
    /// The seed of the first of them; the others count on from it.
    pub seed: u64,
}

impl Batch {
    /// How the candidate of a place, from 0, is drawn.
    pub fn sampling_of(&self, place: usize) -> Sampling {
        let own = self.temperatures.get(place).copied();
        Sampling {
            temperature: own.or(self.sampling.temperature),
            ..self.sampling.clone()
        }
    }
}

/// What limits a run, and how its candidates are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutOptions {
    /// Steps at most, those that were there before included.
    pub max_steps: usize,
    /// The run ends once so many of its steps have failed.
    pub error_tolerance: usize,
    /// How candidates are drawn.
    pub draw: Draw,
}

/// Seeds stay below this: some servers take no more than 31 bits.
const SEEDS: u64 = 1 << 31;

/// Between the seeds of one step and the next; more candidates than this share seeds with the next step.
const STEP: u64 = 4096;

impl Draw {
    /// The settings' way to draw: the paper's, where several candidates are compared.
    pub fn of_config(config: &RolloutConfig, form: PromptForm, count: usize, seed: u64) -> Self {
        let sampling = |temperature| Sampling {
            temperature: Some(temperature),
            top_p: Some(config.top_p),
            top_k: Some(config.top_k),
            max_tokens: Some(config.max_tokens),
            stop: match form {
                PromptForm::Code => config.stop.clone(),
                // Calls end by themselves, and may hold any text.
                PromptForm::ToolCalls => Vec::new(),
            },
            ..Sampling::default()
        };
        Self {
            count,
            first: sampling(config.temperature),
            others: sampling(config.other_temperature),
            seed,
        }
    }

    /// The seed of the first candidate of step `step`, from 0.
    pub fn step_seed(&self, step: usize) -> u64 {
        let step = u64::try_from(step).unwrap_or(u64::MAX);
        self.seed.wrapping_add(step.wrapping_mul(STEP)) % SEEDS
    }
}

impl RolloutOptions {
    /// The limits of the settings.
    pub fn new(config: &RolloutConfig, draw: Draw) -> Self {
        Self {
            max_steps: config.max_steps,
            error_tolerance: config.error_tolerance,
            draw,
        }
    }
}

/// The requests for the candidates of step `step`, from 0. Candidates of the same sampling go in one request, and so do those that only
/// their temperature tells apart, where the server draws each as it is told (`draws_each`).
///
/// Candidate `i` of the step has the seed `step_seed + i`, whichever request it came in.
pub fn batches(draw: &Draw, step: usize, draws_each: bool) -> Vec<Batch> {
    let seed = draw.step_seed(step);
    let batch = |count, sampling: &Sampling, skipped: u64| Batch {
        count,
        sampling: sampling.clone(),
        temperatures: Vec::new(),
        seed: seed + skipped,
    };
    match draw.count {
        0 => Vec::new(),
        1 => vec![batch(1, &draw.first, 0)],
        count if draw.first == draw.others => vec![batch(count, &draw.first, 0)],
        count => match two_temperatures(draw).filter(|_| draws_each) {
            Some((first, other)) => vec![Batch {
                temperatures: once(first).chain(repeat_n(other, count - 1)).collect(),
                ..batch(count, &draw.first, 0)
            }],
            None => vec![batch(1, &draw.first, 0), batch(count - 1, &draw.others, 1)],
        },
    }
}

/// The temperatures of the first candidate and of the others, if nothing else tells them apart.
fn two_temperatures(draw: &Draw) -> Option<(f32, f32)> {
    let first = Sampling {
        temperature: draw.others.temperature,
        ..draw.first.clone()
    };
    let temperatures = draw.first.temperature.zip(draw.others.temperature);
    temperatures.filter(|_| first == draw.others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(count: usize, other: f32) -> Draw {
        let sampling = |temperature| Sampling {
            temperature: Some(temperature),
            ..Sampling::default()
        };
        Draw {
            count,
            first: sampling(0.7),
            others: sampling(other),
            seed: 7,
        }
    }

    #[test]
    fn one_sampling_is_one_request() {
        let shape = |draw: &Draw, step| -> Vec<(usize, u64)> {
            let batches = batches(draw, step, false);
            batches.iter().map(|b| (b.count, b.seed)).collect()
        };
        assert_eq!(shape(&draw(5, 0.7), 0), [(5, 7)]);
        assert_eq!(shape(&draw(5, 1.2), 0), [(1, 7), (4, 8)]);
        assert_eq!(shape(&draw(5, 1.2), 2), [(1, 8199), (4, 8200)]);
        assert_eq!(shape(&draw(1, 1.2), 0), [(1, 7)]);
        assert!(shape(&draw(0, 1.2), 0).is_empty());
        assert!(draw(5, 1.2).step_seed(usize::MAX) < SEEDS);
    }

    #[test]
    fn what_a_temperature_alone_tells_apart_is_one_request_where_the_server_takes_it() {
        let several = draw(3, 1.2);
        let together = batches(&several, 2, true);
        let [batch] = &together[..] else { panic!() };
        assert_eq!((batch.count, batch.seed), (3, 8199));
        assert_eq!(batch.temperatures, [0.7, 1.2, 1.2]);
        assert_eq!(batch.sampling_of(0), several.first);
        assert_eq!(batch.sampling_of(2), several.others);
        let apart = batches(&several, 2, false);
        assert_eq!(apart[1].sampling_of(1), several.others);
        // Something else differs: two requests, whatever the server takes.
        let mut other = several;
        other.others.top_k = Some(3);
        assert_eq!(batches(&other, 0, true).len(), 2);
        other.others = Sampling::default();
        assert_eq!(batches(&other, 0, true).len(), 2);
    }

    #[test]
    fn the_settings_are_the_papers() {
        let config = crate::config::Config::load(None).unwrap().rollout;
        let draw = Draw::of_config(&config, PromptForm::Code, config.candidates, 0);
        assert_eq!(
            (draw.count, draw.first.temperature, draw.others.temperature),
            (5, Some(0.7), Some(1.2))
        );
        assert_eq!(
            (draw.first.top_p, draw.first.top_k, draw.first.max_tokens),
            (Some(0.8), Some(100), Some(512))
        );
        assert_eq!(draw.first.stop, ["<end_action>", "Observation:"]);
        assert_eq!((config.max_steps, config.error_tolerance), (8, 3));
    }
}
