use proptest::prelude::*;
use retake::ingest::Layout;
use retake::ingest::container::{
    ContainerKind, FoundRecord, JsonLines, JsonSpans, Location, ScanStart,
};
use serde_json::Value;

use super::{limits, opened, parted, records, shared};

fn values(records: &[FoundRecord]) -> Vec<Value> {
    let parsed = records
        .iter()
        .map(|record| serde_json::from_slice(&record.bytes).unwrap());
    parsed.collect()
}

#[test]
fn real_records_are_the_same_in_both_forms() {
    let Some(shared) = shared() else { return };
    let read = |name: &str| {
        let file = opened(&shared.join("data/m-trace").join(name));
        let (records, problems) = records(&file, &limits(1 << 20, 1 << 12));
        (file.kind, records, problems)
    };
    let (kind, whole, problems) = read("m-trace.json");
    assert_eq!(
        (kind, whole.len(), problems.len()),
        (ContainerKind::Json, 63, 0)
    );
    let (kind, lines, problems) = read("m-trace.jsonl");
    assert_eq!((kind, problems.len()), (ContainerKind::JsonLines, 0));
    assert_eq!(values(&whole), values(&lines));
    let (_, cut, problems) = read("m-trace-truncated.json");
    assert_eq!(values(&cut), values(&whole)[..62]);
    assert_eq!((problems.len(), problems[0].record), (1, Some(62)));
    let text = std::fs::read(shared.join("data/m-trace/m-trace-truncated.json")).unwrap();
    let start = problems[0].offset.unwrap() as usize;
    assert!(text[start..].starts_with(b"{\n        \"id\""));
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        r#"[\\"{}\[\],:\n]{0,8}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_end_without_panic_and_whatever_the_chunks(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            r#"[\[{][\[\]{}",:\\a1 \n]{0,80}"#.prop_map(String::into_bytes),
        ],
        chunk in 1_usize..20,
    ) {
        for layout in [Layout::Elements, Layout::Members, Layout::Whole] {
            let found: Vec<_> = JsonSpans::new(&*bytes, layout, &limits(20, chunk)).collect();
            prop_assert!(found.len() <= bytes.len() + 1);
            let whole: Vec<_> = JsonSpans::new(&*bytes, layout, &limits(20, 1000)).collect();
            prop_assert_eq!(found, whole);
        }
        let lines = |chunk| {
            let limits = limits(20, chunk);
            JsonLines::new(&*bytes, ScanStart::default(), &limits).collect::<Vec<_>>()
        };
        prop_assert_eq!(lines(chunk), lines(1000));
    }

    #[test]
    fn spans_are_the_values(
        items in prop::collection::vec((json(), any::<bool>(), "[ \n\r\t]{0,3}"), 0..6),
        chunk in 1_usize..=64,
    ) {
        let text = |(value, is_pretty, space): &(Value, bool, String)| {
            let text = match is_pretty {
                true => serde_json::to_string_pretty(value),
                false => serde_json::to_string(value),
            };
            format!("{space}{}{space}", text.unwrap())
        };
        let keys: Vec<_> = items.iter().map(text).collect();
        let array = format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(","));
        let members: Vec<_> = items
            .iter()
            .zip(&keys)
            .map(|(item, key)| format!("{}:{}", serde_json::to_string(key).unwrap(), text(item)))
            .collect();
        let object = format!("\n{{ {} }} ", members.join(" ,"));
        let expected: Vec<_> = items.iter().map(|(value, ..)| value.clone()).collect();
        for (whole, layout) in [(array, Layout::Elements), (object, Layout::Members)] {
            let spans = JsonSpans::new(whole.as_bytes(), layout, &limits(1 << 20, chunk));
            let (records, problems) = parted(spans);
            prop_assert_eq!(problems, vec![]);
            prop_assert_eq!(&values(&records), &expected);
            for (number, record) in records.iter().enumerate() {
                let key = keys.get(number).filter(|_| layout == Layout::Members);
                prop_assert_eq!(record.key.as_ref(), key);
                let Location::Span { offset, length } = record.location else {
                    panic!("not a span")
                };
                let span = &whole.as_bytes()[offset as usize..(offset + length) as usize];
                prop_assert_eq!(&record.bytes, span);
            }
        }
    }
}
