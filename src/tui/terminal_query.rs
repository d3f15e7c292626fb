//! What pictures a terminal can show, as it answers itself. Who does not answer in time gets half-blocks, and no key that is
//! pressed meanwhile is lost.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui_image::FontSize;
use ratatui_image::picker::{Picker, ProtocolType};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(250);

/// What came back.
#[derive(Default)]
pub struct Answer {
    /// What draws pictures; `None` leaves half-blocks.
    pub picker: Option<Picker>,
    /// Keys that were pressed meanwhile.
    pub keys: Vec<Event>,
}

/// What a terminal said of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Abilities {
    kitty: bool,
    sixel: bool,
    /// Width and height of a cell in pixels.
    cell: Option<(u16, u16)>,
    /// It has answered the last question: whatever it did not answer it does not know.
    is_done: bool,
}

/// Asks: a picture of one pixel for kitty's protocol, the size of a cell, and what every terminal answers.
const QUESTIONS: &str = "\u{1b}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1b}\\\u{1b}[16t\u{1b}[c";

/// Asks the terminal; whether an answer may come. To be called before anybody reads its input.
pub fn ask() -> bool {
    // What a multiplexer lets through is not what its terminal shows.
    if is_set("TMUX")
        || std::env::var("TERM").is_ok_and(|term| term.starts_with("screen") || term == "dumb")
    {
        return false;
    }
    let mut out = stdout();
    write!(out, "{QUESTIONS}")
        .and_then(|()| out.flush())
        .is_ok()
}

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| !value.is_empty())
}

/// Reads what a terminal answers, and no longer than it may take.
pub fn read_answer() -> Answer {
    let bytes = read_for(PATIENCE, |bytes| parse(bytes).0.is_done);
    let (abilities, keys) = parse(&bytes);
    let is_iterm = ["iTerm.app", "WezTerm", "mintty", "vscode", "Hyper", "rio"]
        .iter()
        .any(|name| std::env::var("TERM_PROGRAM").is_ok_and(|program| program == *name));
    // Neither of these places kitty's pictures under text.
    let only_iterm = is_set("WEZTERM_EXECUTABLE") || is_set("KONSOLE_VERSION");
    let protocol = match abilities {
        _ if is_iterm || only_iterm => Some(ProtocolType::Iterm2),
        Abilities { kitty: true, .. } => Some(ProtocolType::Kitty),
        Abilities { sixel: true, .. } => Some(ProtocolType::Sixel),
        _ => None,
    };
    let picker = protocol.map(|protocol| {
        let mut picker = picker_of_size(abilities.cell.or_else(cell_size));
        picker.set_protocol_type(protocol);
        picker
    });
    Answer { picker, keys }
}

/// A picker for cells of this size in pixels, 10×20 where nobody knows.
pub fn picker_of_size(cell: Option<(u16, u16)>) -> Picker {
    let (width, height) = cell.unwrap_or((10, 20));
    #[allow(deprecated)] // the other way to make one asks the terminal itself, and loses keys
    Picker::from_fontsize(FontSize::new(width, height))
}

/// The size of a cell in pixels, as the kernel knows it.
pub fn cell_size() -> Option<(u16, u16)> {
    let size = ratatui::crossterm::terminal::window_size().ok()?;
    let cell = (
        size.width.checked_div(size.columns)?,
        size.height.checked_div(size.rows)?,
    );
    (cell.0 > 0 && cell.1 > 0).then_some(cell)
}

/// Bytes of standard input until enough have come, or time is up.
#[cfg(unix)]
fn read_for(patience: Duration, is_enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let until = Instant::now() + patience;
    let input = std::io::stdin();
    let mut bytes = Vec::new();
    while !is_enough(&bytes) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let mut waited = [PollFd::new(&input, PollFlags::IN)];
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        if !matches!(poll(&mut waited, Some(&time)), Ok(1..)) {
            break;
        }
        let mut chunk = [0; 256];
        match rustix::io::read(&input, &mut chunk) {
            Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
            _ => break,
        }
    }
    bytes
}

#[cfg(not(unix))]
fn read_for(_: Duration, _: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let _ = Instant::now();
    Vec::new()
}

/// Answers, and what is none of them: keys.
fn parse(bytes: &[u8]) -> (Abilities, Vec<Event>) {
    let text = String::from_utf8_lossy(bytes);
    let mut abilities = Abilities::default();
    let mut keys = Vec::new();
    let mut rest = text.as_ref();
    while !rest.is_empty() {
        if let Some(body) = rest.strip_prefix("\u{1b}_") {
            let Some(end) = body.find("\u{1b}\\") else {
                break;
            };
            abilities.kitty |= body[..end].starts_with("Gi=31;OK");
            rest = &body[end + 2..];
        } else if let Some(body) = rest.strip_prefix("\u{1b}[") {
            let Some(end) = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)) else {
                break;
            };
            let (parameters, behind) = body.split_at(end);
            let last = behind.chars().next().unwrap_or_default();
            rest = &behind[last.len_utf8()..];
            match (last, parameters.strip_prefix('?')) {
                ('c', Some(attributes)) => {
                    abilities.sixel |= attributes.split(';').any(|attribute| attribute == "4");
                    abilities.is_done = true;
                }
                ('t', None) => {
                    let numbers: Vec<u16> = parameters
                        .split(';')
                        .filter_map(|n| n.parse().ok())
                        .collect();
                    if let [6, height, width] = numbers.as_slice()
                        && *height > 0
                        && *width > 0
                    {
                        abilities.cell = Some((*width, *height));
                    }
                }
                (last, None) => keys.extend(arrow(last)),
                _ => {}
            }
        } else {
            let mut characters = rest.chars();
            if let Some(c) = characters.next() {
                keys.push(key(c));
            }
            rest = characters.as_str();
        }
    }
    (abilities, keys)
}

fn arrow(last: char) -> Option<Event> {
    let code = match last {
        'A' => KeyCode::Up,
        'B' => KeyCode::Down,
        'C' => KeyCode::Right,
        'D' => KeyCode::Left,
        'H' => KeyCode::Home,
        'F' => KeyCode::End,
        'Z' => KeyCode::BackTab,
        _ => return None,
    };
    Some(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn key(c: char) -> Event {
    let (code, modifiers) = match c {
        '\r' | '\n' => (KeyCode::Enter, KeyModifiers::NONE),
        '\t' => (KeyCode::Tab, KeyModifiers::NONE),
        '\u{1b}' => (KeyCode::Esc, KeyModifiers::NONE),
        '\u{7f}' => (KeyCode::Backspace, KeyModifiers::NONE),
        '\u{1}'..='\u{1a}' => {
            let letter = char::from(b'a' + (c as u8) - 1);
            (KeyCode::Char(letter), KeyModifiers::CONTROL)
        }
        c => (KeyCode::Char(c), KeyModifiers::NONE),
    };
    Event::Key(KeyEvent::new(code, modifiers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_keys_are_told_apart() {
        let bytes = "j\u{1b}_Gi=31;OK\u{1b}\\\u{1b}[6;18;9tk\u{1b}[A\u{1b}[?62;4;22cé\u{3}";
        let (abilities, keys) = parse(bytes.as_bytes());
        assert_eq!(
            abilities,
            Abilities {
                kitty: true,
                sixel: true,
                cell: Some((9, 18)),
                is_done: true
            }
        );
        let codes: Vec<KeyCode> = keys
            .iter()
            .filter_map(|event| event.as_key_event().map(|key| key.code))
            .collect();
        let c = KeyCode::Char;
        assert_eq!(codes, [c('j'), c('k'), KeyCode::Up, c('é'), c('c')]);
    }

    #[test]
    fn a_refusal_and_half_an_answer_are_no_ability() {
        let (abilities, _) = parse(b"\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?1;2c");
        assert!(!abilities.kitty && !abilities.sixel);
        assert!(abilities.is_done);
        assert_eq!(parse(b"\x1b_Gi=31;O").0, Abilities::default());
        assert_eq!(parse(b"\x1b[?6").0, Abilities::default());
    }
}
