use crate::domain::{Outcome, Record, ReferenceAnswer, TargetId};
use crate::rules::Flag;

use super::{Corpus, CorpusError, Current, GoldRecord, TaskRun};

/// A record as it is now, with what is found in it: all that a view of it shows.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The record as its source has it.
    pub record: Record,
    /// The record as it is now.
    pub current: Current,
    /// What the rules find in the record as it is now.
    pub flags: Vec<Flag>,
    /// The tools that each step calls.
    pub tools: Vec<Vec<String>>,
    /// What the benchmark's scorer says of a run.
    pub outcome: Option<Outcome>,
    /// The answer that is right, as the record or its benchmark says.
    pub reference: Option<ReferenceAnswer>,
    /// Of a benchmark's run: the gold record of its task, if a source has it and it can be read.
    pub gold: Option<Box<GoldRecord>>,
    /// Of a benchmark's gold task: the runs over it.
    pub runs: Vec<TaskRun>,
}

impl Corpus {
    /// Reads a record and looks into it.
    pub fn inspect(&self, id: &TargetId) -> Result<Inspection, CorpusError> {
        let record = self.find(id)?;
        let current = self.current(&record);
        let gold = self.gold();
        let findings = self.findings(&record, &current, &gold)?;
        let reference = current.content.trajectory.as_ref().and_then(|trajectory| {
            let provenance = &trajectory.provenance;
            let joined = provenance.benchmark.zip(provenance.task_key.as_deref());
            let joined = joined.and_then(|(benchmark, key)| gold.reference(benchmark, key));
            trajectory.reference_answer.as_ref().or(joined).cloned()
        });
        let trajectory = current.content.trajectory.as_ref();
        // A gold record out of reach is no reason not to show the run.
        let gold = trajectory.and_then(|run| self.gold_record(run).ok().flatten());
        let runs = match trajectory {
            Some(task) => self.runs_of_task(task)?,
            None => Vec::new(),
        };
        Ok(Inspection {
            record,
            current,
            flags: findings.flags,
            tools: findings.tools,
            outcome: findings.outcome,
            reference,
            gold: gold.map(Box::new),
            runs,
        })
    }
}
