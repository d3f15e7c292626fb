//! What replays say: of made-up steps of every kind, and of observations that somebody corrupted.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use retake::domain::{Action, Observation, Step, Trajectory};
use retake::jobs::Progress;
use retake::replay::{ReplayOptions, StepReplay, TrajectoryReplay, Verdict, replay};
use retake::sandbox::{Answer, Call, Limits, Outcome, Pool, PythonValue};
use retake::tools::{Provider, Tool};

use super::{limits, pool, run, worker};

/// A step as a code agent's reply, with what was observed.
fn step(code: &str, observed: Option<&str>) -> Step {
    Step {
        reply: Some(format!("Thought: t\nCode:\n```py\n{code}\n```")),
        action: Some(Action::Code(code.to_owned())),
        observation: observed.map(|text| Observation {
            text: text.to_owned(),
            is_error: text.starts_with("Code execution failed")
                || text.starts_with("Error in code"),
            ..Observation::default()
        }),
        ..Step::default()
    }
}

fn replayed(steps: Vec<Step>, answer: Option<&str>) -> TrajectoryReplay {
    let trajectory = Trajectory {
        steps,
        answer: answer.map(str::to_owned),
        ..Trajectory::default()
    };
    let tools = ["visualizer".to_owned(), "objectlocation".to_owned()];
    replay(&pool(), &trajectory, &tools, &ReplayOptions::default()).unwrap()
}

fn verdict(code: &str, observed: &str) -> (Verdict, String) {
    let step = replayed(vec![step(code, Some(observed))], None)
        .steps
        .remove(0);
    (step.verdict, step.reason)
}

#[test]
fn every_verdict_is_given_where_it_is_due() {
    use Verdict::*;
    let failed = |message: &str| {
        format!(
            "Code execution failed due to the following error:\n{message}\nNow let's retry: take care"
        )
    };
    for (code, observed, expected) in [
        ("print(1 + 1)", "2".to_owned(), Match),
        ("print(1 + 1)", "3".to_owned(), Differs),
        ("print(1)\nprint(2)", "1".to_owned(), Differs),
        ("print(1)", "1\n2".to_owned(), Differs),
        (
            "print({'b', 'a'})",
            "{'a', 'b'}".to_owned(),
            MatchNormalised,
        ),
        ("print({'b', 'a'})", "{'b', 'a'}".to_owned(), Match),
        ("print(0.1 + 0.2)", "0.3".to_owned(), MatchNormalised),
        (
            "import matplotlib.pyplot as plt\nplt.plot([1])\nprint('saved')",
            "saved".to_owned(),
            MatchStubbed,
        ),
        (
            "import matplotlib.pyplot as plt\nplt.plot([1])\nprint('saved')",
            "drawn".to_owned(),
            Differs,
        ),
        ("visualizer('q', 'a.jpg')", "".to_owned(), ToolResultUnknown),
        (
            "import numpy as np\nprint(np.mean([1]))",
            "1.0".to_owned(),
            Unsupported,
        ),
        (
            "def f():\n    yield 1\nprint(list(f()))",
            "[1]".to_owned(),
            Unsupported,
        ),
        (
            "visualizer('q', 'a.jpg')",
            failed("Error code: 429"),
            ErrorReproduced,
        ),
        ("1 / 0", failed("division by zero"), ErrorReproduced),
        (
            "1 / 0",
            failed("list index out of range"),
            ErrorNotReproduced,
        ),
        ("print(1)", failed("division by zero"), ErrorNotReproduced),
        ("print(missing)", "2".to_owned(), Differs),
        (
            "with open('a.pkl', 'rb') as f:\n    pass",
            failed(
                "EXECUTION FAILED:\nEvaluation stopped at line 'with' because of the following error:\nIt is not permitted to evaluate other functions than the provided tools (tried to execute open).",
            ),
            ErrorReproduced,
        ),
        ("while True: pass", "1".to_owned(), NotRun),
    ] {
        let (found, reason) = verdict(code, &observed);
        assert_eq!(found, expected, "{code}: {reason}");
        let needs_reason = !matches!(found, Match | ErrorReproduced);
        assert!(!needs_reason || !reason.is_empty(), "{code}");
    }
}

#[test]
fn steps_without_code_that_the_reference_finds_are_told_apart() {
    let no_code = "Error in code parsing: \nThe code blob you used is invalid";
    let plain = Step {
        reply: Some("Thought: I know it.".to_owned()),
        ..step("", Some(no_code))
    };
    let unclosed = Step {
        reply: Some("Code:\n```py\nprint(1)".to_owned()),
        ..step("print(1)", Some(no_code))
    };
    let lenient = Step {
        reply: Some("Code:\nprint(1)".to_owned()),
        ..step("print(1)", Some("1"))
    };
    let found = step("print(1)", Some(no_code));
    let message = Step {
        action: Some(Action::Message("done".to_owned())),
        ..Step::default()
    };
    let plain = Step {
        action: None,
        ..plain
    };
    let replayed = replayed(vec![plain, unclosed, lenient, found, message], None);
    let verdicts: Vec<_> = replayed
        .steps
        .iter()
        .map(|s| (s.verdict, s.rule.as_deref()))
        .collect();
    assert_eq!(
        verdicts,
        [
            (Verdict::ErrorReproduced, None),
            (Verdict::ErrorReproduced, None),
            (Verdict::Match, Some("lenient")),
            (Verdict::ErrorNotReproduced, Some("reference")),
            (Verdict::NotRun, None),
        ]
    );
}

#[test]
fn answers_are_compared_as_text() {
    for (code, answer, expected) in [
        ("final_answer(50.0)", "50.0", Verdict::Match),
        ("final_answer(['a', 1])", "['a', 1]", Verdict::Match),
        ("x = 'It is 3'\nfinal_answer(x)", "It is 3", Verdict::Match),
        ("final_answer({'b', 'a'})", "{'a', 'b'}", Verdict::Match),
        ("final_answer(50)", "50.0", Verdict::Differs),
        ("print(1)", "1", Verdict::NotRun),
    ] {
        let replayed = replayed(vec![step(code, None)], Some(answer));
        assert_eq!(replayed.steps[0].verdict, expected, "{code}");
        let reached = (expected != Verdict::NotRun).then_some(expected == Verdict::Match);
        assert_eq!(replayed.answer_matches, reached, "{code}");
    }
}

#[test]
fn a_later_step_is_not_run_once_the_state_is_lost() {
    let trajectory = Trajectory {
        steps: vec![
            step("x = 1\nprint(x)", Some("1")),
            step("while True: pass", Some("")),
            step("print(x)", Some("1")),
        ],
        ..Trajectory::default()
    };
    // The interpreter does not stop the loop; the clock ends its worker.
    let limits = Limits {
        computing: Duration::from_secs(60),
        clock: Duration::from_secs(1),
        ..limits()
    };
    for pool in [Pool::new(worker(), limits, 1, Progress::default()), pool()] {
        let replayed = replay(&pool, &trajectory, &[], &ReplayOptions::default()).unwrap();
        let told: Vec<(Verdict, &str)> = replayed
            .steps
            .iter()
            .map(|s| (s.verdict, s.reason.as_str()))
            .collect();
        assert_eq!(told[0], (Verdict::Match, ""));
        assert_eq!(told[1].0, Verdict::NotRun);
        if told[1].1.contains("killed") {
            assert_eq!(told[2].0, Verdict::NotRun);
            assert!(told[2].1.starts_with("step 2 ended its worker"), "{told:?}");
        } else {
            // The interpreter stopped it, and the state is there.
            assert_eq!(told[2].0, Verdict::Match);
        }
    }
}

#[test]
fn calls_are_logged_with_who_answered() {
    let steps = vec![
        step(
            "a = visualizer('what', image_path='a.jpg')\nprint(a)",
            Some("a cat"),
        ),
        step(
            "print(len(a), visualizer(a, 'a.jpg'))",
            Some("5 yes, it is"),
        ),
    ];
    let replayed = replayed(steps, None);
    let calls: Vec<(usize, &str, &str)> = replayed
        .steps
        .iter()
        .flat_map(|s| &s.calls)
        .map(|c| {
            (
                c.step,
                c.arguments.as_str(),
                c.provider.as_deref().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        calls,
        [
            (0, "'what', image_path='a.jpg'", "recorded"),
            (1, "'a cat', 'a.jpg'", "recorded")
        ]
    );
    assert_eq!((replayed.calls, replayed.recovered), (2, 2));
    let verdicts: Vec<(Verdict, bool)> = replayed
        .steps
        .iter()
        .map(|s| (s.verdict, s.is_independent))
        .collect();
    assert_eq!(verdicts, [(Verdict::Match, false), (Verdict::Match, false)]);
}

#[test]
fn what_a_run_without_a_list_of_tools_calls_is_a_tool() {
    let trajectory = Trajectory {
        steps: vec![
            step("print(web_search('q'))", Some("a boat")),
            step(
                "def own(x): return x + 1\nprint(own(1), len('ab'))",
                Some("2 2"),
            ),
            step("web_search('other')", Some("a car")),
        ],
        ..Trajectory::default()
    };
    let verdicts = |tools: &[String]| {
        let replayed = replay(&pool(), &trajectory, tools, &ReplayOptions::default()).unwrap();
        let steps = replayed.steps.iter();
        steps
            .map(|s| (s.verdict, s.is_independent))
            .collect::<Vec<_>>()
    };
    use Verdict::{Differs, Match, ToolResultUnknown};
    let expected = [(Match, false), (Match, true), (ToolResultUnknown, false)];
    for tools in [&[][..], &["final_answer".to_owned()]] {
        assert_eq!(verdicts(tools), expected);
    }
    // Where the data lists its tools, others are none.
    let listed = verdicts(&["visualizer".to_owned()]);
    assert_eq!((listed[0].0, listed[2].0), (Differs, Differs));
}

/// A tool that gives a text, under a label.
fn giving(label: &str, name: &'static str, text: &'static str) -> Provider {
    struct Giving(&'static str, &'static str);

    impl Tool for Giving {
        fn name(&self) -> &str {
            self.0
        }

        fn description(&self) -> &str {
            ""
        }

        fn parameters(&self) -> serde_json::Value {
            serde_json::json!({})
        }

        fn call(&self, _: &Call) -> Answer {
            Answer::Value(PythonValue::Str(self.1.to_owned()))
        }
    }

    Provider {
        label: label.to_owned(),
        tools: vec![Arc::new(Giving(name, text))],
    }
}

#[test]
fn what_a_model_made_up_is_marked_wherever_it_goes_and_never_a_match() {
    let trajectory = Trajectory {
        steps: vec![
            step("print(1)", Some("1")),
            step("x = visualizer('q', 'a.jpg')\nprint(len(x))", Some("3")),
            step("print(len(x) + 1)", Some("4")),
            step("final_answer(len(x))", None),
        ],
        answer: Some("3".to_owned()),
        ..Trajectory::default()
    };
    let replayed = |label: &str| {
        let options = ReplayOptions {
            live: vec![giving(label, "visualizer", "cat")],
            ..ReplayOptions::default()
        };
        replay(&pool(), &trajectory, &["visualizer".to_owned()], &options).unwrap()
    };
    let real = replayed("mcp:eyes");
    let verdicts: Vec<Verdict> = real.steps.iter().map(|step| step.verdict).collect();
    assert_eq!(verdicts, [Verdict::Match; 4]);
    assert_eq!(real.answer_matches, Some(true));
    let made_up = replayed("simulated:tiny");
    let told: Vec<(Verdict, &str)> = made_up
        .steps
        .iter()
        .map(|step| (step.verdict, step.reason.as_str()))
        .collect();
    let reason = "with results that simulated:tiny made up: match";
    assert_eq!(told[0], (Verdict::Match, ""));
    assert_eq!(told[1], (Verdict::ToolResultUnknown, reason));
    assert_eq!(told[2], (Verdict::ToolResultUnknown, reason));
    assert_eq!(told[3].0, Verdict::ToolResultUnknown);
    assert_eq!(made_up.answer_matches, None);
    let call = &made_up.steps[1].calls[0];
    assert_eq!(call.provider.as_deref(), Some("simulated:tiny"));
    let note = "visualizer did not run; simulated:tiny made up what it returned";
    assert_eq!(made_up.steps[1].notes, [note]);
    assert!(made_up.steps[1..].iter().all(|step| !step.is_independent));
}

#[test]
fn variables_are_listed_and_a_replay_stops_where_it_is_asked_to() {
    let trajectory = Trajectory {
        steps: vec![
            step("x = [1, 2, 3]", Some("")),
            step("y = 'a' * 100", Some("")),
            step("1 / 0", Some("")),
        ],
        ..Trajectory::default()
    };
    let options = ReplayOptions {
        until: Some(1),
        variables: Some(10),
        ..ReplayOptions::default()
    };
    let replayed = replay(&pool(), &trajectory, &[], &options).unwrap();
    assert_eq!(replayed.steps.len(), 2);
    let last: Vec<String> = replayed.steps[1]
        .variables
        .iter()
        .flatten()
        .map(|v| format!("{}: {} = {}", v.name, v.kind, v.value))
        .collect();
    assert_eq!(last, ["x: list = [1, 2, 3]", "y: str = 'aaaaaaaaa"]);
}

#[test]
fn a_divergence_that_may_be_the_recorders_says_so() {
    let step = replayed(
        vec![step("print(f'{2 / 3:.2f}')", Some("0.6666666666666666"))],
        None,
    )
    .steps
    .remove(0);
    assert_eq!(step.verdict, Verdict::Differs);
    assert!(
        step.notes
            .iter()
            .any(|note| note.contains("ignores format specifications")),
        "{:?}",
        step.notes
    );
}

/// Programs whose output is known to vary in form: texts, numbers, lists, sets, floats.
const PROGRAMS: [&str; 8] = [
    "print('The quick brown fox')",
    "for i in range(3):\n    print(i, i * i)",
    "print([1.5, 2.25, 'a'], {'k': (1, 2)})",
    "print({'red', 'green', 'blue'})",
    "print(0.1 + 0.2, 1 / 3)",
    "import json\nprint(json.dumps({'a': [1, None, True]}))",
    "import matplotlib.pyplot as plt\nplt.savefig('a.png')\nprint('Saved at: a.png')",
    "x = 12345.678\nprint(f'{x:,.1f} | {x:>12}')",
];

fn reproduces(step: &StepReplay) -> bool {
    matches!(
        step.verdict,
        Verdict::Match | Verdict::MatchNormalised | Verdict::MatchStubbed
    )
}

/// Corruptions of a text: each changes what it says.
fn corrupted(text: &str, kind: usize, place: usize) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (0..characters.len())
        .filter(|at| match kind {
            // A letter, or the first digit of a number, becomes another; or a letter is lost; or a line.
            0 | 2 => characters[*at].is_alphabetic(),
            1 => {
                characters[*at].is_ascii_digit()
                    && (*at == 0
                        || !(characters[*at - 1].is_ascii_digit() || characters[*at - 1] == '.'))
            }
            _ => characters[*at] == '\n',
        })
        .collect();
    let at = *places.get(place % places.len().max(1))?;
    let mut changed = characters.clone();
    match kind {
        0 => changed[at] = if characters[at] == 'q' { 'z' } else { 'q' },
        1 => changed[at] = if characters[at] == '7' { '8' } else { '7' },
        2 => drop(changed.remove(at)),
        _ => changed.truncate(at),
    }
    let changed: String = changed.into_iter().collect();
    (changed != text).then_some(changed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No step is called a match whose recorded observation says something else.
    #[test]
    fn a_corrupted_observation_is_never_a_match(program in 0..PROGRAMS.len(), kind in 0..4_usize, place in 0..64_usize) {
        let printed = run(PROGRAMS[program]);
        prop_assert!(matches!(printed.outcome, Outcome::Completed(_)));
        let observed = printed.output.trim_end();
        let plain = replayed(vec![step(PROGRAMS[program], Some(observed))], None);
        prop_assert!(reproduces(&plain.steps[0]), "{:?}", plain.steps[0]);
        if let Some(corrupted) = corrupted(observed, kind, place) {
            let replayed = replayed(vec![step(PROGRAMS[program], Some(&corrupted))], None);
            prop_assert_eq!(replayed.steps[0].verdict, Verdict::Differs, "{:?} for {:?}", corrupted, observed);
        }
    }
}
