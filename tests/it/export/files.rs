//! Files that are whole or not there.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use retake::domain::Record;
use retake::export::{
    ExportError, ExportOptions, ExportSummary, TARGETS, TargetKind, export, target_named, write_to,
};
use retake::jobs::Progress;
use retake::report::Report;
use serde_json::Value;

use super::records::{all_fixtures, fixture_records, outgoing, records_in, value};
use crate::user::TemporaryFolder;

fn write(
    target: &str,
    records: &[Record],
    to: &Path,
    overwrite: bool,
) -> Result<ExportSummary, ExportError> {
    let progress = Progress::default();
    let target = target_named(target).unwrap();
    let options = ExportOptions {
        overwrite,
        allow: target.rules,
        ..ExportOptions::plain(&progress)
    };
    export(target, &mut outgoing(records), to, options)
}

/// Names in a folder, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_target_writes_one_name_and_leaves_no_other() {
    let folder = TemporaryFolder::new("export-names");
    let records = all_fixtures();
    for target in TARGETS {
        let to = folder.0.join(target.name);
        let summary = write(target.name, &records, &to, false).unwrap();
        // Nobody has labelled a step.
        let expects = target.name != "trl-prm";
        assert_eq!(summary.written > 0, expects, "{}", target.name);
        let seen = (summary.written + summary.failed + summary.others) as usize;
        assert!(seen >= records.len(), "{}: {seen}", target.name);
        assert_eq!(to.is_dir(), matches!(target.kind, TargetKind::Folders(_)));
    }
    let mut expected: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    // What LLaMA-Factory finds files by.
    expected.push("dataset_info.json");
    expected.sort_unstable();
    assert_eq!(names(&folder.0), expected);
}

#[test]
fn nothing_to_write_is_an_empty_file() {
    let folder = TemporaryFolder::new("export-empty");
    for target in TARGETS {
        let to = folder.0.join(target.name);
        write(target.name, &[], &to, false).unwrap();
        assert!(to.exists());
    }
    assert_eq!(
        fs::read_to_string(folder.0.join("m-trace")).unwrap(),
        "[]\n"
    );
    assert_eq!(fs::read_to_string(folder.0.join("jsonl")).unwrap(), "");
}

#[test]
fn an_existing_file_is_refused_unless_it_may_be_replaced() {
    let folder = TemporaryFolder::new("export-exists");
    let records = fixture_records("m-trace");
    let file = folder.0.join("out");
    fs::write(&file, "precious").unwrap();
    for target in TARGETS
        .iter()
        .filter(|t| !matches!(t.kind, TargetKind::Folders(_)))
    {
        let error = write(target.name, &records, &file, false).unwrap_err();
        assert!(matches!(error, ExportError::Exists(_)), "{error}");
        let report = Report::from(error).to_string();
        assert!(
            report.contains("is there already") && report.contains("--overwrite"),
            "{report}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }
    let error = write("pref-x-beam", &records, &file, true).unwrap_err();
    assert!(matches!(error, ExportError::NotFolder(_)), "{error}");
    let error = write("m-trace", &records, &folder.0, true).unwrap_err();
    assert!(matches!(error, ExportError::IsFolder(_)), "{error}");
    write("m-trace", &records, &file, true).unwrap();
    assert_eq!(
        value(&fs::read_to_string(&file).unwrap())
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(names(&folder.0), ["out"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_a_device_is_refused() {
    let folder = TemporaryFolder::new("export-link");
    let records = fixture_records("m-trace");
    let [file, link] = ["file.json", "link.json"].map(|name| folder.0.join(name));
    fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    write("m-trace", &records, &link, true).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().starts_with('['));
    let error = write("m-trace", &records, Path::new("/dev/null"), true).unwrap_err();
    assert!(matches!(error, ExportError::NotPlain(_)), "{error}");
}

#[test]
fn an_export_that_stops_leaves_nothing() {
    let folder = TemporaryFolder::new("export-stops");
    let records = fixture_records("m-trace");
    let beams = fixture_records("pref-x-beam");
    for target in TARGETS {
        let to = folder.0.join("out");
        let progress = Progress::default();
        let options = ExportOptions {
            allow: target.rules,
            ..ExportOptions::plain(&progress)
        };
        // The first record is written, then somebody stops it.
        let one = if target.name.starts_with("pref") {
            &beams[0]
        } else {
            &records[0]
        };
        let stop = progress.clone();
        let mut cancelled = (0..3).map(|number| {
            if number == 1 {
                stop.cancel();
            }
            Ok::<_, Infallible>(one.clone().into())
        });
        let error = export(target, &mut cancelled, &to, options).unwrap_err();
        assert!(
            matches!(error, ExportError::Cancelled(_)),
            "{}: {error}",
            target.name
        );
        assert_eq!(progress.amounts().0, 1);
        assert_eq!(names(&folder.0), [""; 0], "{}", target.name);

        let gone = Err(std::io::Error::other("gone"));
        let mut broken = vec![Ok(one.clone().into()), gone].into_iter();
        let progress = Progress::default();
        let options = ExportOptions::plain(&progress);
        let error = export(target, &mut broken, &to, options).unwrap_err();
        assert_eq!(error.to_string(), "gone");
        assert_eq!(names(&folder.0), [""; 0], "{}", target.name);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = TemporaryFolder::new("export-nowhere");
    let to = folder.0.join("no/such/out.json");
    for target in ["m-trace", "parquet", "raw-arrow", "pref-x-beam"] {
        let error = write(target, &fixture_records("m-trace"), &to, false).unwrap_err();
        let report = Report::from(error).to_string();
        assert!(
            report.contains("out.json") && report.contains("must be there"),
            "{report}"
        );
    }
}

#[test]
fn explorations_are_folders_that_read_back() {
    let folder = TemporaryFolder::new("export-beam");
    let to = folder.0.join("beam");
    let mut records = fixture_records("pref-x-beam");
    records.push(records[0].clone());
    let summary = write("pref-x-beam", &records, &to, false).unwrap();
    assert_eq!((summary.written, summary.failed), (2, 0));
    assert_eq!(names(&to), ["173_abcdefgh", "173_abcdefgh~2"]);
    let file = to.join("173_abcdefgh/beam_search_data.json");
    let read = records_in(&file, "173_abcdefgh/beam_search_data.json");
    assert_eq!(read[0].content, records[0].content);
    // Into a folder that is there, beside other things, but not over them.
    let error = write("pref-x-beam", &records, &to, false).unwrap_err();
    assert!(matches!(error, ExportError::Exists(_)), "{error}");
    fs::write(to.join("notes.txt"), "mine").unwrap();
    write("pref-x-beam", &records, &to, true).unwrap();
    assert_eq!(names(&to), ["173_abcdefgh", "173_abcdefgh~2", "notes.txt"]);
}

#[test]
fn atif_is_lines_or_a_file_each() {
    let folder = TemporaryFolder::new("export-atif");
    let records = fixture_records("m-trace");
    let lines = folder.0.join("all.jsonl");
    write("atif", &records, &lines, false).unwrap();
    let text = fs::read_to_string(&lines).unwrap();
    assert_eq!(text.lines().count(), 3);
    for name in ["slash/", "there"] {
        let to = folder.0.join(name);
        if name == "there" {
            fs::create_dir(&to).unwrap();
        }
        write("atif", &records, &to, false).unwrap();
        assert_eq!(names(&to), ["7.json", "kite-001.json", "rent-002.json"]);
        let one: Value = value(&fs::read_to_string(to.join("kite-001.json")).unwrap());
        assert_eq!(one, value(text.lines().next().unwrap()));
        assert_eq!(one["session_id"], "kite-001");
    }
}

#[test]
fn streams_take_json_and_nothing_else() {
    let records = fixture_records("m-trace");
    for target in TARGETS {
        let mut out = Vec::new();
        let progress = Progress::default();
        let options = ExportOptions::plain(&progress);
        let written = write_to(target, &mut outgoing(&records), &mut out, options);
        match written {
            Ok(summary) => {
                assert!(target.kind.is_stream() && (summary.written == 0) != (out.len() > 3))
            }
            Err(error) => assert!(matches!(error, ExportError::NeedsFile(_)), "{error}"),
        }
    }
}
