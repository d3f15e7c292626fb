//! The rules in words, for `retake help preflight` and `docs/preflight.md`. Both derive from [`TARGETS`].

use super::{Holds, TARGETS, Target};

const INTRODUCTION: &str = "Before a row is written, the rules of its target look at it. `retake check TARGET [QUERY]` lists what they find, with \
     id, step and rule; `retake export` writes the other rows, and those that fail where `--allow RULE` says so.";

/// A rule, and the targets that have it. Rules of one name can mean another thing to another trainer.
struct Entry {
    name: &'static str,
    doc: &'static str,
    targets: Vec<&'static str>,
}

fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for target in TARGETS {
        for rule in target.rules {
            let known = entries
                .iter_mut()
                .find(|entry| (entry.name, entry.doc) == (rule.name, rule.doc));
            match known {
                Some(entry) => entry.targets.push(target.name),
                None => entries.push(Entry {
                    name: rule.name,
                    doc: rule.doc,
                    targets: vec![target.name],
                }),
            }
        }
    }
    entries.sort_by_key(|entry| entry.name);
    entries
}

fn checked() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().filter(|target| !target.rules.is_empty())
}

fn holds(target: &Target) -> &'static str {
    match target.holds {
        Holds::Trajectories => "trajectories",
        Holds::Pairs => "pairs",
        Holds::Both => "both",
        Holds::Records => "records",
    }
}

fn length(target: &Target) -> String {
    target
        .max_tokens
        .map_or("none".to_owned(), |tokens| tokens.to_string())
}

/// The rules for a terminal of 100 columns.
pub fn preflight_reference() -> String {
    let mut text = format!(
        "Preflight\n\n{}\n\nTargets (what their rows are, the trainer's own length in tokens)\n",
        filled(INTRODUCTION, 0)
    );
    let width = checked().map(|target| target.name.len()).max().unwrap_or(0);
    for target in checked() {
        text.push_str(&format!(
            "  {:width$}  {:12}  {}\n",
            target.name,
            holds(target),
            length(target)
        ));
    }
    text.push_str("\nRules\n");
    for entry in entries() {
        text.push_str(&format!("  {}\n", entry.name));
        text.push_str(&format!("{}\n", filled(entry.doc, 6)));
        text.push_str(&format!(
            "{}\n",
            filled(&format!("({})", entry.targets.join(", ")), 6)
        ));
    }
    text
}

/// Words in lines of at most 100 columns, each with this many blanks in front.
fn filled(words: &str, indent: usize) -> String {
    const COLUMNS: usize = 100;
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{}{word}", " ".repeat(indent))),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = format!(
            "# Preflight\n\n{INTRODUCTION}\n\n\
             | target | rows are made of | file | length | rules |\n|---|---|---|---|---|\n"
        );
        for target in checked() {
            let rules: Vec<String> = target
                .rules
                .iter()
                .map(|rule| format!("`{}`", rule.name))
                .collect();
            page.push_str(&format!(
                "| `{}` | {} | {} | {} | {} |\n",
                target.name,
                holds(target),
                target.extension,
                length(target),
                rules.join(", ")
            ));
        }
        page.push_str(
            "\nThe length is what the trainer takes in tokens unless a person sets it otherwise; longer rows are cut or dropped.\n\n\
             | rule | fires | targets |\n|---|---|---|\n",
        );
        for entry in entries() {
            page.push_str(&format!(
                "| `{}` | {} | {} |\n",
                entry.name,
                entry.doc.replace('|', "\\|"),
                entry.targets.join(", ")
            ));
        }
        page
    }

    /// `UPDATE_DOCS=1 cargo test --release docs_agree` writes the page anew.
    #[test]
    fn docs_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/preflight.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(known, page(), "set UPDATE_DOCS=1 to write it anew");
    }

    #[test]
    fn the_reference_names_everything_and_fits_a_terminal() {
        let reference = preflight_reference();
        for line in reference.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        for target in checked() {
            for rule in target.rules {
                assert!(
                    reference.contains(&format!("  {}\n", rule.name)),
                    "{}",
                    rule.name
                );
            }
        }
    }
}
