//! Texts that a person gives: as an argument, in a file, or on standard input.

use std::io::Read;
use std::path::Path;

use clap::Args;

use crate::report::Report;

/// Where the text comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct TextArgs {
    /// The text; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// The file that holds it; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<std::path::PathBuf>,
}

impl TextArgs {
    /// Whether it comes from standard input.
    pub fn reads_standard_input(&self) -> bool {
        is_standard_input(self.text.as_deref())
            || self
                .file
                .as_deref()
                .is_some_and(|file| file == Path::new("-"))
    }

    /// The text.
    pub fn read(&self) -> Result<String, Report> {
        match (&self.text, &self.file) {
            (Some(text), _) => argument(text),
            (None, Some(file)) => file_text(file),
            (None, None) => Ok(String::new()),
        }
    }
}

/// Whether an argument stands for standard input.
pub fn is_standard_input(text: Option<&str>) -> bool {
    text == Some("-")
}

/// An argument's text; `-` reads standard input.
pub fn argument(text: &str) -> Result<String, Report> {
    match text {
        "-" => standard_input(),
        text => Ok(text.to_owned()),
    }
}

/// A file's text; `-` is standard input.
pub fn file_text(file: &Path) -> Result<String, Report> {
    if file == Path::new("-") {
        return standard_input();
    }
    let bytes = std::fs::read(file)
        .map_err(|error| Report::failure(format!("{} can't be read: {error}", file.display())))?;
    text_of(bytes, &file.display().to_string())
}

fn standard_input() -> Result<String, Report> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| Report::failure(format!("standard input can't be read: {error}")))?;
    text_of(bytes, "standard input")
}

/// Editors end a file with a line feed that no text of a trajectory has: one is left out.
fn text_of(bytes: Vec<u8>, place: &str) -> Result<String, Report> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Report::failure(format!("{place} is not valid UTF-8 at byte {at}"))
    })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_last_line_is_no_part_of_a_text() {
        let text = |bytes: &str| text_of(bytes.as_bytes().to_vec(), "x").expect("text");
        assert_eq!(text("a\n\n"), "a\n");
        assert_eq!(text("a\r\n"), "a");
        assert_eq!(text("漢"), "漢");
        assert_eq!(text(""), "");
        let wrong = text_of(vec![b'a', 0xff], "my.txt").expect_err("no UTF-8");
        assert_eq!(wrong.message, "my.txt is not valid UTF-8 at byte 1");
    }
}
