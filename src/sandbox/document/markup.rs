/// Elements that begin a line.
const BLOCKS: [&str; 22] = [
    "p",
    "div",
    "br",
    "li",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "table",
    "title",
    "body",
    "head",
    "section",
    "article",
    "header",
    "footer",
    "blockquote",
];

/// Elements whose content is not read.
const SILENT: [&str; 3] = ["script", "style", "noscript"];

/// The text of an HTML page, a line for each block.
pub(super) fn page(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        push(&mut text, before);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some(end) = tag.find('>') else {
            rest = "";
            break;
        };
        let inside = tag.get(1..end).unwrap_or_default();
        rest = tag.get(end + 1..).unwrap_or_default();
        let name = inside.trim_start_matches('/');
        let name = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if SILENT.contains(&name.as_str()) && !inside.starts_with('/') {
            let close = format!("</{name}");
            let lower = rest.to_ascii_lowercase();
            rest = lower
                .find(&close)
                .and_then(|at| rest.get(at..))
                .unwrap_or_default();
        } else if BLOCKS.contains(&name.as_str()) && !text.is_empty() && !text.ends_with('\n') {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
        }
    }
    push(&mut text, rest);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Adds text with its white space as single spaces.
fn push(text: &mut String, raw: &str) {
    for character in unescaped(raw).chars() {
        let is_space = character.is_whitespace();
        if !is_space {
            text.push(character);
        } else if !text.is_empty() && !text.ends_with([' ', '\n']) {
            text.push(' ');
        }
    }
}

/// Resolves the character references of XML, `&nbsp;` and numbers; others stay as they are.
pub(super) fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        text.push_str(before);
        // No reference is longer.
        let end = reference.find(';').filter(|end| *end <= 10);
        let resolved = end.and_then(|end| {
            let name = reference.get(1..end)?;
            let number = name.strip_prefix('#').and_then(|number| {
                number.strip_prefix(['x', 'X']).map_or_else(
                    || number.parse().ok(),
                    |hex| u32::from_str_radix(hex, 16).ok(),
                )
            });
            let character = match name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                "nbsp" => Some(' '),
                _ => number.and_then(char::from_u32),
            };
            Some((character?, end + 1))
        });
        let (character, length) = resolved.unwrap_or(('&', 1));
        text.push(character);
        rest = reference.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}
