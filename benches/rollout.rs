//! What a candidate costs beside the model and the tools: prompt, parsing, execution on its own copy of the state, judging by rules,
//! pairs, and writing the step down.
//!
//!     cargo bench --bench rollout
//!
//! The controller is a script and tools answer at once. Absolute times depend on the machine; the bar is 5 ms for each candidate.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use retake::config::Config;
use retake::controller::ScriptedController;
use retake::domain::{Task, Trajectory};
use retake::jobs::{Progress, Slots};
use retake::judge::Panel;
use retake::prompts::Prompts;
use retake::rollout::{
    Agent, Draw, Environment, IMPORTS, Pictures, PromptForm, Rollout, RolloutOptions,
    new_system_prompt,
};
use retake::sandbox::{Limits, Pool, WorkerCommand};
use retake::synth::{JudgedChoice, StepLog};

const CANDIDATES: usize = 5;
const STEPS: usize = 8;
const RUNS: usize = 40;

fn main() {
    let progress = Progress::default();
    let slots = Slots::default();
    let command = WorkerCommand::of(PathBuf::from(env!("CARGO_BIN_EXE_retake")));
    let pool = Pool::new(command, Limits::default(), slots.total(), progress.clone());
    let environment = Environment::new(pool, Prompts::default(), slots, &progress)
        .live(PromptForm::Code, Vec::new());
    let config = Config::load(None).expect("settings");
    let system = new_system_prompt(&Prompts::default(), &[], IMPORTS).expect("a prompt");
    let options = RolloutOptions::new(
        &config.rollout,
        Draw::of_config(&config.rollout, PromptForm::Code, CANDIDATES, 0),
    );
    let pictures = Pictures::default();
    let folder = std::env::temp_dir().join(format!("retake-bench-rollout-{}", std::process::id()));
    let (log, _) = StepLog::open(&folder.join("a.jsonl"), serde_json::Value::Null).expect("a log");
    let (mut judged, mut written) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let mut panel = Panel::rules();
        let mut choice = JudgedChoice {
            panel: &mut panel,
            settings: &config.judge,
            tools: &[],
            environment: &environment,
            pictures: &pictures,
            options: &options,
            reference: None,
            benchmark: None,
            seed: 0,
        };
        let mut controller = ScriptedController::new(script());
        let mut rollout = Rollout::new(Trajectory {
            system_prompt: Some(system.text.as_str().into()),
            task: Task {
                text: "How many boats are in the harbour?".to_owned(),
                ..Task::default()
            },
            ..Trajectory::default()
        });
        let mut agent = Agent {
            controller: &mut controller,
            environment: &environment,
            pictures: &pictures,
            options: &options,
            choose: &mut choice,
            stops: None,
            progress: &progress,
            tell: &mut |_| {},
        };
        for step in 0..STEPS {
            let begun = Instant::now();
            agent.advance(&mut rollout).expect("a step");
            let made = begun.elapsed();
            log.write("a", None, &rollout, step, &[]).expect("written");
            // The first run starts the workers.
            if run > 0 {
                judged.push(made / CANDIDATES as u32);
                written.push((begun.elapsed() - made) / CANDIDATES as u32);
            }
        }
        assert_eq!(rollout.trajectory.steps.len(), STEPS);
    }
    drop(log);
    std::fs::remove_dir_all(&folder).expect("removed");
    println!("{CANDIDATES} candidates, {STEPS} steps, {RUNS} runs; for each candidate (bar: 5 ms)");
    print("prompt, execution, judging, pairs", &mut judged);
    print("written and synced", &mut written);
}

/// The replies of each step: the first candidate, then the others.
fn script() -> Vec<Vec<String>> {
    let reply = |step: usize, place: usize| {
        format!(
            "Thought: I count row {step} of the harbour in way {place}.\n\nCode:\n```py\nrow_{step} = [n * {place} for n in range(200)]\nprint(sum(row_{step}))\n```"
        )
    };
    let step = |step: usize| {
        let others = (1..CANDIDATES)
            .map(move |place| reply(step, place))
            .collect();
        [vec![reply(step, 0)], others]
    };
    (0..STEPS).flat_map(step).collect()
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what:<34} median {:>9.2?}  p99 {:>9.2?}", at(50), at(99));
}
