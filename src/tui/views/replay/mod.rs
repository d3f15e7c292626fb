//! A trajectory step by step: the time line, the texts of one place, and its pictures.

mod flags;
mod layout;
mod mouse;
mod moving;
mod pages;
mod pane_stack;
mod panes;
mod pictures;
mod run_panes;
mod time_line;

use std::sync::Arc;
use std::time::Instant;

use ratatui::layout::Rect;

use crate::corpus::Inspection;
use crate::domain::{PictureReference, TargetId, Trajectory};
use crate::index::Highlighter;
use crate::replay::{StepReplay, TrajectoryReplay};
use crate::tui::action::Action;
use crate::tui::decisions::{answer_editor, unanswered};
use crate::tui::effect::Effect;
use crate::tui::overlays::{FullPicture, Overlay, Prompt, TextPage};
use crate::tui::question::Question;
use crate::tui::subject::Subject;
use crate::tui::theme::Theme;

use super::record_lines::Writer;
use super::{Request, open_candidates, open_gold};

pub use pages::{attachment_choice, pretty, prompt_page};
pub use panes::PaneKind;

use pages::system_prompt;
use pane_stack::PaneStack;
use panes::PaneLines;
use run_panes::run_panes;
use time_line::TimeLine;

/// How fast steps are played, in milliseconds a step.
const SPEEDS: [u64; 6] = [4000, 2500, 1500, 900, 500, 250];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Focus {
    #[default]
    TimeLine,
    Panes,
}

/// The replay view.
#[derive(Debug)]
pub struct ReplayView {
    /// What is shown.
    pub id: TargetId,
    record: Arc<Inspection>,
    /// Its steps, run again, as they were then.
    run: Option<Arc<TrajectoryReplay>>,
    highlighter: Highlighter,
    /// Whether nothing is told of the candidates that pairs are made of.
    is_blind: bool,
    /// 0 is the task, then the steps, behind the last one the end.
    entry: usize,
    focus: Focus,
    time_line: TimeLine,
    panes: PaneStack,
    /// The place and width that the panes are made for.
    made_for: Option<(usize, u16)>,
    /// The flag that was gone to last.
    flag: Option<usize>,
    picture: usize,
    is_grid: bool,
    shows_boxes: bool,
    speed: usize,
    playing: Option<Instant>,
    pictures_area: Rect,
    divided: u16,
    border: Option<u16>,
    is_dragging: bool,
    area: Rect,
}

impl ReplayView {
    /// A trajectory, at a step if one is named.
    pub fn new(
        id: TargetId,
        record: Arc<Inspection>,
        highlighter: Highlighter,
        step: Option<u32>,
    ) -> Self {
        let count = step_count(&record);
        Self {
            id,
            record,
            run: None,
            highlighter,
            is_blind: false,
            entry: step.map_or(0, |step| (step as usize).min(count)),
            focus: Focus::default(),
            time_line: TimeLine::default(),
            panes: PaneStack::default(),
            made_for: None,
            flag: None,
            picture: 0,
            is_grid: false,
            shows_boxes: true,
            speed: 2,
            playing: None,
            pictures_area: Rect::default(),
            divided: 34,
            border: None,
            is_dragging: false,
            area: Rect::default(),
        }
    }

    /// The same trajectory as it is now.
    pub fn renew(&mut self, record: Arc<Inspection>) {
        // What other steps printed says nothing of these.
        if record.current.content != self.record.current.content {
            self.run = None;
        }
        self.record = record;
        self.flag = None;
        self.entry = self.entry.min(self.last());
        // The texts are made anew, the place in them stays.
        if let Some((entry, _)) = self.made_for {
            self.made_for = Some((entry, 0));
        }
    }

    /// Tells nothing of the candidates that pairs are made of, or tells it again.
    pub fn set_blind(&mut self, is_blind: bool) {
        self.is_blind = is_blind;
        if let Some((entry, _)) = self.made_for {
            self.made_for = Some((entry, 0));
        }
    }

    /// The steps have run again.
    pub fn set_run(&mut self, run: Arc<TrajectoryReplay>) {
        self.run = Some(run);
        if let Some((entry, _)) = self.made_for {
            self.made_for = Some((entry, 0));
        }
    }

    /// The panes of a place; what running its step again has shown stands below its observation.
    fn panes_of(&self, entry: usize, writer: &Writer<'_>) -> Vec<PaneLines> {
        let mut all = panes::panes(&self.record, &self.record.flags, entry, writer);
        if self.is_blind {
            panes::hide_candidates(&mut all, writer);
        }
        if let Some(run) = self.run_of(entry) {
            let observation = all
                .iter()
                .position(|pane| pane.kind == PaneKind::Observation);
            let at = observation.map_or(all.len(), |at| at + 1);
            all.splice(at..at, run_panes(run, writer));
        }
        all
    }

    /// What running the step in a place again has shown.
    fn run_of(&self, entry: usize) -> Option<&StepReplay> {
        let number = entry.checked_sub(1)?;
        let run = self.run.as_ref()?;
        run.steps.iter().find(|step| step.step == number)
    }

    /// What is looked at.
    pub fn record(&self) -> &Arc<Inspection> {
        &self.record
    }

    fn has_pairs(&self) -> bool {
        let has_candidates = |trajectory: &Trajectory| {
            let mut steps = trajectory.steps.iter();
            steps.any(|step| !step.candidates.is_empty())
        };
        !self.record.current.pairs.is_empty() || self.trajectory().is_some_and(has_candidates)
    }

    fn trajectory(&self) -> Option<&Trajectory> {
        self.record.current.content.trajectory.as_ref()
    }

    /// The last place: behind the last step.
    fn last(&self) -> usize {
        step_count(&self.record) + 1
    }

    /// The step in front, from 1.
    pub fn step(&self) -> Option<usize> {
        (1..self.last()).contains(&self.entry).then_some(self.entry)
    }

    /// What verbs are about.
    pub fn subject(&self) -> Subject {
        Subject {
            id: self.id.clone(),
            record: Some(Arc::clone(&self.record)),
            step: self.step(),
        }
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action, theme: &Theme) -> Vec<Request> {
        match action {
            Action::Down
            | Action::Up
            | Action::PageDown
            | Action::PageUp
            | Action::First
            | Action::Last => {
                self.scroll(action);
            }
            Action::NextStep | Action::Right => self.go(self.entry + 1),
            Action::PreviousStep | Action::Left => self.go(self.entry.saturating_sub(1)),
            Action::NextPane => match self.focus {
                Focus::TimeLine => {
                    self.focus = Focus::Panes;
                    self.panes.focus_end(false);
                }
                Focus::Panes if self.panes.is_at_end(false) => self.focus = Focus::TimeLine,
                Focus::Panes => self.panes.turn_focus(1),
            },
            Action::PreviousPane => match self.focus {
                Focus::TimeLine => {
                    self.focus = Focus::Panes;
                    self.panes.focus_end(true);
                }
                Focus::Panes if self.panes.is_at_end(true) => self.focus = Focus::TimeLine,
                Focus::Panes => self.panes.turn_focus(-1),
            },
            Action::Play => {
                self.playing = match self.playing {
                    Some(_) => None,
                    None => Some(Instant::now()),
                };
                if self.playing.is_some() && self.entry == self.last() {
                    self.go(0);
                }
            }
            Action::Faster => self.speed = (self.speed + 1).min(SPEEDS.len() - 1),
            Action::Slower => self.speed = self.speed.saturating_sub(1),
            Action::NextError => {
                return self.next_where("error", |view, step| view.has_error(step));
            }
            Action::NextFlag => return self.next_flag(theme),
            Action::OpenGold => return vec![open_gold(&self.record)],
            Action::NextTool => {
                let calls = |view: &Self, step: usize| {
                    view.record
                        .tools
                        .get(step - 1)
                        .is_some_and(|tools| !tools.is_empty())
                };
                return self.next_where("tool call", calls);
            }
            Action::GoToStep => {
                let hint = format!("1 to {}", step_count(&self.record));
                let prompt = Prompt::new("To step", hint, Question::GoToStep);
                return vec![Request::Show(Box::new(Overlay::Prompt(prompt)))];
            }
            Action::NextMatch => return self.next_match(false, theme),
            Action::PreviousMatch => return self.next_match(true, theme),
            Action::Fold => {
                if self.focus == Focus::TimeLine {
                    self.focus = Focus::Panes;
                }
                self.panes.fold();
            }
            Action::FoldAll => self.panes.fold_all(),
            Action::NextPicture => self.turn_picture(1),
            Action::PreviousPicture => self.turn_picture(-1),
            Action::ToggleGrid => self.is_grid = !self.is_grid,
            Action::ToggleBoxes => self.shows_boxes = !self.shows_boxes,
            Action::Zoom => {
                let pictures = self.pictures();
                if pictures.is_empty() {
                    return vec![Request::Say("there is no picture here".to_owned())];
                }
                let full = FullPicture::new(pictures, self.picture);
                return vec![Request::Show(Box::new(Overlay::FullPicture(full)))];
            }
            Action::Attachments => return self.attachments(),
            Action::RawRecord if self.is_blind && self.has_pairs() => {
                let said = "not in blind mode: it says which candidate of a pair was chosen";
                return vec![Request::Say(said.to_owned())];
            }
            Action::RawRecord => {
                let page = TextPage::new(
                    format!("{} as its source has it", self.record.record.id),
                    pretty(&self.record.record.raw),
                );
                return vec![Request::Show(Box::new(Overlay::TextPage(page)))];
            }
            Action::SystemPrompt => return vec![system_prompt(self.trajectory())],
            Action::OpenCandidates => {
                let step = self.step().and_then(|step| u32::try_from(step).ok());
                return vec![Request::Do(open_candidates(&self.id.record, step))];
            }
            Action::AnswerCall => return vec![self.answer_call()],
            Action::OpenPairs => {
                let pairs = &self.record.current.pairs;
                let Some(pair) = pairs.iter().find(|pair| pair.target.part.is_some()) else {
                    return vec![Request::Say("the record has no pairs".to_owned())];
                };
                return vec![Request::Do(Effect::Inspect(
                    crate::tui::effect::InspectRequest {
                        ticket: crate::tui::effect::Ticket::default(),
                        id: pair.target.clone(),
                        purpose: crate::tui::effect::Purpose::Open(None),
                    },
                ))];
            }
            Action::Copy => return vec![Request::Do(Effect::Copy(self.id.to_string()))],
            action => return vec![Request::Decide(action, vec![self.subject()])],
        }
        Vec::new()
    }

    /// Asks what the call returned that nothing answered when the steps ran again.
    fn answer_call(&self) -> Request {
        let Some(run) = &self.run else {
            return Request::Say("the steps were not run again yet".to_owned());
        };
        let editor =
            unanswered(run, self.step()).and_then(|call| answer_editor(self.subject(), call));
        match editor {
            Some(editor) => Request::Edit(Box::new(editor)),
            None => Request::Say("every call was answered, as far as the steps ran".to_owned()),
        }
    }

    /// The pane that has the focus, or the first that can be edited.
    pub fn pane_in_focus(&self) -> Option<PaneKind> {
        match self.focus {
            Focus::Panes => self.panes.focused_kind(),
            Focus::TimeLine => None,
        }
    }

    fn writer<'a>(&'a self, theme: &'a Theme, width: u16) -> Writer<'a> {
        Writer {
            theme,
            highlighter: &self.highlighter,
            width: usize::from(width.saturating_sub(2)).max(8),
        }
    }

    fn turn_picture(&mut self, by: isize) {
        let count = self.pictures().len();
        if count > 0 {
            self.picture = (self.picture as isize + by).rem_euclid(count as isize) as usize;
        }
    }

    fn attachments(&self) -> Vec<Request> {
        let Some(trajectory) = self.trajectory() else {
            return Vec::new();
        };
        let files: Vec<PictureReference> = trajectory
            .task
            .attachments
            .iter()
            .map(|attachment| attachment.reference.clone())
            .filter(|reference| !reference.is_picture())
            .collect();
        vec![attachment_choice(&self.record, files)]
    }
}

fn step_count(record: &Inspection) -> usize {
    let trajectory = record.current.content.trajectory.as_ref();
    trajectory.map_or(0, |trajectory| trajectory.steps.len())
}
