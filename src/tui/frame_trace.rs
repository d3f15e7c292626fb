//! `--trace-frames FILE`: for each key the time until the frame that shows it, and for a search the time until its results.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ratatui::crossterm::event::{Event, KeyEventKind};

use crate::report::Report;

use super::effect::Message;

/// Lines of what happened, microseconds since the start, and microseconds until the frame.
pub struct FrameTrace {
    path: PathBuf,
    file: BufWriter<File>,
    start: Instant,
    first_frame: bool,
    waiting: Vec<(String, Instant)>,
}

impl FrameTrace {
    /// Creates the file: `event,at_us,frame_us`.
    pub fn create(path: &Path) -> Result<Self, Report> {
        let created = File::create(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            writeln!(file, "event,at_us,frame_us")?;
            Ok(file)
        });
        Ok(Self {
            path: path.to_owned(),
            file: created.map_err(|error| not_written(path, &error))?,
            start: Instant::now(),
            first_frame: true,
            waiting: Vec::new(),
        })
    }

    /// A message has come.
    pub fn received(&mut self, message: &Message) {
        let event = match message {
            Message::Input(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                let key = super::key::Key::of(key);
                let name = key.map_or("key".to_owned(), |key| key.to_string());
                format!("key {}", name.replace(',', "comma"))
            }
            Message::Input(_) => "input".to_owned(),
            Message::Searched(..) => "results".to_owned(),
            Message::Opened(..) => "opened".to_owned(),
            Message::Picture(..) => "picture".to_owned(),
            _ => return,
        };
        self.waiting.push((event, Instant::now()));
    }

    /// A frame is on the screen.
    pub fn drawn(&mut self) -> Result<(), Report> {
        let now = Instant::now();
        let mut lines = Vec::new();
        if self.first_frame {
            self.first_frame = false;
            lines.push(format!(
                "first,0,{}",
                now.duration_since(self.start).as_micros()
            ));
        }
        for (event, at) in self.waiting.drain(..) {
            let since_start = at.duration_since(self.start).as_micros();
            lines.push(format!(
                "{event},{since_start},{}",
                now.duration_since(at).as_micros()
            ));
        }
        for line in lines {
            writeln!(self.file, "{line}").map_err(|error| not_written(&self.path, &error))?;
        }
        self.file
            .flush()
            .map_err(|error| not_written(&self.path, &error))
    }
}

fn not_written(path: &Path, error: &std::io::Error) -> Report {
    Report::failure(format!("{} can't be written: {error}", path.display()))
        .hint("--trace-frames names a file")
}
