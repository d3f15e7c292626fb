//! The documents name what the program has: formats, verbs, options, and files that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use retake::cli::Cli;
use retake::domain::review::Verb;
use retake::export::TARGETS;
use retake::ingest::FORMATS;
use retake::jobs::Progress;
use retake::journal::JournalFolder;
use serde_json::Value;

use crate::user::TemporaryFolder;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn every_format_is_described() {
    let (readme, formats) = (page("README.md"), page("docs/formats.md"));
    for format in FORMATS {
        let row = format!("| `{}` |", format.name);
        assert!(readme.contains(&row), "README.md: {row}");
        let title = format!("### `{}`\n", format.name);
        assert!(formats.contains(&title), "docs/formats.md: {title}");
    }
    let described = formats.matches("\n### `").count();
    assert_eq!(described, FORMATS.len(), "docs/formats.md describes others");
    let cli = page("docs/cli.md");
    for target in TARGETS {
        let row = format!("| `{}` | {} |", target.name, target.title);
        assert!(cli.contains(&row), "docs/cli.md: {row}");
    }
    let (export, preflight) = (page("docs/export.md"), page("docs/preflight.md"));
    for target in TARGETS {
        let name = format!("`{}`", target.name);
        assert!(export.contains(&name), "docs/export.md: {name}");
        for rule in target.rules {
            let row = format!("| `{}` |", rule.name);
            assert!(preflight.contains(&row), "docs/preflight.md: {row}");
        }
    }
}

#[test]
fn every_verb_and_option_is_described() {
    let cli = page("docs/cli.md");
    let sections: Vec<&str> = cli.split("\n## ").collect();
    let command = Cli::command();
    let general = sections
        .iter()
        .find(|s| s.starts_with("Options of every verb"))
        .unwrap();
    let options = |command: &clap::Command| -> Vec<String> {
        let own = command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set());
        own.filter_map(|argument| argument.get_long().map(|long| format!("`--{long}")))
            .collect()
    };
    for option in options(&command) {
        assert!(general.contains(&option), "docs/cli.md: {option}");
    }
    for verb in command.get_subcommands() {
        let title = format!("`retake {}", verb.get_name());
        let own = sections.iter().filter(|section| {
            let rest = section.strip_prefix(&title);
            rest.is_some_and(|rest| rest.starts_with([' ', '`']))
        });
        let section: String = own.copied().collect();
        assert!(
            !section.is_empty(),
            "docs/cli.md has no section on {title}`"
        );
        for option in options(verb) {
            assert!(section.contains(&option), "docs/cli.md, {title}`: {option}");
        }
        for verb in verb.get_subcommands() {
            let name = verb.get_name();
            let row = format!("`{name} ");
            assert!(section.contains(&row), "docs/cli.md, {title}`: {name}");
            for option in options(verb) {
                let option = option.trim_matches('`');
                assert!(
                    section.contains(option),
                    "docs/cli.md, {title} {name}`: {option}"
                );
            }
        }
    }
}

#[test]
fn links_lead_to_files() {
    let mut pages: Vec<PathBuf> = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    pages.extend(
        fs::read_dir(root().join("docs"))
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    let mut seen = BTreeSet::new();
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|e| e == "md"))
    {
        for link in fs::read_to_string(page).unwrap().split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = page.parent().unwrap().join(target);
            assert!(file.exists(), "{}: {target}", page.display());
            seen.insert(target.to_owned());
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
}

#[test]
fn the_journal_that_is_described_is_one() {
    let page = page("docs/journal.md");
    let example = page.split("```json\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let folder = TemporaryFolder::new("docs-journal");
    fs::write(folder.0.join("ana@0000000a.jsonl"), example).unwrap();
    let journals = JournalFolder::open(&folder.0, &Progress::default()).unwrap();
    assert_eq!(journals.notices(), []);
    assert_eq!(journals.reviews().len(), 3);
}

#[test]
fn every_verb_of_a_journal_is_described_with_a_payload_that_it_has() {
    let page = page("docs/journal.md");
    let table = page.split("## Verbs\n").nth(1).unwrap();
    let rows = table.lines().take_while(|line| !line.starts_with("## "));
    let mut described = BTreeSet::new();
    for row in rows.filter(|line| line.starts_with("| `")) {
        let mut cells = row
            .split('|')
            .skip(1)
            .map(|cell| cell.trim().trim_matches('`'));
        let (name, payload) = (cells.next().unwrap(), cells.next().unwrap());
        let payload = Some(payload).filter(|payload| !payload.is_empty());
        let verb = Verb::read(name, payload);
        assert!(!matches!(verb, Verb::Unknown(_)), "{row}: {verb:?}");
        // Whatever is described is understood: it is there when the verb is written again.
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let written = verb.payload().unwrap();
        assert_eq!(written.as_deref().map(parse), payload.map(parse), "{row}");
        described.insert(name.to_owned());
    }
    let source = known_verbs();
    assert_eq!(
        described, source,
        "docs/journal.md and src/domain/review/verb.rs"
    );
}

/// The names that [`Verb::read`] knows.
fn known_verbs() -> BTreeSet<String> {
    let source = page("src/domain/review/verb.rs");
    let read = source.split("let read = match name {").nth(1).unwrap();
    let arms = read.split("_ => return").next().unwrap();
    let names = arms.lines().filter_map(|line| {
        let name = line.trim().strip_prefix('"')?;
        Some(name.split('"').next()?.to_owned())
    });
    names.collect()
}
