use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

use super::path_text::{looks_like_path, may_be_same_file, plain_path};
use super::{FINAL_ANSWER, Flag, Place, Rule, RuleContext};
use crate::domain::{Step, Trajectory};

const NAME: &str = "unlisted-path";

pub(super) const RULE: Rule = Rule {
    name: NAME,
    doc: "A tool gets a path that the agent cannot know: a text that ends in a known file type and is neither an \
          attachment (under either path; one path may be the tail of the other), nor under `.cache`, nor in the task, nor \
          in an earlier observation, nor in the code's own calls of other functions (a file it saves). `final_answer` is \
          no tool; addresses and paths that the code computes do not fire.",
    check,
};

/// So many paths of a trajectory are looked at, since each is sought in all that was seen.
const MAX_PATHS: usize = 1_000;

fn check(trajectory: &Trajectory, context: &RuleContext<'_>, flags: &mut Vec<Flag>) {
    let listed = listed_paths(trajectory);
    // Texts that the agent has seen so far, and paths that its code has handed to something other than a tool.
    let mut seen: Vec<&str> = vec![&trajectory.task.text];
    seen.extend(trajectory.task.prompt.as_deref());
    let mut handed: HashSet<String> = HashSet::new();
    let mut left = MAX_PATHS;
    for (index, step) in trajectory.steps.iter().enumerate() {
        handed.extend(handed_paths(index, context));
        let given: Vec<Given<'_>> = given_paths(step, index, context).take(left).collect();
        left -= given.len();
        for given in given {
            let plain = plain_path(given.path);
            let is_known = listed.iter().any(|known| may_be_same_file(known, &plain))
                || handed.contains(&plain)
                || plain.split('/').any(|part| part == ".cache")
                || seen
                    .iter()
                    .any(|text| text.contains(given.path) || text.contains(&plain));
            if !is_known {
                let message = format!(
                    "`{}` gets `{}`, which nothing before it names",
                    given.tool, given.path
                );
                let flag = Flag::at_step(NAME, index, given.place, message);
                flags.push(Flag {
                    range: given.range,
                    ..flag
                });
            }
        }
        seen.extend(step.observation.as_ref().map(|o| o.text.as_str()));
        seen.extend(
            step.tool_calls()
                .iter()
                .filter_map(|call| call.result.as_deref()),
        );
    }
}

/// A path that a tool gets.
struct Given<'a> {
    tool: &'a str,
    path: &'a str,
    place: Place,
    range: Option<Range<usize>>,
}

fn given_paths<'a>(
    step: &'a Step,
    index: usize,
    context: &'a RuleContext<'_>,
) -> impl Iterator<Item = Given<'a>> {
    let tools = context
        .calls_of(index)
        .iter()
        .filter(move |call| context.is_tool_call(call, index));
    let in_code = tools.flat_map(move |call| {
        call.all_arguments().flat_map(move |(_, argument)| {
            let paths = context
                .value(&argument.value)
                .into_iter()
                .flat_map(paths_in);
            paths.map(|path| Given {
                tool: &call.name,
                path,
                place: Place::Code,
                range: Some(argument.range.clone()),
            })
        })
    });
    let calls = step
        .tool_calls()
        .iter()
        .enumerate()
        .filter(|(_, call)| call.name != FINAL_ANSWER);
    let structured = calls.flat_map(|(n, call)| {
        let values = call
            .arguments
            .as_object()
            .into_iter()
            .flat_map(|object| object.values());
        values.flat_map(paths_in).map(move |path| Given {
            tool: &call.name,
            path,
            place: Place::ToolCall(n),
            range: None,
        })
    });
    in_code.chain(structured)
}

/// The paths that a step's code hands to something other than a tool: files that it writes, lists or opens.
fn handed_paths(index: usize, context: &RuleContext<'_>) -> impl Iterator<Item = String> {
    let others = context
        .calls_of(index)
        .iter()
        .filter(move |call| !context.is_tool_call(call, index));
    let arguments = others.flat_map(|call| call.all_arguments());
    arguments
        .filter_map(|(_, argument)| context.value(&argument.value))
        .flat_map(paths_in)
        .map(plain_path)
}

/// Every path under which the record names a file that the agent was given or a tool returned.
fn listed_paths(trajectory: &Trajectory) -> Vec<String> {
    let attachments = trajectory.task.attachments.iter();
    let mut paths: Vec<String> = attachments
        .flat_map(|a| [Some(a.reference.label()), a.alias.as_deref()])
        .flatten()
        .map(plain_path)
        .collect();
    for step in &trajectory.steps {
        let observed = step.observation.iter().flat_map(|o| &o.pictures);
        paths.extend(
            step.pictures
                .iter()
                .chain(observed)
                .map(|p| plain_path(p.label())),
        );
    }
    paths
}

/// The paths that an argument is, or that are elements of its list.
fn paths_in(value: &Value) -> impl Iterator<Item = &str> {
    let (own, items) = match value {
        Value::Array(items) => (None, items.as_slice()),
        other => (Some(other), &[][..]),
    };
    own.into_iter()
        .chain(items)
        .filter_map(Value::as_str)
        .filter(|text| looks_like_path(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::rules::Place;
    use crate::rules::sample::{calls, code, flags_of, trajectory};

    #[test]
    fn paths_from_nowhere_are_flagged_at_the_argument() {
        let text = "print('é')\nlooker(question='q', image_path='data/other/a.jpg')";
        let found = flags_of(
            super::NAME,
            &trajectory([code("looker('q', p)", ""), code(text, "")]),
        );
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].step, found[0].field), (Some(2), Place::Code));
        assert_eq!(
            &text[found[0].range.clone().expect("range")],
            "'data/other/a.jpg'"
        );
        let text = "path = 'b.png'\nlooker('q', path)";
        let found = flags_of(super::NAME, &trajectory([code(text, "")]));
        assert_eq!(&text[found[0].range.clone().expect("range")], "path");
        let step = calls(
            &[
                ("counter", json!({"image": "data/pictures/birds/a.jpg"})),
                ("counter", json!({"image": ["x/b.jpg"]})),
            ],
            "",
        );
        let found = flags_of(super::NAME, &trajectory([step]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, Place::ToolCall(1));
    }

    #[test]
    fn a_path_must_be_seen_before_it_is_used() {
        let use_it = || code("looker('q', 'out/b.png')", "");
        let print_it = || code("print(image_generator())", "saved at out/b.png");
        assert!(flags_of(super::NAME, &trajectory([print_it(), use_it()])).is_empty());
        assert_eq!(
            flags_of(super::NAME, &trajectory([use_it(), print_it()])).len(),
            1
        );
    }

    #[test]
    fn known_paths_are_not_flagged() {
        for text in [
            "looker('q', 'data/pictures/birds/a.jpg')",
            "looker('q', './data/agent/birds/a.jpg')",
            "looker('q', 'a.jpg')",
            "looker('q', '.cache/made.png')",
            "looker('q', 'run/.cache/made.png')",
            "plt.savefig('chart.png')\nlooker('q', 'chart.png')",
            "looker('what is in b.jpg?', 'https://x.org/b.jpg')",
            "looker('q', f'{folder}/b.jpg')",
            "final_answer('out/b.png')",
            "open('notes/b.txt')",
        ] {
            assert!(
                flags_of(super::NAME, &trajectory([code(text, "")])).is_empty(),
                "{text}"
            );
        }
        let mut asked = trajectory([code("reader('notes/b.txt')", "")]);
        asked.task.text = "Read notes/b.txt.".to_owned();
        assert!(flags_of(super::NAME, &asked).is_empty());
    }
}
