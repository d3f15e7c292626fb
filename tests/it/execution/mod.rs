//! Steps run in real workers: what they may, what they may not, and what replays say of them.

mod attacks;
mod builtin;
mod cpython;
mod expressions;
mod mcp;
mod mcp_server;
mod recovery;
mod replay;
mod rollout;
mod sandbox;

use std::path::PathBuf;
use std::time::Duration;

use retake::jobs::Progress;
use retake::sandbox::{
    Answer, Call, Limits, Outcome, Pool, PythonValue, StepRun, ToolHost, WorkerCommand,
};

/// The program under test, as the worker of a pool.
pub fn worker() -> WorkerCommand {
    WorkerCommand::of(PathBuf::from(env!("CARGO_BIN_EXE_retake")))
}

/// Says why a test looks at nothing here.
#[allow(clippy::print_stderr)]
pub fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// Limits that a test waits for.
pub fn limits() -> Limits {
    Limits {
        computing: Duration::from_secs(1),
        clock: Duration::from_secs(10),
        ..Limits::default()
    }
}

pub fn pool() -> Pool {
    Pool::new(worker(), limits(), 2, Progress::default())
}

/// Answers every call with its name and arguments.
pub struct Echo;

impl ToolHost for Echo {
    fn tools(&self) -> Vec<String> {
        vec![
            "tool".to_owned(),
            "fails".to_owned(),
            "absent".to_owned(),
            "final_answer".to_owned(),
        ]
    }

    fn call(&mut self, call: &Call) -> Answer {
        match call.name.as_str() {
            "fails" => Answer::Error("it broke".to_owned()),
            "absent" => Answer::Unavailable("nobody is there".to_owned()),
            _ => Answer::Value(PythonValue::List(call.arguments.clone())),
        }
    }
}

/// Runs code in a fresh session.
pub fn run(code: &str) -> StepRun {
    pool().session().unwrap().run(code, &mut Echo).unwrap()
}

/// What code prints, which has to run to its end.
pub fn printed(code: &str) -> String {
    let run = run(code);
    assert!(
        matches!(run.outcome, Outcome::Completed(_)),
        "{code}: {}",
        run.outcome
    );
    run.output
}
