use std::fs;
use std::path::Path;

use retake::domain::Content;
use retake::ingest::container::{ContainerKind, ScanLimits};
use retake::ingest::{
    Detected, DetectionError, Format, Layout, ReadError, RecordText, Sample, Top, detect, detect_as,
};

use super::{folder, opened};

fn unread(_: &RecordText<'_>) -> Result<Content, ReadError> {
    Err(ReadError("not needed".to_owned()))
}

fn has_task(sample: &Sample<'_>) -> Option<Layout> {
    sample
        .first_element()?
        .get("task")
        .map(|_| Layout::Elements)
}

fn has_dialogs(sample: &Sample<'_>) -> Option<Layout> {
    sample.member("0")?.get("dialogs").map(|_| Layout::Members)
}

fn has_logs(sample: &Sample<'_>) -> Option<Layout> {
    (sample.top == Top::Object && sample.file_name == "memory.json")
        .then(|| sample.member("logs"))?
        .map(|_| Layout::Whole)
}

static FORMATS: [Format; 3] = [
    Format {
        name: "dialogs",
        title: "",
        detect: has_dialogs,
        read: unread,
    },
    Format {
        name: "logs",
        title: "",
        detect: has_logs,
        read: unread,
    },
    Format {
        name: "tasks",
        title: "",
        detect: has_task,
        read: unread,
    },
];

fn detected(folder: &Path, name: &str, content: &str) -> Result<Detected, DetectionError> {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    detect(&opened(&path), name, &FORMATS, &ScanLimits::default())
}

#[test]
fn the_first_format_that_fits_reads_the_file() {
    let folder = folder("detection");
    let found = |name: &str, content: &str| {
        let found = detected(&folder, name, content).unwrap();
        (found.format.name, found.layout, found.kind)
    };
    use ContainerKind::{Json, JsonLines};
    assert_eq!(
        found("a", r#"[{"task":1}]"#),
        ("tasks", Layout::Elements, Json)
    );
    assert_eq!(
        found("a", "{\"task\":1}\n{}"),
        ("tasks", Layout::Elements, JsonLines)
    );
    assert_eq!(
        found("a", r#"{"task":1}"#),
        ("tasks", Layout::Elements, Json)
    );
    assert_eq!(
        found("a", r#"{"0":{"dialogs":[]}}"#),
        ("dialogs", Layout::Members, Json)
    );
    assert_eq!(
        found("memory.json", r#"{"logs":1}"#),
        ("logs", Layout::Whole, Json)
    );
    // What can't be parsed says nothing about the format.
    assert_eq!(
        found("a", r#"[{"task":}, {"task":1}]"#),
        ("tasks", Layout::Elements, Json)
    );
    let huge = format!(r#"{{"x":"{}","0":{{"dialogs":[]}}}}"#, "x".repeat(9 << 20));
    assert_eq!(found("a", &huge), ("dialogs", Layout::Members, Json));
    let huge = format!(r#"[{{"task":"{}"}}]"#, "x".repeat(9 << 20));
    assert_eq!(found("a", &huge), ("tasks", Layout::Elements, Json));
    // A cut object still shows the keys it has.
    assert_eq!(
        found("a", r#"{"0":{"dialogs":[]},"1":{"di"#),
        ("dialogs", Layout::Members, Json)
    );
}

#[test]
fn no_format_says_what_was_seen_and_what_there_is() {
    let folder = folder("no-format");
    let error = |content: &str| {
        detected(&folder, "a.json", content)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(r#"[{"a":1,"b":2}]"#),
        "no format fits `a.json`, which holds an array of objects with keys a, b; name one with \
         `--as FORMAT`: dialogs, logs, tasks"
    );
    assert!(error("{\"a\":1}\n{}").contains("lines of objects with keys a;"));
    assert!(error(r#"{"logs":1}"#).contains("an object with keys logs;"));
    assert!(error(r#"[["a"]]"#).contains("an array of arrays"));
    assert!(error("[]").contains("an array of nothing"));
    let keys: Vec<_> = (0..20).map(|n| format!("\"k{n}\":0")).collect();
    assert!(error(&format!("{{{}}}", keys.join(","))).contains("k7, …;"));
}

#[test]
fn a_named_format_reads_what_it_does_not_know() {
    let folder = folder("named-format");
    let path = folder.join("a.json");
    let found = |content: &str, name: &str| {
        fs::write(&path, content).unwrap();
        let limits = ScanLimits::default();
        let found = detect_as(&opened(&path), "a.json", name, &FORMATS, &limits)?;
        Ok::<_, DetectionError>((found.format.name, found.layout))
    };
    assert_eq!(found("[1]", "tasks").unwrap(), ("tasks", Layout::Elements));
    assert_eq!(
        found(r#"{"a":1}"#, "tasks").unwrap(),
        ("tasks", Layout::Whole)
    );
    assert_eq!(
        found(r#"{"task":1}"#, "tasks").unwrap(),
        ("tasks", Layout::Elements)
    );
    assert_eq!(
        found(r#"{"0":{"dialogs":1}}"#, "dialogs").unwrap(),
        ("dialogs", Layout::Members)
    );
    assert_eq!(
        found("{}\n{}", "dialogs").unwrap(),
        ("dialogs", Layout::Elements)
    );
    let error = found("[]", "gta").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no format `gta`; the formats are dialogs, logs, tasks"
    );
}
