//! Whether pairs still are what they were when they were made, and whether their candidates come again.

use super::RerunError;
use crate::controller::{ChatRequest, Controller, ControllerError, Delta, Reply};
use crate::corpus::decision::Subject;
use crate::domain::review::{CandidateReference, Side};
use crate::domain::{Candidate, ContentHash, Context, PreferencePair};
use crate::export::staleness_of_pair;
use crate::jobs::Progress;
use crate::judge::{Case, findings, same_action};
use crate::media::PictureRoots;
use crate::rollout::{
    Batch, LoadedPrompt, MissingPictures, Pictures, RolloutError, prompt, propose,
};
use crate::rules::tools_of_prompt;

/// What was found wrong with a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was checked: `source`, `candidates`, `stale`, `context`, `prompt`, `sides`, `rules`.
    pub check: &'static str,
    /// What is wrong.
    pub problem: String,
}

/// What is known of a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairVerification {
    /// What is wrong with it; nothing, if all is well.
    pub findings: Vec<Finding>,
    /// Checks that could not be made, with the reason.
    pub unchecked: Vec<String>,
    /// Sides that a controller made and that tell how.
    pub generated: usize,
}

impl PairVerification {
    fn found(&mut self, check: &'static str, problem: impl Into<String>) {
        self.findings.push(Finding {
            check,
            problem: problem.into(),
        });
    }
}

/// Checks a pair against its source, its kept candidates, the context and prompt that they were made for, and the rules of pairs.
pub fn verify(subject: &Subject, pictures: &Pictures) -> Result<PairVerification, RerunError> {
    let mut verification = PairVerification::default();
    if subject.review().source_changed() || subject.current.review.source_changed() {
        verification.found(
            "source",
            "the source record is another one than the one that was looked at",
        );
    }
    let part = subject.id().part.as_deref();
    let made = subject.current.review.pairs.iter();
    let created = part.and_then(|part| made.clone().find(|pair| pair.id.to_string() == part));
    if let Some(created) = created {
        for side in [&created.pair.chosen, &created.pair.rejected] {
            if let CandidateReference::Generated(hash) = side
                && subject.kept.find(hash).is_none()
            {
                verification.found(
                    "candidates",
                    format!("the candidate {hash} is not kept, or is not what its hash says"),
                );
            }
        }
    }
    let Some(pair) = subject.pair() else {
        if verification.findings.is_empty() {
            let lost = subject.current.lost_pairs.iter();
            let id = subject.id().to_string();
            let reason = lost.filter_map(|lost| lost.strip_prefix(&id)).next();
            let reason = reason
                .unwrap_or(": it can't be shown")
                .trim_start_matches(": ");
            verification.found("candidates", reason);
        }
        return Ok(verification);
    };
    let stale = staleness_of_pair(pair, subject.review(), created, &subject.current.steps);
    if !stale.is_empty() {
        verification.found(
            "stale",
            "something before it, or in it, was edited, and it was not confirmed since",
        );
    }
    check_sides(pair, &mut verification);
    check_prompt(pair, pictures, &mut verification)?;
    check_rules(pair, &pictures.roots, &mut verification);
    Ok(verification)
}

fn check_sides(pair: &PreferencePair, verification: &mut PairVerification) {
    let (chosen, rejected) = (&pair.chosen, &pair.rejected);
    if same_action(chosen, rejected) && chosen.thought == rejected.thought {
        verification.found("sides", "chosen and rejected are the same");
    }
    for (side, candidate) in [("chosen", chosen), ("rejected", rejected)] {
        if candidate.action.is_none() && candidate.thought.is_none() && candidate.reply.is_none() {
            verification.found("sides", format!("the {side} one says and does nothing"));
        }
    }
}

/// Context and prompt are those that the candidates were made for.
fn check_prompt(
    pair: &PreferencePair,
    pictures: &Pictures,
    verification: &mut PairVerification,
) -> Result<(), RerunError> {
    let generations: Vec<_> = [
        (Side::Chosen, &pair.chosen),
        (Side::Rejected, &pair.rejected),
    ]
    .into_iter()
    .filter_map(|(side, candidate)| Some((side, candidate.generation.as_deref()?)))
    .collect();
    verification.generated = generations.len();
    if generations.is_empty() {
        return Ok(());
    }
    let context = pair.context.hash()?;
    let other = generations
        .iter()
        .find(|(_, generation)| generation.context != context);
    if let Some((side, generation)) = other {
        verification.found(
            "context",
            format!(
                "the {} candidate was made for the context {}, not for {context}",
                name(*side),
                generation.context
            ),
        );
        return Ok(());
    }
    match load(&pair.context, pictures, &generations[0].1.prompt) {
        Ok(loaded) => {
            let other = generations
                .iter()
                .find(|(_, generation)| generation.prompt != loaded.hash);
            if let Some((side, generation)) = other {
                verification.found(
                    "prompt",
                    format!(
                        "the {} candidate answers the prompt {}; the context makes {} now",
                        name(*side),
                        generation.prompt,
                        loaded.hash
                    ),
                );
            }
        }
        Err(error) => verification.unchecked.push(format!("prompt: {error}")),
    }
    Ok(())
}

/// The prompt of a context; with the pictures that are there, where it was made so.
fn load(
    context: &Context,
    pictures: &Pictures,
    wanted: &ContentHash,
) -> Result<LoadedPrompt, RolloutError> {
    let prompt = prompt(context)?;
    match prompt.load(pictures) {
        Err(error @ RolloutError::Pictures { .. }) => {
            let leaving_out = Pictures {
                missing: MissingPictures::LeaveOut,
                ..pictures.clone()
            };
            let loaded = prompt.load(&leaving_out)?;
            match loaded.hash == *wanted {
                true => Ok(loaded),
                false => Err(error),
            }
        }
        loaded => loaded,
    }
}

/// What the rules find in the chosen one that they do not find in the rejected one.
fn check_rules(pair: &PreferencePair, files: &PictureRoots, verification: &mut PairVerification) {
    let candidates = [pair.chosen.clone(), pair.rejected.clone()];
    let tools = match (&pair.context.tools, &pair.context.system_prompt) {
        (tools, Some(prompt)) if tools.is_empty() => tools_of_prompt(prompt),
        (tools, _) => tools.clone(),
    };
    let case = Case {
        context: &pair.context,
        candidates: &candidates,
        tools: &tools,
        files,
        pictures: &[],
        reference: None,
        benchmark: None,
        seed: 0,
        continuation: None,
    };
    let faults = |candidate: &Candidate| findings(&case, candidate).faults;
    let rejected = faults(&pair.rejected);
    let chosen = faults(&pair.chosen);
    if chosen.len() > rejected.len() {
        verification.found(
            "rules",
            format!(
                "the chosen one has more faults than the rejected one: {}",
                chosen.join("; ")
            ),
        );
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Chosen => "chosen",
        Side::Rejected => "rejected",
    }
}

/// Whether a candidate came again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproduction {
    /// Which side of the pair.
    pub side: Side,
    /// Its reply as it was kept.
    pub kept: String,
    /// What came now; `None` where it could not be asked for.
    pub now: Option<String>,
    /// Why it could not, or what is not the same as it was.
    pub notes: Vec<String>,
}

impl Reproduction {
    /// Whether it is word for word the same.
    pub fn is_same(&self) -> bool {
        self.now.as_deref() == Some(self.kept.as_str())
    }
}

/// Makes the candidates of a pair again: each with its whole batch, in its place, with nothing taken from a cache.
pub fn reproduce(
    pair: &PreferencePair,
    pictures: &Pictures,
    controller: &mut dyn Controller,
    progress: &Progress,
) -> Result<Vec<Reproduction>, RerunError> {
    let mut made = Vec::new();
    for (side, candidate) in [
        (Side::Chosen, &pair.chosen),
        (Side::Rejected, &pair.rejected),
    ] {
        let (Some(generation), Some(reply)) = (&candidate.generation, &candidate.reply) else {
            continue;
        };
        let mut reproduction = Reproduction {
            side,
            kept: reply.clone(),
            now: None,
            notes: Vec::new(),
        };
        match again(&pair.context, candidate, pictures, controller, progress) {
            Ok((now, notes)) => {
                reproduction.now = now;
                reproduction.notes = notes;
            }
            Err(RerunError::Cancelled) => return Err(RerunError::Cancelled),
            Err(error) => reproduction.notes.push(error.to_string()),
        }
        let place = generation.place + 1;
        if reproduction.now.is_none() && reproduction.notes.is_empty() {
            reproduction
                .notes
                .push(format!("there is no candidate {place} in the batch"));
        }
        made.push(reproduction);
    }
    Ok(made)
}

fn again(
    context: &Context,
    candidate: &Candidate,
    pictures: &Pictures,
    controller: &mut dyn Controller,
    progress: &Progress,
) -> Result<(Option<String>, Vec<String>), RerunError> {
    let none = || {
        Ok((
            None,
            vec!["the candidate does not tell how it was made".to_owned()],
        ))
    };
    let Some(generation) = &candidate.generation else {
        return none();
    };
    let Some(seed) = generation.seed else {
        return none();
    };
    let loaded = load(context, pictures, &generation.prompt)?;
    if loaded.hash != generation.prompt {
        return Ok((None, vec!["the prompt is another one now".to_owned()]));
    }
    let mut notes = Vec::new();
    let provenance = controller.provenance();
    let mut differ = |what: &str, then: &Option<String>, now: &Option<String>| {
        if let (Some(then), Some(now)) = (then, now)
            && then != now
        {
            notes.push(format!("another {what}: {now}, then {then}"));
        }
    };
    differ("model", &generation.weights, &provenance.weights);
    differ("adapter", &generation.adapter, &provenance.adapter);
    differ("device", &generation.device, &provenance.device);
    differ("backend", &generation.backend, &provenance.backend);
    let batch = Batch {
        count: generation.batch,
        sampling: generation.sampling.clone(),
        temperatures: generation.temperatures.clone(),
        seed,
    };
    let mut cold = Cold(controller);
    let proposals = propose(&mut cold, &loaded, &[batch], None, progress, &mut |_| {})?;
    let now = proposals
        .into_iter()
        .find(|proposal| proposal.number == generation.place);
    Ok((now.and_then(|proposal| proposal.candidate.reply), notes))
}

/// A controller that takes nothing from a cache.
struct Cold<'a>(&'a mut dyn Controller);

impl Controller for Cold<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        tell: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        let cold = ChatRequest {
            cache_prompt: Some(false),
            ..request.clone()
        };
        self.0.propose(&cold, progress, tell)
    }
}
