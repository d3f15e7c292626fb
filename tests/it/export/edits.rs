//! With edits: only what was edited differs, and it reads back.

use proptest::prelude::*;
use retake::domain::{
    Action, Content, Observation, Record, Step, Trajectory, Verdict, Verification,
};
use retake::ingest::format_named;
use serde_json::Value;

use super::records::{fixture_records, read, row, value};

/// Formats of trajectories into which edits can be written.
const FORMATS: [&str; 5] = ["m-trace", "minicpm", "raw-run", "pref-x-beam", "atif"];

/// The places at which two values differ, as `/a/0/b`.
fn differences(left: &Value, right: &Value, path: &str, found: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            for key in left
                .keys()
                .chain(right.keys().filter(|k| !left.contains_key(*k)))
            {
                let [left, right] = [left, right].map(|map| map.get(key).unwrap_or(&Value::Null));
                differences(left, right, &format!("{path}/{key}"), found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (n, (left, right)) in left.iter().zip(right).enumerate() {
                differences(left, right, &format!("{path}/{n}"), found);
            }
        }
        _ if left == right => {}
        _ => found.push(path.to_owned()),
    }
}

fn differing(record: &Record, written: &str) -> Vec<String> {
    let mut found = Vec::new();
    differences(&value(&record.raw), &value(written), "", &mut found);
    found
}

/// The record, edited.
fn edited(record: &Record, edit: impl FnOnce(&mut Trajectory)) -> Record {
    let mut record = record.clone();
    edit(record.content.trajectory.as_mut().unwrap());
    record
}

/// Writes a record in its own format.
fn written(record: &Record) -> String {
    let format = record
        .content
        .trajectory
        .as_ref()
        .unwrap()
        .provenance
        .format
        .clone();
    row(&format, record).unwrap_or_else(|reason| panic!("{}: {reason}", record.id))
}

/// What the text says to the reader of the record's format.
fn read_back(record: &Record, text: &str) -> Content {
    let format = &record
        .content
        .trajectory
        .as_ref()
        .unwrap()
        .provenance
        .format;
    let path = "173_abcdefgh/beam_search_data.json";
    read(format_named(format).unwrap(), text, None, path).unwrap()
}

/// A trajectory without what follows from the edited parts.
fn bare(trajectory: &Trajectory) -> Trajectory {
    let mut trajectory = trajectory.clone();
    trajectory.task.prompt = None;
    for step in &mut trajectory.steps {
        step.reply = None;
        step.candidates.clear();
        if let Some(Action::ToolCalls(calls)) = &mut step.action {
            calls.iter_mut().for_each(|call| call.result = None);
        }
    }
    trajectory
}

fn check_reads_back(record: &Record, text: &str) {
    let wanted = bare(record.content.trajectory.as_ref().unwrap());
    let seen = bare(&read_back(record, text).trajectory.unwrap());
    assert_eq!(seen, wanted, "{}", record.id);
}

fn all_records() -> impl Iterator<Item = Record> {
    let real = super::records::shared("m-trace/m-trace.json")
        .map(|file| super::records::records_in(&file, "m-trace.json"));
    FORMATS
        .iter()
        .flat_map(|format| fixture_records(format))
        .chain(real.into_iter().flatten())
        .chain(super::records::shared_beams().into_iter().take(10))
        // A record without an own task or step has nothing to edit.
        .filter(|record| {
            let trajectory = record.content.trajectory.as_ref().unwrap();
            !trajectory.task.text.is_empty() && !trajectory.steps.is_empty()
        })
}

/// How many values an edit of a step's part changes, at most: explorations repeat thought and code.
fn places(record: &Record, part: &str) -> usize {
    match (
        record
            .content
            .trajectory
            .as_ref()
            .unwrap()
            .provenance
            .format
            .as_str(),
        part,
    ) {
        ("pref-x-beam", "thought" | "code") | ("raw-run", "task") => 2,
        _ => 1,
    }
}

fn steps_that(record: &Record, holds: fn(&Step) -> bool) -> Vec<usize> {
    let steps = &record.content.trajectory.as_ref().unwrap().steps;
    let has_place = |step: &Step| step.candidates.is_empty() || step.chosen.is_some();
    let found = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| holds(step) && has_place(step));
    found.map(|(index, _)| index).collect()
}

#[test]
fn an_edited_thought_changes_its_text_alone() {
    for record in all_records() {
        for index in steps_that(&record, |step| step.thought.is_some()) {
            let edited = edited(&record, |t| {
                t.steps[index].thought = Some("Say \"no\"\nand 漢字 \\".to_owned());
            });
            let text = written(&edited);
            check_reads_back(&edited, &text);
            let found = differing(&record, &text);
            assert!(
                !found.is_empty() && found.len() <= places(&record, "thought"),
                "{}: {found:?}",
                record.id
            );
        }
    }
}

#[test]
fn edited_code_changes_its_text_alone() {
    for record in all_records() {
        for index in steps_that(&record, |step| step.code().is_some()) {
            let edited = edited(&record, |t| {
                t.steps[index].action = Some(Action::Code("x = 'é'\nprint(x)".to_owned()));
            });
            let text = written(&edited);
            check_reads_back(&edited, &text);
            let found = differing(&record, &text);
            assert!(
                !found.is_empty() && found.len() <= places(&record, "code"),
                "{}: {found:?}",
                record.id
            );
        }
    }
}

#[test]
fn an_edited_observation_changes_its_text_alone() {
    for record in all_records() {
        for index in steps_that(&record, |step| step.observation.is_some()) {
            // Several turns or results can make one observation; they become one.
            let is_joined = record.raw.contains("\"results\"") && index == 1;
            let edited = edited(&record, |t| {
                let observation = t.steps[index].observation.as_mut().unwrap();
                observation.text = "seven\nlines".to_owned();
                observation.pictures.clear();
                if record.raw.contains("\"step number\"") {
                    observation.is_error = false;
                }
            });
            if is_joined {
                continue;
            }
            let text = written(&edited);
            check_reads_back(&edited, &text);
            let found = differing(&record, &text);
            assert_eq!(found.len(), 1, "{}: {found:?}", record.id);
        }
    }
}

#[test]
fn an_edited_question_keeps_pictures_and_files() {
    for record in all_records() {
        let edited = edited(&record, |t| t.task.text = "Which one,\nif any?".to_owned());
        let text = written(&edited);
        check_reads_back(&edited, &text);
        let found = differing(&record, &text);
        assert_eq!(
            found.len(),
            places(&record, "task"),
            "{}: {found:?}",
            record.id
        );
    }
}

#[test]
fn an_edited_answer_is_found_everywhere_it_repeats() {
    for record in all_records() {
        let edited = edited(&record, |t| t.answer = Some("41".to_owned()));
        let text = written(&edited);
        check_reads_back(&edited, &text);
        let found = differing(&record, &text);
        assert!(
            !found.is_empty() && found.iter().all(|path| path.ends_with("answer")),
            "{}: {found:?}",
            record.id
        );
    }
}

#[test]
fn verdict_and_system_prompt_have_their_places() {
    for record in all_records() {
        if record.raw.contains("\"step number\"") {
            continue;
        }
        let prompt = edited(&record, |t| t.system_prompt = Some("Be brief.".into()));
        check_reads_back(&prompt, &written(&prompt));
        if record.raw.contains("\"query\"") {
            continue;
        }
        let verdict = edited(&record, |t| {
            t.verification = Some(Verification {
                verdict: Verdict::Incorrect,
                reason: Some("It \"guessed\".".to_owned()),
            });
        });
        check_reads_back(&verdict, &written(&verdict));
    }
}

#[test]
fn steps_that_go_or_come_leave_the_others_alone() {
    for record in all_records() {
        let before = record.content.trajectory.as_ref().unwrap();
        if before
            .steps
            .iter()
            .any(|s| !s.candidates.is_empty() && s.chosen.is_none())
        {
            continue;
        }
        for index in 0..before.steps.len() {
            let removed = edited(&record, |t| {
                t.steps.remove(index);
            });
            if !removed
                .content
                .trajectory
                .as_ref()
                .unwrap()
                .steps
                .is_empty()
            {
                let kept = removed.content.trajectory.as_ref().unwrap();
                let text = written(&removed);
                let seen = read_back(&removed, &text);
                assert_eq!(seen.trajectory.unwrap().steps, kept.steps, "{}", record.id);
            }
            let added = edited(&record, |t| {
                let step = Step {
                    thought: Some("One more.".to_owned()),
                    action: Some(Action::Code("more()".to_owned())),
                    observation: Some(Observation {
                        text: "more".to_owned(),
                        ..Observation::default()
                    }),
                    ..Step::default()
                };
                t.steps.insert(index, step);
            });
            let text = written(&added);
            let seen = bare(&read_back(&added, &text).trajectory.unwrap());
            let wanted = bare(added.content.trajectory.as_ref().unwrap());
            let essence = |step: &Step| {
                (
                    step.thought.clone(),
                    step.action.clone(),
                    step.observation.clone(),
                )
            };
            let [seen, wanted]: [Vec<_>; 2] =
                [seen, wanted].map(|t| t.steps.iter().map(essence).collect());
            assert_eq!(seen, wanted, "{}", record.id);
        }
    }
}

#[test]
fn moved_steps_are_renumbered() {
    let record = &fixture_records("m-trace")[0];
    let moved = edited(record, |t| t.steps.swap(0, 1));
    let text = value(&written(&moved));
    let turns = text["conversations"].as_array().unwrap();
    assert_eq!(turns[2], value(&record.raw)["conversations"][4]);
    assert_eq!(turns[4]["value"], "[OUTPUT OF STEP 1] Observation:\n1\n1\n");
}

#[test]
fn an_edited_pair_changes_one_value() {
    for record in fixture_records("pref-x") {
        let edits: [fn(&mut Record); 5] = [
            |r| r.content.pairs[0].chosen.thought = Some("Better.".to_owned()),
            |r| r.content.pairs[0].rejected.action = Some(Action::Code("worse()".to_owned())),
            |r| {
                r.content.pairs[0].chosen.observation = Some(Observation {
                    text: "six".to_owned(),
                    ..Observation::default()
                });
            },
            |r| r.content.pairs[0].context.task.text = "How few?".to_owned(),
            |r| r.content.pairs[0].context.system_prompt = Some("Be brief.".into()),
        ];
        for (number, edit) in edits.into_iter().enumerate() {
            let mut edited = record.clone();
            edit(&mut edited);
            let text = row("pref-x", &edited).unwrap();
            let found = differing(&record, &text);
            assert_eq!(found.len(), 1, "edit {number} of {}: {found:?}", record.raw);
            let seen = read(format_named("pref-x").unwrap(), &text, None, "").unwrap();
            let (seen, wanted) = (&seen.pairs[0], &edited.content.pairs[0]);
            let side = |c: &retake::domain::Candidate| {
                (c.thought.clone(), c.action.clone(), c.observation.clone())
            };
            assert_eq!(side(&seen.chosen), side(&wanted.chosen), "edit {number}");
            assert_eq!(
                side(&seen.rejected),
                side(&wanted.rejected),
                "edit {number}"
            );
            assert_eq!(seen.context.task.text, wanted.context.task.text);
            assert_eq!(seen.context.system_prompt, wanted.context.system_prompt);
        }
    }
}

#[test]
fn another_choice_among_candidates_is_one_word() {
    let record = &fixture_records("pref-x-beam")[0];
    let edited = edited(record, |t| {
        let step = &mut t.steps[0];
        let candidate = step.candidates[5].clone();
        step.chosen = Some(5);
        (step.thought, step.action) = (candidate.thought, candidate.action);
        (step.observation, step.reply) = (candidate.observation, candidate.reply);
    });
    assert_eq!(differing(record, &written(&edited)), ["/1/best_step_idx"]);
}

#[test]
fn edits_of_formats_without_a_writer_are_refused() {
    let record = &fixture_records("gta")[0];
    let edited = edited(record, |t| t.task.text = "Else?".to_owned());
    assert!(row("raw-jsonl", &edited).unwrap_err().contains("edited"));
    assert!(row("jsonl", &edited).unwrap().contains("Else?"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever a person writes into a record, it is written or refused, and what is written is JSON of its format.
    #[test]
    fn any_edit_is_written_or_refused(
        format in 0..FORMATS.len(), number: prop::sample::Index, place: prop::sample::Index,
        thought in prop::option::of("(Thought:|Code:|```(py)?\n|<end_action>|.|\n){0,8}"),
        code in prop::option::of("(```|Code:|.|\n){0,8}"), observation in prop::option::of("(\\[OUTPUT OF STEP 1\\] Error:|.|\n){0,4}"),
        question in "(<image>|<img>a</img>|Attachment: |Task:|.|\n){0,6}", removed in any::<bool>(),
    ) {
        let records = fixture_records(FORMATS[format]);
        let record = edited(number.get(&records), |t| {
            t.task.text = question;
            if t.steps.is_empty() {
                return;
            }
            let index = place.index(t.steps.len());
            let step = &mut t.steps[index];
            step.thought = thought;
            step.action = code.map(Action::Code);
            step.observation = observation.map(|text| Observation { text, ..Observation::default() });
            if removed {
                t.steps.remove(index / 2);
            }
        });
        for target in FORMATS.iter().chain(&["raw-jsonl", "jsonl", "parquet", "pref-x"]) {
            if let Ok(text) = row_or_none(target, &record) {
                let written: Result<Value, _> = serde_json::from_str(&text);
                prop_assert!(written.is_ok(), "{}", text);
                if let Some(format) = format_named(target) {
                    prop_assert!(read(format, &text, None, "").is_ok());
                }
            }
        }
    }
}

fn row_or_none(target: &str, record: &Record) -> Result<String, String> {
    let rendered = retake::export::target_named(target)
        .unwrap()
        .rows_of(&record.clone().into());
    rendered
        .rows
        .into_iter()
        .next()
        .map(|row| row.json)
        .ok_or_else(|| format!("{:?}", rendered.refusals))
}
