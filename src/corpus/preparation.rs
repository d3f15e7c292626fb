//! What is done to each record on a worker thread, without knowing any other record: read, hash, check, score.

use std::collections::HashMap;

use crate::domain::{
    Benchmark, Content, ContentHash, FileLookup, Interner, Outcome, PreferencePair,
    ReferenceAnswer, Role, Trajectory, content_hash,
};
use crate::ingest::container::{FoundRecord, Location};
use crate::ingest::{Format, RecordText};
use crate::rules::{self, Flag, RuleContext, ToolLists, answer_scorer};

use super::state::{GoldTask, IndexState};

/// Reference answers by benchmark and task.
#[derive(Debug, Default)]
pub struct GoldTasks {
    tasks: HashMap<(Benchmark, String), Option<ReferenceAnswer>>,
    fingerprint: u64,
}

impl GoldTasks {
    /// Those of all sources; of two with the same key the first source's.
    pub fn of(state: &IndexState) -> Self {
        let mut tasks = HashMap::new();
        let mut hasher = blake3::Hasher::new();
        for task in state.sources.iter().flat_map(|source| &source.gold) {
            // Not the row: it may move while the answer stays.
            let answer = (task.benchmark, &task.key, &task.reference);
            hasher.update(format!("{answer:?}").as_bytes());
            tasks
                .entry((task.benchmark, task.key.clone()))
                .or_insert_with(|| task.reference.clone());
        }
        Self {
            fingerprint: first_number(&hasher.finalize()) | 1,
            tasks,
        }
    }

    /// The reference answer of a task.
    pub fn reference(&self, benchmark: Benchmark, key: &str) -> Option<&ReferenceAnswer> {
        self.tasks.get(&(benchmark, key.to_owned()))?.as_ref()
    }

    /// Differs whenever any reference answer does; never 0, which stands for what was not scored.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

/// What all records of a source share.
pub struct Workbench<'a> {
    /// Shares system prompts.
    pub interner: &'a Interner,
    /// Shares tool lists.
    pub tool_lists: &'a ToolLists,
    /// Tells missing files.
    pub files: &'a (dyn FileLookup + Sync),
    /// Scores runs.
    pub gold: &'a GoldTasks,
}

/// A record, ready to get its id.
pub struct PreparedRecord {
    /// Its number in its file.
    pub number: u64,
    /// Where it is.
    pub location: Location,
    /// Its key, where its file is an object of records.
    pub key: Option<String>,
    /// What it holds.
    pub content: Content,
    /// Its hash.
    pub hash: ContentHash,
    /// A hash of its task; 0 without one.
    pub task: u64,
    /// What it adds to the reference answers, its row still missing.
    pub gold: Option<GoldTask>,
    /// What was found in it.
    pub findings: Findings,
}

/// What tools, rules and scorers find in a record's content.
#[derive(Default)]
pub struct Findings {
    /// The tools that each step calls.
    pub tools: Vec<Vec<String>>,
    /// The tools that both candidates of each pair call.
    pub pair_tools: Vec<Vec<String>>,
    /// What the rules found.
    pub flags: Vec<Flag>,
    /// What the benchmark's scorer says, for runs.
    pub outcome: Option<Outcome>,
}

impl Findings {
    /// A hash of what its documents depend on besides itself.
    pub fn derived(&self, format: &str) -> u64 {
        let all = format!("{format}{:?}{:?}", self.flags, self.outcome);
        first_number(&blake3::hash(all.as_bytes()))
    }
}

fn first_number(hash: &blake3::Hash) -> u64 {
    ContentHash(*hash.as_bytes()).0[..8]
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Reads one record; the error is for a person.
pub fn prepare(
    found: FoundRecord,
    format: &Format,
    path: &str,
    bench: &Workbench<'_>,
) -> Result<PreparedRecord, String> {
    let (hash, content) = read(&found, format, path, bench.interner)?;
    let trajectory = content.trajectory.as_ref();
    Ok(PreparedRecord {
        number: found.number,
        location: found.location,
        key: found.key,
        hash,
        task: trajectory.map_or(0, task_hash),
        gold: trajectory.and_then(gold_task),
        findings: findings(&content, bench),
        content,
    })
}

/// Runs tools, rules and scorers over a record's content.
pub fn findings(content: &Content, bench: &Workbench<'_>) -> Findings {
    let pairs = content.pairs.iter();
    let mut findings = Findings {
        pair_tools: pairs.map(|pair| pair_tools(pair, bench)).collect(),
        ..Findings::default()
    };
    if let Some(trajectory) = &content.trajectory {
        let tools = bench.tool_lists.of(trajectory);
        let calls = rules::trajectory_calls(trajectory);
        let context = RuleContext::new(&tools, bench.files, None, &calls);
        findings.flags = rules::check(trajectory, &context);
        findings.tools = rules::tools_by_step(trajectory, &context);
        findings.outcome = outcome(trajectory, bench.gold);
    }
    findings
}

fn gold_task(trajectory: &Trajectory) -> Option<GoldTask> {
    let provenance = &trajectory.provenance;
    match (provenance.role, provenance.benchmark, &provenance.task_key) {
        (Role::Gold, Some(benchmark), Some(key)) => Some(GoldTask {
            benchmark,
            key: key.clone(),
            row: 0,
            reference: trajectory.reference_answer.clone(),
        }),
        _ => None,
    }
}

/// Hashes and reads a record's text.
pub fn read(
    found: &FoundRecord,
    format: &Format,
    path: &str,
    interner: &Interner,
) -> Result<(ContentHash, Content), String> {
    let hash = content_hash(text(found)?).map_err(|error| error.to_string())?;
    Ok((hash, read_content(found, format, path, interner)?))
}

/// Reads a record's text.
pub fn read_content(
    found: &FoundRecord,
    format: &Format,
    path: &str,
    interner: &Interner,
) -> Result<Content, String> {
    let record = RecordText {
        text: text(found)?,
        key: found.key.as_deref(),
        path,
        interner,
    };
    (format.read)(&record).map_err(|error| error.to_string())
}

fn text(found: &FoundRecord) -> Result<&str, String> {
    std::str::from_utf8(&found.bytes).map_err(|error| {
        format!(
            "not valid UTF-8 at byte {} of the record",
            error.valid_up_to()
        )
    })
}

/// What a run's benchmark says of its answer; `None` for what is no run.
pub fn outcome(trajectory: &Trajectory, gold: &GoldTasks) -> Option<Outcome> {
    let provenance = &trajectory.provenance;
    if provenance.role != Role::Run {
        return None;
    }
    let joined = provenance
        .benchmark
        .zip(provenance.task_key.as_deref())
        .and_then(|(benchmark, key)| gold.reference(benchmark, key));
    let reference = trajectory.reference_answer.as_ref().or(joined);
    Some(answer_scorer::outcome(
        provenance.benchmark,
        trajectory.answer.as_deref(),
        reference,
    ))
}

/// Two tasks are equal if they ask the same of the same files; runs and gold of one task are not compared.
fn task_hash(trajectory: &Trajectory) -> u64 {
    let task = &trajectory.task;
    if task.text.trim().is_empty() || trajectory.provenance.role == Role::Run {
        return 0;
    }
    let mut hasher = blake3::Hasher::new();
    for word in task.text.split_whitespace() {
        hasher.update(word.to_lowercase().as_bytes());
        hasher.update(b" ");
    }
    for attachment in &task.attachments {
        hasher.update(b"\0");
        hasher.update(attachment.reference.label().as_bytes());
    }
    first_number(&hasher.finalize())
}

fn pair_tools(pair: &PreferencePair, bench: &Workbench<'_>) -> Vec<String> {
    let as_step = |candidate: &crate::domain::Candidate| crate::domain::Step {
        action: candidate.action.clone(),
        ..crate::domain::Step::default()
    };
    let both = Trajectory {
        system_prompt: pair.context.system_prompt.clone(),
        tools: pair.context.tools.clone(),
        steps: vec![as_step(&pair.chosen), as_step(&pair.rejected)],
        ..Trajectory::default()
    };
    let calls = rules::trajectory_calls(&both);
    let tools = bench.tool_lists.of(&both);
    let context = RuleContext::new(&tools, bench.files, None, &calls);
    rules::tools_by_step(&both, &context).concat()
}
