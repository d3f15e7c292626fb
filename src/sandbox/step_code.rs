use std::sync::LazyLock;

use regex::Regex;

use crate::domain::{Action, Step};

/// Which rule found the code of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeRule {
    /// The reference's: the first block ` ```py `, ` ```python ` or ` ``` ` after the last `Code:`.
    Reference,
    /// The reference's where a reply has no `Code:`: the first such block of the whole reply.
    WholeReply,
    /// Not the reference's: our reader found code where the fence is broken or missing; the reference stops with an error
    /// there.
    Lenient,
    /// The data gives code without the reply that it stood in.
    Given,
}

/// The code of a step, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCode {
    /// The code that runs.
    pub code: String,
    /// How it was found.
    pub rule: CodeRule,
    /// Whether the reply has more blocks, which do not run.
    pub has_more: bool,
}

impl CodeRule {
    /// The name for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::WholeReply => "whole-reply",
            Self::Lenient => "lenient",
            Self::Given => "given",
        }
    }

    /// What it says to a person.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Reference => "the first Python block after the last Code:",
            Self::WholeReply => "the first Python block of the reply, which has no Code:",
            Self::Lenient => "code that the reference's pattern does not find",
            Self::Given => "code that the data gives without its reply",
        }
    }
}

/// The code that a step runs: by the reference's rule if its reply is known, else as the data has it.
///
/// `transformers.agents` 4.44.2 splits a reply at the last `Code:` and searches what follows for
/// ` ```(?:py|python)?\n(.*?)\n``` `; without that mark it searches the whole reply.
///
/// A step whose action is structured calls or a message runs none, whatever its reply quotes.
pub fn step_code(step: &Step) -> Option<StepCode> {
    let given = match &step.action {
        Some(Action::Code(code)) => Some(code.as_str()),
        Some(Action::ToolCalls(_) | Action::Message(_)) => return None,
        None => None,
    };
    let Some(reply) = &step.reply else {
        return given.map(|code| StepCode {
            code: code.to_owned(),
            rule: CodeRule::Given,
            has_more: false,
        });
    };
    let (rule, text) = match reply.rfind("Code:") {
        Some(mark) => (CodeRule::Reference, reply.get(mark..).unwrap_or(reply)),
        None => (CodeRule::WholeReply, reply.as_str()),
    };
    let mut blocks = PATTERN
        .as_ref()
        .into_iter()
        .flat_map(|p| p.captures_iter(text));
    if let Some(block) = blocks.next() {
        let code = block.get(1).map_or("", |code| code.as_str());
        // Python's strip; a first line's indent goes with it, as in the reference.
        let code = code.trim().to_owned();
        let has_more = blocks.next().is_some();
        // A person's edit of the code is what runs.
        let edited = given.filter(|given| given.trim() != code && !reply.contains(*given));
        return Some(StepCode {
            rule: if edited.is_some() {
                CodeRule::Given
            } else {
                rule
            },
            code: edited.map_or(code, str::to_owned),
            has_more,
        });
    }
    given.map(|code| StepCode {
        code: code.to_owned(),
        rule: CodeRule::Lenient,
        has_more: false,
    })
}

static PATTERN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)```(?:py|python)?\n(.*?)\n```").ok());

#[cfg(test)]
mod tests {
    use super::*;

    fn found(reply: &str, given: Option<&str>) -> Option<(String, CodeRule, bool)> {
        let step = Step {
            reply: Some(reply.to_owned()),
            action: given.map(|code| Action::Code(code.to_owned())),
            ..Step::default()
        };
        step_code(&step).map(|found| (found.code, found.rule, found.has_more))
    }

    #[test]
    fn forms_in_the_wild_run_as_the_reference_runs_them() {
        use CodeRule::{Lenient, Reference, WholeReply};
        let cases = [
            (
                "Thought: t\nCode:\n```py\na\n```<end_action>",
                "a",
                Reference,
                false,
            ),
            (
                "**Thought:** t\n\n**Code:**\n```python\na\n```",
                "a",
                Reference,
                false,
            ),
            ("### Code:\n```\na\n```", "a", Reference, false),
            // Two blocks: the first runs. Two marks: what follows the last runs.
            (
                "Code:\n```py\na\n```\nor\n```py\nb\n```",
                "a",
                Reference,
                true,
            ),
            (
                "Code:\n```py\na\n```\nCode:\n```py\nb\n```",
                "b",
                Reference,
                false,
            ),
            ("Look.\n```py\na\n```", "a", WholeReply, false),
            // Prose in the fence is run, and fails.
            (
                "Code:\n```py\nFirst I look.\na\n```",
                "First I look.\na",
                Reference,
                false,
            ),
            (
                "Code:\n```py\n\tif x:\n\t\ta\n```",
                "if x:\n\t\ta",
                Reference,
                false,
            ),
            (
                "Code:\n```py\nif x:\r\n\ta\n```",
                "if x:\r\n\ta",
                Reference,
                false,
            ),
        ];
        for (reply, code, rule, has_more) in cases {
            let expected = Some((code.to_owned(), rule, has_more));
            assert_eq!(found(reply, Some(code)), expected, "{reply}");
        }
        // What the reference's pattern does not find is marked; without code of the data there is none.
        for reply in [
            "Code:\nprint(1)",
            "Code:\n```py\nprint(1)",
            "Code:\n```py\r\nprint(1)\r\n```",
            "Code:\n```py\nprint(1)```",
            "Code: ```json\n{}\n```",
        ] {
            let lenient = Some(("print(1)".to_owned(), Lenient, false));
            assert_eq!(found(reply, Some("print(1)")), lenient, "{reply}");
            assert_eq!(found(reply, None), None, "{reply}");
        }
    }

    #[test]
    fn code_that_a_person_edited_is_what_runs() {
        let reply = "Code:\n```py\na\n```";
        let edited = Some(("b()".to_owned(), CodeRule::Given, false));
        assert_eq!(found(reply, Some("b()")), edited);
        let step = Step {
            action: Some(Action::Code("c()".to_owned())),
            ..Step::default()
        };
        assert_eq!(
            step_code(&step).map(|found| found.rule),
            Some(CodeRule::Given)
        );
    }
}
