//! The program in a terminal of its own.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use regex::Regex;

use super::user_with_demo;
use crate::user::User;

/// No machine is so busy that it needs longer.
const PATIENCE: Duration = Duration::from_secs(60);

struct Session {
    user: User,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    input: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Everything that was written.
    output: Arc<Mutex<Vec<u8>>>,
}

impl Session {
    fn start(name: &str, columns: u16, rows: u16, arguments: &[&str]) -> Self {
        let user = user_with_demo(name);
        let program = user.command(arguments);
        Self::run(user, program, columns, rows)
    }

    fn run(user: User, program: std::process::Command, columns: u16, rows: u16) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program.get_program());
        command.args(program.get_args());
        command.cwd(user.path("."));
        command.env_clear();
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let input = pair.master.take_writer().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            NonZero::new(rows).unwrap(),
            NonZero::new(columns).unwrap(),
            0,
        )));
        let output = Arc::new(Mutex::new(Vec::new()));
        std::thread::spawn({
            let (screen, output) = (Arc::clone(&screen), Arc::clone(&output));
            move || {
                let mut chunk = [0; 4096];
                while let Ok(count @ 1..) = reader.read(&mut chunk) {
                    screen.lock().unwrap().process(&chunk[..count]);
                    output.lock().unwrap().extend_from_slice(&chunk[..count]);
                }
            }
        });
        Self {
            user,
            child,
            master: pair.master,
            input,
            screen,
            output,
        }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn wait_for(&self, what: &str) -> &Self {
        let start = Instant::now();
        while !self.text().contains(what) {
            assert!(
                start.elapsed() < PATIENCE,
                "no `{what}` in\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    /// Waits for something in what was written, escapes included.
    fn waits_for_output<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            let output = String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned();
            if let Some(found) = find(&output) {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "not written:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
        self
    }

    fn ends(&mut self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(start.elapsed() < PATIENCE, "it goes on:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the terminal is as it was before.
    fn is_given_back(&self) -> bool {
        let start = Instant::now();
        // What the program wrote last may still be on its way.
        while start.elapsed() < Duration::from_secs(5) {
            let output = self.output.lock().unwrap();
            let text = String::from_utf8_lossy(&output);
            let last = |sequence: &str| text.rfind(sequence);
            if last("\u{1b}[?1049l") > last("\u{1b}[?1049h") && last("\u{1b}[?25h").is_some() {
                return true;
            }
            drop(text);
            drop(output);
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Only where a test failed it still runs.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn start_search_step_reject_quit() {
    let mut session = Session::start("pty-first", 120, 36, &["--as-user", "tess"]);
    session.wait_for("26 records");
    session.press("/receipt\r").wait_for("receipt-date");
    // Faster than the record can be read.
    session.press("\rl").wait_for("step 1 of");
    session.press("r").wait_for("in your own words");
    session.press("1\r").wait_for("rejected");
    session.press("\u{3}");
    assert_eq!(session.ends(), 0);
    assert!(session.is_given_back());
    let log = session.user.retake(["--as-user", "tess", "log"]).succeeds();
    assert!(log.stdout.contains("rejected"), "{}", log.stdout);
}

/// What [`a_panic_gives_the_terminal_back`] runs in its terminal.
#[test]
#[ignore = "it panics, and is run by another test"]
fn somebody_who_draws_panics() {
    let terminal = retake::tui::terminal::Terminal::enter();
    assert!(terminal.is_err(), "the drawing thread fell over");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let user = User::new("pty-panic");
    let mut program = user.command(["--ignored", "--nocapture", "somebody_who_draws_panics"]);
    let mut own = std::process::Command::new(std::env::current_exe().unwrap());
    own.args(program.get_args());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            own.env(name, value);
        }
    }
    program = own;
    let mut session = Session::run(user, program, 100, 30);
    assert_ne!(session.ends(), 0);
    assert!(session.is_given_back());
    // What happened is told where it can be read.
    session.wait_for("the drawing thread fell over");
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let mut session = Session::start("pty-term", 100, 30, &[]);
    session.wait_for("26 records");
    let id = session.child.process_id().unwrap();
    let killed = std::process::Command::new("kill")
        .arg("-TERM")
        .arg(id.to_string())
        .status();
    assert!(killed.unwrap().success());
    session.ends();
    assert!(session.is_given_back());
}

#[test]
fn a_tiny_window_says_so_and_grows() {
    let session = Session::start("pty-tiny", 30, 8, &[]);
    session.wait_for("too small");
    let size = PtySize {
        rows: 24,
        cols: 80,
        pixel_width: 0,
        pixel_height: 0,
    };
    session
        .screen
        .lock()
        .unwrap()
        .screen_mut()
        .set_size(NonZero::new(24).unwrap(), NonZero::new(80).unwrap());
    session.master.resize(size).unwrap();
    session.wait_for("26 records");
}

#[test]
fn keys_typed_at_once_are_not_lost() {
    let mut session = Session::start("pty-early", 100, 30, &[]);
    // Before anything is on the screen.
    session.press("/floor plan");
    session.wait_for("/ floor plan").wait_for("1 of 1 records");
    session.press("\u{3}");
    assert_eq!(session.ends(), 0);
}

#[test]
fn frames_are_traced() {
    let mut session = Session::start("pty-trace", 100, 30, &["--trace-frames", "frames.csv"]);
    session.wait_for("26 records");
    session.press("jjk").wait_for("2 of 26");
    session.press("\u{3}");
    session.ends();
    let trace = std::fs::read_to_string(session.user.path("frames.csv")).unwrap();
    let mut lines = trace.lines();
    assert_eq!(lines.next(), Some("event,at_us,frame_us"));
    assert!(trace.contains("\nfirst,0,"), "{trace}");
    assert_eq!(trace.matches("\nkey j,").count(), 2, "{trace}");
}

/// The first picture of kitty's protocol that is whole: its width and height, and RGBA of its pixels.
fn kitty_picture(output: &str) -> Option<(usize, usize, Vec<u8>)> {
    let commands = output.split("\u{1b}_G").skip(1);
    let ended = commands.filter_map(|command| command.split_once("\u{1b}\\"));
    let mut parts = ended.filter_map(|(command, _)| command.split_once(';'));
    let (keys, first) = parts.find(|(keys, _)| keys.contains("a=T") && keys.contains("f=32"))?;
    let number = |name: &str| {
        keys.split(',')
            .find_map(|key| key.strip_prefix(name)?.parse().ok())
    };
    let mut pixels = first.to_owned();
    let mut is_last = !keys.contains("m=1");
    while !is_last {
        let (keys, part) = parts.next()?;
        pixels.push_str(part);
        is_last = !keys.contains("m=1");
    }
    Some((
        number("s=")?,
        number("v=")?,
        STANDARD.decode(pixels).unwrap(),
    ))
}

#[test]
fn terminals_that_say_so_are_sent_pictures() {
    // What a terminal is asked ends with its attributes; the height and width of a cell come before them.
    let asked = |output: &str| output.contains("\u{1b}[c").then_some(());
    let mut kitty = Session::start("pty-kitty", 120, 36, &[]);
    kitty.waits_for_output(asked);
    kitty.press("\u{1b}_Gi=31;OK\u{1b}\\\u{1b}[6;20;10t\u{1b}[?62;c");
    let (width, height, pixels) = kitty.waits_for_output(kitty_picture);
    assert_eq!(pixels.len(), width * height * 4);
    let colors: BTreeSet<&[u8]> = pixels.chunks(4).collect();
    assert!(colors.len() > 8 && colors.iter().all(|color| color[3] == 255));
    kitty.press("\u{3}");
    assert_eq!(kitty.ends(), 0);

    let mut sixel = Session::start("pty-sixel", 120, 36, &[]);
    sixel.waits_for_output(asked);
    sixel.press("\u{1b}[6;20;10t\u{1b}[?62;4;c");
    let picture = Regex::new("\u{1b}P[0-9;]*q\"1;1;([0-9]+);([0-9]+)[^\u{1b}]+\u{1b}\\\\").unwrap();
    let size = sixel.waits_for_output(|output| {
        let found = picture.captures(output)?;
        Some([&found[1], &found[2]].map(|side| side.parse::<u32>().unwrap()))
    });
    assert!(size.iter().all(|side| *side > 60), "{size:?}");
    sixel.press("\u{3}");
    assert_eq!(sixel.ends(), 0);
}
