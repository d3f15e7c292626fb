//! The workbench without a terminal: keys go in, effects are performed at once, the screen is a buffer. For tests, benches and
//! the pictures of the documentation.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use unicode_width::UnicodeWidthStr;

use super::app::{App, AppOptions};
use super::backend::Backend;
use super::effect::{Effect, Message};
use super::key::Key;

/// Somebody at a workbench that is not there.
pub struct Rehearsal {
    app: App,
    backend: Backend,
    screen: Terminal<TestBackend>,
    later: Vec<Effect>,
    /// Whether re-runs are not performed, so that somebody else can tell what is heard of them.
    holds_reruns: bool,
    /// Effects of the terminal itself, which nobody performs here, and those that are held.
    pub asked: Vec<Effect>,
}

impl Rehearsal {
    /// Opens the workbench on a screen of this size.
    pub fn new(
        backend: Backend,
        options: AppOptions,
        columns: u16,
        rows: u16,
    ) -> Result<Self, Infallible> {
        let (app, effects) = App::new(options);
        let screen = Terminal::new(TestBackend::new(columns, rows))?;
        let mut rehearsal = Self {
            app,
            backend,
            screen,
            later: Vec::new(),
            holds_reruns: false,
            asked: Vec::new(),
        };
        rehearsal.perform(effects);
        rehearsal.draw()?;
        Ok(rehearsal)
    }

    /// Performs effects, and what comes of them, until nothing is left to do.
    fn perform(&mut self, effects: Vec<Effect>) {
        let mut waiting = VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            match effect {
                Effect::EditExternally(_)
                | Effect::Copy(_)
                | Effect::Suspend
                | Effect::Redraw
                | Effect::Quit => self.asked.push(effect),
                Effect::Rerun(..) | Effect::OfRerun(..) if self.holds_reruns => {
                    self.asked.push(effect);
                }
                effect => {
                    let told = RefCell::new(Vec::new());
                    self.backend
                        .perform(effect, &|message| told.borrow_mut().push(message));
                    for message in told.into_inner() {
                        waiting.extend(self.app.update(message));
                    }
                }
            }
        }
    }

    /// From now on re-runs stand in [`Self::asked`] and nobody performs them.
    pub fn hold_reruns(&mut self) {
        self.holds_reruns = true;
    }

    fn draw(&mut self) -> Result<(), Infallible> {
        loop {
            let app = &mut self.app;
            self.screen.draw(|frame| app.draw(frame))?;
            // Pictures are asked for by drawing, and seen by drawing again.
            let wanted = self.app.wanted_pictures();
            if wanted.is_empty() {
                return Ok(());
            }
            self.perform(wanted);
        }
    }

    /// Takes a message, and all that follows from it.
    pub fn tell(&mut self, message: Message) -> Result<&mut Self, Infallible> {
        let effects = self.app.update(message);
        self.perform(effects);
        self.draw()?;
        Ok(self)
    }

    /// Takes a message and draws the frame that shows it, as the event loop does: how long both took. What it asked for is done
    /// afterwards.
    pub fn time(&mut self, message: Message) -> Result<Duration, Infallible> {
        self.time_all(vec![message])
    }

    /// The same of several messages that wait when the frame is due.
    pub fn time_all(&mut self, messages: Vec<Message>) -> Result<Duration, Infallible> {
        let start = Instant::now();
        let mut effects = Vec::new();
        for message in messages {
            effects.extend(self.app.update(message));
        }
        let app = &mut self.app;
        self.screen.draw(|frame| app.draw(frame))?;
        let took = start.elapsed();
        self.perform(effects);
        self.draw()?;
        Ok(took)
    }

    /// Takes a letter of a query, searches, and draws the frame with the results. What else it asked for is done afterwards, as
    /// other threads would do it.
    pub fn search(&mut self, message: Message) -> Result<&mut Self, Infallible> {
        let effects = self.app.update(message);
        let (searches, others): (Vec<_>, Vec<_>) = effects
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Search(_)));
        let told = RefCell::new(Vec::new());
        for search in searches {
            self.backend
                .perform(search, &|message| told.borrow_mut().push(message));
        }
        let mut later = others;
        for message in told.into_inner() {
            later.extend(self.app.update(message));
        }
        let app = &mut self.app;
        self.screen.draw(|frame| app.draw(frame))?;
        self.later.extend(later);
        Ok(self)
    }

    /// Does what [`Rehearsal::search`] put off.
    pub fn settle(&mut self) -> Result<&mut Self, Infallible> {
        let later = std::mem::take(&mut self.later);
        self.perform(later);
        self.draw()?;
        Ok(self)
    }

    /// Keys as keymaps write them, one after another: `j enter ctrl-s`; what is no key is left out.
    pub fn press(&mut self, keys: &str) -> Result<&mut Self, Infallible> {
        for key in keys.split(' ').filter_map(|key| key.parse::<Key>().ok()) {
            self.tell(Message::Input(Event::Key(key.event())))?;
        }
        Ok(self)
    }

    /// A text, letter by letter.
    pub fn type_text(&mut self, text: &str) -> Result<&mut Self, Infallible> {
        for c in text.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            self.tell(Message::Input(Event::Key(key)))?;
        }
        Ok(self)
    }

    /// Another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Result<&mut Self, Infallible> {
        self.screen.backend_mut().resize(columns, rows);
        self.tell(Message::Input(Event::Resize(columns, rows)))
    }

    /// The screen.
    pub fn buffer(&self) -> &Buffer {
        self.screen.backend().buffer()
    }

    /// What is on the screen, blanks at the ends of lines left out.
    pub fn text(&self) -> String {
        let buffer = self.buffer();
        let line = |y: u16| {
            let mut line = String::new();
            let mut x = 0;
            while x < buffer.area.width {
                let symbol = buffer.cell((x, y)).map_or("", |cell| cell.symbol());
                line.push_str(symbol);
                x += u16::try_from(symbol.width()).unwrap_or(1).max(1);
            }
            line.trim_end().to_owned()
        };
        let lines: Vec<String> = (0..buffer.area.height).map(line).collect();
        lines.join("\n")
    }

    /// Whether somebody left.
    pub fn is_over(&self) -> bool {
        self.app.is_over()
    }
}
