//! Code that wants out, or everything: it is contained, the reason is said, and the next run works.

use std::time::{Duration, Instant};

use retake::jobs::Progress;
use retake::sandbox::{Answer, Call, Exhausted, Limits, Outcome, Pool, SandboxError, ToolHost};

use super::{Echo, limits, pool, run, skip, worker};

/// Runs an attack, checks how it ends and that the pool works after it.
fn attack(code: &str) -> Outcome {
    attack_within(limits(), code)
}

fn attack_within(limits: Limits, code: &str) -> Outcome {
    let pool = Pool::new(worker(), limits, 1, Progress::default());
    let begun = Instant::now();
    let outcome = pool
        .session()
        .unwrap()
        .run(code, &mut Echo)
        .unwrap()
        .outcome;
    assert!(begun.elapsed() < Duration::from_secs(20), "{code}");
    let after = pool
        .session()
        .unwrap()
        .run("print(1 + 1)", &mut Echo)
        .unwrap();
    assert_eq!(after.output, "2\n", "after {code}");
    outcome
}

fn exhausted(outcome: &Outcome) -> Option<Exhausted> {
    match outcome {
        Outcome::Exhausted(limit) => Some(*limit),
        _ => None,
    }
}

#[test]
fn an_infinite_loop_ends() {
    for code in [
        "while True: pass",
        "def f():\n    while True:\n        try:\n            while True: pass\n        except BaseException:\n            pass\nf()",
        "x = 0\nfor i in range(10**18): x += i",
    ] {
        assert_eq!(
            exhausted(&attack(code)),
            Some(Exhausted::Computing),
            "{code}"
        );
    }
}

#[test]
fn a_run_outlives_a_loop_that_the_interpreter_stopped() {
    let mut session = pool().session().unwrap();
    session.run("x = 7", &mut Echo).unwrap();
    session.run("while True: pass", &mut Echo).unwrap();
    assert_eq!(session.run("print(x)", &mut Echo).unwrap().output, "7\n");
}

#[test]
fn a_memory_bomb_ends_and_takes_only_its_worker() {
    for code in [
        "x = ['a' * 1000]\nwhile True: x = x + x",
        "x = 'a'\nwhile True: x += x",
        "x = [0] * (10**11)",
        "x = bytes(10**11)",
        "d = {}\ni = 0\nwhile True:\n    d[i] = 'x' * (100000 + i)\n    i += 1",
    ] {
        // Time enough for a machine that has much else to do.
        let limits = Limits {
            computing: Duration::from_secs(10),
            clock: Duration::from_secs(15),
            ..limits()
        };
        let outcome = attack_within(limits, code);
        assert_eq!(
            exhausted(&outcome),
            Some(Exhausted::Memory),
            "{code}: {outcome}"
        );
    }
}

#[test]
fn a_run_whose_worker_died_says_so_and_can_be_restored() {
    let mut session = pool().session().unwrap();
    session.run("x = 7", &mut Echo).unwrap();
    let saved = session.save().unwrap();
    let bomb = session
        .run("y = 'a'\nwhile True: y += y + str(len(y))", &mut Echo)
        .unwrap();
    // On a busy machine the clock may be first.
    assert!(exhausted(&bomb.outcome).is_some(), "{}", bomb.outcome);
    if session.is_lost() {
        let error = session.run("print(x)", &mut Echo).unwrap_err();
        assert!(matches!(error, SandboxError::StateLost(_)), "{error}");
    }
    session.restore(&saved).unwrap();
    assert_eq!(session.run("print(x)", &mut Echo).unwrap().output, "7\n");
}

#[test]
fn huge_integers_end() {
    for code in [
        "x = 10 ** (10 ** 10)",
        "x = 2\nwhile True: x = x * x",
        "x = 1 << (10 ** 12)",
        "x = 9 ** 9 ** 9\nprint(x)",
    ] {
        let outcome = attack(code);
        assert!(
            matches!(
                exhausted(&outcome),
                Some(Exhausted::Memory | Exhausted::Computing | Exhausted::Clock)
            ) || matches!(outcome, Outcome::Raised(_)),
            "{code}: {outcome}"
        );
    }
}

#[test]
fn deep_recursion_ends() {
    let outcome = attack("def f(n): return f(n + 1)\nf(0)");
    assert!(
        matches!(&outcome, Outcome::Raised(r) if r.kind == "RecursionError"),
        "{outcome}"
    );
    for code in [
        format!("x = {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("x = {}1", "-".repeat(1_000_000)),
        format!("x = {}", "[".repeat(200_000)),
        "x = []\nfor i in range(100000): x = [x]\nprint(x)".to_owned(),
        "x = []\nfor i in range(100000): x = [x]\nx == x".to_owned(),
        "x = []\nfor i in range(1000000): x = [x]\nx = 1".to_owned(),
    ] {
        // Whether it is an error of the code, or the end of its worker: it is contained and said.
        let outcome = attack(&code);
        let begin: String = code.chars().take(30).collect();
        assert!(!outcome.to_string().is_empty(), "{begin}");
    }
}

#[test]
fn files_programs_and_network_are_out_of_reach() {
    for code in [
        "open('/etc/passwd').read()",
        "open('/tmp/retake-attack', 'w').write('x')",
        "from pathlib import Path\nPath('/etc/passwd').read_text()",
        "from pathlib import Path\nPath('/tmp/retake-attack').write_text('x')",
        "import os\nos.system('touch /tmp/retake-attack')",
        "import os\nos.fork()",
        "import os\nos.environ['HOME']",
        "import subprocess\nsubprocess.run(['true'])",
        "import socket\nsocket.socket()",
        "import urllib.request",
        "import ctypes",
        "import multiprocessing",
        "import sys\nsys.modules['os'].system('true')",
        "__import__('os').system('true')",
        "__builtins__",
        "eval('1')",
        "exec('x = 1')",
        "compile('1', 'a', 'eval')",
        "().__class__.__bases__[0].__subclasses__()",
        "(lambda: 0).__globals__",
        "import importlib",
        "globals()['__builtins__']",
        "__retake_import__('subprocess')",
        "__retake_import__('os').system('true')",
    ] {
        let outcome = attack(code);
        assert!(
            matches!(outcome, Outcome::Raised(_) | Outcome::Unsupported(_)),
            "{code}: {outcome}"
        );
    }
    assert!(!std::path::Path::new("/tmp/retake-attack").exists());
    let refused =
        run("try:\n    open('/etc/passwd')\nexcept Exception as e:\n    print(type(e).__name__)");
    assert_eq!(refused.output, "PermissionError\n");
    assert_eq!(refused.refused, ["open '/etc/passwd'"]);
    // The environment of whoever runs us is not there.
    let variable = run("import os\nprint(os.getenv('PATH'))");
    assert!(!variable.output.contains("/bin"), "{}", variable.output);
}

/// The interpreter has no way to files; the system refuses them all the same, as the worker itself found when it tried.
#[test]
#[cfg(target_os = "linux")]
fn the_system_confines_the_worker() {
    let session = pool().session().unwrap();
    let confinement = session.confinement().unwrap();
    assert!(confinement.memory);
    if !confinement.landlock && !confinement.seccomp {
        skip("this kernel has neither Landlock nor seccomp");
        return;
    }
    assert!(
        confinement.is_closed(),
        "{:?} went through",
        confinement.open
    );
}

#[test]
fn an_output_flood_is_cut() {
    let pool = Pool::new(
        worker(),
        Limits {
            output: 10_000,
            ..limits()
        },
        1,
        Progress::default(),
    );
    let mut session = pool.session().unwrap();
    for code in [
        "while True: print('x' * 100)",
        "print('é' * 10_000_000)",
        "while True:\n    try:\n        print('x' * 100)\n    except BaseException:\n        pass",
    ] {
        let run = session.run(code, &mut Echo).unwrap();
        assert_eq!(exhausted(&run.outcome), Some(Exhausted::Output), "{code}");
        assert!(
            run.output.len() <= 10_000 && run.output.len() > 9_000,
            "{}",
            run.output.len()
        );
    }
    assert_eq!(
        session.run("print('short')", &mut Echo).unwrap().output,
        "short\n"
    );
}

#[test]
fn endless_calls_are_cut() {
    let outcome = attack("while True: tool(1)");
    assert_eq!(exhausted(&outcome), Some(Exhausted::Calls));
}

/// A worker that is killed in the middle of a step, from outside.
#[test]
#[cfg(unix)]
fn a_worker_that_dies_in_a_step_is_reported_and_replaced() {
    struct Killer;
    impl ToolHost for Killer {
        fn tools(&self) -> Vec<String> {
            vec!["tool".to_owned()]
        }

        fn call(&mut self, _: &Call) -> Answer {
            kill_own_workers();
            Answer::Unavailable("too late".to_owned())
        }
    }
    // In a process of its own, so that the workers of other tests live on.
    if std::env::var_os("RETAKE_TEST_KILLER").is_none() {
        let test = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "execution::attacks::a_worker_that_dies_in_a_step_is_reported_and_replaced",
            ])
            .env("RETAKE_TEST_KILLER", "1")
            .output()
            .unwrap();
        assert!(
            test.status.success(),
            "{}",
            String::from_utf8_lossy(&test.stdout)
        );
        return;
    }
    let pool = pool();
    let mut session = pool.session().unwrap();
    let run = session.run("tool()", &mut Killer).unwrap();
    assert!(
        matches!(&run.outcome, Outcome::WorkerDied(how) if how.contains("signal 9")),
        "{}",
        run.outcome
    );
    assert!(session.is_lost());
    let after = pool.session().unwrap().run("print(1)", &mut Echo).unwrap();
    assert_eq!(after.output, "1\n");
}

/// Kills the children of this test process.
#[cfg(target_os = "linux")]
fn kill_own_workers() {
    let own = std::process::id().to_string();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((_, after)) = stat.rsplit_once(')') else {
            continue;
        };
        if after.split_whitespace().nth(1) == Some(&own) {
            let process = entry.file_name();
            let _ = std::process::Command::new("kill")
                .arg("-9")
                .arg(process)
                .status();
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn kill_own_workers() {}

#[test]
fn a_job_that_is_cancelled_kills_its_step() {
    let progress = Progress::default();
    let pool = Pool::new(
        worker(),
        Limits {
            computing: Duration::from_secs(60),
            clock: Duration::from_secs(60),
            ..Limits::default()
        },
        1,
        progress.clone(),
    );
    let mut session = pool.session().unwrap();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        progress.cancel();
    });
    let begun = Instant::now();
    let error = session.run("while True: pass", &mut Echo).unwrap_err();
    canceller.join().unwrap();
    assert!(matches!(error, SandboxError::Cancelled), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// The clock of the parent is what ends a worker that does not stop itself.
#[test]
fn a_step_that_outlasts_the_clock_is_killed() {
    let limits = Limits {
        computing: Duration::from_secs(60),
        clock: Duration::from_millis(500),
        ..Limits::default()
    };
    let pool = Pool::new(worker(), limits, 1, Progress::default());
    let mut session = pool.session().unwrap();
    let run = session.run("while True: pass", &mut Echo).unwrap();
    assert_eq!(exhausted(&run.outcome), Some(Exhausted::Clock));
    assert!(session.is_lost());
    assert_eq!(
        pool.session()
            .unwrap()
            .run("print(1)", &mut Echo)
            .unwrap()
            .output,
        "1\n"
    );
}
