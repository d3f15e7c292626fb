use super::{Flag, Place, Rule, RuleContext};
use crate::domain::{Action, Observation, Step, ToolCall, Trajectory};

const NAME: &str = "no-progress";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "Two steps in a row with the same action, or with the same observation where that is an error or has at least 40 \
          characters (short results of different calls are often equal), or both with an empty observation. Flags the \
          later of the two.",
    check,
};

/// Different calls often return equal short results (`2`, `True`).
const MIN_TELLING: usize = 40;

fn check(trajectory: &Trajectory, _: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    for (index, pair) in trajectory.steps.windows(2).enumerate() {
        let [before, step] = pair else { continue };
        let found = if let Some(place) = same_action(before, step) {
            Some((place, "does the same as the step before"))
        } else {
            let observations = before.observation.as_ref().zip(step.observation.as_ref());
            observations
                .and_then(|(before, now)| stall(before, now))
                .map(|m| (Place::Observation, m))
        };
        flags.extend(
            found.map(|(place, message)| Flag::at_step(NAME, index + 1, place, message.to_owned())),
        );
    }
}

fn same_action(before: &Step, step: &Step) -> Option<Place> {
    let same_call = |a: &ToolCall, b: &ToolCall| a.name == b.name && a.arguments == b.arguments;
    match (before.action.as_ref()?, step.action.as_ref()?) {
        (Action::Code(a), Action::Code(b)) => {
            (!a.trim().is_empty() && a.trim() == b.trim()).then_some(Place::Code)
        }
        (Action::ToolCalls(a), Action::ToolCalls(b)) => {
            let same = !a.is_empty()
                && a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| same_call(a, b));
            same.then_some(Place::ToolCall(0))
        }
        (Action::Message(a), Action::Message(b)) => {
            (a.trim() == b.trim()).then_some(Place::Thought)
        }
        _ => None,
    }
}

fn stall(before: &Observation, now: &Observation) -> Option<&'static str> {
    if !before.pictures.is_empty() || !now.pictures.is_empty() {
        return None;
    }
    let (a, b) = (before.text.trim(), now.text.trim());
    if a.is_empty() && b.is_empty() {
        return Some("shows nothing, as the step before");
    }
    let is_telling = now.is_error || b.chars().count() >= MIN_TELLING;
    (a == b && is_telling).then_some("shows the same as the step before")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::PictureReference;
    use crate::rules::Place;
    use crate::rules::sample::{calls, code, failed, flags_of, trajectory};

    #[test]
    fn the_later_of_two_equal_steps_is_flagged() {
        let long = "A result that is long enough to tell two different calls apart.";
        let steps = [
            code("a()", "1"),
            code("a()\n", "2"),
            code("b()", long),
            code("c()", long),
            code("d()", " "),
            code("e()", ""),
            failed(code("f()", "E")),
            failed(code("g()", "E")),
        ];
        let found = flags_of(super::NAME, &trajectory(steps));
        let places: Vec<_> = found
            .iter()
            .map(|f| (f.step.unwrap_or(0), f.field))
            .collect();
        assert_eq!(
            places,
            [
                (2, Place::Code),
                (4, Place::Observation),
                (6, Place::Observation),
                (8, Place::Observation)
            ]
        );
        let same = || calls(&[("looker", json!({"a": 1}))], "x");
        let found = flags_of(super::NAME, &trajectory([same(), same()]));
        assert_eq!(found[0].field, Place::ToolCall(0));
    }

    #[test]
    fn different_steps_with_short_equal_results_are_not() {
        let counts = [
            calls(&[("counter", json!({"image": "a"}))], "2"),
            calls(&[("counter", json!({"image": "b"}))], "2"),
            code("x = 1", ""),
        ];
        assert!(flags_of(super::NAME, &trajectory(counts)).is_empty());
        let mut pictures = [code("a()", ""), code("b()", "")];
        for step in &mut pictures {
            let picture = PictureReference::Path("x.png".to_owned());
            step.observation
                .iter_mut()
                .for_each(|o| o.pictures.push(picture.clone()));
        }
        assert!(flags_of(super::NAME, &trajectory(pictures)).is_empty());
    }
}
