use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::recording::{RecordedResult, Recording};
use super::tool::{Patience, Provider, Tool};
use crate::domain::{LoggedCall, LoggedResult};
use crate::jobs::Progress;
use crate::sandbox::{Answer, Call, PythonValue, ToolHost};

/// The call that ends a run; it returns what it is given.
pub const FINAL_ANSWER: &str = "final_answer";

/// How the recording is called where calls are shown.
pub const RECORDED: &str = "recorded";

/// How long a live tool may take, unless something else is set.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between looks at whether somebody asked to stop, while a tool works.
const NAP: Duration = Duration::from_millis(50);

/// What answers the calls of one trajectory: its recording first, then live tools in their order.
#[derive(Clone, Default)]
pub struct Toolbox {
    /// What the trajectory's own calls returned.
    pub recording: Recording,
    /// Live tools, preferred first.
    pub live: Vec<Provider>,
    /// Names that the trajectory declares; calling one that nothing answers is no error of the code.
    pub declared: Vec<String>,
    /// How long a live tool may take that does not say itself; `None` is [`PATIENCE`].
    pub patience: Option<Duration>,
    /// Whoever cancels it waits for no tool any more.
    pub progress: Progress,
}

impl Toolbox {
    /// Answers the calls of one step, and logs them.
    pub fn host(&self, step: usize) -> StepHost<'_> {
        StepHost {
            toolbox: self,
            step,
            calls: Vec::new(),
            final_answer: None,
        }
    }

    /// Every name that can be called.
    pub fn names(&self) -> Vec<String> {
        let live = self.live.iter().flat_map(|provider| &provider.tools);
        let recorded = self.recording.calls.iter().map(|call| call.name.clone());
        let mut names: Vec<String> = recorded
            .chain(live.map(|tool| tool.name().to_owned()))
            .chain(self.declared.iter().cloned())
            .collect();
        names.push(FINAL_ANSWER.to_owned());
        names.sort();
        names.dedup();
        names
    }

    /// The answer to a call, and who gives it.
    pub fn answer(&self, step: usize, call: &Call) -> (Answer, Option<String>) {
        let recorded = self.recording.answer(step, call);
        if let Some(result @ (RecordedResult::Value(_) | RecordedResult::Error(_))) = recorded {
            return (result.answer(), Some(RECORDED.to_owned()));
        }
        let (answer, provider) = self.live_answer(step, call);
        let Answer::Unavailable(live) = answer else {
            return (answer, provider);
        };
        let mut reason = match recorded {
            Some(RecordedResult::Lost(reason)) => reason.clone(),
            _ => "no call with these arguments is recorded".to_owned(),
        };
        if !live.is_empty() {
            reason = format!("{reason}; {live}");
        }
        (Answer::Unavailable(reason), None)
    }

    /// The answer of the live tools alone, and who gives it; unavailable for no reason where there is no such tool.
    pub fn live_answer(&self, step: usize, call: &Call) -> (Answer, Option<String>) {
        let mut reasons = Vec::new();
        for provider in &self.live {
            let Some(tool) = provider.tool(&call.name) else {
                continue;
            };
            let patience = match tool.patience() {
                Patience::Usual => Some(self.patience.unwrap_or(PATIENCE)),
                Patience::Within(patience) => Some(patience),
                Patience::Endless => None,
            };
            match patiently(tool, step, call, patience, &self.progress) {
                Answer::Unavailable(reason) if reason.is_empty() => {}
                Answer::Unavailable(reason) => {
                    reasons.push(format!("{}: {reason}", provider.label));
                }
                answer => return (answer, Some(provider.label.clone())),
            }
        }
        (Answer::Unavailable(reasons.join("; ")), None)
    }
}

/// Asks a tool and waits no longer than `patience`, nor once somebody asked to stop. A tool that never answers keeps its
/// thread, not us.
fn patiently(
    tool: &Arc<dyn Tool>,
    step: usize,
    call: &Call,
    patience: Option<Duration>,
    progress: &Progress,
) -> Answer {
    let (sender, answers) = mpsc::channel();
    let (asked, call) = (Arc::clone(tool), call.clone());
    let thread = thread::Builder::new()
        .name("tool".to_owned())
        .spawn(move || sender.send(asked.call_at(step, &call)));
    if let Err(error) = thread {
        return Answer::Unavailable(format!("no thread for the call: {error}"));
    }
    let since = Instant::now();
    loop {
        let left = patience.map(|patience| patience.saturating_sub(since.elapsed()));
        match answers.recv_timeout(left.unwrap_or(NAP).min(NAP)) {
            Ok(answer) => return answer,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Answer::Unavailable("the tool ended without an answer".to_owned());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if progress.check().is_err() {
            return Answer::Unavailable("cancelled".to_owned());
        }
        if let Some(patience) = patience.filter(|patience| since.elapsed() >= *patience) {
            let seconds = patience.as_secs_f32();
            return Answer::Unavailable(format!("no answer within {seconds} s"));
        }
    }
}

/// Answers the calls of one step.
pub struct StepHost<'a> {
    toolbox: &'a Toolbox,
    step: usize,
    /// What was called so far, `final_answer` left out.
    pub calls: Vec<LoggedCall>,
    /// What `final_answer` was given last.
    pub final_answer: Option<PythonValue>,
}

impl ToolHost for StepHost<'_> {
    fn tools(&self) -> Vec<String> {
        self.toolbox.names()
    }

    fn call(&mut self, call: &Call) -> Answer {
        if call.name == FINAL_ANSWER {
            let given = call
                .arguments
                .first()
                .or(call.keywords.first().map(|(_, value)| value));
            let given = given.cloned().unwrap_or(PythonValue::None);
            self.final_answer = Some(given.clone());
            return Answer::Value(given);
        }
        let (answer, provider) = self.toolbox.answer(self.step, call);
        let logged = logged(self.step, call, &answer, provider);
        self.calls.push(logged);
        answer
    }
}

/// What to keep of a call of a step, counted from 0, and of its answer.
pub fn logged(step: usize, call: &Call, answer: &Answer, provider: Option<String>) -> LoggedCall {
    LoggedCall {
        step,
        index: call.index,
        name: call.name.clone(),
        arguments: written_arguments(call),
        result: match answer {
            Answer::Value(value) => LoggedResult::Value(value.repr()),
            Answer::Error(message) => LoggedResult::Error(message.clone()),
            Answer::Unavailable(reason) => LoggedResult::Unavailable(reason.clone()),
        },
        provider,
    }
}

/// Arguments as Python writes them in a call.
pub fn written_arguments(call: &Call) -> String {
    let positional = call.arguments.iter().map(PythonValue::repr);
    let named = call.keywords.iter();
    let named = named.map(|(name, value)| format!("{name}={}", value.repr()));
    positional.chain(named).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::recording::RecordedCall;
    use super::*;

    struct Fake(&'static str, fn() -> Answer);

    impl Tool for Fake {
        fn name(&self) -> &str {
            self.0
        }

        fn description(&self) -> &str {
            "fake"
        }

        fn parameters(&self) -> Value {
            json!({})
        }

        fn call(&self, _: &Call) -> Answer {
            (self.1)()
        }
    }

    use serde_json::Value;

    fn provider(label: &str, tools: Vec<Fake>) -> Provider {
        let tools = tools
            .into_iter()
            .map(|tool| Arc::new(tool) as Arc<dyn Tool>);
        Provider {
            label: label.to_owned(),
            tools: tools.collect(),
        }
    }

    fn call(name: &str, argument: i64) -> Call {
        Call {
            index: 0,
            name: name.to_owned(),
            arguments: vec![PythonValue::Int(argument)],
            keywords: vec![("k".to_owned(), PythonValue::Str("v".to_owned()))],
        }
    }

    #[test]
    fn the_recording_answers_first_and_live_tools_in_their_order() {
        let recorded = call("ocr", 1);
        let toolbox = Toolbox {
            recording: Recording {
                calls: vec![RecordedCall {
                    step: 0,
                    index: 0,
                    name: recorded.name,
                    arguments: recorded.arguments,
                    keywords: recorded.keywords,
                    result: RecordedResult::Value(PythonValue::Int(10)),
                }],
            },
            live: vec![
                provider(
                    "a",
                    vec![Fake("ocr", || Answer::Unavailable("off".to_owned()))],
                ),
                provider(
                    "b",
                    vec![Fake("ocr", || Answer::Value(PythonValue::Int(20)))],
                ),
            ],
            declared: vec!["detect".to_owned()],
            ..Toolbox::default()
        };
        let mut host = toolbox.host(0);
        assert_eq!(
            host.call(&call("ocr", 1)),
            Answer::Value(PythonValue::Int(10))
        );
        assert_eq!(
            host.call(&call("ocr", 2)),
            Answer::Value(PythonValue::Int(20))
        );
        let Answer::Unavailable(reason) = host.call(&call("detect", 1)) else {
            panic!("answered");
        };
        assert_eq!(reason, "no call with these arguments is recorded");
        host.call(&call(FINAL_ANSWER, 3));
        assert_eq!(host.final_answer, Some(PythonValue::Int(3)));
        let log: Vec<_> = host
            .calls
            .iter()
            .map(|c| (c.arguments.as_str(), c.provider.as_deref()))
            .collect();
        assert_eq!(
            log,
            [
                ("1, k='v'", Some("recorded")),
                ("2, k='v'", Some("b")),
                ("1, k='v'", None)
            ]
        );
        assert_eq!(toolbox.names(), ["detect", "final_answer", "ocr"]);
    }

    #[test]
    fn a_tool_that_never_answers_or_panics_is_unavailable() {
        let toolbox = Toolbox {
            live: vec![provider(
                "slow",
                vec![
                    Fake("slow", || {
                        thread::sleep(Duration::from_secs(3600));
                        Answer::Value(PythonValue::None)
                    }),
                    Fake("broken", || std::panic::panic_any("broken")),
                ],
            )],
            patience: Some(Duration::from_secs(1)),
            ..Toolbox::default()
        };
        for (name, part) in [
            ("slow", "slow: no answer within 1 s"),
            ("broken", "ended without an answer"),
        ] {
            let (answer, provider) = toolbox.answer(0, &call(name, 1));
            assert!(
                matches!(&answer, Answer::Unavailable(reason) if reason.contains(part)),
                "{answer:?}"
            );
            assert_eq!(provider, None);
        }
    }

    #[test]
    fn whoever_cancels_waits_for_no_tool() {
        let toolbox = Toolbox {
            live: vec![provider(
                "slow",
                vec![Fake("slow", || {
                    thread::sleep(Duration::from_secs(3600));
                    Answer::Value(PythonValue::None)
                })],
            )],
            ..Toolbox::default()
        };
        let progress = toolbox.progress.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            progress.cancel();
        });
        let begun = Instant::now();
        let (answer, _) = toolbox.live_answer(0, &call("slow", 1));
        assert_eq!(answer, Answer::Unavailable("slow: cancelled".to_owned()));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_call_that_no_tool_takes_has_no_reasons() {
        let toolbox = Toolbox::default();
        let (answer, provider) = toolbox.live_answer(0, &call("ocr", 1));
        assert_eq!(answer, Answer::Unavailable(String::new()));
        assert_eq!(provider, None);
    }
}
