//! The terminal workbench. One inbox, one owner of the state: messages come in, [`app::App::update`] turns them into effects,
//! workers perform these and answer with messages; what waits is taken in before the screen is drawn.
//!
//! `action` is the one table of what can be done; keymaps, palette and help derive from it. `views` fill the screen,
//! `overlays` stand in front of them, `widgets` know neither. Effects happen in `backend` alone, those of the terminal in
//! `terminal`.

pub mod action;
pub mod app;
mod attachment_text;
pub mod backend;
mod blind;
mod boxes;
mod decision_saving;
mod decisions;
mod draw_context;
pub mod effect;
pub mod export_request;
mod frame_trace;
mod key;
pub mod keymap;
mod log_entries;
mod overlays;
mod picture_encoding;
mod question;
pub mod rehearsal;
mod replaying;
pub mod rerun;
mod rerun_bench;
pub mod rerunning;
mod statistics;
mod subject;
pub mod terminal;
mod terminal_query;
pub mod theme;
mod views;
mod widgets;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use ratatui_image::picker::{Picker, ProtocolType};

use crate::config::Config;
use crate::report::Report;
use crate::workspace::Workspace;

use app::{App, AppOptions};
use backend::Backend;
use effect::{Effect, Failure, Message};
use frame_trace::FrameTrace;
use keymap::Keymap;
use rerun::RerunSettings;
use terminal::Terminal;
pub use terminal::in_editor;
use theme::{ColorDepth, Theme};
use workers::Workers;

/// How pictures are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pictures {
    /// As the terminal says it can.
    #[default]
    Auto,
    /// With kitty's protocol.
    Kitty,
    /// With iTerm2's protocol.
    Iterm2,
    /// With sixels.
    Sixel,
    /// With characters of two colours each.
    Halfblocks,
    /// Not at all.
    Off,
}

/// What the TUI is started with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How pictures are drawn.
    pub pictures: Pictures,
    /// Where times from key to frame are written.
    pub trace_frames: Option<PathBuf>,
    /// What the corpus is called.
    pub title: String,
    /// Where a person's own files are: keys, queries.
    pub user_folder: Option<PathBuf>,
}

/// How often somebody looks whether sources or journals changed.
const LOOK: Duration = Duration::from_secs(3);

/// Opens a workspace on the terminal, and returns when somebody leaves.
pub fn run(workspace: Workspace, config: Config, options: Options) -> Result<(), Report> {
    let variable = |name: &str| std::env::var(name).ok();
    let depth = ColorDepth::of_environment(variable);
    let app_options = app_options(&config, &options, depth);
    let trace = options
        .trace_frames
        .as_deref()
        .map(FrameTrace::create)
        .transpose()?;
    let backend = Backend::new(workspace, config, options.user_folder.as_deref());
    let backend = Arc::new(backend);
    let (sender, inbox) = channel();
    let mut terminal = Terminal::enter()?;
    let picker = picker(options.pictures);
    if let Some(picker) = &picker {
        backend.show_pictures_with(picker.clone());
    }
    let asks = options.pictures == Pictures::Auto;
    terminal.read_input(sender.clone(), asks)?;
    let workers = Workers::start(&backend, &sender)?;
    let ended = event_loop(
        app_options,
        &mut terminal,
        &backend,
        &workers,
        &inbox,
        &sender,
        trace,
    );
    // The terminal first: what is said afterwards is to be seen.
    drop(terminal);
    // Decisions that wait are saved; everything else is given up.
    workers.finish();
    ended
}

fn app_options(config: &Config, options: &Options, depth: ColorDepth) -> AppOptions {
    let mut warnings = Vec::new();
    let mut warn = |message: String, hint: &str| {
        warnings.push(Failure {
            message,
            hints: vec![hint.to_owned()],
        });
    };
    let theme = match depth {
        ColorDepth::None => "no-color",
        _ => config.tui.theme.as_str(),
    };
    let theme = Theme::named(theme, depth).unwrap_or_else(|error| {
        warn(
            error.to_string(),
            "`theme` under [tui] in the settings names it",
        );
        Theme::named("dark", depth).unwrap_or_else(|_| Theme::plain())
    });
    let mut keymap = Keymap::named(&config.tui.keymap).unwrap_or_else(|| {
        let message = format!(
            "there is no keymap `{}`; there are default, vim",
            config.tui.keymap
        );
        warn(message, "`keymap` under [tui] in the settings names it");
        Keymap::named("default").unwrap_or_default()
    });
    let file = options
        .user_folder
        .as_ref()
        .map(|folder| folder.join("keymap.toml"));
    if let Some(path) = file.filter(|path| path.is_file()) {
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let errors = keymap.patch(&text, &path);
                let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
                if !words.is_empty() {
                    warn(words.join("\n"), "the rest of the keymap holds");
                }
            }
            Err(error) => warn(
                format!("{} can't be read: {error}", path.display()),
                "the default keys hold",
            ),
        }
    }
    AppOptions {
        keymap,
        theme,
        depth,
        annotator: config.review.annotator.clone(),
        reasons: config.review.reasons.clone(),
        model: config.controller.model.clone(),
        rerun: RerunSettings {
            candidates: config.rollout.candidates,
            ..RerunSettings::default()
        },
        draws_pictures: options.pictures != Pictures::Off,
        title: options.title.clone(),
        warnings,
    }
}

/// What draws pictures before the terminal has said anything.
fn picker(pictures: Pictures) -> Option<Picker> {
    let protocol = match pictures {
        Pictures::Auto | Pictures::Halfblocks | Pictures::Off => return None,
        Pictures::Kitty => ProtocolType::Kitty,
        Pictures::Iterm2 => ProtocolType::Iterm2,
        Pictures::Sixel => ProtocolType::Sixel,
    };
    let mut picker = terminal_query::picker_of_size(terminal_query::cell_size());
    picker.set_protocol_type(protocol);
    Some(picker)
}

fn event_loop(
    options: AppOptions,
    terminal: &mut Terminal,
    backend: &Arc<Backend>,
    workers: &Workers,
    inbox: &Receiver<Message>,
    sender: &Sender<Message>,
    mut trace: Option<FrameTrace>,
) -> Result<(), Report> {
    let (mut app, effects) = App::new(options);
    perform(effects, terminal, workers, sender)?;
    let mut looked = Instant::now();
    terminal.draw(|frame| app.draw(frame))?;
    loop {
        let until_look = LOOK.saturating_sub(looked.elapsed());
        let wait = app
            .next_tick()
            .map_or(until_look, |tick| tick.min(until_look));
        let first = match inbox.recv_timeout(wait) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => Message::Tick(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            perform(vec![Effect::Refresh], terminal, workers, sender)?;
        }
        let mut effects = Vec::new();
        let waiting = std::iter::once(first).chain(std::iter::from_fn(|| inbox.try_recv().ok()));
        for message in waiting {
            if let Some(trace) = &mut trace {
                trace.received(&message);
            }
            if let Message::Pictures(picker) = &message {
                backend.show_pictures_with(picker.clone());
            }
            effects.extend(app.update(message));
        }
        perform(effects, terminal, workers, sender)?;
        if app.is_over() {
            return Ok(());
        }
        terminal.draw(|frame| app.draw(frame))?;
        if let Some(trace) = &mut trace {
            trace.drawn()?;
        }
        perform(app.wanted_pictures(), terminal, workers, sender)?;
    }
}

fn perform(
    effects: Vec<Effect>,
    terminal: &mut Terminal,
    workers: &Workers,
    sender: &Sender<Message>,
) -> Result<(), Report> {
    for effect in effects {
        match effect {
            Effect::EditExternally(edit) => {
                let edited = terminal.edit_externally(&edit)?;
                // The loop itself holds the other end.
                let _ = sender.send(Message::Edited(edited));
            }
            Effect::Copy(text) => terminal.copy(&text)?,
            Effect::Suspend => terminal.suspend()?,
            Effect::Redraw => terminal.clear()?,
            Effect::Quit => {}
            effect => workers.perform(effect),
        }
    }
    Ok(())
}
