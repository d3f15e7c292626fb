//! The workbench without a terminal: keys go in, effects are performed at once, and the screen is text.

mod keys;
mod pty;
mod random;
mod views;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use retake::config::Config;
use retake::tui::app::{App, AppOptions};
use retake::tui::backend::Backend;
use retake::tui::effect::{Effect, Message};
use retake::tui::keymap::Keymap;
use retake::tui::theme::{ColorDepth, Theme};
use retake::workspace::Workspace;

use crate::user::User;

/// Somebody at the workbench.
pub struct Sitting {
    pub user: User,
    app: App,
    backend: Backend,
    screen: Terminal<TestBackend>,
    /// Effects of the terminal itself, which nobody performs here.
    pub asked: Vec<Effect>,
}

/// The demo's files, in a workspace of this person.
pub fn user_with_demo(name: &str) -> User {
    let user = User::new(name);
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo"),
        &user.path("."),
    );
    user.retake(["add", "trajectories.json", "pairs.json", "--images", "."])
        .succeeds();
    user
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

impl Sitting {
    /// The demo on a screen of this size.
    pub fn with_demo(name: &str, columns: u16, rows: u16) -> Self {
        Self::new(user_with_demo(name), columns, rows)
    }

    pub fn new(user: User, columns: u16, rows: u16) -> Self {
        let settings = user.path("../settings");
        let mut config = Config::load(None).unwrap();
        config.review.annotator = "tess".to_owned();
        let workspace = Workspace::open(&user.path("."), Some(&settings)).unwrap();
        let depth = ColorDepth::True;
        let options = AppOptions {
            keymap: Keymap::named("default").unwrap(),
            theme: Theme::named("dark", depth).unwrap(),
            depth,
            annotator: config.review.annotator.clone(),
            reasons: config.review.reasons.clone(),
            draws_pictures: true,
            title: "demo".to_owned(),
            warnings: Vec::new(),
        };
        let backend = Backend::new(workspace, config, Some(&settings));
        let (app, effects) = App::new(options);
        let screen = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut sitting = Self {
            user,
            app,
            backend,
            screen,
            asked: Vec::new(),
        };
        sitting.perform(effects);
        sitting.draw();
        sitting
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

    fn draw(&mut self) {
        // Pictures are asked for by drawing, and seen by drawing again.
        for _ in 0..2 {
            let app = &mut self.app;
            self.screen.draw(|frame| app.draw(frame)).unwrap();
            let wanted = self.app.wanted_pictures();
            self.perform(wanted);
        }
    }

    /// A message, and all that follows from it.
    pub fn tell(&mut self, message: Message) {
        let effects = self.app.update(message);
        self.perform(effects);
        self.draw();
    }

    /// Keys as keymaps write them, one after another: `j enter ctrl-s`.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split(' ').filter(|key| !key.is_empty()) {
            self.tell(Message::Input(Event::Key(key_event(key))));
        }
        self
    }

    /// A text, letter by letter.
    pub fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            self.tell(Message::Input(Event::Key(key)));
        }
        self
    }

    /// Another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        self.screen.backend_mut().resize(columns, rows);
        self.tell(Message::Input(Event::Resize(columns, rows)));
        self
    }

    /// What is on the screen, blanks at the ends of lines left out.
    pub fn text(&self) -> String {
        text(self.screen.backend().buffer())
    }

    /// The screen itself.
    pub fn buffer(&self) -> &Buffer {
        self.screen.backend().buffer()
    }

    /// Whether somebody left.
    pub fn is_over(&self) -> bool {
        self.app.is_over()
    }

    /// What `retake log --format json` says: the verbs of all records, oldest first.
    pub fn verbs(&self) -> Vec<String> {
        let log = self.user.retake([
            "--as-user",
            "tess",
            "log",
            "--format",
            "json",
            "--limit",
            "0",
        ]);
        let log: serde_json::Value = serde_json::from_str(&log.succeeds().stdout).unwrap();
        let entries = log["entries"].as_array().unwrap();
        let records = entries
            .iter()
            .flat_map(|entry| entry["records"].as_array().unwrap());
        records
            .map(|record| record["verb"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The text of a screen.
pub fn text(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skipped = 0;
        for x in 0..buffer.area.width {
            if skipped > 0 {
                skipped -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skipped = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn key_event(key: &str) -> KeyEvent {
    let (mut rest, mut modifiers) = (key, KeyModifiers::NONE);
    while let Some((modifier, behind)) = rest.split_once('-')
        && !behind.is_empty()
    {
        modifiers |= match modifier {
            "ctrl" => KeyModifiers::CONTROL,
            "alt" => KeyModifiers::ALT,
            "shift" => KeyModifiers::SHIFT,
            _ => break,
        };
        rest = behind;
    }
    let code = match rest {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        "tab" => KeyCode::Tab,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pagedown" => KeyCode::PageDown,
        "pageup" => KeyCode::PageUp,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        key if key.len() > 1 && key.starts_with('f') && key[1..].parse::<u8>().is_ok() => {
            KeyCode::F(key[1..].parse().unwrap())
        }
        key => KeyCode::Char(key.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}
