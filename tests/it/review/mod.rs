//! Reviewing on the command line: what each verb saves, shows, finds and takes back, for one annotator and for two.

mod annotators;
mod batches;
mod edits;
mod pairs;
mod source_changes;
mod transcript;

use serde_json::Value;

use crate::user::{User, array, record};

/// Three trajectories of two steps each, in the source `trips`: `tower`, `bridge`, `old`.
pub fn records() -> [Value; 3] {
    [
        record("tower", "How tall is the tower?", "The tower: 70 m", "70 m"),
        record(
            "bridge",
            "How long is the bridge?",
            "The bridge: 90 m",
            "90 m",
        ),
        record("old", "How old is the mill?", "Built in 1420.", "600 years"),
    ]
}

/// A person with these in a workspace, who is called `ana`.
pub fn reviewer(name: &str) -> User {
    let user = User::new(name);
    std::fs::write(
        user.folder().join("settings/config.toml"),
        "[review]\nannotator = \"ana\"\n",
    )
    .unwrap();
    user.write("trips.json", array(&records()));
    user.retake(["add", "trips.json"]).succeeds();
    user
}

/// The review of a trajectory or pair, as `show` tells it.
pub fn review(user: &User, id: &str) -> Value {
    user.json(["show", id, "--format", "json"])["review"].clone()
}

/// The text of a field of the first step.
pub fn first_step(user: &User, id: &str) -> Value {
    user.json(["show", id, "--step", "1", "--format", "json"])["content"].clone()
}
