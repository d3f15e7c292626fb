use crate::cli::output::{Output, Style};
use crate::report::Report;
use crate::rerun::RerunEvent;

/// Shows candidates as they come: the first that is not whole yet as it grows, the next ones after it.
pub(super) struct Stream {
    /// The text of each so far, by number; the recorded step has none.
    texts: Vec<String>,
    is_whole: Vec<bool>,
    /// The one that is shown now.
    current: usize,
    /// Whether its heading is there.
    is_headed: bool,
    shows: bool,
    speed: Option<f64>,
}

impl Stream {
    pub fn new(count: usize, shows: bool) -> Self {
        Self {
            texts: vec![String::new(); count + 1],
            is_whole: vec![false; count + 1],
            current: 1,
            is_headed: false,
            shows,
            speed: None,
        }
    }

    pub fn show(&mut self, event: &RerunEvent, output: &mut Output) -> Result<(), Report> {
        match event {
            RerunEvent::Prepared { notes, .. } => {
                for note in notes {
                    output.note(format!("note: {note}"));
                }
                Ok(())
            }
            RerunEvent::Text { candidate, text } => {
                if let Some(known) = self.texts.get_mut(*candidate) {
                    known.push_str(text);
                }
                if *candidate == self.current && self.shows {
                    self.head(output)?;
                    output.text(text)?;
                    output.flush()?;
                }
                Ok(())
            }
            RerunEvent::Speed { tokens_per_second } => {
                self.speed = Some(*tokens_per_second);
                Ok(())
            }
            RerunEvent::Proposed { candidate, .. } | RerunEvent::Cancelled { candidate } => {
                if let Some(whole) = self.is_whole.get_mut(*candidate) {
                    *whole = true;
                }
                self.go_on(output)
            }
            RerunEvent::Judging { judge } if self.shows => {
                let speed = self.speed.map(|speed| format!("{speed:.0} tokens/s; ")).unwrap_or_default();
                output.note(format!("{speed}judging: {judge}"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends those that are whole, and shows what has come of the next one.
    fn go_on(&mut self, output: &mut Output) -> Result<(), Report> {
        while self.is_whole.get(self.current) == Some(&true) {
            if self.shows {
                if !self.is_headed {
                    self.head(output)?;
                    let text = self.texts.get(self.current).cloned().unwrap_or_default();
                    output.text(text)?;
                }
                output.line("")?;
                output.flush()?;
            }
            self.current += 1;
            self.is_headed = false;
            let begun = self.texts.get(self.current).filter(|text| !text.is_empty()).cloned();
            if let (Some(text), true) = (begun, self.shows) {
                self.head(output)?;
                output.text(text)?;
                output.flush()?;
            }
        }
        Ok(())
    }

    fn head(&mut self, output: &mut Output) -> Result<(), Report> {
        if !self.is_headed {
            self.is_headed = true;
            output.styled(Style::Dim, format!("── candidate {} ", self.current))?;
            output.line("")?;
        }
        Ok(())
    }
}
