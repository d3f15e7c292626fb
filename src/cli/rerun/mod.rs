//! `retake rerun`: new candidates for a recorded step; one file for the bench, the stream, the page, and what is picked.

mod arguments;
mod bench;
mod json;
mod page;
mod pick;
mod queue;
mod stream;

use std::sync::mpsc;

use crate::controller::Controller;
use crate::corpus::decision::Subject;
use crate::jobs::Progress;
use crate::judge::Panel;
use crate::report::Report;
use crate::rerun::{
    KeptReruns, RerunBench, RerunControl, RerunError, RerunRequest, StepRerun, context_text,
    edits_of, rerun,
};
use crate::rollout::Draw;
use crate::workspace::Workspace;

use super::Ended;
use super::annotation::Annotation;
use super::output::Output;
use super::session::{Session, interruptible};
pub use arguments::RerunArgs;
use arguments::RerunFormat;
use stream::Stream;

pub(super) fn run(args: &RerunArgs, session: &Session, output: &mut Output) -> Ended {
    args.check()?;
    session.refuse_demo()?;
    if args.query.is_some() {
        return queue::run(args, session, output);
    }
    let id = args.id.as_deref().ok_or_else(|| Report::usage("an ID or --query is needed"))?;
    let step = args.step.ok_or_else(|| Report::usage("--step says which step is run again"))?;
    let mut annotation = Annotation::open(session, output)?;
    let workspace = session.workspace()?;
    let subject = Subject::named(annotation.corpus(), id)?;
    let mut request = request(args, &annotation, &subject, step as usize, session)?;
    let kept = KeptReruns::of(&workspace);
    let done = match args.last {
        true => last(&kept, &mut request)?,
        false => {
            if args.edit_context {
                edit_context(&mut request)?;
            }
            let mut call = Call::new(args, session, &workspace, output)?;
            let done = call.rerun(&request, args, output)?;
            // Picking in another call is a convenience.
            if let Err(error) = kept.keep(&done) {
                output.note(format!("warning: --last will not find it: {}", Report::from(error).message));
            }
            done
        }
    };
    match args.format {
        RerunFormat::Json => json::print(&done, output)?,
        RerunFormat::Text => page::print(&done, output)?,
    }
    pick::run(args, session, &workspace, &mut annotation, &subject, &request, done, output)
}

/// What is to be run again, drawn as the arguments say.
fn request(
    args: &RerunArgs,
    annotation: &Annotation,
    subject: &Subject,
    step: usize,
    session: &Session,
) -> Result<RerunRequest, Report> {
    let rollout = args.sampling.over(&session.config.rollout);
    let count = args.candidates.map_or(rollout.candidates, usize::from);
    let corpus = annotation.corpus();
    Ok(RerunRequest::of(corpus, subject, step, count, args.sampling.seed, &rollout)?)
}

/// The last re-run of the step, with the edits that it was made with.
fn last(kept: &KeptReruns, request: &mut RerunRequest) -> Result<StepRerun, Report> {
    let found = kept.find(&request.hash, request.step).ok_or_else(|| {
        Report::failure(format!("no re-run of step {} is kept", request.step + 1))
            .hint("without --last the step is run again")
    })?;
    request.edit(found.edits.clone())?;
    Ok(found)
}

/// Lets a person change what comes before the step.
fn edit_context(request: &mut RerunRequest) -> Result<(), Report> {
    let text = context_text(&request.trajectory, request.step);
    let edited = crate::tui::in_editor(&text, "txt").map_err(|reason| {
        Report::failure(format!("the editor can't be used: {reason}"))
            .hint("set VISUAL or EDITOR to the name of an editor")
    })?;
    let edits = edits_of(&request.trajectory, request.step, &edited)?;
    Ok(request.edit(edits)?)
}

/// What re-runs of one call share.
struct Call {
    bench: RerunBench,
    controller: Box<dyn Controller>,
    panel: Panel,
}

impl Call {
    fn new(
        args: &RerunArgs,
        session: &Session,
        workspace: &Workspace,
        output: &Output,
    ) -> Result<Self, Report> {
        let controller = args.controller.connect(session, Some(workspace), output)?;
        let bench = bench::bench(args, session, workspace, output)?;
        let panel = bench::panel(args, session, workspace, &bench)?;
        Ok(Self {
            bench,
            controller,
            panel,
        })
    }

    /// Runs a step again and shows what comes; Ctrl-C stops it.
    fn rerun(
        &mut self,
        request: &RerunRequest,
        args: &RerunArgs,
        output: &mut Output,
    ) -> Result<StepRerun, Report> {
        let shows = args.format == RerunFormat::Text && output.is_terminal();
        let mut stream = Stream::new(request.draw.count, shows);
        let (bench, controller, panel) = (&self.bench, &mut self.controller, &mut self.panel);
        let (told, events) = mpsc::channel();
        interruptible(|progress: &Progress| {
            let control = RerunControl::of(progress.clone(), request.draw.count);
            std::thread::scope(|scope| {
                let job = scope.spawn(move || {
                    let tell = |event| {
                        // Who no longer listens needs no answer.
                        let _ = told.send(event);
                    };
                    rerun(bench, request, controller.as_mut(), panel, &control, &tell)
                });
                let mut failed = None;
                for event in events {
                    if let Err(report) = stream.show(&event, output) {
                        failed.get_or_insert(report);
                        progress.cancel();
                    }
                }
                match (job.join(), failed) {
                    (_, Some(report)) => Err(report),
                    (Ok(done), None) => done.map_err(cancelled_or),
                    (Err(_), None) => Err(Report::failure("the re-run broke off")),
                }
            })
        })
    }
}

fn cancelled_or(error: RerunError) -> Report {
    match error {
        RerunError::Cancelled => Report::failure("cancelled: nothing is kept"),
        error => error.into(),
    }
}

/// How later steps of a branch are drawn: as the first candidate was.
fn later_draw(request: &RerunRequest) -> Draw {
    Draw {
        count: 1,
        ..request.draw.clone()
    }
}
