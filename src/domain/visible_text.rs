//! The one way in which text from data reaches a terminal: nothing in it can move the cursor or change a colour.

use std::borrow::Cow;

/// Makes control characters, escapes and direction overrides visible; keeps line feeds and tabs.
pub fn visible(text: &str) -> Cow<'_, str> {
    clean(text, true)
}

/// As [`visible`], on one line: line breaks and tabs become `⏎` and a space.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    clean(text, false)
}

/// As [`visible`] for JSON text: what could act on a terminal stands as `\\u001b` in its strings, and the value is the same.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_hostile) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        match character {
            // Only white space between values can be a bare carriage return.
            '\r' => out.push(' '),
            // Every hostile character has four digits.
            c if is_hostile(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn clean(text: &str, keep_lines: bool) -> Cow<'_, str> {
    let harmless = |c: char| !is_hostile(c) && (keep_lines || !matches!(c, '\n' | '\t'));
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // A line break in the style of Windows is a line break, not a control character.
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' if !keep_lines => out.push('⏎'),
            '\t' if !keep_lines => out.push(' '),
            c if !is_hostile(c) => out.push(c),
            // C0 controls have pictures of their own in Unicode.
            c if (c as u32) < 0x20 => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('␦')),
            '\u{7f}' => out.push('␡'),
            c => out.push_str(&format!("<U+{:04X}>", c as u32)),
        }
    }
    Cow::Owned(out)
}

fn is_hostile(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(
            c,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_cannot_act() {
        assert_eq!(visible("a\u{1b}[31mred\u{7}"), "a␛[31mred␇");
        assert_eq!(visible("\u{9b}2J"), "<U+009B>2J");
        assert_eq!(visible("abc\u{202e}fed"), "abc<U+202E>fed");
        assert_eq!(visible("two\r\nlines\tand"), "two\nlines\tand");
        assert_eq!(visible_line("two\nlines"), "two⏎lines");
        assert!(matches!(visible("plain ünï 漢字 🎉"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"a\u{9b}": "\u{1b}[31m\u{202e}\u{feff}\u{7f} 漢 \n"});
        let text = format!("{{\r\n{}", &value.to_string()[1..]);
        let shown = visible_json(&text);
        assert!(shown.contains(r"\u202e") && shown.contains(r"\u009b") && !shown.contains('\r'));
        let read: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(read, value);
        assert!(matches!(visible_json("[1,\n \"漢\"]"), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn no_control_character_is_left(text in proptest::collection::vec(proptest::char::any(), 0..64)) {
            let text: String = text.into_iter().collect();
            proptest::prop_assert!(visible(&text).chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            proptest::prop_assert!(visible_line(&text).chars().all(|c| !c.is_control()));
        }
    }
}
