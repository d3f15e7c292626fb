use crate::config::{JudgeConfig, RolloutConfig};
use crate::jobs::{Progress, Slots};
use crate::media::DecodeLimits;
use crate::prompts::Prompts;
use crate::rollout::{Environment, MissingPictures, Pictures};
use crate::sandbox::Pool;
use crate::tools::{LiveTools, told};

use super::{RerunError, RerunRequest};

/// Where steps are run again; made once, shared by many re-runs.
#[derive(Clone)]
pub struct RerunBench {
    /// Workers of the sandbox.
    pub pool: Pool,
    /// How many candidates are executed at the same time.
    pub slots: Slots,
    /// What answers calls that the trajectory's own recording does not; `None`: nothing.
    pub live: Option<LiveTools>,
    /// Where prompts come from.
    pub prompts: Prompts,
    /// The largest pictures that are read.
    pub limits: DecodeLimits,
    /// What is done about pictures that can't be shown.
    pub missing: MissingPictures,
    /// Limits of runs, and how candidates are drawn.
    pub rollout: RolloutConfig,
    /// How candidates are judged and pairs made.
    pub judge: JudgeConfig,
}

impl RerunBench {
    /// Where the candidates of a request are executed: calls are answered by what the source recorded, then by what people said, then by
    /// live tools.
    pub(super) fn environment(
        &self,
        request: &RerunRequest,
        progress: &Progress,
    ) -> Result<Environment, RerunError> {
        // Whoever cancels the re-run waits for no answer of a model.
        let live = self.live.clone().map(|live| {
            let live = live.of_job(progress);
            live.providers(request.roots.clone(), &self.pool, &request.tools)
        });
        let (pool, slots) = (self.pool.clone(), self.slots.clone());
        let environment = Environment::new(pool, self.prompts.clone(), slots, progress);
        // Not what people changed: an edited call did not return what the one before it did.
        let place_of = |key| request.steps.iter().position(|step| step.key == key);
        let mut answering = told(&request.results, place_of);
        answering.extend(live.unwrap_or_default());
        Ok(environment.recorded(&request.source, &request.tools, answering)?)
    }

    pub(super) fn pictures(&self, request: &RerunRequest) -> Pictures {
        Pictures {
            roots: request.roots.clone(),
            limits: self.limits,
            missing: self.missing,
        }
    }
}
