use std::io::Cursor;

use calamine::{Data, Ods, Reader as _, Sheets, Xls, Xlsb, Xlsx};

use super::MOST_TEXT;
use super::archive::Archive;

/// The sheets of a workbook, each as a table.
pub(super) fn workbook(bytes: &[u8]) -> Result<String, String> {
    // What is an archive is looked at before anything is unpacked; the old binary form is none.
    if bytes.starts_with(b"PK") {
        Archive::open(bytes)?;
    }
    let unreadable = |error: calamine::Error| format!("the workbook can't be read: {error}");
    let mut book = open(bytes).map_err(unreadable)?;
    let mut text = String::new();
    for name in book.sheet_names() {
        let sheet = book.worksheet_range(&name).map_err(unreadable)?;
        text.push_str(&format!("## {name}\n\n"));
        let rows = sheet.rows().map(|row| row.iter().map(cell).collect());
        write_table(rows, &mut text);
        text.push('\n');
        if text.len() > MOST_TEXT {
            break;
        }
    }
    Ok(text)
}

/// A workbook with the reader of its kind, so that what is wrong with it is said.
fn open(bytes: &[u8]) -> Result<Sheets<Cursor<&[u8]>>, calamine::Error> {
    let cursor = Cursor::new(bytes);
    if !bytes.starts_with(b"PK") {
        return Ok(Sheets::Xls(Xls::new(cursor)?));
    }
    let has = |name: &[u8]| memchr::memmem::find(bytes, name).is_some();
    Ok(if has(b"xl/workbook.bin") {
        Sheets::Xlsb(Xlsb::new(cursor)?)
    } else if has(b"xl/workbook.xml") {
        Sheets::Xlsx(Xlsx::new(cursor)?)
    } else {
        Sheets::Ods(Ods::new(cursor)?)
    })
}

fn cell(data: &Data) -> String {
    match data {
        Data::DateTime(time) => time
            .as_datetime()
            .map_or_else(|| data.to_string(), |time| time.to_string()),
        other => other.to_string(),
    }
}

/// A table of separated values: quotes around what holds separators or line ends, doubled inside.
pub(super) fn separated(text: &str, separator: char) -> Result<String, String> {
    let mut rows = vec![Vec::new()];
    let mut field = String::new();
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {}
            c if !is_quoted && (c == separator || c == '\n') => {
                if let Some(row) = rows.last_mut() {
                    row.push(std::mem::take(&mut field));
                }
                if c == '\n' {
                    rows.push(Vec::new());
                }
            }
            c => field.push(c),
        }
    }
    if let Some(row) = rows.last_mut()
        && (!row.is_empty() || !field.is_empty())
    {
        row.push(field);
    }
    rows.retain(|row| !row.is_empty());
    let mut table = String::new();
    write_table(rows.into_iter(), &mut table);
    Ok(table)
}

/// Rows as a table of Markdown; the first is its head.
fn write_table(rows: impl Iterator<Item = Vec<String>>, text: &mut String) {
    for (number, row) in rows.enumerate() {
        text.push('|');
        for field in &row {
            let field = field.replace('|', "\\|").replace(['\n', '\r'], " ");
            text.push_str(&format!(" {field} |"));
        }
        text.push('\n');
        if number == 0 {
            text.push('|');
            text.push_str(&"---|".repeat(row.len()));
            text.push('\n');
        }
        if text.len() > MOST_TEXT {
            return;
        }
    }
}
