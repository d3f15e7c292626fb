//! Keys as keymaps write them: `j`, `ctrl-p`, `shift-tab`, `space`, `f5`.

use std::fmt;
use std::str::FromStr;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    code: Code,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Code {
    Character(char),
    Function(u8),
    Named(usize),
}

/// Keys that have names.
const NAMED: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
];

/// What is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: write a character, a name ({names}), f1 to f12, each behind ctrl-, alt- or shift-", names = NAMED.map(|(name, _)| name).join(", "))]
pub struct KeyError(String);

impl Key {
    /// The key of an event; `None` for keys that can't be bound.
    pub fn of(event: &KeyEvent) -> Option<Self> {
        let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::BackTab => {
                shift = true;
                Code::named(KeyCode::Tab)?
            }
            KeyCode::Char(' ') => Code::named(KeyCode::Char(' '))?,
            // What shift does to a character is in the character.
            KeyCode::Char(c) => {
                shift = false;
                Code::Character(c)
            }
            KeyCode::F(number) => Code::Function(number),
            other => Code::named(other)?,
        };
        Some(
            Self {
                code,
                ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
                alt: event.modifiers.contains(KeyModifiers::ALT),
                shift,
            }
            .plain(),
        )
    }

    /// The event of this key being pressed.
    pub fn event(self) -> KeyEvent {
        let mut modifiers = KeyModifiers::NONE;
        for (on, modifier) in [
            (self.ctrl, KeyModifiers::CONTROL),
            (self.alt, KeyModifiers::ALT),
            (self.shift, KeyModifiers::SHIFT),
        ] {
            modifiers.set(modifier, on);
        }
        let code = match self.code {
            Code::Character(c) => KeyCode::Char(c),
            Code::Function(number) => KeyCode::F(number),
            Code::Named(at) => match NAMED.get(at) {
                Some((_, KeyCode::Tab)) if self.shift => KeyCode::BackTab,
                Some((_, code)) => *code,
                None => KeyCode::Null,
            },
        };
        KeyEvent::new(code, modifiers)
    }

    /// Whether typing it writes a character.
    pub fn is_text(self) -> bool {
        let space = Code::named(KeyCode::Char(' '));
        let writes = matches!(self.code, Code::Character(_)) || Some(self.code) == space;
        writes && !self.ctrl && !self.alt
    }

    /// Terminals send the same for `ctrl-A` and `ctrl-a`.
    fn plain(mut self) -> Self {
        if let Code::Character(c) = self.code
            && self.ctrl
        {
            self.code = Code::Character(c.to_ascii_lowercase());
        }
        self
    }
}

impl Code {
    fn named(code: KeyCode) -> Option<Self> {
        let at = NAMED.iter().position(|(_, known)| *known == code);
        at.map(Self::Named)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (mut rest, mut ctrl, mut alt, mut shift) = (text, false, false, false);
        // `-` alone, and behind a modifier, is the key.
        while let Some((modifier, behind)) = rest.split_once('-')
            && !behind.is_empty()
        {
            match modifier {
                "ctrl" => ctrl = true,
                "alt" => alt = true,
                "shift" => shift = true,
                _ => return Err(KeyError(text.to_owned())),
            }
            rest = behind;
        }
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_whitespace() && !c.is_control() => {
                let upper: Vec<char> = c.to_uppercase().collect();
                match (shift, upper.as_slice()) {
                    (true, [one]) if *one != c => {
                        shift = false;
                        Code::Character(*one)
                    }
                    (true, _) => return Err(KeyError(text.to_owned())),
                    (false, _) => Code::Character(c),
                }
            }
            _ => {
                let named = NAMED.iter().position(|(name, _)| *name == rest);
                let function = rest.strip_prefix('f').and_then(|n| n.parse().ok());
                let function = function.filter(|n| (1..=12).contains(n));
                match (named, function) {
                    (Some(at), _) => Code::Named(at),
                    (None, Some(number)) => Code::Function(number),
                    (None, None) => return Err(KeyError(text.to_owned())),
                }
            }
        };
        Ok(Self {
            code,
            ctrl,
            alt,
            shift,
        }
        .plain())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, name) in [
            (self.ctrl, "ctrl"),
            (self.alt, "alt"),
            (self.shift, "shift"),
        ] {
            if on {
                write!(f, "{name}-")?;
            }
        }
        match self.code {
            Code::Character(c) => write!(f, "{c}"),
            Code::Function(number) => write!(f, "f{number}"),
            Code::Named(at) => f.write_str(NAMED.get(at).map_or("", |(name, _)| *name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        Key::of(&KeyEvent::new(code, modifiers))
    }

    #[test]
    fn what_is_written_is_what_is_pressed() {
        let none = KeyModifiers::NONE;
        for (text, code, modifiers) in [
            ("j", KeyCode::Char('j'), none),
            ("J", KeyCode::Char('J'), KeyModifiers::SHIFT),
            ("shift-j", KeyCode::Char('J'), KeyModifiers::SHIFT),
            ("ctrl-p", KeyCode::Char('p'), KeyModifiers::CONTROL),
            ("ctrl-P", KeyCode::Char('p'), KeyModifiers::CONTROL),
            ("alt--", KeyCode::Char('-'), KeyModifiers::ALT),
            ("-", KeyCode::Char('-'), none),
            ("space", KeyCode::Char(' '), none),
            ("shift-tab", KeyCode::BackTab, none),
            ("shift-tab", KeyCode::BackTab, KeyModifiers::SHIFT),
            (
                "ctrl-alt-f5",
                KeyCode::F(5),
                KeyModifiers::CONTROL | KeyModifiers::ALT,
            ),
            ("?", KeyCode::Char('?'), KeyModifiers::SHIFT),
            ("ü", KeyCode::Char('ü'), none),
            ("pagedown", KeyCode::PageDown, none),
        ] {
            let key: Key = text.parse().expect(text);
            assert_eq!(Some(key), event(code, modifiers), "{text}");
            assert_eq!(key.to_string().parse(), Ok(key), "{text}");
            assert_eq!(Key::of(&key.event()), Some(key), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_said() {
        for text in [
            "", "strg-x", "jj", "f13", "f0", "ctrl-", "shift-5", " ", "\u{1b}",
        ] {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
        let error = "hyper-x".parse::<Key>().expect_err("none");
        assert!(error.to_string().contains("`hyper-x` is no key"));
    }

    #[test]
    fn text_is_what_writes_a_character() {
        let key = |text: &str| text.parse::<Key>().expect("a key");
        assert!(key("x").is_text() && key("space").is_text() && key("Ö").is_text());
        assert!(!key("ctrl-x").is_text() && !key("enter").is_text() && !key("alt-x").is_text());
    }
}
