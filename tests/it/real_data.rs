//! The published data, through the commands.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::reading::shared;
use crate::user::User;

fn add(user: &User, path: &Path, more: &[&str], code: i32) {
    let arguments = [&["add", path.to_str().unwrap()], more].concat();
    user.retake(arguments).ends_with(code);
}

fn sources(user: &User) -> BTreeMap<String, Value> {
    let all = user.json(["sources", "--format", "json"]);
    let by_name = |source: &Value| (source["name"].as_str().unwrap().to_owned(), source.clone());
    all.as_array().unwrap().iter().map(by_name).collect()
}

fn counts(source: &Value) -> [u64; 4] {
    ["trajectories", "pairs", "unread", "warning_count"].map(|key| source[key].as_u64().unwrap())
}

/// Content hashes by the record part of the id.
fn hashes(user: &User, source: &str) -> BTreeMap<String, String> {
    let hash = |id: String| {
        let shown = user.json(["show", &id, "--format", "json"]);
        let record = id.split_once('/').unwrap().1.to_owned();
        (record, shown["hash"].as_str().unwrap().to_owned())
    };
    user.ids(&format!("source:{source}"))
        .into_iter()
        .map(hash)
        .collect()
}

#[test]
fn m_trace_in_its_three_files() {
    let (Some(folder), Some(images)) = (shared("m-trace"), shared("images")) else {
        return;
    };
    let user = User::new("real-m-trace");
    let images = images.to_str().unwrap().to_owned();
    add(
        &user,
        &folder.join("m-trace.json"),
        &["--images", &images, "--name", "array"],
        0,
    );
    add(
        &user,
        &folder.join("m-trace.jsonl"),
        &["--name", "lines"],
        0,
    );
    add(
        &user,
        &folder.join("m-trace-truncated.json"),
        &["--name", "cut"],
        3,
    );
    let sources = sources(&user);
    assert_eq!(counts(&sources["array"]), [63, 0, 0, 0]);
    assert_eq!(counts(&sources["lines"]), [63, 0, 0, 0]);
    assert_eq!(counts(&sources["cut"]), [62, 0, 1, 1]);
    let warning = &sources["cut"]["warnings"][0];
    assert_eq!(
        (&warning["file"], &warning["record"]),
        (&"m-trace-truncated.json".into(), &62.into())
    );
    assert!(warning["offset"].as_u64().unwrap() > 1000, "{warning}");

    let array = hashes(&user, "array");
    assert_eq!(array.len(), 63);
    assert_eq!(array, hashes(&user, "lines"));
    let cut = hashes(&user, "cut");
    assert_eq!(cut.len(), 62);
    assert!(cut.iter().all(|(id, hash)| array[id] == *hash));

    // Every ninth picture is missing on purpose; the others resolve and decode.
    let (mut drawn, mut missing) = (0, 0);
    for id in user.ids("source:array has:image") {
        let shown = user.retake(["show", &id]).succeeds().stdout;
        for line in shown.lines().filter(|line| line.starts_with("  file ")) {
            match line.contains('×') {
                true => drawn += 1,
                false => missing += 1,
            }
        }
    }
    assert!(
        drawn > 20 && missing > 0 && missing * 4 < drawn,
        "{drawn} {missing}"
    );
    let flagged = user.ids("source:array flag:missing-file");
    assert!(
        !flagged.is_empty() && flagged.len() <= missing,
        "{flagged:?}"
    );
    // Where no one said where pictures are, none is missing.
    assert_eq!(user.ids("source:lines flag:missing-file"), [""; 0]);
}

#[test]
fn gta_and_pref_x() {
    let (Some(gta), Some(pref_x)) = (shared("gta/dataset.json"), shared("pref-x")) else {
        return;
    };
    let user = User::new("real-others");
    add(&user, &gta, &["--name", "gta"], 0);
    add(&user, &pref_x.join("beam"), &[], 0);
    add(
        &user,
        &pref_x.join("pref-x-llamafactory.json"),
        &["--name", "pairs"],
        0,
    );
    let sources = sources(&user);
    assert_eq!(counts(&sources["gta"]), [153, 0, 0, 0]);
    assert_eq!(counts(&sources["pairs"]), [0, 432, 0, 0]);
    let [explored, pairs, unread, warnings] = counts(&sources["beam"]);
    // Each folder has a `final_answer.json` beside its exploration.
    assert_eq!((explored, unread, warnings), (40, 0, 1));
    let warning = sources["beam"]["warnings"][0]["reason"].as_str().unwrap();
    assert!(warning.starts_with("40 of its files"), "{warning}");
    assert!((300..=432).contains(&pairs), "{pairs}");
    let formats = ["gta", "beam", "pairs"].map(|name| sources[name]["formats"][0].clone());
    assert_eq!(formats, ["gta", "pref-x-beam", "pref-x"]);

    let ids = user.ids("");
    // The pairs of an exploration are found beside it.
    assert_eq!(ids.len() as u64, 153 + 40 + pairs + 432);
    // Each is found by its id; starting the program for all of them would take long.
    for id in ids.iter().step_by(9) {
        let shown = user.json(["show", id, "--format", "json"]);
        assert_eq!(shown["id"], **id);
        assert_eq!(shown["problems"], serde_json::json!([]), "{id}");
    }
    let facets = user.json(["facets", "in:pair", "--field", "source", "--format", "json"]);
    assert_eq!(facets["facets"]["source"]["pairs"], 432);
    assert_eq!(facets["facets"]["source"]["beam"], pairs);
    assert_eq!(user.ids("has:candidates in:trajectory").len(), 40);
    assert_eq!(user.ids("is:gold benchmark:gta").len(), 153);
}
