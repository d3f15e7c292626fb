use super::engine::{Prepared, Tell, judge_again, prepare};
use super::step_rerun::Aftermath;
use super::{
    RerunBench, RerunCandidate, RerunControl, RerunError, RerunEvent, RerunRequest, StepRerun,
};
use crate::domain::review::{LiteralCandidate, parse_tool_calls};
use crate::domain::{Action, Candidate, Maker};
use crate::judge::Panel;
use crate::rollout::{Executed, PromptForm, execute};

/// Takes in a candidate that a person wrote or changed, and executes it like the others. Its number.
///
/// What it prints is what executing it prints: an observation among the texts is not taken.
pub fn add_edited(
    bench: &RerunBench,
    request: &RerunRequest,
    rerun: &mut StepRerun,
    texts: &LiteralCandidate,
    annotator: &str,
    control: &RerunControl,
    tell: Tell<'_>,
) -> Result<usize, RerunError> {
    request.expect(rerun)?;
    let prepared = prepare(bench, request, control)?;
    let written = texts.code.as_deref().filter(|code| !code.trim().is_empty());
    let action = match (written, PromptForm::of(&prepared.context)) {
        (None, _) => None,
        (Some(code), PromptForm::Code) => Some(Action::Code(code.to_owned())),
        (Some(calls), PromptForm::ToolCalls) => Some(Action::ToolCalls(parse_tool_calls(calls)?)),
    };
    let mut candidate = Candidate {
        thought: texts.thought.clone(),
        action,
        maker: Maker::Person(annotator.to_owned()),
        ..Candidate::default()
    };
    let number = rerun.candidates.len();
    let executed = execute_told(&prepared, request, number, &mut candidate, tell)?;
    rerun.candidates.push(RerunCandidate {
        candidate,
        executed: Some(Aftermath::from(executed)),
        ..RerunCandidate::default()
    });
    Ok(number)
}

/// Executes a candidate once more, which was unavailable: what its calls return may be known by now. Then judges look at all of them again.
pub fn execute_again(
    bench: &RerunBench,
    request: &RerunRequest,
    rerun: &mut StepRerun,
    number: usize,
    panel: &mut Panel,
    control: &RerunControl,
    tell: Tell<'_>,
) -> Result<(), RerunError> {
    request.expect(rerun)?;
    let prepared = prepare(bench, request, control)?;
    let mut candidate = rerun
        .pickable(number)
        .cloned()
        .ok_or(RerunError::NoCandidate(number))?;
    let number = rerun.resolved(number).unwrap_or(number);
    let executed = execute_told(&prepared, request, number, &mut candidate, tell)?;
    if let Some(place) = rerun.candidates.get_mut(number) {
        place.candidate = candidate;
        place.executed = Some(Aftermath::from(executed));
    }
    judge_again(bench, request, &prepared, rerun, panel, control, tell)
}

fn execute_told(
    prepared: &Prepared,
    request: &RerunRequest,
    number: usize,
    candidate: &mut Candidate,
    tell: Tell<'_>,
) -> Result<Executed, RerunError> {
    tell(RerunEvent::Executing { candidate: number });
    let state = prepared.restored.state.as_ref();
    let executed = execute(&prepared.environment, state, request.step, candidate)?;
    tell(RerunEvent::Executed {
        candidate: number,
        executed: Box::new(candidate.clone()),
    });
    Ok(executed)
}
