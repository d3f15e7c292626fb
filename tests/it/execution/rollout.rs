//! The loop with real workers: candidates that can't see each other, states that are restored, runs that end as the reference's do.

use retake::config::Config;
use retake::controller::ScriptedController;
use retake::domain::{
    Action, Candidate, Context, LoggedResult, Observation, Step, Task, Trajectory,
};
use retake::jobs::{Progress, Slots};
use retake::prompts::Prompts;
use retake::rollout::{
    Agent, Draw, End, Environment, FirstUsable, Pictures, PromptForm, Rollout, RolloutOptions,
    execute, execute_all, restore,
};

use super::pool;

fn environment() -> Environment {
    Environment::new(
        pool(),
        Prompts::default(),
        Slots::new(2),
        &Progress::default(),
    )
}

fn candidate(code: &str) -> Candidate {
    Candidate {
        action: Some(Action::Code(code.to_owned())),
        ..Candidate::default()
    }
}

fn recorded(code: &str, printed: &str) -> Step {
    Step {
        action: Some(Action::Code(code.to_owned())),
        observation: Some(Observation {
            text: printed.to_owned(),
            ..Observation::default()
        }),
        ..Step::default()
    }
}

fn texts(candidates: &[Candidate]) -> Vec<(String, bool)> {
    let seen = |candidate: &Candidate| {
        let observation = candidate.observation.as_ref().unwrap();
        (observation.text.clone(), observation.is_error)
    };
    candidates.iter().map(seen).collect()
}

#[test]
fn candidates_start_from_one_state_and_do_not_see_each_other() {
    let environment = environment();
    let steps = [
        recorded("total = 1\nitems = [1]", ""),
        recorded("total += 1", ""),
    ];
    let restored = restore(&environment, &steps).unwrap();
    assert!(restored.differences.is_empty(), "{restored:?}");
    let mut candidates: Vec<Candidate> = (1..=6)
        .map(|n| {
            candidate(&format!(
                "total += {n}\nitems.append({n})\nmine = {n}\nprint(total, items)"
            ))
        })
        .collect();
    candidates.push(candidate("print(mine)"));
    let done = execute_all(
        &environment,
        restored.state.as_ref(),
        2,
        &mut candidates,
        &Progress::default(),
        &mut |_, _| {},
    );
    let done = done.unwrap();
    let mut wanted: Vec<(String, bool)> = (1..=6)
        .map(|n| (format!("{} [1, {n}]", 2 + n), false))
        .collect();
    let failed = candidates.pop().unwrap().observation.unwrap();
    assert!(
        failed.is_error && failed.text.contains("mine"),
        "{failed:?}"
    );
    assert_eq!(texts(&candidates), wanted);
    // Each state goes on from its own candidate.
    wanted.clear();
    for (n, executed) in (1..=6).zip(&done) {
        let mut next = candidate("print(total, mine)");
        execute(&environment, executed.state.as_ref(), 3, &mut next).unwrap();
        assert_eq!(texts(&[next]), [(format!("{} {n}", 2 + n), false)]);
    }
}

#[test]
fn states_are_those_of_the_recording_and_say_where_they_are_not() {
    let trajectory = Trajectory {
        steps: vec![
            recorded(
                "found = visualizer('what', 'a.jpg')\nprint(found)",
                "two boats",
            ),
            recorded("print(1 + 1)", "3"),
            recorded("words = found.split()\nprint(len(words))", "2"),
        ],
        ..Trajectory::default()
    };
    let tools = [retake::domain::ToolDefinition {
        name: "visualizer".to_owned(),
        ..Default::default()
    }];
    let environment = environment()
        .recorded(&trajectory, &tools, Vec::new())
        .unwrap();
    let restored = restore(&environment, &trajectory.steps).unwrap();
    let differences: Vec<usize> = restored.differences.iter().map(|d| d.step).collect();
    assert_eq!(differences, [1]);
    // The same call is answered as recorded; another one by nobody, and nothing is made up.
    let mut same = candidate("print(words, visualizer('what', 'a.jpg'))");
    execute(&environment, restored.state.as_ref(), 3, &mut same).unwrap();
    assert_eq!(
        texts(std::slice::from_ref(&same)),
        [("['two', 'boats'] two boats".to_owned(), false)]
    );
    assert_eq!(
        same.execution.unwrap().calls[0].provider.as_deref(),
        Some("recorded")
    );
    let mut other = candidate("print('before')\nprint(visualizer('what', 'b.jpg'))");
    let executed = execute(&environment, restored.state.as_ref(), 3, &mut other).unwrap();
    assert_eq!((other.observation.clone(), executed.state), (None, None));
    assert!(
        other.unavailable().unwrap().contains("visualizer"),
        "{other:?}"
    );
    let logged = &other.execution.as_ref().unwrap().calls[0];
    assert!(matches!(logged.result, LoggedResult::Unavailable(_)) && logged.provider.is_none());
}

#[test]
fn a_run_goes_on_after_errors_and_ends_with_its_answer() {
    let reply = |code: &str| {
        vec![format!(
            "Thought: I try.\n\nCode:\n```py\n{code}\n```<end_action>"
        )]
    };
    let script = [
        reply("x = 6 * 7"),
        reply("print(y)"),
        vec!["I do not know what to do.".to_owned()],
        reply("final_answer(x)"),
    ];
    let mut controller = ScriptedController::new(script);
    let environment = environment().live(PromptForm::Code, Vec::new());
    let config = Config::load(None).unwrap().rollout;
    let options = RolloutOptions::new(&config, Draw::of_config(&config, PromptForm::Code, 1, 0));
    let mut rollout = Rollout::new(Trajectory {
        system_prompt: Some("You solve tasks.".into()),
        task: Task {
            text: "What is six times seven?".to_owned(),
            ..Task::default()
        },
        ..Trajectory::default()
    });
    let mut agent = Agent {
        controller: &mut controller,
        environment: &environment,
        pictures: &Pictures::default(),
        options: &options,
        choose: &mut FirstUsable,
        stops: None,
        progress: &Progress::default(),
        tell: &mut |_| {},
    };
    agent.run(&mut rollout, &mut |_| Ok(())).unwrap();
    assert_eq!(
        (rollout.end.clone(), rollout.trajectory.answer.as_deref()),
        (Some(End::Answered), Some("42"))
    );
    assert_eq!(rollout.failures, 2);
    let steps = &rollout.trajectory.steps;
    let observed = |step: usize| steps[step].observation.as_ref().unwrap();
    assert!(
        observed(1)
            .text
            .starts_with("Code execution failed due to the following error:\nname 'y'"),
        "{:?}",
        observed(1)
    );
    assert!(
        observed(2).text.starts_with("Error in code parsing:"),
        "{:?}",
        observed(2)
    );
    assert!(steps[3].observation.is_none());
    // What it was asked last holds all that came before, each under its header.
    let asked = controller.requests.last().unwrap();
    let texts = serde_json::to_string(&asked.messages).unwrap();
    for header in [
        "[OUTPUT OF STEP 0] Observation:\\n",
        "[OUTPUT OF STEP 1] Error: Code execution",
        "[OUTPUT OF STEP 2] Error: Error in code",
    ] {
        assert!(texts.contains(header), "{texts}");
    }
    assert_eq!(asked.messages.len(), 8);
    let context = Context::before(&rollout.trajectory, 4);
    assert_eq!(context.steps.len(), 4);
}

#[test]
fn an_endless_step_ends_alone() {
    let environment = environment().live(PromptForm::Code, Vec::new());
    let mut first = candidate("x = 1");
    let state = execute(&environment, None, 0, &mut first).unwrap().state;
    let mut candidates = [candidate("while True:\n    x += 1"), candidate("print(x)")];
    let done = execute_all(
        &environment,
        state.as_ref(),
        1,
        &mut candidates,
        &Progress::default(),
        &mut |_, _| {},
    );
    let done = done.unwrap();
    assert!(
        candidates[0].observation.as_ref().unwrap().is_error,
        "{:?}",
        candidates[0]
    );
    assert_eq!(candidates[1].observation.as_ref().unwrap().text, "1");
    // What it had before goes on.
    let mut next = candidate("print(x + 1)");
    execute(&environment, done[0].state.as_ref(), 2, &mut next).unwrap();
    assert_eq!(next.observation.unwrap().text, "2");
}
