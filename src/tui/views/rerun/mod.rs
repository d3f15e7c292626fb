//! New candidates for a step beside the recorded one: they stream, run, are judged, and become pairs or a branch.

mod blind_order;
mod columns;
mod lane;
mod picking;
mod strip;

use std::sync::Arc;

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::corpus::Inspection;
use crate::domain::{Candidate, TargetId};
use crate::index::Highlighter;
use crate::jobs::Progress;
use crate::tui::action::Action;
use crate::tui::effect::{Effect, JobId};
use crate::tui::overlays::{Overlay, TextPage};
use crate::tui::rerun::{RerunNews, RerunResult, RerunSettings, RerunVerb};
use crate::tui::subject::Subject;

use super::Request;
use blind_order::Blindness;
use lane::{Lane, Stage};
use strip::Strip;

/// How far a re-run is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Phase {
    /// The steps before are run again, the model is looked for.
    #[default]
    Prepares,
    /// Candidates are written and executed.
    Generates,
    /// A judge looks at them.
    Judges(String),
    /// A branch grows; it has so many steps.
    GoesOn(usize),
    /// Nothing runs.
    Ended,
    /// It could not go on.
    Failed(String),
}

/// What is done with candidates that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// One of the person's own is executed.
    Own,
    /// One is executed once more.
    Again,
    /// A run goes on from one.
    Branch,
}

/// The re-run view.
#[derive(Debug)]
pub struct RerunView {
    /// The trajectory.
    pub id: TargetId,
    record: Arc<Inspection>,
    /// The step, from 1.
    pub step: usize,
    /// How the candidates are made.
    pub settings: RerunSettings,
    highlighter: Highlighter,
    /// The job that made the candidates, by which they are known.
    made_by: Option<JobId>,
    /// The job that runs, and what stops it.
    running: Option<(JobId, Progress)>,
    phase: Phase,
    /// What the controller is called.
    model: String,
    /// What is to be known of how the candidates were asked for.
    notes: Vec<String>,
    /// How many tokens of the prompt are read, and how many it has; nothing once there is text.
    reading: Option<(u64, u64)>,
    /// What the server says of its speed.
    speed: Option<f64>,
    lanes: Vec<Lane>,
    selected: usize,
    picked: Option<usize>,
    best: Option<usize>,
    reason: Option<String>,
    /// Which is the best, in words.
    verdict: String,
    /// Whether what runs is a candidate of the person's own.
    runs_own: bool,
    /// Whether the candidates were not made here: the record keeps them.
    is_kept: bool,
    blind: Blindness,
    strip: Strip,
    /// The place of the first column that is shown.
    first_column: usize,
    columns: Vec<Rect>,
    height: usize,
}

impl RerunView {
    /// A re-run of a step (from 1) of a trajectory.
    pub fn new(
        id: TargetId,
        record: Arc<Inspection>,
        highlighter: Highlighter,
        step: usize,
        settings: RerunSettings,
    ) -> Self {
        let recorded = recorded(&record, step);
        let mut lanes = vec![Lane::recorded(recorded)];
        lanes.extend((0..settings.candidates).map(|_| Lane::default()));
        Self {
            id,
            record,
            step,
            settings,
            highlighter,
            made_by: None,
            running: None,
            phase: Phase::default(),
            model: String::new(),
            notes: Vec::new(),
            reading: None,
            speed: None,
            lanes,
            selected: 0,
            picked: None,
            best: None,
            reason: None,
            verdict: String::new(),
            runs_own: false,
            is_kept: false,
            blind: Blindness::default(),
            strip: Strip::default(),
            first_column: 0,
            columns: Vec::new(),
            height: 1,
        }
    }

    /// New candidates are on their way, by a job of their own.
    pub fn start(&mut self, job: JobId, progress: Progress) {
        match self.is_kept {
            true => self.lanes = vec![Lane::recorded(recorded(&self.record, self.step))],
            false => self.lanes.truncate(1),
        }
        let more = (0..self.settings.candidates).map(|_| Lane::default());
        self.lanes.extend(more);
        if let Some(lane) = self.lanes.first_mut() {
            lane.place = None;
            lane.same_as = None;
        }
        self.made_by = Some(job);
        self.running = Some((job, progress));
        self.is_kept = false;
        self.phase = Phase::Prepares;
        self.notes.clear();
        self.speed = None;
        self.reading = None;
        self.selected = self.selected.min(self.lanes.len() - 1);
        (self.picked, self.best, self.reason) = (None, None, None);
        self.blind_again();
    }

    /// The candidates of a finished re-run are on their way, by a job of their own.
    pub fn await_kept(&mut self, job: JobId, progress: Progress) {
        self.lanes.clear();
        self.made_by = Some(job);
        self.running = Some((job, progress));
        self.is_kept = true;
    }

    /// Another job works on the candidates.
    pub fn work(&mut self, job: JobId, progress: Progress, work: Work) {
        self.running = Some((job, progress));
        self.runs_own = work == Work::Own;
        self.phase = match work {
            Work::Branch => Phase::GoesOn(self.step),
            Work::Own | Work::Again => Phase::Generates,
        };
    }

    /// The job that made the candidates, once it has ended.
    pub fn made_by(&self) -> Option<JobId> {
        self.made_by.filter(|_| self.running.is_none())
    }

    /// Whether a job is the one that works for this view.
    pub fn is_run_by(&self, job: JobId) -> bool {
        let running = self.running.as_ref();
        running.is_some_and(|(running, _)| *running == job)
    }

    /// Something was heard of it.
    pub fn hear(&mut self, news: RerunNews) {
        match news {
            RerunNews::Began { model, notes } => {
                self.model = model;
                self.notes = notes;
                self.phase = Phase::Generates;
            }
            RerunNews::Reads(read, total) => self.reading = Some((read, total)),
            RerunNews::Text(number, text, at) => {
                self.reading = None;
                if let Some(lane) = self.lanes.get_mut(number) {
                    lane.add(&text, at);
                }
            }
            RerunNews::Speed(speed) => self.speed = Some(speed),
            RerunNews::Made(number, candidate) => self.set(number, *candidate, Stage::Written),
            RerunNews::Folded(number, first) => {
                if let Some(lane) = self.lanes.get_mut(number) {
                    lane.same_as = Some(first);
                    lane.stage = Stage::Done;
                }
            }
            RerunNews::Cancelled(number) => {
                if let Some(lane) = self.lanes.get_mut(number) {
                    lane.stage = Stage::Cancelled;
                }
            }
            RerunNews::Runs(number) => {
                if let Some(lane) = self.lanes.get_mut(number) {
                    lane.stage = Stage::Runs;
                }
            }
            RerunNews::Ran(number, candidate) => self.set(number, *candidate, Stage::Done),
            RerunNews::Judges(judge) => self.phase = Phase::Judges(judge),
            RerunNews::Step(steps) => self.phase = Phase::GoesOn(steps),
        }
    }

    fn set(&mut self, number: usize, candidate: Candidate, stage: Stage) {
        while self.lanes.len() <= number {
            self.lanes.push(Lane::default());
        }
        if let Some(lane) = self.lanes.get_mut(number)
            && lane.stage != Stage::Cancelled
        {
            lane.set(candidate, stage);
        }
    }

    /// It has ended.
    pub fn end(&mut self, result: RerunResult) {
        self.running = None;
        self.phase = Phase::Ended;
        self.verdict = result.verdict();
        for (number, ranked) in result.candidates.into_iter().enumerate() {
            while self.lanes.len() <= number {
                self.lanes.push(Lane::default());
            }
            let Some(lane) = self.lanes.get_mut(number) else {
                break;
            };
            match ranked.is_cancelled {
                true => lane.stage = Stage::Cancelled,
                false => lane.set(ranked.candidate, Stage::Done),
            }
            lane.same_as = ranked.folded;
            lane.place = ranked.place;
        }
        self.best = result.best;
        self.reason = result.reason;
        self.blind_made();
        if std::mem::take(&mut self.runs_own) {
            // What one wrote oneself is what one wants.
            self.selected = self.lanes.len() - 1;
            self.picked = Some(self.selected);
        } else if let Some(best) = self
            .best
            .filter(|_| self.selected == 0 && !self.is_hidden())
        {
            // The eye falls on what the judge would take.
            self.selected = best;
        }
    }

    /// A branch has grown, or not: the candidates stay.
    pub fn rest(&mut self) {
        self.running = None;
        self.phase = Phase::Ended;
    }

    /// It ended without a result.
    pub fn fail(&mut self, reason: String) {
        self.running = None;
        self.runs_own = false;
        for lane in &mut self.lanes {
            if lane.stage != Stage::Cancelled {
                lane.stage = Stage::Done;
            }
        }
        self.phase = Phase::Failed(reason);
    }

    /// The view is closed: what is only for it is given up. A branch grows on.
    pub fn leave(&self) {
        if let Some((_, progress)) = &self.running
            && !matches!(self.phase, Phase::GoesOn(_))
        {
            progress.cancel();
        }
    }

    /// The texts are made anew: the colours are others.
    pub fn forget_lines(&mut self) {
        self.lanes.iter_mut().for_each(Lane::forget_lines);
    }

    /// The record as it is now.
    pub fn renew(&mut self, record: Arc<Inspection>) {
        self.record = record;
    }

    /// What verbs are about.
    pub fn subject(&self) -> Subject {
        Subject {
            id: self.id.clone(),
            record: Some(Arc::clone(&self.record)),
            step: Some(self.step),
        }
    }

    /// The candidate that was picked.
    pub fn picked(&self) -> Option<usize> {
        self.picked
    }

    /// The candidate in front.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Whether the candidates are those that a record keeps of a finished re-run.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Whether something runs.
    pub fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// Goes so many places on.
    fn go(&mut self, places: isize) {
        let order = self.order();
        let at = order.iter().position(|number| *number == self.selected);
        let to = at.unwrap_or(0).saturating_add_signed(places);
        if let Some(number) = order.get(to.min(order.len().saturating_sub(1))) {
            self.selected = *number;
        }
    }

    fn scroll(&mut self, lines: isize) {
        if let Some(lane) = self.lanes.get_mut(self.selected) {
            lane.scroll.by(lines);
        }
    }

    /// Does what a key asks for; what takes effects is the app's.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let page = self.height.saturating_sub(2).max(1) as isize;
        match action {
            Action::Right | Action::NextPane => self.go(1),
            Action::Left | Action::PreviousPane => self.go(-1),
            Action::Down => self.scroll(1),
            Action::Up => self.scroll(-1),
            Action::PageDown => self.scroll(page),
            Action::PageUp => self.scroll(-page),
            Action::First => self.scroll(isize::MIN / 2),
            Action::Last => self.scroll(isize::MAX / 2),
            Action::PickCandidate => return self.pick(),
            Action::CancelCandidate => return self.cancel_one(),
            Action::CancelRerun => return self.cancel(),
            Action::JudgeReasons if self.is_hidden() => {
                let said = "blind mode: not before the choice";
                return vec![Request::Say(said.to_owned())];
            }
            Action::JudgeReasons => {
                let page = TextPage::new("What the judges say", self.said_by_judges());
                return vec![Request::Show(Box::new(Overlay::TextPage(page)))];
            }
            _ => {}
        }
        Vec::new()
    }

    fn cancel_one(&mut self) -> Vec<Request> {
        let number = self.selected;
        let job = self.made_by.filter(|job| self.is_run_by(*job));
        let open = self.lanes.get_mut(number).filter(|lane| lane.is_open());
        match (job, open) {
            (Some(job), Some(lane)) => {
                lane.stage = Stage::Cancelled;
                vec![Request::Do(Effect::OfRerun(job, RerunVerb::Cancel(number)))]
            }
            _ => vec![Request::Say("it is whole already".to_owned())],
        }
    }

    /// Gives up everything that runs.
    pub fn cancel(&mut self) -> Vec<Request> {
        let said = match &self.running {
            Some((_, progress)) => {
                progress.cancel();
                "cancelling"
            }
            None => "nothing runs",
        };
        vec![Request::Say(said.to_owned())]
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        let at = Position::new(event.column, event.row);
        let order = self.order();
        let number = |place: usize| order.get(place).copied();
        let column = self.columns.iter().position(|area| area.contains(at));
        let column = column.and_then(|column| number(column + self.first_column));
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                if let Some(number) = column.or_else(|| self.strip.at(at).and_then(number)) {
                    self.selected = number;
                }
            }
            MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
                let by = match event.kind {
                    MouseEventKind::ScrollDown => 3,
                    _ => -3,
                };
                let lane = column.unwrap_or(self.selected);
                if let Some(lane) = self.lanes.get_mut(lane) {
                    lane.scroll.by(by);
                }
            }
            _ => {}
        }
        Vec::new()
    }
}

/// The step as it is shown, as a candidate.
fn recorded(record: &Inspection, step: usize) -> Candidate {
    let trajectory = record.current.content.trajectory.as_ref();
    let step = trajectory.and_then(|trajectory| trajectory.steps.get(step.checked_sub(1)?));
    step.map_or_else(Candidate::default, |step| Candidate {
        thought: step.thought.clone(),
        action: step.action.clone(),
        observation: step.observation.clone(),
        reply: step.reply.clone(),
        ..Candidate::default()
    })
}
