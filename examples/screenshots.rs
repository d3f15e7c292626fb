//! Draws the pictures of the README: the workbench on the demo, driven by keys, its screen as SVG.
//!
//! `cargo build --release && cargo run --release --example screenshots`

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use retake::config::Config;
use retake::controller::{Controller, ScriptedController};
use retake::jobs::Progress;
use retake::sandbox::WorkerCommand;
use retake::tui::app::AppOptions;
use retake::tui::backend::Backend;
use retake::tui::keymap::Keymap;
use retake::tui::rehearsal::Rehearsal;
use retake::tui::rerun::RerunSettings;
use retake::tui::theme::{ColorDepth, Theme};
use retake::workspace::{SourceDeclaration, Workspace};

/// Name, columns, rows, keys, and a query that is typed before them.
const PICTURES: [(&str, u16, u16, &str, &str); 4] = [
    ("corpus", 132, 36, "boats OR rain", ""),
    ("replay", 132, 36, "id:trajectories/pear-boxes", "enter l"),
    ("compare", 132, 32, "id:pairs/1", "enter f"),
    (
        "rerun",
        132,
        34,
        "id:trajectories/cafe-split",
        "enter l l R l enter",
    ),
];

/// What a controller would say to the step that is run again; one that is right, one that repeats the step, one that fails.
const CANDIDATES: [(&str, &str); 3] = [
    (
        "The receipt names four items. I add them up, compare with its total, and let each pay a third of the total and the tip.",
        "items = {'flat white': 7.60, 'soup': 6.50, 'bread': 2.20, 'tart': 4.40}\ntotal = round(sum(items.values()), 2)\nprint('sum', total, 'right:', total == 20.70)\nprint('each pays', round(total * 1.1 / 3, 2))",
    ),
    (
        "I add the four prices.",
        "prices = [7.60, 6.50, 2.20, 4.40]\ntotal = round(sum(prices), 2)\nshare = round(total * 1.10 / 3, 2)\nprint(\"sum:\", total, \"each:\", share)",
    ),
    (
        "I divide what the receipt says.",
        "print('each:', round(receipt.total / 3, 2))",
    ),
];

const CELL: (f32, f32) = (8.4, 18.0);
const BACKGROUND: (u8, u8, u8) = (22, 24, 29);
const FOREGROUND: (u8, u8, u8) = (214, 218, 226);

fn main() -> Result<(), Box<dyn Error>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::temp_dir().join(format!("retake-screenshots-{}", std::process::id()));
    for (name, columns, rows, query, keys) in PICTURES {
        let workspace = demo(&package.join("assets/demo"), &folder)?;
        let mut config = Config::load(None)?;
        config.review.annotator = "ana".to_owned();
        let depth = ColorDepth::True;
        let options = AppOptions {
            keymap: Keymap::named("default").ok_or("no keymap")?,
            theme: Theme::named("dark", depth)?,
            depth,
            annotator: config.review.annotator.clone(),
            reasons: config.review.reasons.clone(),
            model: config.controller.model.clone(),
            rerun: RerunSettings {
                candidates: CANDIDATES.len(),
                ..RerunSettings::default()
            },
            draws_pictures: true,
            title: "demo".to_owned(),
            warnings: Vec::new(),
        };
        let backend = Backend::new(workspace, config, None)
            .with_sandbox(WorkerCommand::of(program()?))
            .with_controllers(Arc::new(|_: &str| {
                let replies = CANDIDATES.map(|(thought, code)| {
                    format!("Thought: {thought}\nCode:\n```py\n{code}\n```")
                });
                let (first, others) = replies.split_at(1);
                let script = [first.to_vec(), others.to_vec()];
                Ok(Box::new(ScriptedController::new(script)) as Box<dyn Controller>)
            }));
        let mut rehearsal = Rehearsal::new(backend, options, columns, rows)?;
        rehearsal
            .press("/")?
            .type_text(query)?
            .press("enter")?
            .press(keys)?;
        let path = package.join(format!("docs/images/{name}.svg"));
        std::fs::write(&path, svg(rehearsal.buffer()))?;
        println!("{}", path.display());
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// retake itself, which runs steps: `cargo build --release` makes it, beside the folder of the examples.
fn program() -> Result<PathBuf, Box<dyn Error>> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent);
    let program = folder.ok_or("no folder")?.join("retake");
    match program.is_file() {
        true => Ok(program),
        false => Err(format!(
            "{} is missing: `cargo build --release` first",
            program.display()
        )
        .into()),
    }
}

/// A workspace of the demo's files, which stay where they are.
fn demo(files: &Path, folder: &Path) -> Result<Workspace, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let mut workspace = Workspace::create(folder, None)?;
    for name in ["trajectories", "pairs"] {
        workspace.add_source(SourceDeclaration {
            name: name.to_owned(),
            path: files.join(format!("{name}.json")),
            format: None,
            images: vec![files.to_owned()],
        })?;
    }
    let config = Config::load(None)?;
    retake::corpus::refresh(&workspace, &config, &Progress::default(), false, true)?;
    Ok(workspace)
}

/// A screen as SVG: backgrounds and half-blocks as rectangles, the rest as text.
fn svg(buffer: &Buffer) -> String {
    let (width, height) = (
        f32::from(buffer.area.width) * CELL.0,
        f32::from(buffer.area.height) * CELL.1,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"'DejaVu Sans Mono','Menlo','Consolas',monospace\" font-size=\"14\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        hex(BACKGROUND)
    );
    for y in 0..buffer.area.height {
        rectangles(buffer, y, &mut out);
        texts(buffer, y, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

type Rgb = (u8, u8, u8);

/// The colours of a cell's upper and lower half, and whether its symbol is drawn by them.
fn halves(cell: &Cell) -> (Rgb, Rgb, bool) {
    let (mut front, mut back) = (rgb(cell.fg, FOREGROUND), rgb(cell.bg, BACKGROUND));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut front, &mut back);
    }
    match cell.symbol() {
        "▀" => (front, back, true),
        "▄" => (back, front, true),
        "█" => (front, front, true),
        _ => (back, back, false),
    }
}

fn rectangles(buffer: &Buffer, y: u16, out: &mut String) {
    for half in 0..2u16 {
        let color = |x: u16| {
            let (upper, lower, _) = halves(&buffer[(x, y)]);
            if half == 0 { upper } else { lower }
        };
        let mut x = 0;
        while x < buffer.area.width {
            let start = x;
            let fill = color(x);
            while x < buffer.area.width && color(x) == fill {
                x += 1;
            }
            if fill != BACKGROUND {
                let top = f32::from(y) * CELL.1 + f32::from(half) * CELL.1 / 2.0;
                // Writing to a String does not fail.
                let _ = writeln!(
                    out,
                    "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                    f32::from(start) * CELL.0,
                    f32::from(x - start) * CELL.0 + 0.3,
                    CELL.1 / 2.0 + 0.3,
                    hex(fill)
                );
            }
        }
    }
}

fn texts(buffer: &Buffer, y: u16, out: &mut String) {
    let look = |cell: &Cell| {
        let reversed = cell.modifier.contains(Modifier::REVERSED);
        let color = match reversed {
            true => rgb(cell.bg, BACKGROUND),
            false => rgb(cell.fg, FOREGROUND),
        };
        (color, cell.modifier)
    };
    let mut x = 0;
    while x < buffer.area.width {
        let first = &buffer[(x, y)];
        let (start, style) = (x, look(first));
        let mut text = String::new();
        while x < buffer.area.width && look(&buffer[(x, y)]) == style {
            let cell = &buffer[(x, y)];
            let (.., drawn) = halves(cell);
            text.push_str(if drawn { " " } else { cell.symbol() });
            x += 1;
        }
        if text.trim().is_empty() {
            continue;
        }
        let (color, modifier) = style;
        let weight = if modifier.contains(Modifier::BOLD) {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let slant = if modifier.contains(Modifier::ITALIC) {
            " font-style=\"italic\""
        } else {
            ""
        };
        let escaped = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" fill=\"{}\"{weight}{slant}>{escaped}</text>",
            f32::from(start) * CELL.0,
            f32::from(y) * CELL.1 + CELL.1 * 0.75,
            f32::from(x - start) * CELL.0,
            hex(color)
        );
    }
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn rgb(color: Color, otherwise: Rgb) -> Rgb {
    match color {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::White => (255, 255, 255),
        Color::Black => (0, 0, 0),
        _ => otherwise,
    }
}
