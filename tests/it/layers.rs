//! What design and style demand of the source tree, read from its text: one package has no walls between crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use retake::ingest::FORMATS;

/// The level of each folder (or file) of `src/`: it imports only what is on a lower one.
const LEVELS: &[(&str, u8)] = &[
    ("report", 0),
    ("domain", 1),
    ("config", 1),
    ("jobs", 1),
    ("workspace", 2),
    ("media", 2),
    ("ingest", 2),
    ("journal", 2),
    ("index", 2),
    ("prompts", 2),
    ("rules", 2),
    ("sandbox", 2),
    ("model", 2),
    ("corpus", 3),
    ("export", 3),
    ("controller", 3),
    ("corpus_export", 4),
    ("serve", 4),
    ("tools", 4),
    ("rollout", 5),
    ("replay", 5),
    ("tune", 5),
    ("judge", 6),
    ("rerun", 7),
    ("synth", 7),
    ("bench", 7),
    ("tui", 8),
    ("cli", 9),
];

/// These see every level.
const FREE: [&str; 2] = ["lib.rs", "main.rs"];

/// Lines of a file, its tests aside, above which it is to be split.
const LONGEST: usize = 600;

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every Rust file below a folder, by its path inside it, in order.
fn rust_files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let relative = path.strip_prefix(folder).unwrap();
                let relative = relative.to_str().unwrap().replace('\\', "/");
                files.insert(relative, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

/// The files of `src/` that are not tests alone.
fn program() -> BTreeMap<String, String> {
    let mut files = rust_files(&package("src"));
    let tests = Regex::new(r"#\[cfg\(test\)\]\n(?:pub )?mod (\w+);").unwrap();
    let of_tests: Vec<String> = files
        .iter()
        .flat_map(|(file, text)| {
            let folder = file.strip_suffix("mod.rs").unwrap_or("");
            let path = |name: &str| format!("{folder}{name}.rs");
            tests
                .captures_iter(text)
                .map(move |found| path(&found[1]))
                .collect::<Vec<_>>()
        })
        .collect();
    for file in of_tests {
        files
            .remove(&file)
            .expect("a file of tests beside its mod.rs");
    }
    files
}

/// A file of `src/` without comments and without its tests.
fn code(text: &str) -> String {
    let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\nmod \w+ \{").unwrap();
    let end = tests.find(text).map_or(text.len(), |found| found.start());
    let without_comments = |line: &str| !line.trim_start().starts_with("//");
    text[..end]
        .lines()
        .filter(|line| without_comments(line))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The folder of `src/` that a file belongs to.
fn folder_of(file: &str) -> &str {
    let first = file.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The folders that a text names as `crate::…`, in `use` trees, too.
fn imports(text: &str) -> BTreeSet<String> {
    let path = Regex::new(r"\bcrate::\s*(?:(\w+)|\{([^;]*);)").unwrap();
    // The names at the first level of `crate::{a::{x, y}, b}`.
    let first_level = |tree: &str| {
        let (mut depth, mut names, mut name) = (0, Vec::new(), String::new());
        for character in tree.chars() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                _ if depth == 0 => name.push(character),
                _ => {}
            }
        }
        names.push(name);
        let first = |name: String| name.split("::").next().unwrap().trim().to_owned();
        names.into_iter().map(first).collect::<Vec<_>>()
    };
    path.captures_iter(text)
        .flat_map(|found| match found.get(1) {
            Some(name) => vec![name.as_str().to_owned()],
            None => first_level(&found[2]),
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// What is wrong with the imports of one file.
fn breaches(file: &str, text: &str) -> Vec<String> {
    let level = |folder: &str| LEVELS.iter().find(|(name, _)| *name == folder);
    let own = folder_of(file);
    let Some((_, own_level)) = level(own) else {
        return vec![format!("{file}: `{own}` has no level")];
    };
    let wrong = |name: String| match level(&name) {
        Some((other, _)) if *other == own => None,
        Some((_, level)) if level < own_level => None,
        Some((_, level)) => Some(format!(
            "{file} (level {own_level}) imports `{name}` (level {level})"
        )),
        None => Some(format!("{file} imports `{name}`, which has no level")),
    };
    imports(text).into_iter().filter_map(wrong).collect()
}

#[test]
fn folders_import_only_lower_levels() {
    let files = rust_files(&package("src"));
    let bound = files
        .iter()
        .filter(|(file, _)| !FREE.contains(&file.as_str()));
    // Tests inside a folder keep its walls, too; only comments may name what they like.
    let found: Vec<String> = bound
        .flat_map(|(file, text)| {
            let lines = text.lines().filter(|l| !l.trim_start().starts_with("//"));
            breaches(file, &lines.collect::<Vec<_>>().join("\n"))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_breach_is_seen_however_it_is_written() {
    let cases = [
        ("index/a.rs", "use crate::domain::Step;", 0),
        ("index/a.rs", "use crate::index::schema::Fields;", 0),
        ("index/a.rs", "use crate::ingest::FORMATS;", 1),
        ("index/a.rs", "fn f() { crate::corpus::open() }", 1),
        ("index/a.rs", "use crate::{domain, cli};", 1),
        (
            "rules/a/b.rs",
            "use crate::{\n    domain::{Step, Task},\n    media::{load, tui},\n};",
            1,
        ),
        ("config.rs", "pub(crate) fn f() {}", 0),
        ("report.rs", "use crate::config::Config;", 1),
        ("helpers/mod.rs", "", 1),
        ("cli/add.rs", "use crate::helpers::f;", 1),
    ];
    for (file, text, count) in cases {
        assert_eq!(breaches(file, text).len(), count, "{file}: {text}");
    }
}

#[test]
fn each_folder_says_what_it_is() {
    for (file, text) in rust_files(&package("src")) {
        let is_module_of_folder = file.ends_with("mod.rs");
        assert!(
            !is_module_of_folder || text.starts_with("//! "),
            "{file} does not open with `//!`"
        );
    }
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<String> = program()
        .iter()
        .map(|(file, text)| (file, code(text).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

/// What draws on the terminal, and the worker that answers its parent there.
const DRAWS: [&str; 3] = [
    "tui/terminal.rs",
    "tui/terminal_query.rs",
    "sandbox/worker.rs",
];

#[test]
fn only_the_command_line_prints() {
    let printing = Regex::new(r"\b(?:e?print(?:ln)?!|stdout\(\)|stderr\(\))").unwrap();
    for (file, text) in program() {
        let code = code(&text);
        let found = printing.find(&code).map(|found| found.as_str());
        assert!(
            file.starts_with("cli/") || DRAWS.contains(&file.as_str()) || found.is_none(),
            "{file} has {found:?}"
        );
    }
}

#[test]
fn every_test_file_is_run() {
    let folder = package("tests/it");
    let files = rust_files(&folder);
    for file in files.keys().filter(|file| *file != "main.rs") {
        let (parent, name) = file.rsplit_once('/').unwrap_or(("", file));
        let (parent, name) = match name {
            "mod.rs" => ("", parent),
            name => (parent, name.strip_suffix(".rs").unwrap()),
        };
        let owner = match parent {
            "" => "main.rs".to_owned(),
            parent => format!("{parent}/mod.rs"),
        };
        let declared = format!("mod {name};");
        assert!(
            files[&owner].lines().any(|line| line == declared),
            "{file} is in no module: {owner} lacks `{declared}`"
        );
    }
}

#[test]
fn every_format_has_a_fixture_folder() {
    let folders: BTreeSet<String> = fs::read_dir(package("tests/fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let names: BTreeSet<String> = FORMATS.iter().map(|f| f.name.to_owned()).collect();
    assert_eq!(names.len(), FORMATS.len(), "two formats share a name");
    assert_eq!(names, folders);
}
