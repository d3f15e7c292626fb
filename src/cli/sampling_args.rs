use clap::Args;

use crate::config::RolloutConfig;

/// How candidates are drawn, and how long a run may be; what is not given is as the settings have it under [rollout].
#[derive(Debug, Args)]
pub struct SamplingArgs {
    /// What logits are divided by for the first candidate of a step
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// The same for the others
    #[arg(long, value_name = "T")]
    other_temperature: Option<f32>,
    /// Draw from the best tokens whose probabilities sum up to this
    #[arg(long, value_name = "P")]
    top_p: Option<f32>,
    /// Draw from so many of the best tokens
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Tokens of a candidate at most
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Steps of a run at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_steps: Option<u16>,
    /// What settles the draws
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
}

impl SamplingArgs {
    /// The settings with what was given in their place.
    pub fn over(&self, settings: &RolloutConfig) -> RolloutConfig {
        let settings = settings.clone();
        RolloutConfig {
            temperature: self.temperature.unwrap_or(settings.temperature),
            other_temperature: self.other_temperature.unwrap_or(settings.other_temperature),
            top_p: self.top_p.unwrap_or(settings.top_p),
            top_k: self.top_k.unwrap_or(settings.top_k),
            max_tokens: self.max_tokens.unwrap_or(settings.max_tokens),
            max_steps: self.max_steps.map_or(settings.max_steps, usize::from),
            ..settings
        }
    }
}
