//! The two sides of a preference pair: their common context, and what differs.

mod sides;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::layout::{Rect, Size};
use ratatui::text::{Line, Span};

use crate::corpus::Inspection;
use crate::corpus::decision::Verdict;
use crate::domain::review::{Opinion, Side};
use crate::domain::{PictureReference, PreferencePair, TargetId};
use crate::index::Highlighter;
use crate::tui::action::Action;
use crate::tui::blind::{BlindLook, tells_sides};
use crate::tui::decisions::{Deed, Vote};
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{Effect, PictureRequest};
use crate::tui::overlays::{FullPicture, Overlay, TextPage};
use crate::tui::subject::Subject;
use crate::tui::theme::{Paint, Theme};
use crate::tui::widgets::pane::{Scroll, scrolled};

use super::record_lines::{Writer, state_mark};
use super::{Request, open_candidates};
use sides::{CHOSEN, NEUTRAL, REJECTED, sides};

use super::replay::{attachment_choice, pretty, prompt_page};

/// The compare view.
#[derive(Debug)]
pub struct CompareView {
    /// The pair.
    pub id: TargetId,
    record: Arc<Inspection>,
    highlighter: Highlighter,
    is_stacked: bool,
    /// Who looks.
    annotator: String,
    /// Sides at random, and nothing told before the vote.
    is_blind: bool,
    /// Whether it was told which side is which: a vote then is no blind one.
    is_told: bool,
    /// A vote is on its way to the journal: it counts once.
    is_voting: bool,
    hides_context: bool,
    scroll: Scroll,
    height: usize,
    picture: usize,
    made: Option<(u16, Vec<Line<'static>>)>,
}

impl CompareView {
    /// A pair, as this annotator sees it.
    pub fn new(
        id: TargetId,
        record: Arc<Inspection>,
        highlighter: Highlighter,
        is_blind: bool,
        annotator: &str,
    ) -> Self {
        Self {
            id,
            record,
            highlighter,
            is_stacked: false,
            annotator: annotator.to_owned(),
            is_blind,
            is_told: !is_blind,
            is_voting: false,
            hides_context: false,
            scroll: Scroll::default(),
            height: 1,
            picture: 0,
            made: None,
        }
    }

    /// The same pair as it is now.
    pub fn renew(&mut self, record: Arc<Inspection>) {
        self.record = record;
        self.made = None;
    }

    fn pair(&self) -> Option<&PreferencePair> {
        let (pair, _) = self.record.current.pair(self.id.part.as_deref())?;
        Some(pair)
    }

    /// What is looked at.
    pub fn record(&self) -> &Arc<Inspection> {
        &self.record
    }

    /// What verbs are about.
    pub fn subject(&self) -> Subject {
        Subject {
            id: self.id.clone(),
            record: Some(Arc::clone(&self.record)),
            step: None,
        }
    }

    /// Whether sides stand at random, and nothing is told.
    pub fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// The vote is saved: now everything is told.
    pub fn tell(&mut self) {
        self.is_blind = false;
        self.is_told = true;
        self.is_voting = false;
        self.made = None;
    }

    /// The vote could not be saved.
    pub fn take_back(&mut self) {
        self.is_voting = false;
    }

    fn blind_look(&self) -> BlindLook {
        BlindLook::of(&self.record, &self.id, &self.annotator)
    }

    /// Whether the chosen side stands to the right. Without blind mode it never does.
    fn is_turned(&self) -> bool {
        self.is_blind && self.blind_look().is_turned
    }

    /// What it means that the side to the left (`Some(true)`) or right is better, or that both are equally good; `None` while a vote
    /// is being saved.
    pub fn vote(&mut self, is_left: Option<bool>) -> Option<Deed> {
        if self.is_blind && !self.is_told {
            if std::mem::replace(&mut self.is_voting, true) {
                return None;
            }
            let look = self.blind_look();
            return Some(Deed::Vote(Vote {
                preferred: is_left.map(|is_left| look.side(is_left)),
                left: look.left,
            }));
        }
        Some(match is_left {
            Some(is_left) => Deed::Prefer(Side::Chosen.turned_if(is_left == self.is_turned())),
            None => Deed::Verdict(Verdict::plain(Opinion::Tie)),
        })
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let page = self.height.saturating_sub(2).max(1) as isize;
        match action {
            action if self.is_blind && tells_sides(action) => {
                let said = "not before the vote: 1 or 2 says which is better, = that neither is";
                return vec![Request::Say(said.to_owned())];
            }
            Action::Down => self.scroll.by(1),
            Action::Up => self.scroll.by(-1),
            Action::PageDown => self.scroll.by(page),
            Action::PageUp => self.scroll.by(-page),
            Action::First => self.scroll.top = 0,
            Action::Last => self.scroll.top = usize::MAX,
            Action::Left | Action::Right | Action::NextPane | Action::PreviousPane => {}
            Action::ToggleLayout => {
                self.is_stacked = !self.is_stacked;
                self.made = None;
            }
            Action::ToggleBlind => {
                self.is_blind = !self.is_blind;
                self.is_told |= !self.is_blind;
                self.made = None;
            }
            Action::Fold => {
                self.hides_context = !self.hides_context;
                self.made = None;
            }
            Action::NextPicture => self.picture = self.picture.saturating_add(1),
            Action::PreviousPicture => self.picture = self.picture.saturating_sub(1),
            Action::Zoom => {
                let pictures = self.pictures();
                if pictures.is_empty() {
                    return vec![Request::Say("there is no picture here".to_owned())];
                }
                let full = FullPicture::new(pictures, self.picture);
                return vec![Request::Show(Box::new(Overlay::FullPicture(full)))];
            }
            Action::Attachments => {
                let attachments = self
                    .pair()
                    .map(|pair| pair.context.task.attachments.as_slice());
                let files = attachments
                    .unwrap_or_default()
                    .iter()
                    .map(|a| a.reference.clone());
                let files: Vec<PictureReference> = files.filter(|r| !r.is_picture()).collect();
                return vec![attachment_choice(&self.record, files)];
            }
            Action::RawRecord => {
                let title = format!("{} as its source has it", self.record.record.id);
                let page = TextPage::new(title, pretty(&self.record.record.raw));
                return vec![Request::Show(Box::new(Overlay::TextPage(page)))];
            }
            Action::SystemPrompt => {
                let context = self.pair().map(|pair| &pair.context);
                let prompt = context.and_then(|context| context.system_prompt.as_deref());
                let tools = context
                    .map(|context| context.tools.as_slice())
                    .unwrap_or_default();
                return vec![prompt_page(prompt, tools)];
            }
            Action::OpenCandidates => {
                let step = self.pair().map(PreferencePair::step_number);
                let step = step.and_then(|step| u32::try_from(step).ok());
                return vec![Request::Do(open_candidates(&self.id.record, step))];
            }
            Action::Copy => return vec![Request::Do(Effect::Copy(self.id.to_string()))],
            action => return vec![Request::Decide(action, vec![self.subject()])],
        }
        Vec::new()
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        match event.kind {
            MouseEventKind::ScrollDown => self.scroll.by(3),
            MouseEventKind::ScrollUp => self.scroll.by(-3),
            _ => {}
        }
        Vec::new()
    }

    fn pictures(&self) -> Vec<PictureRequest> {
        let Some(pair) = self.pair() else {
            return Vec::new();
        };
        let of_task = pair.context.task.attachments.iter().map(|a| &a.reference);
        let request = |reference: &PictureReference| PictureRequest {
            record: self.record.record.id.clone(),
            reference: reference.clone(),
            room: Size::default(),
            boxes: Vec::new(),
        };
        of_task.filter(|r| r.is_picture()).map(request).collect()
    }

    /// Whether something may be told that says how others, or the data, judge.
    fn is_open(&self) -> bool {
        !self.is_blind
    }

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.draw_head(area, buffer, context);
        let mut body = Rect {
            y: area.y + 1.min(area.height),
            height: area.height.saturating_sub(1),
            ..area
        };
        let pictures = self.pictures();
        if !pictures.is_empty() && body.width >= 110 && body.height >= 10 {
            self.picture = self.picture.min(pictures.len() - 1);
            let width = (body.width / 4).min(40);
            let place = Rect {
                x: body.right() - width,
                width,
                height: body.height.min(width / 2 + 2),
                ..body
            };
            body.width -= width + 1;
            if let Some(picture) = pictures.get(self.picture) {
                context
                    .pictures
                    .draw(picture.clone(), place, context.theme, buffer);
            }
        }
        self.height = usize::from(body.height);
        if self
            .made
            .as_ref()
            .is_none_or(|(width, _)| *width != body.width)
        {
            self.made = Some((body.width, self.lines(body.width, context.theme)));
        }
        if let Some((_, lines)) = &self.made {
            scrolled(lines, &mut self.scroll, body, context.theme, buffer);
        }
    }

    fn draw_head(&self, area: Rect, buffer: &mut Buffer, context: &DrawContext<'_>) {
        let about = self.record.current.pair(self.id.part.as_deref());
        let state = about.map(|(_, about)| about.state).unwrap_or_default();
        let (mark, paint) = match self.is_blind {
            true => ("?", Paint::Dim),
            false => state_mark(state),
        };
        let step = self.pair().map_or(0, PreferencePair::step_number);
        let mut spans = vec![
            Span::styled(format!("{mark} "), context.style(paint)),
            Span::styled(self.id.to_string(), context.style(Paint::Accent)),
            Span::styled(format!("  step {step}"), context.style(Paint::Heading)),
        ];
        if self.is_blind {
            spans.push(Span::styled("  blind", context.style(Paint::Warning)));
        } else if about.is_some_and(|(_, about)| about.review.swapped) {
            spans.push(Span::styled("  swapped", context.style(Paint::Edited)));
        }
        buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
    }

    /// Everything below the head.
    fn lines(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        let Some(pair) = self.pair() else {
            return vec![Line::styled(
                "the step of this pair is gone",
                theme.style(Paint::Bad),
            )];
        };
        let width = usize::from(width.saturating_sub(1)).max(20);
        let whole = Writer {
            theme,
            highlighter: &self.highlighter,
            width,
        };
        let mut all = Vec::new();
        self.context_lines(pair, &whole, &mut all);
        let (left, right) = match self.is_turned() {
            false => (&pair.chosen, &pair.rejected),
            true => (&pair.rejected, &pair.chosen),
        };
        let looks = match self.is_open() {
            true => [CHOSEN, REJECTED],
            false => NEUTRAL,
        };
        let stacked = self.is_stacked || width < 70;
        let sides = sides(left, right, looks, stacked, self.is_open(), &whole);
        all.extend(sides);
        if self.is_open() {
            if let Some(reason) = &pair.reason {
                all.push(heading("Judge's reason", theme));
                all.extend(whole.text("reason", reason, Paint::Text));
            }
            all.extend(review_lines(&self.record, self.id.part.as_deref(), &whole));
        } else {
            all.push(Line::default());
            all.push(Line::styled(
                "1 or 2 says which is better, = that both are equally good; then the rest is told",
                theme.style(Paint::Dim),
            ));
        }
        all
    }

    fn context_lines(
        &self,
        pair: &PreferencePair,
        writer: &Writer<'_>,
        all: &mut Vec<Line<'static>>,
    ) {
        let theme = writer.theme;
        if self.hides_context {
            let steps = pair.context.steps.len();
            let text = format!("▸ Context: task and {steps} steps");
            all.push(Line::styled(text, theme.style(Paint::Dim)));
            all.push(Line::default());
            return;
        }
        all.push(heading("Task", theme));
        all.extend(writer.text("task", &pair.context.task.text, Paint::Text));
        for attachment in &pair.context.task.attachments {
            let label = crate::domain::visible_line(attachment.reference.label()).into_owned();
            all.push(Line::styled(format!("▣ {label}"), theme.style(Paint::Dim)));
        }
        for (index, step) in pair.context.steps.iter().enumerate() {
            all.push(heading(&format!("Step {}", index + 1), theme));
            if let Some(thought) = &step.thought {
                all.extend(writer.text("thought", thought, Paint::Dim));
            }
            if let Some(action) = &step.action {
                all.extend(writer.action(action, &[]));
            }
            if let Some(observation) = &step.observation {
                all.extend(writer.text("observation", &observation.text, Paint::Dim));
            }
        }
        all.push(Line::default());
    }
}

fn heading(text: &str, theme: &Theme) -> Line<'static> {
    Line::styled(text.to_owned(), theme.style(Paint::Heading))
}

/// What people decided about the pair.
fn review_lines(
    record: &Inspection,
    part: Option<&str>,
    writer: &Writer<'_>,
) -> Vec<Line<'static>> {
    let Some((_, about)) = record.current.pair(part) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (annotator, verdict) in &about.review.verdicts {
        let (word, paint) = match verdict.opinion {
            Opinion::Accept => ("accepted", Paint::Good),
            Opinion::Reject => ("rejected", Paint::Bad),
            Opinion::Tie => ("equally good", Paint::Accent),
        };
        let why = match verdict.why.reasons.is_empty() {
            true => String::new(),
            false => format!(" ({})", verdict.why.reasons.join(", ")),
        };
        let text = match verdict.why.text.is_empty() {
            true => String::new(),
            false => format!(" “{}”", verdict.why.text),
        };
        lines.extend(writer.text("reason", &format!("{annotator}: {word}{why}{text}"), paint));
    }
    for note in &about.review.notes {
        lines.extend(writer.text(
            "note",
            &format!("{}: {}", note.annotator, note.text),
            Paint::Edited,
        ));
    }
    if !about.review.tags.is_empty() {
        let tags: Vec<&str> = about.review.tags.keys().map(String::as_str).collect();
        lines.extend(writer.text("tag", &format!("tags: {}", tags.join(", ")), Paint::Accent));
    }
    if !lines.is_empty() {
        lines.insert(0, heading("Review", writer.theme));
    }
    lines
}
