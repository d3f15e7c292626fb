//! ATIF, the Agent Trajectory Interchange Format of Harbor, versions 1.0 to 1.8, read leniently: unknown keys are
//! welcome and missing ones tolerated, also those that the specification demands. What ATIF has no field for is taken
//! from `extra`, under the names that our own writer uses: `answer`, `verdict`, `verdict_reason`, `reference_answer`,
//! `attachments`.

use serde::Deserialize;
use serde_json::Value;

use super::chat_turns::{Speaker, Turn, marks_error, read_content, tool_call};
use super::conversation::Conversation;
use super::ground_truth::reference_answer;
use super::json_field::{Rows, elements, field, filled, identifier, items, plain_field, text};
use super::picture_field::PictureColumn;
use super::tool_schema::tools;
use super::{Format, Layout, ReadError, RecordText, Sample};
use crate::domain::{
    Action, Attachment, Content, Provenance, Step, Trajectory, Verdict, Verification,
};

/// The row of `FORMATS`.
pub(super) const FORMAT: Format = Format {
    name: "atif",
    title: "ATIF 1.0 to 1.8 (Harbor's agent trajectories)",
    detect,
    read,
};

/// Functions that execute Python: their call is the step's code.
const CODE_FUNCTIONS: [&str; 4] = ["code", "python", "python_interpreter", "execute_code"];

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let rows = Rows(sample);
    let version = rows.get("schema_version").and_then(Value::as_str);
    let first_step = rows
        .get("steps")
        .and_then(elements)
        .and_then(<[Value]>::first);
    let found = version.is_some_and(|version| version.starts_with("ATIF"))
        || (rows.get("agent").is_some_and(Value::is_object)
            && first_step.is_some_and(|step| text(step, "source").is_some()));
    found.then(|| rows.layout())
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let row: Value = serde_json::from_str(record.text)?;
    let steps = field(&row, "steps").and_then(elements).ok_or_else(|| {
        ReadError("an ATIF trajectory needs `steps`, a list; this record has none".to_owned())
    })?;
    let mut problems = Vec::new();
    let mut turns = Vec::with_capacity(steps.len() * 2);
    for (n, step) in steps.iter().enumerate() {
        step_turns(n + 1, step, &mut turns, &mut problems);
    }
    let mut conversation = Conversation::of(turns, record.interner, &mut problems);
    for step in &mut conversation.steps {
        unwrap_code(step);
    }
    let subagents = items(&row, "subagent_trajectories").len();
    if subagents > 0 {
        problems.push(format!(
            "trajectories of subagents that are not shown: {subagents}"
        ));
    }
    let agent = field(&row, "agent").unwrap_or(&Value::Null);
    let extra = field(&row, "extra").unwrap_or(&Value::Null);
    let attachments = field(extra, "attachments").map(Vec::<Attachment>::deserialize);
    if let Some(Ok(attachments)) = attachments {
        conversation.task.attachments = attachments;
    }
    Ok(Content {
        natural_id: identifier(&row, &["trajectory_id", "session_id"]),
        trajectory: Some(Trajectory {
            system_prompt: conversation.system_prompt,
            tools: field(agent, "tool_definitions")
                .map(tools)
                .unwrap_or_default(),
            task: conversation.task,
            steps: conversation.steps,
            answer: plain_field(extra, "answer").or(conversation.answer),
            reference_answer: field(extra, "reference_answer").and_then(reference_answer),
            verification: verification(extra),
            provenance: Provenance {
                format: FORMAT.name.to_owned(),
                model: filled(agent, "model_name").map(str::to_owned),
                ..Provenance::default()
            },
            origin: None,
        }),
        pairs: Vec::new(),
        problems,
    })
}

fn verification(extra: &Value) -> Option<Verification> {
    let verdict = match filled(extra, "verdict")? {
        "correct" => Verdict::Correct,
        "incorrect" => Verdict::Incorrect,
        _ => Verdict::Unknown,
    };
    let reason = text(extra, "verdict_reason").map(str::to_owned);
    Some(Verification { verdict, reason })
}

/// An ATIF step is a turn, and a turn for each result in its observation.
fn step_turns(number: usize, step: &Value, turns: &mut Vec<Turn>, problems: &mut Vec<String>) {
    let speaker = match text(step, "source") {
        Some("system") => Speaker::System,
        Some("user") => Speaker::User,
        Some("agent") => Speaker::Assistant,
        other => {
            problems.push(format!(
                "step {number} is passed over: {}",
                other.map_or("it has no source".to_owned(), |s| format!(
                    "unknown source `{s}`"
                ))
            ));
            return;
        }
    };
    let (said, pictures) = content(step, "message", problems);
    turns.push(Turn {
        speaker,
        text: said,
        thought: filled(step, "reasoning_content").map(str::to_owned),
        calls: items(step, "tool_calls")
            .iter()
            .filter_map(tool_call)
            .collect(),
        pictures,
        ..Turn::default()
    });
    let step_failed = field(step, "extra").is_some_and(marks_error);
    let results = field(step, "observation")
        .map(|o| items(o, "results"))
        .unwrap_or_default();
    for result in results {
        let (text, pictures) = content(result, "content", problems);
        turns.push(Turn {
            speaker: Speaker::Tool,
            text,
            call_id: filled(result, "source_call_id").map(str::to_owned),
            pictures,
            is_error: step_failed || field(result, "extra").is_some_and(marks_error),
            ..Turn::default()
        });
        if field(result, "subagent_trajectory_ref").is_some() {
            problems.push(format!(
                "step {number} refers to a subagent's trajectory, which is not shown"
            ));
        }
    }
}

fn content(
    of: &Value,
    key: &str,
    problems: &mut Vec<String>,
) -> (String, Vec<crate::domain::PictureReference>) {
    let Some(content) = field(of, key) else {
        return Default::default();
    };
    let (text, pictures, _) = read_content(content, &mut PictureColumn::default(), problems);
    (text, pictures)
}

/// A lone call that only hands code to a Python function becomes code.
fn unwrap_code(step: &mut Step) {
    let Some(Action::ToolCalls(calls)) = &mut step.action else {
        return;
    };
    let [call] = calls.as_mut_slice() else {
        return;
    };
    let is_code = CODE_FUNCTIONS.contains(&call.name.as_str());
    let Some(arguments) = call
        .arguments
        .as_object_mut()
        .filter(|a| is_code && a.len() == 1)
    else {
        return;
    };
    if let Some(Value::String(code)) = arguments.get_mut("code") {
        step.action = Some(Action::Code(std::mem::take(code)));
    }
}
