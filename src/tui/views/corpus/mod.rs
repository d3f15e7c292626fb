//! The corpus: a search line, facets, what is found, and a preview of what is selected.

mod facet_list;
mod result_list;
mod search_line;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::corpus::{Inspection, ListedHit};
use crate::domain::TargetId;
use crate::index::query::ResultKind;
use crate::index::{DocumentKind, Highlighter, Sort};
use crate::tui::action::Action;
use crate::tui::backend::understood;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{
    CountRequest, Effect, FacetCount, Failure, Finding, Found, InspectRequest, KeptQueries,
    PictureRequest, Purpose, Ticket, UnreviewedRequest,
};
use crate::tui::overlays::{Choice, FullPicture, Overlay, Prompt};
use crate::tui::question::Question;
use crate::tui::subject::Subject;
use crate::tui::theme::Paint;
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::cut;

use super::Request;
use super::record_lines::{Writer, preview};

pub use result_list::{ResultList, thousands};

use facet_list::{FacetList, toggled};
use search_line::SearchLine;

/// Orders that a key goes through.
const SORTS: [&str; 6] = ["score", "source", "-steps", "steps", "-bytes", "-pictures"];

/// Kinds of results that a key goes through.
const KINDS: [ResultKind; 4] = [
    ResultKind::Record,
    ResultKind::Trajectory,
    ResultKind::Step,
    ResultKind::Pair,
];

/// A part of the view that keys go to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Focus {
    Facets,
    #[default]
    Results,
    Preview,
}

/// The corpus view.
#[derive(Debug, Default)]
pub struct CorpusView {
    /// The search line.
    line: SearchLine,
    /// What is found.
    pub list: ResultList,
    facets: FacetList,
    focus: Focus,
    hides_facets: bool,
    hides_preview: bool,
    saved: Vec<(String, String)>,
    preview: Preview,
    /// Greater with each preview asked for.
    ticket: Ticket,
    /// A verdict leads on to the next item that is unreviewed.
    pub is_queue: bool,
    splits: Splits,
}

/// What is selected, to the side.
#[derive(Debug, Default)]
struct Preview {
    /// What it is of.
    wanted: Option<TargetId>,
    record: Option<Arc<Inspection>>,
    failure: Option<String>,
    scroll: Scroll,
    /// Lines for a record and a width.
    shown: Option<(u16, Vec<Line<'static>>)>,
    picture: usize,
    area: Rect,
}

/// How wide panes are, in percent, and where their borders were drawn.
#[derive(Debug)]
struct Splits {
    facets: u16,
    preview: u16,
    facets_border: Option<u16>,
    preview_border: Option<u16>,
    dragged: Option<Focus>,
    area: Rect,
}

impl Default for Splits {
    fn default() -> Self {
        Self {
            facets: 20,
            preview: 36,
            facets_border: None,
            preview_border: None,
            dragged: None,
            area: Rect::default(),
        }
    }
}

impl CorpusView {
    /// Whether keys are text.
    pub fn is_typing(&self) -> bool {
        self.line.is_typing
    }

    /// The query.
    pub fn query(&self) -> &str {
        self.line.text()
    }

    /// Another query, as if it had been typed.
    pub fn set_query(&mut self, query: &str) -> Vec<Request> {
        self.line.set(query);
        self.line.accept();
        let mut requests = self.find(false);
        requests.push(Request::Do(Effect::KeepQueries(self.kept())));
        requests
    }

    /// Queries of earlier days.
    pub fn set_kept(&mut self, kept: KeptQueries) {
        self.line.history = kept.history;
        self.saved = kept.saved;
    }

    fn kept(&self) -> KeptQueries {
        KeptQueries {
            history: self.line.history.clone(),
            saved: self.saved.clone(),
        }
    }

    /// Values that completion offers.
    pub fn set_values(&mut self, values: Vec<(String, Vec<String>)>) {
        self.line.values = values.into_iter().collect();
    }

    /// What the query looks for, to be marked in texts.
    pub fn highlighter(&self) -> Highlighter {
        Highlighter::from_query(&understood(&self.list.finding).0)
    }

    /// Looks for what is typed; `stay` keeps the place in the list.
    pub fn find(&mut self, stay: bool) -> Vec<Request> {
        let query = self.line.text().to_owned();
        let has_words = !query.trim().is_empty();
        let sort = match self.list.finding.sort {
            // Without words there is no score to sort by.
            Sort::Score if !has_words => Sort::Source,
            Sort::Source if has_words && self.list.finding.query.trim().is_empty() => Sort::Score,
            sort => sort,
        };
        let finding = Finding {
            query,
            sort,
            ..self.list.finding.clone()
        };
        let request = self.list.find(finding.clone(), stay);
        let count = CountRequest {
            ticket: request.ticket,
            finding,
        };
        vec![
            Request::Do(Effect::Search(request)),
            Request::Do(Effect::Count(count)),
        ]
    }

    /// Rows have come.
    pub fn found(
        &mut self,
        ticket: Ticket,
        rows: &std::ops::Range<usize>,
        found: Result<Found, Failure>,
    ) -> Vec<Request> {
        match found {
            Ok(found) => {
                let problem = found.problem.clone();
                if !self.list.arrived(ticket, rows, found) {
                    return Vec::new();
                }
                self.line.problem = problem;
            }
            Err(failure) => {
                self.list.failed(ticket);
                self.line.problem = Some(failure.message);
            }
        }
        let mut requests: Vec<Request> = self
            .list
            .missing()
            .map(|m| Request::Do(Effect::Search(m)))
            .into_iter()
            .collect();
        requests.extend(self.look());
        requests
    }

    /// Facets have come.
    pub fn counted(&mut self, ticket: Ticket, counted: Vec<FacetCount>) {
        if ticket == self.list.ticket {
            self.facets.set(counted);
        }
    }

    /// Asks for the preview of what is selected, if it is another one.
    fn look(&mut self) -> Option<Request> {
        let id = self.list.selected()?.hit.id.clone();
        if self.preview.wanted.as_ref() == Some(&id) {
            return None;
        }
        Some(self.look_at(id))
    }

    fn look_at(&mut self, id: TargetId) -> Request {
        self.ticket.0 += 1;
        if self.preview.wanted.as_ref() != Some(&id) {
            self.preview.picture = 0;
            self.preview.scroll = Scroll::default();
        }
        self.preview.wanted = Some(id.clone());
        Request::Do(Effect::Inspect(InspectRequest {
            ticket: self.ticket,
            id,
            purpose: Purpose::Preview,
        }))
    }

    /// Asks for the preview anew: something was decided.
    pub fn look_again(&mut self) -> Option<Request> {
        let id = self.preview.wanted.clone()?;
        Some(self.look_at(id))
    }

    /// A preview has come.
    pub fn inspected(
        &mut self,
        request: &InspectRequest,
        record: Result<Arc<Inspection>, Failure>,
    ) {
        if request.ticket != self.ticket {
            return;
        }
        self.preview.shown = None;
        match record {
            Ok(record) => {
                self.preview.record = Some(record);
                self.preview.failure = None;
            }
            Err(failure) => {
                self.preview.record = None;
                self.preview.failure = Some(failure.message);
            }
        }
    }

    /// The next unreviewed item was looked for.
    pub fn go_to(&mut self, hit: Option<ListedHit>) -> Vec<Request> {
        let Some(hit) = hit else {
            return vec![Request::Say(
                "everything that is found is reviewed".to_owned(),
            )];
        };
        match self.list.select(&hit.hit.id) {
            true => self.look().into_iter().collect(),
            false => vec![self.look_at(hit.hit.id)],
        }
    }

    /// What verbs are about: what is marked, else what is selected.
    pub fn subjects(&self) -> Vec<Subject> {
        if !self.list.marks.is_empty() {
            return self
                .list
                .marks
                .values()
                .cloned()
                .map(Subject::listed)
                .collect();
        }
        let selected = self.list.selected().map(|row| row.hit.id.clone());
        let subject = selected.map(|id| {
            let record = self.preview.record.as_ref();
            let record = record.filter(|record| {
                record.record.id == id.record && self.preview.wanted.as_ref() == Some(&id)
            });
            Subject {
                record: record.cloned(),
                ..Subject::listed(id)
            }
        });
        subject.into_iter().collect()
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let moved = match action {
            Action::Down => self.move_by(1),
            Action::Up => self.move_by(-1),
            Action::PageDown => self.move_by(self.page()),
            Action::PageUp => self.move_by(-self.page()),
            Action::First => self.move_by(isize::MIN / 2),
            Action::Last => self.move_by(isize::MAX / 2),
            _ => None,
        };
        if let Some(requests) = moved {
            return requests;
        }
        match action {
            Action::NextPane => self.turn_focus(1),
            Action::PreviousPane => self.turn_focus(-1),
            Action::Left => self.focus_left(),
            Action::Right => self.focus_right(),
            Action::Open if self.focus == Focus::Facets => return self.toggle(false),
            Action::Open => return self.open(),
            Action::EditQuery => self.line.begin(),
            Action::ClearQuery => return self.set_query(""),
            Action::Include => return self.toggle(false),
            Action::Exclude => return self.toggle(true),
            Action::NextKind => {
                let at = KINDS
                    .iter()
                    .position(|kind| *kind == self.list.finding.kind);
                let next = KINDS[(at.unwrap_or(0) + 1) % KINDS.len()];
                self.list.finding.kind = next;
                return self.find(false);
            }
            Action::NextSort => {
                let at = SORTS
                    .iter()
                    .position(|name| Sort::named(name) == Some(self.list.finding.sort));
                let mut next = (at.unwrap_or(0) + 1) % SORTS.len();
                if next == 0 && self.line.text().trim().is_empty() {
                    next = 1;
                }
                self.list.finding.sort = Sort::named(SORTS[next]).unwrap_or(Sort::Source);
                let finding = self.list.finding.clone();
                let request = self.list.find(finding, false);
                return vec![Request::Do(Effect::Search(request))];
            }
            Action::ToggleFacets => {
                self.hides_facets = !self.hides_facets;
                if self.hides_facets && self.focus == Focus::Facets {
                    self.focus = Focus::Results;
                } else if !self.hides_facets {
                    self.focus = Focus::Facets;
                }
            }
            Action::TogglePreview => {
                self.hides_preview = !self.hides_preview;
                if self.focus == Focus::Preview {
                    self.focus = Focus::Results;
                }
            }
            Action::Mark => {
                self.list.toggle_mark();
                return self.move_results(1);
            }
            Action::MarkAll => {
                return vec![Request::Do(Effect::FindAll(self.list.finding.clone()))];
            }
            Action::ClearMarks => self.list.marks.clear(),
            Action::SaveQuery if self.line.text().trim().is_empty() => {
                return vec![Request::Say("there is no query to keep".to_owned())];
            }
            Action::SaveQuery => {
                let prompt =
                    Prompt::new("Keep the query as", self.line.text(), Question::SaveQuery);
                return vec![Request::Show(Box::new(Overlay::Prompt(prompt)))];
            }
            Action::SavedQueries if self.saved.is_empty() => {
                return vec![Request::Say("no query was kept yet".to_owned())];
            }
            Action::SavedQueries => {
                let options = self
                    .saved
                    .iter()
                    .map(|(name, query)| format!("{name}: {query}"));
                let queries = self.saved.iter().map(|(_, query)| query.clone()).collect();
                let choice = Choice::new(
                    "Kept queries",
                    options.collect(),
                    Question::UseQuery(queries),
                );
                return vec![Request::Show(Box::new(Overlay::Choice(choice)))];
            }
            Action::NextUnreviewed => return vec![self.next_unreviewed()],
            Action::ToggleQueue => {
                self.is_queue = !self.is_queue;
                let said = match self.is_queue {
                    true => "queue: a verdict leads on to the next that you have not reviewed",
                    false => "no queue any more",
                };
                return vec![Request::Say(said.to_owned())];
            }
            Action::NextPicture => self.preview.picture = self.preview.picture.saturating_add(1),
            Action::PreviousPicture => {
                self.preview.picture = self.preview.picture.saturating_sub(1)
            }
            Action::Zoom => {
                let pictures = self.pictures();
                if pictures.is_empty() {
                    return vec![Request::Say("it has no picture".to_owned())];
                }
                let full = FullPicture::new(pictures, self.preview.picture);
                return vec![Request::Show(Box::new(Overlay::FullPicture(full)))];
            }
            Action::Copy => {
                let id = self.list.selected().map(|row| row.hit.id.to_string());
                return id
                    .map(|id| Request::Do(Effect::Copy(id)))
                    .into_iter()
                    .collect();
            }
            action => return vec![Request::Decide(action, self.subjects())],
        }
        Vec::new()
    }

    /// Asks for the next item that one has not reviewed.
    pub fn next_unreviewed(&self) -> Request {
        let after = self.list.selected().map(|row| row.hit.id.clone());
        self.unreviewed_after(after)
    }

    /// Asks for the next item behind one that one has not reviewed.
    pub fn unreviewed_after(&self, after: Option<TargetId>) -> Request {
        Request::Do(Effect::FindUnreviewed(UnreviewedRequest {
            finding: self.list.finding.clone(),
            after,
        }))
    }

    /// Keeps the query under a name.
    pub fn save_query(&mut self, name: &str) -> Vec<Request> {
        let query = self.line.text().trim().to_owned();
        self.saved.retain(|(known, _)| known != name);
        self.saved.push((name.to_owned(), query));
        self.saved.sort();
        vec![
            Request::Do(Effect::KeepQueries(self.kept())),
            Request::Say(format!("kept as {name}")),
        ]
    }

    /// Marks items.
    pub fn mark_all(&mut self, ids: Vec<TargetId>) -> Vec<Request> {
        let count = ids.len();
        self.list.marks = ids.into_iter().map(|id| (id.to_string(), id)).collect();
        vec![Request::Say(format!("{} marked", thousands(count)))]
    }

    fn open(&mut self) -> Vec<Request> {
        let Some(row) = self.list.selected() else {
            return Vec::new();
        };
        let step = row.hit.step.filter(|_| row.hit.kind == DocumentKind::Step);
        vec![Request::Do(Effect::Inspect(InspectRequest {
            ticket: Ticket::default(),
            id: row.hit.id.clone(),
            purpose: Purpose::Open(step),
        }))]
    }

    fn toggle(&mut self, excluded: bool) -> Vec<Request> {
        if self.focus != Focus::Facets {
            self.hides_facets = false;
            self.focus = Focus::Facets;
            return vec![Request::Say("choose a value among the facets".to_owned())];
        }
        let Some(clause) = self.facets.clause() else {
            return Vec::new();
        };
        let query = toggled(self.line.text(), &clause, excluded);
        self.set_query(&query)
    }

    fn page(&self) -> isize {
        match self.focus {
            Focus::Facets => self.facets.page(),
            Focus::Results => self.list.page(),
            Focus::Preview => (self.preview.area.height.saturating_sub(1)).max(1) as isize,
        }
    }

    fn move_by(&mut self, rows: isize) -> Option<Vec<Request>> {
        match self.focus {
            Focus::Facets => self.facets.move_by(rows),
            Focus::Results => return Some(self.move_results(rows)),
            Focus::Preview => self.preview.scroll.by(rows),
        }
        Some(Vec::new())
    }

    fn move_results(&mut self, rows: isize) -> Vec<Request> {
        self.list.move_by(rows);
        let missing = self.list.missing().map(|m| Request::Do(Effect::Search(m)));
        let mut requests: Vec<Request> = missing.into_iter().collect();
        requests.extend(self.look());
        requests
    }

    fn turn_focus(&mut self, by: isize) {
        let mut panes = vec![Focus::Results];
        if !self.hides_facets {
            panes.insert(0, Focus::Facets);
        }
        if !self.hides_preview {
            panes.push(Focus::Preview);
        }
        let at = panes
            .iter()
            .position(|pane| *pane == self.focus)
            .unwrap_or(0);
        let next = (at as isize + by).rem_euclid(panes.len() as isize);
        self.focus = panes.get(next as usize).copied().unwrap_or_default();
    }

    fn focus_left(&mut self) {
        self.focus = match self.focus {
            Focus::Preview => Focus::Results,
            Focus::Results if !self.hides_facets => Focus::Facets,
            focus => focus,
        };
    }

    fn focus_right(&mut self) {
        self.focus = match self.focus {
            Focus::Facets => Focus::Results,
            Focus::Results if !self.hides_preview => Focus::Preview,
            focus => focus,
        };
    }

    /// Takes a key while somebody types a query.
    pub fn type_key(&mut self, key: &KeyEvent) -> Vec<Request> {
        match self.line.press(key) {
            true => self.find(false),
            false => Vec::new(),
        }
    }

    /// Takes a pasted text.
    pub fn paste(&mut self, text: &str) -> Vec<Request> {
        self.line.begin();
        self.line.paste(text);
        self.find(false)
    }

    /// Does what a key of the search line asks for.
    pub fn act_in_line(&mut self, action: Action) -> Vec<Request> {
        let changed = match action {
            Action::AcceptQuery => {
                let remembered = self.line.accept();
                let keep = remembered.then(|| Request::Do(Effect::KeepQueries(self.kept())));
                return keep.into_iter().collect();
            }
            Action::CancelQuery => {
                let before = self.line.text().to_owned();
                self.line.cancel();
                before != self.line.text()
            }
            Action::Complete => self.line.complete(true),
            Action::CompleteBack => self.line.complete(false),
            Action::OlderQuery => self.line.recall(-1),
            Action::NewerQuery => self.line.recall(1),
            _ => false,
        };
        match changed {
            true => self.find(false),
            false => Vec::new(),
        }
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        let at = Position::new(event.column, event.row);
        let pane = [
            (Focus::Facets, self.facets.area),
            (Focus::Results, self.list.area),
            (Focus::Preview, self.preview.area),
        ]
        .into_iter()
        .find(|(_, area)| area.contains(at))
        .map(|(pane, _)| pane);
        match event.kind {
            MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
                let rows = if event.kind == MouseEventKind::ScrollDown {
                    3
                } else {
                    -3
                };
                let focus = self.focus;
                self.focus = pane.unwrap_or(focus);
                let requests = self.move_by(rows).unwrap_or_default();
                self.focus = focus;
                requests
            }
            MouseEventKind::Down(MouseButton::Left) => {
                self.splits.dragged = self.splits.at(at);
                if self.splits.dragged.is_some() {
                    return Vec::new();
                }
                if at.y == self.splits.area.y {
                    self.line.begin();
                    return Vec::new();
                }
                self.click(pane, at)
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                self.splits.drag(at.x);
                Vec::new()
            }
            MouseEventKind::Up(_) => {
                self.splits.dragged = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn click(&mut self, pane: Option<Focus>, at: Position) -> Vec<Request> {
        let Some(pane) = pane else {
            return Vec::new();
        };
        let was_focused = self.focus == pane;
        self.focus = pane;
        match pane {
            Focus::Facets if self.facets.click(at.y) => self.toggle(false),
            Focus::Results => {
                let before = self.list.selected().map(|row| row.hit.id.clone());
                if !self.list.click(at.y) {
                    return Vec::new();
                }
                let selected = self.list.selected().map(|row| row.hit.id.clone());
                // A click on what is selected opens it.
                match was_focused && before == selected {
                    true => self.open(),
                    false => self.move_results(0),
                }
            }
            _ => Vec::new(),
        }
    }

    fn pictures(&self) -> Vec<PictureRequest> {
        let Some(record) = &self.preview.record else {
            return Vec::new();
        };
        let part = self
            .preview
            .wanted
            .as_ref()
            .and_then(|id| id.part.as_deref());
        let task = match (&record.current.content.trajectory, part) {
            (Some(trajectory), None) => Some(&trajectory.task),
            _ => record
                .current
                .pair(part)
                .map(|(pair, _)| &pair.context.task),
        };
        let attachments = task.into_iter().flat_map(|task| &task.attachments);
        let pictures = attachments.filter(|attachment| attachment.reference.is_picture());
        let request = |attachment: &crate::domain::Attachment| PictureRequest {
            record: record.record.id.clone(),
            reference: attachment.reference.clone(),
            room: ratatui::layout::Size::default(),
            boxes: Vec::new(),
        };
        pictures.map(request).collect()
    }

    /// Draws the view.
    pub fn draw(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        self.splits.area = area;
        self.facets.area = Rect::default();
        self.preview.area = Rect::default();
        let line = Rect {
            height: 1.min(area.height),
            ..area
        };
        self.line.draw(line, buffer, context);
        let mut top = area.y + 1;
        if let Some(hint) = self.line.hint() {
            let paint = match self.line.problem.is_some() && !self.line.is_typing {
                true => Paint::Warning,
                false => Paint::Dim,
            };
            let hint = cut(&hint, usize::from(area.width.saturating_sub(2)));
            buffer.set_string(area.x + 2.min(area.width), top, hint, context.style(paint));
            top += 1;
        }
        let body = Rect {
            y: top,
            height: area.bottom().saturating_sub(top),
            ..area
        };
        let layout = self.layout(body);
        if let Some(facets) = layout.facets {
            let query = self.line.text().to_owned();
            let is_focused = self.focus == Focus::Facets && !self.line.is_typing;
            self.facets
                .draw(&query, is_focused, facets, buffer, context);
        }
        let is_focused = self.focus == Focus::Results && !self.line.is_typing;
        self.list.draw(is_focused, layout.results, buffer, context);
        if let Some(preview) = layout.preview {
            self.draw_preview(preview, buffer, context);
        }
    }

    fn draw_preview(&mut self, area: Rect, buffer: &mut Buffer, context: &mut DrawContext<'_>) {
        let is_focused = self.focus == Focus::Preview && !self.line.is_typing;
        let title = pane::title("Preview", context.theme);
        let inner = pane::frame(title, is_focused, area, context.theme, buffer);
        self.preview.area = inner;
        let pictures = self.pictures();
        let mut text = inner;
        if !pictures.is_empty() && inner.height >= 12 {
            self.preview.picture = self.preview.picture.min(pictures.len() - 1);
            let height = (inner.height * 2 / 5).min(16);
            let place = Rect { height, ..inner };
            if let Some(picture) = pictures.get(self.preview.picture) {
                context
                    .pictures
                    .draw(picture.clone(), place, context.theme, buffer);
            }
            text = Rect {
                y: inner.y + height,
                height: inner.height - height,
                ..inner
            };
            if pictures.len() > 1 {
                let line = format!(
                    "picture {} of {}  ] [",
                    self.preview.picture + 1,
                    pictures.len()
                );
                let line = cut(&line, usize::from(inner.width));
                buffer.set_string(text.x, text.y, line, context.style(Paint::Dim));
                text.y += 1;
                text.height = text.height.saturating_sub(1);
            }
        }
        let Some(record) = &self.preview.record else {
            let said = self.preview.failure.as_deref().unwrap_or("");
            let lines = crate::tui::widgets::styled_text::lines(
                said,
                context.style(Paint::Bad),
                &[],
                usize::from(text.width),
                crate::tui::widgets::styled_text::Wrapping::Words,
            );
            pane::scrolled(
                &lines,
                &mut self.preview.scroll,
                text,
                context.theme,
                buffer,
            );
            return;
        };
        if self
            .preview
            .shown
            .as_ref()
            .is_none_or(|(width, _)| *width != text.width)
        {
            let highlighter = Highlighter::from_query(&understood(&self.list.finding).0);
            let writer = Writer {
                theme: context.theme,
                highlighter: &highlighter,
                width: usize::from(text.width.saturating_sub(1)),
            };
            let part = self
                .preview
                .wanted
                .as_ref()
                .and_then(|id| id.part.as_deref());
            self.preview.shown = Some((text.width, preview(record, part, &writer)));
        }
        if let Some((_, lines)) = &self.preview.shown {
            pane::scrolled(lines, &mut self.preview.scroll, text, context.theme, buffer);
        }
    }

    fn layout(&mut self, body: Rect) -> PaneLayout {
        self.splits.facets_border = None;
        self.splits.preview_border = None;
        // Where there is no room, what has the focus is what is seen.
        let wide = body.width >= 100;
        let shows_facets = !self.hides_facets && (wide || self.focus == Focus::Facets);
        let mut rest = body;
        let mut layout = PaneLayout::default();
        if shows_facets {
            let width = (body.width * self.splits.facets / 100)
                .clamp(18, 44)
                .min(body.width / 2);
            layout.facets = Some(Rect { width, ..body });
            rest.x += width;
            rest.width -= width;
            self.splits.facets_border = Some(rest.x);
        }
        if self.hides_preview {
            layout.results = rest;
        } else if body.width >= 120 {
            let width = (body.width * self.splits.preview / 100)
                .clamp(30, rest.width.saturating_sub(40).max(30));
            let results = rest.width.saturating_sub(width);
            layout.results = Rect {
                width: results,
                ..rest
            };
            layout.preview = Some(Rect {
                x: rest.x + results,
                width,
                ..rest
            });
            self.splits.preview_border = Some(rest.x + results);
        } else if rest.height >= 12 {
            let height = match self.focus {
                Focus::Preview => rest.height * 2 / 3,
                _ => rest.height * 2 / 5,
            };
            let results = rest.height - height;
            layout.results = Rect {
                height: results,
                ..rest
            };
            layout.preview = Some(Rect {
                y: rest.y + results,
                height,
                ..rest
            });
        } else if self.focus == Focus::Preview {
            layout.preview = Some(rest);
        } else {
            layout.results = rest;
        }
        layout
    }
}

#[derive(Debug, Default)]
struct PaneLayout {
    facets: Option<Rect>,
    results: Rect,
    preview: Option<Rect>,
}

impl Splits {
    fn at(&self, at: Position) -> Option<Focus> {
        let near = |border: Option<u16>| border.is_some_and(|x| at.x == x || at.x + 1 == x);
        if at.y <= self.area.y {
            None
        } else if near(self.facets_border) {
            Some(Focus::Facets)
        } else if near(self.preview_border) {
            Some(Focus::Preview)
        } else {
            None
        }
    }

    fn drag(&mut self, x: u16) {
        let width = self.area.width.max(1);
        let percent = |columns: u16| (u32::from(columns) * 100 / u32::from(width)) as u16;
        let from_left = percent(x.saturating_sub(self.area.x));
        match self.dragged {
            Some(Focus::Facets) => self.facets = from_left.clamp(10, 40),
            Some(Focus::Preview) => self.preview = (100 - from_left.min(100)).clamp(20, 60),
            _ => {}
        }
    }
}
