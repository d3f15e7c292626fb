//! Saved evaluation folders, `agent_memory.json` (paper §3a, §3c, §3e, §3f): `{conversations | logs, final_answer,
//! ground_truth}`. The file is one record; which task of which benchmark it ran is in its path alone.

use serde::Deserialize;
use serde_json::Value;

use super::code_reply::CodeReply;
use super::dialog::{Dialog, read_dialog};
use super::ground_truth::reference_answer;
use super::json_text::JsonText;
use super::observation_turn::plain_observation;
use super::task_turn::read_task;
use super::turn::{Turn, TurnContent};
use super::{Format, Layout, ReadError, RecordText, Sample, Top, parent_folder};
use crate::domain::{
    Action, Benchmark, Content, Interner, Observation, Provenance, Role, Step, ToolCall, Trajectory,
};

const NAME: &str = "evaluation-run";

pub(super) const FORMAT: Format = Format {
    name: NAME,
    title: "saved evaluation folders (agent_memory.json)",
    detect,
    read,
};

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let has = |key: &str| sample.keys.iter().any(|known| known == key);
    let fits = sample.top == Top::Object
        && (has("conversations") || has("logs"))
        && (has("final_answer") || has("ground_truth") || sample.file_name == "agent_memory.json");
    fits.then_some(Layout::Whole)
}

#[derive(Deserialize)]
struct Run<'a> {
    #[serde(borrow, default)]
    conversations: Option<Vec<Turn<'a>>>,
    #[serde(borrow, default)]
    logs: Option<Vec<LogEntry<'a>>>,
    #[serde(borrow, default)]
    final_answer: JsonText<'a>,
    #[serde(default)]
    ground_truth: Value,
}

/// An entry of `transformers.agents` logs: the first has `system_prompt` and `task`, each other is a step. Its
/// `agent_memory` repeats the dialog so far and is passed over.
#[derive(Deserialize)]
struct LogEntry<'a> {
    #[serde(borrow, default)]
    system_prompt: Option<TurnContent<'a>>,
    #[serde(borrow, default)]
    task: Option<TurnContent<'a>>,
    #[serde(borrow, default)]
    llm_output: JsonText<'a>,
    #[serde(borrow, default)]
    rationale: JsonText<'a>,
    #[serde(default)]
    tool_call: Option<LoggedCall>,
    #[serde(borrow, default)]
    observation: JsonText<'a>,
    #[serde(borrow, default)]
    error: JsonText<'a>,
}

#[derive(Deserialize)]
struct LoggedCall {
    #[serde(default)]
    tool_name: Option<String>,
    #[serde(default)]
    tool_arguments: Value,
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let run: Run<'_> = serde_json::from_str(record.text)?;
    let (dialog, failure) = match (run.conversations, run.logs) {
        (Some(turns), _) => (
            read_dialog(turns, Vec::new(), Vec::new(), record.interner),
            None,
        ),
        (None, Some(logs)) => read_logs(logs, record.interner),
        (None, None) => {
            return Err(ReadError("neither conversations nor logs".to_owned()));
        }
    };
    let place = Place::of(record.path);
    let answer =
        run.final_answer
            .into_string()
            .map(|answer| match answer.strip_prefix("Final Answer: ") {
                Some(answer) => answer.to_owned(),
                None => answer,
            });
    let trajectory = Trajectory {
        system_prompt: dialog.system_prompt,
        task: dialog.task,
        steps: dialog.steps,
        answer,
        reference_answer: reference_answer(&run.ground_truth),
        provenance: Provenance {
            format: NAME.to_owned(),
            role: Role::Run,
            benchmark: place.benchmark,
            task_key: place.key.clone(),
            run: place.model.clone(),
            model: place.model,
            level: None,
            failure,
        },
        ..Trajectory::default()
    };
    Ok(Content {
        natural_id: place.key,
        trajectory: Some(trajectory),
        pairs: Vec::new(),
        problems: dialog.problems,
    })
}

fn read_logs(logs: Vec<LogEntry<'_>>, interner: &Interner) -> (Dialog, Option<String>) {
    let mut dialog = Dialog::default();
    let mut failure = None;
    let last = logs.len().saturating_sub(1);
    for (number, entry) in logs.into_iter().enumerate() {
        let opens = entry.system_prompt.is_some() || entry.task.is_some();
        if let Some(prompt) = &entry.system_prompt {
            dialog.system_prompt = Some(interner.intern(&prompt.text));
        }
        if let Some(task) = &entry.task {
            dialog.task = read_task(&task.text, task.pictures.clone(), Vec::new());
        }
        let error = entry.error.filled().map(str::to_owned);
        let acts = entry.tool_call.is_some()
            || entry.llm_output.filled().is_some()
            || entry.rationale.filled().is_some();
        if acts {
            dialog.steps.push(logged_step(entry, error));
        } else if let Some(error) = error {
            // A last entry without a reply says which limit ended the run.
            if number == last {
                failure = Some(error);
            } else {
                dialog.steps.push(Step {
                    observation: Some(failed(&error)),
                    ..Step::default()
                });
            }
        } else if !opens {
            dialog.problems.push(format!(
                "log entry {}: neither reply nor error, passed over",
                number + 1
            ));
        }
    }
    if dialog.task.text.is_empty() {
        dialog.problems.push("no task in the logs".to_owned());
    }
    (dialog, failure)
}

fn logged_step(entry: LogEntry<'_>, error: Option<String>) -> Step {
    let words = entry.llm_output.filled().or(entry.rationale.filled());
    let words = words.unwrap_or_default().to_owned();
    let reply = entry.llm_output.into_string();
    let parsed = CodeReply::parse(&words);
    let action = match entry.tool_call {
        Some(call) => call.action(),
        None => parsed
            .code(&words)
            .map(|code| Action::Code(code.to_owned())),
    };
    let observation = match (error, entry.observation.as_str()) {
        (Some(error), _) => Some(failed(&error)),
        (None, text) => text.map(plain_observation),
    };
    Step {
        thought: parsed.thought(&words).map(str::to_owned),
        action,
        observation,
        reply,
        ..Step::default()
    }
}

impl LoggedCall {
    /// The `code interpreter` runs its argument; any other name is a tool.
    fn action(self) -> Option<Action> {
        match (self.tool_name, self.tool_arguments) {
            (_, Value::Null) => None,
            (name, Value::String(code))
                if name.as_deref().is_none_or(|n| n == "code interpreter") =>
            {
                (!code.trim().is_empty()).then_some(Action::Code(code))
            }
            (name, arguments) => Some(Action::ToolCalls(vec![ToolCall {
                id: None,
                name: name.unwrap_or_default(),
                arguments,
                result: None,
            }])),
        }
    }
}

fn failed(error: &str) -> Observation {
    Observation {
        is_error: true,
        ..plain_observation(error)
    }
}

/// What a run's path says of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    benchmark: Option<Benchmark>,
    key: Option<String>,
    model: Option<String>,
}

impl Place {
    /// `.cache/gta/<model>/<id>/agent_memory.json`, `.cache/qa_cache/<split>/<engine>/<model>/<task_id>/…`, or their
    /// ends: a folder may be added at any level. A task id in the form of a UUID is GAIA's, a small number GTA's.
    fn of(path: &str) -> Self {
        let Some(key) = parent_folder(path) else {
            return Self::default();
        };
        let mut folders = path.rsplit('/').skip(2);
        let model = folders.next().filter(|folder| !folder.is_empty());
        let above: Vec<&str> = folders.collect();
        let benchmark = if above.first() == Some(&"gta") {
            Some(Benchmark::Gta)
        } else if above.get(2) == Some(&"qa_cache") || is_uuid(key) {
            Some(Benchmark::Gaia)
        } else if is_gta_key(key) {
            Some(Benchmark::Gta)
        } else {
            None
        };
        // In a folder of one model's runs, `gta` is the benchmark's name and not the model's.
        let model = model
            .filter(|name| benchmark.is_some() && !["gta", "qa_cache", ".cache"].contains(name));
        Self {
            benchmark,
            key: Some(key.to_owned()),
            model: model.map(str::to_owned),
        }
    }
}

/// GTA numbers its 229 tasks from 0.
fn is_gta_key(key: &str) -> bool {
    key.len() <= 3 && key.parse::<u8>().is_ok_and(|number| number < 229)
}

fn is_uuid(key: &str) -> bool {
    let groups: Vec<usize> = key.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && key.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_task_and_model() {
        use Benchmark::{Gaia, Gta};
        let uuid = "c61d22de-5f6c-4958-a7f6-5e9707bd3466";
        let qa = format!(".cache/qa_cache/validation/tonggpt/qwen/{uuid}/agent_memory.json");
        let cases = [
            (
                ".cache/gta/qwen/17/agent_memory.json".to_owned(),
                Some(Gta),
                Some("17"),
                Some("qwen"),
            ),
            (
                "gta/qwen/name/agent_memory.json".to_owned(),
                Some(Gta),
                Some("name"),
                Some("qwen"),
            ),
            (
                "qwen/17/agent_memory.json".to_owned(),
                Some(Gta),
                Some("17"),
                Some("qwen"),
            ),
            (
                "17/agent_memory.json".to_owned(),
                Some(Gta),
                Some("17"),
                None,
            ),
            (
                "gta/17/agent_memory.json".to_owned(),
                Some(Gta),
                Some("17"),
                None,
            ),
            (qa, Some(Gaia), Some(uuid), Some("qwen")),
            (
                format!("qwen/{uuid}/agent_memory.json"),
                Some(Gaia),
                Some(uuid),
                Some("qwen"),
            ),
            (
                "runs/173_ab/agent_memory.json".to_owned(),
                None,
                Some("173_ab"),
                None,
            ),
            (
                "qwen/999/agent_memory.json".to_owned(),
                None,
                Some("999"),
                None,
            ),
            ("agent_memory.json".to_owned(), None, None, None),
        ];
        for (path, benchmark, key, model) in cases {
            let expected = Place {
                benchmark,
                key: key.map(str::to_owned),
                model: model.map(str::to_owned),
            };
            assert_eq!(Place::of(&path), expected, "{path}");
        }
    }
}
