//! The documents name what the program has: formats, verbs, options, and files that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use retake::cli::Cli;
use retake::export::TARGETS;
use retake::ingest::FORMATS;

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
        let section = sections.iter().find(|section| {
            let rest = section.strip_prefix(&title);
            rest.is_some_and(|rest| rest.starts_with([' ', '`']))
        });
        let section = section.unwrap_or_else(|| panic!("docs/cli.md has no section on {title}`"));
        for option in options(verb) {
            assert!(section.contains(&option), "docs/cli.md, {title}`: {option}");
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
