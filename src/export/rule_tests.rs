//! Every rule of every target: it is silent about a good row, and finds what is wrong with a bad one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::chats::chat::chat_in;
use super::pictures::{Media, Pictures};
use super::preflight::{Finding, Subject, examine};
use super::test_items::{code_pair, code_run, first_wrong, label, pairs, run};
use super::{Holds, Outgoing, TARGETS, Target, target_named};
use crate::domain::{Attachment, Candidate, PreferencePair, ReviewState, Step, Task, Trajectory};
use crate::media::PictureRoots;

/// How a good row becomes a bad one.
struct Case {
    rule: &'static str,
    targets: &'static [&'static str],
    /// What happens to the item before it is written.
    item: fn(&mut Outgoing),
    /// What happens to the row.
    row: fn(&mut Value),
    /// The step that the finding is in.
    step: Option<usize>,
}

const fn case(rule: &'static str, targets: &'static [&'static str]) -> Case {
    Case {
        rule,
        targets,
        item: |_| {},
        row: |_| {},
        step: None,
    }
}

const LLAMA_FACTORY: [&str; 3] = ["llamafactory-sft", "llamafactory-kto", "pref-x"];
const SWIFT: [&str; 2] = ["ms-swift", "ms-swift-sft"];

/// A record whose row passes all rules of a target.
fn good(target: &Target) -> Outgoing {
    let takes_pictures = !target
        .rules
        .iter()
        .any(|rule| rule.name == "unseen-pictures");
    let mut outgoing = match target.holds {
        Holds::Pairs => pairs(vec![code_pair()]),
        _ => run(code_run()),
    };
    outgoing.state = ReviewState::Accepted;
    first_wrong(&mut outgoing, "ann", 3);
    if target.name.contains("kto") {
        outgoing.review = crate::domain::review::Review::default();
    }
    if !takes_pictures {
        task(&mut outgoing).attachments.clear();
    }
    outgoing
}

fn trajectory(outgoing: &mut Outgoing) -> &mut Trajectory {
    outgoing.record.content.trajectory.as_mut().unwrap()
}

fn pair(outgoing: &mut Outgoing) -> &mut PreferencePair {
    &mut outgoing.record.content.pairs[0]
}

fn task(outgoing: &mut Outgoing) -> &mut Task {
    match &mut outgoing.record.content.trajectory {
        Some(trajectory) => &mut trajectory.task,
        None => &mut outgoing.record.content.pairs[0].context.task,
    }
}

fn steps(outgoing: &mut Outgoing) -> &mut Vec<Step> {
    match &mut outgoing.record.content.trajectory {
        Some(trajectory) => &mut trajectory.steps,
        None => &mut outgoing.record.content.pairs[0].context.steps,
    }
}

fn set_system(outgoing: &mut Outgoing, prompt: Option<&str>) {
    let prompt = prompt.map(Into::into);
    match &mut outgoing.record.content.trajectory {
        Some(trajectory) => trajectory.system_prompt = prompt,
        None => pair(outgoing).context.system_prompt = prompt,
    }
}

/// What a rule finds in the last row of a record.
fn findings(
    target: &'static Target,
    rule: &str,
    outgoing: &Outgoing,
    edit: fn(&mut Value),
) -> Vec<Finding> {
    let mut rendered = (target.render)(outgoing, &mut Pictures::new(Media::Path));
    let row = rendered
        .rows
        .pop()
        .unwrap_or_else(|| panic!("{}: {:?}", target.name, rendered.refusals));
    let mut value: Value = serde_json::from_str(&row.json).unwrap();
    edit(&mut value);
    let part = row.part.as_deref();
    let chat = target
        .chat
        .map(|form| chat_in(form, outgoing, part).unwrap());
    let subject = Subject {
        outgoing,
        pair: outgoing.record.content.pairs.first(),
        step: row.step,
        row: &value,
        contents: row.contents,
        chat: chat.as_ref(),
        target,
        tokens: None,
    };
    let rules = target
        .rules
        .iter()
        .copied()
        .filter(|known| known.name == rule);
    let rules: Vec<_> = rules.collect();
    assert_eq!(rules.len(), 1, "{} has no rule {rule}", target.name);
    let found = examine(&rules, &subject);
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// Every target with a rule.
static CASES: &[Case] = &[
    Case {
        item: |outgoing| steps(outgoing)[0].observation = None,
        step: Some(2),
        ..case("turns-alternate", &["llamafactory-sft", "ms-swift-sft"])
    },
    Case {
        item: |outgoing| steps(outgoing)[0].observation = None,
        step: Some(2),
        ..case("turns-alternate", &["ms-swift"])
    },
    Case {
        item: |outgoing| steps(outgoing)[0].observation = None,
        ..case("turns-alternate", &["pref-x"])
    },
    Case {
        // Of three rows the last, whose reply is that of step 3.
        item: |outgoing| steps(outgoing)[1].observation = None,
        step: Some(3),
        ..case("turns-alternate", &["llamafactory-kto"])
    },
    Case {
        row: |row| row["conversations"][1]["value"] = Value::Null,
        step: Some(1),
        ..case("turn-texts", &LLAMA_FACTORY)
    },
    Case {
        row: |row| row["rejected"]["value"] = json!(3),
        ..case("turn-texts", &["pref-x"])
    },
    Case {
        row: |row| row["conversations"][1]["from"] = "function_call".into(),
        step: Some(1),
        ..case("function-calls", &LLAMA_FACTORY)
    },
    Case {
        row: |row| row["chosen"] = json!({"from": "function_call", "value": "{\"name\": \"f\"}"}),
        ..case("function-calls", &["pref-x"])
    },
    Case {
        row: |row| row["chosen"] = Value::Null,
        ..case("side-form", &["pref-x"])
    },
    Case {
        row: |row| row["rejected"]["from"] = "human".into(),
        ..case("side-form", &["pref-x"])
    },
    Case {
        row: |row| row["images"] = json!([]),
        ..case(
            "picture-marks",
            &[
                "trl-sft",
                "trl-preference",
                "ms-swift",
                "ms-swift-sft",
                "pref-x",
            ],
        )
    },
    Case {
        row: |row| row["images"] = json!(["a.png", "b.png"]),
        ..case("picture-marks", &["llamafactory-sft"])
    },
    Case {
        row: |row| row["images"] = json!([]),
        step: Some(3),
        ..case("picture-marks", &["kto", "llamafactory-kto"])
    },
    Case {
        // A mark as a word, in one side alone.
        item: |outgoing| {
            pair(outgoing).rejected = Candidate {
                reply: Some("I see an <image>.".to_owned()),
                ..Candidate::default()
            };
        },
        ..case("picture-marks", &["pref-x", "ms-swift"])
    },
    Case {
        item: |outgoing| task(outgoing).text.push_str(" <|image_pad|>"),
        ..case(
            "literal-marks",
            &[
                "trl-sft",
                "trl-preference",
                "axolotl-sft",
                "ms-swift",
                "ms-swift-sft",
                "llamafactory-sft",
                "pref-x",
            ],
        )
    },
    Case {
        item: |outgoing| task(outgoing).text.push_str(" <|image_pad|>"),
        step: Some(3),
        ..case("literal-marks", &["kto", "llamafactory-kto"])
    },
    Case {
        item: |outgoing| {
            steps(outgoing)[0].observation.as_mut().unwrap().text = "<video>".to_owned()
        },
        step: Some(1),
        ..case("literal-marks", &["llamafactory-sft", "llamafactory-kto"])
    },
    Case {
        item: |outgoing| {
            steps(outgoing)[0].observation.as_mut().unwrap().text = "<img>a</img>".to_owned()
        },
        step: Some(1),
        ..case("literal-marks", &SWIFT)
    },
    Case {
        row: |row| {
            let part = json!({"role": "assistant", "content": [{"type": "image"}]});
            row["rejected"] = json!([part]);
        },
        ..case("picture-places", &["trl-preference"])
    },
    Case {
        row: |row| {
            row["completion"] = json!([{"role": "assistant", "content": [{"type": "image"}]}])
        },
        step: Some(3),
        ..case("picture-places", &["kto"])
    },
    Case {
        row: |row| row["messages"][1]["role"] = "tool".into(),
        ..case("picture-places", &["trl-sft"])
    },
    Case {
        row: |row| row["messages"][1]["role"] = "assistant".into(),
        ..case("picture-places", &["openai-messages"])
    },
    Case {
        item: |outgoing| steps(outgoing)[0].observation = None,
        step: Some(1),
        ..case("prompt-end", &["trl-preference"])
    },
    Case {
        item: |outgoing| steps(outgoing)[1].observation = None,
        step: Some(2),
        ..case("prompt-end", &["kto"])
    },
    Case {
        row: |row| row["prompt"] = json!([]),
        ..case("prompt-end", &["trl-preference"])
    },
    Case {
        item: |outgoing| pair(outgoing).rejected = pair(outgoing).chosen.clone(),
        ..case(
            "equal-sides",
            &["pref-x", "trl-preference", "ms-swift", "axolotl"],
        )
    },
    Case {
        item: |outgoing| {
            // Not read as thought and code, and the same but for blanks.
            let said = |text: &str| Candidate {
                reply: Some(text.to_owned()),
                ..Candidate::default()
            };
            pair(outgoing).chosen = said("I don't know.");
            pair(outgoing).rejected = said("I don't know.\n");
        },
        ..case("equal-sides", &["trl-preference", "axolotl"])
    },
    Case {
        item: |outgoing| {
            let mut same = code_pair();
            same.rejected = same.chosen.clone();
            outgoing.record.content.trajectory = None;
            outgoing.record.content.pairs = vec![same];
        },
        ..case("equal-sides", &["kto", "llamafactory-kto"])
    },
    Case {
        item: |outgoing| pair(outgoing).rejected = Candidate::default(),
        ..case(
            "empty-side",
            &["pref-x", "trl-preference", "ms-swift", "axolotl"],
        )
    },
    Case {
        item: |outgoing| outgoing.roots = PictureRoots::new(vec!["/nowhere".into()]),
        ..case(
            "missing-picture",
            &[
                "pref-x",
                "trl-preference",
                "trl-sft",
                "ms-swift",
                "ms-swift-sft",
                "axolotl-sft",
                "openai-messages",
                "llamafactory-sft",
            ],
        )
    },
    Case {
        item: |outgoing| outgoing.roots = PictureRoots::new(vec!["/nowhere".into()]),
        step: Some(3),
        ..case("missing-picture", &["kto", "llamafactory-kto"])
    },
    Case {
        item: |outgoing| {
            let address = Attachment {
                reference: crate::domain::PictureReference::from_text("https://example.org/a.png"),
                ..Attachment::from_path("", true)
            };
            task(outgoing).attachments = vec![address];
        },
        ..case("missing-picture", &["pref-x", "trl-sft"])
    },
    Case {
        item: |outgoing| set_system(outgoing, Some(" \n")),
        ..case(
            "no-system-prompt",
            &[
                "pref-x",
                "trl-preference",
                "trl-sft",
                "trl-prm",
                "ms-swift",
                "ms-swift-sft",
                "axolotl",
                "axolotl-sft",
                "openai-messages",
                "llamafactory-sft",
            ],
        )
    },
    Case {
        item: |outgoing| set_system(outgoing, None),
        step: Some(3),
        ..case("no-system-prompt", &["kto", "llamafactory-kto"])
    },
    Case {
        row: |row| {
            let object = row.as_object_mut().unwrap();
            let first = object.keys().next().unwrap().clone();
            object.shift_remove(&first);
        },
        ..case(
            "row-columns",
            &[
                "pref-x",
                "trl-preference",
                "trl-sft",
                "trl-prm",
                "ms-swift",
                "ms-swift-sft",
                "axolotl",
                "axolotl-sft",
                "llamafactory-sft",
            ],
        )
    },
    Case {
        row: |row| {
            let object = row.as_object_mut().unwrap();
            object.values_mut().next().map(Value::take).unwrap();
        },
        step: Some(3),
        ..case("row-columns", &["kto", "llamafactory-kto"])
    },
    Case {
        row: |row| row["images"] = json!("a.png"),
        ..case("row-columns", &["trl-sft", "ms-swift"])
    },
    Case {
        row: |row| row["label"] = json!(1),
        step: Some(3),
        ..case("label-type", &["kto"])
    },
    Case {
        row: |row| row["kto_tag"] = Value::Null,
        step: Some(3),
        ..case("label-type", &["llamafactory-kto"])
    },
    Case {
        item: |outgoing| {
            for (annotator, value) in [("ann", 1), ("ben", 1), ("cleo", -1)] {
                label(outgoing, annotator, 3, value);
            }
        },
        step: Some(3),
        ..case("labels-disagree", &["kto", "llamafactory-kto"])
    },
    Case {
        item: |outgoing| label(outgoing, "ben", 2, -1),
        step: Some(2),
        ..case("labels-disagree", &["trl-prm"])
    },
    Case {
        row: |row| {
            row["completion"] =
                json!([{"role": "assistant", "content": [{"type": "text", "text": " "}]}])
        },
        step: Some(3),
        ..case("empty-completion", &["kto"])
    },
    Case {
        row: |row| {
            let turns = row["conversations"].as_array_mut().unwrap();
            turns.last_mut().unwrap()["value"] = "<end_action>".into();
        },
        step: Some(3),
        ..case("empty-completion", &["llamafactory-kto"])
    },
    Case {
        row: |row| row["labels"] = json!([true]),
        ..case("label-count", &["trl-prm"])
    },
    Case {
        row: |row| row["labels"] = json!([true, 1, false]),
        ..case("label-count", &["trl-prm"])
    },
    Case {
        item: |outgoing| label(outgoing, "ann", 2, 0),
        step: Some(2),
        ..case("step-without-label", &["trl-prm"])
    },
    Case {
        item: |outgoing| {
            task(outgoing)
                .attachments
                .push(Attachment::from_path("a.png", true))
        },
        ..case("unseen-pictures", &["trl-prm", "axolotl"])
    },
    Case {
        item: |outgoing| {
            outgoing
                .record
                .content
                .problems
                .push("a sound is not heard".to_owned())
        },
        ..case(
            "passed-over",
            &[
                "pref-x",
                "trl-preference",
                "trl-sft",
                "trl-prm",
                "ms-swift",
                "ms-swift-sft",
                "axolotl",
                "axolotl-sft",
                "openai-messages",
                "llamafactory-sft",
            ],
        )
    },
    Case {
        item: |outgoing| {
            outgoing
                .record
                .content
                .problems
                .push("a sound is not heard".to_owned())
        },
        step: Some(3),
        ..case("passed-over", &["kto", "llamafactory-kto"])
    },
    Case {
        item: |outgoing| {
            let video = Attachment::from_path("kite.mp4", true);
            task(outgoing).attachments.push(video);
        },
        ..case(
            "unseen-media",
            &[
                "pref-x",
                "trl-preference",
                "trl-sft",
                "trl-prm",
                "ms-swift",
                "ms-swift-sft",
                "axolotl",
                "axolotl-sft",
                "openai-messages",
                "llamafactory-sft",
            ],
        )
    },
    Case {
        item: |outgoing| {
            let video = Attachment::from_path("kite.mp4", true);
            task(outgoing).attachments.push(video);
        },
        step: Some(3),
        ..case("unseen-media", &["kto", "llamafactory-kto"])
    },
    Case {
        item: |outgoing| trajectory(outgoing).steps.clear(),
        ..case(
            "no-reply",
            &["trl-sft", "ms-swift-sft", "axolotl-sft", "openai-messages"],
        )
    },
    Case {
        row: |row| {
            row["rejected_response"] = json!([{"role": "user", "content": "And?"}, {"role": "assistant", "content": "Red."}])
        },
        ..case("rejected-turns", &["ms-swift"])
    },
    Case {
        row: |row| row["rejected_response"] = Value::Null,
        ..case("rejected-turns", &["ms-swift"])
    },
    Case {
        row: |row| row["messages"][1]["role"] = "critic".into(),
        ..case("text-roles", &["axolotl"])
    },
    Case {
        row: |row| row["chosen"]["content"] = json!([{"type": "text", "text": "Blue."}]),
        ..case("text-roles", &["axolotl"])
    },
    Case {
        row: |row| row["rejected"]["content"] = "Red. ".into(),
        ..case("side-found", &["axolotl"])
    },
    Case {
        row: |row| row["chosen"]["content"] = "<think>Hm.</think>Blue.".into(),
        ..case("side-found", &["axolotl"])
    },
];

#[test]
fn every_rule_fires_and_is_silent_about_good_rows() {
    let mut tried = BTreeSet::new();
    for case in CASES {
        for name in case.targets {
            let target = target_named(name).unwrap();
            let mut outgoing = good(target);
            let known = findings(target, case.rule, &outgoing, |_| {});
            assert_eq!(known, [], "{name} {}", case.rule);
            (case.item)(&mut outgoing);
            let found = findings(target, case.rule, &outgoing, case.row);
            assert!(!found.is_empty(), "{name} {}", case.rule);
            assert_eq!(found[0].step, case.step, "{name} {}: {found:?}", case.rule);
            tried.insert((*name, case.rule));
        }
    }
    for target in TARGETS {
        let names: BTreeSet<&str> = target.rules.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), target.rules.len(), "{}", target.name);
        // Lengths need a model's folder: `tests/it/export/lengths.rs`.
        for rule in target.rules.iter().filter(|rule| rule.name != "too-long") {
            assert!(
                tried.contains(&(target.name, rule.name)),
                "{} {} is not tried",
                target.name,
                rule.name
            );
        }
    }
}

#[test]
fn good_rows_pass_all_rules() {
    for target in TARGETS.iter().filter(|target| !target.rules.is_empty()) {
        for rule in target.rules {
            assert_eq!(
                findings(target, rule.name, &good(target), |_| {}),
                [],
                "{}",
                target.name
            );
        }
    }
}

#[test]
fn shared_steps_must_be_repeated_behind_answers_of_tools() {
    let target = target_named("ms-swift").unwrap();
    let outgoing = pairs(vec![super::test_items::tool_pair()]);
    assert_eq!(findings(target, "rejected-turns", &outgoing, |_| {}), []);
    let without_shared: fn(&mut Value) = |row| {
        let rejected = row["rejected_response"].as_array_mut().unwrap();
        rejected.drain(..rejected.len() - 1);
    };
    let found = findings(target, "rejected-turns", &outgoing, without_shared);
    assert!(found[0].message.contains("does not repeat"), "{found:?}");
    let text: fn(&mut Value) = |row| row["rejected_response"] = "South.".into();
    assert_eq!(findings(target, "rejected-turns", &outgoing, text).len(), 1);
}

#[test]
fn tools_without_a_system_prompt_are_told_enough() {
    let outgoing = run(super::test_items::tool_run());
    for name in [
        "trl-sft",
        "llamafactory-sft",
        "axolotl-sft",
        "openai-messages",
    ] {
        let target = target_named(name).unwrap();
        assert_eq!(
            findings(target, "no-system-prompt", &outgoing, |_| {}),
            [],
            "{name}"
        );
    }
}

#[test]
fn addresses_are_fetched_for_openai_alone() {
    let mut outgoing = run(code_run());
    let address = crate::domain::PictureReference::from_text("https://example.org/a.png");
    task(&mut outgoing).attachments[0].reference = address;
    let target = target_named("openai-messages").unwrap();
    assert_eq!(findings(target, "missing-picture", &outgoing, |_| {}), []);
}
