//! The demo corpus of `assets/demo/`: whole, consistent, and small enough to embed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo")
}

fn records(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text under `{key}` in {value}"))
}

fn turns(record: &Value) -> Vec<(&str, &str)> {
    let turns = record["conversations"].as_array().unwrap();
    turns
        .iter()
        .map(|turn| (text(turn, "from"), text(turn, "value")))
        .collect()
}

/// The pictures of a record, in the order of their numbers.
fn pictures(image: &Value) -> Vec<String> {
    match image {
        Value::String(path) => vec![path.clone()],
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            sorted
                .values()
                .map(|path| path.as_str().unwrap().to_owned())
                .collect()
        }
        other => panic!("not a picture: {other}"),
    }
}

/// Every path into `images/` or `files/` that a text names.
fn named_files(text: &str) -> BTreeSet<String> {
    let path = Regex::new(r"(?:images|files)/\w+\.\w+").unwrap();
    path.find_iter(text)
        .map(|found| found.as_str().to_owned())
        .collect()
}

#[test]
fn trajectories_have_the_published_form() {
    let records = records("trajectories.json");
    assert!(records.len() >= 12, "{} trajectories", records.len());
    let ids: BTreeSet<_> = records.iter().map(|record| text(record, "id")).collect();
    assert_eq!(ids.len(), records.len(), "two trajectories share an id");
    let systems: BTreeSet<_> = records.iter().map(|record| turns(record)[0].1).collect();
    assert_eq!(systems.len(), 1, "the system prompt is shared");

    for record in &records {
        let id = text(record, "id");
        let keys: Vec<_> = record
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let published = [
            "id",
            "image",
            "correct",
            "answer",
            "conversations",
            "traj_verification",
        ];
        assert_eq!(keys, published, "{id}");

        let turns = turns(record);
        let roles: Vec<_> = turns.iter().map(|(role, _)| *role).collect();
        assert_eq!(roles[0], "system", "{id}");
        for (number, role) in roles[1..].iter().enumerate() {
            assert_eq!(
                *role,
                if number % 2 == 0 { "user" } else { "assistant" },
                "{id}"
            );
        }
        let observations = turns[3..].iter().filter(|(role, _)| *role == "user");
        for (number, (_, observation)) in observations.enumerate() {
            let mark = format!("[OUTPUT OF STEP {number}] ");
            let rest = observation
                .strip_prefix(&mark)
                .unwrap_or_else(|| panic!("{id}: {number}"));
            assert!(
                rest.starts_with("Observation:\n") || rest.starts_with("Error: "),
                "{id}"
            );
        }
        let (role, last) = turns[turns.len() - 1];
        assert!(
            role == "assistant" && last.contains("final_answer("),
            "{id} has no answer"
        );

        let mut shown = String::new();
        for (number, path) in pictures(&record["image"]).iter().enumerate() {
            shown += &format!("Picture {}: <img>{path}</img>\n", number + 1);
        }
        assert!(
            turns[1].1.starts_with(&format!("{shown}Task: ")),
            "{id}: its pictures and task"
        );
    }
}

#[test]
fn verdicts_agree_with_their_records() {
    let mut verdicts = BTreeMap::new();
    for record in records("trajectories.json") {
        let wrapped = text(&record, "traj_verification");
        let (start, end) = (wrapped.find('{').unwrap(), wrapped.rfind('}').unwrap());
        let verdict: Value = serde_json::from_str(&wrapped[start..=end]).unwrap();
        assert_eq!(verdict["correct"], record["correct"], "{}", record["id"]);
        *verdicts
            .entry(text(&verdict, "correct").to_owned())
            .or_insert(0) += 1;
    }
    let kinds: Vec<_> = verdicts.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["no", "yes"], "both verdicts occur, and no other");
}

#[test]
fn pairs_have_the_published_form() {
    let records = records("pairs.json");
    assert!(records.len() >= 6, "{} pairs", records.len());
    for pair in &records {
        let keys: Vec<_> = pair
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys,
            ["images", "conversations", "chosen", "rejected", "system"]
        );
        assert_ne!(pair["chosen"], pair["rejected"]);
        for side in ["chosen", "rejected"] {
            assert_eq!(text(&pair[side], "from"), "gpt");
            assert!(text(&pair[side], "value").ends_with("<end_action>"));
            assert!(!text(&pair[side], "observation").is_empty());
        }
        let turns = turns(pair);
        assert_eq!(turns.len() % 2, 1, "the context ends with a human turn");
        for (number, (role, _)) in turns.iter().enumerate() {
            assert_eq!(*role, if number % 2 == 0 { "human" } else { "gpt" });
        }
        let images = pair["images"].as_array().unwrap().len();
        let marks = turns
            .iter()
            .map(|(_, value)| value.matches("<image>").count())
            .sum::<usize>();
        assert_eq!(marks, images, "one mark for each picture");
    }
}

#[test]
fn files_exist_decode_and_are_used() {
    let mut named = BTreeSet::new();
    for record in records("trajectories.json")
        .iter()
        .chain(&records("pairs.json"))
    {
        for (role, value) in turns(record) {
            if role != "system" {
                named.extend(named_files(value));
            }
        }
        for path in record.get("image").map(pictures).unwrap_or_default() {
            assert!(named.contains(&path), "{path} is not shown in the task");
        }
    }
    let mut present = BTreeSet::new();
    for kind in ["images", "files"] {
        for entry in fs::read_dir(folder().join(kind)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            present.insert(format!("{kind}/{name}"));
        }
    }
    assert_eq!(
        named, present,
        "files that are named, and files that are there"
    );

    let images: Vec<_> = present
        .iter()
        .filter(|path| path.starts_with("images/"))
        .collect();
    assert!(images.len() >= 8, "{} pictures", images.len());
    for path in images {
        let bytes = fs::read(folder().join(path)).unwrap();
        assert!(bytes.len() < 40_000, "{path} has {} bytes", bytes.len());
        let picture = image::load_from_memory(&bytes).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert!(
            picture.width() >= 320 && picture.height() >= 320,
            "{path} is small"
        );
    }
}

#[test]
fn boxes_lie_inside_their_picture() {
    let four_numbers = Regex::new(&format!(r"\[{}\]", [r"(\d+(?:\.\d+)?)"; 4].join(", "))).unwrap();
    let mut boxes = 0;
    for record in records("trajectories.json") {
        for (_, value) in turns(&record).iter().filter(|(role, _)| *role == "user") {
            for found in four_numbers.captures_iter(value) {
                let path = &pictures(&record["image"])[0];
                let (width, height) = image::image_dimensions(folder().join(path)).unwrap();
                let side: Vec<f64> = (1..5).map(|at| found[at].parse().unwrap()).collect();
                assert!(
                    side[0] < side[2] && side[2] <= f64::from(width),
                    "{path} {side:?}"
                );
                assert!(
                    side[1] < side[3] && side[3] <= f64::from(height),
                    "{path} {side:?}"
                );
                boxes += 1;
            }
        }
    }
    assert!(boxes >= 12, "{boxes} boxes");
}
