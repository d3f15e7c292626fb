use std::collections::HashSet;
use std::path::Path;

use serde_json::json;

use super::arguments::{RerunArgs, RerunFormat};
use super::{Call, request};
use crate::cli::Ended;
use crate::cli::annotation::Annotation;
use crate::cli::output::{Output, Style};
use crate::cli::session::{Session, corpus_report, parse_query, with_bar};
use crate::corpus::MatchedTarget;
use crate::corpus::decision::{Subject, draft};
use crate::domain::TargetId;
use crate::domain::review::{Assignment, Target, Verb};
use crate::index::Sort;
use crate::jobs::Progress;
use crate::report::{Kind, Report};
use crate::rerun::{
    QueuedStep, RerunControl, RerunError, RerunRequest, queued_key, queued_step, rerun,
};
use crate::rollout::{RolloutError, RunFile};
use crate::workspace::Workspace;

const RERUNNING: &str = "running steps again {wide_bar} {pos}/{len} {eta} left";

/// Re-runs every step that a query finds, keeps each as soon as it is done, and puts the pairs into a queue.
pub(super) fn run(args: &RerunArgs, session: &Session, output: &mut Output) -> Ended {
    let mut workspace = session.workspace()?;
    let annotation = Annotation::open(session, output)?;
    let steps = selected(args, &annotation)?;
    let file = RunFile::new(workspace.run_path(&args.run), &args.run);
    let known = file.keys()?;
    // No model is started where everything is done.
    let mut call: Option<Call> = None;
    let mut counts = Counts::default();
    // A bar and results on one terminal would spoil each other.
    let is_hidden = output.is_quiet() || args.format == RerunFormat::Json && output.is_terminal();
    let ended: Result<(), Report> = with_bar(!is_hidden, RERUNNING, |progress| {
        progress.add_total(steps.len() as u64);
        for (id, step) in &steps {
            if progress.check().is_err() {
                return Err(RerunError::Cancelled.into());
            }
            let subject = Subject::named(annotation.corpus(), id)?;
            let request = request(args, &annotation, &subject, *step, session)?;
            if is_done(&known, &request) {
                counts.kept += 1;
                progress.advance(1);
                continue;
            }
            let call = match &mut call {
                Some(call) => call,
                none => none.insert(Call::new(args, session, &workspace, output)?),
            };
            match one(call, &request, args, session, progress) {
                Ok(queued) => {
                    let record = file.append(&queued_key(&request), &queued.trajectory, &queued.pairs)?;
                    // A source once there is something in it: what a kill leaves behind is found.
                    if counts.new == 0 && counts.kept == 0 {
                        register(&mut workspace, args, &request)?;
                    }
                    counts.new += 1;
                    counts.pairs += queued.pairs.len();
                    told(args, id, *step, record.as_str(), &queued, output)?;
                }
                Err(error) if ends_all(&error) => return Err(error.into()),
                Err(error) => {
                    counts.failed += 1;
                    output.note(format!("{id} step {step}: {}", Report::from(error).message));
                }
            }
            progress.advance(1);
        }
        Ok(())
    });
    let assigned = match counts.new + counts.kept {
        0 => 0,
        _ => {
            drop(annotation);
            assign(args, session, output)?
        }
    };
    if let Err(report) = ended {
        return Err(report.hint("what is done is kept; the same call goes on from there"));
    }
    summary(args, &counts, assigned, output)?;
    Ok((counts.failed > 0).then_some(Kind::Partial))
}

#[derive(Default)]
struct Counts {
    new: usize,
    kept: usize,
    failed: usize,
    pairs: usize,
}

/// The steps that are meant, each once, by the id of their trajectory and their number.
fn selected(args: &RerunArgs, annotation: &Annotation) -> Result<Vec<(String, usize)>, Report> {
    let query = parse_query(&[args.query.clone().unwrap_or_default()])?;
    let corpus = annotation.corpus();
    let found = corpus
        .matched_targets(&query, Sort::Source, usize::MAX >> 16)
        .map_err(|error| corpus_report(&error))?;
    let mut steps = Vec::new();
    let mut add = |id: &str, step: usize| {
        let step = (id.to_owned(), step);
        if !steps.contains(&step) {
            steps.push(step);
        }
    };
    for MatchedTarget { id, step, .. } in &found {
        let record = id.record.as_str();
        // The run's own records are what comes of this.
        if id.record.source() == args.run {
            continue;
        }
        match step {
            Some(step) => add(record, *step as usize),
            None => {
                let subject = Subject::named(corpus, record)?;
                (1..=subject.step_count()).for_each(|step| add(record, step));
            }
        }
    }
    match steps.is_empty() {
        true => Err(Report::failure("the query finds no step")),
        false => Ok(steps),
    }
}

/// Whether the run has this step of this very record already: a record that changed is run again.
fn is_done(known: &HashSet<(String, Option<String>)>, request: &RerunRequest) -> bool {
    known.contains(&(queued_key(request), Some(request.hash.to_string())))
}

fn one(
    call: &mut Call,
    request: &RerunRequest,
    args: &RerunArgs,
    session: &Session,
    progress: &Progress,
) -> Result<QueuedStep, RerunError> {
    let control = RerunControl::of(progress.clone(), request.draw.count);
    let controller = call.controller.as_mut();
    let done = rerun(&call.bench, request, controller, &mut call.panel, &control, &|_| {})?;
    // Nobody is there to choose.
    if let Some(reason) = done.judge_failure {
        return Err(RerunError::NoJudgement(reason));
    }
    Ok(queued_step(request, &done, &args.run, &session.config.judge))
}

/// Whether the next step would fail as well.
fn ends_all(error: &RerunError) -> bool {
    matches!(
        error,
        RerunError::Cancelled
            | RerunError::NoJudgement(_)
            | RerunError::Rollout(RolloutError::Controller(_) | RolloutError::Sandbox(_))
    )
}

fn register(
    workspace: &mut Workspace,
    args: &RerunArgs,
    request: &RerunRequest,
) -> Result<(), RerunError> {
    let images: Vec<_> = request.roots.folders().map(Path::to_owned).collect();
    workspace.add_run(&args.run, &images)?;
    Ok(())
}

/// Puts the run's pairs that are in no queue of its name yet into it. How many.
fn assign(args: &RerunArgs, session: &Session, output: &Output) -> Result<usize, Report> {
    let mut annotation = Annotation::open(session, output)?;
    let corpus = annotation.corpus();
    let query = parse_query(&[format!("source:\"{}\" in:pair", args.run)])?;
    let found = corpus.items_of(&query).map_err(|error| corpus_report(&error))?;
    let annotators = match args.to.as_slice() {
        [] => vec![annotation.annotator().to_owned()],
        names => names.to_vec(),
    };
    let mut drafts = Vec::new();
    for item in found {
        if corpus.assigned_in(&args.run, &item.id, &item.hash).is_some() {
            continue;
        }
        let assignment = Assignment {
            queue: args.run.clone(),
            annotators: annotators.clone(),
        };
        let id: TargetId = item.id.clone();
        drafts.push(draft(&id, Target::new(item.id, item.hash), Verb::Assign(assignment))?);
    }
    annotation.commit(&drafts, output)?;
    Ok(drafts.len())
}

fn told(
    args: &RerunArgs,
    id: &str,
    step: usize,
    record: &str,
    queued: &QueuedStep,
    output: &mut Output,
) -> Result<(), Report> {
    let made = queued.trajectory.steps.last();
    let candidates = made.map_or(0, |step| step.candidates.len());
    if args.format == RerunFormat::Json {
        output.json(&json!({
            "id": id,
            "step": step,
            "record": record,
            "candidates": candidates,
            "best": made.filter(|step| step.choice_reason.is_some()).and_then(|step| step.chosen),
            "pairs": queued.pairs.len(),
        }))?;
        return output.flush();
    }
    if output.is_terminal() && !output.is_quiet() {
        return Ok(());
    }
    output.styled(Style::Id, record)?;
    output.styled(
        Style::Dim,
        format!("  {candidates} candidates, {} pairs", queued.pairs.len()),
    )?;
    output.line("")?;
    output.flush()
}

fn summary(
    args: &RerunArgs,
    counts: &Counts,
    assigned: usize,
    output: &Output,
) -> Result<(), Report> {
    let mut parts = vec![format!("{} steps were run again, with {} pairs", counts.new, counts.pairs)];
    if counts.kept > 0 {
        parts.push(format!("{} were there already", counts.kept));
    }
    if counts.failed > 0 {
        parts.push(format!("{} failed", counts.failed));
    }
    output.note(parts.join("; "));
    if assigned > 0 {
        output.note(format!(
            "{assigned} pairs are in queue {}: retake queue {} --next",
            args.run, args.run
        ));
    }
    Ok(())
}
