use super::comparison::{Comparison, compare};
use super::run::{StepReplay, compare_answer, first_difference, step_replay};
use super::verdict::Verdict;
use crate::domain::{LoggedCall, Step, ToolCall};
use crate::sandbox::{Answer, Call, PythonValue};
use crate::tools::{
    FINAL_ANSWER, RECORDED, RecordedResult, Toolbox, is_made_picture, is_person, is_simulated,
    logged, structured_call,
};

/// Makes a step's structured calls again, and compares what live tools give with what was recorded.
///
/// A call that no live tool takes is answered by the recording: it was not executed, and proves nothing.
pub(super) struct StructuredReplay<'a> {
    toolbox: &'a Toolbox,
    /// The same without who would only say what a tool returns.
    executing: Toolbox,
}

/// What became of one call.
struct Made {
    verdict: Verdict,
    reason: String,
    /// Whether a tool ran.
    is_executed: bool,
    /// What came back, as text.
    text: String,
}

impl<'a> StructuredReplay<'a> {
    pub fn new(toolbox: &'a Toolbox) -> Self {
        let mut executing = toolbox.clone();
        executing.live.retain(|provider| executes(&provider.label));
        Self { toolbox, executing }
    }

    /// A step's calls, made again; with what `final_answer` was given.
    pub fn replay(
        &self,
        number: usize,
        step: &Step,
        answer: Option<&str>,
    ) -> (StepReplay, Option<PythonValue>) {
        let mut calls = Vec::new();
        let mut given = None;
        let mut made = Vec::new();
        for (index, call) in step.tool_calls().iter().enumerate() {
            let asked = structured_call(index, call);
            if call.name == FINAL_ANSWER {
                let value = answer_given(call, &asked);
                let (verdict, reason) = compare_answer(Some(&value), answer);
                made.push(Made {
                    verdict,
                    reason,
                    is_executed: true,
                    text: value.to_string(),
                });
                given = Some(value);
            } else {
                let (call, result) = self.make(number, &asked);
                calls.push(call);
                made.push(result);
            }
        }
        let (verdict, reason) = overall(&made);
        let is_executed = made.iter().all(|made| made.is_executed);
        let texts: Vec<&str> = made.iter().map(|made| made.text.as_str()).collect();
        let replayed = StepReplay {
            actual: made
                .iter()
                .any(|made| made.is_executed)
                .then(|| texts.join("\n")),
            is_independent: is_executed,
            calls,
            ..step_replay(number, step, verdict, reason)
        };
        (replayed, given)
    }

    fn make(&self, number: usize, call: &Call) -> (LoggedCall, Made) {
        let recorded = self.toolbox.recording.answer(number, call);
        let known = recorded.filter(|result| !matches!(result, RecordedResult::Lost(_)));
        let (answer, provider) = match known {
            Some(_) => self.executing.live_answer(number, call),
            // Nothing else is there to say what came back.
            None => self.toolbox.answer(number, call),
        };
        match (&answer, known) {
            (Answer::Unavailable(_), Some(known)) => {
                let answer = known.answer();
                let logged = logged(number, call, &answer, Some(RECORDED.to_owned()));
                let made = Made {
                    verdict: Verdict::NotRun,
                    reason: String::new(),
                    is_executed: false,
                    text: said(&answer),
                };
                (logged, made)
            }
            _ => {
                let (verdict, reason) = judge(&answer, known, &call.name);
                let made = Made {
                    verdict,
                    reason,
                    is_executed: provider.as_deref().is_some_and(executes),
                    text: said(&answer),
                };
                (logged(number, call, &answer, provider), made)
            }
        }
    }
}

/// Whether a provider's tools run, and do not only say what a tool would return.
fn executes(label: &str) -> bool {
    !is_person(label) && !is_simulated(label)
}

/// Compares what came back from a live tool with what was recorded.
fn judge(answer: &Answer, recorded: Option<&RecordedResult>, tool: &str) -> (Verdict, String) {
    match (answer, recorded) {
        (Answer::Unavailable(reason), _) => {
            (Verdict::ToolResultUnknown, format!("{tool}: {reason}"))
        }
        (_, None | Some(RecordedResult::Lost(_))) => (
            Verdict::NotRun,
            "it runs; nothing was recorded to compare it with".to_owned(),
        ),
        (Answer::Error(now), Some(RecordedResult::Error(then))) if now.trim() == then.trim() => {
            (Verdict::ErrorReproduced, String::new())
        }
        (Answer::Error(now), Some(RecordedResult::Error(_))) => (
            Verdict::ErrorNotReproduced,
            format!("{tool} fails otherwise: {now}"),
        ),
        (Answer::Value(_), Some(RecordedResult::Error(_))) => (
            Verdict::ErrorNotReproduced,
            format!("{tool} gives a result"),
        ),
        (Answer::Error(now), Some(RecordedResult::Value(_))) => {
            (Verdict::Differs, format!("{tool} fails: {now}"))
        }
        (Answer::Value(now), Some(RecordedResult::Value(then))) => {
            let (now, then) = (now.to_string(), then.to_string());
            match compare(&then, &now) {
                Comparison::Same => (Verdict::Match, String::new()),
                Comparison::Normalised { .. } => (
                    Verdict::MatchNormalised,
                    format!("{tool}: sets have another order, or floats other last digits"),
                ),
                Comparison::Different if is_made_picture(&now) => (
                    Verdict::NotRun,
                    format!("{tool} makes a picture, and pictures are not compared"),
                ),
                Comparison::Different => (
                    Verdict::Differs,
                    format!("{tool}: {}", first_difference(&then, &now)),
                ),
            }
        }
    }
}

/// The order in which verdicts of calls decide about their step.
const DECIDING: [Verdict; 4] = [
    Verdict::Differs,
    Verdict::ErrorNotReproduced,
    Verdict::ToolResultUnknown,
    Verdict::NotRun,
];

fn overall(made: &[Made]) -> (Verdict, String) {
    let executed = made.iter().filter(|made| made.is_executed).count();
    let is_reproduced = |made: &&Made| made.is_executed && made.verdict.reproduces();
    for verdict in DECIDING {
        let Some(deciding) = made.iter().find(|made| made.verdict == verdict) else {
            continue;
        };
        let reason = match (verdict, executed) {
            (Verdict::NotRun, 0) => {
                "the recording answers its calls; nothing was executed".to_owned()
            }
            (Verdict::NotRun, _) if deciding.reason.is_empty() => format!(
                "the recording answers some of its calls; {} of {} were executed and give what was recorded",
                made.iter().filter(is_reproduced).count(),
                made.len()
            ),
            _ => deciding.reason.clone(),
        };
        return (verdict, reason);
    }
    // What is left reproduces: the least plain of it is said.
    let is = |verdict: Verdict| made.iter().find(|made| made.verdict == verdict);
    let said = is(Verdict::ErrorReproduced)
        .or_else(|| is(Verdict::MatchNormalised))
        .or_else(|| made.first());
    said.map_or((Verdict::NotRun, "it makes no call".to_owned()), |made| {
        (made.verdict, made.reason.clone())
    })
}

/// What `final_answer` is given: its one argument, else all of them.
fn answer_given(call: &ToolCall, asked: &Call) -> PythonValue {
    match (asked.arguments.as_slice(), asked.keywords.as_slice()) {
        ([value], []) | ([], [(_, value)]) => value.clone(),
        _ => PythonValue::from_json(&call.arguments),
    }
}

fn said(answer: &Answer) -> String {
    match answer {
        Answer::Value(value) => value.to_string(),
        Answer::Error(text) | Answer::Unavailable(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{Action, Observation};
    use crate::tools::{Provider, Tool, structured_recording};

    /// Gives back a text, or fails with it.
    struct Echo(&'static str, Answer);

    impl Tool for Echo {
        fn name(&self) -> &str {
            self.0
        }

        fn description(&self) -> &str {
            ""
        }

        fn parameters(&self) -> Value {
            Value::Null
        }

        fn call(&self, _: &Call) -> Answer {
            self.1.clone()
        }
    }

    fn text(text: &str) -> Answer {
        Answer::Value(PythonValue::Str(text.to_owned()))
    }

    fn provider(label: &str, tools: Vec<(&'static str, Answer)>) -> Provider {
        let tools = tools.into_iter();
        let tools = tools.map(|(name, answer)| Arc::new(Echo(name, answer)) as Arc<dyn Tool>);
        Provider {
            label: label.to_owned(),
            tools: tools.collect(),
        }
    }

    fn step(calls: &[(&str, Option<&str>)], is_error: bool) -> Step {
        let made = calls.iter().map(|(name, result)| ToolCall {
            id: None,
            name: (*name).to_owned(),
            arguments: json!({"x": 1}),
            result: result.map(str::to_owned),
        });
        let observed = calls.iter().filter_map(|(_, result)| *result);
        let observed: Vec<&str> = observed.collect();
        Step {
            action: Some(Action::ToolCalls(made.collect())),
            observation: (!observed.is_empty()).then(|| Observation {
                text: observed.join("\n"),
                is_error,
                pictures: Vec::new(),
            }),
            ..Step::default()
        }
    }

    fn replayed(step: &Step, live: Vec<Provider>) -> StepReplay {
        let toolbox = Toolbox {
            recording: structured_recording(std::slice::from_ref(step)),
            live,
            ..Toolbox::default()
        };
        StructuredReplay::new(&toolbox).replay(0, step, None).0
    }

    #[test]
    fn without_a_live_tool_nothing_is_a_match() {
        let step = step(&[("ocr", Some("STOP"))], false);
        for live in [
            Vec::new(),
            vec![provider("a", vec![("other", text("STOP"))])],
            // Neither a person nor a model that plays executes anything.
            vec![provider("person", vec![("ocr", text("STOP"))])],
            vec![provider("person:ann", vec![("ocr", text("STOP"))])],
            vec![provider("simulated:m", vec![("ocr", text("STOP"))])],
            vec![provider(
                "a",
                vec![("ocr", Answer::Unavailable("off".to_owned()))],
            )],
        ] {
            let replayed = replayed(&step, live);
            assert_eq!(replayed.verdict, Verdict::NotRun);
            assert_eq!(
                replayed.reason,
                "the recording answers its calls; nothing was executed"
            );
            assert_eq!(replayed.actual, None);
            assert!(!replayed.is_independent);
            assert_eq!(replayed.calls[0].provider.as_deref(), Some(RECORDED));
        }
    }

    #[test]
    fn live_results_are_compared_with_the_recorded_ones() {
        let live = |answer: Answer| vec![provider("a", vec![("ocr", answer)])];
        let one = |result: &str, is_error: bool, now: Answer| {
            let replayed = replayed(&step(&[("ocr", Some(result))], is_error), live(now));
            assert_eq!(replayed.calls[0].provider.as_deref(), Some("a"));
            (replayed.verdict, replayed.reason)
        };
        let fails = |text: &str| Answer::Error(text.to_owned());
        assert_eq!(one("STOP", false, text("STOP\n")).0, Verdict::Match);
        assert_eq!(
            one("0.3", false, text("0.30000000000000004")).0,
            Verdict::MatchNormalised
        );
        assert_eq!(
            one("a\nb", false, text("a\nc")),
            (Verdict::Differs, "ocr: line 2 differs".to_owned())
        );
        assert_eq!(
            one("STOP", false, fails("no file")),
            (Verdict::Differs, "ocr fails: no file".to_owned())
        );
        assert_eq!(
            one("no file", true, fails("no file")).0,
            Verdict::ErrorReproduced
        );
        assert_eq!(
            one("no file", true, fails("no disk")).0,
            Verdict::ErrorNotReproduced
        );
        assert_eq!(
            one("no file", true, text("no file")).0,
            Verdict::ErrorNotReproduced
        );
        let picture = text(".retake/blobs/pictures/00.png");
        assert_eq!(one("image/1.png", false, picture).0, Verdict::NotRun);
    }

    #[test]
    fn a_step_is_as_good_as_its_worst_call() {
        let live = || vec![provider("a", vec![("ocr", text("STOP"))])];
        let both = step(&[("ocr", Some("STOP")), ("detect", Some("[]"))], false);
        let partly = replayed(&both, live());
        assert_eq!(partly.verdict, Verdict::NotRun);
        assert!(partly.reason.contains("1 of 2 were executed"), "{partly:?}");
        assert_eq!(partly.actual.as_deref(), Some("STOP\n[]"));
        let wrong = step(&[("detect", Some("[]")), ("ocr", Some("GO"))], false);
        assert_eq!(replayed(&wrong, live()).verdict, Verdict::Differs);
        let unknown = step(&[("ocr", Some("STOP")), ("detect", None)], false);
        let replayed = replayed(&unknown, live());
        assert_eq!(replayed.verdict, Verdict::ToolResultUnknown);
        assert!(replayed.reason.starts_with("detect: "), "{replayed:?}");
    }

    proptest::proptest! {
        /// Whatever a live tool gives, only what was recorded is a match.
        #[test]
        fn another_result_is_never_a_match(recorded in "[a-z0-9 ]{1,12}", now in "[a-z0-9 ]{1,12}") {
            let step = step(&[("ocr", Some(&recorded))], false);
            let replayed = replayed(&step, vec![provider("a", vec![("ocr", text(&now))])]);
            let is_same = recorded.trim_end() == now.trim_end();
            proptest::prop_assert_eq!(replayed.verdict == Verdict::Match, is_same);
            proptest::prop_assert_eq!(replayed.verdict == Verdict::Differs, !is_same);
        }
    }
}
