use serde_json::json;

use super::choice::{Choice, Choose, Offer};
use super::error::RolloutError;
use super::execution::{Environment, execute_all};
use super::loaded_prompt::{LoadedPrompt, Pictures};
use super::options::{Batch, RolloutOptions, batches};
use super::prompt::{Message, prompt};
use super::proposal::{ProposalDelta, propose};
use super::run::{End, Rollout};
use super::stops::Stops;
use crate::controller::Controller;
use crate::domain::{Candidate, Sampling};
use crate::jobs::Progress;
use crate::prompts::Template;

const LIMIT_SYSTEM: Template = Template {
    name: "answer-at-limit-system",
    text: include_str!("../../assets/prompts/answer-at-limit-system.txt"),
};

const LIMIT_QUESTION: Template = Template {
    name: "answer-at-limit",
    text: include_str!("../../assets/prompts/answer-at-limit.txt"),
};

/// Everything that makes a run go on, beside the run itself.
pub struct Agent<'a> {
    /// What proposes steps.
    pub controller: &'a mut dyn Controller,
    /// Where they are executed.
    pub environment: &'a Environment,
    /// Where pictures are.
    pub pictures: &'a Pictures,
    /// Limits, and how candidates are drawn.
    pub options: &'a RolloutOptions,
    /// Who chooses among the candidates of a step.
    pub choose: &'a mut dyn Choose,
    /// Gives single candidates up.
    pub stops: Option<&'a Stops>,
    /// Whether it is to stop.
    pub progress: &'a Progress,
    /// Told what happens.
    pub tell: &'a mut dyn FnMut(RolloutEvent<'_>),
}

/// What happens in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RolloutEvent<'a> {
    /// A step is begun.
    Began {
        /// The step, from 0.
        step: usize,
    },
    /// A piece of a candidate came.
    Text(ProposalDelta),
    /// A candidate is there.
    Proposed {
        /// Its number among those of the step.
        number: usize,
        /// It.
        candidate: &'a Candidate,
    },
    /// A candidate was executed.
    Executed {
        /// Its number among those that are there.
        number: usize,
        /// It, with its observation.
        candidate: &'a Candidate,
    },
    /// A candidate became the step.
    Chosen {
        /// The step, from 0.
        step: usize,
        /// Its number.
        index: usize,
    },
}

impl Agent<'_> {
    /// Goes on to the end; `after` is called after each step.
    pub fn run(
        &mut self,
        rollout: &mut Rollout,
        after: &mut dyn FnMut(&Rollout) -> Result<(), RolloutError>,
    ) -> Result<(), RolloutError> {
        while rollout.end.is_none() {
            self.advance(rollout)?;
            after(rollout)?;
        }
        Ok(())
    }

    /// One step. A run that has had all its steps is ended in the place of one.
    pub fn advance(&mut self, rollout: &mut Rollout) -> Result<(), RolloutError> {
        self.progress.check()?;
        if rollout.end.is_some() {
            return Ok(());
        }
        let step = rollout.trajectory.steps.len();
        if rollout.failures >= self.options.error_tolerance.max(1) {
            rollout.end = Some(End::Errors);
            return Ok(());
        }
        if step >= self.options.max_steps {
            rollout.trajectory.answer = self.answer_at_limit(rollout)?;
            rollout.end = Some(End::StepLimit);
            return Ok(());
        }
        (self.tell)(RolloutEvent::Began { step });
        let context = rollout.context();
        let loaded = prompt(&context)?.load(self.pictures)?;
        let batches = batches(&self.options.draw, step, self.controller.draws_each());
        let mut candidates = self.candidates(&loaded, &batches)?;
        if candidates.is_empty() {
            let reason = "the controller gave no candidate for the next step".to_owned();
            rollout.end = Some(End::NoChoice(reason));
            return Ok(());
        }
        let tell = &mut *self.tell;
        let executed = execute_all(
            self.environment,
            rollout.state.as_ref(),
            step,
            &mut candidates,
            self.progress,
            &mut |number, candidate| tell(RolloutEvent::Executed { number, candidate }),
        )?;
        let mut offer = Offer {
            context: &context,
            prompt: &loaded,
            candidates: &mut candidates,
            executed: &executed,
            rollout,
        };
        let Choice {
            index,
            reason,
            pairs,
        } = self.choose.choose(&mut offer, self.progress)?;
        let chosen = index.and_then(|index| Some((index, executed.get(index)?)));
        let Some((index, executed)) = chosen else {
            let nobody = "nobody chose a candidate for the next step".to_owned();
            rollout.end = Some(End::NoChoice(reason.unwrap_or(nobody)));
            return Ok(());
        };
        rollout.pairs.extend(pairs);
        rollout.push(candidates, index, reason, executed);
        (self.tell)(RolloutEvent::Chosen { step, index });
        if rollout.end.is_none() && rollout.failures >= self.options.error_tolerance.max(1) {
            rollout.end = Some(End::Errors);
        }
        Ok(())
    }

    fn candidates(
        &mut self,
        loaded: &LoadedPrompt,
        batches: &[Batch],
    ) -> Result<Vec<Candidate>, RolloutError> {
        let tell = &mut *self.tell;
        let proposals = propose(
            self.controller,
            loaded,
            batches,
            self.stops,
            self.progress,
            &mut |delta| {
                if delta.reading.is_none() {
                    tell(RolloutEvent::Text(delta));
                }
            },
        )?;
        let candidates = proposals.into_iter().map(|proposal| {
            (self.tell)(RolloutEvent::Proposed {
                number: proposal.number,
                candidate: &proposal.candidate,
            });
            proposal.candidate
        });
        Ok(candidates.collect())
    }

    /// What the controller says to be the answer of a run that has none, as the reference asks it; nothing if it says nothing.
    fn answer_at_limit(&mut self, rollout: &Rollout) -> Result<Option<String>, RolloutError> {
        let prompts = &self.environment.prompts;
        let mut asked = prompt(&rollout.context())?;
        if asked
            .messages
            .first()
            .is_some_and(|message| message.role == "system")
        {
            asked.messages.remove(0);
        }
        let system = prompts.render(&LIMIT_SYSTEM, json!({}))?.text;
        asked.messages.insert(0, Message::of_text("system", system));
        let task = &rollout.trajectory.task.text;
        let question = prompts.render(&LIMIT_QUESTION, json!({"task": task}))?.text;
        asked.messages.push(Message::of_text("user", question));
        asked.tools.clear();
        let draw = &self.options.draw;
        let batch = Batch {
            count: 1,
            sampling: Sampling {
                stop: Vec::new(),
                ..draw.first.clone()
            },
            temperatures: Vec::new(),
            seed: draw.step_seed(rollout.trajectory.steps.len()),
        };
        let loaded = asked.load(self.pictures)?;
        let proposals = propose(
            self.controller,
            &loaded,
            &[batch],
            None,
            self.progress,
            &mut |_| {},
        )?;
        let said = proposals
            .into_iter()
            .next()
            .and_then(|proposal| proposal.candidate.reply);
        let said = said.map(|text| text.trim().to_owned());
        Ok(said.filter(|text| !text.is_empty()))
    }
}
