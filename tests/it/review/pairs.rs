use serde_json::{Value, json};

use super::{first_step, review, reviewer};
use crate::user::User;

const BETTER: &str = "text:{\"thought\": \"Use the map.\", \"code\": \"print(read_map())\"}";

/// Makes a pair of the first step of `trips/tower` and returns its id.
fn made(user: &User) -> String {
    let new = [
        "pair",
        "new",
        "trips/tower",
        "--step",
        "1",
        "--chosen",
        BETTER,
        "--rejected",
        "step",
        "--reason",
        "maps are right",
    ];
    user.retake(new).succeeds().stdout.trim().to_owned()
}

fn side(user: &User, id: &str, side: &str) -> Value {
    user.json(["show", id, "--format", "json"])["pairs"][0][side]["thought"].clone()
}

#[test]
fn a_pair_is_made_shown_found_and_undone() {
    let user = reviewer("pair-new");
    let id = made(&user);
    assert!(id.starts_with("trips/tower:"), "{id}");
    assert_eq!(side(&user, &id, "chosen"), "Use the map.");
    assert_eq!(side(&user, &id, "rejected"), "Look it up.");
    let shown = user.json(["pair", "show", &id, "--format", "json"]);
    assert_eq!(
        shown["pairs"][0]["chosen"]["maker"],
        json!({ "person": "ana" })
    );
    assert_eq!(shown["pair_reviews"][0]["made_by"], "ana");
    assert_eq!(user.ids("in:pair thought:map"), [id.as_str()]);
    assert_eq!(user.ids("in:pair reason:maps"), [id.as_str()]);
    let text = user.retake(["show", "trips/tower"]).succeeds().stdout;
    assert!(text.contains(&id), "{text}");
    let list = user.json(["pair", "list", "--format", "json"]);
    assert_eq!(list["total"], 1);
    assert_eq!(list["pairs"][0]["id"], id.as_str());
    assert_eq!(list["pairs"][0]["made_by"], "ana");
    assert_eq!(list["pairs"][0]["review"], "unreviewed");
    user.retake(["pair", "list", "-is:reviewed"]).succeeds();

    user.retake(["pair", "accept", &id]).succeeds();
    assert_eq!(user.ids("in:pair review:accepted"), [id.as_str()]);
    assert_eq!(review(&user, &id)["own"], "accepted");
    assert_eq!(
        review(&user, "trips/tower")["own"],
        Value::Null,
        "the pair, and not its trajectory"
    );
    user.retake(["undo", "2"]).succeeds();
    assert_eq!(user.ids("in:pair"), [""; 0]);
    user.retake(["show", &id]).ends_with(1);
    user.retake(["redo", "2"]).succeeds();
    assert_eq!(user.ids("in:pair review:accepted"), [id.as_str()]);
}

#[test]
fn a_pair_can_be_accepted_at_once_and_is_undone_with_its_verdict() {
    let user = reviewer("pair-accept");
    user.write(
        "worse.txt",
        "Thought: Guess.\nCode:\n```py\nfinal_answer('9 m')\n```<end_action>",
    );
    let new = user.json([
        "pair",
        "new",
        "trips/old",
        "--step",
        "2",
        "--chosen",
        "step",
        "--rejected",
        "file:worse.txt",
        "--accept",
        "--format",
        "json",
    ]);
    let id = new["id"].as_str().unwrap();
    assert_eq!(user.ids("in:pair review:accepted"), [id]);
    let shown = user.json(["show", id, "--format", "json"]);
    let pair = &shown["pairs"][0];
    assert_eq!(
        pair["rejected"]["action"],
        json!({ "code": "final_answer('9 m')" })
    );
    assert_eq!(pair["context"]["steps"].as_array().unwrap().len(), 1);
    user.retake(["undo"]).succeeds();
    assert_eq!(user.ids("in:pair"), [""; 0]);
}

#[test]
fn sides_are_exchanged_judged_and_edited() {
    let user = reviewer("pair-swap");
    let id = &made(&user);
    user.retake(["pair", "swap", id]).succeeds();
    assert_eq!(side(&user, id, "chosen"), "Look it up.");
    assert_eq!(review(&user, id)["swapped"], true);
    // Whoever edits names the side that is shown.
    let edit = [
        "review", "edit", id, "--field", "thought", "--side", "chosen", "--text", "Look.",
    ];
    user.retake(edit).succeeds();
    assert_eq!(side(&user, id, "chosen"), "Look.");
    assert_eq!(user.ids("in:pair thought:/^Look\\.$/"), [id.as_str()]);
    assert_eq!(first_step(&user, "trips/tower")["thought"], "Look it up.");
    user.retake(["pair", "swap", id]).succeeds();
    assert_eq!(side(&user, id, "rejected"), "Look.");
    user.retake(["pair", "tie", id]).succeeds();
    assert_eq!(user.ids("in:pair is:tie"), [id.as_str()]);
    user.retake(["pair", "reject", id, "--reason", "other"])
        .succeeds();
    assert_eq!(
        user.ids("in:pair verdict:rejected reason:other"),
        [id.as_str()]
    );
    let of_both = ["review", "edit", id, "--field", "thought", "--text", "x"];
    assert!(user.retake(of_both).ends_with(2).stderr.contains("--side"));
    let answer = ["review", "edit", id, "--field", "answer", "--text", "x"];
    user.retake(answer).ends_with(1);
    user.retake(["review", "label", id, "--step", "1", "--value", "1"])
        .ends_with(1);
    let query = ["review", "accept", "--query", "in:pair thought:map"];
    user.retake(query).succeeds();
    assert_eq!(
        user.ids("review:accepted"),
        [id.as_str()],
        "a hit that is a pair is the pair"
    );
}

#[test]
fn pairs_that_prefer_nothing_are_refused() {
    let user = reviewer("pair-refused");
    let new = |chosen: &str, rejected: &str| {
        user.retake([
            "pair",
            "new",
            "trips/tower",
            "--step",
            "1",
            "--chosen",
            chosen,
            "--rejected",
            rejected,
        ])
    };
    let same = "text:Thought: Look it up.\nCode:\n```py\nfound = ask_search_agent(query=\"it\")\nprint(found)\n```";
    for (chosen, rejected, reason) in [
        ("step", "step", "nothing to prefer"),
        ("step", same, "nothing to prefer"),
        ("candidate:1", "step", "no candidate 1"),
        (
            "step",
            "text:{\"observation\": \"3\"}",
            "neither thought nor action",
        ),
        ("step", "text:", "says or does something"),
        ("file:nowhere.json", "step", "can't be read"),
    ] {
        let refused = new(chosen, rejected).ends_with(1);
        assert!(refused.stderr.contains(reason), "{reason}: {refused:?}");
    }
    new("steps", "step").ends_with(2);
    new("text:-", "file:-").ends_with(2);
    user.retake(["pair", "accept", "trips/tower"]).ends_with(1);
    user.retake(["pair", "show", "trips/tower"]).ends_with(1);
    assert_eq!(user.ids("in:pair"), [""; 0]);
    assert!(!user.path(".retake/journal").exists());
}

#[test]
fn a_pair_whose_step_is_gone_is_told_and_kept() {
    let user = reviewer("pair-lost");
    let id = &made(&user);
    user.retake(["review", "remove-step", "trips/tower", "--step", "1"])
        .succeeds();
    let shown = user.json(["show", "trips/tower", "--format", "json"]);
    let lost = shown["lost_pairs"][0].as_str().unwrap();
    assert!(lost.starts_with(id.as_str()), "{lost}");
    let text = user.retake(["show", "trips/tower"]).succeeds().stdout;
    assert!(text.contains("lost pair"), "{text}");
    let gone = user.retake(["show", id]).ends_with(1);
    assert!(gone.stderr.contains("can't be shown: step 1"), "{gone:?}");
    assert_eq!(user.ids("in:pair"), [""; 0]);
    // It can still be decided about.
    user.retake(["pair", "reject", id]).succeeds();
    user.retake(["undo", "2"]).succeeds();
    assert_eq!(side(&user, id, "chosen"), "Use the map.");
}

#[test]
fn pairs_of_sources_are_reviewed_as_such() {
    let user = reviewer("pair-source");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pref-x-beam");
    user.retake(["add", fixture, "--name", "beam"]).succeeds();
    let pairs = user.ids("in:pair source:beam");
    assert!(pairs[0].contains(':'), "{pairs:?}");
    user.retake(["pair", "swap", &pairs[0]]).succeeds();
    user.retake(["pair", "accept", &pairs[0]]).succeeds();
    assert_eq!(user.ids("in:pair review:accepted"), [pairs[0].as_str()]);
    let record = pairs[0].split(':').next().unwrap();
    let shown = user.json(["show", record, "--format", "json"]);
    let reviews = shown["pair_reviews"].as_array().unwrap();
    assert_eq!(reviews.len(), shown["pairs"].as_array().unwrap().len());
    let own = reviews
        .iter()
        .find(|about| about["id"] == pairs[0].as_str())
        .unwrap();
    assert_eq!(own["review"]["state"], "accepted");
    assert_eq!(own["review"]["swapped"], true);
    assert_eq!(own["made_by"], Value::Null);
    user.retake(["review", "accept", &format!("{record}:nothing")])
        .ends_with(1);
}
