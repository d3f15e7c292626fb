use super::run::{StepReplay, TrajectoryReplay};
use super::verdict::Verdict;
use crate::sandbox::Pool;

/// A second interpreter, asked where the sandbox's own can't run a step, or before a recording is blamed.
#[derive(Clone)]
pub struct SecondInterpreter {
    /// Its workers.
    pub pool: Pool,
    /// What it is called in notes (`CPython 3.11.7`).
    pub name: String,
    /// What it is known to do otherwise than the recorder.
    pub caution: Option<String>,
}

/// Whether a second interpreter can say more of a step.
pub(super) fn is_open(step: &StepReplay) -> bool {
    step.rule.is_some()
        && matches!(
            step.verdict,
            Verdict::Unsupported
                | Verdict::Differs
                | Verdict::ErrorNotReproduced
                | Verdict::NotRun
                | Verdict::ToolResultUnknown
        )
}

/// Takes up what a second interpreter says of the steps that are open.
pub(super) fn confirm(
    first: &mut TrajectoryReplay,
    second: TrajectoryReplay,
    interpreter: &SecondInterpreter,
) {
    let name = &interpreter.name;
    for (step, other) in first.steps.iter_mut().zip(second.steps) {
        if !is_open(step) {
            continue;
        }
        let said = format!("the sandbox's interpreter: {}", words(step));
        if other.verdict.reproduces() || step.verdict == Verdict::Unsupported {
            let mut notes = other.notes.clone();
            notes.insert(0, format!("run in {name}; {said}"));
            *step = StepReplay { notes, ..other };
        } else {
            step.notes.push(format!("{name} says: {}", words(&other)));
        }
        if !step.verdict.reproduces() {
            step.notes.extend(interpreter.caution.clone());
        }
    }
    if second.recovered > first.recovered {
        first.calls = second.calls;
        first.recovered = second.recovered;
    }
    first.answer_matches = first
        .answer_matches
        .filter(|is| *is)
        .or(second.answer_matches);
}

/// A verdict and its reason.
pub(super) fn words(step: &StepReplay) -> String {
    match step.reason.as_str() {
        "" => step.verdict.name().to_owned(),
        reason => format!("{}, {reason}", step.verdict.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Progress;
    use crate::sandbox::{Limits, WorkerCommand};

    fn step(verdict: Verdict, reason: &str) -> StepReplay {
        StepReplay {
            step: 0,
            verdict,
            reason: reason.to_owned(),
            rule: Some("reference".to_owned()),
            recorded: None,
            actual: None,
            is_independent: true,
            notes: Vec::new(),
            calls: Vec::new(),
            variables: None,
        }
    }

    fn after(first: StepReplay, second: StepReplay) -> StepReplay {
        let one = |step| TrajectoryReplay {
            steps: vec![step],
            calls: 0,
            recovered: 0,
            answer_matches: None,
        };
        let command = WorkerCommand::of("/nonexistent".into());
        let interpreter = SecondInterpreter {
            pool: Pool::new(command, Limits::default(), 1, Progress::default()),
            name: "CPython 3.11".to_owned(),
            caution: None,
        };
        let mut first = one(first);
        confirm(&mut first, one(second), &interpreter);
        first.steps.remove(0)
    }

    #[test]
    fn a_second_interpreter_decides_what_is_open_and_nothing_else() {
        use Verdict::{Differs, Match, Unsupported};
        let taken = after(step(Unsupported, "yield"), step(Match, ""));
        assert_eq!(taken.verdict, Match);
        assert_eq!(
            taken.notes,
            ["run in CPython 3.11; the sandbox's interpreter: unsupported, yield"]
        );
        let blamed = after(
            step(Differs, "line 1 differs"),
            step(Differs, "line 2 differs"),
        );
        assert_eq!(blamed.verdict, Differs);
        assert_eq!(blamed.reason, "line 1 differs");
        assert_eq!(blamed.notes, ["CPython 3.11 says: differs, line 2 differs"]);
        assert_eq!(
            after(step(Unsupported, "yield"), step(Differs, "d")).verdict,
            Differs
        );
        assert_eq!(after(step(Match, ""), step(Differs, "d")).verdict, Match);
    }
}
