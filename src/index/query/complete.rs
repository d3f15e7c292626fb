//! What can be typed next.

use std::ops::Range;

use super::canonical::keyword_text;
use super::field::{FIELDS, Field, FieldKind};
use super::parse::read_open;
use super::scan::ends_word;

/// What can stand at the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// What an option replaces, in bytes of the query.
    pub replace: Range<usize>,
    /// The texts to put there, best first: `tool:`, `image`, `"a name with blanks"`.
    pub options: Vec<String>,
}

/// Field names and values that fit what is typed before the cursor (a byte position of the query).
///
/// `values_of` names the values of a keyword field that has none of its own, such as the tools of a corpus.
pub fn complete(
    query: &str,
    cursor: usize,
    values_of: &dyn Fn(&Field) -> Vec<String>,
) -> Completion {
    let cursor = query.floor_char_boundary(cursor);
    let before = query.get(..cursor).unwrap_or_default();
    let Some(mut open) = read_open(before).1 else {
        return Completion {
            replace: cursor..cursor,
            options: Vec::new(),
        };
    };
    if open.field.is_none() && open.typed == "-" {
        open.start += 1;
        open.typed.clear();
    }
    let options = match open.field {
        None => FIELDS
            .iter()
            .filter(|field| fit(field.name, &open.typed) == Some(0))
            .map(|field| format!("{}:", field.name))
            .collect(),
        Some(field) => {
            let values = match field.kind {
                FieldKind::Text | FieldKind::Number => Vec::new(),
                _ if field.values.is_empty() => values_of(field),
                _ => field
                    .values
                    .iter()
                    .map(|value| (*value).to_owned())
                    .collect(),
            };
            let mut fitting: Vec<_> = values
                .into_iter()
                .filter_map(|value| Some((fit(&value, &open.typed)?, value)))
                .collect();
            fitting.sort_by_key(|(rank, _)| *rank);
            fitting
                .iter()
                .map(|(_, value)| keyword_text(value))
                .collect()
        }
    };
    Completion {
        replace: open.start..word_end(query, cursor, open.field.is_none()),
        options,
    }
}

/// How well a name fits what is typed: 0 where it begins so, 1 where it holds it.
fn fit(name: &str, typed: &str) -> Option<u8> {
    let (name, typed) = (name.to_lowercase(), typed.to_lowercase());
    if name == typed {
        // It is there already.
        None
    } else if name.starts_with(&typed) {
        Some(0)
    } else {
        name.contains(&typed).then_some(1)
    }
}

/// The end of the word that the cursor is in, with its colon where it names a field.
fn word_end(query: &str, cursor: usize, names_field: bool) -> usize {
    let rest = query.get(cursor..).unwrap_or_default();
    let stops = |c: char| ends_word(c) || (names_field && c == ':');
    let end = cursor + rest.find(stops).unwrap_or(rest.len());
    match query.get(end..).unwrap_or_default().starts_with(':') {
        true => end + 1,
        false => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(query: &str) -> Completion {
        complete(query, query.len(), &|field| match field.name {
            "tool" => vec!["image_qa".into(), "ocr".into(), "Ask Image".into()],
            _ => Vec::new(),
        })
    }

    #[test]
    fn fields_by_their_beginning() {
        let completion = at_end("cat ob");
        assert_eq!(completion.replace, 4..6);
        assert_eq!(completion.options, ["observation:"]);
        assert_eq!(at_end("-OB").replace, 1..3);
        assert_eq!(at_end("NOT (ob").replace, 5..7);
        assert_eq!(at_end("").options.len(), FIELDS.len());
        assert_eq!(at_end("-").replace, 1..1);
        assert_eq!(at_end("nothing").options, [""; 0]);
    }

    #[test]
    fn values_of_the_table_and_of_the_caller() {
        let completion = at_end("has:im");
        assert_eq!(completion.replace, 4..6);
        assert_eq!(completion.options, ["image"]);
        assert_eq!(at_end("in:").options.len(), 4);
        assert_eq!(
            at_end("flag:(error OR no-").options,
            ["no-tool", "no-progress"]
        );
        assert_eq!(
            at_end("tool:").options,
            ["image_qa", "ocr", "\"Ask Image\""]
        );
        assert_eq!(at_end("tool:image").options, ["image_qa", "\"Ask Image\""]);
        let quoted = at_end("tool:\"ask im");
        assert_eq!((quoted.replace, quoted.options.len()), (5..12, 1));
        assert_eq!(at_end("tool:(ocr ").replace, 10..10);
        assert_eq!(at_end("tool:ocr").options, [""; 0]);
    }

    #[test]
    fn nothing_inside_text() {
        assert_eq!(at_end("\"some to").options, [""; 0]);
        assert_eq!(at_end("code:/too").options, [""; 0]);
        assert_eq!(at_end("code:too").options, [""; 0]);
    }

    #[test]
    fn a_word_around_the_cursor_is_replaced_whole() {
        let none = |_: &Field| Vec::new();
        assert_eq!(complete("obsx:error cat", 3, &none).replace, 0..5);
        assert_eq!(complete("has:imxx cat", 6, &none).replace, 4..8);
        assert_eq!(complete("漢字", 4, &none).replace, 0..6);
        assert_eq!(complete("cat", 99, &none).replace, 0..3);
    }

    proptest::proptest! {
        #[test]
        fn any_place_of_any_query(query in "[a-z:\"/() *~-]{0,20}|\\PC{0,20}", cursor in 0usize..30) {
            let completion = complete(&query, cursor, &|_| vec!["a b".into()]);
            proptest::prop_assert!(query.get(completion.replace).is_some());
        }
    }
}
