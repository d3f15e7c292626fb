//! The workbench, driven by keys: on a screen that is text, and in a terminal of its own.

mod asking;
mod blind;
mod exporting;
mod gold_and_flags;
mod kept_candidates;
mod keys;
mod pty;
mod random;
mod rerun;
mod rerun_blind;
mod rerun_decisions;
mod rerun_tools;
mod views;

use std::fs;
use std::path::Path;

use retake::config::Config;
use retake::sandbox::WorkerCommand;
use retake::tui::app::AppOptions;
use retake::tui::backend::Backend;
use retake::tui::effect::{Effect, Message};
use retake::tui::keymap::Keymap;
use retake::tui::rehearsal::Rehearsal;
use retake::tui::rerun::RerunSettings;
use retake::tui::rerunning::MakeNamed;
use retake::tui::theme::{ColorDepth, Theme};
use retake::workspace::Workspace;

use crate::user::User;

/// Somebody at the workbench.
pub struct Sitting {
    pub user: User,
    rehearsal: Rehearsal,
}

/// The demo's files, in a workspace of this person.
pub fn user_with_demo(name: &str) -> User {
    let user = User::new(name);
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    copy(&demo, &user.path("."));
    user.retake(["add", "trajectories.json", "pairs.json", "--images", "."])
        .succeeds();
    user
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

impl Sitting {
    /// The demo on a screen of this size.
    pub fn with_demo(name: &str, columns: u16, rows: u16) -> Self {
        Self::new(user_with_demo(name), columns, rows)
    }

    pub fn new(user: User, columns: u16, rows: u16) -> Self {
        Self::with(user, columns, rows, |_| {})
    }

    /// The same with other settings.
    pub fn with(user: User, columns: u16, rows: u16, adjust: impl FnOnce(&mut Config)) -> Self {
        Self::made(user, columns, rows, adjust, None)
    }

    /// The same with controllers that this makes, and so many new candidates for a step.
    pub fn with_controllers(
        user: User,
        columns: u16,
        rows: u16,
        candidates: usize,
        make: MakeNamed,
    ) -> Self {
        let adjust = |config: &mut Config| config.rollout.candidates = candidates;
        Self::made(user, columns, rows, adjust, Some(make))
    }

    fn made(
        user: User,
        columns: u16,
        rows: u16,
        adjust: impl FnOnce(&mut Config),
        controllers: Option<MakeNamed>,
    ) -> Self {
        let settings = user.path("../settings");
        let mut config = Config::load(None).unwrap();
        config.review.annotator = "tess".to_owned();
        adjust(&mut config);
        let workspace = Workspace::open(&user.path("."), Some(&settings)).unwrap();
        let depth = ColorDepth::True;
        let options = AppOptions {
            keymap: Keymap::named("default").unwrap(),
            theme: Theme::named("dark", depth).unwrap(),
            depth,
            annotator: config.review.annotator.clone(),
            reasons: config.review.reasons.clone(),
            model: config.controller.model.clone(),
            rerun: RerunSettings {
                candidates: config.rollout.candidates,
                ..RerunSettings::default()
            },
            draws_pictures: true,
            title: "demo".to_owned(),
            warnings: Vec::new(),
        };
        let worker = WorkerCommand::of(env!("CARGO_BIN_EXE_retake").into());
        let mut backend = Backend::new(workspace, config, Some(&settings)).with_sandbox(worker);
        if let Some(make) = controllers {
            backend = backend.with_controllers(make);
        }
        let rehearsal = Rehearsal::new(backend, options, columns, rows).unwrap();
        Self { user, rehearsal }
    }

    /// A message, and all that follows from it.
    pub fn tell(&mut self, message: Message) {
        self.rehearsal.tell(message).unwrap();
    }

    /// Keys as keymaps write them, one after another: `j enter ctrl-s`.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.rehearsal.press(keys).unwrap();
        self
    }

    /// A text, letter by letter.
    pub fn type_text(&mut self, text: &str) -> &mut Self {
        self.rehearsal.type_text(text).unwrap();
        self
    }

    /// Another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.rehearsal.resize(columns, rows).unwrap();
        self
    }

    /// From now on re-runs are not performed: a test tells what is heard of them.
    pub fn hold_reruns(&mut self) {
        self.rehearsal.hold_reruns();
    }

    /// Effects that nobody performed.
    pub fn asked(&self) -> &[Effect] {
        &self.rehearsal.asked
    }

    /// What is on the screen, blanks at the ends of lines left out.
    pub fn text(&self) -> String {
        self.rehearsal.text()
    }

    /// Whether somebody left.
    pub fn is_over(&self) -> bool {
        self.rehearsal.is_over()
    }

    /// What `retake log --format json` says: the verbs of all records, oldest first.
    pub fn verbs(&self) -> Vec<String> {
        let log = self.user.retake([
            "--as-user",
            "tess",
            "log",
            "--format",
            "json",
            "--limit",
            "0",
        ]);
        let log: serde_json::Value = serde_json::from_str(&log.succeeds().stdout).unwrap();
        let entries = log["entries"].as_array().unwrap();
        let records = entries
            .iter()
            .flat_map(|entry| entry["records"].as_array().unwrap());
        records
            .map(|record| record["verb"].as_str().unwrap().to_owned())
            .collect()
    }
}
