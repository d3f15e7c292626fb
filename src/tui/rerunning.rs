//! Re-runs where effects happen: the bench that they share, and what is kept of each for picking.

use std::collections::HashMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::controller::Controller;
use crate::corpus::decision::Subject;
use crate::domain::TargetId;
use crate::jobs::{Progress, Slots};
use crate::judge::{JudgeNames, Panel};
use crate::media::DecodeLimits;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::rerun::{
    BranchEvent, RerunBench, RerunControl, RerunError, RerunEvent, RerunRequest, StepRerun,
    add_edited, all_rejected, go_on, keep_branch, lineage, none_good_draft, pair_drafts, rerun,
};
use crate::rollout::{Draw, MissingPictures};
use crate::serve::{Connector, WantedModel};
use crate::workspace::Workspace;

use super::backend::{Backend, corpus_report};
use super::decision_saving::{decision_report, no_writer, save_drafts};
use super::effect::{Committed, Failure, JobId, Message};
use super::rerun::{
    BranchLine, RankedCandidate, RerunNews, RerunOrder, RerunResult, RerunSettings, RerunVerb,
};

/// Makes a controller of a model's name; that of the settings without one.
pub type MakeNamed = Arc<dyn Fn(&str) -> Result<Box<dyn Controller>, Report> + Send + Sync>;

/// What re-runs share, and what is known of each by the job that made it.
#[derive(Default)]
pub(super) struct Reruns {
    bench: Mutex<Option<RerunBench>>,
    controls: Mutex<HashMap<JobId, RerunControl>>,
    made: Mutex<HashMap<JobId, Arc<Made>>>,
    /// What makes controllers, where it is not the settings.
    pub(super) controllers: Option<MakeNamed>,
}

/// A re-run with what it was made of.
struct Made {
    id: TargetId,
    request: RerunRequest,
    rerun: StepRerun,
    settings: RerunSettings,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

    fn make_candidates(
        &self,
        job: JobId,
        order: &RerunOrder,
        progress: &Progress,
        tell: &dyn Fn(Message),
    ) -> Result<Made, Report> {
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
        let names: JudgeNames = settings.judge.parse().map_err(|error| {
            Report::failure(format!("`{}` names no judge: {error}", settings.judge))
                .hint("`rules`, `model:NAME`, or both: `rules+model:NAME`")
        })?;
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
        let control = RerunControl::of(progress.clone(), settings.candidates);
        locked(&self.reruns.controls).insert(job, control.clone());
        let bench = self.bench(settings)?;
        let mut controller = self.controller(&settings.model, settings, progress)?;
        let connect = |name: &str| self.controller(name, settings, progress);
        let mut panel = Panel::of(&names, &bench.judge, &bench.prompts, connect)?;
        let model = controller.name().to_owned();
        let rerun = told(
            |send| {
                let controller = controller.as_mut();
                rerun(&bench, &request, controller, &mut panel, &control, &send)
            },
            |event| heard(job, event, &model, tell),
        )?;
        Ok(Made {
            id: order.id.clone(),
            request,
            rerun: rerun.map_err(report)?,
            settings: settings.clone(),
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
            RerunVerb::Cancel(_) | RerunVerb::Write(..) | RerunVerb::GoOn(..) => {
                return Err(no_writer());
            }
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
            RerunVerb::GoOn(job, chosen) => {
                let ended = self.grow(made_by, *job, *chosen, progress, tell);
                tell(Message::WentOn(*job, ended.map_err(Failure::from)));
            }
            _ => {}
        }
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
        let bench = self.bench(&made.settings)?;
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
            |event| heard(*job, event, "", tell),
        )?;
        added.map_err(report)?;
        let result = shown(&rerun);
        let made = Made {
            id: made.id.clone(),
            request: made.request.clone(),
            rerun,
            settings: made.settings.clone(),
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
        let bench = self.bench(&made.settings)?;
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

    fn controller(
        &self,
        name: &str,
        settings: &RerunSettings,
        progress: &Progress,
    ) -> Result<Box<dyn Controller>, Report> {
        if let Some(make) = &self.reruns.controllers {
            return make(name);
        }
        let connector = {
            let workspace = self.workspace();
            Connector::new(&self.config, self.user_folder.as_deref(), Some(&workspace))?
        };
        let wanted = WantedModel {
            model: Some(name.to_owned()).filter(|name| !name.is_empty()),
            drops_images: settings.drops_pictures,
            ..WantedModel::default()
        };
        Ok(connector.connect(&wanted, progress)?)
    }

    /// Where candidates are executed.
    fn bench(&self, settings: &RerunSettings) -> Result<RerunBench, Report> {
        let missing = match settings.drops_pictures {
            true => MissingPictures::LeaveOut,
            false => MissingPictures::Refuse,
        };
        Ok(RerunBench {
            missing,
            ..self.shared_bench()?
        })
    }

    /// What all re-runs share, made at the first one.
    fn shared_bench(&self) -> Result<RerunBench, Report> {
        let mut bench = locked(&self.reruns.bench);
        if let Some(bench) = bench.as_ref() {
            return Ok(bench.clone());
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workspace = self.workspace();
        let own = self
            .user_folder
            .as_ref()
            .map(|folder| folder.join("prompts"));
        let shared = workspace
            .is_trusted()
            .then(|| workspace.folder().join("prompts"));
        let pictures = &self.config.pictures;
        let made = RerunBench {
            pool: self.pool_of(cores, Progress::default())?,
            slots: Slots::new(cores),
            live: None,
            prompts: Prompts::new(own.into_iter().chain(shared).collect()),
            limits: DecodeLimits {
                max_bytes: pictures.max_file_mb.saturating_mul(1 << 20),
                max_pixels: pictures.max_megapixels.saturating_mul(1_000_000),
                ..DecodeLimits::default()
            },
            missing: MissingPictures::Refuse,
            rollout: self.config.rollout.clone(),
            judge: self.config.judge.clone(),
        };
        *bench = Some(made.clone());
        Ok(made)
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

fn heard(job: JobId, event: RerunEvent, model: &str, tell: &dyn Fn(Message)) {
    let news = match event {
        RerunEvent::Prepared { notes, .. } => RerunNews::Began {
            model: model.to_owned(),
            notes,
        },
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
