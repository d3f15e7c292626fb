//! Rows that a trainer would cut: tokens are counted with a model's own files.

use std::path::Path;

use serde_json::Value;

use crate::user::{User, array, record};

fn model(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/models");
    folder.join(name).to_str().unwrap().to_owned()
}

fn user(name: &str) -> User {
    let user = User::new(name);
    let long = "many words of an observation ".repeat(200);
    let records = [
        record("short", "How tall is it?", "70 m", "70 m"),
        record("long", "How tall is it?", &long, "70 m"),
    ];
    user.write("trips.json", array(&records));
    user.retake(["add", "trips.json"]).succeeds();
    user
}

fn too_long(checked: &Value) -> Vec<(String, String)> {
    let failures = checked["failures"].as_array().unwrap().iter();
    failures
        .filter(|failure| failure["rule"] == "too-long")
        .map(|failure| {
            ["id", "message"]
                .map(|key| failure[key].as_str().unwrap().to_owned())
                .into()
        })
        .collect()
}

/// The tokens that a message tells.
fn tokens(message: &str) -> usize {
    let number = message.strip_prefix("it takes ").unwrap();
    number.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn rows_of_more_tokens_than_the_limit_fail() {
    let user = user("export-lengths");
    let folder = model("text");
    let check = |words: &[&str]| {
        let all = [
            &[
                "check",
                "trl-sft",
                "--format",
                "json",
                "--tokenizer",
                &folder,
            ],
            words,
        ]
        .concat();
        let ended = user.retake(all);
        serde_json::from_str::<Value>(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
    };
    // Every row has a token at least.
    let all = too_long(&check(&["--max-tokens", "1"]));
    assert_eq!(all.len(), 2, "{all:?}");
    let (short, long) = (tokens(&all[0].1), tokens(&all[1].1));
    assert!(short > 20 && long > short + 800, "{short} {long}");
    // The limit itself is taken, one less is not.
    let exact = |limit: usize| too_long(&check(&["--max-tokens", &limit.to_string()]));
    assert_eq!(exact(long), []);
    assert_eq!(
        exact(long - 1),
        [(
            "trips/long".to_owned(),
            format!("it takes {long} tokens, and the limit is {}", long - 1)
        )]
    );
    assert_eq!(exact(short).len(), 1);
    // TRL's own limit.
    assert_eq!(too_long(&check(&[])).len(), usize::from(long > 1024));
    let allowed = check(&["--max-tokens", "1", "--allow", "too-long"]);
    assert_eq!(too_long(&allowed), []);

    let words = [
        "export",
        "trl-sft",
        "-o",
        "out.jsonl",
        "--tokenizer",
        &folder,
        "--max-tokens",
        &short.to_string(),
    ];
    let ended = user.retake(words).ends_with(3);
    assert!(
        ended
            .stderr
            .contains("not written: trips/long: too-long: it takes"),
        "{ended:?}"
    );
    let manifest = std::fs::read_to_string(user.path("out.jsonl.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["max_tokens"], short);
    assert_eq!(manifest["tokenizer"], "text");
    assert_eq!(
        manifest["files"][0]["rows"],
        serde_json::json!(["trips/short"])
    );
}

#[test]
fn pictures_take_tokens_and_the_longer_side_counts() {
    let user = User::new("export-picture-lengths");
    let folder = model("qwen2_vl");
    let checked = user.json([
        "--demo",
        "check",
        "trl-preference",
        "--format",
        "json",
        "--tokenizer",
        &folder,
        "--max-tokens",
        "1",
    ]);
    let found = too_long(&checked);
    assert_eq!(found.len(), 9, "{found:?}");
    // 0 and 1 have one picture of 640 × 480 at least, 4 has none: Qwen2-VL gives such a one 17 × 23 tokens and more.
    let of = |id: &str| tokens(&found.iter().find(|(found, _)| found == id).unwrap().1);
    assert!(of("pairs/0") > 390, "{found:?}");
    assert!(
        found
            .iter()
            .all(|(_, message)| message.starts_with("it takes ")),
        "{found:?}"
    );
}

#[test]
fn what_can_not_be_counted_says_why() {
    let user = user("export-lengths-wrong");
    let folder = model("text");
    for (words, code, reason) in [
        (
            vec!["check", "trl-sft", "--max-tokens", "9"],
            2,
            "--tokenizer",
        ),
        (
            vec!["check", "m-trace", "--tokenizer", &folder],
            2,
            "`m-trace` is for no trainer",
        ),
        (
            vec!["check", "openai-messages", "--tokenizer", &folder],
            2,
            "`openai-messages` has no limit of its own",
        ),
        (
            vec!["check", "trl-sft", "--tokenizer", "nowhere"],
            1,
            "nowhere",
        ),
    ] {
        let ended = user.retake(&words).ends_with(code);
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
    // A model for text alone can't say what a picture takes.
    let pictures = [
        "--demo",
        "check",
        "trl-preference",
        "--format",
        "json",
        "--tokenizer",
        &folder,
        "--max-tokens",
        "100000",
    ];
    let found = too_long(&user.json(pictures));
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|(_, message)| message.starts_with("its tokens can't be counted: ")),
        "{found:?}"
    );
}
