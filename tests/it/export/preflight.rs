//! `retake check` and `retake export` for trainers, as a person uses them.

use std::fs;

use serde_json::Value;

use super::records::{shared, value};
use crate::user::{User, array, record};

fn user_with(name: &str, formats: &[&str]) -> User {
    let user = User::new(name);
    for format in formats {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
        let text = fs::read(format!("{folder}/{format}/input.json")).unwrap();
        let file = user.write(&format!("{format}.json"), text);
        user.retake(["add".as_ref(), file.as_os_str()]).succeeds();
    }
    user
}

#[test]
fn rows_that_fail_are_listed_and_not_written_unless_allowed() {
    let user = User::new("preflight-allow");
    let mut records = ["a", "b", "c"].map(|id| record(id, "How tall is it?", "70 m", "70 m"));
    records[2]["conversations"]
        .as_array_mut()
        .unwrap()
        .remove(0);
    user.write("trips.json", array(&records));
    user.retake(["add", "trips.json"]).succeeds();
    let checked = user.retake(["check", "llamafactory-sft"]);
    assert_eq!(checked.code, Some(3), "{checked:?}");
    assert!(
        checked
            .stdout
            .contains("trips/c  no-system-prompt  there is no system prompt"),
        "{checked:?}"
    );
    assert!(
        checked.stderr.contains("2 rows can be written, 1 can't"),
        "{checked:?}"
    );
    let report = user.json(["check", "llamafactory-sft", "--format", "json"]);
    assert_eq!(report["ready"], 2);
    assert_eq!(
        report["failed_rules"],
        serde_json::json!({"no-system-prompt": 1})
    );
    assert_eq!(report["failures"][0]["id"], "trips/c");

    let export = |more: &[&str]| {
        let arguments = [
            "export",
            "llamafactory-sft",
            "-o",
            "sft.json",
            "--overwrite",
        ];
        user.retake(arguments.iter().chain(more))
    };
    let rows = || -> Vec<Value> {
        let text = fs::read_to_string(user.path("sft.json")).unwrap();
        value(&text).as_array().unwrap().clone()
    };
    let ended = export(&[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(rows().len(), 2);
    assert!(
        ended
            .stderr
            .contains("not written: trips/c: no-system-prompt"),
        "{ended:?}"
    );
    let ended = export(&["--allow", "no-system-prompt"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(rows().len(), 3);
    let manifest = value(&fs::read_to_string(user.path("sft.json.manifest.json")).unwrap());
    assert_eq!(manifest["allow"], serde_json::json!(["no-system-prompt"]));
    assert_eq!(manifest["files"][0]["rows"][2], "trips/c");
    let ended = export(&["--allow", "equal-sides"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("turns-alternate"), "{ended:?}");
}

#[test]
fn failures_name_the_step() {
    let user = user_with("preflight-steps", &["gta"]);
    let root = user.path("pictures");
    fs::create_dir_all(&root).unwrap();
    let file = user.path("gta.json");
    let arguments = [
        "add".as_ref(),
        file.as_os_str(),
        "--images".as_ref(),
        root.as_os_str(),
    ];
    user.retake(arguments).succeeds();
    let report = user.json(["check", "trl-sft", "--format", "json"]);
    let failures = report["failures"].as_array().unwrap();
    let of = |id: &str| -> Vec<(Value, Value)> {
        let of = failures.iter().filter(|failure| failure["id"] == id);
        of.map(|failure| (failure["step"].clone(), failure["rule"].clone()))
            .collect()
    };
    let missing = Value::from("missing-picture");
    // The last step's picture is behind the last reply, so that nobody learns from it.
    assert_eq!(of("gta/7"), [(Value::Null, missing.clone())]);
    assert_eq!(of("gta/0").len(), 2);
    assert_eq!(of("gta/8"), [(Value::Null, "no-system-prompt".into())]);
}

#[test]
fn labels_become_judged_replies_and_process_rewards() {
    let user = User::new("preflight-labels");
    let tasks = ["a", "b", "c"].map(|id| record(id, "How tall is it?", "70 m", "70 m"));
    user.write("trips.json", array(&tasks));
    user.retake(["add", "trips.json"]).succeeds();
    let review = |words: &[&str]| user.retake([&["review"], words].concat()).succeeds();
    review(&["reject", "trips/a", "--reason", "wrong-answer"]);
    review(&["first-wrong-step", "trips/a", "--step", "2"]);
    review(&["label", "trips/b", "--step", "2", "--value", "-1"]);
    let rows = |target: &str, more: &[&str]| -> (i32, Vec<Value>) {
        let ended = user.retake([&["export", target, "-o", "-"], more].concat());
        (
            ended.code.unwrap(),
            ended.stdout.lines().map(value).collect(),
        )
    };
    // The data says that all are right; people know better of one, and of two steps.
    let (code, judged) = rows("kto", &[]);
    let labels: Vec<bool> = judged
        .iter()
        .map(|row| row["label"].as_bool().unwrap())
        .collect();
    assert_eq!(
        (code, labels),
        (0, vec![true, false, true, false, true, true])
    );
    // A label behind a step without one has no place in a row.
    let (code, rewards) = rows("trl-prm", &[]);
    assert_eq!(code, 3);
    assert_eq!(rewards.len(), 1);
    assert_eq!(rewards[0]["labels"], serde_json::json!([true, false]));
    let report = user.json(["check", "trl-prm", "--format", "json"]);
    assert_eq!(report["others"], 1);
    assert_eq!(report["failures"][0]["id"], "trips/b");
    review(&["label", "trips/b", "--step", "1", "--value", "1"]);
    assert_eq!(rows("trl-prm", &[]).1.len(), 2);
    // Somebody else sees the first step differently.
    let other = [
        "--as-user",
        "ben",
        "review",
        "label",
        "trips/b",
        "--step",
        "1",
        "--value",
        "-1",
    ];
    user.retake(other).succeeds();
    let report = user.json(["check", "kto", "--format", "json"]);
    assert_eq!(report["ready"], 5);
    assert_eq!(report["failures"][0]["rule"], "not-writable");
    assert_eq!(report["failures"][0]["step"], 1);
}

#[test]
fn every_rule_is_described() {
    let user = User::new("preflight-help");
    let help = user.retake(["help", "preflight"]).succeeds().stdout;
    for name in ["rejected-turns", "unseen-pictures", "trl-prm", "2048"] {
        assert!(help.contains(name), "{help}");
    }
}

/// Real records with stand-ins for their pictures: what fails, and why.
#[test]
fn real_records_fail_only_where_they_should() {
    let (Some(runs), Some(images)) = (shared("m-trace/m-trace.json"), shared("images")) else {
        return;
    };
    let user = User::new("preflight-real");
    let arguments = [
        "add".as_ref(),
        runs.as_os_str(),
        "--images".as_ref(),
        images.as_os_str(),
    ];
    user.retake(arguments).succeeds();
    for target in [
        "llamafactory-sft",
        "trl-sft",
        "ms-swift-sft",
        "axolotl-sft",
        "openai-messages",
    ] {
        let report = user.json(["check", target, "--format", "json"]);
        let rules: Vec<&String> = report["failed_rules"].as_object().unwrap().keys().collect();
        assert_eq!(
            rules,
            ["missing-picture"],
            "{target}: {}",
            report["failed_rules"]
        );
        let sum = report["ready"].as_u64().unwrap() + report["failed"].as_u64().unwrap();
        assert_eq!(sum, 63, "{target}");
    }
}
