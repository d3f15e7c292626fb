//! How a candidate was made, what executing it did, and what judges say of it, for people.

use crate::cli::output::{Output, Style};
use crate::domain::{Candidate, Generation, Judgement, LoggedCall, LoggedResult, Maker};
use crate::report::Report;

use super::page::INDENT;

/// Prints what is known; nothing of a candidate that came with the data.
pub fn print(candidate: &Candidate, output: &mut Output) -> Result<(), Report> {
    match &candidate.maker {
        Maker::Controller(name) => entry("made by", name, output)?,
        Maker::Person(name) => entry("written by", name, output)?,
        Maker::Recorded => {}
    }
    if let Some(generation) = &candidate.generation {
        for (name, value) in facts(generation) {
            entry(name, &value, output)?;
        }
    }
    if let Some(execution) = &candidate.execution {
        for call in &execution.calls {
            entry("call", &call_line(call), output)?;
        }
        if let Some(reason) = &execution.unavailable {
            entry("unavailable", reason, output)?;
        }
        for note in &execution.notes {
            entry("note", note, output)?;
        }
    }
    for judgement in &candidate.judgements {
        entry("judge", &judgement_line(judgement), output)?;
    }
    Ok(())
}

/// A call, its result, and who answered: the recording, or whom else.
pub fn call_line(call: &LoggedCall) -> String {
    let (mark, text) = match &call.result {
        LoggedResult::Value(text) => ("=", text),
        LoggedResult::Error(text) => ("failed:", text),
        LoggedResult::Unavailable(text) => ("no answer:", text),
    };
    let provider = call.provider.as_deref().unwrap_or("nobody");
    format!(
        "{}({}) {mark} {text}  [{provider}]",
        call.name, call.arguments
    )
}

/// A judge's name, score, place and words.
pub fn judgement_line(judgement: &Judgement) -> String {
    let mut line = judgement.judge.clone();
    if let Some(score) = judgement.score {
        line.push_str(&format!(" {score}"));
    }
    if let Some([low, high]) = judgement.interval {
        line.push_str(&format!(" ({low:.2} to {high:.2})"));
    }
    if let Some(rank) = judgement.rank {
        line.push_str(&format!(", place {rank}"));
    }
    let said = match &judgement.no_verdict {
        Some(why) => format!("no verdict: {why}"),
        None => judgement.reasons.join("; "),
    };
    if !said.is_empty() {
        line.push_str(": ");
        line.push_str(&said);
    }
    line
}

fn facts(generation: &Generation) -> Vec<(&'static str, String)> {
    let some =
        |name: &'static str, value: &Option<String>| value.clone().map(|value| (name, value));
    let sampling = &generation.sampling;
    let mut drawn = Vec::new();
    let number = |name: &str, value: Option<f32>| value.map(|value| format!("{name} {value}"));
    drawn.extend(number("temperature", sampling.temperature));
    drawn.extend(number("top-p", sampling.top_p));
    drawn.extend(sampling.top_k.map(|k| format!("top-k {k}")));
    drawn.extend(number("min-p", sampling.min_p));
    drawn.extend(number("repetition penalty", sampling.repetition_penalty));
    drawn.extend(
        sampling
            .max_tokens
            .map(|tokens| format!("{tokens} tokens at most")),
    );
    drawn.extend(generation.seed.map(|seed| format!("seed {seed}")));
    drawn.push(format!(
        "{} of a batch of {}",
        generation.place + 1,
        generation.batch
    ));
    let mut facts: Vec<(&'static str, String)> = [
        some("server", &generation.server),
        some("weights", &generation.weights),
        some("adapter", &generation.adapter),
        some("device", &generation.device),
        some("backend", &generation.backend),
    ]
    .into_iter()
    .flatten()
    .collect();
    facts.push(("drawn with", drawn.join(", ")));
    if generation.finish.as_deref() == Some("length") {
        facts.push(("ended", "cut at its limit of tokens".to_owned()));
    }
    facts.push(("context", generation.context.to_string()));
    facts.push(("prompt", generation.prompt.to_string()));
    facts.push(("made at", generation.time.to_string()));
    facts
}

fn entry(name: &str, value: &str, output: &mut Output) -> Result<(), Report> {
    output.text(INDENT)?;
    output.styled(Style::Dim, format!("{name}: "))?;
    output.data_line(value, &[])?;
    output.line("")
}
