//! Re-runs where effects happen: the bench that they share, and what is kept of each for picking.

use std::collections::HashMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::controller::Controller;
use crate::corpus::decision::Subject;
use crate::domain::TargetId;
use crate::domain::review::Side;
use crate::jobs::Progress;
use crate::judge::{JudgeNames, Panel};
use crate::report::Report;
use crate::rerun::{
    BranchEvent, RerunBench, RerunControl, RerunError, RerunEvent, RerunRequest, StepRerun,
    add_edited, all_rejected, execute_again, go_on, keep_branch, kept_candidates, lineage,
    none_good_draft, pair_drafts, rerun,
};
use crate::rollout::Draw;
use crate::tools::LiveTools;
use crate::workspace::Workspace;

use super::backend::{Backend, corpus_report};
use super::decision_saving::{decision_report, no_writer, save_drafts};
use super::decisions::Deed;
use super::effect::{CommitRequest, Committed, Decision, Failure, JobId, Message};
use super::rerun::{
    BranchLine, RankedCandidate, RerunNews, RerunOrder, RerunResult, RerunSettings, RerunVerb,
};

/// Makes a controller of a model's name; that of the settings without one.
pub type MakeNamed = Arc<dyn Fn(&str) -> Result<Box<dyn Controller>, Report> + Send + Sync>;

/// What re-runs share, and what is known of each by the job that made it.
#[derive(Default)]
pub(super) struct Reruns {
    pub(super) bench: Mutex<Option<RerunBench>>,
    controls: Mutex<HashMap<JobId, RerunControl>>,
    made: Mutex<HashMap<JobId, Arc<Made>>>,
    /// Live tools, once somebody wanted them, and what is to be known of them.
    pub(super) live: Mutex<Option<(LiveTools, Vec<String>)>>,
    /// What makes controllers, where it is not the settings.
    pub(super) controllers: Option<MakeNamed>,
}

/// A re-run with what it was made of.
struct Made {
    id: TargetId,
    request: RerunRequest,
    rerun: StepRerun,
    settings: RerunSettings,
    /// Whether its record keeps the candidates, and pairs of them.
    is_kept: bool,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report(error: RerunError) -> Report {
    match error {
        RerunError::Corpus(error) => corpus_report(&error),
        RerunError::Decision(error) => decision_report(&error),
        error => error.into(),
    }
}

impl Backend {
    /// New candidates for a step.
    pub(super) fn rerun(
        &self,
        job: JobId,
        order: &RerunOrder,
        progress: &Progress,
        tell: &dyn Fn(Message),
    ) {
        let made = self.make_candidates(job, order, progress, tell);
        locked(&self.reruns.controls).remove(&job);
        let result = made.map(|made| {
            let result = shown(&made.rerun);
            locked(&self.reruns.made).insert(job, Arc::new(made));
            result
        });
        tell(Message::Reran(job, result.map_err(Failure::from)));
    }

    /// The candidates that a record keeps of a step.
    pub(super) fn read_candidates(&self, job: JobId, order: &RerunOrder, tell: &dyn Fn(Message)) {
        let read = self.request(order).and_then(|request| {
            let rerun = kept_candidates(&request).map_err(report)?;
            let result = shown(&rerun);
            let made = Made {
                id: order.id.clone(),
                request,
                rerun,
                settings: order.settings.clone(),
                is_kept: true,
            };
            locked(&self.reruns.made).insert(job, Arc::new(made));
            Ok(result)
        });
        tell(Message::Reran(job, read.map_err(Failure::from)));
    }

    /// What is asked for.
    fn request(&self, order: &RerunOrder) -> Result<RerunRequest, Report> {
        let corpus = self.corpus()?;
        let subject = Subject::named(&corpus, &order.id.to_string());
        let subject = subject.map_err(|error| decision_report(&error))?;
        if subject.record.hash != order.seen {
            return Err(
                Report::failure(format!("{} is another record now", order.id))
                    .hint("look at it again, then run the step again"),
            );
        }
        let settings = &order.settings;
        let request = RerunRequest::of(
            &corpus,
            &subject,
            order.step,
            settings.candidates,
            settings.seed,
            &self.config.rollout,
        );
        let mut request = request.map_err(report)?;
        adjust(&mut request.draw, settings);
        Ok(request)
    }

    /// The judges that a person named.
    fn panel(
        &self,
        settings: &RerunSettings,
        bench: &RerunBench,
        progress: &Progress,
    ) -> Result<Panel, Report> {
        let names: JudgeNames = settings.judge.parse().map_err(|error| {
            Report::failure(format!("`{}` names no judge: {error}", settings.judge))
                .hint("`rules`, `model:NAME`, or both: `rules+model:NAME`")
        })?;
        let connect = |name: &str| self.controller(name, settings, progress);
        Panel::of(&names, &bench.judge, &bench.prompts, connect)
    }

    fn make_candidates(
        &self,
        job: JobId,
        order: &RerunOrder,
        progress: &Progress,
        tell: &dyn Fn(Message),
    ) -> Result<Made, Report> {
        let settings = &order.settings;
        let request = self.request(order)?;
        let control = RerunControl::of(progress.clone(), settings.candidates);
        locked(&self.reruns.controls).insert(job, control.clone());
        let (bench, warnings) = self.bench(settings)?;
        // What names no judge is told before a model is loaded.
        let mut panel = self.panel(settings, &bench, progress)?;
        let mut controller = self.controller(&settings.model, settings, progress)?;
        let model = controller.name().to_owned();
        let rerun = told(
            |send| {
                let controller = controller.as_mut();
                rerun(&bench, &request, controller, &mut panel, &control, &send)
            },
            |event| heard(job, event, (&model, &warnings), tell),
        )?;
        Ok(Made {
            id: order.id.clone(),
            request,
            rerun: rerun.map_err(report)?,
            settings: settings.clone(),
            is_kept: false,
        })
    }

    /// Something short with the candidates that a job made.
    pub(super) fn of_rerun(&self, job: JobId, verb: &RerunVerb, tell: &dyn Fn(Message)) {
        if let RerunVerb::Cancel(number) = verb {
            let control = locked(&self.reruns.controls).get(&job).cloned();
            if let Some(control) = control {
                control.cancel_candidate(*number);
            }
            return;
        }
        let saved = self.save_candidates(job, verb);
        let is_saved = saved.is_ok();
        tell(Message::Committed(saved.map_err(Failure::from)));
        if is_saved {
            self.follow(tell);
        }
    }

    fn made(&self, job: JobId) -> Result<Arc<Made>, Report> {
        let made = locked(&self.reruns.made).get(&job).cloned();
        made.ok_or_else(|| Report::failure("the candidates are gone").hint("run the step again"))
    }

    fn save_candidates(&self, job: JobId, verb: &RerunVerb) -> Result<Committed, Report> {
        let made = self.made(job)?;
        let corpus = self.corpus()?;
        let subject = Subject::named(&corpus, &made.id.to_string());
        let subject = subject.map_err(|error| decision_report(&error))?;
        let kept = self.workspace().kept_candidates();
        let pairs = |chosen: usize, rejected: &[usize]| {
            pair_drafts(&subject, &made.rerun, chosen, rejected, None, &kept).map_err(report)
        };
        let (drafts, done) = match verb {
            RerunVerb::Pair { chosen, rejected }
                if let Some((pair, side)) = made.known_pair(&subject, *chosen, *rejected) =>
            {
                return self.accept_known(&made, &pair, side, (*chosen, *rejected));
            }
            RerunVerb::Pair { chosen, rejected } => {
                let done = format!("saved a pair: {chosen} against {rejected}");
                (pairs(*chosen, &[*rejected])?, done)
            }
            RerunVerb::AllPairs { chosen } => {
                let rejected = all_rejected(&made.rerun, *chosen, &self.config.judge);
                if rejected.is_empty() {
                    return Err(Report::failure(format!(
                        "no candidate failed or is another step than {chosen}: there is no pair by the rules"
                    ))
                    .hint("go to the worse one, and save that pair"));
                }
                let drafts = pairs(*chosen, &rejected)?;
                (drafts, format!("saved {} pairs", rejected.len()))
            }
            RerunVerb::NoneGood => {
                let draft = none_good_draft(&subject, &made.rerun).map_err(report)?;
                (vec![draft], "noted that no candidate is good".to_owned())
            }
            RerunVerb::Cancel(_)
            | RerunVerb::Write(..)
            | RerunVerb::Again(..)
            | RerunVerb::GoOn(..) => return Err(no_writer()),
        };
        let mut writer = self.writer()?;
        let writer = writer.as_mut().ok_or_else(no_writer)?;
        let warnings = save_drafts(writer, &corpus, &drafts)?;
        Ok(Committed {
            done,
            about: vec![made.id.clone()],
            warnings,
        })
    }

    /// Something long with the candidates that a job made.
    pub(super) fn work_on_rerun(
        &self,
        made_by: JobId,
        verb: &RerunVerb,
        progress: &Progress,
        tell: &dyn Fn(Message),
    ) {
        match verb {
            RerunVerb::Write(job, _) => {
                let result = self.add_own(made_by, verb, progress, tell);
                tell(Message::Reran(*job, result.map_err(Failure::from)));
            }
            RerunVerb::Again(job, number) => {
                let result = self.execute_again(made_by, *job, *number, progress, tell);
                tell(Message::Reran(*job, result.map_err(Failure::from)));
            }
            RerunVerb::GoOn(job, chosen) => {
                let ended = self.grow(made_by, *job, *chosen, progress, tell);
                tell(Message::WentOn(*job, ended.map_err(Failure::from)));
            }
            _ => {}
        }
    }

    /// Accepts a pair that the record has already, with this side of it, as it is shown, as the better one.
    fn accept_known(
        &self,
        made: &Made,
        pair: &TargetId,
        side: Side,
        (chosen, rejected): (usize, usize),
    ) -> Result<Committed, Report> {
        let request = CommitRequest {
            decisions: vec![Decision {
                id: pair.clone(),
                seen: Some(made.request.hash),
                deed: Deed::Prefer(side),
            }],
            done: format!("accepted the pair that was there: {chosen} against {rejected}"),
            is_blind: false,
        };
        let mut committed = self.save(&request)?;
        committed.about.insert(0, made.id.clone());
        Ok(committed)
    }

    /// A candidate that was unavailable, executed once more with what people said since that its calls return; then all are judged again.
    fn execute_again(
        &self,
        made_by: JobId,
        job: JobId,
        number: usize,
        progress: &Progress,
        tell: &dyn Fn(Message),
    ) -> Result<RerunResult, Report> {
        let made = self.made(made_by)?;
        let corpus = self.corpus()?;
        let subject = Subject::named(&corpus, &made.id.to_string());
        let subject = subject.map_err(|error| decision_report(&error))?;
        let mut request = made.request.clone();
        request
            .results
            .clone_from(&subject.current.review.tool_results);
        let mut rerun = made.rerun.clone();
        let (bench, _) = self.bench(&made.settings)?;
        let mut panel = self.panel(&made.settings, &bench, progress)?;
        let control = RerunControl::of(progress.clone(), 0);
        let again = told(
            |send| {
                let (rerun, panel) = (&mut rerun, &mut panel);
                execute_again(&bench, &request, rerun, number, panel, &control, &send)
            },
            |event| heard(job, event, ("", &[]), tell),
        )?;
        again.map_err(report)?;
        let result = shown(&rerun);
        let made = Made {
            id: made.id.clone(),
            request,
            rerun,
            settings: made.settings.clone(),
            is_kept: made.is_kept,
        };
        locked(&self.reruns.made).insert(made_by, Arc::new(made));
        Ok(result)
    }

    /// A person's own candidate, executed like the others.
    fn add_own(
        &self,
        made_by: JobId,
        verb: &RerunVerb,
        progress: &Progress,
        tell: &dyn Fn(Message),
    ) -> Result<RerunResult, Report> {
        let RerunVerb::Write(job, texts) = verb else {
            return Err(no_writer());
        };
        let made = self.made(made_by)?;
        let mut rerun = made.rerun.clone();
        let (bench, _) = self.bench(&made.settings)?;
        let control = RerunControl::of(progress.clone(), 0);
        let annotator = self.config.review.annotator.as_str();
        let added = told(
            |send| {
                let rerun = &mut rerun;
                add_edited(
                    &bench,
                    &made.request,
                    rerun,
                    texts,
                    annotator,
                    &control,
                    &send,
                )
            },
            |event| heard(*job, event, ("", &[]), tell),
        )?;
        added.map_err(report)?;
        let result = shown(&rerun);
        let made = Made {
            id: made.id.clone(),
            request: made.request.clone(),
            rerun,
            settings: made.settings.clone(),
            is_kept: made.is_kept,
        };
        locked(&self.reruns.made).insert(made_by, Arc::new(made));
        Ok(result)
    }

    /// A branch from a candidate to the end.
    fn grow(
        &self,
        made_by: JobId,
        job: JobId,
        chosen: usize,
        progress: &Progress,
        tell: &dyn Fn(Message),
    ) -> Result<(TargetId, String), Report> {
        let made = self.made(made_by)?;
        let (bench, _) = self.bench(&made.settings)?;
        let control = RerunControl::of(progress.clone(), 1);
        let mut controller = self.controller(&made.settings.model, &made.settings, progress)?;
        let draw = Draw {
            count: 1,
            ..made.request.draw.clone()
        };
        let branch = told(
            |send| {
                let controller = controller.as_mut();
                let (request, rerun) = (&made.request, &made.rerun);
                go_on(
                    &bench, request, rerun, chosen, draw, controller, &control, &send,
                )
            },
            |event| {
                if let BranchEvent::Step { step, .. } = event {
                    tell(Message::RerunNews(job, RerunNews::Step(step + 1)));
                }
            },
        )?;
        let branch = branch.map_err(report)?;
        let id = {
            // The file as it is now: others may have added a source since.
            let mut workspace = self.workspace();
            let root = workspace.root().to_owned();
            let opened = Workspace::open(&root, self.user_folder.as_deref());
            *workspace = opened.map_err(|error| Report::from_error(&error))?;
            keep_branch(&mut workspace, &made.request, &branch).map_err(report)?
        };
        if let Some(refreshed) = self.refresh().transpose() {
            tell(Message::Refreshed(refreshed.map_err(Failure::from)));
        }
        let steps = branch.steps.len();
        let said = match (&branch.answer, &branch.provenance.failure) {
            (_, Some(failure)) => format!("{steps} steps, no answer of its own: {failure}"),
            (Some(answer), None) => format!("{steps} steps, {answer}"),
            (None, None) => format!("{steps} steps, no answer"),
        };
        let id = TargetId {
            record: id,
            part: None,
        };
        Ok((id, said))
    }

    /// What grew from the same trajectory.
    pub(super) fn branches(&self, id: &crate::domain::RecordId) -> Result<Vec<BranchLine>, Report> {
        let corpus = self.corpus()?;
        let tree = lineage(&corpus, id).map_err(|error| corpus_report(&error))?;
        let branches = tree.branches.into_iter().map(|branch| BranchLine {
            id: branch.id,
            depth: branch.depth,
            step: branch.step.map(|step| step + 1),
            steps: branch.steps,
            answer: branch.answer,
            is_this: branch.is_this,
        });
        Ok(branches.collect())
    }
}

impl Made {
    /// The pair of these two that its record has already, as it is shown, and which side the chosen one is.
    fn known_pair(
        &self,
        subject: &Subject,
        chosen: usize,
        rejected: usize,
    ) -> Option<(TargetId, Side)> {
        let better = self.rerun.pickable(chosen).filter(|_| self.is_kept)?;
        let worse = self.rerun.pickable(rejected)?;
        subject.current.content.pairs.iter().find_map(|pair| {
            let sides = (&pair.chosen, &pair.rejected);
            let side = match sides {
                sides if sides == (better, worse) => Side::Chosen,
                sides if sides == (worse, better) => Side::Rejected,
                _ => return None,
            };
            let id = TargetId {
                record: self.id.record.clone(),
                part: pair.part.clone(),
            };
            Some((id, side))
        })
    }
}

/// What the person set, in the place of the settings.
fn adjust(draw: &mut Draw, settings: &RerunSettings) {
    for sampling in [&mut draw.first, &mut draw.others] {
        if settings.temperature.is_some() {
            sampling.temperature = settings.temperature;
        }
        if settings.max_tokens.is_some() {
            sampling.max_tokens = settings.max_tokens;
        }
    }
}

/// Does something on a thread of its own, and hears of it on this one.
fn told<E: Send, T: Send>(
    work: impl FnOnce(&(dyn Fn(E) + Sync)) -> T + Send,
    hear: impl Fn(E),
) -> Result<T, Report> {
    let (sender, events) = channel();
    std::thread::scope(|scope| {
        let job = scope.spawn(move || {
            // Who has left hears nothing.
            let send = |event| drop(sender.send(event));
            work(&send)
        });
        events.iter().for_each(hear);
        job.join()
            .map_err(|_| Report::failure("a part of the re-run broke off"))
    })
}

fn heard(
    job: JobId,
    event: RerunEvent,
    (model, warnings): (&str, &[String]),
    tell: &dyn Fn(Message),
) {
    let news = match event {
        RerunEvent::Prepared { notes, .. } => RerunNews::Began {
            model: model.to_owned(),
            notes: [warnings, &notes].concat(),
        },
        RerunEvent::Reading { read, total } => RerunNews::Reads(read, total),
        RerunEvent::Text { candidate, text } => RerunNews::Text(candidate, text, Instant::now()),
        RerunEvent::Speed { tokens_per_second } => RerunNews::Speed(tokens_per_second),
        RerunEvent::Proposed {
            candidate,
            proposal,
        } => RerunNews::Made(candidate, proposal),
        RerunEvent::Cancelled { candidate } => RerunNews::Cancelled(candidate),
        RerunEvent::Folded { candidate, into } => RerunNews::Folded(candidate, into),
        RerunEvent::Executing { candidate } => RerunNews::Runs(candidate),
        RerunEvent::Executed {
            candidate,
            executed,
        } => RerunNews::Ran(candidate, executed),
        RerunEvent::Judging { judge } => RerunNews::Judges(judge),
        RerunEvent::Judged(_) | RerunEvent::Done(_) => return,
    };
    tell(Message::RerunNews(job, news));
}

fn shown(rerun: &StepRerun) -> RerunResult {
    let candidates = rerun.candidates.iter().map(|known| RankedCandidate {
        candidate: known.candidate.clone(),
        folded: known.folded,
        is_cancelled: known.cancelled,
        place: known.place,
    });
    RerunResult {
        candidates: candidates.collect(),
        best: rerun.best,
        reason: rerun.reason.clone(),
    }
}
