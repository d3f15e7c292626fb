//! The published GTA tasks: what paper §5 counted in the 229 holds for those that are here, and the official scorer
//! refuses exactly the gold endings that it lists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use retake::domain::{Action, Benchmark, Interner, Outcome, ReferenceAnswer, Trajectory};
use retake::ingest::{RecordText, format_named};
use retake::rules::answer_scorer::{gta, outcome};
use serde_json::Value;

/// Gold endings that fail the official scorer: `\b` beside `-`, `$`, `%`, `}`; 115 ends on a picture, 211 on an aside.
const REFUSED: [u32; 13] = [19, 67, 69, 71, 72, 83, 94, 115, 170, 171, 198, 206, 211];

fn tasks() -> Option<Vec<(u32, Value, Trajectory)>> {
    let shared = std::env::var_os("RETAKE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(shared.join("data/gta/dataset.json")) else {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("skipped: ../shared not there");
        }
        return None;
    };
    let all: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("JSON");
    let format = format_named("gta").expect("format");
    let interner = Interner::default();
    let read = |(key, value): (String, Value)| {
        let content = (format.read)(&RecordText {
            text: &value.to_string(),
            key: Some(&key),
            path: "dataset.json",
            interner: &interner,
        })
        .expect("readable");
        assert_eq!(content.problems, [""; 0], "{key}");
        assert_eq!(content.natural_id.as_deref(), Some(key.as_str()));
        let trajectory = content.trajectory.expect("trajectory");
        (key.parse().expect("number"), value, trajectory)
    };
    Some(all.into_iter().map(read).collect())
}

#[test]
fn every_task_is_read_whole() {
    let Some(tasks) = tasks() else { return };
    assert_eq!(tasks.len(), 153);
    let (
        mut calls,
        mut results,
        mut pictures,
        mut without_thought,
        mut without_text,
        mut ends_on_tool,
    ) = (0, 0, 0, 0, 0, 0);
    for (key, raw, task) in &tasks {
        assert_eq!(task.provenance.benchmark, Some(Benchmark::Gta));
        assert_eq!(
            task.provenance.task_key.as_deref(),
            Some(key.to_string().as_str())
        );
        assert!(!task.task.text.is_empty() && !task.tools.is_empty() && !task.steps.is_empty());
        assert_eq!(
            task.task.attachments.len(),
            raw["files"].as_array().map_or(0, Vec::len)
        );
        let turns = raw["dialogs"].as_array().expect("dialogs");
        without_thought += turns
            .iter()
            .filter(|t| t.get("tool_calls").is_some() && t.get("thought").is_none())
            .count();
        for (n, step) in task.steps.iter().enumerate() {
            let is_last = n + 1 == task.steps.len();
            calls += step.tool_calls().len();
            results += step
                .tool_calls()
                .iter()
                .filter(|c| c.result.is_some())
                .count();
            pictures += step.observation.as_ref().map_or(0, |o| o.pictures.len());
            without_text += usize::from(!step.tool_calls().is_empty() && step.thought.is_none());
            ends_on_tool += usize::from(is_last && step.observation.is_some());
            if let Some(Action::Message(text)) = &step.action {
                assert!(is_last && task.answer.as_ref() == Some(text), "{key}");
            }
        }
    }
    assert_eq!((calls, results, pictures), (373, 372, 58));
    // Ten calls lack a thought, two of which say something else beside the call.
    assert_eq!((without_thought, without_text, ends_on_tool), (10, 8, 10));
    let kinds = tasks.iter().fold([0; 3], |mut kinds, (_, _, task)| {
        match task.reference_answer {
            Some(ReferenceAnswer::Lists { .. }) => kinds[0] += 1,
            Some(ReferenceAnswer::Texts(_)) => kinds[1] += 1,
            Some(ReferenceAnswer::Text(_)) => panic!("GTA has no plain reference"),
            None => kinds[2] += 1,
        }
        kinds
    });
    assert_eq!(kinds, [106, 10, 37]);
}

#[test]
fn the_official_scorer_refuses_exactly_the_listed_gold_endings() {
    let Some(tasks) = tasks() else { return };
    let present: BTreeSet<u32> = tasks.iter().map(|(key, ..)| *key).collect();
    let listed: BTreeSet<u32> = present.intersection(&REFUSED.into()).copied().collect();
    assert_eq!(listed.len(), 9);
    let refused = |score: &dyn Fn(&Trajectory) -> Outcome| -> BTreeSet<u32> {
        let failed = tasks
            .iter()
            .filter(|(_, _, task)| score(task) == Outcome::Fail);
        failed.map(|(key, ..)| *key).collect()
    };
    let official = |task: &Trajectory| {
        outcome(
            task.provenance.benchmark,
            task.answer.as_deref(),
            task.reference_answer.as_ref(),
        )
    };
    assert_eq!(refused(&official), listed);
    let unknown = tasks
        .iter()
        .filter(|(_, _, t)| official(t) == Outcome::Unknown)
        .count();
    assert_eq!(unknown, 47);
    let lax = |task: &Trajectory| match &task.reference_answer {
        Some(reference) => gta::substring_score(task.answer.as_deref().unwrap_or(""), reference),
        None => Outcome::Unknown,
    };
    assert_eq!(refused(&lax), [115, 211].into());
}
