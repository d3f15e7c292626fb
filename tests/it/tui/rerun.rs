//! New candidates for a step: a script writes them, the sandbox runs them, rules judge them, a person picks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use retake::controller::{Controller, ScriptedController};
use retake::domain::{Action, Candidate, Maker, Observation};
use retake::tui::effect::{Effect, JobId, Message};
use retake::tui::rerun::{RankedCandidate, RerunNews, RerunResult, RerunVerb};
use retake::tui::rerunning::MakeNamed;

use super::views::snapshot;
use super::{Sitting, user_with_demo};

pub(super) fn reply(thought: &str, code: &str) -> String {
    format!("Thought: {thought}\nCode:\n```py\n{code}\n```")
}

/// Each controller that is made answers one script after the other.
pub(super) fn scripted(scripts: Vec<Vec<Vec<String>>>) -> MakeNamed {
    let scripts = Mutex::new(VecDeque::from(scripts));
    Arc::new(move |_: &str| {
        let script = scripts.lock().unwrap().pop_front().unwrap_or_default();
        Ok(Box::new(ScriptedController::new(script)) as Box<dyn Controller>)
    })
}

/// Controllers that always propose the same two candidates, one that ends and one that fails.
pub(super) fn same_two() -> MakeNamed {
    Arc::new(|_: &str| {
        let ends = vec![reply("That is all.", "print('x')\nfinal_answer('x')")];
        let fails = vec![reply("I try.", "print(nothing)")];
        let script = ScriptedController::new([ends, fails]);
        Ok(Box::new(script) as Box<dyn Controller>)
    })
}

/// Somebody before the second step of the demo's receipt, which adds prices up.
pub(super) fn before_the_sum(name: &str, scripts: Vec<Vec<Vec<String>>>) -> Sitting {
    let user = user_with_demo(name);
    let mut sitting = Sitting::with_controllers(user, 120, 40, 3, scripted(scripts));
    sitting
        .press("/")
        .type_text("id:trajectories/cafe-split")
        .press("enter enter l l");
    sitting
}

/// A wrong sum, the recorded step with a comment, and a step that fails.
pub(super) fn candidates() -> Vec<Vec<String>> {
    let same = "# the four lines\nprices = [7.60, 6.50, 2.20, 4.40]\ntotal = round(sum(prices), 2)\n\
                share = round(total * 1.10 / 3, 2)\nprint(\"sum:\", total, \"each:\", share)";
    vec![
        vec![reply(
            "I forget the tip.",
            "total = 20.70\nprint('each:', round(total / 3, 2))",
        )],
        vec![
            reply("I add the prices.", same),
            reply("I name what is not there.", "print(prise)"),
        ],
    ]
}

#[test]
fn candidates_run_beside_the_recorded_step_and_become_pairs() {
    let mut sitting = before_the_sum("rerun-pairs", vec![candidates()]);
    sitting.press("R");
    let shown = sitting.text();
    for part in ["step 2 again", "scripted", "3 candidates"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let strip: Vec<&str> = shown.lines().skip(1).take(4).collect();
    assert!(
        strip[0].contains("recorded") && strip[0].contains("ran"),
        "{shown}"
    );
    assert!(strip[1].contains("ran"), "{shown}");
    assert!(strip[2].contains("does the same as 0"), "{shown}");
    assert!(strip[3].contains("error"), "{shown}");
    assert!(strip.iter().any(|line| line.contains("#1")), "{shown}");
    // Nothing is saved before something is picked.
    sitting.press("p");
    assert!(
        sitting.text().contains("pick the better one first"),
        "{}",
        sitting.text()
    );
    assert!(sitting.verbs().is_empty());
    // The recorded step against the one that fails.
    sitting.press("h h h h enter l l l");
    assert!(
        sitting.text().contains("is not defined"),
        "{}",
        sitting.text()
    );
    sitting.press("p");
    assert!(
        sitting.text().contains("saved a pair: 0 against 3"),
        "{}",
        sitting.text()
    );
    assert_eq!(sitting.verbs(), ["pair-new"]);
}

#[test]
fn a_branch_goes_on_to_the_end_and_stands_in_the_tree() {
    let end = vec![vec![reply(
        "The tip is missing, but so be it.",
        "final_answer('6.90 each')",
    )]];
    let mut sitting = before_the_sum("rerun-branch", vec![candidates(), end]);
    sitting.press("R h h h h c");
    assert!(
        sitting.text().contains("pick one first"),
        "{}",
        sitting.text()
    );
    sitting.press("l enter c");
    let branch = sitting.text();
    assert!(
        branch.lines().next().unwrap().contains("branches/"),
        "{branch}"
    );
    sitting.press("G");
    assert!(sitting.text().contains("6.90 each"), "{}", sitting.text());
    sitting.press("Y");
    let tree = sitting.text();
    assert!(
        tree.contains("Branches") && tree.contains("from step 2"),
        "{tree}"
    );
    assert!(tree.contains("▸ └ branches/"), "{tree}");
    // The source is as it was, and the tree leads there.
    sitting.press("home enter");
    assert!(
        sitting.text().contains("trajectories/cafe-split"),
        "{}",
        sitting.text()
    );
    let found = sitting.user.ids("source:branches");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_candidate_of_ones_own_is_executed_and_picked() {
    let mut sitting = before_the_sum("rerun-own", vec![candidates()]);
    sitting.press("R h h h h l e");
    assert!(
        sitting.text().contains("A candidate of your own"),
        "{}",
        sitting.text()
    );
    sitting.press("ctrl-a").type_text(" ").press("ctrl-s");
    let shown = sitting.text();
    assert!(shown.contains("tess"), "{shown}");
    assert!(shown.contains("★"), "{shown}");
    sitting.press("p");
    assert!(sitting.text().contains("against 0"), "{}", sitting.text());
    assert_eq!(sitting.verbs(), ["pair-new"]);
}

#[test]
fn what_cannot_be_made_is_said_and_the_view_stays() {
    let mut sitting = before_the_sum("rerun-failed", vec![Vec::new()]);
    sitting.press("R");
    assert!(
        sitting.text().contains("the script has no answer left"),
        "{}",
        sitting.text()
    );
    sitting.press("esc");
    assert!(
        sitting.text().contains("step 2 again"),
        "{}",
        sitting.text()
    );
    sitting.press("p");
    sitting.press("esc h h R");
    assert!(sitting.text().contains("go to one"), "{}", sitting.text());
}

#[test]
fn settings_are_asked_for_and_hold_for_the_next_one() {
    let mut sitting = before_the_sum("rerun-settings", vec![candidates(), candidates()]);
    sitting.press("R s");
    assert!(
        sitting.text().contains("New candidates"),
        "{}",
        sitting.text()
    );
    sitting
        .press("down down down down down ctrl-e ctrl-u")
        .type_text("nonsense")
        .press("enter");
    assert!(
        sitting.text().contains("names no judge"),
        "{}",
        sitting.text()
    );
    sitting
        .press("esc s down down down down down ctrl-e ctrl-u")
        .type_text("rules")
        .press("enter");
    assert!(
        sitting.text().contains("3 candidates"),
        "{}",
        sitting.text()
    );
}

fn candidate(maker: Maker, thought: &str, code: &str, observation: Option<&str>) -> Candidate {
    Candidate {
        thought: Some(thought.to_owned()),
        action: Some(Action::Code(code.to_owned())),
        observation: observation.map(|text| Observation {
            text: text.to_owned(),
            is_error: text.contains("Error"),
            ..Observation::default()
        }),
        maker,
        ..Candidate::default()
    }
}

/// The job of the re-run that was asked for last.
fn job(sitting: &Sitting) -> JobId {
    let asked = sitting.asked().iter().rev();
    let mut jobs = asked.filter_map(|effect| match effect {
        Effect::Rerun(job, ..) => Some(*job),
        _ => None,
    });
    jobs.next().expect("a re-run")
}

/// A re-run in the middle of it: one candidate is there, one streams, one waits.
fn streaming(sitting: &mut Sitting) -> JobId {
    sitting.hold_reruns();
    sitting.press("R");
    let job = job(sitting);
    let news = |news| Message::RerunNews(job, news);
    sitting.tell(news(RerunNews::Began {
        model: "small".to_owned(),
        notes: Vec::new(),
    }));
    // The prompt is read before anything is written.
    sitting.tell(news(RerunNews::Reads(512, 1_900)));
    let reads = "reads the prompt: 512 of 1,900 tokens";
    // A narrow screen cuts it.
    let shown = sitting.text();
    assert!(shown.contains(&reads[..20]), "{shown}");
    let start = Instant::now();
    let text = "Thought: The four prices are on the receipt, so I add them and see whether 20.70 is right.";
    for (piece, word) in text.split_inclusive(' ').enumerate() {
        let at = start + Duration::from_millis(50) * u32::try_from(piece).unwrap();
        sitting.tell(news(RerunNews::Text(1, word.to_owned(), at)));
        sitting.tell(news(RerunNews::Text(2, word.to_uppercase(), at)));
    }
    let maker = Maker::Controller("small".to_owned());
    let made = candidate(
        maker.clone(),
        "I add the prices.",
        "print(7.60 + 6.50)",
        None,
    );
    sitting.tell(news(RerunNews::Made(1, Box::new(made))));
    sitting.tell(news(RerunNews::Runs(1)));
    let ran = candidate(
        maker,
        "I add the prices.",
        "print(7.60 + 6.50)",
        Some("14.1"),
    );
    sitting.tell(news(RerunNews::Ran(1, Box::new(ran))));
    job
}

#[test]
fn what_streaming_candidates_look_like() {
    for (columns, rows, size) in [(80, 24, "small"), (120, 40, "large")] {
        let user = user_with_demo(&format!("rerun-streams-{size}"));
        let mut sitting = Sitting::with_controllers(user, columns, rows, 3, scripted(Vec::new()));
        sitting
            .press("/")
            .type_text("id:trajectories/cafe-split")
            .press("enter enter l l");
        streaming(&mut sitting);
        sitting.press("l");
        snapshot(&format!("rerun_streams_{size}"), &sitting.text());
    }
}

#[test]
fn one_candidate_is_given_up_or_all_are() {
    let mut sitting = before_the_sum("rerun-cancel", Vec::new());
    let job = streaming(&mut sitting);
    assert!(
        !sitting.text().contains("reads the prompt"),
        "{}",
        sitting.text()
    );
    // What is whole is kept.
    sitting.press("l x");
    assert!(
        sitting.text().contains("whole already"),
        "{}",
        sitting.text()
    );
    sitting.press("l x");
    let asked = sitting.asked().last().cloned();
    let is_stopped =
        matches!(asked, Some(Effect::OfRerun(stopped, RerunVerb::Cancel(2))) if stopped == job);
    assert!(is_stopped, "{asked:?}");
    assert!(sitting.text().contains("cancelled"), "{}", sitting.text());
    // What still comes of it is left aside.
    let late = RerunNews::Text(2, "too late".to_owned(), Instant::now());
    sitting.tell(Message::RerunNews(job, late));
    assert!(!sitting.text().contains("too late"), "{}", sitting.text());
    sitting.press("X");
    let Some(Effect::Rerun(_, _, progress)) = sitting
        .asked()
        .iter()
        .find(|effect| matches!(effect, Effect::Rerun(..)))
    else {
        panic!("a re-run");
    };
    assert!(progress.check().is_err());
}

#[test]
fn what_judged_candidates_look_like() {
    for (columns, rows, size) in [(80, 24, "small"), (120, 40, "large")] {
        let user = user_with_demo(&format!("rerun-judged-{size}"));
        let mut sitting = Sitting::with_controllers(user, columns, rows, 3, scripted(Vec::new()));
        sitting
            .press("/")
            .type_text("id:trajectories/cafe-split")
            .press("enter enter l l");
        let job = streaming(&mut sitting);
        let maker = || Maker::Controller("small".to_owned());
        let ranked = |candidate, place, folded| RankedCandidate {
            candidate,
            folded,
            is_cancelled: false,
            place,
        };
        let recorded = candidate(
            Maker::Recorded,
            "I add the four prices.",
            "print(20.7)",
            Some("20.7"),
        );
        let result = RerunResult {
            candidates: vec![
                ranked(recorded, Some(1), None),
                ranked(
                    candidate(maker(), "I add two.", "print(14.1)", Some("14.1")),
                    Some(2),
                    None,
                ),
                ranked(
                    candidate(maker(), "I add.", "print(20.7)", None),
                    None,
                    Some(0),
                ),
                ranked(
                    candidate(maker(), "I guess.", "print(x)", Some("NameError: x")),
                    Some(3),
                    None,
                ),
            ],
            best: Some(0),
            reason: Some("it ran, and all of its numbers are on the receipt".to_owned()),
        };
        sitting.tell(Message::Reran(job, Ok(result)));
        sitting.press("l enter l l");
        snapshot(&format!("rerun_judged_{size}"), &sitting.text());
    }
}
