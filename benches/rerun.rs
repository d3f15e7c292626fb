//! What a re-run of a step costs: beside the model and the tools, and with a model behind the HTTP server.
//!
//!     cargo bench --bench rerun                                # a script answers: prompt, restoring, executing, judging; bar: 5 ms a candidate
//!     RETAKE_MODEL=NAME|DIR|FILE|URL cargo bench --bench rerun # that model, too: five candidates take at most twice the time of one
//!
//! With a model each re-run is of another task, so that no prompt is known to its server, and candidates never stop early: their length is the same.
//! Absolute times depend on the machine.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use retake::config::Config;
use retake::controller::{Controller, ScriptedController};
use retake::domain::review::{EditedStep, StepKey};
use retake::domain::{
    Action, ContentHash, Observation, RecordId, Sampling, Step, Task, Trajectory,
};
use retake::jobs::{Progress, Slots};
use retake::judge::Panel;
use retake::media::{DecodeLimits, PictureRoots};
use retake::prompts::Prompts;
use retake::rerun::{RerunBench, RerunControl, RerunRequest, rerun};
use retake::rollout::{Draw, IMPORTS, MissingPictures, new_system_prompt};
use retake::sandbox::{Limits, Pool, WorkerCommand};
use retake::serve::{Connector, WantedModel};

const CANDIDATES: usize = 5;
const RUNS: usize = 60;
/// Tokens of a candidate of a model.
const TOKENS: usize = 64;

fn main() {
    let config = Config::load(None).expect("settings");
    let slots = Slots::default();
    let command = WorkerCommand::of(PathBuf::from(env!("CARGO_BIN_EXE_retake")));
    let pool = Pool::new(
        command,
        Limits::default(),
        slots.total(),
        Progress::default(),
    );
    let bench = RerunBench {
        pool,
        slots,
        live: None,
        prompts: Prompts::default(),
        limits: DecodeLimits::default(),
        missing: MissingPictures::Refuse,
        rollout: config.rollout.clone(),
        judge: config.judge.clone(),
    };
    let mut times: Vec<Duration> = (0..=RUNS)
        .map(|run| {
            let first = vec![reply(0)];
            let others = (1..CANDIDATES).map(reply).collect();
            let mut script = ScriptedController::new([first, others]);
            timed(&bench, &request(run, CANDIDATES, 0.7, 1.2), &mut script)
        })
        .skip(1)
        .collect();
    times.sort_unstable();
    let each = |share: usize| times[(times.len() - 1) * share / 100] / CANDIDATES as u32;
    println!(
        "beside model and tools, a candidate of {CANDIDATES} (bar: 5 ms): median {:.2?}, p90 {:.2?}",
        each(50),
        each(90)
    );
    let Ok(model) = std::env::var("RETAKE_MODEL") else {
        println!("with a model: skipped: RETAKE_MODEL names none");
        return;
    };
    let connector = Connector::new(&config, None, None).expect("a connector");
    let connector = connector.with_program(
        PathBuf::from(env!("CARGO_BIN_EXE_retake")),
        std::env::temp_dir().join(format!("retake-bench-servers-{}", std::process::id())),
    );
    let wanted = WantedModel {
        model: Some(model),
        ..WantedModel::default()
    };
    let mut controller = connector
        .connect(&wanted, &Progress::default())
        .expect("a model");
    let mut task = 1000;
    let mut median = |count: usize, controller: &mut dyn Controller| {
        let mut times: Vec<Duration> = (0..5)
            .map(|_| {
                task += 1;
                timed(&bench, &request(task, count, 1.0, 1.0), controller)
            })
            .collect();
        times.sort_unstable();
        times[2]
    };
    // The first one waits for the model.
    median(1, controller.as_mut());
    let one = median(1, controller.as_mut());
    let five = median(CANDIDATES, controller.as_mut());
    println!(
        "with {}, {TOKENS} tokens each: one candidate {one:.2?}, {CANDIDATES} {five:.2?}: {:.2} times (bar: 2.0)",
        controller.name(),
        five.as_secs_f64() / one.as_secs_f64()
    );
}

fn timed(bench: &RerunBench, request: &RerunRequest, controller: &mut dyn Controller) -> Duration {
    let control = RerunControl::new(request.draw.count);
    let begun = Instant::now();
    let done = rerun(
        bench,
        request,
        controller,
        &mut Panel::rules(),
        &control,
        &|_| {},
    );
    let took = begun.elapsed();
    assert_eq!(
        done.expect("a re-run").candidates.len(),
        request.draw.count + 1
    );
    took
}

fn reply(place: usize) -> String {
    format!(
        "Thought: I count them in way {place}.\n\nCode:\n```py\nprint(sum(n * {place} for n in row))\n```"
    )
}

/// The third step of a recorded trajectory.
fn request(task: usize, count: usize, first: f32, others: f32) -> RerunRequest {
    let system = new_system_prompt(&Prompts::default(), &[], IMPORTS).expect("a prompt");
    let step = |code: &str, printed: &str| Step {
        thought: Some("I count the boats.".to_owned()),
        action: Some(Action::Code(code.to_owned())),
        observation: Some(Observation {
            text: printed.to_owned(),
            ..Observation::default()
        }),
        ..Step::default()
    };
    let trajectory = Trajectory {
        system_prompt: Some(Arc::from(format!("Harbour {task}. {}", system.text))),
        task: Task {
            text: format!("How many boats are in harbour {task}?"),
            ..Task::default()
        },
        steps: vec![
            step("row = [n for n in range(200)]\nprint(len(row))", "200"),
            step("print(row[3])", "3"),
            step("print(row[4])", "4"),
        ],
        ..Trajectory::default()
    };
    let sampling = |temperature| Sampling {
        temperature: Some(temperature),
        max_tokens: Some(TOKENS),
        ..Sampling::default()
    };
    let steps = (1..=3).map(|number| EditedStep {
        key: StepKey::Source(number),
        stale: None,
        is_edited: false,
    });
    RerunRequest {
        record: RecordId::new("bench", &task.to_string()),
        hash: ContentHash([0; 32]),
        source: trajectory.clone(),
        trajectory,
        edits: Vec::new(),
        results: Vec::new(),
        steps: steps.collect(),
        step: 2,
        roots: PictureRoots::default(),
        tools: Arc::from(Vec::new()),
        draw: Draw {
            count,
            first: sampling(first),
            others: sampling(others),
            seed: task as u64,
        },
        reference: None,
        benchmark: None,
    }
}
