//! The opt-in fallback: CPython, which runs behind bubblewrap's walls or not at all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use retake::jobs::Progress;
use retake::sandbox::{
    Cpython, Exhausted, Limits, Outcome, Pool, PythonValue, Refusal, SandboxError, Session,
};

use super::{Echo, limits, skip};

/// A pool of CPython workers, or `None` (said so) where there is none to be had.
fn cpython() -> Option<Pool> {
    let folder = std::env::temp_dir().join("retake-test-cpython");
    let python = Path::new("/usr/bin/python3");
    let python = if python.exists() {
        python
    } else {
        Path::new("/usr/local/bin/python3")
    };
    let prepared = match Cpython::prepare(python, &folder) {
        Ok(prepared) => prepared,
        Err(error) => {
            skip(&error.to_string());
            return None;
        }
    };
    let limits = Limits {
        clock: Duration::from_secs(8),
        ..limits()
    };
    let pool = Pool::new(prepared.command, limits, 1, Progress::default());
    match pool.session() {
        Ok(_) => Some(pool),
        // Containers may not allow user namespaces.
        Err(error) => {
            skip(&error.to_string());
            None
        }
    }
}

fn step(session: &mut Session, code: &str) -> (String, Outcome) {
    let run = session.run(code, &mut Echo).unwrap();
    (run.output, run.outcome)
}

#[test]
fn steps_run_with_their_tools_and_variables() {
    let Some(pool) = cpython() else { return };
    let mut session = pool.session().unwrap();
    let (output, outcome) = step(
        &mut session,
        "import statistics\nx = tool(1, 2.0, (3,), {'a': None}, b'x', 2**70)\nprint(x, statistics.mean([1, 2]))\nx[:2]",
    );
    assert_eq!(
        output,
        "[1, 2.0, (3,), {'a': None}, b'x', 1180591620717411303424] 1.5\n"
    );
    let value = PythonValue::List(vec![PythonValue::Int(1), PythonValue::Float(2.0)]);
    assert_eq!(outcome, Outcome::Completed(value));
    let (output, outcome) = step(
        &mut session,
        "try:\n    fails()\nexcept Exception as e:\n    print('caught', e)\nclass A(dict): pass\ndef g():\n    yield 1\nprint(list(g()), A(a=1))\ny = 1 / 0",
    );
    assert_eq!(output, "caught it broke\n[1] {'a': 1}\n");
    assert!(
        matches!(&outcome, Outcome::Raised(r) if r.kind == "ZeroDivisionError" && r.line == Some(9)),
        "{outcome:?}"
    );
    let (_, outcome) = step(
        &mut session,
        "try:\n    absent()\nexcept Exception:\n    pass",
    );
    assert!(
        matches!(&outcome, Outcome::Unanswered { tool, .. } if tool == "absent"),
        "{outcome}"
    );
    let (_, outcome) = step(&mut session, "import nonexistent_module");
    assert_eq!(
        outcome,
        Outcome::Unsupported("the module nonexistent_module".to_owned())
    );
    let variables = session.variables(5).unwrap();
    assert!(
        variables
            .iter()
            .any(|v| v.name == "x" && v.kind == "list" && v.value == "[1, 2" && v.is_cut)
    );
}

#[test]
fn attacks_stay_behind_the_walls() {
    let Some(pool) = cpython() else { return };
    let mut session = pool.session().unwrap();
    let confinement = session.confinement().unwrap().clone();
    assert_eq!(confinement.open, Vec::<Refusal>::new(), "went through");
    for (code, expected) in [
        (
            "import socket\nsocket.create_connection(('1.1.1.1', 80), 2)",
            "OSError",
        ),
        ("open('/usr/bin/retake-attack', 'w')", "OSError"),
        ("import os\nos.fork()", "OSError"),
        ("import subprocess\nsubprocess.run(['true'])", "OSError"),
        ("import os\nos.listdir('/root')", "FileNotFoundError"),
        ("import os\nos.listdir('/work')", "FileNotFoundError"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError"),
        ("x = [0] * (10**11)", ""),
    ] {
        let (_, outcome) = step(&mut session, code);
        match &outcome {
            Outcome::Raised(raised) => assert!(
                raised.kind == expected || expected == "OSError" && raised.kind.ends_with("Error"),
                "{code}: {outcome}"
            ),
            Outcome::Exhausted(limit) => assert_eq!(*limit, Exhausted::Memory, "{code}"),
            _ => panic!("{code}: {outcome}"),
        }
    }
    // The environment is not ours.
    let (output, _) = step(
        &mut session,
        "import os\nprint('CARGO' in str(os.environ), os.environ.get('PATH'))",
    );
    assert_eq!(output, "False None\n");
    for code in [
        "while True: pass",
        "import threading\nthreading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()\nwhile True: pass",
    ] {
        let mut session = pool.session().unwrap();
        let (_, outcome) = step(&mut session, code);
        assert!(
            matches!(
                outcome,
                Outcome::Exhausted(Exhausted::Clock | Exhausted::Computing)
            ),
            "{code}: {outcome}"
        );
    }
    let mut session = pool.session().unwrap();
    let flood = session
        .run("while True: print('x' * 1000)", &mut Echo)
        .unwrap();
    assert_eq!(flood.outcome, Outcome::Exhausted(Exhausted::Output));
    assert_eq!(step(&mut session, "print('on')").0, "on\n");
}

#[test]
fn without_walls_nothing_runs() {
    let folder = std::env::temp_dir().join("retake-test-cpython-none");
    let missing = Cpython::prepare(&PathBuf::from("/nonexistent/python"), &folder);
    assert!(matches!(
        missing,
        Err(SandboxError::Start { .. } | SandboxError::Unconfined(_))
    ));
    let no_python = Cpython::prepare(Path::new("/bin/false"), &folder);
    assert!(matches!(
        no_python,
        Err(SandboxError::NotReady { .. } | SandboxError::Unconfined(_))
    ));
}
