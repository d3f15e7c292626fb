use std::cell::RefCell;
use std::fmt::Display;
use std::io::{BufWriter, IsTerminal, StdoutLock, Write};
use std::ops::Range;

use clap::ValueEnum;

use crate::domain::{visible, visible_json, visible_line};
use crate::report::Report;

use super::wrapped_text::wrapped;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A name or heading.
    Bold,
    /// Less important.
    Dim,
    /// A match.
    Match,
    /// An error or a bad verdict.
    Bad,
    /// A good verdict.
    Good,
    /// An id.
    Id,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Match => "1;33",
            Self::Bad => "31",
            Self::Good => "32",
            Self::Id => "36",
        }
    }
}

/// Standard output and error. Text from data goes through [`Output::data`] or [`Output::data_line`], nothing else.
pub struct Output {
    /// In a cell, because every note brings out first what was written before it.
    out: RefCell<BufWriter<StdoutLock<'static>>>,
    color: bool,
    error_color: bool,
    /// The width of the terminal that standard output is, if it is one.
    columns: Option<usize>,
    quiet: bool,
    verbose: bool,
}

impl Output {
    pub(super) fn new(choice: ColorChoice, quiet: bool, verbose: bool) -> Self {
        let stdout = std::io::stdout();
        let wanted = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Self {
            color: wanted(stdout.is_terminal()),
            error_color: wanted(std::io::stderr().is_terminal()),
            out: RefCell::new(BufWriter::new(std::io::stdout().lock())),
            columns: stdout
                .is_terminal()
                .then(|| crossterm::terminal::size().map_or(80, |(columns, _)| columns.into())),
            quiet,
            verbose,
        }
    }

    /// Whether notes and progress are unwanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether people read standard output.
    pub fn is_terminal(&self) -> bool {
        std::io::stdout().is_terminal()
    }

    /// Text on any number of lines; names and paths in it come from data, too, so it is cleaned like all text.
    pub fn text(&mut self, text: impl Display) -> Result<(), Report> {
        Ok(write!(
            self.out.get_mut(),
            "{}",
            visible(&text.to_string())
        )?)
    }

    /// [`Output::text`] and a line break.
    pub fn line(&mut self, text: impl Display) -> Result<(), Report> {
        Ok(writeln!(
            self.out.get_mut(),
            "{}",
            visible(&text.to_string())
        )?)
    }

    /// Our own or already cleaned text with a style.
    pub fn styled(&mut self, style: Style, text: impl Display) -> Result<(), Report> {
        let text = text.to_string();
        let text = visible(&text);
        if self.color {
            write!(
                self.out.get_mut(),
                "\u{1b}[{}m{text}\u{1b}[0m",
                style.code()
            )?;
        } else {
            write!(self.out.get_mut(), "{text}")?;
        }
        Ok(())
    }

    /// Text from data, on as many lines as it has, each behind `indent`; a terminal's lines break at words, and what goes on
    /// in the next line stands below the line's own beginning.
    pub fn data(&mut self, text: &str, indent: &str) -> Result<(), Report> {
        let Some(columns) = self.columns else {
            return self.code(text, indent);
        };
        let text = visible(text);
        for line in text.trim_end_matches('\n').split('\n') {
            let inner = line.len() - line.trim_start_matches(' ').len();
            // An indentation that leaves no room is not kept up.
            let hanging = if inner > columns / 2 { 0 } else { inner };
            let room = columns.saturating_sub(indent.len() + hanging);
            for piece in wrapped(line.get(hanging..).unwrap_or(line), room) {
                writeln!(self.out.get_mut(), "{indent}{:hanging$}{piece}", "")?;
            }
        }
        Ok(())
    }

    /// [`Output::data`] whose lines stay whole.
    pub fn code(&mut self, text: &str, indent: &str) -> Result<(), Report> {
        for line in visible(text).trim_end_matches('\n').split('\n') {
            writeln!(self.out.get_mut(), "{indent}{line}")?;
        }
        Ok(())
    }

    /// Text from data on one line, matches marked; no line break at its end.
    pub fn data_line(&mut self, text: &str, matches: &[Range<usize>]) -> Result<(), Report> {
        let mut at = 0;
        for range in matches {
            let (Some(before), Some(inside)) = (text.get(at..range.start), text.get(range.clone()))
            else {
                continue;
            };
            self.text(visible_line(before))?;
            self.styled(Style::Match, visible_line(inside))?;
            at = range.end;
        }
        self.text(visible_line(text.get(at..).unwrap_or_default()))
    }

    /// One JSON value on a line.
    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Report> {
        self.json_text(&serde_json::to_string(value).map_err(std::io::Error::from)?)
    }

    /// JSON as its source has it.
    pub fn json_text(&mut self, json: &str) -> Result<(), Report> {
        Ok(writeln!(self.out.get_mut(), "{}", visible_json(json))?)
    }

    /// Where whole files are written to standard output.
    pub fn raw(&mut self) -> &mut impl Write {
        self.out.get_mut()
    }

    /// Everything written so far reaches the reader.
    pub fn flush(&mut self) -> Result<(), Report> {
        Ok(self.out.get_mut().flush()?)
    }

    /// Where both outputs go to one place, lines stand in the order in which they were written.
    fn flush_before_a_note(&self) {
        // What can't be written now fails again, and is told, when the command ends.
        let _ = self.out.borrow_mut().flush();
    }

    /// A note on standard error.
    #[allow(clippy::print_stderr)]
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            self.flush_before_a_note();
            eprintln!("{}", visible(&text.to_string()));
        }
    }

    /// A note that only `-v` shows.
    pub fn detail(&self, text: impl Display) {
        if self.verbose {
            self.note(text);
        }
    }

    /// An error on standard error.
    #[allow(clippy::print_stderr)]
    pub fn error(&self, report: &Report) {
        let (start, end) = if self.error_color {
            ("\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        eprintln!("{start}error:{end} {}", visible(&report.message));
        for hint in &report.hints {
            eprintln!("hint: {}", visible(hint));
        }
    }
}
