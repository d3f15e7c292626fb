//! Without edits.

use retake::domain::{Action, Attachment, PictureReference, Record, Step, Trajectory};
use retake::ingest::format_named;
use serde_json::Value;

use super::records::{all_fixtures, read, row, rows, shared, shared_beams, value};

/// The formats into which edits can be written.
const OWN_TARGETS: [&str; 6] = [
    "m-trace",
    "minicpm",
    "raw-run",
    "pref-x-beam",
    "pref-x",
    "atif",
];

fn format_of(record: &Record) -> &str {
    match &record.content.trajectory {
        Some(trajectory) => &trajectory.provenance.format,
        None => &record.content.pairs[0].provenance.format,
    }
}

#[test]
fn the_same_format_gives_the_same_text() {
    let mut seen = Vec::new();
    for record in all_fixtures() {
        let format = format_of(&record).to_owned();
        assert_eq!(
            row("raw-jsonl", &record).unwrap(),
            *record.raw,
            "{}",
            record.id
        );
        if OWN_TARGETS.contains(&format.as_str()) {
            assert_eq!(row(&format, &record).unwrap(), *record.raw, "{}", record.id);
            seen.push(format);
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), OWN_TARGETS.len(), "{seen:?}");
}

/// Records of the shared data that have a target of their own format.
fn shared_records(path: &str) -> Vec<Record> {
    shared(path)
        .map(|file| super::records::records_in(&file, path))
        .unwrap_or_default()
}

#[test]
fn real_records_come_out_as_they_went_in() {
    for (target, path) in [
        ("m-trace", "m-trace/m-trace.json"),
        ("m-trace", "m-trace/m-trace.jsonl"),
        ("pref-x", "pref-x/pref-x-llamafactory.json"),
        ("raw-jsonl", "gta/dataset.json"),
    ] {
        let records = shared_records(path);
        let (rows, summary) = rows(target, &records);
        assert_eq!(summary.failures, []);
        assert_eq!(rows.len(), records.len());
        for (row, record) in rows.iter().zip(&records) {
            assert_eq!(*row, value(&record.raw), "{}", record.id);
            let format = format_named(format_of(record)).unwrap();
            let read = read(format, &row.to_string(), record.key.as_deref(), path).unwrap();
            assert_eq!(read, record.content);
        }
    }
    for record in shared_beams() {
        assert_eq!(row("pref-x-beam", &record).unwrap(), *record.raw);
    }
}

/// What every format can hold of a step.
fn essence(step: &Step) -> Value {
    let action = match &step.action {
        Some(Action::ToolCalls(calls)) => {
            let calls: Vec<_> = calls.iter().map(|c| (&c.name, &c.arguments)).collect();
            serde_json::json!(calls)
        }
        action => serde_json::json!(action),
    };
    let observation = step.observation.as_ref();
    serde_json::json!([
        step.thought,
        action,
        observation.map(|o| (&o.text, o.is_error, o.pictures.len())),
        step.pictures.len()
    ])
}

fn steps(trajectory: &Trajectory) -> Vec<Value> {
    trajectory.steps.iter().map(essence).collect()
}

/// Attachments; pictures inside a record come back as `data:` addresses, which have no name.
fn files(trajectory: &Trajectory) -> Vec<Attachment> {
    let mut attachments = trajectory.task.attachments.clone();
    for attachment in &mut attachments {
        if let PictureReference::Inline(bytes) = &mut attachment.reference {
            (bytes.path, bytes.media_type) = (None, None);
        }
    }
    attachments
}

/// Arguments that are no object have to be wrapped.
fn has_odd_arguments(trajectory: &Trajectory) -> bool {
    let mut calls = trajectory.steps.iter().flat_map(Step::tool_calls);
    calls.any(|call| !call.arguments.is_object())
}

#[test]
fn atif_keeps_what_was_read_from_every_format() {
    let atif = format_named("atif").unwrap();
    let real = ["m-trace/m-trace.json", "gta/dataset.json"]
        .map(shared_records)
        .concat();
    let records: Vec<Record> = all_fixtures()
        .into_iter()
        .chain(real)
        .chain(shared_beams())
        .collect();
    let (mut formats, mut odd) = (Vec::new(), 0);
    for record in &records {
        let Some(before) = &record.content.trajectory else {
            assert!(row("atif", record).unwrap_err().contains("in:trajectory"));
            continue;
        };
        let text = row("atif", record).unwrap();
        let after = read(atif, &text, None, "").unwrap();
        if before.provenance.format != "atif" {
            assert_eq!(after.problems, Vec::<String>::new(), "{}", record.id);
        }
        let after = after.trajectory.unwrap();
        let id = &record.id;
        assert_eq!(after.task.text, before.task.text, "{id}");
        assert_eq!(files(&after), files(before), "{id}");
        assert_eq!(after.system_prompt, before.system_prompt, "{id}");
        assert_eq!(after.answer, before.answer, "{id}");
        assert_eq!(after.verification, before.verification, "{id}");
        assert_eq!(after.reference_answer, before.reference_answer, "{id}");
        if has_odd_arguments(before) {
            odd += 1;
        } else {
            assert_eq!(steps(&after), steps(before), "{id}");
        }
        formats.push(before.provenance.format.as_str());
    }
    formats.sort_unstable();
    formats.dedup();
    assert!(formats.len() >= 14, "{formats:?}");
    assert_eq!(odd, 4, "records with arguments that are no object");
}

#[test]
fn atif_is_as_the_specification_wants_it() {
    for record in all_fixtures() {
        let Some(trajectory) = &record.content.trajectory else {
            continue;
        };
        if trajectory.provenance.format == "atif" {
            continue;
        }
        let written = value(&row("atif", &record).unwrap());
        let has_parts = written.to_string().contains("\"media_type\"");
        let version = written["schema_version"].as_str().unwrap();
        assert_eq!(version == "ATIF-v1.6", has_parts);
        assert!(written["session_id"].is_string());
        assert!(written["agent"]["name"].is_string() && written["agent"]["version"].is_string());
        for (number, step) in written["steps"].as_array().unwrap().iter().enumerate() {
            assert_eq!(step["step_id"], number + 1);
            assert!(step["message"].is_string() || step["message"].is_array());
            let ids: Vec<&str> = step["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|call| {
                    assert!(call["arguments"].is_object());
                    call["tool_call_id"].as_str().unwrap()
                })
                .collect();
            let results = step["observation"]["results"]
                .as_array()
                .into_iter()
                .flatten();
            for call in results.filter_map(|result| result["source_call_id"].as_str()) {
                assert!(ids.contains(&call));
            }
        }
    }
}

#[test]
fn code_agents_targets_keep_code_and_observations() {
    let real = ["m-trace/m-trace.json", "gta/dataset.json"]
        .map(shared_records)
        .concat();
    let records: Vec<Record> = all_fixtures().into_iter().chain(real).collect();
    let mut written = 0;
    for target in ["m-trace", "minicpm", "raw-run"] {
        let format = format_named(target).unwrap();
        for record in &records {
            let Some(before) = &record.content.trajectory else {
                assert!(row(target, record).unwrap_err().contains("in:trajectory"));
                continue;
            };
            let text = match row(target, record) {
                Ok(text) => text,
                Err(reason) => {
                    let expected = [
                        "no step",
                        "inside the record",
                        "ends a path",
                        "holds a mark",
                    ];
                    assert!(
                        expected.iter().any(|part| reason.contains(part)),
                        "{reason}"
                    );
                    continue;
                }
            };
            written += 1;
            let after = read(format, &text, None, "").unwrap().trajectory.unwrap();
            let id = &record.id;
            assert_eq!(
                after.task.text.trim(),
                before.task.text.trim(),
                "{id} as {target}"
            );
            assert_eq!(after.steps.len(), before.steps.len(), "{id} as {target}");
            assert_eq!(after.answer.is_some(), before.answer.is_some());
            let shown = |t: &Trajectory| t.task.attachments.iter().filter(|a| a.shown).count();
            if target != "raw-run" {
                assert_eq!(shown(&after), shown(before), "{id} as {target}");
                assert_eq!(
                    after.verification.map(|v| (v.verdict, v.reason)),
                    before.verification.clone().map(|v| (v.verdict, v.reason))
                );
            }
            for (after, before) in after.steps.iter().zip(&before.steps) {
                match &before.action {
                    Some(Action::Code(code)) => assert_eq!(after.code(), Some(code.trim()), "{id}"),
                    Some(Action::ToolCalls(calls)) => {
                        let code = after.code().unwrap_or_else(|| panic!("{id}: {after:?}"));
                        let is_there = |name: &str| code.contains(&format!("{name}("));
                        assert!(
                            calls.iter().all(|c| is_there(&c.name.replace('-', "_"))),
                            "{id}: {code}"
                        );
                    }
                    _ => {}
                }
                let texts = [after, before].map(|s| s.observation.as_ref().map(|o| o.text.trim()));
                if before
                    .observation
                    .as_ref()
                    .is_some_and(|o| o.pictures.is_empty())
                {
                    assert_eq!(texts[0], texts[1], "{id} as {target}");
                    assert_eq!(after.is_error(), before.is_error(), "{id} as {target}");
                }
            }
        }
    }
    assert!(written > 40, "{written}");
}

#[test]
fn explorations_become_pairs_that_llama_factory_accepts() {
    let fixtures = all_fixtures()
        .into_iter()
        .filter(|r| !r.content.pairs.is_empty());
    let records: Vec<Record> = fixtures.chain(shared_beams()).collect();
    let (rows, summary) = rows("pref-x", &records);
    let pairs: usize = records
        .iter()
        .map(|record| record.content.pairs.len())
        .sum();
    assert_eq!(
        rows.len() + summary.failed as usize,
        pairs,
        "{:?}",
        summary.failures
    );
    let format = format_named("pref-x").unwrap();
    for row in &rows {
        let turns = row["conversations"].as_array().unwrap();
        let alternate = turns.iter().zip(["human", "gpt"].iter().cycle());
        let is_fixture = read(format, &row.to_string(), None, "")
            .unwrap()
            .problems
            .len();
        if is_fixture == 0 {
            assert_eq!(turns.len() % 2, 1);
            assert!(
                alternate
                    .into_iter()
                    .all(|(turn, from)| turn["from"] == *from)
            );
            let marks = row["conversations"].to_string().matches("<image>").count();
            assert_eq!(marks, row["images"].as_array().unwrap().len());
        }
        assert_ne!(row["chosen"]["value"], row["rejected"]["value"]);
    }
    // Replies are those that were sampled, to the byte.
    for record in shared_beams() {
        let (rows, _) = super::records::rows("pref-x", std::slice::from_ref(&record));
        for (row, pair) in rows.iter().zip(&record.content.pairs) {
            assert_eq!(
                row["chosen"]["value"].as_str(),
                pair.chosen.reply.as_deref()
            );
            assert_eq!(
                row["rejected"]["value"].as_str(),
                pair.rejected.reply.as_deref()
            );
        }
    }
}

#[test]
fn records_without_candidates_make_no_pairs_and_no_exploration() {
    let records = super::records::fixture_records("m-trace");
    let reason = row("pref-x-beam", &records[0]).unwrap_err();
    assert!(reason.contains("candidates"), "{reason}");
    let (rows, summary) = rows("pref-x", &records);
    assert_eq!((rows.len(), summary.failed), (0, 0));
    assert_eq!(summary.others, records.len() as u64);
}

#[test]
fn own_lines_hold_everything() {
    let records: Vec<Record> = all_fixtures();
    let (rows, summary) = rows("jsonl", &records);
    assert_eq!(summary.failures, []);
    for (row, record) in rows.iter().zip(&records) {
        assert_eq!(row["id"], record.id.as_str());
        assert_eq!(row["hash"], record.hash.to_string());
        let trajectory: Option<Trajectory> =
            serde_json::from_value(row["trajectory"].clone()).unwrap();
        assert_eq!(trajectory, record.content.trajectory);
        let pairs = row["pairs"].as_array().map_or(0, Vec::len);
        assert_eq!(pairs, record.content.pairs.len());
    }
}
