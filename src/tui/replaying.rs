//! Steps of a trajectory run again, for the replay view.

use crate::domain::TargetId;
use crate::jobs::Progress;
use crate::replay::{ReplayOptions, TrajectoryReplay, replay};
use crate::report::Report;
use crate::rules::ToolLists;
use crate::tools::told;

use super::backend::{Backend, corpus_report};

/// Characters of a variable's value that are shown.
const VARIABLE: usize = 400;

impl Backend {
    /// Runs the steps of a trajectory again, as it is now.
    pub(super) fn run_again(
        &self,
        id: &TargetId,
        progress: &Progress,
    ) -> Result<TrajectoryReplay, Report> {
        let corpus = self.corpus()?;
        let inspection = corpus.inspect(id).map_err(|error| corpus_report(&error))?;
        let current = inspection.current;
        let place_of = |key| current.steps.iter().position(|step| step.key == key);
        let told = told(&current.review.tool_results, place_of);
        let trajectory = current.content.trajectory;
        let trajectory = trajectory.ok_or_else(|| Report::failure("it has no steps to run"))?;
        let tools = ToolLists::default().of(&trajectory);
        let tools: Vec<String> = tools.iter().map(|tool| tool.name.clone()).collect();
        let options = ReplayOptions {
            live: told,
            progress: progress.clone(),
            variables: Some(VARIABLE),
            ..ReplayOptions::default()
        };
        let pool = self.pool(progress.clone())?;
        let replayed = replay(&pool, &trajectory, &tools, &options);
        replayed.map_err(|error| Report::from_error(&error))
    }
}
