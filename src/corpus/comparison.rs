use std::collections::BTreeMap;

use serde::Serialize;

use crate::index::query::parse;
use crate::index::{Match, Row};

use super::{Corpus, CorpusError};

/// Two runs over the same benchmark, task by task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Tasks that both runs have.
    pub common: usize,
    /// Tasks that only the first has.
    pub only_first: usize,
    /// Tasks that only the second has.
    pub only_second: usize,
    /// Tasks passed by the first and by the second.
    pub passed: (usize, usize),
    /// Tasks whose outcome changed.
    pub changed: Vec<ComparedTask>,
}

/// A task whose outcome changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedTask {
    /// The benchmark.
    pub benchmark: String,
    /// The task's key in it.
    pub task: String,
    /// Outcome in the first run.
    pub first: String,
    /// Outcome in the second.
    pub second: String,
    /// The first run's record.
    pub first_id: String,
    /// The second run's.
    pub second_id: String,
}

type Tasks = BTreeMap<(String, String), (String, Match)>;

impl Corpus {
    /// Lists the tasks whose outcome differs between two runs.
    pub fn compare(&self, first: &str, second: &str) -> Result<Comparison, CorpusError> {
        let (first_tasks, second_tasks) = (self.tasks_of(first)?, self.tasks_of(second)?);
        for (name, tasks) in [(first, &first_tasks), (second, &second_tasks)] {
            if tasks.is_empty() {
                return Err(CorpusError::NoRun(name.to_owned()));
            }
        }
        let passed = |tasks: &Tasks| {
            tasks
                .values()
                .filter(|(outcome, _)| outcome == "pass")
                .count()
        };
        let mut comparison = Comparison {
            common: 0,
            only_first: 0,
            only_second: second_tasks
                .keys()
                .filter(|k| !first_tasks.contains_key(*k))
                .count(),
            passed: (passed(&first_tasks), passed(&second_tasks)),
            changed: Vec::new(),
        };
        for ((benchmark, task), (outcome, found)) in &first_tasks {
            let Some((other, other_found)) = second_tasks.get(&(benchmark.clone(), task.clone()))
            else {
                comparison.only_first += 1;
                continue;
            };
            comparison.common += 1;
            if outcome != other {
                comparison.changed.push(ComparedTask {
                    benchmark: benchmark.clone(),
                    task: task.clone(),
                    first: outcome.clone(),
                    second: other.clone(),
                    first_id: self.name(found)?,
                    second_id: self.name(other_found)?,
                });
            }
        }
        comparison
            .changed
            .sort_by_key(|task| task.task.parse::<u64>().unwrap_or(u64::MAX));
        Ok(comparison)
    }

    /// The names of all runs.
    pub fn runs(&self) -> Result<Vec<String>, CorpusError> {
        let everything = crate::index::query::Query::default();
        let summary = self.summarize(&everything, &["run"], &[])?;
        Ok(summary
            .facets
            .into_iter()
            .flatten()
            .map(|(run, _)| run)
            .collect())
    }

    fn name(&self, found: &Match) -> Result<String, CorpusError> {
        Ok(self
            .id_of(found.record)?
            .map(|id| id.to_string())
            .unwrap_or_default())
    }

    fn tasks_of(&self, run: &str) -> Result<Tasks, CorpusError> {
        let quoted = run.replace('\\', "\\\\").replace('"', "\\\"");
        let Ok(query) = parse(&format!("in:trajectory run:\"{quoted}\"")) else {
            return Ok(Tasks::new());
        };
        let mut rows = self.rows(&query, &["benchmark", "task_key", "outcome", "run"])?;
        // Of two records of one task the first in the source counts.
        rows.sort_by_key(|row| row.found.record);
        let mut tasks = Tasks::new();
        for Row { found, values } in rows {
            let mut values = values
                .into_iter()
                .map(|v| v.into_iter().next().unwrap_or_default());
            let [benchmark, key, outcome, name] =
                [(); 4].map(|()| values.next().unwrap_or_default());
            // Values are found without regard to case, and what has no key is no task of a benchmark.
            if name == run && !key.is_empty() {
                tasks.entry((benchmark, key)).or_insert((outcome, found));
            }
        }
        Ok(tasks)
    }
}
