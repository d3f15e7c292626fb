//! `show` of any record, whatever its container: the record found by its id and read from its source.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{DataType, Field, Schema};
use retake::config::Config;
use retake::corpus::Corpus;
use retake::domain::TargetId;
use retake::workspace::{SourceDeclaration, Workspace};

use crate::queries::millis;
use crate::{median, open};

pub fn run(corpus: &Corpus, files: &[PathBuf], config: &Config, folder: &Path) {
    println!("\nShow: 200 records by id, median and greatest");
    measure("JSON", corpus, "m-trace");
    let others = folder.join("containers");
    let _ = std::fs::remove_dir_all(&others);
    std::fs::create_dir_all(&others).expect("folder");
    let lines = files[0].with_extension("jsonl");
    tables(&lines, &others);
    let mut workspace = Workspace::create(&others, None).expect("workspace");
    let sources = [
        ("JSON lines", "lines", lines),
        ("Arrow", "arrow", others.join("m-trace.arrow")),
        ("Parquet", "parquet", others.join("m-trace.parquet")),
    ];
    for (_, name, path) in &sources {
        let declared = SourceDeclaration {
            name: (*name).to_owned(),
            path: path.clone(),
            format: None,
            images: Vec::new(),
        };
        workspace.add_source(declared).expect("added");
    }
    let corpus = open(&workspace, config);
    for (title, name, _) in &sources {
        measure(title, &corpus, name);
    }
}

fn measure(title: &str, corpus: &Corpus, source: &str) {
    let counts = &corpus.state().source(source).expect("source").counts;
    let query =
        retake::index::query::parse(&format!("in:trajectory source:{source}")).expect("query");
    let sample = corpus.sample(&query, None, 200, 7).expect("sample");
    let ids: Vec<TargetId> = sample
        .strata
        .into_values()
        .flat_map(|(_, drawn)| drawn)
        .map(|found| TargetId {
            record: corpus.record(found.record).expect("record").id,
            part: None,
        })
        .collect();
    let mut times: Vec<_> = ids
        .iter()
        .map(|id| {
            let start = Instant::now();
            corpus.find(id).expect("record");
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!(
        "  {title:<11} {:>4} MB         {:.2} ms, {:.2} ms  (bar: {})",
        counts.bytes / 1_000_000,
        millis(median(times.clone())),
        millis(*times.last().expect("times")),
        if title == "Parquet" { 50 } else { 5 }
    );
}

/// The records as tables, as datasets are published.
fn tables(lines: &Path, folder: &Path) {
    // `image` is an object, a text or empty: no table has such a column.
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let turn = DataType::Struct(vec![text("from"), text("value")].into());
    let turns = DataType::List(Arc::new(Field::new("item", turn, true)));
    let schema = Arc::new(Schema::new(vec![
        text("id"),
        text("correct"),
        text("answer"),
        Field::new("conversations", turns, true),
        text("traj_verification"),
    ]));
    let json = std::io::BufReader::new(std::fs::File::open(lines).expect("lines"));
    let reader = arrow::json::ReaderBuilder::new(Arc::clone(&schema))
        .with_batch_size(1000)
        .build(json)
        .expect("reader");
    let path = |name: &str| std::fs::File::create(folder.join(name)).expect("file");
    let mut arrow =
        arrow::ipc::writer::FileWriter::try_new(path("m-trace.arrow"), &schema).expect("arrow");
    let mut parquet =
        parquet::arrow::ArrowWriter::try_new(path("m-trace.parquet"), Arc::clone(&schema), None)
            .expect("parquet");
    for batch in reader {
        let batch = batch.expect("batch");
        arrow.write(&batch).expect("written");
        parquet.write(&batch).expect("written");
    }
    arrow.finish().expect("finished");
    parquet.close().expect("closed");
}
