//! The terminal: taken at the start, given back whatever ends the program, lent to editors and to the shell in between.

use std::io::{Stdout, Write, stdout};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

use base64::Engine;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, poll,
    read,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal as Screen};

use crate::report::Report;

use super::effect::{ExternalEdit, Message};
use super::terminal_query;

/// How long the input thread waits before it looks whether it is to pause or to end.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether the terminal is ours now.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
pub struct Terminal {
    screen: Screen<CrosstermBackend<Stdout>>,
    input: Arc<InputGate>,
}

/// Lets the input thread pause, so that an editor gets the keys.
#[derive(Default)]
struct InputGate {
    state: Mutex<InputState>,
    changed: Condvar,
}

#[derive(Default)]
struct InputState {
    is_paused: bool,
    is_waiting: bool,
    is_over: bool,
}

impl Terminal {
    /// Takes the terminal. It is given back when this is dropped, and when the calling thread panics.
    pub fn enter() -> Result<Self, Report> {
        give_back_on_panic();
        let taken = take().and_then(|()| Screen::new(CrosstermBackend::new(stdout())));
        let screen = taken.map_err(|error| {
            give_back();
            Report::failure(format!("the terminal can't be used: {error}"))
                .hint("`retake search` and the other commands work without one")
        })?;
        Ok(Self {
            screen,
            input: Arc::default(),
        })
    }

    /// Starts to read keys. `asks` asks the terminal first what pictures it can show; keys pressed meanwhile are kept.
    pub fn read_input(&self, sender: Sender<Message>, asks: bool) -> Result<(), Report> {
        let gate = Arc::clone(&self.input);
        let ends = signals()?;
        // Asked here: whoever called may hold the lock of standard output.
        let is_asked = asks && terminal_query::ask();
        let thread = std::thread::Builder::new().name("input".to_owned());
        let started = thread.spawn(move || {
            if is_asked {
                let answer = terminal_query::read_answer();
                if let Some(picker) = answer.picker {
                    let _ = sender.send(Message::Pictures(picker));
                }
                for event in answer.keys {
                    let _ = sender.send(Message::Input(event));
                }
            }
            read_events(&gate, &ends, &sender);
        });
        let failed = |error| Report::failure(format!("a thread can't be started: {error}"));
        started.map(|_| ()).map_err(failed)
    }

    /// Draws a frame.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<(), Report> {
        match self.screen.draw(draw) {
            Ok(_) => Ok(()),
            Err(error) => Err(Report::from(error)),
        }
    }

    /// Forgets what is on the screen: the next frame draws all of it.
    pub fn clear(&mut self) -> Result<(), Report> {
        Ok(self.screen.clear()?)
    }

    /// Stops the process until `fg` brings it back.
    pub fn suspend(&mut self) -> Result<(), Report> {
        self.lend(|| {
            #[cfg(unix)]
            // Stopped here; it goes on when the shell says so.
            let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP);
        })
    }

    /// Lets a person edit a text in their editor; what they wrote, or why not.
    pub fn edit_externally(
        &mut self,
        edit: &ExternalEdit,
    ) -> Result<Result<String, String>, Report> {
        let mut edited = Err("it was not started".to_owned());
        self.lend(|| edited = in_editor(&edit.text, edit.ending))?;
        Ok(edited)
    }

    /// Puts a text on the clipboard, where the terminal lets one (OSC 52).
    pub fn copy(&mut self, text: &str) -> Result<(), Report> {
        let packed = base64::engine::general_purpose::STANDARD.encode(text);
        let mut out = stdout();
        write!(out, "\u{1b}]52;c;{packed}\u{7}")?;
        Ok(out.flush()?)
    }

    /// Gives the terminal back while something else uses it.
    fn lend(&mut self, user: impl FnOnce()) -> Result<(), Report> {
        self.input.pause();
        give_back();
        user();
        let taken = take();
        self.input.go_on();
        taken?;
        self.clear()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.input.end();
        give_back();
    }
}

impl InputGate {
    fn set(&self, change: impl FnOnce(&mut InputState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Returns once the thread reads no more.
    fn pause(&self) {
        self.set(|state| state.is_paused = true);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread that has ended does not wait; nobody waits for it longer than it may take to look.
        let waits = |state: &mut InputState| !state.is_waiting && !state.is_over;
        let _ = self.changed.wait_timeout_while(state, PAUSE * 6, waits);
    }

    fn go_on(&self) {
        self.set(|state| state.is_paused = false);
    }

    fn end(&self) {
        self.set(|state| {
            state.is_over = true;
            state.is_paused = false;
        });
    }

    /// Waits while paused; whether reading goes on.
    fn pass(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.is_paused && !state.is_over {
            state.is_waiting = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.is_waiting = false;
        !state.is_over
    }
}

fn read_events(gate: &InputGate, ends: &AtomicBool, sender: &Sender<Message>) {
    while gate.pass() {
        if ends.load(Ordering::Relaxed) {
            let _ = sender.send(Message::Terminate);
            return;
        }
        match poll(PAUSE) {
            Ok(false) => {}
            Ok(true) => match read() {
                Ok(event) => {
                    if sender.send(Message::Input(event)).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            },
            // A terminal that is gone has no more keys.
            Err(_) => {
                let _ = sender.send(Message::Terminate);
                return;
            }
        }
    }
}

/// Set by signals that ask a program to end.
fn signals() -> Result<Arc<AtomicBool>, Report> {
    let ends = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    for signal in [
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
        signal_hook::consts::SIGINT,
    ] {
        signal_hook::flag::register(signal, Arc::clone(&ends))?;
    }
    Ok(ends)
}

fn take() -> std::io::Result<()> {
    enable_raw_mode()?;
    IS_TAKEN.store(true, Ordering::SeqCst);
    execute!(
        stdout(),
        EnterAlternateScreen,
        EnableMouseCapture,
        EnableBracketedPaste
    )
}

/// Errors have nowhere to be told any more.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            stdout(),
            DisableBracketedPaste,
            DisableMouseCapture,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
    }
}

/// A panic of the thread that draws gives the terminal back before it is told; one of a worker is told inside (as a failed
/// job), and must not write over the screen.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let drawing = std::thread::current().id();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_drawing = std::thread::current().id() == drawing;
            if is_drawing {
                give_back();
            }
            if is_drawing || !IS_TAKEN.load(Ordering::SeqCst) {
                before(info);
            }
        }));
    });
}

/// Runs the editor of VISUAL or EDITOR, else vi, on a temporary file with this text, whose name has this ending; what it says then.
pub fn in_editor(text: &str, ending: &str) -> Result<String, String> {
    let set = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
    };
    let editor = set("VISUAL")
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().ok_or("no editor is named")?;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    let name = format!("retake-{:016x}.{}", u64::from_be_bytes(random), ending);
    let path = std::env::temp_dir().join(name);
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    write_private(&path, text.as_bytes()).map_err(fail)?;
    let ran = Command::new(program).args(words).arg(&path).status();
    let read = std::fs::read(&path);
    // Nobody else needs it.
    let _ = std::fs::remove_file(&path);
    match ran {
        Err(error) => Err(format!("`{editor}`: {error}")),
        Ok(status) if !status.success() => Err(format!("`{editor}` ended with {status}")),
        Ok(_) => {
            let bytes = read.map_err(fail)?;
            String::from_utf8(bytes).map_err(|_| "the text is no UTF-8 any more".to_owned())
        }
    }
}

/// A new file that only its owner may read.
fn write_private(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
