//! What is selected, to the side of the list.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;

use crate::corpus::Inspection;
use crate::domain::{Attachment, TargetId};
use crate::index::Highlighter;
use crate::tui::blind::BlindLook;
use crate::tui::draw_context::DrawContext;
use crate::tui::effect::{Effect, Failure, InspectRequest, PictureRequest, Purpose};
use crate::tui::theme::Paint;
use crate::tui::views::Request;
use crate::tui::views::record_lines::{Writer, preview};
use crate::tui::widgets::pane::{self, Scroll};
use crate::tui::widgets::styled_text::{Wrapping, cut, lines};

use super::CorpusView;

/// A preview.
#[derive(Debug, Default)]
pub(super) struct Preview {
    /// What it is of.
    pub wanted: Option<TargetId>,
    pub record: Option<Arc<Inspection>>,
    pub failure: Option<String>,
    pub scroll: Scroll,
    /// Lines for a record and a width.
    pub shown: Option<(u16, Vec<Line<'static>>)>,
    pub picture: usize,
    /// Where it was drawn.
    pub area: Rect,
}

impl Preview {
    /// The pictures of what is shown.
    pub fn pictures(&self) -> Vec<PictureRequest> {
        let Some(record) = &self.record else {
            return Vec::new();
        };
        let part = self.wanted.as_ref().and_then(|id| id.part.as_deref());
        let task = match (&record.current.content.trajectory, part) {
            (Some(trajectory), None) => Some(&trajectory.task),
            _ => record
                .current
                .pair(part)
                .map(|(pair, _)| &pair.context.task),
        };
        let attachments = task.into_iter().flat_map(|task| &task.attachments);
        let pictures = attachments.filter(|attachment| attachment.reference.is_picture());
        let request = |attachment: &Attachment| PictureRequest {
            record: record.record.id.clone(),
            reference: attachment.reference.clone(),
            room: Size::default(),
            boxes: Vec::new(),
        };
        pictures.map(request).collect()
    }

    /// Draws the picture and the text; `blind` is who may not be told yet which side of a pair is which.
    pub fn draw(
        &mut self,
        is_focused: bool,
        blind: Option<&str>,
        highlighter: impl FnOnce() -> Highlighter,
        area: Rect,
        buffer: &mut Buffer,
        context: &mut DrawContext<'_>,
    ) {
        let title = pane::title("Preview", context.theme);
        let inner = pane::frame(title, is_focused, area, context.theme, buffer);
        self.area = inner;
        let pictures = self.pictures();
        let mut text = inner;
        if !pictures.is_empty() && inner.height >= 12 {
            self.picture = self.picture.min(pictures.len() - 1);
            let height = (inner.height * 2 / 5).min(16);
            let place = Rect { height, ..inner };
            if let Some(picture) = pictures.get(self.picture) {
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
                let line = format!("picture {} of {}  ] [", self.picture + 1, pictures.len());
                let line = cut(&line, usize::from(inner.width));
                buffer.set_string(text.x, text.y, line, context.style(Paint::Dim));
                text.y += 1;
                text.height = text.height.saturating_sub(1);
            }
        }
        let Some(record) = &self.record else {
            let said = self.failure.as_deref().unwrap_or("");
            let lines = lines(
                said,
                context.style(Paint::Bad),
                &[],
                usize::from(text.width),
                Wrapping::Words,
            );
            pane::scrolled(&lines, &mut self.scroll, text, context.theme, buffer);
            return;
        };
        if self
            .shown
            .as_ref()
            .is_none_or(|(width, _)| *width != text.width)
        {
            let highlighter = highlighter();
            let writer = Writer {
                theme: context.theme,
                highlighter: &highlighter,
                width: usize::from(text.width.saturating_sub(1)),
            };
            let part = self.wanted.as_ref().and_then(|id| id.part.as_deref());
            let look = blind.zip(self.wanted.as_ref());
            let look = look.map(|(annotator, id)| BlindLook::of(record, id, annotator));
            self.shown = Some((text.width, preview(record, part, look, &writer)));
        }
        if let Some((_, lines)) = &self.shown {
            pane::scrolled(lines, &mut self.scroll, text, context.theme, buffer);
        }
    }
}

impl CorpusView {
    /// Asks for the preview of what is selected, if it is another one.
    pub(super) fn look(&mut self) -> Option<Request> {
        let id = self.list.selected()?.hit.id.clone();
        if self.preview.wanted.as_ref() == Some(&id) {
            return None;
        }
        Some(self.look_at(id))
    }

    pub(super) fn look_at(&mut self, id: TargetId) -> Request {
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
}
