use super::RerunArgs;
use crate::cli::live_tools::live_tools;
use crate::cli::output::Output;
use crate::cli::serve::limits;
use crate::cli::session::Session;
use crate::jobs::{Progress, Slots};
use crate::judge::Panel;
use crate::report::Report;
use crate::rerun::RerunBench;
use crate::rollout::MissingPictures;
use crate::sandbox::{Limits, Pool, WorkerCommand};
use crate::serve::WantedModel;
use crate::workspace::Workspace;

/// Where steps of this call are executed.
pub(super) fn bench(
    args: &RerunArgs,
    session: &Session,
    workspace: &Workspace,
    output: &Output,
) -> Result<RerunBench, Report> {
    let slots = Slots::default();
    let command = WorkerCommand::own().map_err(|error| Report::from_error(&error))?;
    let pool = Pool::new(command, Limits::default(), slots.total(), Progress::default());
    pool.warm();
    let missing = match args.skip_pictures {
        true => MissingPictures::LeaveOut,
        false => MissingPictures::Refuse,
    };
    let live = match args.live {
        true => {
            let connector = args.controller.connector(session, Some(workspace))?;
            Some(live_tools(workspace, &connector, &args.controller.wanted(), output)?)
        }
        false => None,
    };
    Ok(RerunBench {
        pool,
        slots,
        live,
        prompts: session.prompts(workspace),
        limits: limits(&session.config.pictures),
        missing,
        rollout: args.sampling.over(&session.config.rollout),
        judge: session.config.judge.clone(),
    })
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
