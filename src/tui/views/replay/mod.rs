//! A trajectory step by step: the time line, the texts of one place, and its pictures.

mod flags;
mod mouse;
mod pane_stack;
mod panes;
mod pictures;
mod run_panes;
mod time_line;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::corpus::Inspection;
use crate::domain::{PictureReference, TargetId, Trajectory};
use crate::index::Highlighter;
use crate::replay::{StepReplay, TrajectoryReplay};
use crate::tui::action::Action;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::Effect;
use crate::tui::overlays::{Choice, FullPicture, Overlay, Prompt, TextPage};
use crate::tui::question::Question;
use crate::tui::subject::Subject;
use crate::tui::theme::{Paint, Theme};

use super::record_lines::{Writer, summary_line};
use super::{Request, open_gold};

pub use panes::PaneKind;

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

    /// When the next step is played.
    pub fn next_tick(&self) -> Option<Duration> {
        let since = self.playing?;
        Some(self.pace().saturating_sub(since.elapsed()))
    }

    fn pace(&self) -> Duration {
        Duration::from_millis(SPEEDS[self.speed.min(SPEEDS.len() - 1)])
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        let Some(since) = self.playing else { return };
        if now.saturating_duration_since(since) < self.pace() {
            return;
        }
        if self.entry == self.last() {
            self.playing = None;
            return;
        }
        self.go(self.entry + 1);
        self.playing = Some(now);
    }

    fn go(&mut self, entry: usize) {
        let entry = entry.min(self.last());
        if entry != self.entry {
            self.entry = entry;
            self.picture = 0;
        }
    }

    /// Goes to a step by its number.
    pub fn go_to_step(&mut self, number: usize) -> Vec<Request> {
        let count = step_count(&self.record);
        if number == 0 || number > count {
            return vec![Request::Say(format!(
                "there is no step {number}: 1 to {count}"
            ))];
        }
        self.go(number);
        Vec::new()
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
            Action::RawRecord => {
                let page = TextPage::new(
                    format!("{} as its source has it", self.record.record.id),
                    pretty(&self.record.record.raw),
                );
                return vec![Request::Show(Box::new(Overlay::TextPage(page)))];
            }
            Action::SystemPrompt => return vec![system_prompt(self.trajectory())],
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

    /// The pane that has the focus, or the first that can be edited.
    pub fn pane_in_focus(&self) -> Option<PaneKind> {
        match self.focus {
            Focus::Panes => self.panes.focused_kind(),
            Focus::TimeLine => None,
        }
    }

    fn scroll(&mut self, action: Action) {
        if self.focus == Focus::TimeLine {
            let entry = match action {
                Action::Down => self.entry + 1,
                Action::Up => self.entry.saturating_sub(1),
                Action::PageDown => self.entry + 10,
                Action::PageUp => self.entry.saturating_sub(10),
                Action::First => 0,
                _ => self.last(),
            };
            self.go(entry);
            return;
        }
        let page = self.panes.page();
        let lines = match action {
            Action::Down => 1,
            Action::Up => -1,
            Action::PageDown => page,
            Action::PageUp => -page,
            Action::First => isize::MIN / 2,
            _ => isize::MAX / 2,
        };
        self.panes.scroll(None, lines);
    }

    fn has_error(&self, step: usize) -> bool {
        let recorded = self
            .trajectory()
            .and_then(|trajectory| trajectory.steps.get(step - 1));
        recorded.is_some_and(|step| step.is_error())
            || self.record.flags.iter().any(|flag| flag.step == Some(step))
    }

    fn next_where(&mut self, what: &str, fits: impl Fn(&Self, usize) -> bool) -> Vec<Request> {
        let count = step_count(&self.record);
        // Round again from the beginning.
        let behind = self.entry + 1..=count;
        let before = 1..=self.entry.min(count);
        let next = behind.chain(before).find(|step| fits(self, *step));
        match next {
            Some(step) => {
                self.go(step);
                Vec::new()
            }
            None => vec![Request::Say(format!("there is no {what}"))],
        }
    }

    fn next_match(&mut self, backwards: bool, theme: &Theme) -> Vec<Request> {
        if self.highlighter.is_empty() {
            return vec![Request::Say(
                "the query has no words to look for".to_owned(),
            )];
        }
        let style = theme.style(Paint::Match);
        self.focus = Focus::Panes;
        if self.panes.show_match(style, backwards, false) {
            return Vec::new();
        }
        let count = self.last() + 1;
        let start = self.entry;
        for distance in 1..=count {
            let entry = match backwards {
                false => (start + distance) % count,
                true => (start + count - distance % count) % count,
            };
            let width = self.made_for.map_or(80, |(_, width)| width);
            let lines = self.panes_of(entry, &self.writer(theme, width));
            self.panes.set(lines, true);
            self.entry = entry;
            self.made_for = Some((entry, self.made_for.map_or(80, |(_, width)| width)));
            if self.panes.show_match(style, backwards, true) {
                return Vec::new();
            }
        }
        self.go(start);
        vec![Request::Say("nothing here matches the query".to_owned())]
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

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.area = area;
        self.draw_head(area, buffer, context);
        let body = Rect {
            y: area.y + 1.min(area.height),
            height: area.height.saturating_sub(1),
            ..area
        };
        let pictures = self.pictures();
        self.picture = self.picture.min(pictures.len().saturating_sub(1));
        self.border = None;
        self.pictures_area = Rect::default();
        let left_width = (body.width / 4).clamp(16, 30);
        let mut left = Rect {
            width: left_width,
            ..body
        };
        let mut middle = Rect {
            x: body.x + left_width + 1,
            width: body.width.saturating_sub(left_width + 1),
            ..body
        };
        if !pictures.is_empty() && body.width >= 100 {
            let width = (body.width * self.divided / 100)
                .clamp(20, middle.width.saturating_sub(30).max(20));
            middle.width = middle.width.saturating_sub(width + 1);
            self.pictures_area = Rect {
                x: middle.right() + 1,
                width,
                ..body
            };
            self.border = Some(middle.right());
        } else if !pictures.is_empty() {
            // Below the time line, if that leaves room.
            let lines = u16::try_from(self.last() + 1)
                .unwrap_or(u16::MAX)
                .saturating_add(1);
            let height = body.height.saturating_sub(lines.min(body.height / 2));
            if height >= 6 {
                left.height = body.height - height;
                self.pictures_area = Rect {
                    y: left.bottom(),
                    height,
                    ..left
                };
            }
        }
        self.time_line.draw(
            (&self.record, self.run.as_deref()),
            self.entry,
            self.focus == Focus::TimeLine,
            left,
            buffer,
            context,
        );
        for y in body.y..body.bottom() {
            buffer.set_string(left.right(), y, "│", context.style(Paint::Border));
            if let Some(x) = self.border {
                buffer.set_string(x, y, "│", context.style(Paint::Border));
            }
        }
        if self.made_for != Some((self.entry, middle.width)) {
            let is_new_place = self.made_for.is_none_or(|(entry, _)| entry != self.entry);
            let writer = self.writer(context.theme, middle.width);
            let lines = self.panes_of(self.entry, &writer);
            self.panes.set(lines, is_new_place);
            self.made_for = Some((self.entry, middle.width));
        }
        self.panes
            .draw(self.focus == Focus::Panes, middle, buffer, context);
        self.draw_pictures(&pictures, buffer, context);
    }

    fn draw_head(&self, area: Rect, buffer: &mut Buffer, context: &DrawContext<'_>) {
        let mut line = summary_line(&self.record, context.theme);
        let place = match self.step() {
            Some(step) => format!("  step {step} of {}", step_count(&self.record)),
            None if self.entry == 0 => "  task".to_owned(),
            None => "  end".to_owned(),
        };
        line.spans
            .push(Span::styled(place, context.style(Paint::Heading)));
        if self.playing.is_some() {
            let pace = self.pace().as_secs_f32();
            line.spans.push(Span::styled(
                format!("  ▶ {pace} s"),
                context.style(Paint::Accent),
            ));
        }
        buffer.set_line(area.x, area.y, &line, area.width);
    }
}

fn step_count(record: &Inspection) -> usize {
    let trajectory = record.current.content.trajectory.as_ref();
    trajectory.map_or(0, |trajectory| trajectory.steps.len())
}

/// JSON with line breaks; what can't be read stays as it is.
pub fn pretty(json: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(json);
    let text = value
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    text.unwrap_or_else(|| json.to_owned())
}

/// The system prompt and the tools of a trajectory, to be read.
fn system_prompt(trajectory: Option<&Trajectory>) -> Request {
    let Some(trajectory) = trajectory else {
        return Request::Say("it has no system prompt".to_owned());
    };
    prompt_page(trajectory.system_prompt.as_deref(), &trajectory.tools)
}

/// A system prompt and tools, to be read.
pub fn prompt_page(prompt: Option<&str>, tools: &[crate::domain::ToolDefinition]) -> Request {
    let mut text = prompt.unwrap_or_default().to_owned();
    for tool in tools {
        let definition =
            serde_json::to_value(tool).and_then(|value| serde_json::to_string_pretty(&value));
        text.push_str(&format!("\n\n{}", definition.unwrap_or_default()));
    }
    match text.trim().is_empty() {
        true => Request::Say("it has no system prompt".to_owned()),
        false => Request::Show(Box::new(Overlay::TextPage(TextPage::new(
            "System prompt and tools",
            text,
        )))),
    }
}

/// Asks which file to open, or opens the only one.
pub fn attachment_choice(record: &Arc<Inspection>, files: Vec<PictureReference>) -> Request {
    let id = record.record.id.clone();
    match files.as_slice() {
        [] => Request::Say("the task has no file besides pictures".to_owned()),
        [one] => Request::Do(Effect::ReadAttachment(id, one.clone())),
        _ => {
            let names = files.iter().map(|file| file.label().to_owned()).collect();
            let choice = Choice::new("Files", names, Question::Attachment(id, files));
            Request::Show(Box::new(Overlay::Choice(choice)))
        }
    }
}
