//! The generator of benchmark corpora: exact counts, the published form, the same bytes for the same seed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::user::TemporaryFolder;

#[path = "../../examples/generate_corpus/corpus/mod.rs"]
pub mod corpus;

/// A generated corpus, for as long as its test runs.
struct Generated(TemporaryFolder);

impl Generated {
    fn new(name: &str, plan: &corpus::Plan) -> Self {
        let folder = TemporaryFolder::new(name);
        for (file, bytes) in corpus::write(plan, &folder.0).unwrap() {
            assert_eq!(fs::metadata(file).unwrap().len(), bytes);
        }
        Self(folder)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.0.join(name)).unwrap()
    }

    fn records(&self, name: &str) -> Vec<Value> {
        serde_json::from_str(&self.text(name)).unwrap()
    }
}

fn plan() -> corpus::Plan {
    corpus::Plan {
        trajectories: 60,
        steps: 372,
        pairs: 150,
        seed: 7,
        jsonl: true,
    }
}

/// The values of the turns from this role.
fn turns<'a>(record: &'a Value, from: &'a str) -> impl Iterator<Item = &'a str> {
    let turns = record["conversations"].as_array().unwrap().iter();
    turns
        .filter(move |turn| turn["from"] == from)
        .map(|turn| turn["value"].as_str().unwrap())
}

#[test]
fn counts_are_exact_and_records_have_the_published_form() {
    let folder = Generated::new("generator-form", &plan());
    let records = folder.records("m-trace.json");
    assert_eq!(records.len(), 60);
    assert_eq!(
        records
            .iter()
            .map(|record| turns(record, "assistant").count())
            .sum::<usize>(),
        372
    );
    let ids: BTreeSet<_> = records
        .iter()
        .map(|record| record["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 60);
    for record in &records {
        let system = turns(record, "system").next().unwrap();
        assert!((13_200..13_400).contains(&system.chars().count()));
        let last = turns(record, "assistant").last().unwrap();
        assert!(last.contains("final_answer("), "{last}");
        for (number, observation) in turns(record, "user").skip(1).enumerate() {
            assert!(observation.starts_with(&format!("[OUTPUT OF STEP {number}] ")));
        }
        let verdict = record["traj_verification"].as_str().unwrap();
        let inner = &verdict[verdict.find('{').unwrap()..=verdict.rfind('}').unwrap()];
        assert_eq!(
            serde_json::from_str::<Value>(inner).unwrap()["correct"],
            "yes"
        );
    }
    let lines: Vec<Value> = folder
        .text("m-trace.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, records, "the lines hold the same records");
}

#[test]
fn pairs_continue_trajectories_of_the_corpus() {
    let folder = Generated::new("generator-pairs", &plan());
    let records = folder.records("m-trace.json");
    let replies: BTreeSet<_> = records
        .iter()
        .flat_map(|record| turns(record, "assistant"))
        .collect();
    let pairs = folder.records("pref-x.json");
    assert_eq!(pairs.len(), 150);
    let mut chosen = BTreeSet::new();
    for pair in &pairs {
        let reply = pair["chosen"]["value"].as_str().unwrap();
        assert!(replies.contains(reply.strip_suffix("<end_action>").unwrap()));
        assert!(chosen.insert(reply), "one step, two pairs");
        assert_ne!(pair["chosen"]["value"], pair["rejected"]["value"]);
        assert_eq!(pair["conversations"].as_array().unwrap().len() % 2, 1);
    }
}

#[test]
fn seeds_decide_every_byte() {
    let first = Generated::new("generator-first", &plan());
    let second = Generated::new("generator-second", &plan());
    let other = Generated::new("generator-other", &corpus::Plan { seed: 8, ..plan() });
    for name in ["m-trace.json", "m-trace.jsonl", "pref-x.json"] {
        assert!(
            first.text(name) == second.text(name),
            "{name} differs for equal seeds"
        );
        assert!(
            first.text(name) != other.text(name),
            "{name} is equal for other seeds"
        );
    }
}

#[test]
fn plans_that_cannot_be_met_are_refused() {
    let nowhere = Path::new("/nonexistent/retake");
    let too_few_steps = corpus::Plan {
        steps: 59,
        ..plan()
    };
    assert!(
        corpus::write(&too_few_steps, nowhere)
            .unwrap_err()
            .to_string()
            .contains("--steps")
    );
    let too_many_pairs = corpus::Plan {
        pairs: 373,
        ..plan()
    };
    assert!(
        corpus::write(&too_many_pairs, nowhere)
            .unwrap_err()
            .to_string()
            .contains("--pairs")
    );
}

#[test]
fn extreme_plans_keep_their_counts() {
    for (trajectories, steps, pairs) in [(0, 0, 0), (1, 1, 1), (5, 5, 5), (3, 100, 100)] {
        let plan = corpus::Plan {
            trajectories,
            steps,
            pairs,
            seed: 1,
            jsonl: false,
        };
        let folder = Generated::new(&format!("generator-{trajectories}-{steps}"), &plan);
        let records = folder.records("m-trace.json");
        assert_eq!(records.len(), trajectories);
        assert_eq!(
            records.iter().flat_map(|r| turns(r, "assistant")).count(),
            steps
        );
        assert_eq!(folder.records("pref-x.json").len(), pairs);
        assert!(!folder.0.0.join("m-trace.jsonl").exists());
    }
}
