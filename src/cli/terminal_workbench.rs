//! `retake` alone: the workbench on a terminal, a summary where nobody watches.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::user_folder;
use crate::tui::{Options, Pictures};

use super::output::Output;
use super::session::Session;
use super::{Cli, Ended, demo};

/// How the workbench is shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Workbench (retake without a command)")]
pub struct WorkbenchArgs {
    /// How pictures are drawn
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    images: PictureChoice,
    /// Write the time from each key to its frame
    #[arg(long, value_name = "FILE")]
    trace_frames: Option<PathBuf>,
}

/// How pictures are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum PictureChoice {
    /// As the terminal can
    #[default]
    Auto,
    /// With kitty's protocol
    Kitty,
    /// With iTerm2's protocol
    Iterm2,
    /// With sixels
    Sixel,
    /// With characters of two colours each
    Halfblocks,
    /// Not at all
    Off,
}

impl From<PictureChoice> for Pictures {
    fn from(choice: PictureChoice) -> Self {
        match choice {
            PictureChoice::Auto => Self::Auto,
            PictureChoice::Kitty => Self::Kitty,
            PictureChoice::Iterm2 => Self::Iterm2,
            PictureChoice::Sixel => Self::Sixel,
            PictureChoice::Halfblocks => Self::Halfblocks,
            PictureChoice::Off => Self::Off,
        }
    }
}

pub(super) fn run(cli: &Cli, output: &mut Output) -> Ended {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return demo::run(cli, output);
    }
    let session = Session::new(cli)?;
    let (workspace, is_demo) = match session.workspace() {
        Ok(workspace) => (workspace, cli.demo),
        Err(error) if cli.workspace.is_some() => return Err(error),
        Err(_) => (demo::workspace(user_folder().as_deref())?, true),
    };
    let root = workspace.root();
    let folder = root.file_name().map_or_else(
        || root.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let options = Options {
        pictures: cli.workbench.images.into(),
        trace_frames: cli.workbench.trace_frames.clone(),
        title: if is_demo { "demo".to_owned() } else { folder },
        user_folder: user_folder(),
    };
    output.flush()?;
    crate::tui::run(workspace, session.config, options)?;
    Ok(None)
}
