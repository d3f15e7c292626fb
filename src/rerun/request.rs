use std::sync::Arc;

use super::context_edit::{StepEdit, edited, observed};
use super::{RerunError, StepRerun};
use crate::config::RolloutConfig;
use crate::corpus::Corpus;
use crate::corpus::decision::Subject;
use crate::domain::review::{EditedStep, GivenResult, Staleness};
use crate::domain::{
    Benchmark, ContentHash, Context, RecordId, ReferenceAnswer, ToolDefinition, Trajectory,
};
use crate::media::PictureRoots;
use crate::rollout::{Draw, PromptForm};
use crate::rules::ToolLists;

/// What is run again: a step of a trajectory, and how its candidates are drawn.
#[derive(Debug, Clone)]
pub struct RerunRequest {
    /// The trajectory.
    pub record: RecordId,
    /// The content hash of its source record.
    pub hash: ContentHash,
    /// The trajectory as its source has it: what its own calls returned.
    pub source: Trajectory,
    /// The trajectory as it is shown, [`Self::edits`] included.
    pub trajectory: Trajectory,
    /// What is changed for this re-run and is not in the journal.
    pub edits: Vec<StepEdit>,
    /// What people said that its calls returned.
    pub results: Vec<GivenResult>,
    /// Which steps still hold.
    pub steps: Vec<EditedStep>,
    /// The step, from 0.
    pub step: usize,
    /// Where its files are.
    pub roots: PictureRoots,
    /// The tools that it may call.
    pub tools: Arc<[ToolDefinition]>,
    /// How many candidates, and how they are drawn.
    pub draw: Draw,
    /// The answer that is right, as the record or its benchmark says.
    pub reference: Option<ReferenceAnswer>,
    /// Whose scorer compares answers with it.
    pub benchmark: Option<Benchmark>,
}

impl RerunRequest {
    /// A step of a trajectory by its number as it is shown, from 1; `count` new candidates, drawn as the settings say.
    pub fn of(
        corpus: &Corpus,
        subject: &Subject,
        step: usize,
        count: usize,
        seed: u64,
        config: &RolloutConfig,
    ) -> Result<Self, RerunError> {
        let id = || subject.id().to_string();
        let none = || RerunError::NoTrajectory(id());
        let source = subject.record.content.trajectory.clone().ok_or_else(none)?;
        let shown = subject.current.content.trajectory.clone();
        let trajectory = shown.filter(|_| !subject.is_pair()).ok_or_else(none)?;
        let steps = trajectory.steps.len();
        let index = step.checked_sub(1).filter(|index| *index < steps);
        let index = index.ok_or_else(|| RerunError::NoStep {
            id: id(),
            step,
            count: steps,
        })?;
        let provenance = &trajectory.provenance;
        let benchmark = provenance.benchmark;
        let joined = benchmark.zip(provenance.task_key.as_deref());
        let gold = corpus.gold();
        let joined = joined.and_then(|(benchmark, key)| gold.reference(benchmark, key));
        let reference = trajectory.reference_answer.as_ref().or(joined).cloned();
        let form = PromptForm::of(&Context::before(&trajectory, index));
        Ok(Self {
            record: subject.record.id.clone(),
            hash: subject.record.hash,
            tools: ToolLists::default().of(&trajectory),
            roots: corpus.roots(&subject.record.id),
            draw: Draw::of_config(config, form, count, seed),
            source,
            trajectory,
            edits: Vec::new(),
            results: subject.current.review.tool_results.clone(),
            steps: subject.current.steps.clone(),
            step: index,
            reference,
            benchmark,
        })
    }

    /// Changes texts before the step, for this re-run; they get into the journal with the pair that is made of it.
    pub fn edit(&mut self, edits: Vec<StepEdit>) -> Result<(), RerunError> {
        if edits
            .iter()
            .any(|edit| edit.step.is_some_and(|step| step >= self.step))
        {
            let what = "only what comes before the step can be changed for it";
            return Err(RerunError::Edited(what.to_owned()));
        }
        let (trajectory, steps) = edited(&self.trajectory, &edits)?;
        self.trajectory = trajectory;
        for (index, (known, new)) in self.steps.iter_mut().zip(steps).enumerate() {
            // Whoever writes an observation says that it follows.
            known.stale = match observed(&edits).any(|step| step == index) {
                true => None,
                false => known.stale.max(new.stale),
            };
            known.is_edited |= new.is_edited;
        }
        self.edits.extend(edits);
        Ok(())
    }

    /// Whether the step's observation no longer follows from what comes before it.
    pub fn is_stale(&self) -> bool {
        self.steps
            .get(self.step)
            .is_some_and(|step| step.stale.is_some())
    }

    /// Earlier steps of which something no longer follows, in words.
    pub(super) fn stale_notes(&self) -> Vec<String> {
        let before = self.steps.iter().take(self.step).enumerate();
        let stale = before.filter_map(|(index, step)| Some((index + 1, step.stale?)));
        stale
            .map(|(number, stale)| match stale {
                Staleness::Observation => format!(
                    "the observation of step {number} is from before an edit, and the controller is shown it: run step {number} again first"
                ),
                Staleness::Step => format!(
                    "step {number} is from before an edit, and the controller is shown it: run step {number} again first"
                ),
            })
            .collect()
    }

    /// What the controller is shown.
    pub fn context(&self) -> Context {
        Context::before(&self.trajectory, self.step)
    }

    /// An error if a re-run was made for something else.
    pub(super) fn expect(&self, rerun: &StepRerun) -> Result<(), RerunError> {
        let same = self.hash == rerun.hash
            && self.step == rerun.step
            && self.context().hash()? == rerun.context.hash()?;
        match same {
            true => Ok(()),
            false => Err(RerunError::OtherContext {
                id: self.record.to_string(),
                step: self.step + 1,
            }),
        }
    }
}
