//! Where in a text words with given beginnings can stand, found without taking the text apart into words.

use memchr::memchr2;

/// Places of some beginnings in a text, whatever their case.
pub(super) struct WordOpenings<'a> {
    text: &'a [u8],
    openings: Vec<Opening<'a>>,
}

/// A beginning and its next place.
struct Opening<'a> {
    start: &'a [u8],
    /// Its least frequent letter, and where that stands in it.
    rare: (usize, u8),
    /// Its first place from some byte on; `None` behind its last.
    place: Option<usize>,
}

impl<'a> WordOpenings<'a> {
    /// Of beginnings in lower case and ASCII, none of them empty.
    pub fn new(text: &'a str, starts: &[&'a str]) -> Self {
        let text = text.as_bytes();
        let openings = starts.iter().map(|start| {
            let start = start.as_bytes();
            let mut opening = Opening {
                start,
                rare: rarest(start),
                place: None,
            };
            opening.place = opening.find(text, 0);
            opening
        });
        Self {
            text,
            openings: openings.collect(),
        }
    }

    /// The first place of any of them at or after `from`, which never goes back.
    pub fn next(&mut self, from: usize) -> Option<usize> {
        for opening in &mut self.openings {
            if opening.place.is_some_and(|place| place < from) {
                opening.place = opening.find(self.text, from);
            }
        }
        self.openings
            .iter()
            .filter_map(|opening| opening.place)
            .min()
    }
}

impl Opening<'_> {
    fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let (offset, letter) = self.rare;
        let mut at = from + offset;
        loop {
            let rest = text.get(at..)?;
            let place = at + memchr2(letter, letter.to_ascii_uppercase(), rest)? - offset;
            let found = text.get(place..place + self.start.len())?;
            if found.eq_ignore_ascii_case(self.start) {
                return Some(place);
            }
            at = place + offset + 1;
        }
    }
}

/// The byte of a word that texts have least, and its place.
fn rarest(word: &[u8]) -> (usize, u8) {
    const BY_FREQUENCY: &[u8] = b"etaoinsrhldcumfpgwybvkxjqz";
    let rank = |byte: &u8| {
        let rank = BY_FREQUENCY.iter().position(|letter| letter == byte);
        rank.unwrap_or(BY_FREQUENCY.len())
    };
    let rarest = word
        .iter()
        .copied()
        .enumerate()
        .max_by_key(|(_, byte)| rank(byte));
    rarest.unwrap_or((0, 0))
}

/// Whether a text has letters beyond ASCII that are ASCII letters in lower case: the Kelvin sign, and I with a dot.
pub(super) fn has_disguised_letters(text: &str) -> bool {
    !text.is_ascii() && (text.contains('\u{212a}') || text.contains('\u{130}'))
}

/// Which letters a word has, as a set of bits; several letters share one.
#[derive(Clone, Copy)]
pub(super) struct LetterSet(u32);

impl LetterSet {
    pub fn of(word: &str) -> Self {
        Self(word.chars().fold(0, |set, c| set | 1 << (c as u32 % 32)))
    }

    /// How many bits only one of two sets has.
    pub fn differences(self, other: Self) -> usize {
        (self.0 ^ other.0).count_ones() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_whatever_their_case() {
        let mut openings = WordOpenings::new("Cat, scatter; DOG cat", &["cat", "dog"]);
        let mut places = Vec::new();
        let mut from = 0;
        while let Some(place) = openings.next(from) {
            places.push(place);
            from = place + 1;
        }
        assert_eq!(places, [0, 6, 14, 18]);
        assert_eq!(WordOpenings::new("ca", &["cat"]).next(0), None);
    }

    #[test]
    fn no_other_letters_are_ascii_in_lower_case() {
        for c in ('\u{80}'..=char::MAX).filter(|c| c.to_lowercase().any(|lower| lower.is_ascii())) {
            assert!(has_disguised_letters(&c.to_string()), "{c:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn slips_change_few_letters(word in "[a-zé漢]{1,12}", other in "[a-zé漢]{1,12}") {
            let differences = LetterSet::of(&word).differences(LetterSet::of(&other));
            proptest::prop_assert!(differences <= 2 * strsim::osa_distance(&word, &other));
        }
    }
}
