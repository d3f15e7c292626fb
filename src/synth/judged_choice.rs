use std::collections::HashSet;

use crate::config::JudgeConfig;
use crate::domain::{
    Benchmark, Candidate, PreferencePair, ReferenceAnswer, ToolDefinition,
};
use crate::jobs::Progress;
use crate::judge::{Case, JudgeError, Panel, Ranking, RunOn, first_alike, preference_pairs};
use crate::rollout::{
    Choice, Choose, Environment, Offer, Pictures, RolloutError, RolloutOptions,
};

/// Lets judges choose: the best candidate becomes history, and its pairs are those of the paper's rules.
///
/// What could not be executed is neither judged nor paired, and candidates that do the same are judged once. Where judges hold several
/// equally good, the first of them becomes history and is preferred to none of the others; where they say nothing, the first that can
/// be gone on from does, without a pair.
pub struct JudgedChoice<'a> {
    /// The judges.
    pub panel: &'a mut Panel,
    /// What pairs take.
    pub settings: &'a JudgeConfig,
    /// The tools that may be called.
    pub tools: &'a [ToolDefinition],
    /// Where steps are executed, should a judge go on from candidates.
    pub environment: &'a Environment,
    /// Where pictures and files are.
    pub pictures: &'a Pictures,
    /// Limits and sampling, should a judge go on from candidates.
    pub options: &'a RolloutOptions,
    /// The answer that the data holds to be right.
    pub reference: Option<&'a ReferenceAnswer>,
    /// Whose scorer compares answers with it.
    pub benchmark: Option<Benchmark>,
    /// What settles in which order models are shown candidates.
    pub seed: u64,
}

impl Choose for JudgedChoice<'_> {
    fn choose(
        &mut self,
        offer: &mut Offer<'_>,
        progress: &Progress,
    ) -> Result<Choice, RolloutError> {
        let alike = first_alike(offer.candidates);
        let executed = |index: &usize| {
            offer
                .candidates
                .get(*index)
                .is_some_and(|candidate| candidate.unavailable().is_none())
        };
        let mut seen = HashSet::new();
        let judged: Vec<usize> = (0..offer.candidates.len())
            .filter(executed)
            .filter(|index| seen.insert(alike.get(*index).copied().unwrap_or(*index)))
            .collect();
        let Some(first) = judged.first().copied() else {
            return Ok(Choice {
                index: Some(0),
                reason: Some("no candidate could be executed".to_owned()),
                pairs: Vec::new(),
            });
        };
        let candidates: Vec<Candidate> = judged
            .iter()
            .filter_map(|index| offer.candidates.get(*index).cloned())
            .collect();
        let pictures = offer.prompt.images();
        let run_on = RunOn {
            rollout: offer.rollout,
            candidates: offer.candidates,
            executed: offer.executed,
            environment: self.environment,
            pictures: self.pictures,
            options: self.options,
        };
        let case = Case {
            context: offer.context,
            candidates: &candidates,
            tools: self.tools,
            files: &self.pictures.roots,
            pictures: &pictures,
            reference: self.reference,
            benchmark: self.benchmark,
            seed: self.seed.wrapping_add(offer.context.steps.len() as u64),
            continuation: Some(&run_on),
        };
        let ranking = self.panel.judge(&case, progress).map_err(choice_error)?;
        for (index, judgements) in judged.iter().zip(&ranking.judgements) {
            if let Some(candidate) = offer.candidates.get_mut(*index) {
                candidate.judgements.clone_from(judgements);
            }
        }
        let leaders: Vec<usize> = ranking
            .leaders()
            .iter()
            .filter_map(|place| judged.get(*place).copied())
            .collect();
        let Some(index) = leaders.first().copied() else {
            return Ok(Choice {
                index: Some(first),
                reason: Some("no judge gave a verdict: the first that was executed".to_owned()),
                pairs: Vec::new(),
            });
        };
        let reason = reason(&ranking, leaders.len());
        let pairs = self.pairs(offer, index, &leaders, &alike, reason.as_deref());
        Ok(Choice {
            index: Some(index),
            reason,
            pairs,
        })
    }
}

impl JudgedChoice<'_> {
    fn pairs(
        &self,
        offer: &Offer<'_>,
        index: usize,
        leaders: &[usize],
        alike: &[usize],
        reason: Option<&str>,
    ) -> Vec<PreferencePair> {
        let provenance = &offer.rollout.trajectory.provenance;
        let pairs = preference_pairs(
            offer.context,
            offer.candidates,
            index,
            reason,
            provenance,
            self.settings,
        );
        let first = |index: usize| alike.get(index).copied().unwrap_or(index);
        let as_good: HashSet<usize> = leaders.iter().map(|leader| first(*leader)).collect();
        let is_rejectable = |(index, candidate): (usize, &Candidate)| {
            candidate.unavailable().is_none() && !as_good.contains(&first(index))
        };
        let step = offer.context.steps.len() + 1;
        let rejectable: HashSet<String> = offer
            .candidates
            .iter()
            .enumerate()
            .filter(|candidate| is_rejectable(*candidate))
            .map(|(index, _)| format!("{step}.{}", index + 1))
            .collect();
        let keeps = |pair: &PreferencePair| {
            pair.part
                .as_ref()
                .is_some_and(|part| rejectable.contains(part))
        };
        pairs.into_iter().filter(keeps).collect()
    }
}

fn reason(ranking: &Ranking, leaders: usize) -> Option<String> {
    let best = ranking.order().first().copied()?;
    let said = ranking.reason_for(best);
    match leaders {
        1 => said,
        several => Some(match said {
            Some(said) => format!("the first of {several} that are equally good: {said}"),
            None => format!("the first of {several} that are equally good"),
        }),
    }
}

fn choice_error(error: JudgeError) -> RolloutError {
    match error {
        JudgeError::Cancelled(_) => RolloutError::Cancelled,
        error => RolloutError::Choice(Box::new(error.into())),
    }
}
