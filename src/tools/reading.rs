use super::error::ToolsError;
use super::recovery::{Reading, RecordedStep, recover};
use super::structured::structured_recording;
use crate::domain::{Observation, Step, Trajectory};
use crate::sandbox::{CodeRule, Pool, StepCode, step_code};

/// How an observation opens whose reply had no code that the reference could find.
const NO_CODE: &str = "Error in code parsing:";

/// Whether an observation says that the reference found no code in the reply.
pub fn found_no_code(observation: Option<&Observation>) -> bool {
    observation.is_some_and(|observed| observed.text.trim_start().starts_with(NO_CODE))
}

/// The code that the recorder ran; none where it found none.
pub fn recorded_code(step: &Step) -> Option<StepCode> {
    let code = step_code(step)?;
    let is_run = code.rule != CodeRule::Lenient || !found_no_code(step.observation.as_ref());
    is_run.then_some(code)
}

/// Reads the results of a trajectory's calls: those that structured calls carry, and those that its code printed. `tools` are
/// the names that it declares.
pub fn read_recording(
    pool: &Pool,
    trajectory: &Trajectory,
    tools: &[String],
) -> Result<Reading, ToolsError> {
    let structured = structured_recording(&trajectory.steps);
    let codes: Vec<_> = trajectory.steps.iter().map(recorded_code).collect();
    if codes.iter().all(Option::is_none) {
        return Ok(Reading {
            recording: structured,
            independent: vec![true; codes.len()],
        });
    }
    let steps = trajectory.steps.iter().zip(&codes);
    let recorded: Vec<RecordedStep<'_>> = steps
        .map(|(step, code)| RecordedStep {
            code: code.as_ref().map(|code| code.code.as_str()),
            observation: step.observation.as_ref(),
        })
        .collect();
    let mut reading = recover(pool, &recorded, tools, trajectory.answer.as_deref())?;
    let calls = &mut reading.recording.calls;
    calls.extend(structured.calls);
    calls.sort_by_key(|call| (call.step, call.index));
    Ok(reading)
}
