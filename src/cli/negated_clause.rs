//! Negated clauses of a query, which look like options: `retake search -tool:ocr`.

use std::ffi::OsString;

use crate::index::query::field_named;

/// The verbs that take a query; `list` is that of `pair`.
const VERBS: &[&str] = &[
    "search",
    "facets",
    "stats",
    "export",
    "check",
    "agreement",
    "assign",
    "list",
];

/// The short options, which may stand together and before a value: `-qv`, `-oPATH`.
const SHORT_OPTIONS: &str = "hoqvV";

/// Spells the minus sign of negated clauses out, so that no option is seen in them: `-tool:ocr` and `NOT tool:ocr` are the
/// same. A negated word (`-boat`) can't be told from a mistyped option and is left to `--`.
pub fn spelled_out(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut takes_query = false;
    let mut options_end = false;
    arguments
        .into_iter()
        .map(|argument| {
            let Some(text) = argument.to_str() else {
                return argument;
            };
            takes_query |= VERBS.contains(&text);
            options_end |= text == "--";
            match text.strip_prefix('-').filter(|clause| is_clause(clause)) {
                Some(clause) if takes_query && !options_end => format!("NOT {clause}").into(),
                _ => argument,
            }
        })
        .collect()
}

/// Whether what follows a minus sign is a clause: `field:…`, a wrong field's too, `(…)` or `"…"`.
fn is_clause(text: &str) -> bool {
    if text.starts_with(['(', '"']) {
        return true;
    }
    let Some((name, _)) = text.split_once(':') else {
        return false;
    };
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphabetic());
    is_name && (field_named(name).is_some() || !name.starts_with(|c| SHORT_OPTIONS.contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(arguments: &str) -> String {
        let arguments = arguments.split(' ').map(OsString::from);
        let spelled: Vec<String> = spelled_out(arguments)
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect();
        spelled.join("|")
    }

    #[test]
    fn clauses_are_told_from_options() {
        for (typed, wanted) in [
            ("retake search -tool:ocr", "retake|search|NOT tool:ocr"),
            (
                "retake search -q -is:error -v --limit 3",
                "retake|search|-q|NOT is:error|-v|--limit|3",
            ),
            (
                "retake stats a -outcome:pass -verdict:correct -tol:x",
                "retake|stats|a|NOT outcome:pass|NOT verdict:correct|NOT tol:x",
            ),
            (
                "retake facets -(cat -\"red",
                "retake|facets|NOT (cat|NOT \"red",
            ),
            // What an option or its value may be stays so.
            (
                "retake export jsonl -oout:1 -oC:/x -o -",
                "retake|export|jsonl|-oout:1|-oC:/x|-o|-",
            ),
            (
                "retake search --sort -steps -boat -- -tool:ocr",
                "retake|search|--sort|-steps|-boat|--|-tool:ocr",
            ),
            ("retake show -tool:ocr", "retake|show|-tool:ocr"),
            (
                "retake pair list -is:reviewed",
                "retake|pair|list|NOT is:reviewed",
            ),
        ] {
            assert_eq!(spelled(typed), wanted);
        }
    }
}
