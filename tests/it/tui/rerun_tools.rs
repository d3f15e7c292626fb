//! Tool calls of new candidates: live tools, results that a person types, and how both are asked for.

use retake::config::Config;

use super::rerun::{reply, scripted};
use super::{Sitting, user_with_demo};

/// A candidate that asks about the picture, in words that no recording has.
fn asks() -> Vec<Vec<String>> {
    let code = "seen = visualizer(question='How many prices are there?', image_path='images/receipt.png')\nprint('prices:', seen)";
    vec![vec![reply("I count the prices.", code)], vec![]]
}

#[test]
fn what_a_person_says_that_a_call_returned_is_what_the_candidate_gets() {
    let mut sitting = {
        let user = user_with_demo("rerun-typed-one");
        let make = scripted(vec![asks()]);
        let mut sitting = Sitting::with_controllers(user, 120, 40, 1, make);
        sitting
            .press("/")
            .type_text("id:trajectories/cafe-split")
            .press("enter enter l l");
        sitting
    };
    sitting.press("R l");
    let shown = sitting.text();
    assert!(
        shown.contains("unavailable") && shown.contains("nobody answers"),
        "{shown}"
    );
    sitting.press("h I");
    assert!(
        sitting.text().contains("every call of it was answered"),
        "{}",
        sitting.text()
    );
    sitting.press("l I");
    assert!(
        sitting.text().contains("What does visualizer("),
        "{}",
        sitting.text()
    );
    sitting.type_text("four").press("ctrl-s");
    let shown = sitting.text();
    assert!(shown.contains("prices: four"), "{shown}");
    assert!(shown.contains("answered by person:tess"), "{shown}");
    let strip = shown.lines().nth(2).unwrap();
    assert!(
        strip.contains("ran") && strip.contains('#'),
        "it is judged: {shown}"
    );
    assert!(!strip.contains("unavailable"), "{shown}");
    assert_eq!(sitting.verbs(), ["tool-result"]);
    // The next re-run of the step knows it, too.
    sitting.press("enter p");
    assert!(
        sitting.text().contains("saved a pair: 1 against 0"),
        "{}",
        sitting.text()
    );
}

#[test]
fn live_tools_answer_where_the_form_says_so() {
    let user = user_with_demo("rerun-live");
    let eyes = vec![vec!["There are four.".to_owned()]];
    let make = scripted(vec![asks(), asks(), eyes]);
    let mut sitting = Sitting::with_controllers(user, 120, 40, 1, make);
    sitting
        .press("/")
        .type_text("id:trajectories/cafe-split")
        .press("enter enter l l");
    sitting.press("R");
    assert!(sitting.text().contains("unavailable"), "{}", sitting.text());
    sitting.press("s up down down down down down down down");
    assert!(sitting.text().contains("live tools"), "{}", sitting.text());
    sitting.type_text("perhaps").press("enter");
    assert!(
        sitting.text().contains("live tools: yes or no"),
        "{}",
        sitting.text()
    );
    sitting.press("ctrl-u").type_text("yes").press("enter l");
    let shown = sitting.text();
    assert!(shown.contains("prices: There are four."), "{shown}");
    assert!(shown.contains("answered by model"), "{shown}");
}

#[test]
fn the_form_names_the_model_of_the_settings() {
    let name = |config: &mut Config, model: &str| config.controller.model = model.to_owned();
    for (model, said) in [
        ("qwen2-vl", "qwen2-vl, as the settings say"),
        ("", "a name, a folder, a GGUF file or a URL"),
    ] {
        let user = user_with_demo(&format!("rerun-form-{}", model.len()));
        let make = scripted(vec![asks()]);
        let adjust = |config: &mut Config| name(config, model);
        let mut sitting = Sitting::made(user, 120, 40, adjust, Some(make));
        sitting
            .press("/")
            .type_text("id:trajectories/cafe-split")
            .press("enter enter l l R s");
        assert!(sitting.text().contains(said), "{}", sitting.text());
    }
}
