//! Pictures: what is known of each is kept, what is missing is asked for, and the screen never waits.

use std::collections::{HashMap, VecDeque};

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Widget, Wrap};
use ratatui_image::Image;

use crate::domain::visible_line;
use crate::tui::effect::{Encoded, PictureRequest};
use crate::tui::theme::{Paint, Theme};

/// So many encoded pictures are kept; the one that was not drawn for longest goes first.
const KEPT: usize = 32;

/// Pictures as the terminal shows them, each for its place.
#[derive(Debug, Default)]
pub struct PictureStore {
    known: HashMap<PictureRequest, State>,
    /// The one drawn last is at the end.
    drawn: VecDeque<PictureRequest>,
    wanted: Vec<PictureRequest>,
    is_off: bool,
}

#[derive(Debug)]
enum State {
    Pending,
    Ready(Box<Encoded>),
    Failed(String),
}

impl PictureStore {
    /// A store whose pictures are drawn, or only named.
    pub fn new(draws: bool) -> Self {
        Self {
            is_off: !draws,
            ..Self::default()
        }
    }

    /// Draws a picture, or a box that says why it is not there (yet).
    pub fn draw(
        &mut self,
        mut request: PictureRequest,
        area: Rect,
        theme: &Theme,
        buffer: &mut Buffer,
    ) {
        if area.width < 2 || area.height < 1 {
            return;
        }
        request.room = area.as_size();
        if self.is_off {
            let name = label(&request);
            return labelled(&name, "pictures are off (--images)", area, theme, buffer);
        }
        match self.known.get(&request) {
            Some(State::Ready(encoded)) => {
                let size = encoded.protocol.size();
                // In the middle of its place.
                let left = area.width.saturating_sub(size.width) / 2;
                let place = Rect {
                    x: area.x + left,
                    width: area.width - left,
                    ..area
                };
                Image::new(&encoded.protocol).render(place, buffer);
            }
            Some(State::Failed(reason)) => {
                labelled(&label(&request), reason, area, theme, buffer);
            }
            Some(State::Pending) => labelled(&label(&request), "…", area, theme, buffer),
            None => {
                labelled(&label(&request), "…", area, theme, buffer);
                self.known.insert(request.clone(), State::Pending);
                self.wanted.push(request.clone());
            }
        }
        self.drawn.retain(|known| *known != request);
        self.drawn.push_back(request);
        while self.drawn.len() > KEPT {
            if let Some(oldest) = self.drawn.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    /// What was drawn and is not there yet, once.
    pub fn take_wanted(&mut self) -> Vec<PictureRequest> {
        std::mem::take(&mut self.wanted)
    }

    /// A picture is there, or can't be had.
    pub fn arrived(&mut self, request: PictureRequest, result: Result<Encoded, String>) {
        // What nobody looks at any more is not kept.
        if let Some(state) = self.known.get_mut(&request) {
            *state = match result {
                Ok(encoded) => State::Ready(Box::new(encoded)),
                Err(reason) => State::Failed(reason),
            };
        }
    }

    /// A request was given up for newer ones; it is made again if its place is drawn again.
    pub fn given_up(&mut self, request: &PictureRequest) {
        self.known.remove(request);
    }

    /// Forgets everything: the terminal shows pictures otherwise now, or lost them.
    pub fn clear(&mut self) {
        self.known.clear();
        self.drawn.clear();
    }

    /// Cells of a picture that has been drawn.
    pub fn cells(&self, request: &PictureRequest) -> Option<Size> {
        match self.known.get(request) {
            Some(State::Ready(encoded)) => Some(encoded.protocol.size()),
            _ => None,
        }
    }

    /// Pixels of a picture that has been drawn.
    pub fn pixels(&self, request: &PictureRequest) -> Option<(u32, u32)> {
        match self.known.get(request) {
            Some(State::Ready(encoded)) => Some(encoded.pixels),
            _ => None,
        }
    }
}

fn label(request: &PictureRequest) -> String {
    let label = request.reference.label();
    let name = label.rsplit(['/', '\\']).next().unwrap_or(label);
    visible_line(name).into_owned()
}

/// A box with a name and a reason.
fn labelled(name: &str, reason: &str, area: Rect, theme: &Theme, buffer: &mut Buffer) {
    let text = Line::from(visible_line(reason).into_owned());
    if area.height < 3 {
        let line = format!("{name}: {}", visible_line(reason));
        let line = super::styled_text::cut(&line, usize::from(area.width));
        buffer.set_string(area.x, area.y, line, theme.style(Paint::Dim));
        return;
    }
    let block = Block::default()
        .borders(Borders::ALL)
        .border_style(theme.style(Paint::Border))
        .title(super::styled_text::cut(
            name,
            usize::from(area.width.saturating_sub(2)),
        ));
    Paragraph::new(text)
        .style(theme.style(Paint::Dim))
        .wrap(Wrap { trim: true })
        .block(block)
        .render(area, buffer);
}

#[cfg(test)]
mod tests {
    use ratatui_image::Resize;
    use ratatui_image::picker::Picker;

    use super::*;
    use crate::domain::{PictureReference, RecordId};
    use crate::tui::theme::ColorDepth;

    fn request(name: &str) -> PictureRequest {
        PictureRequest {
            record: RecordId::new("source", "record"),
            reference: PictureReference::Path(format!("pictures/{name}")),
            room: Size::default(),
            boxes: Vec::new(),
        }
    }

    fn drawn(store: &mut PictureStore, name: &str) -> String {
        let theme = Theme::named("dark", ColorDepth::True).expect("a theme");
        let area = Rect::new(0, 0, 24, 4);
        let mut buffer = Buffer::empty(area);
        store.draw(request(name), area, &theme, &mut buffer);
        buffer.content.iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn a_missing_picture_is_asked_for_once_and_its_failure_is_said() {
        let mut store = PictureStore::default();
        assert!(drawn(&mut store, "a.png").contains("a.png"));
        drawn(&mut store, "a.png");
        let wanted = store.take_wanted();
        assert_eq!(wanted.len(), 1);
        assert_eq!(wanted[0].room, Size::new(24, 4));
        store.arrived(wanted[0].clone(), Err("there is no such file".to_owned()));
        assert!(drawn(&mut store, "a.png").contains("there is no such file"));
        assert!(store.take_wanted().is_empty());
        store.given_up(&wanted[0]);
        drawn(&mut store, "a.png");
        assert_eq!(store.take_wanted().len(), 1);
    }

    #[test]
    fn an_encoded_picture_is_drawn_and_few_are_kept() {
        let mut store = PictureStore::default();
        drawn(&mut store, "a.png");
        let wanted = store.take_wanted().remove(0);
        let red = image::RgbImage::from_pixel(8, 8, image::Rgb([255, 0, 0]));
        let protocol = Picker::halfblocks()
            .new_protocol(red.into(), wanted.room, Resize::Fit(None))
            .expect("encoded");
        let pixels = (8, 8);
        store.arrived(wanted.clone(), Ok(Encoded { protocol, pixels }));
        assert!(!drawn(&mut store, "a.png").contains("a.png"));
        assert_eq!(store.pixels(&wanted), Some(pixels));
        for number in 0..KEPT {
            drawn(&mut store, &format!("{number}.png"));
        }
        assert_eq!(store.known.len(), KEPT);
        assert_eq!(store.pixels(&wanted), None);
    }
}
