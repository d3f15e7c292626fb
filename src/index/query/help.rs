//! The language in words, for `retake help query` and `docs/query.md`. Both derive from the same tables.

use std::fmt::Write as _;

use super::field::{FIELDS, Field, FieldKind};
use super::parse::{MAX_CHARACTERS, MAX_DEPTH, MAX_REGEXES};

/// A form of the language: how it is typed, and what it finds.
struct Form {
    example: &'static str,
    meaning: &'static str,
}

const fn form(example: &'static str, meaning: &'static str) -> Form {
    Form { example, meaning }
}

static FORMS: &[Form] = &[
    form("red car", "both words, anywhere in the text"),
    form("\"red car\"", "the words next to each other"),
    form(
        "image_path",
        "a whole name; its parts `image` and `path` find it, too",
    ),
    form("compar*", "words that begin so"),
    form(
        "colour~",
        "words that differ in one character; `colour~2` in two",
    ),
    form("thought:unsure", "only in this field"),
    form("tool:(ocr OR search)", "any of these values"),
    form(
        "step:>5",
        "numbers: also `>=`, `<`, `<=`, `steps:2..4`, `steps:3..`, `level:2`",
    ),
    form(
        r"code:/open\(.*\.png/i",
        "a regular expression in a text field; `i` ignores case, `\\/` is a slash",
    ),
    form("has:error is:unreviewed", "what is there, and states"),
    form("cat OR dog", "either; binds less than the blank"),
    form("cat AND dog", "both, the same as a blank"),
    form("-tool:ocr", "not; also `NOT tool:ocr`"),
    form("(cat OR dog) -bird", "parentheses group"),
    form("in:step has:error", "results are steps instead of records"),
    form(
        r"image\*",
        "a backslash takes the next character as it is, as quotes do",
    ),
    form("*", "everything, as the empty query does"),
];

static NOTES: &[&str] = &[
    "Case is ignored, except in regular expressions without `i`, and in AND, OR and NOT, which are capitals.",
    "Words are letters, digits and `_`; `camelCase` and `snake_case` names are also found by their parts. A Chinese, \
     Japanese or Korean character is a word of its own.",
    "`is:stale`: a step before it was edited and it was not run again. `is:disputed`: annotators disagree. \
     `is:source-changed`: the source's record is no longer the one that was reviewed.",
    "What others decided is hidden until your own verdict is saved (`review.blind` of the settings): until then `review:` and \
     `is:unreviewed` say that you have not decided yet; `is:disputed` says that others disagree. `assigned:ana is:unreviewed` \
     is what Ana has still to do.",
    "Words without a field are looked for in all texts of a result. A step has those of its task and of its \
     trajectory's answer, too: `in:step boat` also finds the steps of a task about boats, `in:step thought:boat` does not.",
    "Keyword fields compare whole values; `prefix*` works on them, regular expressions do not.",
];

static SECTIONS: &[(&str, &[FieldKind])] = &[
    ("Text fields", &[FieldKind::Text]),
    ("Keyword fields", &[FieldKind::Keyword]),
    ("Number fields", &[FieldKind::Number]),
    (
        "Presence, state and results",
        &[FieldKind::Has, FieldKind::Is, FieldKind::In],
    ),
];

fn limits() -> String {
    format!(
        "A query has at most {MAX_CHARACTERS} characters, {MAX_DEPTH} parentheses inside each other and \
         {MAX_REGEXES} regular expressions."
    )
}

fn fields_of(kinds: &[FieldKind]) -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| kinds.contains(&field.kind))
}

/// The reference as plain text, for a terminal of 80 columns or more.
pub fn reference() -> String {
    let mut out = String::from("A query is a list of clauses that must all hold.\n\n");
    for Form { example, meaning } in FORMS {
        push(
            &mut out,
            format_args!("  {example:<24}{}\n", plain(meaning)),
        );
    }
    for (title, kinds) in SECTIONS {
        push(&mut out, format_args!("\n{title}\n"));
        for field in fields_of(kinds) {
            let name = format!("{}:", field.name);
            push(
                &mut out,
                format_args!("  {name:<13}{:<44} {}\n", plain(field.doc), field.example),
            );
            for line in wrapped(field.values, 62) {
                push(&mut out, format_args!("  {:<15}{line}\n", ""));
            }
        }
    }
    out.push('\n');
    for note in NOTES.iter().copied().chain([limits().as_str()]) {
        let words: Vec<_> = note.split(' ').collect();
        for line in filled(&words, " ", 78) {
            push(&mut out, format_args!("{}\n", plain(&line)));
        }
    }
    out
}

/// The reference as Markdown: the text of `docs/query.md`.
pub fn reference_markdown() -> String {
    let mut out = String::from(
        "# Query language\n\n\
         `retake help query` prints this page. A query is a list of clauses that must all hold.\n\n\
         | query | finds |\n|---|---|\n",
    );
    for Form { example, meaning } in FORMS {
        push(
            &mut out,
            format_args!("| `{}` | {} |\n", cell(example), cell(meaning)),
        );
    }
    for (title, kinds) in SECTIONS {
        // A column that no row fills says nothing.
        let has_values = fields_of(kinds).any(|field| !field.values.is_empty());
        let (title_end, rule_end) = if has_values {
            (" values |", "---|")
        } else {
            ("", "")
        };
        push(
            &mut out,
            format_args!(
                "\n## {title}\n\n| field | holds | example |{title_end}\n|---|---|---|{rule_end}\n"
            ),
        );
        for Field {
            name,
            doc,
            example,
            values,
            ..
        } in fields_of(kinds)
        {
            let (doc, example) = (cell(doc), cell(example));
            push(
                &mut out,
                format_args!("| `{name}:` | {doc} | `{example}` |"),
            );
            if has_values {
                let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                push(&mut out, format_args!(" {} |", values.join(" ")));
            }
            out.push('\n');
        }
    }
    out.push_str("\n## Notes\n\n");
    for note in NOTES.iter().copied().chain([limits().as_str()]) {
        push(&mut out, format_args!("- {note}\n"));
    }
    out
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(line);
}

fn plain(markdown: &str) -> String {
    markdown.replace('`', "")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn wrapped(values: &[&str], columns: usize) -> Vec<String> {
    filled(values, " | ", columns)
}

fn filled(words: &[&str], separator: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + separator.len() + word.len() <= columns => {
                line.push_str(separator);
                line.push_str(word);
            }
            _ => lines.push((*word).to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::query::parse;

    #[test]
    fn every_example_is_a_query() {
        let forms = FORMS.iter().map(|form| form.example);
        for example in forms.chain(FIELDS.iter().map(|field| field.example)) {
            if let Err(error) = parse(example) {
                panic!("{}", error.render(example));
            }
        }
        for field in FIELDS {
            assert!(field.example.starts_with(&format!("{}:", field.name)));
            for value in field.values {
                parse(&format!("{}:{value}", field.name)).unwrap();
            }
        }
    }

    #[test]
    fn fits_a_terminal() {
        let reference = reference();
        for line in reference.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        assert!(
            FIELDS
                .iter()
                .all(|field| reference.contains(&plain(field.doc)))
        );
    }

    /// `UPDATE_DOCS=1 cargo test --release docs_agree` writes the page anew.
    #[test]
    fn docs_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/query.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, reference_markdown()).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            page,
            reference_markdown(),
            "set UPDATE_DOCS=1 to write it anew"
        );
    }
}
