use crate::sandbox::{PythonValue, parse_literal_prefix};

/// Floats that differ by at most this many steps of their last bit are the same sum, added up in another order or by another
/// version of Python.
const SAME_STEPS: u64 = 4;

/// How what a step printed compares with what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The same text; white space at the end aside, which recordings drop.
    Same,
    /// The same but for the order of sets, the printing of floats, or both.
    Normalised {
        /// Sets have another order.
        sets: bool,
        /// Floats differ in their last digits.
        floats: bool,
    },
    /// Something else.
    Different,
}

/// Compares what was recorded with what was printed now.
pub fn compare(recorded: &str, actual: &str) -> Comparison {
    let (recorded, actual) = (recorded.trim_end(), actual.trim_end());
    if recorded == actual {
        return Comparison::Same;
    }
    let (mut ours, mut theirs) = (Tokens::of(actual), Tokens::of(recorded));
    let (mut sets, mut floats) = (false, false);
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return Comparison::Normalised { sets, floats },
            (Some(Token::Character(a)), Some(Token::Character(b))) if a == b => {}
            (Some(Token::Float(a, x)), Some(Token::Float(b, y))) => {
                if a != b {
                    if !is_same_float(x, y) {
                        return Comparison::Different;
                    }
                    floats = true;
                }
            }
            (Some(Token::Set(a, x)), Some(Token::Set(b, y))) => {
                if a != b {
                    if x != y {
                        return Comparison::Different;
                    }
                    sets = true;
                }
            }
            _ => return Comparison::Different,
        }
    }
}

/// Whether two floats are equal or next to each other.
fn is_same_float(a: f64, b: f64) -> bool {
    // Bits of floats of one sign are in their order.
    a == b
        || (a.is_sign_positive() == b.is_sign_positive()
            && a.is_finite()
            && b.is_finite()
            && a.to_bits().abs_diff(b.to_bits()) <= SAME_STEPS)
}

/// A piece of a printed text that is compared as a whole.
enum Token<'a> {
    /// A literal that holds a set: as printed, and with its sets in order.
    Set(&'a str, String),
    /// A number with a point or an exponent: as printed, and its value.
    Float(&'a str, f64),
    Character(char),
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// Whether a digit here would go on a name or a number.
    in_word: bool,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            in_word: false,
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.text.get(self.at..)?;
        let character = rest.chars().next()?;
        if matches!(character, '{' | '[' | '(' | 'f')
            && let Some((value, length)) = parse_literal_prefix(rest)
            && has_set(&value)
        {
            self.at += length;
            self.in_word = false;
            return Some(Token::Set(rest.get(..length)?, in_order(&value).repr()));
        }
        if (character.is_ascii_digit() || character == '-')
            && !self.in_word
            && let Some((PythonValue::Float(value), length)) = parse_literal_prefix(rest)
        {
            self.at += length;
            self.in_word = true;
            return Some(Token::Float(rest.get(..length)?, value));
        }
        self.at += character.len_utf8();
        // A minus or a point after a number is no part of a next one: dates, versions, ranges.
        let goes_on = matches!(character, '.' | '-') && self.in_word;
        self.in_word = character.is_alphanumeric() || character == '_' || goes_on;
        Some(Token::Character(character))
    }
}

fn has_set(value: &PythonValue) -> bool {
    match value {
        PythonValue::Set(items) | PythonValue::FrozenSet(items) => items.len() > 1,
        PythonValue::List(items) | PythonValue::Tuple(items) => items.iter().any(has_set),
        PythonValue::Dict(pairs) => pairs
            .iter()
            .any(|(key, value)| has_set(key) || has_set(value)),
        _ => false,
    }
}

/// The value with the elements of its sets in the order of their texts.
fn in_order(value: &PythonValue) -> PythonValue {
    let all = |items: &[PythonValue]| items.iter().map(in_order).collect::<Vec<_>>();
    let sorted = |items: &[PythonValue]| {
        let mut items = all(items);
        items.sort_by_cached_key(PythonValue::repr);
        items
    };
    match value {
        PythonValue::Set(items) => PythonValue::Set(sorted(items)),
        PythonValue::FrozenSet(items) => PythonValue::FrozenSet(sorted(items)),
        PythonValue::List(items) => PythonValue::List(all(items)),
        PythonValue::Tuple(items) => PythonValue::Tuple(all(items)),
        PythonValue::Dict(pairs) => {
            let pair = |(key, value): &(PythonValue, PythonValue)| (in_order(key), in_order(value));
            PythonValue::Dict(pairs.iter().map(pair).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETS: Comparison = Comparison::Normalised {
        sets: true,
        floats: false,
    };
    const FLOATS: Comparison = Comparison::Normalised {
        sets: false,
        floats: true,
    };

    #[test]
    fn only_the_same_is_the_same() {
        assert_eq!(compare("a\n", "a"), Comparison::Same);
        for (recorded, actual) in [
            ("a", "b"),
            ("a", " a"),
            ("a  b", "a b"),
            ("1", "1.0"),
            ("1", "2"),
            ("2.67", "2.68"),
            ("0.1", "-0.1"),
            ("[1, 2]", "[2, 1]"),
            ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
            ("{'a', 'b'}", "{'a', 'c'}"),
            ("{1, 2}", "{1, 2, 3}"),
            ("{1, 2} x", "{2, 1} y"),
            ("", "a"),
            ("2024-01.5", "2024-01.50"),
            ("v1.10", "v1.1"),
            ("inf", "nan"),
        ] {
            assert_eq!(
                compare(recorded, actual),
                Comparison::Different,
                "{recorded} {actual}"
            );
            assert_eq!(
                compare(actual, recorded),
                Comparison::Different,
                "{actual} {recorded}"
            );
        }
    }

    #[test]
    fn sets_have_no_order_and_floats_no_last_digit() {
        assert_eq!(
            compare("Types: {'Tulip', 'Dahlia'}\n", "Types: {'Dahlia', 'Tulip'}"),
            SETS
        );
        assert_eq!(compare("[{1, (2, 'x')}, 3]", "[{(2, 'x'), 1}, 3]"), SETS);
        assert_eq!(compare("frozenset({1, 2})", "frozenset({2, 1})"), SETS);
        assert_eq!(compare("0.30000000000000004 m", "0.3 m"), FLOATS);
        assert_eq!(compare("1e-05", "0.00001"), FLOATS);
        assert_eq!(
            compare("0.1 {1, 2}", "0.10000000000000002 {2, 1}"),
            Comparison::Normalised {
                sets: true,
                floats: true
            }
        );
    }

    proptest::proptest! {
        /// A changed letter is never overlooked, wherever it is.
        #[test]
        fn a_changed_letter_differs(before in "[a-z {}\\[\\],'0-9.]{0,20}", after in "[a-z {}\\[\\],'0-9.]{0,20}") {
            let (recorded, actual) = (format!("{before}Q{after}"), format!("{before}R{after}"));
            proptest::prop_assert_eq!(compare(&recorded, &actual), Comparison::Different);
        }

        #[test]
        fn any_texts_are_survived(a in "[-{}\\[\\](),'0-9.eéf \n]{0,30}", b in "[-{}\\[\\](),'0-9.eéf \n]{0,30}") {
            let one = compare(&a, &b);
            proptest::prop_assert_eq!(one == Comparison::Different, compare(&b, &a) == Comparison::Different);
            proptest::prop_assert_eq!(compare(&a, &a), Comparison::Same);
        }
    }
}
