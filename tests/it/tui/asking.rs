//! Calls that no recording answers: a person says what they returned.

use serde_json::json;

use super::Sitting;
use crate::user::{User, array, record};

#[test]
fn a_typed_result_is_kept_and_runs_the_steps_again() {
    let user = User::new("tui-asking");
    let mut asked = record("1", "How long is the name?", "5", "5");
    let code = "name = ocr(image_path='sign.png')\nprint(len(name))";
    asked["conversations"][2]["value"] = json!(format!(
        "Thought: I read it.\nCode:\n```py\n{code}\n```<end_action>"
    ));
    let tools = "Tools:\n- ocr: reads a picture\n    Takes inputs: {'image_path': str}";
    asked["conversations"][0]["value"] = json!(format!("You are careful. {tools}"));
    user.write("asked.json", array(&[asked]));
    user.retake(["add", "asked.json"]).succeeds();
    let mut sitting = Sitting::new(user, 120, 40);
    sitting.press("enter l I");
    assert!(
        sitting.text().contains("not run again yet"),
        "{}",
        sitting.text()
    );
    sitting.press("X");
    let unknown = sitting.text();
    assert!(unknown.contains("ocr  answered by nobody"), "{unknown}");
    sitting.press("I");
    assert!(
        sitting.text().contains("What does ocr("),
        "{}",
        sitting.text()
    );
    sitting.type_text("'Marta'").press("ctrl-s");
    let known = sitting.text();
    assert!(known.contains("ocr  answered by person:tess"), "{known}");
    assert_eq!(sitting.verbs(), ["tool-result"]);
    // Nothing is left to be asked; an undo takes the answer away.
    sitting.press("I");
    assert!(
        sitting.text().contains("every call was answered"),
        "{}",
        sitting.text()
    );
    sitting.press("u X");
    assert!(
        sitting.text().contains("answered by nobody"),
        "{}",
        sitting.text()
    );
}
