//! Whatever happens to the files of a source, the index that followed it equals one that read everything anew.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use retake::config::Config;
use retake::corpus::{Corpus, SourceCounts};
use retake::index::Sort;
use retake::index::query::parse;
use retake::jobs::Progress;
use retake::workspace::{SourceDeclaration, Workspace};
use serde_json::Value;

use crate::user::{TemporaryFolder, array, lines, record};

/// Two files of lines, which can be appended to, and two arrays, which can't.
const FILES: [&str; 4] = ["a.jsonl", "b.json", "c.jsonl", "d.json"];

/// What happens to a file; few ids and tasks, so that records meet across files.
#[derive(Debug, Clone)]
enum Event {
    Append { file: usize, id: u8, task: u8 },
    Insert { file: usize, id: u8, task: u8 },
    Change { file: usize, at: usize, task: u8 },
    Remove { file: usize, at: usize },
    Reverse { file: usize },
    Break { file: usize },
    Touch { file: usize },
    Delete { file: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let (file, id, task, at) = (0..FILES.len(), 0..5u8, 0..4u8, 0..4usize);
    prop_oneof![
        4 => (file.clone(), id.clone(), task.clone()).prop_map(|(file, id, task)| Event::Append { file, id, task }),
        2 => (file.clone(), id, task.clone()).prop_map(|(file, id, task)| Event::Insert { file, id, task }),
        2 => (file.clone(), at.clone(), task).prop_map(|(file, at, task)| Event::Change { file, at, task }),
        2 => (file.clone(), at).prop_map(|(file, at)| Event::Remove { file, at }),
        1 => file.clone().prop_map(|file| Event::Reverse { file }),
        1 => file.clone().prop_map(|file| Event::Break { file }),
        1 => file.clone().prop_map(|file| Event::Touch { file }),
        1 => file.prop_map(|file| Event::Delete { file }),
    ]
}

fn with_task(id: &str, task: u8) -> Value {
    record(id, &format!("What of thing{task}?"), "It is.", "Yes")
}

fn happen(files: &mut [Option<Vec<Value>>], event: &Event) {
    let records =
        |files: &mut [Option<Vec<Value>>], file: usize| files[file].take().unwrap_or_default();
    match *event {
        Event::Append { file, id, task } => {
            let mut all = records(files, file);
            all.push(with_task(&format!("r{id}"), task));
            files[file] = Some(all);
        }
        Event::Insert { file, id, task } => {
            let mut all = records(files, file);
            all.insert(0, with_task(&format!("r{id}"), task));
            files[file] = Some(all);
        }
        Event::Change { file, at, task } => {
            if let Some(found) = files[file].as_mut().and_then(|all| all.get_mut(at))
                && let Some(id) = found["id"].as_str()
            {
                *found = with_task(id, task);
            }
        }
        Event::Remove { file, at } => {
            if let Some(all) = files[file].as_mut().filter(|all| all.len() > at) {
                all.remove(at);
            }
        }
        Event::Reverse { file } => {
            files[file].iter_mut().for_each(|all| all.reverse());
        }
        // A record without any steps is a warning.
        Event::Break { file } => {
            if let Some(all) = files[file].as_mut() {
                all.push(Value::from(7));
            }
        }
        Event::Touch { .. } => {}
        Event::Delete { file } => files[file] = None,
    }
}

fn write(folder: &Path, files: &[Option<Vec<Value>>], touched: usize) {
    for (number, (name, records)) in FILES.iter().zip(files).enumerate() {
        let path = folder.join(name);
        match records.as_ref().filter(|all| !all.is_empty()) {
            Some(all) => {
                let text = if name.ends_with('l') {
                    lines(all)
                } else {
                    array(all)
                };
                let same = fs::read_to_string(&path).is_ok_and(|before| before == text);
                if !same || number == touched {
                    fs::write(path, text).unwrap();
                }
            }
            None => drop(fs::remove_file(path)),
        }
    }
}

/// Everything of a corpus that a person can see.
#[derive(Debug, PartialEq)]
struct Seen {
    hits: Vec<(String, Option<u32>, String)>,
    flagged: Vec<(String, Vec<String>)>,
    counts: SourceCounts,
    warnings: Vec<String>,
    flags: Vec<(String, Vec<String>)>,
}

fn seen(workspace: &Workspace) -> Seen {
    let config = Config::load(None).unwrap();
    let (corpus, refresh) = Corpus::open(workspace, &config, &Progress::default(), true).unwrap();
    assert!(
        refresh.closed.is_empty() && refresh.behind.is_none(),
        "{refresh:?}"
    );
    let all = parse("").unwrap();
    let hits = corpus.search(&all, Sort::Source, 0, 1000).unwrap();
    let text = |hit: &retake::corpus::Hit| hit.snippet.as_ref().map(|s| s.text.clone());
    let ids = corpus.ids_of(&all, Sort::Source, 1000).unwrap();
    let rows = corpus.rows(&all, &["flag"]).unwrap();
    let mut flagged: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let record = corpus.record(row.found.record).unwrap();
            (
                format!("{} {:?}", record.id, row.found.step),
                row.values.concat(),
            )
        })
        .collect();
    flagged.sort();
    let source = &corpus.state().sources[0];
    Seen {
        hits: hits
            .first
            .iter()
            .map(|hit| (hit.id.to_string(), hit.step, text(hit).unwrap_or_default()))
            .collect(),
        flagged,
        counts: source.counts.clone(),
        warnings: source.warnings.iter().map(|w| format!("{w:?}")).collect(),
        flags: ids
            .iter()
            .map(|id| {
                let record = corpus.find(id).unwrap();
                let flags = corpus.flags(&record).unwrap();
                (
                    id.to_string(),
                    flags.iter().map(|f| format!("{f:?}")).collect(),
                )
            })
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_that_followed_equals_one_made_anew(rounds in prop::collection::vec(prop::collection::vec(event(), 1..4), 3..6)) {
        let folder = TemporaryFolder::new("incremental-property");
        let data = folder.0.join("data");
        fs::create_dir_all(&data).unwrap();
        let mut files: Vec<Option<Vec<Value>>> = vec![None; FILES.len()];
        files[0] = Some(vec![with_task("r0", 0), with_task("r1", 1)]);
        files[3] = Some(vec![with_task("r0", 1), with_task("r2", 2)]);
        write(&data, &files, 0);
        let open = |name: &str| {
            let path = folder.0.join(name);
            drop(fs::remove_dir_all(&path));
            fs::create_dir_all(&path).unwrap();
            // The user's own folder, where trust is kept.
            let own = folder.0.join("settings");
            let mut workspace = Workspace::create(&path, Some(&own)).unwrap();
            workspace
                .add_source(SourceDeclaration {
                    name: "data".to_owned(),
                    path: data.clone(),
                    format: None,
                    images: Vec::new(),
                })
                .unwrap();
            workspace
        };
        let following = open("following");
        seen(&following);
        for events in rounds {
            let mut touched = usize::MAX;
            for event in &events {
                happen(&mut files, event);
                if let Event::Touch { file } = event {
                    touched = *file;
                }
            }
            if files.iter().flatten().all(Vec::is_empty) {
                files[0] = Some(vec![with_task("r9", 0)]);
            }
            write(&data, &files, touched);
            prop_assert_eq!(seen(&following), seen(&open("anew")), "after {:?}", events);
        }
    }
}
