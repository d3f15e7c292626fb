use std::ops::Range;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::error::RolloutError;
use super::loaded_prompt::LoadedPrompt;
use super::options::Batch;
use super::reply::{ReplyRule, parse_reply};
use super::stops::Stops;
use crate::controller::{
    CandidateDraw, CandidateText, ChatRequest, Controller, ControllerError, Delta, PromptReading,
    Reply, StopTexts,
};
use crate::domain::review::Timestamp;
use crate::domain::{Candidate, Generation, Maker};
use crate::jobs::Progress;

/// A candidate that a controller made, not executed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Its number among the candidates of the step, from 0.
    pub number: usize,
    /// The candidate.
    pub candidate: Candidate,
    /// How its action was found in its reply.
    pub rule: ReplyRule,
}

/// A piece of a candidate, as it comes, or how much of the prompt is read before there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalDelta {
    /// The candidate's number among those of the step.
    pub number: usize,
    /// Text that is added to it.
    pub text: String,
    /// How much of the prompt is read; there is no text then.
    pub reading: Option<PromptReading>,
}

/// Candidates for a prompt: a request for each batch, one after the other, so that later ones find the prompt in the server's cache.
///
/// `stops` lets single candidates be given up: they are missing in what comes back. `tell` is given each piece of text.
pub fn propose(
    controller: &mut dyn Controller,
    prompt: &LoadedPrompt,
    batches: &[Batch],
    stops: Option<&Stops>,
    progress: &Progress,
    tell: &mut dyn FnMut(ProposalDelta),
) -> Result<Vec<Proposal>, RolloutError> {
    let mut proposals = Vec::new();
    let mut first = 0;
    for batch in batches {
        let numbers = first..first + batch.count;
        first = numbers.end;
        let stopped = |number: usize| stops.is_some_and(|stops| stops.is_stopped(number));
        if numbers.clone().all(stopped) {
            continue;
        }
        let since = Instant::now();
        let Some(reply) = ask(
            controller,
            prompt,
            batch,
            numbers.clone(),
            stops,
            progress,
            tell,
        )?
        else {
            continue;
        };
        let milliseconds = u64::try_from(since.elapsed().as_millis()).ok();
        let common = Generation {
            milliseconds,
            ..generation(controller, prompt, batch, &reply)
        };
        let texts = numbers.zip(reply.candidates).enumerate();
        for (place, (number, text)) in texts.filter(|(_, (number, _))| !stopped(*number)) {
            let generation = Generation {
                place,
                sampling: batch.sampling_of(place),
                finish: text.finish.clone(),
                ..common.clone()
            };
            proposals.push(proposal(number, text, generation, prompt, batch));
        }
    }
    Ok(proposals)
}

/// One request; nothing if all of its candidates were given up.
fn ask(
    controller: &mut dyn Controller,
    prompt: &LoadedPrompt,
    batch: &Batch,
    numbers: Range<usize>,
    stops: Option<&Stops>,
    progress: &Progress,
    tell: &mut dyn FnMut(ProposalDelta),
) -> Result<Option<Reply>, RolloutError> {
    let request = request(prompt, batch);
    let part = progress.part();
    let all_stopped = || {
        let is_stopped = |number| stops.is_some_and(|stops| stops.is_stopped(number));
        numbers.clone().all(is_stopped)
    };
    let mut told = |delta: Delta| {
        let number = numbers.start + delta.candidate;
        if !stops.is_some_and(|stops| stops.is_stopped(number)) {
            tell(ProposalDelta {
                number,
                text: delta.text,
                reading: delta.reading,
            });
        }
        if all_stopped() {
            part.cancel();
        }
    };
    match controller.propose(&request, &part, &mut told) {
        Err(ControllerError::Cancelled(_)) if progress.check().is_ok() && all_stopped() => Ok(None),
        Err(error) => Err(error.into()),
        Ok(reply) => Ok(Some(reply)),
    }
}

fn request(prompt: &LoadedPrompt, batch: &Batch) -> ChatRequest {
    let sampling = &batch.sampling;
    let draws = batch.temperatures.iter().map(|temperature| CandidateDraw {
        temperature: Some(*temperature),
        seed: None,
    });
    ChatRequest {
        candidates: draws.collect(),
        messages: prompt.messages.clone(),
        tools: prompt.tools.clone(),
        n: Some(batch.count),
        seed: Some(batch.seed),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        min_p: sampling.min_p,
        repetition_penalty: sampling.repetition_penalty,
        max_tokens: sampling.max_tokens,
        stop: Some(sampling.stop.clone())
            .filter(|stop| !stop.is_empty())
            .map(StopTexts::Several),
        ..ChatRequest::default()
    }
}

/// What records call a model. Some servers name theirs by the path of its file, and where that lies is nobody's business.
fn recorded_name(name: &str) -> &str {
    let path = std::path::Path::new(name);
    let file = path.file_name().and_then(std::ffi::OsStr::to_str);
    file.filter(|_| path.is_absolute()).unwrap_or(name)
}

/// What the candidates of a batch have in common.
fn generation(
    controller: &dyn Controller,
    prompt: &LoadedPrompt,
    batch: &Batch,
    reply: &Reply,
) -> Generation {
    let known = controller.provenance();
    Generation {
        model: recorded_name(controller.name()).to_owned(),
        weights: known.weights,
        adapter: known.adapter,
        server: known.server,
        device: known.device,
        backend: known.backend,
        sampling: batch.sampling.clone(),
        temperatures: batch.temperatures.clone(),
        seed: Some(batch.seed),
        place: 0,
        batch: batch.count,
        cached_tokens: reply.usage.and_then(|usage| usage.cached_tokens),
        prompt: prompt.hash,
        context: prompt.context,
        prompt_tokens: reply.usage.map(|usage| usage.prompt_tokens),
        completion_tokens: reply.usage.map(|usage| usage.completion_tokens),
        finish: None,
        milliseconds: None,
        time: now(),
    }
}

fn proposal(
    number: usize,
    mut text: CandidateText,
    generation: Generation,
    prompt: &LoadedPrompt,
    batch: &Batch,
) -> Proposal {
    // Not every server leaves the text out that ends a reply.
    let stop = batch.sampling.stop.iter();
    if let Some(end) = stop.filter_map(|stop| text.text.find(stop.as_str())).min() {
        text.text.truncate(end);
    }
    let parsed = parse_reply(prompt.form, &text.text, &text.tool_calls);
    Proposal {
        number,
        candidate: Candidate {
            thought: parsed.thought,
            action: parsed.action,
            reply: Some(text.text),
            maker: Maker::Controller(generation.model.clone()),
            generation: Some(Box::new(generation)),
            ..Candidate::default()
        },
        rule: parsed.rule,
    }
}

/// The time by this machine's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let milliseconds = since.map_or(0, |since| since.as_millis());
    Timestamp::from_milliseconds(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::recorded_name;

    #[test]
    fn names_of_models_are_kept_and_paths_are_not() {
        for (name, recorded) in [
            ("Qwen/Qwen2-VL-7B", "Qwen/Qwen2-VL-7B"),
            ("small", "small"),
            ("/home/ana/models/small.gguf", "small.gguf"),
            ("", ""),
        ] {
            assert_eq!(recorded_name(name), recorded);
        }
    }
}
