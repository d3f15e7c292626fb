//! Steps in the sandbox: a step without tools, a fresh session, and a whole replay.
//!
//!     cargo bench --bench sandbox
//!
//! Absolute times depend on the machine.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use retake::domain::{Action, Observation, Step, Trajectory};
use retake::jobs::Progress;
use retake::replay::{ReplayOptions, replay};
use retake::sandbox::{Answer, Call, Limits, Pool, PythonValue, ToolHost, WorkerCommand};

const STEPS: usize = 2_000;
const SESSIONS: usize = 200;

struct NoTools;

impl ToolHost for NoTools {
    fn tools(&self) -> Vec<String> {
        Vec::new()
    }

    fn call(&mut self, _: &Call) -> Answer {
        Answer::Value(PythonValue::None)
    }
}

fn main() {
    let command = WorkerCommand::of(PathBuf::from(env!("CARGO_BIN_EXE_retake")));
    let pool = Pool::new(command, Limits::default(), 2, Progress::default());
    let cold = Instant::now();
    let mut session = pool.session().expect("a worker");
    println!("first session (a new worker)     {:>10.2?}", cold.elapsed());
    let mut times = Vec::new();
    for number in 0..STEPS {
        let code = format!("total = sum([{number}, 2, 3])\nprint('total', round(total / 7, 2))");
        let begun = Instant::now();
        session.run(&code, &mut NoTools).expect("ran");
        times.push(begun.elapsed());
    }
    print("a step without tools (bar: 1 ms)", &mut times);
    let mut times = Vec::new();
    for _ in 0..SESSIONS {
        drop(session);
        let begun = Instant::now();
        session = pool.session().expect("a worker");
        session.run("x = 1", &mut NoTools).expect("ran");
        times.push(begun.elapsed());
    }
    print("a warm session and its first step", &mut times);
    drop(session);
    let step = |code: &str, observed: &str| Step {
        action: Some(Action::Code(code.to_owned())),
        observation: Some(Observation {
            text: observed.to_owned(),
            ..Observation::default()
        }),
        ..Step::default()
    };
    let trajectory = Trajectory {
        steps: vec![
            step(
                "a = visualizer('what', 'a.jpg')\nprint(a)",
                "A cat on a wall.",
            ),
            step("print(a.split()[1])", "cat"),
            step("print(sorted({'b', 'a'}))", "['a', 'b']"),
        ],
        ..Trajectory::default()
    };
    let tools = ["visualizer".to_owned()];
    let mut times = Vec::new();
    for _ in 0..SESSIONS {
        let begun = Instant::now();
        replay(&pool, &trajectory, &tools, &ReplayOptions::default()).expect("replayed");
        times.push(begun.elapsed());
    }
    print("a trajectory of 3 steps, 1 call", &mut times);
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what:<34} median {:>9.2?}  p99 {:>9.2?}", at(50), at(99));
}
