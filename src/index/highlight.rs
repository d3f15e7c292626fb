//! Where a query matches in a text.
//!
//! Documents are found by the index; this only looks at the text of those that are shown. It agrees with the index
//! because it reads text with the same tokenizer.

use std::ops::Range;

use regex::Regex;

use super::query::{Clause, Field, FieldKind, Query, Test, compile_regex};
use super::snippet::Snippet;
use super::tokenizer::{Tokens, query_terms};
use super::word_openings::{LetterSet, WordOpenings, has_disguised_letters};

/// Finds the words of a query in texts. Clauses under a negation are not looked for.
#[derive(Debug, Clone, Default)]
pub struct Highlighter {
    needles: Vec<Needle>,
    regexes: Vec<(Option<&'static Field>, Regex)>,
}

/// Words that follow each other.
#[derive(Debug, Clone)]
struct Needle {
    field: Option<&'static Field>,
    /// Positions and words; never empty.
    terms: Vec<(usize, String)>,
    last: Ending,
}

/// How the last word of a needle is compared.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Exact,
    Prefix,
    Fuzzy(usize),
}

/// The beginning of a needle that was seen.
struct Partial<'h> {
    needle: &'h Needle,
    /// How many of its terms were seen; at least one.
    seen: usize,
    /// Where the next one must stand.
    position: usize,
    /// The byte at which the first one stands.
    start: usize,
}

impl Needle {
    fn new(clause: &Clause) -> Option<Self> {
        let (text, last) = match &clause.test {
            Test::Word(text) | Test::Phrase(text) => (text, Ending::Exact),
            Test::Prefix(text) => (text, Ending::Prefix),
            Test::Fuzzy { word, distance } => (word, Ending::Fuzzy(usize::from(*distance))),
            Test::Range { .. } | Test::Regex { .. } | Test::Flag(_) => return None,
        };
        let terms = query_terms(text);
        (!terms.is_empty()).then_some(Self {
            field: clause.field,
            terms,
            last,
        })
    }

    /// Whether a word of a text is the term with this number.
    fn matches(&self, number: usize, word: &str) -> bool {
        let Some((_, term)) = self.terms.get(number) else {
            return false;
        };
        match self.last {
            Ending::Prefix if number + 1 == self.terms.len() => word.starts_with(term.as_str()),
            Ending::Fuzzy(distance) => {
                // A character has at most four bytes, and a slip changes two of a word's letters at most.
                word.len().abs_diff(term.len()) <= 4 * distance
                    && LetterSet::of(word).differences(LetterSet::of(term)) <= 2 * distance
                    && strsim::osa_distance(word, term) <= distance
            }
            _ => word == term,
        }
    }

    /// What a word that begins a match of this begins with; `None` where that can't be told.
    fn opening(&self) -> Option<&str> {
        let (_, first) = self.terms.first()?;
        let is_fuzzy = matches!(self.last, Ending::Fuzzy(_)) && self.terms.len() == 1;
        (!is_fuzzy && first.is_ascii()).then_some(first)
    }

    /// How far the term with this number is from the one before it.
    fn gap(&self, number: usize) -> usize {
        let position = |number: usize| self.terms.get(number).map_or(0, |(position, _)| *position);
        position(number) - position(number - 1)
    }
}

/// Whether what a clause looks for can be in this text.
fn applies(field: Option<&'static Field>, name: &str) -> bool {
    field.is_none_or(|field| field.name == name)
}

impl Highlighter {
    /// A highlighter of what a query looks for in text fields.
    pub fn from_query(query: &Query) -> Self {
        let mut highlighter = Self::default();
        for clause in query.expression.positive_clauses() {
            let field = clause.field;
            if field.is_some_and(|field| field.kind != FieldKind::Text) {
                continue;
            }
            if let Test::Regex {
                pattern,
                ignore_case,
            } = &clause.test
            {
                // The parser has compiled it before.
                let regex = compile_regex(pattern, *ignore_case).ok();
                highlighter
                    .regexes
                    .extend(regex.map(|regex| (field, regex)));
            }
            highlighter.needles.extend(Needle::new(clause));
        }
        highlighter
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty() && self.regexes.is_empty()
    }

    /// The bytes of the text of a field (by its name) that match, in order, without overlaps.
    pub fn ranges(&self, field: &str, text: &str) -> Vec<Range<usize>> {
        self.ranges_until(field, text, &|_| usize::MAX)
    }

    /// The text around the first match, at most `width` columns wide; `None` where nothing matches.
    pub fn snippet(&self, field: &str, text: &str, width: usize) -> Option<Snippet> {
        let ranges = self.ranges_until(field, text, &|first| Snippet::end(text, first, width));
        let first = ranges.first()?.start;
        Some(Snippet::around(text, first, width, &ranges))
    }

    /// The matches that begin before the byte that `end` gives for the first one's start.
    fn ranges_until(
        &self,
        field: &str,
        text: &str,
        end: &dyn Fn(usize) -> usize,
    ) -> Vec<Range<usize>> {
        let mut ranges = self.words_until(field, text, end);
        for (of, regex) in &self.regexes {
            if !applies(*of, field) {
                continue;
            }
            let found = regex.find_iter(text).map(|found| found.range());
            let mut found = found.filter(|range| !range.is_empty());
            if let Some(first) = found.next() {
                let end = end(first.start);
                ranges.push(first);
                ranges.extend(found.take_while(|range| range.start < end));
            }
        }
        ranges.sort_by_key(|range| range.start);
        if let Some(first) = ranges.first().map(|first| first.start) {
            let end = end(first).max(first + 1);
            ranges.retain(|range| range.start < end);
        }
        merged(ranges)
    }

    fn words_until(
        &self,
        field: &str,
        text: &str,
        end_of: &dyn Fn(usize) -> usize,
    ) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let needles: Vec<_> = self
            .needles
            .iter()
            .filter(|n| applies(n.field, field))
            .collect();
        if needles.is_empty() {
            return ranges;
        }
        let mut openings = needles
            .iter()
            .map(|needle| needle.opening())
            .collect::<Option<Vec<&str>>>()
            .filter(|_| !has_disguised_letters(text))
            .map(|openings| WordOpenings::new(text, &openings));
        let mut partials: Vec<Partial<'_>> = Vec::new();
        let mut grown: Vec<Partial<'_>> = Vec::new();
        let mut tokens = Tokens::new(text);
        let mut word = String::new();
        let mut end = usize::MAX;
        loop {
            // Nothing is begun: words before the next one that can begin a match need no look.
            if partials.is_empty()
                && let (Some(openings), Some(at)) = (&mut openings, tokens.place())
            {
                match openings.next(at) {
                    Some(opening) if opening < end => tokens.skip_to(opening),
                    _ => break,
                }
            }
            let Some(token) = tokens.next(&mut word) else {
                break;
            };
            partials.retain(|partial| partial.position >= token.position);
            let continued = partials
                .iter()
                .filter(|partial| partial.position == token.position)
                .map(|partial| (partial.needle, partial.seen, partial.start));
            let begun = needles.iter().map(|needle| (*needle, 0, token.range.start));
            for (needle, seen, start) in continued.chain(begun) {
                if !needle.matches(seen, &word) {
                    continue;
                }
                let seen = seen + 1;
                if seen == needle.terms.len() {
                    if ranges.iter().all(|before| start < before.start) {
                        end = end_of(start);
                    }
                    ranges.push(start..token.range.end);
                } else {
                    let position = token.position + needle.gap(seen);
                    grown.push(Partial {
                        needle,
                        seen,
                        position,
                        start,
                    });
                }
            }
            partials.append(&mut grown);
            if token.range.start > end {
                break;
            }
        }
        ranges
    }
}

/// Joins ranges that overlap, in order of their starts.
fn merged(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::index::query::{parse, parse_lenient};

    /// The text with what matches in brackets.
    fn marked(query: &str, field: &str, text: &str) -> String {
        let ranges = Highlighter::from_query(&parse(query).unwrap()).ranges(field, text);
        in_brackets(text, &ranges)
    }

    fn in_brackets(text: &str, ranges: &[Range<usize>]) -> String {
        let mut out = String::new();
        let mut at = 0;
        for range in ranges {
            out += &format!("{}[{}]", &text[at..range.start], &text[range.clone()]);
            at = range.end;
        }
        out + &text[at..]
    }

    #[test]
    fn words_phrases_prefixes_and_slips() {
        for (query, text, expected) in [
            ("cat", "Cat, cats, CAT", "[Cat], cats, [CAT]"),
            ("cat dog", "dog or cat", "[dog] or [cat]"),
            ("image", "image_path imagine", "[image]_path imagine"),
            (
                "image_path",
                "image_path image path",
                "[image_path] image path",
            ),
            (
                "\"image path\"",
                "image_path; image path; image of path",
                "[image_path]; [image path]; image of path",
            ),
            (
                "\"open image_path now\"",
                "open image_path now",
                "[open image_path now]",
            ),
            (
                "\"path now\"",
                "open image_path now",
                "open image_[path now]",
            ),
            (
                "image_path=foo",
                "image_path = foo, image_path",
                "[image_path = foo], image_path",
            ),
            ("\"a a b\"", "a a a b", "a [a a b]"),
            ("imag*", "Images imaging img", "[Images] [imaging] img"),
            (
                "\"x\" image.pa*",
                "image.path image pat",
                "[image.path] [image pat]",
            ),
            (
                "colour~",
                "color colors colour colouur",
                "[color] colors [colour] [colouur]",
            ),
            ("colour~", "oclour", "[oclour]"),
            ("検索", "全文検索する", "全文[検索]する"),
            (
                "cat -dog NOT (bird -fish)",
                "cat dog bird fish",
                "[cat] dog bird [fish]",
            ),
            ("tool:ocr has:error step:2", "ocr error 2", "ocr error 2"),
            ("code:/o.r/ code:/OCR/i", "ocr = our", "ocr = our"),
        ] {
            assert_eq!(marked(query, "thought", text), expected, "{query}");
        }
    }

    #[test]
    fn fields_keep_to_their_text() {
        assert_eq!(
            marked("code:cat thought:dog", "thought", "cat dog"),
            "cat [dog]"
        );
        assert_eq!(
            marked("code:/o.r/ code:/x*/", "code", "ocr ours"),
            "[ocr] [our]s"
        );
        assert_eq!(marked("code:/^b$/", "code", "a\nb\n"), "a\n[b]\n");
        assert_eq!(marked("code:/AB/i code:bc", "code", "abc bc"), "[ab]c [bc]");
    }

    fn snippet(query: &str, text: &str, width: usize) -> Option<String> {
        let highlighter = Highlighter::from_query(&parse(query).unwrap());
        let snippet = highlighter.snippet("thought", text, width)?;
        assert!(snippet.text.width() <= width, "{}", snippet.text);
        Some(in_brackets(&snippet.text, &snippet.ranges))
    }

    #[test]
    fn snippets_are_cut_around_the_first_match() {
        let text = "one two\n  three four five six seven eight nine ten";
        for (query, width, expected) in [
            (
                "one",
                80,
                "[one] two three four five six seven eight nine ten",
            ),
            ("one", 14, "[one] two thre…"),
            ("six", 14, "…ive [six] seve…"),
            ("ten", 14, "…ght nine [ten]"),
            ("three two", 14, "one [two] [thre]…"),
            ("six", 3, "…[s]…"),
        ] {
            assert_eq!(
                snippet(query, text, width).as_deref(),
                Some(expected),
                "{query}"
            );
        }
        assert_eq!(snippet("eleven", text, 14), None);
        assert_eq!(
            snippet("b", "a\u{1b}[31m b", 20).as_deref(),
            Some("a␛[31m [b]")
        );
        assert_eq!(
            snippet("索", "全文検索する全文", 9).as_deref(),
            Some("…検[索]す…")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_query_and_text(query in "\\PC{0,20}", text in "(\\PC|[ab\n]){0,60}", width in 0usize..40) {
            let highlighter = Highlighter::from_query(&parse_lenient(&query).query);
            let ranges = highlighter.ranges("task", &text);
            for range in &ranges {
                proptest::prop_assert!(text.get(range.clone()).is_some_and(|found| !found.is_empty()));
            }
            proptest::prop_assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
            let snippet = highlighter.snippet("task", &text, width);
            proptest::prop_assert_eq!(snippet.is_some(), !ranges.is_empty());
            let snippet = snippet.unwrap_or_else(|| Snippet::beginning(&text, width));
            proptest::prop_assert!(snippet.text.width() <= width.max(2));
            for range in &snippet.ranges {
                proptest::prop_assert!(snippet.text.get(range.clone()).is_some());
            }
        }

        /// A slip of a word that no text has makes the highlighter look at every word.
        #[test]
        fn passing_over_words_misses_nothing(
            query in "[abk]{1,2}[*]?( OR \"[ab_]{0,2}[ak] [abA]{1,2}\")?",
            text in "([abABé_漢\u{212a}] ?|[.\n]){0,40}",
        ) {
            let ranges = |query: &str| {
                let query = parse(query).unwrap();
                Highlighter::from_query(&query).ranges("task", &text)
            };
            proptest::prop_assert_eq!(ranges(&query), ranges(&format!("{query} OR zzzzzzzz~")));
        }

        #[test]
        fn a_word_of_a_text_is_found(text in "[a-zA-Z_é漢 .]{1,40}") {
            for (_, term) in query_terms(&text) {
                let query = parse(&format!("\"{term}\"")).unwrap();
                proptest::prop_assert!(!Highlighter::from_query(&query).ranges("task", &text).is_empty());
            }
        }
    }
}
