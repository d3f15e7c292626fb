//! Tables of declared columns, read with the libraries that everybody reads them with and with our own readers.

use std::fs::File;
use std::path::Path;

use arrow::ipc::reader::FileReader;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use proptest::prelude::*;
use retake::export::{Column, ColumnType, HuggingFaceTable};
use retake::ingest::Layout;
use retake::ingest::container::{Found, ScanLimits, ScanStart, open, scan};
use serde_json::{Value, json};

use crate::user::TemporaryFolder;

/// The columns of a preference row, and one of each other type.
fn columns() -> Vec<Column> {
    let message = vec![Column::text("role"), Column::text("content")];
    let message = ColumnType::Struct(message);
    vec![
        Column::text("id"),
        Column::new("prompt", message.clone().list()),
        Column::new("chosen", message.list()),
        Column::new("images", ColumnType::Picture.list()),
        Column::new("cover", ColumnType::Picture),
        Column::new("count", ColumnType::Integer),
        Column::new("score", ColumnType::Float),
        Column::new("label", ColumnType::Boolean),
    ]
}

/// Writes rows; returns why those that do not fit were refused.
fn write(to: &Path, columns: Vec<Column>, rows: &[Value]) -> Vec<String> {
    let is_parquet = to.extension().unwrap() == "parquet";
    let file = File::create(to).unwrap();
    let mut table = HuggingFaceTable::new(file, columns, is_parquet).unwrap();
    let refusals = rows.iter().filter_map(|row| {
        let refusal = table.put(&row.to_string()).unwrap().err()?;
        Some(refusal.to_string())
    });
    let refusals = refusals.collect();
    table.finish().unwrap();
    refusals
}

/// What our own reader of tables makes of a file.
fn read(path: &Path) -> Vec<Value> {
    let limits = ScanLimits::default();
    let file = open(path, &path.parent().unwrap().join("cache"), &limits).unwrap();
    let found = scan(&file.file, Layout::Elements, ScanStart::default(), &limits).unwrap();
    let value = |found| match found {
        Found::Record(record) => serde_json::from_slice(&record.bytes).unwrap(),
        Found::Problem(problem) => panic!("{problem:?}"),
    };
    found.map(value).collect()
}

fn parquet_metadata(path: &Path) -> (ParquetMetaData, arrow::datatypes::Schema) {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    (
        reader.metadata().as_ref().clone(),
        reader.schema().as_ref().clone(),
    )
}

#[test]
fn the_metadata_says_what_columns_are() {
    let folder = TemporaryFolder::new("export-hugging-face-metadata");
    let text = json!({"dtype": "string", "_type": "Value"});
    let messages = json!([{"role": text, "content": text}]);
    let expected = json!({"info": {"features": {
        "id": text,
        "prompt": messages,
        "chosen": messages,
        "images": [{"_type": "Image"}],
        "cover": {"_type": "Image"},
        "count": {"dtype": "int64", "_type": "Value"},
        "score": {"dtype": "float64", "_type": "Value"},
        "label": {"dtype": "bool", "_type": "Value"},
    }}});
    let parquet = folder.0.join("a.parquet");
    write(&parquet, columns(), &[json!({"id": "a"})]);
    let (metadata, schema) = parquet_metadata(&parquet);
    let of_file = metadata.file_metadata().key_value_metadata().unwrap();
    let of_file: Vec<_> = of_file.iter().filter(|p| p.key == "huggingface").collect();
    assert_eq!(of_file.len(), 1);
    let of_file: Value = serde_json::from_str(of_file[0].value.as_ref().unwrap()).unwrap();
    assert_eq!(of_file, expected);
    let arrow = folder.0.join("a.arrow");
    write(&arrow, columns(), &[]);
    let reader = FileReader::try_new(File::open(arrow).unwrap(), None).unwrap();
    for metadata in [schema.metadata(), reader.schema().metadata()] {
        let of_schema: Value = serde_json::from_str(&metadata["huggingface"]).unwrap();
        assert_eq!(of_schema, expected);
    }
    let order = |value: &Value| -> Vec<String> {
        let features = value["info"]["features"].as_object().unwrap();
        features.keys().cloned().collect()
    };
    assert_eq!(order(&of_file), order(&expected));
}

#[test]
fn rows_come_back() {
    let folder = TemporaryFolder::new("export-hugging-face-rows");
    let bytes = STANDARD.encode([0, 159, 146, 150, 255]);
    let full = json!({
        "id": "é\u{1F600}\n",
        "prompt": [{"role": "user", "content": "a"}, null, {"role": null, "content": ""}],
        "chosen": [],
        "images": [
            "pictures/a b.png",
            format!("data:image/png;base64,{bytes}"),
            {"bytes": bytes, "path": "c.png"},
            null,
            "https://example.org/d.png",
        ],
        "cover": {"bytes": bytes, "path": null},
        "count": -3,
        "score": 2,
        "label": false,
    });
    let mut expected = full.clone();
    expected["images"] = json!([
        {"bytes": null, "path": "pictures/a b.png"},
        {"bytes": bytes, "path": null},
        {"bytes": bytes, "path": "c.png"},
        null,
        {"bytes": null, "path": "https://example.org/d.png"},
    ]);
    expected["score"] = json!(2.0);
    let nothing = json!({
        "id": null, "prompt": null, "chosen": null, "images": null, "cover": null, "count": null, "score": null, "label": null,
    });
    for name in ["a.parquet", "a.arrow"] {
        let path = folder.0.join(name);
        let refused = write(&path, columns(), &[full.clone(), json!({})]);
        assert_eq!(refused, [""; 0]);
        assert_eq!(read(&path), [expected.clone(), nothing.clone()]);
    }
}

#[test]
fn what_does_not_fit_is_refused_by_place() {
    let folder = TemporaryFolder::new("export-hugging-face-refusals");
    let rows = [
        (json!({"id": 1}), "`id` is not text"),
        (json!({"prompt": "a"}), "`prompt` is not a list"),
        (json!({"prompt": [[]]}), "`prompt[0]` is not an object"),
        (
            json!({"chosen": [{"role": "a"}, {"content": ["a"]}]}),
            "`chosen[1].content` is not text",
        ),
        (
            json!({"chosen": [{"tool_calls": []}]}),
            "`chosen[0].tool_calls` is no column of this table",
        ),
        (json!({"other": null}), "`other` is no column of this table"),
        (
            json!({"images": ["data:image/png;base64,?"]}),
            "`images[0]` is not a picture",
        ),
        (
            json!({"cover": {"bytes": null}}),
            "`cover` is not a picture",
        ),
        (json!({"cover": {"bytes": [1]}}), "`cover` is not a picture"),
        (json!({"count": 1.5}), "`count` is not a whole number"),
        (json!({"count": u64::MAX}), "`count` is not a whole number"),
        (json!({"score": "1"}), "`score` is not a number"),
        (json!({"label": 1}), "`label` is not true or false"),
        (json!([]), "invalid type"),
    ];
    let values: Vec<Value> = rows.iter().map(|(row, _)| row.clone()).collect();
    let path = folder.0.join("a.parquet");
    let refused = write(&path, columns(), &values);
    assert_eq!(refused.len(), rows.len());
    for (refusal, (row, expected)) in refused.iter().zip(&rows) {
        assert!(refusal.starts_with(expected), "{row}: {refusal}");
    }
    assert_eq!(read(&path), [Value::Null; 0]);
}

/// A thousand pictures of 100 kB: no row group, and nothing in memory, is much larger than its bound.
#[test]
fn row_groups_of_pictures_are_bounded() {
    let folder = TemporaryFolder::new("export-hugging-face-groups");
    let path = folder.0.join("a.parquet");
    let columns = vec![Column::new("images", ColumnType::Picture.list())];
    let file = File::create(&path).unwrap();
    let mut table = HuggingFaceTable::new(file, columns, true).unwrap();
    // Bytes that do not compress: a plain congruential generator.
    let mut state = 1_u32;
    for _ in 0..500 {
        let mut picture = || -> Value {
            let bytes: Vec<u8> = (0..100_000)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            json!({"bytes": STANDARD.encode(bytes)})
        };
        let row = json!({"images": [picture(), picture()]});
        table.put(&row.to_string()).unwrap().unwrap();
    }
    table.finish().unwrap();
    let (metadata, _) = parquet_metadata(&path);
    let sizes: Vec<i64> = metadata
        .row_groups()
        .iter()
        .map(|group| group.total_byte_size())
        .collect();
    assert!(sizes.len() >= 3, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size < 42 << 20), "{sizes:?}");
    // Pictures are not compressed again, and not looked up in a dictionary.
    let bytes = metadata.row_group(0).column(0);
    assert_eq!(bytes.column_path().string(), "images.list.item.bytes");
    assert_eq!(
        bytes.compression(),
        parquet::basic::Compression::UNCOMPRESSED
    );
    assert_eq!(bytes.dictionary_page_offset(), None);
    let text = metadata.row_group(0).column(1);
    assert_ne!(
        text.compression(),
        parquet::basic::Compression::UNCOMPRESSED
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever fits the columns comes back as it was.
    #[test]
    fn any_rows_come_back(rows in prop::collection::vec(any_row(), 0..6), is_parquet: bool) {
        let folder = TemporaryFolder::new("export-hugging-face-any");
        let path = folder.0.join(if is_parquet { "a.parquet" } else { "a.arrow" });
        prop_assert_eq!(write(&path, columns(), &rows), [""; 0]);
        prop_assert_eq!(read(&path), rows);
    }
}

fn or_null(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 4 => value].boxed()
}

fn any_row() -> impl Strategy<Value = Value> {
    let text = || or_null(".{0,6}".prop_map(Value::from));
    let message =
        (text(), text()).prop_map(|(role, content)| json!({"role": role, "content": content}));
    let message = or_null(message);
    let list = |element: BoxedStrategy<Value>| {
        or_null(prop::collection::vec(element, 0..4).prop_map(Value::from))
    };
    let bytes =
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| json!(STANDARD.encode(bytes)));
    let picture = (bytes, text()).prop_map(|(bytes, path)| json!({"bytes": bytes, "path": path}));
    let picture = or_null(picture);
    (
        text(),
        list(message.clone()),
        list(message),
        list(picture.clone()),
        picture,
        or_null(any::<i64>().prop_map(Value::from)),
        or_null((-1000_i32..1000).prop_map(|n| json!(f64::from(n) / 8.0))),
        or_null(any::<bool>().prop_map(Value::from)),
    )
        .prop_map(|(id, prompt, chosen, images, cover, count, score, label)| {
            json!({
                "id": id, "prompt": prompt, "chosen": chosen, "images": images, "cover": cover, "count": count, "score": score, "label": label,
            })
        })
}
