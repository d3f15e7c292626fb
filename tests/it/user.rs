//! A person with own settings, cache and working folder, who runs `retake` as a command.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use retake::ingest::FORMATS;
use serde_json::{Map, Value, json};

/// A folder that goes when its test ends.
pub struct TemporaryFolder(pub PathBuf);

impl TemporaryFolder {
    /// A new, empty folder; `name` keeps tests apart.
    pub fn new(name: &str) -> Self {
        let parent = std::env::temp_dir().canonicalize().unwrap();
        let path = parent.join(format!("retake-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// No command may take longer, on however busy a machine.
const TIME_LIMIT: Duration = Duration::from_secs(120);

pub struct User {
    folder: TemporaryFolder,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl User {
    /// `name` keeps tests apart.
    pub fn new(name: &str) -> Self {
        let folder = TemporaryFolder::new(name);
        for part in ["work", "settings", "cache"] {
            fs::create_dir_all(folder.0.join(part)).unwrap();
        }
        Self { folder }
    }

    /// Everything of this person: `work/`, `settings/`, `cache/`.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// A path in the working folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join("work").join(name)
    }

    /// Writes a file into the working folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// The command, ready to run in the working folder; of the environment only what a program needs to start is left.
    pub fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_retake"));
        command
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .env("RETAKE_CONFIG_DIR", self.folder.0.join("settings"))
            .env("RETAKE_CACHE_DIR", self.folder.0.join("cache"))
            .env("COLUMNS", "100");
        for name in ["PATH", "SystemRoot", "TMPDIR", "TEMP"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs `retake` to its end.
    pub fn retake<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        Ended::of(self.command(arguments))
    }

    /// The same for a command that reads this from its standard input.
    pub fn retake_with<A: AsRef<OsStr>>(
        &self,
        input: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Ended {
        let mut command = Command::from_std(self.command(arguments));
        Ended::of_output(command.write_stdin(input).timeout(TIME_LIMIT).output())
    }

    /// The JSON that a command prints.
    pub fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        let ended = self.retake(arguments);
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    }

    /// The distinct ids that a query finds, in the order of the sources.
    pub fn ids(&self, query: &str) -> Vec<String> {
        let ended = self.retake([
            "search", query, "--limit", "0", "--sort", "source", "--format", "ids",
        ]);
        ended.succeeds().stdout.lines().map(str::to_owned).collect()
    }

    /// What a command prints, without what differs between machines and grows with each format.
    pub fn filtered(&self, text: &str) -> String {
        let formats: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        text.replace(&*self.folder.0.to_string_lossy(), "[HOME]")
            .replace(&formats.join(", "), "[FORMATS]")
    }

    /// Each command with all that it prints and how it ends.
    pub fn transcript(&self, commands: &[&[&str]]) -> String {
        let run = |arguments: &&[&str]| {
            let ended = self.retake(*arguments);
            let words: String = arguments
                .iter()
                .map(|a| format!(" {}", shell_word(a)))
                .collect();
            let mut text = format!("$ retake{words}\n{}", ended.stdout);
            for line in ended.stderr.lines() {
                text.push_str(&format!("stderr: {line}\n"));
            }
            match ended.code {
                Some(0) => {}
                Some(code) => text.push_str(&format!("exit code {code}\n")),
                None => text.push_str("killed\n"),
            }
            self.filtered(&text)
        };
        commands.iter().map(run).collect::<Vec<_>>().join("\n")
    }
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}

impl Ended {
    /// Runs a command to its end, within the time limit; a panic is never an end.
    pub fn of(command: std::process::Command) -> Self {
        Self::of_output(Command::from_std(command).timeout(TIME_LIMIT).output())
    }

    fn of_output(output: std::io::Result<std::process::Output>) -> Self {
        let output = output.unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("retake prints UTF-8");
        let ended = Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        ended
    }

    /// Exit code 0, or the test fails.
    pub fn succeeds(self) -> Self {
        self.ends_with(0)
    }

    /// This exit code, or the test fails.
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

/// A record of the M-TRACE form with one step before the answer; `extra` fields come last.
pub fn record(id: &str, task: &str, observation: &str, answer: &str) -> Value {
    json!({
        "id": id, "image": {}, "correct": "yes", "answer": answer,
        "conversations": [
            {"from": "system", "value": "You are careful."},
            {"from": "user", "value": format!("Task: {task}\n")},
            {"from": "assistant", "value": "Thought: Look it up.\n\nCode:\n```py\nfound = ask_search_agent(query=\"it\")\nprint(found)\n```<end_action>"},
            {"from": "user", "value": format!("[OUTPUT OF STEP 0] Observation:\n{observation}")},
            {"from": "assistant", "value": format!("Thought: That is all.\n\nCode:\n```py\nfinal_answer({answer:?})\n```<end_action>")},
        ],
        "traj_verification": "{\"thought\": \"Right.\", \"correct\": \"yes\"}",
    })
}

/// A JSON array, one record a line.
pub fn array(records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// JSON lines.
pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// GTA tasks with these keys; each asks for its number, whose gold answer is `right`.
pub fn gta_tasks(keys: &[u32]) -> String {
    let task = |key: &u32| {
        let value = json!({
            "tools": [], "files": [],
            "dialogs": [{"role": "user", "content": format!("What is number {key}?")}, {"role": "assistant", "content": "It is right."}],
            "gt_answer": {"whitelist": [["right"]], "blacklist": null},
        });
        (key.to_string(), value)
    };
    Value::Object(keys.iter().map(task).collect::<Map<_, _>>()).to_string()
}

/// A run over GTA tasks: key and answer.
pub fn gta_run(answers: &[(u32, &str)]) -> String {
    let prediction = |(key, answer): &(u32, &str)| {
        let value = json!({
            "gold": [[{"role": "assistant", "content": "It is right."}]],
            "prediction": [[{"role": "assistant", "content": answer}]],
            "origin_prompt": [format!("What is number {key}?")], "steps": [],
        });
        (key.to_string(), value)
    };
    Value::Object(answers.iter().map(prediction).collect::<Map<_, _>>()).to_string()
}
