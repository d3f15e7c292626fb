use retake::jobs::Progress;
use retake::sandbox::{Outcome, Pool, PythonValue, SandboxError, WorkerCommand};

use super::{Echo, limits, pool, printed, run, worker};

fn completed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Completed(_))
}

#[test]
fn variables_and_functions_live_from_step_to_step() {
    let mut session = pool().session().unwrap();
    let mut step = |code: &str| session.run(code, &mut Echo).unwrap();
    assert!(completed(
        &step("import math\nx = [1, 2]\ndef f(a): return a * math.pi").outcome
    ));
    let failed = step("y = 5\nprint('before')\nraise ValueError('no')");
    let Outcome::Raised(raised) = &failed.outcome else {
        panic!("{}", failed.outcome);
    };
    assert_eq!(
        (raised.kind.as_str(), raised.message.as_str(), raised.line),
        ("ValueError", "no", Some(3))
    );
    assert_eq!(failed.output, "before\n");
    // What a failed step bound stays bound, as in the reference.
    assert_eq!(
        step("x.append(y)\nprint(x, round(f(2), 3))").output,
        "[1, 2, 5] 6.283\n"
    );
    let variables = session.variables(6).unwrap();
    let shown: Vec<(&str, &str, &str, bool)> = variables
        .iter()
        .map(|v| (v.name.as_str(), v.kind.as_str(), v.value.as_str(), v.is_cut))
        .filter(|v| v.0 != "math" && v.0 != "f")
        .collect();
    assert_eq!(
        shown,
        [("x", "list", "[1, 2,", true), ("y", "int", "5", false)]
    );
}

#[test]
fn tools_are_called_and_answered() {
    let mut session = pool().session().unwrap();
    let calls = session
        .run("a = tool(1, 2.0)\nprint(a)\ntry:\n    fails()\nexcept Exception as e:\n    print('caught', e)\nfinal_answer(a)", &mut Echo)
        .unwrap();
    assert_eq!(calls.output, "[1, 2.0]\ncaught it broke\n");
    let value = PythonValue::List(vec![PythonValue::List(vec![
        PythonValue::Int(1),
        PythonValue::Float(2.0),
    ])]);
    assert_eq!(calls.outcome, Outcome::Completed(value));
    // Nothing in the step can catch that there is no answer.
    let absent = session
        .run(
            "try:\n    absent()\nexcept BaseException:\n    print('caught')",
            &mut Echo,
        )
        .unwrap();
    assert_eq!(absent.output, "");
    assert!(matches!(&absent.outcome, Outcome::Unanswered { tool, .. } if tool == "absent"));
    // The run goes on after it.
    assert_eq!(
        session.run("print(a)", &mut Echo).unwrap().output,
        "[1, 2.0]\n"
    );
    let unknown = session.run("other(1)", &mut Echo).unwrap();
    assert!(
        matches!(&unknown.outcome, Outcome::Raised(r) if r.kind == "NameError"),
        "{}",
        unknown.outcome
    );
}

#[test]
fn candidates_of_one_step_start_from_the_same_state() {
    let pool = pool();
    let mut session = pool.session().unwrap();
    session.run("x = [1]\nimport os", &mut Echo).unwrap();
    let saved = session.save().unwrap();
    session.run("x.append(2)", &mut Echo).unwrap();
    session.restore(&saved).unwrap();
    assert_eq!(session.run("print(x)", &mut Echo).unwrap().output, "[1]\n");
    // In another worker, too; with the stubs.
    let mut other = pool.session().unwrap();
    other.restore(&saved).unwrap();
    let run = other
        .run("print(x, os.path.join('a', 'b'))", &mut Echo)
        .unwrap();
    assert_eq!(run.output, "[1] a/b\n");
}

#[test]
fn a_session_given_back_leaves_nothing_behind() {
    let pool = pool();
    let mut session = pool.session().unwrap();
    session
        .run("secret = 1\ndef round(x): return 'mine'", &mut Echo)
        .unwrap();
    drop(session);
    let mut next = pool.session().unwrap();
    let run = next.run("print(round(2.4))\nsecret", &mut Echo).unwrap();
    assert_eq!(run.output, "2\n");
    assert!(matches!(&run.outcome, Outcome::Raised(r) if r.kind == "NameError"));
}

#[test]
fn the_prelude_rounds_and_reads_dates_as_python_does() {
    assert_eq!(
        printed(
            "print(round(2.675, 2), round(2.5), round(1234, -2), round(-0.5), round(1e300, 2))"
        ),
        "2.67 2 1200 0 1e+300\n"
    );
    assert_eq!(
        printed(
            "from datetime import datetime, timedelta\nt = datetime.strptime('18:15', '%H:%M') + timedelta(minutes=45)\nprint(t.strftime('%H:%M'), t.year)\nprint(datetime.strptime('March 2024', '%B %Y'))\nprint(datetime.strptime('2024-02-03', '%Y-%m-%d'))"
        ),
        "19:00 1900\n2024-03-01 00:00:00\n2024-02-03 00:00:00\n"
    );
    let wrong = run("from datetime import datetime\ndatetime.strptime('x', '%H:%M')");
    assert!(
        matches!(&wrong.outcome, Outcome::Raised(r) if r.message == "time data 'x' does not match format '%H:%M'"),
        "{}",
        wrong.outcome
    );
}

#[test]
fn stubs_stand_in_and_say_that_they_did_nothing() {
    let run = run(
        "import matplotlib.pyplot as plt\nimport os\nfrom PIL import Image\nos.makedirs('out', exist_ok=True)\n\
                   fig, ax = plt.subplots(figsize=(4, 3))\nax.bar([1, 2], [3, 4])\nplt.title('t')\n\
                   p = os.path.join('out', 'a.png')\nplt.savefig(p)\nImage.open('b.jpg').crop((0, 0, 1, 1)).save('out/b.png')\n\
                   print(p, os.path.exists(p), os.path.exists('other'))",
    );
    assert!(completed(&run.outcome), "{}", run.outcome);
    assert_eq!(run.output, "out/a.png True False\n");
    assert!(
        run.stubs
            .contains(&"matplotlib.pyplot.savefig('out/a.png'): nothing was drawn".to_owned()),
        "{:?}",
        run.stubs
    );
    assert!(
        run.stubs
            .iter()
            .any(|note| note.starts_with("os.makedirs('out', exist_ok=True)"))
    );
}

#[test]
fn what_a_stub_cannot_know_is_unsupported() {
    for (code, what) in [
        (
            "from PIL import Image\ntry:\n    print(Image.open('a.jpg').size)\nexcept Exception:\n    print('caught')",
            "PIL.Image.Image.size",
        ),
        ("import os\nos.listdir('.')", "os.listdir"),
        (
            "import matplotlib.pyplot as plt\nfor bar in plt.bar([1], [2]): pass",
            "stub",
        ),
        ("import numpy as np\nnp.array([1])", "numpy.array"),
        ("from statistics import mean\nmean([1])", "statistics.mean"),
        ("import subprocess", "the module subprocess"),
        ("x = 1\ndel x", "'del'"),
        ("class A(dict): pass", "inheritance"),
        ("sorted([1, 2], key=tool)", "supported"),
    ] {
        let run = run(code);
        assert!(
            matches!(&run.outcome, Outcome::Unsupported(found) if found.contains(what)),
            "{code}: {}",
            run.outcome
        );
        assert_eq!(run.output, "", "{code}");
    }
}

#[test]
fn the_clock_is_read_and_noted() {
    let run = run("from datetime import date\nprint(date.today().year)");
    assert!(run.reads_clock);
    assert!(
        run.output.trim().parse::<u32>().unwrap() >= 2024,
        "{}",
        run.output
    );
}

#[test]
fn a_program_that_is_no_worker_is_an_error_that_says_so() {
    let command = WorkerCommand::of("/nonexistent/retake".into());
    let pool = Pool::new(command, limits(), 1, Progress::default());
    assert!(matches!(
        pool.session().err(),
        Some(SandboxError::Start { .. })
    ));
    let silent = WorkerCommand {
        program: "/bin/false".into(),
        arguments: Vec::new(),
    };
    let error = Pool::new(silent, limits(), 1, Progress::default())
        .session()
        .err()
        .unwrap();
    assert!(error.to_string().contains("exit status: 1"), "{error}");
    let chatty = WorkerCommand {
        program: "/bin/echo".into(),
        arguments: vec!["hello".into()],
    };
    let error = Pool::new(chatty, limits(), 1, Progress::default())
        .session()
        .err()
        .unwrap();
    assert!(matches!(error, SandboxError::NotReady { .. }), "{error}");
    drop(worker());
}
