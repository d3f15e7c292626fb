use super::error::RolloutError;
use super::execution::Environment;
use crate::domain::{Observation, Step};
use crate::sandbox::{Outcome, SavedState, StepRun};
use crate::tools::recorded_code;

/// The state before a step, made by running the steps before it again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restored {
    /// The state; `None` where nothing ran.
    pub state: Option<SavedState>,
    /// Steps that do something else now than what is recorded of them.
    pub differences: Vec<Difference>,
}

/// A step that does something else than what is recorded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The step, from 0.
    pub step: usize,
    /// What it does, in words.
    pub what: String,
}

/// Runs steps again, their calls answered as the environment's tools answer them, for the variables that they set.
///
/// Steps without code leave no state. What a step does otherwise than recorded is told, and the next one goes on all the same.
pub fn restore(environment: &Environment, steps: &[Step]) -> Result<Restored, RolloutError> {
    let mut restored = Restored::default();
    let codes: Vec<_> = steps.iter().map(recorded_code).collect();
    let Some(last) = codes.iter().rposition(Option::is_some) else {
        return Ok(restored);
    };
    let mut session = environment.pool.session()?;
    for (number, (step, code)) in steps.iter().zip(codes).enumerate() {
        let Some(code) = code else { continue };
        let mut host = environment.toolbox.host(number);
        let run = session.run(&code.code, &mut host)?;
        if let Some(what) = difference(step.observation.as_ref(), &run) {
            restored.differences.push(Difference { step: number, what });
        }
        if session.is_lost() {
            // Its variables are gone with its worker: what follows goes on from before it.
            session = environment.pool.session()?;
            if let Some(state) = &restored.state {
                session.restore(state)?;
            }
        } else if number < last {
            restored.state = Some(session.save()?);
        }
    }
    restored.state = Some(session.save()?);
    Ok(restored)
}

fn difference(recorded: Option<&Observation>, run: &StepRun) -> Option<String> {
    let recorded = recorded?;
    match &run.outcome {
        Outcome::Completed(_) if recorded.is_error => Some("it no longer fails".to_owned()),
        Outcome::Completed(_) => {
            let same = recorded.text.trim_end() == run.output.trim_end();
            (!same).then(|| "it prints something else".to_owned())
        }
        Outcome::Raised(_) if recorded.is_error => None,
        Outcome::Raised(raised) => Some(format!("it fails: {raised}")),
        other => Some(other.to_string()),
    }
}
