//! Any keys, clicks and sizes: nothing panics, and what was decided reopens as it was.

use ratatui::crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use retake::tui::effect::Message;

use super::rerun::same_two;
use super::{Sitting, user_with_demo};

/// Messages in all; pictures and effects included, a few minutes of somebody's fastest typing.
const MESSAGES: usize = 100_000;

/// Reproducible numbers (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

const KEYS: &str = "j k l h g G enter esc tab shift-tab space / : ? a r = t T m e o D K J F c + 0 - w n Q u ctrl-r \
    f2 f3 f4 f6 f9 pagedown pageup left right up down home end x i s f p z ] [ v b d R P y B S 1 2 3 4 # . , < > \
    backspace ctrl-s ctrl-o A E ! O C ' U ctrl-a y n x o c r q I N Y X R";

#[test]
fn any_keys_and_sizes() {
    let seed = 0x2545_f491_4f6c_dd1d;
    let mut chance = Chance(seed);
    let keys: Vec<&str> = KEYS.split_whitespace().collect();
    let user = user_with_demo("tui-random");
    let mut sitting = Sitting::with_controllers(user, 100, 30, 2, same_two());
    let mut told = 0;
    while told < MESSAGES {
        match chance.next(40) {
            0 => {
                let (columns, rows) = (chance.next(150) as u16 + 1, chance.next(60) as u16 + 1);
                sitting.resize(columns, rows);
            }
            1 => {
                let kinds = [
                    MouseEventKind::Down(MouseButton::Left),
                    MouseEventKind::Drag(MouseButton::Left),
                    MouseEventKind::Up(MouseButton::Left),
                    MouseEventKind::ScrollDown,
                    MouseEventKind::ScrollUp,
                ];
                let event = MouseEvent {
                    kind: kinds[chance.next(kinds.len())],
                    column: chance.next(150) as u16,
                    row: chance.next(60) as u16,
                    modifiers: KeyModifiers::NONE,
                };
                sitting.tell(Message::Input(Event::Mouse(event)));
            }
            2 => sitting.tell(Message::Input(Event::Paste(
                "tool:ocr 漢字\n\u{1b}[31m".to_owned(),
            ))),
            3 => sitting.tell(Message::Tick(std::time::Instant::now())),
            _ => {
                let key = keys[chance.next(keys.len())];
                // Leaving would end it.
                if key == "q" && sitting.text().contains("26 records") {
                    continue;
                }
                sitting.press(key);
            }
        }
        told += 1;
        if sitting.is_over() {
            let user = sitting.user;
            sitting = Sitting::with_controllers(user, 100, 30, 2, same_two());
        }
    }
    let verbs = sitting.verbs();
    assert!(!verbs.is_empty(), "somebody decided something");
    let before = sitting
        .user
        .retake(["--as-user", "tess", "log", "--limit", "0"])
        .succeeds()
        .stdout;
    let again = Sitting::new(sitting.user, 100, 30);
    let after = again
        .user
        .retake(["--as-user", "tess", "log", "--limit", "0"])
        .succeeds()
        .stdout;
    assert_eq!(before, after);
}
