//! How long the workbench takes from a key to its frame, on a corpus of M-TRACE's size.
//!
//! `cargo bench --bench workbench`; RETAKE_BENCH_TRAJECTORIES makes the corpus larger or smaller, RETAKE_BENCH_FOLDER keeps it
//! between runs. Bars: start to the first full paint 50 ms; keys that move, scroll and step 8 ms at the 99th percentile; letters of
//! a query until their results are on the screen 16 ms; keys while candidates stream 16 ms; 150 MB without pictures. Then the
//! same keys on the demo with its pictures on the screen.
#![allow(clippy::expect_used, clippy::print_stdout)]

#[path = "../examples/generate_corpus/corpus/mod.rs"]
mod corpus;
#[path = "corpus/memory.rs"]
mod memory;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use retake::config::Config;
use retake::tui::app::AppOptions;
use retake::tui::backend::Backend;
use retake::tui::effect::{Effect, Message};
use retake::tui::keymap::Keymap;
use retake::tui::rehearsal::Rehearsal;
use retake::tui::rerun::{RerunNews, RerunSettings};
use retake::tui::theme::{ColorDepth, Theme};
use retake::workspace::{SourceDeclaration, Workspace};

/// The screen.
const SIZE: (u16, u16) = (160, 50);

fn main() {
    let trajectories = number("RETAKE_BENCH_TRAJECTORIES", 28_500);
    let kept = std::env::var_os("RETAKE_BENCH_FOLDER").map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("retake-workbench-{}", std::process::id()))
    });
    prepare(&folder, trajectories);
    let watch = memory::Watch::start();
    let start = Instant::now();
    let mut rehearsal = open(&folder);
    println!(
        "{trajectories} trajectories, a screen of {}×{}",
        SIZE.0, SIZE.1
    );
    println!(
        "  start to first paint       {:>7.1} ms  (bar: 50)",
        milliseconds(start.elapsed())
    );
    let mut times = Vec::new();
    for keys in [["j"; 200], ["pagedown"; 200], ["k"; 200]] {
        times.extend(keys.iter().map(|key| press(&mut rehearsal, key)));
    }
    tell("moving in the list", times, 8.0);
    rehearsal.press("home enter").expect("drawn");
    let mut times = Vec::new();
    for key in ["l", "j", "tab", "j", "j", "f", "f", "h", "l", "l"].repeat(30) {
        times.push(press(&mut rehearsal, key));
    }
    tell("stepping and scrolling", times, 8.0);
    tell("keys while candidates stream", stream(&mut rehearsal), 16.0);
    rehearsal.press("esc esc").expect("drawn");
    let mut times = Vec::new();
    for word in words(&folder) {
        rehearsal.press("backspace /").expect("drawn");
        for letter in word.chars() {
            times.push(type_letter(&mut rehearsal, letter));
        }
        rehearsal.press("enter").expect("drawn");
    }
    tell("typing a query, to its results", times, 16.0);
    println!(
        "  peak anonymous memory      {:>7} MB  (bar: 150)",
        watch.peak() / 1024
    );
    drop(rehearsal);
    if kept.is_none() {
        std::fs::remove_dir_all(&folder).expect("removed");
    }
    with_pictures();
}

/// Five candidates of a step that stream, a piece of each before every key, until each has 512 pieces.
fn stream(rehearsal: &mut Rehearsal) -> Vec<Duration> {
    const PIECES: usize = 512;
    rehearsal.hold_reruns();
    // From the list to the first step of its first record.
    rehearsal.press("esc home enter l R").expect("drawn");
    let job = rehearsal.asked.iter().find_map(|effect| match effect {
        Effect::Rerun(job, ..) => Some(*job),
        _ => None,
    });
    let job = job.expect("a re-run");
    let words = [
        "Thought: ",
        "the ",
        "picture ",
        "shows ",
        "seven ",
        "boats, ",
        "\n",
    ];
    let keys = ["l", "j", "j", "k", "h", "l", "l"];
    let mut times = Vec::new();
    for piece in 0..PIECES {
        let text = words[piece % words.len()];
        let now = Instant::now();
        let news = (1..=5).map(|number| RerunNews::Text(number, text.to_owned(), now));
        let mut messages: Vec<Message> = news.map(|news| Message::RerunNews(job, news)).collect();
        messages.push(Message::Input(Event::Key(key_event(
            keys[piece % keys.len()],
        ))));
        times.push(rehearsal.time_all(messages).expect("drawn"));
    }
    times
}

/// The demo, whose pictures are painted as half-blocks.
fn with_pictures() {
    let folder = std::env::temp_dir().join(format!("retake-pictures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let mut workspace = Workspace::create(&folder, None).expect("a workspace");
    let declared = SourceDeclaration {
        name: "trajectories".to_owned(),
        path: demo.join("trajectories.json"),
        format: None,
        images: vec![demo],
    };
    workspace.add_source(declared).expect("added");
    let config = Config::load(None).expect("defaults");
    let progress = retake::jobs::Progress::default();
    retake::corpus::refresh(&workspace, &config, &progress, false, true).expect("indexed");
    let mut rehearsal = open_with(&folder, true);
    let mut times = Vec::new();
    for key in [["j"; 16], ["k"; 16]].concat().repeat(6) {
        times.push(press(&mut rehearsal, key));
    }
    tell("moving in the list, with pictures", times, 8.0);
    rehearsal.press("enter").expect("drawn");
    let mut times = Vec::new();
    for key in ["l", "j", "tab", "j", "f", "f", "h", "l", "h"].repeat(20) {
        times.push(press(&mut rehearsal, key));
    }
    tell("stepping, with pictures", times, 8.0);
    std::fs::remove_dir_all(&folder).expect("removed");
}

fn number(name: &str, otherwise: usize) -> usize {
    let set = std::env::var(name).ok();
    set.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A corpus and its index, if they are not there yet.
fn prepare(folder: &Path, trajectories: usize) {
    if folder.join(".retake/index").exists() {
        return;
    }
    std::fs::create_dir_all(folder).expect("a folder");
    let plan = corpus::Plan {
        trajectories,
        steps: trajectories * 177_000 / 28_500,
        pairs: trajectories * 11_000 / 28_500,
        seed: 1,
        jsonl: false,
    };
    corpus::write(&plan, folder).expect("generated");
    let mut workspace = Workspace::create(folder, None).expect("a workspace");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    for path in files {
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let declared = SourceDeclaration {
            name,
            path,
            format: None,
            images: Vec::new(),
        };
        workspace.add_source(declared).expect("added");
    }
    let config = Config::load(None).expect("defaults");
    let progress = retake::jobs::Progress::default();
    retake::corpus::refresh(&workspace, &config, &progress, false, true).expect("indexed");
}

fn open(folder: &Path) -> Rehearsal {
    open_with(folder, false)
}

fn open_with(folder: &Path, draws_pictures: bool) -> Rehearsal {
    let mut config = Config::load(None).expect("defaults");
    config.review.annotator = "bench".to_owned();
    let depth = ColorDepth::True;
    let options = AppOptions {
        keymap: Keymap::named("default").expect("a keymap"),
        theme: Theme::named("dark", depth).expect("a theme"),
        depth,
        annotator: config.review.annotator.clone(),
        reasons: config.review.reasons.clone(),
        model: config.controller.model.clone(),
        rerun: RerunSettings::default(),
        draws_pictures,
        title: "bench".to_owned(),
        warnings: Vec::new(),
    };
    let workspace = Workspace::open(folder, None).expect("a workspace");
    let backend = Backend::new(workspace, config, None);
    Rehearsal::new(backend, options, SIZE.0, SIZE.1).expect("drawn")
}

/// Words of the corpus that are searched: what its first trajectories are asked.
fn words(folder: &Path) -> Vec<String> {
    let workspace = Workspace::open(folder, None).expect("a workspace");
    let config = Config::load(None).expect("defaults");
    let progress = retake::jobs::Progress::default();
    let (corpus, _) =
        retake::corpus::Corpus::open(&workspace, &config, &progress, false).expect("open");
    let everything = retake::index::query::Query::default();
    let hits = corpus
        .search(&everything, retake::index::Sort::Source, 0, 40)
        .expect("hits");
    let tasks = hits.first.iter().filter_map(|hit| hit.snippet.as_ref());
    let words = tasks.filter_map(|snippet| {
        let mut words = snippet.text.split_whitespace();
        let long = words.find(|word| word.len() > 4 && word.chars().all(char::is_alphabetic));
        long.map(str::to_owned)
    });
    words.collect()
}

fn press(rehearsal: &mut Rehearsal, key: &str) -> Duration {
    let event = key_event(key);
    rehearsal
        .time(Message::Input(Event::Key(event)))
        .expect("drawn")
}

fn key_event(key: &str) -> KeyEvent {
    match key {
        "pagedown" => KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE),
        "tab" => KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE),
        key => KeyEvent::new(
            KeyCode::Char(key.chars().next().expect("a key")),
            KeyModifiers::NONE,
        ),
    }
}

/// The letter, the search and the frame with its results, one after the other.
fn type_letter(rehearsal: &mut Rehearsal, letter: char) -> Duration {
    let key = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE);
    let start = Instant::now();
    rehearsal
        .search(Message::Input(Event::Key(key)))
        .expect("drawn");
    let took = start.elapsed();
    rehearsal.settle().expect("drawn");
    took
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn tell(what: &str, mut times: Vec<Duration>, bar: f64) {
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get((times.len() - 1) * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "  {what:<34} p50 {:>6.2} ms, p99 {:>6.2} ms of {}  (bar: {bar})",
        milliseconds(at(50)),
        milliseconds(at(99)),
        times.len()
    );
}
