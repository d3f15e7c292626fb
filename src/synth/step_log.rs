use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::SynthError;
use crate::domain::{ContentHash, PreferencePair, Step};
use crate::rollout::{End, Rollout};
use crate::sandbox::SavedState;
use crate::workspace::{HeldLog, LineLog};

/// What is added to a run file's name.
const ENDING: &str = "progress";

/// The steps of runs that are not at their end, beside their run file: each is on the disk before the next is begun. One process at a
/// time has it; it goes once all runs are at their end.
#[derive(Debug)]
pub struct StepLog {
    path: PathBuf,
    /// `None` once it is finished.
    held: Mutex<Option<HeldLog>>,
}

/// How runs are made; runs that were begun in one way are not gone on with in another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Heading {
    settings: Value,
}

/// A step that is done, with the state after it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    key: String,
    /// What the run grew from; of another content it would be another run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    origin: Option<ContentHash>,
    /// Its steps so far.
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    step: Option<Step>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    state: Option<SavedState>,
    failures: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    answer: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pairs: Vec<PreferencePair>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    end: Option<End>,
}

/// What is known of a run that was begun.
#[derive(Debug, Clone)]
pub struct Begun(Vec<Line>);

impl StepLog {
    /// The log beside a run file, with the runs that were begun and are not at their end. `settings` say how runs are made.
    pub fn open(
        run_file: &Path,
        settings: Value,
    ) -> Result<(Self, HashMap<String, Begun>), SynthError> {
        let mut name = run_file.as_os_str().to_owned();
        name.push(".");
        name.push(ENDING);
        let path = PathBuf::from(name);
        let failed = |doing| {
            let path = path.clone();
            move |source| SynthError::File {
                path,
                doing,
                source,
            }
        };
        let held = LineLog::new(path.clone())
            .hold()
            .map_err(failed("opened"))?;
        let mut held = held.ok_or_else(|| SynthError::Busy { path: path.clone() })?;
        let mut heading: Option<Value> = None;
        let mut begun: HashMap<String, Begun> = HashMap::new();
        let mut wrong = false;
        held.read(|line| {
            if heading.is_none() {
                match serde_json::from_slice::<Heading>(line) {
                    Ok(found) => heading = Some(found.settings),
                    Err(_) => wrong = true,
                }
            } else if let Ok(line) = serde_json::from_slice::<Line>(line) {
                let lines = begun
                    .entry(line.key.clone())
                    .or_insert_with(|| Begun(Vec::new()));
                lines.0.push(line);
            } else {
                wrong = true;
            }
        })
        .map_err(failed("read"))?;
        if wrong {
            return Err(SynthError::WrongLog { path });
        }
        match heading {
            Some(known) if known != settings && !begun.is_empty() => {
                return Err(SynthError::OtherSettings {
                    differences: differences(&known, &settings),
                    path,
                });
            }
            Some(known) if known == settings => {}
            _ => {
                held.clear().map_err(failed("written"))?;
                let line = serde_json::to_vec(&Heading { settings });
                let written = line
                    .map_err(io::Error::from)
                    .and_then(|line| held.append(line));
                written.map_err(failed("written"))?;
            }
        }
        let log = Self {
            path,
            held: Mutex::new(Some(held)),
        };
        Ok((log, begun))
    }

    /// Writes the last step of a run down, or its end; `pairs` are those that are new.
    pub fn write(
        &self,
        key: &str,
        origin: Option<ContentHash>,
        rollout: &Rollout,
        steps_before: usize,
        pairs: &[PreferencePair],
    ) -> Result<(), SynthError> {
        let steps = &rollout.trajectory.steps;
        let line = Line {
            key: key.to_owned(),
            origin,
            count: steps.len(),
            step: steps.last().filter(|_| steps.len() > steps_before).cloned(),
            state: rollout.state.clone(),
            failures: rollout.failures,
            answer: rollout.trajectory.answer.clone(),
            pairs: pairs.to_vec(),
            end: rollout.end.clone(),
        };
        let line = serde_json::to_vec(&line).map_err(io::Error::from);
        let written = line.and_then(|line| match self.held().as_mut() {
            Some(held) => held.append(line),
            None => Err(io::Error::other("the runs were finished")),
        });
        written.map_err(|source| self.failed(source))
    }

    /// Drops all steps, and the file with them: every run is at its end, and in the run file. Nothing is written after it.
    pub fn finish(&self) -> Result<(), SynthError> {
        let removed = match self.held().take() {
            Some(held) => held.remove(),
            None => Ok(()),
        };
        removed.map_err(|source| self.failed(source))
    }

    fn held(&self) -> MutexGuard<'_, Option<HeldLog>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, source: io::Error) -> SynthError {
        SynthError::File {
            path: self.path.clone(),
            doing: "written",
            source,
        }
    }
}

impl Begun {
    /// The run as far as it had come. Of what grew from something else there is nothing.
    pub fn resume(self, origin: Option<ContentHash>, mut rollout: Rollout) -> Rollout {
        for line in self.0 {
            let steps = &mut rollout.trajectory.steps;
            let follows = steps.len() + usize::from(line.step.is_some()) == line.count;
            if line.origin != origin || !follows {
                continue;
            }
            steps.extend(line.step);
            rollout.trajectory.answer = line.answer;
            rollout.state = line.state;
            rollout.failures = line.failures;
            rollout.pairs.extend(line.pairs);
            rollout.end = line.end;
        }
        rollout
    }
}

/// The members in which two settings differ, in words.
fn differences(known: &Value, wanted: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let known = known.as_object().unwrap_or(&empty);
    let wanted = wanted.as_object().unwrap_or(&empty);
    let mut names: Vec<&String> = known.keys().chain(wanted.keys()).collect();
    names.sort();
    names.dedup();
    let text = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let differ = names
        .into_iter()
        .filter(|name| known.get(*name) != wanted.get(*name));
    differ
        .map(|name| {
            format!(
                "{name} was {}, not {}",
                text(known.get(name)),
                text(wanted.get(name))
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Observation;

    fn step(text: &str) -> Step {
        Step {
            observation: Some(Observation {
                text: text.to_owned(),
                ..Observation::default()
            }),
            ..Step::default()
        }
    }

    #[test]
    fn runs_are_taken_up_where_they_were_whatever_was_cut() {
        let folder = std::env::temp_dir().join(format!("retake-step-log-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        let file = folder.join("a.jsonl");
        let settings = json!({"n": 3});
        let origin = Some(ContentHash([1; 32]));
        let mut rollout = Rollout::default();
        let (log, begun) = StepLog::open(&file, settings.clone()).unwrap();
        assert!(begun.is_empty());
        let busy = StepLog::open(&file, settings.clone()).unwrap_err();
        assert!(matches!(busy, SynthError::Busy { .. }));
        let mut states = vec![rollout.clone()];
        for text in ["one", "two"] {
            rollout.trajectory.steps.push(step(text));
            rollout.failures += 1;
            let before = rollout.trajectory.steps.len() - 1;
            log.write("a", origin, &rollout, before, &[]).unwrap();
            states.push(rollout.clone());
        }
        rollout.end = Some(End::StepLimit);
        rollout.trajectory.answer = Some("3".to_owned());
        log.write("a", origin, &rollout, 2, &[]).unwrap();
        states.push(rollout.clone());
        drop(log);
        let path = folder.join("a.jsonl.progress");
        let whole = std::fs::read(&path).unwrap();
        // Cut at every byte: it goes on from one of the states, and never loses a line that was whole.
        for length in (0..=whole.len()).rev() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let lines = whole[..length]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            let (log, mut begun) = StepLog::open(&file, settings.clone()).unwrap();
            drop(log);
            let resumed = match begun.remove("a") {
                Some(begun) => begun.resume(origin, Rollout::default()),
                None => Rollout::default(),
            };
            assert_eq!(resumed, states[lines.saturating_sub(1)], "{length}");
        }
        std::fs::write(&path, &whole).unwrap();
        let (log, mut begun) = StepLog::open(&file, settings.clone()).unwrap();
        let changed = begun.remove("a").unwrap().resume(None, Rollout::default());
        assert_eq!(changed, Rollout::default(), "it grew from something else");
        drop(log);
        let other = StepLog::open(&file, json!({"n": 5})).unwrap_err();
        assert!(other.to_string().contains("n was 3, not 5"), "{other}");
        let (log, _) = StepLog::open(&file, settings).unwrap();
        log.finish().unwrap();
        assert!(!path.exists());
        drop(log);
        let (_, begun) = StepLog::open(&file, json!({"n": 5})).unwrap();
        assert!(begun.is_empty());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
