use super::{
    Case, Judge, JudgeError, JudgeName, JudgeNames, ModelJudge, OutcomeJudge, Ranking, RuleJudge,
};
use crate::config::JudgeConfig;
use crate::controller::Controller;
use crate::jobs::Progress;
use crate::prompts::Prompts;

/// The judges of one text, in the order in which they decide.
pub struct Panel {
    judges: Vec<Box<dyn Judge>>,
}

impl Panel {
    /// These judges.
    pub fn new(judges: Vec<Box<dyn Judge>>) -> Self {
        Self { judges }
    }

    /// The rules alone.
    pub fn rules() -> Self {
        Self::new(vec![Box::new(RuleJudge)])
    }

    /// The judges that a text names; `connect` makes the controller of a model's name.
    pub fn of<E>(
        names: &JudgeNames,
        settings: &JudgeConfig,
        prompts: &Prompts,
        mut connect: impl FnMut(&str) -> Result<Box<dyn Controller>, E>,
    ) -> Result<Self, E> {
        let mut judges: Vec<Box<dyn Judge>> = Vec::new();
        for name in names.iter() {
            judges.push(match name {
                JudgeName::Rules => Box::new(RuleJudge),
                JudgeName::Model { way, model } => Box::new(ModelJudge {
                    name: name.to_string(),
                    way: *way,
                    controller: connect(model)?,
                    prompts: prompts.clone(),
                    settings: settings.clone(),
                }),
                JudgeName::Outcome { model } => Box::new(OutcomeJudge {
                    name: name.to_string(),
                    controller: connect(model)?,
                    continuations: settings.continuations,
                }),
            });
        }
        Ok(Self::new(judges))
    }

    /// Their names, as one text.
    pub fn name(&self) -> String {
        let names: Vec<String> = self.judges.iter().map(|judge| judge.name()).collect();
        names.join("+")
    }

    /// Lets each judge look at the case, and puts together what they say.
    pub fn judge(&mut self, case: &Case<'_>, progress: &Progress) -> Result<Ranking, JudgeError> {
        let mut by_judge = Vec::with_capacity(self.judges.len());
        for judge in &mut self.judges {
            progress.check()?;
            by_judge.push(judge.judge(case, progress)?);
        }
        Ok(Ranking::of(by_judge, case.candidates.len()))
    }
}
