use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Ended;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::jobs::Progress;
use crate::model::{
    CandidateOptions, GenerationRequest, GenerationStatistics, Generator, Prompt, Sampling,
};
use crate::report::Report;

use super::{LoadArgs, load};

/// Measure how fast a model reads and writes
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(flatten)]
    load: LoadArgs,
    /// Tokens of the prompt
    #[arg(long, value_name = "N", default_value_t = 512)]
    prompt: usize,
    /// Tokens of each candidate
    #[arg(long, value_name = "N", default_value_t = 64)]
    tokens: usize,
    /// Candidates at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    candidates: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: BenchFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum BenchFormat {
    #[default]
    Text,
    Json,
}

pub(super) fn run(args: &BenchArgs, session: &Session, output: &mut Output) -> Ended {
    let started = Instant::now();
    let model = load(&args.load, session, output)?;
    let load_seconds = started.elapsed().as_secs_f64();
    let device = model.device().name().to_owned();
    let mut generator = Generator::new(Arc::new(model));
    // A text of any kind; what is said does not matter, and no end is to cut it short.
    let words = generator
        .model()
        .text_prompt("The crane was built in 1962; it lifts 40 t. ")?;
    let cold = measure(args, &mut generator, &words)?;
    let warm = measure(args, &mut generator, &words)?;
    let rate = |tokens: usize, seconds: f64| tokens as f64 / seconds.max(1e-9);
    if args.format == BenchFormat::Json {
        let side = |s: &GenerationStatistics| {
            json!({
                "prompt_tokens": s.prompt_tokens, "cached_tokens": s.cached_tokens, "prompt_seconds": s.prompt_seconds,
                "new_tokens": s.new_tokens, "decode_seconds": s.decode_seconds,
            })
        };
        output.json(&json!({
            "device": device, "load_seconds": load_seconds, "cold": side(&cold), "warm": side(&warm),
        }))?;
        return Ok(None);
    }
    output.line(format!("load    {load_seconds:.2} s on {device}"))?;
    output.line(format!(
        "prompt  {} tokens in {:.2} s, {:.0} tokens/s",
        cold.prompt_tokens,
        cold.prompt_seconds,
        rate(cold.prompt_tokens, cold.prompt_seconds)
    ))?;
    output.line(format!(
        "again   {} of them known, {:.3} s",
        warm.cached_tokens, warm.prompt_seconds
    ))?;
    output.line(format!(
        "write   {} tokens of {} candidates in {:.2} s, {:.1} tokens/s",
        cold.new_tokens,
        args.candidates,
        cold.decode_seconds,
        rate(cold.new_tokens, cold.decode_seconds)
    ))?;
    Ok(None)
}

fn measure(
    args: &BenchArgs,
    generator: &mut Generator,
    words: &Prompt,
) -> Result<GenerationStatistics, Report> {
    let ids = words.ids.iter().copied().cycle().take(args.prompt.max(1));
    let candidate = |seed: u64| CandidateOptions {
        sampling: Sampling::default(),
        seed,
        stop: Vec::new(),
        max_tokens: Some(args.tokens),
    };
    let request = GenerationRequest {
        prompt: Prompt {
            ids: ids.collect(),
            pictures: Vec::new(),
        },
        candidates: (0..args.candidates as u64).map(candidate).collect(),
        logprobs: None,
    };
    let made = generator.generate(&request, &Progress::default(), &mut |_| {});
    Ok(made?.1)
}
