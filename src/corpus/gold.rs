use crate::domain::{Benchmark, Outcome, RecordId, Role, Trajectory};
use crate::index::RecordKey;
use crate::index::query::parse;

use super::{Corpus, CorpusError};

/// A benchmark's task as the benchmark itself solves it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldRecord {
    /// Its record.
    pub id: RecordId,
    /// The gold trajectory, as it is now.
    pub trajectory: Trajectory,
    /// The tools that each of its steps calls.
    pub tools: Vec<Vec<String>>,
}

/// A run over a benchmark's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRun {
    /// Its record.
    pub id: RecordId,
    /// The run's name.
    pub run: String,
    /// What the benchmark's scorer says of it.
    pub outcome: Outcome,
}

impl Corpus {
    /// The gold record of the task that a run is about; `None` for what is no run, and where no source has the task.
    pub(super) fn gold_record(
        &self,
        trajectory: &Trajectory,
    ) -> Result<Option<GoldRecord>, CorpusError> {
        let Some((benchmark, key)) = task_of(trajectory, Role::Run) else {
            return Ok(None);
        };
        let place = self.state.sources.iter().find_map(|source| {
            let mut tasks = source.gold.iter();
            let task = tasks.find(|task| task.benchmark == benchmark && task.key == key)?;
            Some(RecordKey {
                source: source.ordinal,
                row: task.row,
            })
        });
        let Some(place) = place else {
            return Ok(None);
        };
        let record = self.record(place)?;
        let current = self.current(&record);
        let tools = self.findings(&record, &current, &self.gold())?.tools;
        Ok(current.content.trajectory.map(|trajectory| GoldRecord {
            id: record.id,
            trajectory,
            tools,
        }))
    }

    /// The runs over a gold task, in the order of the sources; none for what is no gold task.
    pub(super) fn runs_of_task(&self, gold: &Trajectory) -> Result<Vec<TaskRun>, CorpusError> {
        let Some((benchmark, key)) = task_of(gold, Role::Gold) else {
            return Ok(Vec::new());
        };
        let Ok(query) = parse(&format!(
            "in:trajectory role:run benchmark:{}",
            benchmark.name()
        )) else {
            return Ok(Vec::new());
        };
        let mut rows = self.rows(&query, &["task_key", "outcome", "run"])?;
        rows.sort_by_key(|row| row.found.record);
        let mut runs = Vec::new();
        for row in rows {
            let mut values = row.values.into_iter().map(|v| v.into_iter().next());
            let [task, outcome, run] =
                [(); 3].map(|()| values.next().flatten().unwrap_or_default());
            if task != key {
                continue;
            }
            if let Some(id) = self.id_of(row.found.record)? {
                let known = [Outcome::Pass, Outcome::Fail];
                let outcome = known.into_iter().find(|known| known.name() == outcome);
                runs.push(TaskRun {
                    id,
                    run,
                    outcome: outcome.unwrap_or(Outcome::Unknown),
                });
            }
        }
        Ok(runs)
    }
}

/// The task of a benchmark that a trajectory of this role is about.
fn task_of(trajectory: &Trajectory, role: Role) -> Option<(Benchmark, &str)> {
    let provenance = &trajectory.provenance;
    let task = provenance.benchmark.zip(provenance.task_key.as_deref());
    task.filter(|_| provenance.role == role)
}
