use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, LargeBinaryArray,
    RecordBatch, StringArray, StringViewArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int8Type, Schema, TimeUnit};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use retake::ingest::container::{
    ContainerError, ContainerKind, Location, ScanLimits, open, read_at, sample,
};
use serde_json::{Value, json};

use super::{folder, limits, opened, records};

const WORDS: [&str; 3] = ["yes", "no", "perhaps “so”"];

/// Rows with the column types that trajectories and the Hugging Face layout come in, each sometimes null.
fn row(number: usize) -> Value {
    let turn = |value: Value| json!({ "from": "user", "value": value });
    let picture = format!("picture {number}").into_bytes();
    let unless = |rest: usize, value: Value| match number % 5 == rest {
        true => Value::Null,
        false => value,
    };
    json!({
        "id": format!("r{number}"),
        "conversations": unless(0, match number % 3 {
            0 => json!([]),
            1 => json!([turn("Task: \"count\"\n".repeat(number).into()), null, turn(Value::Null)]),
            _ => json!([turn(number.to_string().into())]),
        }),
        "long": unless(1, "é".repeat(number).into()),
        "score": unless(2, json!(number as f64 / 2.0)),
        "count": number,
        "small": unless(4, json!(number % 100)),
        "correct": unless(3, json!(number.is_multiple_of(3))),
        "boxes": unless(4, json!([[number, 2], [], null, [3]])),
        "corner": unless(0, json!([number, null])),
        "extra": unless(1, json!({ "a": 1, "b": null })),
        "when": unless(2, "2024-05-06T07:08:09.001".into()),
        "price": json!(1.25),
        "nothing": null,
        "label": unless(2, WORDS[number % 3].into()),
        "image": unless(3, json!({
            "bytes": unless(4, STANDARD.encode(&picture).into()),
            "path": format!("{number}.png"),
        })),
        "hash": STANDARD.encode([number as u8, 255, 0]),
        "blob": unless(1, STANDARD.encode(&picture).into()),
    })
}

fn batch(rows: std::ops::Range<usize>) -> RecordBatch {
    let item = |kind| Arc::new(Field::new("item", kind, true));
    let turn = DataType::Struct(Fields::from(vec![
        Field::new("from", DataType::Utf8, true),
        Field::new("value", DataType::Utf8, true),
    ]));
    let entry = DataType::Struct(Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Int64, true),
    ]));
    let plain = Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("conversations", DataType::List(item(turn)), true),
        Field::new("long", DataType::LargeUtf8, true),
        Field::new("score", DataType::Float64, true),
        Field::new("count", DataType::Int64, false),
        Field::new("small", DataType::Int8, true),
        Field::new("correct", DataType::Boolean, true),
        Field::new(
            "boxes",
            DataType::LargeList(item(DataType::List(item(DataType::Int32)))),
            true,
        ),
        Field::new(
            "corner",
            DataType::FixedSizeList(item(DataType::Int64), 2),
            true,
        ),
        Field::new(
            "extra",
            DataType::Map(Arc::new(Field::new("entries", entry, false)), false),
            true,
        ),
        Field::new(
            "when",
            DataType::Timestamp(TimeUnit::Millisecond, None),
            true,
        ),
        Field::new("price", DataType::Decimal128(10, 2), false),
        Field::new("nothing", DataType::Null, true),
    ]);
    let values: Vec<_> = rows.clone().map(row).collect();
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::new(plain))
        .build_decoder()
        .unwrap();
    decoder.serialize(&values).unwrap();
    let plain = decoder.flush().unwrap().unwrap();

    let picture = |n: usize| format!("picture {n}").into_bytes();
    let pictures: BinaryArray = rows
        .clone()
        .map(|n| (n % 5 != 4).then(|| picture(n)))
        .collect();
    let paths: StringArray = rows.clone().map(|n| Some(format!("{n}.png"))).collect();
    let label: DictionaryArray<Int8Type> = rows
        .clone()
        .map(|n| (n % 5 != 2).then(|| WORDS[n % 3]))
        .collect();
    let image = StructArray::new(
        Fields::from(vec![
            Field::new("bytes", DataType::Binary, true),
            Field::new("path", DataType::Utf8, true),
        ]),
        vec![Arc::new(pictures), Arc::new(paths)],
        Some(NullBuffer::from_iter(rows.clone().map(|n| n % 5 != 3))),
    );
    let hash = rows.clone().map(|n| [n as u8, 255, 0]);
    let hash = FixedSizeBinaryArray::try_from_iter(hash).unwrap();
    let blob: LargeBinaryArray = rows.map(|n| (n % 5 != 1).then(|| picture(n))).collect();
    let more: [(&str, ArrayRef); 4] = [
        ("label", Arc::new(label)),
        ("image", Arc::new(image)),
        ("hash", Arc::new(hash)),
        ("blob", Arc::new(blob)),
    ];
    let mut fields: Vec<_> = plain.schema().fields().to_vec();
    let mut columns = plain.columns().to_vec();
    for (name, column) in more {
        fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// 60 rows in three batches; the rows of the second are a slice of a longer batch.
fn batches() -> Vec<RecordBatch> {
    vec![batch(0..20), batch(10..47).slice(10, 27), batch(47..60)]
}

fn write_stream(path: &Path, batches: &[RecordBatch]) {
    let file = File::create(path).unwrap();
    let mut writer = StreamWriter::try_new(file, &batches[0].schema()).unwrap();
    batches
        .iter()
        .for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

fn write_file(path: &Path, batches: &[RecordBatch]) {
    let file = File::create(path).unwrap();
    let mut writer = FileWriter::try_new(file, &batches[0].schema()).unwrap();
    batches
        .iter()
        .for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

fn write_parquet(path: &Path, batches: &[RecordBatch], compression: Compression) {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(25))
        .set_data_page_row_count_limit(4)
        .set_write_batch_size(2)
        .build();
    let file = File::create(path).unwrap();
    let schema = batches[0].schema();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    batches
        .iter()
        .for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
}

fn assert_rows(path: &Path, kind: ContainerKind, expected: &[Value]) {
    let file = opened(path);
    assert_eq!(file.kind, kind);
    for chunk in [1, 3000, 1 << 20] {
        let (records, problems) = records(&file, &limits(1 << 20, chunk));
        assert_eq!(problems, []);
        assert_eq!(records.len(), expected.len());
        for (number, (record, expected)) in records.iter().zip(expected).enumerate() {
            assert_eq!(record.number, number as u64);
            let value: Value = serde_json::from_slice(&record.bytes).unwrap();
            assert_eq!(value, *expected);
            let order: Vec<_> = value.as_object().unwrap().keys().collect();
            assert_eq!(
                order,
                expected.as_object().unwrap().keys().collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn rows_are_the_same_from_every_kind_of_table() {
    let folder = folder("tables");
    let expected: Vec<_> = (0..60).map(row).collect();
    let stream = folder.join("a");
    write_stream(&stream, &batches());
    assert_rows(&stream, ContainerKind::ArrowStream, &expected);
    // A file has one dictionary for each column, and the batches have different ones.
    let file = folder.join("b");
    write_file(&file, &[batch(0..60)]);
    assert_rows(&file, ContainerKind::ArrowFile, &expected);
    for compression in [Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())] {
        let parquet = folder.join("c");
        write_parquet(&parquet, &batches(), compression);
        assert_rows(&parquet, ContainerKind::Parquet, &expected);
    }
}

#[test]
fn compressed_batches_are_read_whole() {
    let folder = folder("compressed-batches");
    let expected: Vec<_> = (0..60).map(row).collect();
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(codec))
            .unwrap();
        let path = folder.join("a.feather");
        let file = File::create(&path).unwrap();
        let batch = batch(0..60);
        let mut writer = FileWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        assert_rows(&path, ContainerKind::ArrowFile, &expected);
    }
}

#[test]
fn types_that_lie_scattered_are_read_whole() {
    let folder = folder("views");
    let words: StringViewArray = (0..30)
        .map(|n| (n % 4 != 0).then(|| WORDS[n % 3]))
        .collect();
    let batch = RecordBatch::try_from_iter([("word", Arc::new(words) as ArrayRef)]).unwrap();
    let expected: Vec<_> = (0..30)
        .map(|n| json!({ "word": if n % 4 == 0 { Value::Null } else { WORDS[n % 3].into() } }))
        .collect();
    let path = folder.join("views.arrow");
    write_stream(&path, &[batch]);
    assert_rows(&path, ContainerKind::ArrowStream, &expected);
}

#[test]
fn a_row_over_the_limit_costs_only_itself() {
    let folder = folder("long-rows");
    let text = |n: usize| "x".repeat(if n == 7 { 5000 } else { 10 });
    let texts: StringArray = (0..20).map(|n| Some(text(n))).collect();
    let batch = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap();
    let (stream, parquet) = (folder.join("a"), folder.join("b"));
    write_stream(&stream, std::slice::from_ref(&batch));
    write_parquet(&parquet, &[batch], Compression::UNCOMPRESSED);
    for path in [stream, parquet] {
        let file = opened(&path);
        let limits = limits(1000, 1 << 20);
        let (records, problems) = records(&file, &limits);
        let numbers: Vec<_> = records.iter().map(|record| record.number).collect();
        assert_eq!(numbers, (0..20).filter(|n| *n != 7).collect::<Vec<_>>());
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].record, Some(7));
        let Location::Row { group, .. } = records[0].location else {
            panic!("not a row")
        };
        let error = read_at(&file, Location::Row { group, row: 7 }, &limits).unwrap_err();
        assert!(error.to_string().contains("limit"), "{error}");
        assert!(read_at(&file, Location::Row { group, row: 20 }, &limits).is_err());
        let span = Location::Span {
            offset: 0,
            length: 1,
        };
        assert!(matches!(
            read_at(&file, span, &limits),
            Err(ContainerError::Moved { .. })
        ));
    }
}

#[test]
fn a_sample_of_a_table_holds_its_first_rows() {
    let path = folder("table-sample").join("a.parquet");
    write_parquet(&path, &batches(), Compression::SNAPPY);
    let sample = sample(&opened(&path), &ScanLimits::default()).unwrap();
    assert_eq!(sample.values, (0..3).map(row).collect::<Vec<_>>());
}

#[test]
fn a_cut_stream_keeps_its_whole_batches() {
    let folder = folder("cut-tables");
    let whole = folder.join("whole");
    for (write, kept) in [
        (write_stream as fn(&Path, &[RecordBatch]), 20),
        (write_file, 20),
    ] {
        let plain = |batch: RecordBatch| {
            let columns: Vec<_> = (0..13).collect();
            batch.project(&columns).unwrap()
        };
        write(
            &whole,
            &batches().into_iter().map(plain).collect::<Vec<_>>(),
        );
        let bytes = fs::read(&whole).unwrap();
        let cut = folder.join("cut");
        fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
        let (records, problems) = records(&opened(&cut), &ScanLimits::default());
        assert_eq!((records.len(), problems.len()), (kept, 1), "{problems:?}");
        assert!(problems[0].reason.contains("cut"), "{problems:?}");
    }
}

/// Flips and cuts: whatever is in a table, reading it ends, without a panic, with records or problems.
#[test]
fn corrupt_tables_are_problems() {
    let folder = folder("corrupt-tables");
    let small = [batch(0..6)];
    let writers: [&dyn Fn(&Path); 3] = [
        &|path| write_stream(path, &small),
        &|path| write_file(path, &small),
        &|path| write_parquet(path, &small, Compression::SNAPPY),
    ];
    for write in writers {
        let path = folder.join("table");
        write(&path);
        let whole = fs::read(&path).unwrap();
        let cuts = (0..whole.len())
            .step_by(whole.len() / 40)
            .map(|cut| whole[..cut].to_vec());
        let flips = (0..whole.len()).step_by(whole.len() / 500 + 1).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= [0x01, 0x80, 0xFF][at % 3];
            bytes
        });
        for bytes in cuts.chain(flips) {
            fs::write(&path, bytes).unwrap();
            read_all(&path);
        }
    }
}

fn read_all(path: &Path) {
    let limits = ScanLimits::default();
    let Ok(opened) = open(path, path, &limits) else {
        return;
    };
    let found = retake::ingest::container::scan(
        &opened.file,
        retake::ingest::Layout::Elements,
        Default::default(),
        &limits,
    );
    let Ok(found) = found else { return };
    let mut count = 0;
    for found in found.take(2000) {
        if let retake::ingest::container::Found::Record(record) = found {
            let _ = read_at(&opened.file, record.location, &limits);
        }
        count += 1;
    }
    assert!(count < 2000, "far more rows than there were");
}
