//! Explorations with a controller whose words depend on what it is asked alone, and calls that need no sandbox.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::controller::{CandidateText, ChatRequest, Controller, ControllerError, Delta, Reply};
use crate::domain::review::Timestamp;
use crate::domain::{
    Action, ContentHash, Observation, Origin, RecordId, Step, Task, ToolCall, ToolDefinition,
    Trajectory,
};
use crate::jobs::{Progress, Slots};
use crate::judge::Panel;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::rollout::{Draw, Environment, Pictures, PromptForm, RolloutOptions, RunFile};
use crate::sandbox::{Limits, Pool, WorkerCommand};
use crate::tools::{Toolbox, structured_recording};

const CITIES: [&str; 4] = ["Oslo", "Rome", "Paris", "Lima"];

/// Proposes by the hash of what it is asked; fails once it was asked so often.
struct Hashing {
    asked: Arc<AtomicUsize>,
    fails_at: usize,
}

impl Controller for Hashing {
    fn name(&self) -> &str {
        "hashing"
    }

    fn propose(
        &mut self,
        request: &ChatRequest,
        progress: &Progress,
        _: &mut dyn FnMut(Delta),
    ) -> Result<Reply, ControllerError> {
        progress.check()?;
        if self.asked.fetch_add(1, Ordering::SeqCst) + 1 >= self.fails_at {
            return Err(ControllerError::ScriptEnded);
        }
        let messages = serde_json::to_string(&request.messages).unwrap();
        let text = |place: u64| {
            let seed = request.seed.unwrap_or(0) + place;
            let hash = blake3::hash(format!("{seed} {messages}").as_bytes());
            let number = usize::from(hash.as_bytes()[0]);
            match number % 7 {
                0..=3 => json!({"name": "Weather", "arguments": {"city": CITIES[number % 4]}})
                    .to_string(),
                4 => "It is 3 degrees in Oslo.".to_owned(),
                5 => String::new(),
                _ => json!({"name": "Sing", "arguments": {}}).to_string(),
            }
        };
        let candidates = (0..request.n.unwrap_or(1) as u64).map(|place| CandidateText {
            text: text(place),
            ..CandidateText::default()
        });
        Ok(Reply {
            candidates: candidates.collect(),
            ..Reply::default()
        })
    }
}

fn recorded(city: &str, result: &str, is_error: bool) -> Step {
    Step {
        action: Some(Action::ToolCalls(vec![ToolCall {
            id: None,
            name: "Weather".to_owned(),
            arguments: json!({"city": city}),
            result: Some(result.to_owned()),
        }])),
        observation: Some(Observation {
            text: result.to_owned(),
            is_error,
            pictures: Vec::new(),
        }),
        ..Step::default()
    }
}

fn prepared(task: &TaskName) -> Prepared {
    let worker = WorkerCommand::of(PathBuf::from("/nowhere"));
    let pool = Pool::new(worker, Limits::default(), 1, Progress::default());
    let mut environment = Environment::new(
        pool,
        Prompts::default(),
        Slots::new(2),
        &Progress::default(),
    );
    environment.form = PromptForm::ToolCalls;
    environment.toolbox = Toolbox {
        recording: structured_recording(&[
            recorded("Oslo", "rain", false),
            recorded("Rome", "sun", false),
            recorded("Lima", "no such city", true),
        ]),
        declared: vec!["Weather".to_owned()],
        ..Toolbox::default()
    };
    let config = Config::load(None).unwrap().rollout;
    let draw = Draw::of_config(&config, PromptForm::ToolCalls, 3, 11);
    let tools = vec![ToolDefinition {
        name: "Weather".to_owned(),
        ..ToolDefinition::default()
    }];
    Prepared {
        trajectory: Trajectory {
            tools: tools.clone(),
            task: Task {
                text: format!("Where does it rain, {}?", task.key),
                ..Task::default()
            },
            origin: task.origin.map(|hash| {
                Box::new(Origin {
                    record: RecordId::from("a/1"),
                    hash,
                    step: 0,
                    context: None,
                })
            }),
            ..Trajectory::default()
        },
        environment,
        pictures: Pictures::default(),
        options: RolloutOptions {
            max_steps: 4,
            ..RolloutOptions::new(&config, draw)
        },
        tools,
    }
}

fn tasks() -> Vec<TaskName> {
    let task = |number: u8| TaskName {
        key: format!("task {number}"),
        origin: Some(ContentHash([number; 32])),
    };
    (0..24).map(task).collect()
}

/// Explores once, until the controller fails; how often it was asked, and how it ended.
fn explore(
    file: &Path,
    tasks: &[TaskName],
    threads: usize,
    fails_at: usize,
) -> (usize, Result<(), SynthError>) {
    let run = RunFile::new(file.to_owned(), "run");
    let (log, begun) = StepLog::open(file, json!({})).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let judging = Config::load(None).unwrap().judge;
    let exploration = Exploration {
        file: &run,
        log: &log,
        judging: &judging,
        prepare: &|task| Ok::<_, Report>(prepared(task)),
        crew: &|_: &Progress| {
            Ok::<_, Report>(Crew {
                controller: Box::new(Hashing {
                    asked: Arc::clone(&asked),
                    fails_at,
                }),
                panel: Panel::rules(),
            })
        },
        threads,
    };
    let ended = exploration.explore(tasks, begun, &Progress::default(), |explored| {
        assert!(explored.outcome.is_ok(), "{explored:?}");
    });
    (asked.load(Ordering::SeqCst), ended)
}

/// The records of a file by id, without what differs from run to run: clocks.
fn records(file: &Path) -> BTreeMap<String, Value> {
    fn without_clocks(value: &mut Value) {
        match value {
            Value::Object(members) => {
                if let Some(time) = members.get_mut("time") {
                    *time = serde_json::to_value(Timestamp::from_milliseconds(0)).unwrap();
                }
                members.remove("milliseconds");
                members.values_mut().for_each(without_clocks);
            }
            Value::Array(items) => items.iter_mut().for_each(without_clocks),
            _ => {}
        }
    }
    let text = std::fs::read_to_string(file).unwrap();
    let record = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("hash");
        without_clocks(&mut record);
        (record["id"].as_str().unwrap().to_owned(), record)
    };
    text.lines().map(record).collect()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("retake-explore-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn each_task_has_a_run_and_its_pairs_keep_the_rules() {
    let folder = Folder::new("whole");
    let file = folder.0.join("run.jsonl");
    let (_, ended) = explore(&file, &tasks(), 2, usize::MAX);
    ended.unwrap();
    let records = records(&file);
    assert_eq!(records.len(), 24);
    let (mut pairs, mut unavailable, mut ties) = (0, 0, 0);
    for record in records.values() {
        let trajectory: Trajectory = serde_json::from_value(record["trajectory"].clone()).unwrap();
        assert!(trajectory.origin.is_some());
        assert!(
            trajectory.answer.is_some() || trajectory.provenance.failure.is_some(),
            "{trajectory:?}"
        );
        for step in &trajectory.steps {
            let chosen = &step.candidates[step.chosen.unwrap()];
            assert_eq!((&chosen.action, step.candidates.len()), (&step.action, 3));
            assert!(step.choice_reason.is_some());
            // One that could not be executed is chosen only where none could be.
            let executed = step
                .candidates
                .iter()
                .filter(|c| c.unavailable().is_none())
                .count();
            assert!(executed == 0 || chosen.unavailable().is_none());
            unavailable += step.candidates.len() - executed;
            ties += usize::from(
                step.choice_reason
                    .as_ref()
                    .unwrap()
                    .starts_with("the first of"),
            );
        }
        for pair in record["pairs"].as_array().into_iter().flatten() {
            pairs += 1;
            assert_ne!(pair["chosen"]["action"], pair["rejected"]["action"]);
            assert!(pair["rejected"]["execution"]["unavailable"].is_null());
            assert!(
                pair["context"]["steps"]
                    .as_array()
                    .is_none_or(|steps| steps.iter().all(|s| s["candidates"].is_null()))
            );
        }
    }
    assert!(
        pairs > 5 && unavailable > 5 && ties > 0,
        "{pairs} {unavailable} {ties}"
    );
    assert!(!folder.0.join("run.jsonl.progress").exists());
    // Whoever calls again has nothing to do; a record of another content is run anew.
    assert_eq!(explore(&file, &tasks(), 1, usize::MAX).0, 0);
    let mut changed = tasks();
    changed[3].origin = Some(ContentHash([99; 32]));
    assert!(explore(&file, &changed, 1, usize::MAX).0 > 0);
    assert_eq!(explore(&file, &changed, 1, usize::MAX).0, 0);
    assert_eq!(self::records(&file).len(), 25);
}

#[test]
fn what_was_stopped_goes_on_and_repeats_only_what_was_not_finished() {
    let folder = Folder::new("stopped");
    let whole = folder.0.join("run.jsonl");
    let (needed, ended) = explore(&whole, &tasks(), 1, usize::MAX);
    ended.unwrap();
    for (fails_at, threads) in [(3, 1), (6, 1), (9, 3), (30, 2)] {
        let file = folder.0.join(format!("{fails_at}/run.jsonl"));
        let (mut asked, mut stops) = (0, 0);
        loop {
            let (times, ended) = explore(&file, &tasks(), threads, fails_at);
            asked += times;
            match ended {
                Ok(()) => break,
                Err(SynthError::Rollout(_)) => stops += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(stops < 200);
        }
        // A step asks twice; each thread may have been within one when another failed.
        let repeated = asked - needed;
        assert!(
            stops > 1 && repeated <= stops * 2 * threads,
            "{repeated} of {needed}, {stops} stops"
        );
        assert_eq!(records(&file), records(&whole), "{fails_at}");
    }
}

#[test]
fn parts_join_to_the_same_as_the_whole() {
    let folder = Folder::new("parts");
    let whole = folder.0.join("run.jsonl");
    explore(&whole, &tasks(), 3, usize::MAX).1.unwrap();
    let mut joined = BTreeMap::new();
    for part in ["1/3", "2/3", "3/3"] {
        let shard: Shard = part.parse().unwrap();
        let mut tasks = tasks();
        tasks.retain(|task| shard.contains(&task.key));
        let file = folder.0.join(part.replace('/', "-")).join("run.jsonl");
        explore(&file, &tasks, 1, usize::MAX).1.unwrap();
        joined.append(&mut records(&file));
    }
    assert_eq!(joined, records(&whole));
}
