use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{self, Sender};
use std::thread;

use super::error::SynthError;
use super::judged_choice::JudgedChoice;
use super::step_log::{Begun, StepLog};
use crate::config::JudgeConfig;
use crate::controller::{Controller, ControllerError};
use crate::domain::{ContentHash, RecordId, ToolDefinition, Trajectory};
use crate::jobs::Progress;
use crate::judge::Panel;
use crate::report::Report;
use crate::rollout::{
    Agent, Draw, End, Environment, Pictures, Rollout, RolloutError, RolloutOptions, RunFile,
};

/// A task by name, as the run file keeps it, with the content that its run grows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskName {
    /// The key of its run.
    pub key: String,
    /// The content hash of the record that it comes from; a run of another content is made anew.
    pub origin: Option<ContentHash>,
}

/// A task, ready to be run.
pub struct Prepared {
    /// System prompt, tools and task, without steps.
    pub trajectory: Trajectory,
    /// Where its steps are executed.
    pub environment: Environment,
    /// Where its pictures are.
    pub pictures: Pictures,
    /// Limits and sampling.
    pub options: RolloutOptions,
    /// The tools that may be called, for judges.
    pub tools: Vec<ToolDefinition>,
}

/// Who works on tasks, one for each thread.
pub struct Crew {
    /// What proposes steps.
    pub controller: Box<dyn Controller>,
    /// What judges them.
    pub panel: Panel,
}

/// Makes a task ready; threads share it.
type Prepare<'a> = &'a (dyn Fn(&TaskName) -> Result<Prepared, Report> + Sync);

/// Makes a crew; threads share it.
type MakeCrew<'a> = &'a (dyn Fn(&Progress) -> Result<Crew, Report> + Sync);

/// Explores tasks: each step has several candidates, the best becomes history, the others make pairs with it.
pub struct Exploration<'a> {
    /// Where runs go that are at their end.
    pub file: &'a RunFile,
    /// Where steps go of those that are not.
    pub log: &'a StepLog,
    /// What pairs take.
    pub judging: &'a JudgeConfig,
    /// Makes a task ready.
    pub prepare: Prepare<'a>,
    /// Makes a crew.
    pub crew: MakeCrew<'a>,
    /// Tasks at a time.
    pub threads: usize,
}

/// What became of a task.
#[derive(Debug)]
pub struct Explored {
    /// Its key.
    pub key: String,
    /// Its run, or why there is none.
    pub outcome: Result<RunSummary, Report>,
}

/// A run in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Its record.
    pub record: RecordId,
    /// Steps.
    pub steps: usize,
    /// Candidates of them all.
    pub candidates: usize,
    /// Pairs.
    pub pairs: usize,
    /// Why it ended.
    pub end: End,
}

/// Why a thread does not go on.
enum Stop {
    /// This task alone has no run.
    Task(Report),
    /// None would have one.
    All(SynthError),
}

impl From<RolloutError> for Stop {
    fn from(error: RolloutError) -> Self {
        match error {
            RolloutError::Cancelled => Self::All(SynthError::Cancelled),
            RolloutError::Controller(ControllerError::Refused { status, .. })
                if REFUSED_PROMPT.contains(&status) =>
            {
                Self::Task(error.into())
            }
            // A model that does not answer, a sandbox that does not start and a disk that is full stop every task.
            error @ (RolloutError::Controller(_)
            | RolloutError::Choice(_)
            | RolloutError::Sandbox(_)
            | RolloutError::File { .. }) => Self::All(SynthError::Rollout(error)),
            error => Self::Task(error.into()),
        }
    }
}

/// Statuses of HTTP with which a server refuses one prompt: it is too long, or holds what the model does not take.
const REFUSED_PROMPT: [u16; 3] = [400, 413, 422];

impl From<SynthError> for Stop {
    fn from(error: SynthError) -> Self {
        Self::All(error)
    }
}

impl<'a> Exploration<'a> {
    /// Works on all tasks that have no run yet, taking up those that were begun. `give` is given what became of each, as they end.
    ///
    /// A task that has no run of its own fault is left out and told; what would stop every task stops it.
    pub fn explore(
        &self,
        tasks: &'a [TaskName],
        mut begun: HashMap<String, Begun>,
        progress: &Progress,
        mut give: impl FnMut(Explored),
    ) -> Result<(), SynthError> {
        let done = self.file.keys()?;
        let is_done = |task: &&TaskName| {
            let origin = task.origin.map(|hash| hash.to_string());
            done.contains(&(task.key.clone(), origin))
        };
        let (done, tasks): (Vec<&'a TaskName>, Vec<&'a TaskName>) = tasks.iter().partition(is_done);
        for task in done {
            begun.remove(&task.key);
        }
        progress.add_total(tasks.len() as u64);
        let waiting = Mutex::new(tasks.into_iter());
        let begun = Mutex::new(begun);
        let (told, explored) = mpsc::channel();
        // One that fails for all stops the others.
        let whole = progress.part();
        let failed = Mutex::new(None);
        let mut some_failed = false;
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                let (told, whole, waiting, begun, failed) =
                    (told.clone(), &whole, &waiting, &begun, &failed);
                scope.spawn(move || {
                    if let Err(error) = self.work(waiting, begun, whole, &told) {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        // That the others were cancelled is not why.
                        if failed.is_none() {
                            *failed = Some(error);
                        }
                        whole.cancel();
                    }
                });
            }
            drop(told);
            for explored in explored {
                progress.advance(1);
                some_failed |= explored.outcome.is_err();
                give(explored);
            }
        });
        progress.check()?;
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        // Runs of other tasks may have been begun, and those that have no run this time may have one next time.
        let begun = begun.into_inner().unwrap_or_else(PoisonError::into_inner);
        match begun.is_empty() && !some_failed {
            true => self.log.finish(),
            false => Ok(()),
        }
    }

    fn work(
        &self,
        waiting: &Mutex<impl Iterator<Item = &'a TaskName>>,
        begun: &Mutex<HashMap<String, Begun>>,
        progress: &Progress,
        told: &Sender<Explored>,
    ) -> Result<(), SynthError> {
        let mut crew: Option<Crew> = None;
        loop {
            progress.check()?;
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next();
            let Some(task) = next else {
                return Ok(());
            };
            let known = begun
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&task.key);
            let made = match crew.take() {
                Some(crew) => Ok(crew),
                None => (self.crew)(progress),
            };
            let crew = crew.insert(made.map_err(SynthError::Crew)?);
            let outcome = match self.run(task, known, crew, progress) {
                Ok(summary) => Ok(summary),
                Err(Stop::Task(report)) => Err(report),
                Err(Stop::All(error)) => return Err(error),
            };
            let explored = Explored {
                key: task.key.clone(),
                outcome,
            };
            // Whoever listens outlives the threads.
            let _ = told.send(explored);
        }
    }

    fn run(
        &self,
        task: &TaskName,
        begun: Option<Begun>,
        crew: &mut Crew,
        progress: &Progress,
    ) -> Result<RunSummary, Stop> {
        let prepared = (self.prepare)(task).map_err(Stop::Task)?;
        let mut rollout = Rollout::new(prepared.trajectory.clone());
        if let Some(begun) = begun {
            rollout = begun.resume(task.origin, rollout);
        }
        let draw = &prepared.options.draw;
        let options = RolloutOptions {
            draw: Draw {
                seed: task_seed(draw.seed, &task.key),
                ..draw.clone()
            },
            ..prepared.options.clone()
        };
        let mut choice = JudgedChoice {
            panel: &mut crew.panel,
            settings: self.judging,
            tools: &prepared.tools,
            environment: &prepared.environment,
            pictures: &prepared.pictures,
            options: &options,
            reference: prepared.trajectory.reference_answer.as_ref(),
            benchmark: prepared.trajectory.provenance.benchmark,
            seed: options.draw.seed,
        };
        let mut agent = Agent {
            controller: crew.controller.as_mut(),
            environment: &prepared.environment,
            pictures: &prepared.pictures,
            options: &options,
            choose: &mut choice,
            stops: None,
            progress,
            tell: &mut |_| {},
        };
        while rollout.end.is_none() {
            let (steps, pairs) = (rollout.trajectory.steps.len(), rollout.pairs.len());
            agent.advance(&mut rollout)?;
            let new = rollout.pairs.get(pairs..).unwrap_or_default();
            self.log
                .write(&task.key, task.origin, &rollout, steps, new)?;
        }
        let end = rollout.end.clone().unwrap_or(End::Answered);
        let mut trajectory = rollout.trajectory;
        trajectory.provenance.failure = end.failure();
        let record = self.file.append(&task.key, &trajectory, &rollout.pairs)?;
        Ok(RunSummary {
            record,
            steps: trajectory.steps.len(),
            candidates: trajectory
                .steps
                .iter()
                .map(|step| step.candidates.len())
                .sum(),
            pairs: rollout.pairs.len(),
            end,
        })
    }
}

/// The seed of a task, whatever other tasks there are.
fn task_seed(seed: u64, key: &str) -> u64 {
    let hash = blake3::hash(key.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    seed.wrapping_add(u64::from_be_bytes(first))
}
