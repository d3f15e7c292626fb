use std::sync::Arc;

use super::RerunArgs;
use crate::cli::output::Output;
use crate::cli::replay::live_tools;
use crate::cli::session::Session;
use crate::jobs::{Progress, Slots};
use crate::judge::Panel;
use crate::media::DecodeLimits;
use crate::report::Report;
use crate::rerun::RerunBench;
use crate::rollout::MissingPictures;
use crate::sandbox::{Limits, Pool, WorkerCommand};
use crate::serve::WantedModel;
use crate::tools::{LiveTools, ModelAccess};
use crate::workspace::Workspace;

/// Where steps of this call are executed.
pub(super) fn bench(
    args: &RerunArgs,
    session: &Session,
    workspace: &Workspace,
    output: &Output,
) -> Result<RerunBench, Report> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let command = WorkerCommand::own().map_err(|error| Report::from_error(&error))?;
    let pool = Pool::new(command, Limits::default(), cores, Progress::default());
    pool.warm();
    let pictures = &session.config.pictures;
    let missing = match args.controller.drop_images {
        true => MissingPictures::LeaveOut,
        false => MissingPictures::Refuse,
    };
    Ok(RerunBench {
        pool,
        slots: Slots::new(cores),
        live: args.live.then(|| live(args, session, workspace, output)).transpose()?,
        prompts: session.prompts(Some(workspace)),
        limits: DecodeLimits {
            max_bytes: pictures.max_file_mb.saturating_mul(1 << 20),
            max_pixels: pictures.max_megapixels.saturating_mul(1_000_000),
            ..DecodeLimits::default()
        },
        missing,
        rollout: session.config.rollout.clone(),
        judge: session.config.judge.clone(),
    })
}

/// The workspace's live tools; questions about pictures go to the controller itself.
fn live(
    args: &RerunArgs,
    session: &Session,
    workspace: &Workspace,
    output: &Output,
) -> Result<LiveTools, Report> {
    let mut live = live_tools(workspace, output)?;
    let connector = args.controller.connector(session, Some(workspace))?;
    let wanted = args.controller.wanted();
    let name = wanted.model.clone().unwrap_or_else(|| "controller".to_owned());
    let make = move || {
        let connected = connector.connect(&wanted, &Progress::default());
        connected.map_err(|error| Report::from(error).message)
    };
    live.model = Some(ModelAccess {
        name,
        make: Arc::new(make),
        progress: Progress::default(),
    });
    Ok(live)
}

/// The judges of this call.
pub(super) fn panel(
    args: &RerunArgs,
    session: &Session,
    workspace: &Workspace,
    bench: &RerunBench,
) -> Result<Panel, Report> {
    let connector = args.controller.connector(session, Some(workspace))?;
    let connect = |name: &str| {
        let wanted = WantedModel {
            model: Some(name.to_owned()),
            ..args.controller.wanted()
        };
        connector.connect(&wanted, &Progress::default()).map_err(Report::from)
    };
    Panel::of(&args.judge, &bench.judge, &bench.prompts, connect)
}
