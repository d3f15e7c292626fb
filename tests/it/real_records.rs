//! Real records of code agents, read without loss: everything that a record says is found in what it was read as.

use std::path::Path;

use retake::domain::{Attachment, Content};
use serde_json::Value;

use crate::reading::{ReadFile, shared, text};

fn contents(file: &ReadFile) -> Vec<Content> {
    file.contents().map(Result::unwrap).collect()
}

#[test]
fn real_m_trace_records_are_read_whole() {
    let Some(path) = shared("m-trace/m-trace.json") else {
        return;
    };
    let file = ReadFile::new(&path, "m-trace.json");
    assert_eq!(file.format.name, "m-trace");
    let contents = contents(&file);
    let mut aliases = 0;
    let mut errors = 0;
    for (content, found) in contents.iter().zip(&file.records) {
        let record: Value = serde_json::from_str(text(found)).unwrap();
        let trajectory = content.trajectory.as_ref().unwrap();
        let turns = |from: &str| -> Vec<&str> {
            let turns = record["conversations"].as_array().unwrap().iter();
            turns
                .filter(|turn| turn["from"] == from)
                .map(|turn| turn["value"].as_str().unwrap())
                .collect()
        };
        assert_eq!(content.problems, Vec::<String>::new(), "{}", record["id"]);
        assert_eq!(content.natural_id.as_deref(), record["id"].as_str());
        assert_eq!(trajectory.answer.as_deref(), record["answer"].as_str());
        assert_eq!(
            trajectory.system_prompt.as_deref(),
            turns("system").first().copied()
        );
        assert_eq!(
            trajectory.task.prompt.as_deref(),
            turns("user").first().copied()
        );
        let replies: Vec<&str> = trajectory
            .steps
            .iter()
            .filter_map(|step| step.reply.as_deref())
            .collect();
        assert_eq!(replies, turns("assistant"));
        let last = trajectory.steps.last().unwrap();
        assert!(
            last.code()
                .is_some_and(|code| code.contains("final_answer("))
        );
        assert_eq!(last.observation, None);
        for (step, turn) in trajectory.steps.iter().zip(turns("user").iter().skip(1)) {
            let observation = step.observation.as_ref().unwrap();
            assert!(turn.contains(&observation.text) && !observation.text.starts_with("[OUTPUT"));
            assert_eq!(observation.is_error, turn.contains("] Error:"), "{turn}");
            errors += usize::from(observation.is_error);
            // What the reference could not parse is what has no code here.
            let unparsed = turn.contains("Error in code parsing");
            assert_eq!(step.action.is_none(), unparsed, "{:?}", step.reply);
        }
        for step in &trajectory.steps {
            let marks = ["Thought:", "**Thought", "Task:", "<end_action>"];
            let thought = step.thought.as_deref().unwrap_or_default();
            assert!(
                !marks.iter().any(|mark| thought.starts_with(mark)),
                "{thought}"
            );
            assert!(!step.code().unwrap_or_default().contains("```"));
        }
        let text = &trajectory.task.text;
        assert!(
            !text.is_empty()
                && !["Task:", "<img>", "Attachment:", "<image"]
                    .iter()
                    .any(|mark| text.contains(mark)),
            "{text}"
        );
        let pictures = match &record["image"] {
            Value::String(_) => 1,
            Value::Object(pictures) => pictures.len(),
            _ => 0,
        };
        let shown: Vec<&Attachment> = trajectory
            .task
            .attachments
            .iter()
            .filter(|a| a.shown)
            .collect();
        assert_eq!(shown.len(), pictures);
        // Each picture is also named under the tools' root, and that is no second attachment.
        assert!(shown.iter().all(|a| a.alias.is_some()));
        aliases += shown.len();
        let verification = trajectory.verification.as_ref().unwrap();
        assert_eq!(verification.verdict.name(), "correct");
        assert!(
            verification
                .reason
                .as_ref()
                .is_some_and(|reason| !reason.contains("```") && !reason.contains("\"correct\""))
        );
    }
    let trajectories = contents.iter().filter_map(|c| c.trajectory.as_ref());
    let steps: usize = trajectories.map(|t| t.steps.len()).sum();
    let json = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        (
            contents.len(),
            json.matches("\"from\": \"assistant\"").count()
        ),
        (63, steps)
    );
    assert_eq!(json.matches("] Error: ").count(), errors);
    assert!(errors > 0 && aliases > 0);
}

#[test]
fn json_lines_hold_the_same_records() {
    let (Some(array), Some(lines)) = (
        shared("m-trace/m-trace.json"),
        shared("m-trace/m-trace.jsonl"),
    ) else {
        return;
    };
    let read = |path: &Path| contents(&ReadFile::new(path, "m-trace"));
    assert_eq!(read(&array), read(&lines));
}

#[test]
fn real_pref_x_pairs_are_read_whole() {
    let Some(path) = shared("pref-x/pref-x-llamafactory.json") else {
        return;
    };
    let file = ReadFile::new(&path, "pref-x-llamafactory.json");
    assert_eq!((file.format.name, file.records.len()), ("pref-x", 432));
    for (content, found) in contents(&file).iter().zip(&file.records) {
        let record: Value = serde_json::from_str(text(found)).unwrap();
        assert_eq!(content.problems, Vec::<String>::new());
        let [pair] = &content.pairs[..] else {
            panic!("{} pairs", content.pairs.len());
        };
        assert_eq!(
            pair.chosen.reply.as_deref(),
            record["chosen"]["value"].as_str()
        );
        assert_eq!(
            pair.rejected.reply.as_deref(),
            record["rejected"]["value"].as_str()
        );
        assert_eq!(
            record["conversations"].as_array().unwrap().len(),
            2 * pair.context.steps.len() + 1
        );
        assert!(
            pair.context
                .steps
                .iter()
                .all(|step| step.observation.is_some())
        );
        let shown = pair
            .context
            .task
            .attachments
            .iter()
            .filter(|a| a.shown)
            .count();
        assert_eq!(shown, record["images"].as_array().unwrap().len());
        assert!(
            !pair.context.task.text.contains("Task:") && !pair.context.task.text.contains("<im")
        );
    }
}

#[test]
fn real_pref_x_explorations_are_read_whole() {
    let Some(folder) = shared("pref-x/beam") else {
        return;
    };
    let mut pairs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let file = ReadFile::new(
            &folder.join("beam_search_data.json"),
            &format!("{name}/beam_search_data.json"),
        );
        assert_eq!(file.format.name, "pref-x-beam");
        let content = contents(&file).remove(0);
        assert_eq!(content.natural_id.as_deref(), Some(name));
        assert_eq!(content.problems, Vec::<String>::new());
        let elements: Vec<Value> = serde_json::from_str(text(&file.records[0])).unwrap();
        let trajectory = content.trajectory.unwrap();
        assert_eq!(trajectory.steps.len(), elements.len() - 1);
        for (step, element) in trajectory.steps.iter().zip(&elements[1..]) {
            assert_eq!(
                step.candidates.len() as u64,
                element["beam_size"].as_u64().unwrap()
            );
            assert_eq!(
                step.chosen.map(|index| index.to_string()).as_deref(),
                element["best_step_idx"].as_str()
            );
            let best = &step.candidates[step.chosen.unwrap()];
            assert_eq!((&best.thought, &best.action), (&step.thought, &step.action));
        }
        for pair in &content.pairs {
            assert!(
                pair.chosen.thought != pair.rejected.thought
                    || pair.chosen.action != pair.rejected.action
            );
            let step = &trajectory.steps[pair.step_number() - 1];
            assert_eq!(pair.chosen.action, step.action);
            assert!(
                pair.context
                    .steps
                    .iter()
                    .all(|step| step.candidates.is_empty())
            );
        }
        pairs += content.pairs.len();
    }
    // Four wrong candidates for each of 108 steps were built in; not all of them differ from the chosen one.
    assert!((300..=432).contains(&pairs), "{pairs}");
}
