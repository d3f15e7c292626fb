//! Text to words, for the index and for queries alike.
//!
//! A word is a longest run of letters, digits and `_`, in lower case, with the marks that combine with its letters. A
//! Chinese, Japanese or Korean character is a word of its own. A compound name (`image_path`, `CountObjects`) is indexed
//! whole and in parts: the whole stands at the position of its first part and is as long as all of them, so that a
//! phrase finds the name, its parts, and what follows it.
//!
//! Offsets are bytes of the text, positions count words from 0.

use std::ops::Range;
use std::sync::LazyLock;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Longer words (in bytes) are encoded data, not names: each is indexed as [`LONG_WORD`].
pub const MAX_WORD_BYTES: usize = 200;

/// What stands for every word that is too long; no query has it, but a scan for a part of such a word does.
pub const LONG_WORD: &str = "\u{1}";

/// The tokenizer of all text fields.
#[derive(Clone, Default)]
pub struct IdentifierTokenizer {
    token: Token,
}

/// What [`IdentifierTokenizer`] returns.
pub struct IdentifierStream<'a> {
    tokens: Tokens<'a>,
    token: &'a mut Token,
}

impl Tokenizer for IdentifierTokenizer {
    type TokenStream<'a> = IdentifierStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> IdentifierStream<'a> {
        self.token.reset();
        IdentifierStream {
            tokens: Tokens::new(text),
            token: &mut self.token,
        }
    }
}

impl TokenStream for IdentifierStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(found) = self.tokens.next(&mut self.token.text) else {
            return false;
        };
        self.token.offset_from = found.range.start;
        self.token.offset_to = found.range.end;
        self.token.position = found.position;
        self.token.position_length = found.positions;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// The words of a query's text with their positions, compound names whole.
///
/// A phrase of them, each at its position relative to the first, is what the index has for the same text.
pub fn query_terms(text: &str) -> Vec<(usize, String)> {
    let mut terms = Vec::new();
    let mut tokens = Tokens::new(text);
    let mut term = String::new();
    while let Some(found) = tokens.next(&mut term) {
        if found.is_whole {
            terms.push((found.position, term.clone()));
        }
    }
    terms
}

/// A token of a text.
pub(super) struct Found {
    /// Where it stands.
    pub range: Range<usize>,
    /// Its first position.
    pub position: usize,
    /// How many positions it takes.
    pub positions: usize,
    /// Whether it is a word, not a part of one.
    pub is_whole: bool,
}

/// The tokens of a text, each word before its parts.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// The position of the next word.
    position: usize,
    /// The parts of the last word, if it is a compound name.
    parts: Vec<Range<usize>>,
    /// How many of them were handed out.
    parts_done: usize,
}

/// A word as scanned.
struct Word {
    range: Range<usize>,
    /// Whether it has a `_`, or a capital that is not its first letter.
    maybe_compound: bool,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            position: 0,
            parts: Vec::new(),
            parts_done: 0,
        }
    }

    /// Where the next word is looked for; `None` while parts of the last one are due.
    pub fn place(&self) -> Option<usize> {
        (self.parts_done >= self.parts.len()).then_some(self.at)
    }

    /// Passes over the words that end before a byte position; positions count on as if they had not been there.
    pub fn skip_to(&mut self, at: usize) {
        let before = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        let is_separator = |byte: &u8| CLASSES[usize::from(*byte)] == Class::Separator;
        if let Some(last) = before.iter().rposition(is_separator) {
            self.at += last + 1;
        }
    }

    /// The next token; its lower-case text replaces what is in `lower`.
    pub fn next(&mut self, lower: &mut String) -> Option<Found> {
        if let Some(part) = self.parts.get(self.parts_done) {
            lower_case(slice(self.text, part), lower);
            let position = self.position - self.parts.len() + self.parts_done;
            self.parts_done += 1;
            return Some(Found {
                range: part.clone(),
                position,
                positions: 1,
                is_whole: false,
            });
        }
        loop {
            let word = next_word(self.text, self.at)?;
            self.at = word.range.end;
            let position = self.position;
            if word.range.len() > MAX_WORD_BYTES {
                self.position += 1;
                self.parts.clear();
                self.parts_done = 0;
                lower.clear();
                lower.push_str(LONG_WORD);
                return Some(Found {
                    range: word.range,
                    position,
                    positions: 1,
                    is_whole: false,
                });
            }
            self.parts.clear();
            self.parts_done = 0;
            let mut positions = 1;
            if word.maybe_compound {
                split(self.text, &word.range, &mut self.parts);
                match self.parts.as_slice() {
                    // Nothing but underscores.
                    [] => continue,
                    [only] if *only == word.range => self.parts.clear(),
                    parts => positions = parts.len(),
                }
            }
            self.position += positions;
            lower_case(slice(self.text, &word.range), lower);
            return Some(Found {
                range: word.range,
                position,
                positions,
                is_whole: true,
            });
        }
    }
}

fn slice<'a>(text: &'a str, range: &Range<usize>) -> &'a str {
    text.get(range.clone()).unwrap_or_default()
}

/// What a byte is to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Separator,
    /// A digit or small letter.
    Small,
    Capital,
    Underscore,
    /// A byte of a character beyond ASCII.
    Beyond,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Separator; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'a'..=b'z' => Class::Small,
            b'A'..=b'Z' => Class::Capital,
            b'_' => Class::Underscore,
            0x80.. => Class::Beyond,
            _ => Class::Separator,
        };
        byte += 1;
    }
    classes
};

/// The first word at or after a byte position.
fn next_word(text: &str, mut at: usize) -> Option<Word> {
    let bytes = text.as_bytes();
    loop {
        match CLASSES[usize::from(*bytes.get(at)?)] {
            Class::Separator => at += 1,
            Class::Beyond => {
                let c = text.get(at..)?.chars().next()?;
                if is_ideograph(c) {
                    let end = at + c.len_utf8();
                    return Some(Word {
                        range: at..end + marks(text, end),
                        maybe_compound: false,
                    });
                }
                if c.is_alphanumeric() {
                    break;
                }
                at += c.len_utf8();
            }
            Class::Small | Class::Capital | Class::Underscore => break,
        }
    }
    Some(word_at(text, at))
}

/// The word that begins at a byte position.
fn word_at(text: &str, start: usize) -> Word {
    let bytes = text.as_bytes();
    let mut maybe_compound = false;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match CLASSES[usize::from(*byte)] {
            Class::Small => at += 1,
            Class::Separator => break,
            Class::Capital => {
                maybe_compound |= at > start;
                at += 1;
            }
            Class::Underscore => {
                maybe_compound = true;
                at += 1;
            }
            Class::Beyond => {
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else {
                    break;
                };
                if is_ideograph(c) || !(c.is_alphanumeric() || is_mark(c)) {
                    break;
                }
                maybe_compound |= at > start && c.is_uppercase();
                at += c.len_utf8();
            }
        }
    }
    Word {
        range: start..at,
        maybe_compound,
    }
}

/// How many bytes of marks stand at a position.
fn marks(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.chars()
        .take_while(|c| !c.is_ascii() && is_mark(*c))
        .map(char::len_utf8)
        .sum()
}

/// Splits a word at each `_`, and before each capital that follows a small letter or comes before one.
fn split(text: &str, word: &Range<usize>, parts: &mut Vec<Range<usize>>) {
    let mut start = word.start;
    let mut after_small = false;
    // A capital inside a part, which opens the next part if a small letter follows.
    let mut capital: Option<usize> = None;
    for (offset, c) in slice(text, word).char_indices() {
        let at = word.start + offset;
        let mut inner_capital = None;
        if c == '_' {
            if start < at {
                parts.push(start..at);
            }
            start = at + 1;
        } else if c.is_uppercase() {
            if after_small {
                parts.push(start..at);
                start = at;
            } else if start < at {
                inner_capital = Some(at);
            }
        } else if let Some(opening) = capital
            && c.is_lowercase()
        {
            parts.push(start..opening);
            start = opening;
        }
        after_small = c.is_lowercase();
        capital = inner_capital;
    }
    if start < word.end {
        parts.push(start..word.end);
    }
}

/// Lower case, character by character, with one small sigma: a prefix does not know where its word ends.
fn lower_case(text: &str, lower: &mut String) {
    lower.clear();
    if text.is_ascii() {
        lower.push_str(text);
        lower.make_ascii_lowercase();
    } else {
        let one_sigma = |c| if c == 'ς' { 'σ' } else { c };
        lower.extend(text.chars().flat_map(char::to_lowercase).map(one_sigma));
    }
}

/// Whether a character of a script without blanks between words is a word of its own.
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}'      // Hangul letters
        | '\u{3005}'..='\u{3007}'    // iteration mark, closing mark, zero
        | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}'  // Hiragana
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}'  // Katakana
        | '\u{3131}'..='\u{318e}'    // Hangul letters, compatible
        | '\u{31f0}'..='\u{31ff}'    // Katakana, phonetic
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'  // Han
        | '\u{a960}'..='\u{a97c}'    // Hangul letters
        | '\u{ac00}'..='\u{d7fb}'    // Hangul syllables and letters
        | '\u{f900}'..='\u{faff}'    // Han, compatible
        | '\u{ff66}'..='\u{ffdc}'    // Katakana and Hangul of half width
        | '\u{20000}'..='\u{323af}') // Han
        && c.is_alphanumeric()
}

/// Whether a character combines with the one before it (general category M).
fn is_mark(c: char) -> bool {
    static MARKS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
        let class = regex_syntax::parse(r"\p{M}").map(regex_syntax::hir::Hir::into_kind);
        match class {
            Ok(regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => {
                class
                    .ranges()
                    .iter()
                    .map(|range| (range.start(), range.end()))
                    .collect()
            }
            _ => Vec::new(),
        }
    });
    let after = MARKS.partition_point(|(first, _)| *first <= c);
    after
        .checked_sub(1)
        .and_then(|at| MARKS.get(at))
        .is_some_and(|(_, last)| c <= *last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each token as `text@position`, with `+n` where it takes n positions.
    fn tokens(text: &str) -> String {
        let mut tokenizer = IdentifierTokenizer::default();
        let mut stream = tokenizer.token_stream(text);
        let mut found = Vec::new();
        while let Some(token) = stream.next() {
            let length = match token.position_length {
                1 => String::new(),
                length => format!("+{length}"),
            };
            found.push(format!("{}@{}{length}", token.text, token.position));
        }
        found.join(" ")
    }

    #[test]
    fn words_and_positions() {
        for (text, expected) in [
            ("", ""),
            (" ,. __ ", ""),
            ("Hello, happy tax payer!", "hello@0 happy@1 tax@2 payer@3"),
            ("3.14 don't", "3@0 14@1 don@2 t@3"),
            ("GPT4V gpt-4o H2O", "gpt4v@0 gpt@1 4o@2 h2o@3"),
            ("Ünïcode STRASSE Ελλάς", "ünïcode@0 strasse@1 ελλάσ@2"),
            ("cafe\u{301} \u{301}x", "cafe\u{301}@0 x@1"),
            ("हिन्दी", "हिन्दी@0"),
            ("検索する3回", "検@0 索@1 す@2 る@3 3@4 回@5"),
            ("검색 ok漢ok", "검@0 색@1 ok@2 漢@3 ok@4"),
            ("か\u{3099}・ー", "か\u{3099}@0 ー@1"),
            ("🎉party🎉", "party@0"),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn compound_names_are_whole_and_in_parts() {
        for (text, expected) in [
            ("image_path x", "image_path@0+2 image@0 path@1 x@2"),
            (
                "ask_search_agent(q)",
                "ask_search_agent@0+3 ask@0 search@1 agent@2 q@3",
            ),
            (
                "CountGivenObject x",
                "countgivenobject@0+3 count@0 given@1 object@2 x@3",
            ),
            ("HTMLParser", "htmlparser@0+2 html@0 parser@1"),
            ("HTML iPhone", "html@0 iphone@1+2 i@1 phone@2"),
            ("HTML5Parser", "html5parser@0+2 html5@0 parser@1"),
            ("__init__ x", "__init__@0 init@0 x@1"),
            ("_a__b_", "_a__b_@0+2 a@0 b@1"),
            ("MAX_LENGTH", "max_length@0+2 max@0 length@1"),
            ("ÉtéÉté_x", "étéété_x@0+3 été@0 été@1 x@2"),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn encoded_data_takes_a_position_and_stands_for_all_of_its_kind() {
        let long = "x".repeat(MAX_WORD_BYTES + 1);
        assert_eq!(
            tokens(&format!("a {long} b")),
            format!("a@0 {LONG_WORD}@1 b@2")
        );
        let longest = "x".repeat(MAX_WORD_BYTES);
        assert_eq!(tokens(&format!("{longest} b")), format!("{longest}@0 b@1"));
    }

    #[test]
    fn query_terms_stand_where_the_index_has_them() {
        let terms = |text| query_terms(text);
        let own = |terms: &[(usize, &str)]| -> Vec<(usize, String)> {
            terms
                .iter()
                .map(|(at, term)| (*at, (*term).to_owned()))
                .collect()
        };
        assert_eq!(
            terms("image_path=foo"),
            own(&[(0, "image_path"), (2, "foo")])
        );
        assert_eq!(terms("Image Path"), own(&[(0, "image"), (1, "path")]));
        assert_eq!(terms("- __ -"), own(&[]));
    }

    #[test]
    fn tantivy_finds_names_parts_and_phrases() {
        use tantivy::query::{PhraseQuery, Query, TermQuery};
        use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
        use tantivy::{Index, Term};

        let indexing = TextFieldIndexing::default()
            .set_tokenizer("identifier")
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let mut schema = Schema::builder();
        let options = TextOptions::default().set_indexing_options(indexing);
        let text = schema.add_text_field("text", options);
        let index = Index::create_in_ram(schema.build());
        let tokenizer = IdentifierTokenizer::default();
        index.tokenizers().register("identifier", tokenizer);
        let mut writer = index.writer_with_num_threads(1, 15_000_000).unwrap();
        let document =
            tantivy::doc!(text => "open image_path=foo now", text => "CountObjects(图片)");
        writer.add_document(document).unwrap();
        writer.commit().unwrap();
        let searcher = index.reader().unwrap().searcher();

        let finds = |query: &str| {
            let terms: Vec<_> = query_terms(query)
                .into_iter()
                .map(|(at, term)| (at, Term::from_field_text(text, &term)))
                .collect();
            let query: Box<dyn Query> = match terms.as_slice() {
                [(_, term)] => Box::new(TermQuery::new(term.clone(), IndexRecordOption::Basic)),
                _ => Box::new(PhraseQuery::new_with_offset(terms)),
            };
            query.count(&searcher).unwrap() == 1
        };
        for query in [
            "image_path",
            "image",
            "path",
            "image path",
            "image_path=foo",
            "image_path foo now",
            "open image_path",
            "open image path foo",
            "path foo",
            "objects",
            "COUNTOBJECTS",
            "count objects",
            "CountObjects(图片)",
            "片",
        ] {
            assert!(finds(query), "{query}");
        }
        for query in [
            "path image",
            "open path",
            "image foo",
            "image_path now",
            "now CountObjects",
            "片图",
        ] {
            assert!(!finds(query), "{query}");
        }
    }

    /// The words of a text by the same rules, read one character at a time.
    fn slow_words(text: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let (mut in_word, mut takes_marks) = (false, false);
        for c in text.chars() {
            let continues = (is_mark(c) && takes_marks)
                || (in_word && !is_ideograph(c) && (c.is_alphanumeric() || c == '_'));
            match words.last_mut() {
                Some(word) if continues => word.push(c),
                _ if is_ideograph(c) || c.is_alphanumeric() || c == '_' => words.push(c.into()),
                _ => {
                    (in_word, takes_marks) = (false, false);
                    continue;
                }
            }
            in_word = !is_ideograph(c) && (in_word || !continues);
            takes_marks = true;
        }
        words.retain(|word| word.chars().any(|c| c != '_'));
        let lower = |word: &String| word.to_lowercase().replace('ς', "σ");
        words.iter().map(lower).collect()
    }

    fn whole_and_parts(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
        let mut tokens = Tokens::new(text);
        let mut lower = String::new();
        let mut whole = Vec::new();
        let mut last: Option<Found> = None;
        while let Some(found) = tokens.next(&mut lower) {
            let written = text.get(found.range.clone()).unwrap();
            proptest::prop_assert_eq!(&written.to_lowercase().replace('ς', "σ"), &lower);
            proptest::prop_assert!(found.positions > 0 && !lower.is_empty());
            if let Some(last) = &last {
                proptest::prop_assert!(last.position <= found.position);
            }
            if found.is_whole {
                whole.push(lower.clone());
            }
            last = Some(found);
        }
        proptest::prop_assert_eq!(whole, slow_words(text));
        Ok(())
    }

    proptest::proptest! {
        #[test]
        fn any_text(text in "\\PC{0,60}|[a-zA-Z0-9_é漢か\u{3099}\u{301}ー. ]{0,60}") {
            whole_and_parts(&text)?;
        }

        #[test]
        fn ascii_and_other_text_agree(text in "[a-zA-Z0-9_. ]{0,60}") {
            // A letter beyond ASCII sends the same text down the other way.
            let with = |letter: &str| tokens(&text.replace('e', letter).replace('E', &letter.to_uppercase()));
            proptest::prop_assert_eq!(with("e").replace('e', "é"), with("é"));
        }
    }
}
