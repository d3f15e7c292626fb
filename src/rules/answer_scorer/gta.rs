//! GTA's answer scorer (paper §4): white list and black list of aliases as whole words, case-insensitive.

use regex::RegexBuilder;

use super::pass_if;
use crate::domain::{Outcome, ReferenceAnswer};

/// The official scorer: every group of the white list has an alias in the answer that matches `\b(?:…)\b`, and no alias
/// of the black list does. Lists of texts are scored by embedding, hence unknown here.
///
/// The `\b` beside an alias that begins or ends with `-`, `$`, `%` or `}` is the official one: it demands a word
/// character outside, so that some gold answers fail (paper §5).
pub fn score(answer: &str, reference: &ReferenceAnswer) -> Outcome {
    let ReferenceAnswer::Lists {
        whitelist,
        blacklist,
    } = reference
    else {
        return Outcome::Unknown;
    };
    let listed = whitelist.iter().all(|group| has_word(answer, group));
    pass_if(listed && !blacklist.iter().any(|group| has_word(answer, group)))
}

/// MATRIX's own, laxer variant: every group has an alias that is a substring of the lower-cased answer; the black list
/// is ignored (so "2" is found in "12").
pub fn substring_score(answer: &str, reference: &ReferenceAnswer) -> Outcome {
    let ReferenceAnswer::Lists { whitelist, .. } = reference else {
        return Outcome::Unknown;
    };
    let answer = answer.to_lowercase();
    let has = |group: &Vec<String>| group.iter().any(|a| answer.contains(&a.to_lowercase()));
    pass_if(whitelist.iter().all(has))
}

fn has_word(answer: &str, aliases: &[String]) -> bool {
    let escaped: Vec<String> = aliases.iter().map(|alias| regex::escape(alias)).collect();
    RegexBuilder::new(&format!(r"\b(?:{})\b", escaped.join("|")))
        .case_insensitive(true)
        .build()
        .is_ok_and(|pattern| pattern.is_match(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(whitelist: &[&[&str]], blacklist: &[&[&str]]) -> ReferenceAnswer {
        let owned = |groups: &[&[&str]]| {
            groups
                .iter()
                .map(|group| group.iter().map(|alias| (*alias).to_owned()).collect())
                .collect()
        };
        ReferenceAnswer::Lists {
            whitelist: owned(whitelist),
            blacklist: owned(blacklist),
        }
    }

    #[test]
    fn aliases_are_whole_words_in_any_case() {
        let reference = lists(&[&["two", "2"], &["New York"]], &[]);
        assert_eq!(score("In NEW YORK there are 2.", &reference), Outcome::Pass);
        assert_eq!(
            score("In New York there are 12.", &reference),
            Outcome::Fail
        );
        assert_eq!(score("There are two.", &reference), Outcome::Fail);
        assert_eq!(
            substring_score("In new york there are 12.", &reference),
            Outcome::Pass
        );
    }

    #[test]
    fn the_black_list_refuses_only_officially() {
        let reference = lists(&[&["cat"]], &[&["dog", "wolf"]]);
        assert_eq!(score("a cat, no Wolf", &reference), Outcome::Fail);
        assert_eq!(score("a cat, a wolfhound", &reference), Outcome::Pass);
        assert_eq!(substring_score("a cat, no wolf", &reference), Outcome::Pass);
    }

    #[test]
    fn aliases_are_text_and_word_boundaries_are_literal() {
        assert_eq!(score("f(x", &lists(&[&["f(x"]], &[])), Outcome::Pass);
        assert_eq!(score("axb", &lists(&[&["a.b"]], &[])), Outcome::Fail);
        assert_eq!(score("-2", &lists(&[&["-2"]], &[])), Outcome::Fail);
        assert_eq!(score("x=4-2", &lists(&[&["-2"]], &[])), Outcome::Pass);
        assert_eq!(score("25%", &lists(&[&["25%"]], &[])), Outcome::Fail);
        assert_eq!(
            score("größer", &lists(&[&["GRÖSSER", "Größer"]], &[])),
            Outcome::Pass
        );
    }

    #[test]
    fn other_references_are_unknown() {
        let texts = ReferenceAnswer::Texts(vec!["a".to_owned()]);
        assert_eq!(score("a", &texts), Outcome::Unknown);
        assert_eq!(substring_score("a", &texts), Outcome::Unknown);
    }
}
