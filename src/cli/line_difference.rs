//! Which lines differ between two texts.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::cli::output::{Output, Style};
use crate::domain::visible_line;
use crate::report::Report;

/// Equal lines around those that differ.
const AROUND: usize = 2;
/// Longer lines are cut: a picture inside a record is one line.
const LONGEST: usize = 2_000;
/// After this time a coarser answer does.
const PATIENCE: Duration = Duration::from_secs(1);

/// Prints the lines that differ, `-` before those that were and `+` before those that are.
pub fn print(before: &str, after: &str, indent: &str, output: &mut Output) -> Result<(), Report> {
    let difference = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before, after);
    for (number, group) in difference.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            output.line(format!("{indent}…"))?;
        }
        for change in group.iter().flat_map(|op| difference.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", Some(Style::Bad)),
                ChangeTag::Insert => ("+", Some(Style::Good)),
                ChangeTag::Equal => (" ", None),
            };
            let line = cut(change.value().trim_end_matches(['\n', '\r']));
            let line = format!("{sign} {}", visible_line(&line));
            output.text(indent)?;
            match style {
                Some(style) => output.styled(style, line)?,
                None => output.text(line)?,
            }
            output.line("")?;
        }
    }
    Ok(())
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
