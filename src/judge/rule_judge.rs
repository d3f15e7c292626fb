use super::case::step_of;
use super::{Case, Judge, JudgeError};
use crate::domain::{Action, Candidate, Judgement, Trajectory};
use crate::jobs::Progress;
use crate::rules::{
    ArgumentValue, FINAL_ANSWER, Flag, RuleContext, check, step_calls, trajectory_calls,
};

/// The rule of replies and code that can't be parsed.
const UNPARSED_RULE: &str = "unparsed";

/// The rule of observations that are errors.
const ERROR_RULE: &str = "error";

/// The rule of failures that are not the candidate's.
const MACHINE_RULE: &str = "infra-error";

/// Rules whose flags are about the step itself.
const STEP_RULES: &[&str] = &[
    UNPARSED_RULE,
    ERROR_RULE,
    "unknown-tool",
    "bad-arguments",
    "unlisted-path",
    "missing-file",
    "repeated-call",
    "no-progress",
];

/// The rule whose flags are about the answer.
const ANSWER_RULE: &str = "ungrounded-answer";

/// An answer of more words is a text of its own, whose words need not stand anywhere.
const MOST_ANSWER_WORDS: usize = 6;

/// Answers that say nothing that could stand anywhere.
const PLAIN_ANSWERS: &[&str] = &["yes", "no", "true", "false", "none", "unknown"];

/// Judges by what can be checked: the rules of an audit, run on the trajectory that the candidate makes, and its form. The score is
/// minus the number of faults.
#[derive(Debug, Default)]
pub struct RuleJudge;

impl Judge for RuleJudge {
    fn name(&self) -> String {
        "rules".to_owned()
    }

    fn judge(
        &mut self,
        case: &Case<'_>,
        progress: &Progress,
    ) -> Result<Vec<Judgement>, JudgeError> {
        let mut judgements = Vec::with_capacity(case.candidates.len());
        for candidate in case.candidates {
            progress.check()?;
            let findings = findings(case, candidate);
            judgements.push(Judgement {
                judge: self.name(),
                score: Some(0.0 - findings.faults.len() as f64),
                reasons: [findings.faults, findings.remarks].concat(),
                ..Judgement::default()
            });
        }
        rank(&mut judgements);
        Ok(judgements)
    }
}

/// Gives places by score, equal scores sharing one, and says which is the best if it is one alone.
pub(super) fn rank(judgements: &mut [Judgement]) {
    let scores: Vec<Option<f64>> = judgements.iter().map(|one| one.score).collect();
    let better = |than: f64| {
        scores
            .iter()
            .flatten()
            .filter(|score| **score > than)
            .count()
    };
    let places: Vec<Option<usize>> = scores
        .iter()
        .map(|score| score.map(|score| better(score) + 1))
        .collect();
    let is_alone = places.iter().filter(|place| **place == Some(1)).count() == 1;
    for (judgement, place) in judgements.iter_mut().zip(places) {
        judgement.rank = place;
        judgement.best = is_alone && place == Some(1);
    }
}

/// What rules find in a candidate, each in a few words with the name of the rule before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is wrong with it.
    pub faults: Vec<String>,
    /// What is to be known and is not its fault: that the machinery failed, or that no tool answered.
    pub remarks: Vec<String>,
}

/// What rules find in a candidate.
pub fn findings(case: &Case<'_>, candidate: &Candidate) -> Findings {
    let mut found = Findings::default();
    let faults = &mut found.faults;
    let thought = candidate.thought.as_deref().unwrap_or_default();
    if thought.trim().is_empty() {
        faults.push("format: there is no thought".to_owned());
    }
    let trajectory = with_candidate(case, candidate);
    let calls = trajectory_calls(&trajectory);
    let context = RuleContext::new(case.tools, case.files, None, &calls);
    let step = trajectory.steps.len();
    let mut flags = check(&trajectory, &context);
    let is_of_machine = |flag: &Flag| flag.step == Some(step) && flag.rule == MACHINE_RULE;
    // What can't be parsed can't but fail: one fault, not two.
    let explains = |flag: &Flag| {
        is_of_machine(flag) || (flag.step == Some(step) && flag.rule == UNPARSED_RULE)
    };
    if flags.iter().any(explains) {
        flags.retain(|flag| flag.step != Some(step) || flag.rule != ERROR_RULE);
    }
    for flag in flags {
        if is_of_machine(&flag) {
            found
                .remarks
                .push(format!("{}: {}", flag.rule, flag.message));
            continue;
        }
        let counts = match flag.step {
            Some(of) => of == step && STEP_RULES.contains(&flag.rule),
            None => flag.rule == ANSWER_RULE,
        };
        if counts {
            faults.push(format!("{}: {}", flag.rule, flag.message));
        }
    }
    faults.extend(unseen_answer(&trajectory));
    let executed = candidate.execution.as_ref();
    let unavailable = executed.and_then(|executed| executed.unavailable.as_deref());
    found
        .remarks
        .extend(unavailable.map(|why| format!("not executed: {why}")));
    found
}

/// The trajectory that ends with the candidate; its answer is what the candidate gave as such.
fn with_candidate(case: &Case<'_>, candidate: &Candidate) -> Trajectory {
    let mut steps = case.context.steps.clone();
    steps.push(step_of(candidate));
    let given = candidate.execution.as_ref();
    let given = given.and_then(|executed| executed.final_answer.clone());
    let message = match &candidate.action {
        Some(Action::Message(text)) => Some(text.clone()),
        _ => None,
    };
    Trajectory {
        system_prompt: case.context.system_prompt.clone(),
        tools: case.context.tools.clone(),
        task: case.context.task.clone(),
        steps,
        answer: given.or(message),
        ..Trajectory::default()
    }
}

/// A short answer, written out in the code, of which no word stands in the task or in an observation.
fn unseen_answer(trajectory: &Trajectory) -> Option<String> {
    let (last, before) = trajectory.steps.split_last()?;
    let written = step_calls(last.code()?);
    if written.computes {
        return None;
    }
    let call = written
        .calls
        .iter()
        .find(|call| call.name == FINAL_ANSWER)?;
    let (_, argument) = call.all_arguments().next()?;
    let ArgumentValue::Literal(value) = &argument.value else {
        return None;
    };
    let answer = value.as_str()?;
    let words: Vec<String> = words(answer).collect();
    let is_plain = |word: &String| PLAIN_ANSWERS.contains(&word.as_str());
    // Numbers are the business of the rules.
    let tells = |word: &&String| word.chars().count() > 2 && word.chars().all(char::is_alphabetic);
    let telling: Vec<&String> = words.iter().filter(tells).collect();
    if telling.is_empty() || words.len() > MOST_ANSWER_WORDS || words.iter().any(is_plain) {
        return None;
    }
    let task = &trajectory.task;
    let captions = task.attachments.iter().filter_map(|a| a.caption.as_deref());
    let observed = before.iter().flat_map(|step| {
        let results = step.tool_calls().iter();
        let results = results.filter_map(|call| call.result.as_deref());
        let text = step.observation.as_ref().map(|o| o.text.as_str());
        text.into_iter().chain(results)
    });
    let seen: String = [Some(task.text.as_str()), task.prompt.as_deref()]
        .into_iter()
        .flatten()
        .chain(captions)
        .chain(observed)
        .flat_map(|text| [text, "\n"])
        .collect::<String>()
        .to_lowercase();
    // Pictures are read without a word of text.
    let is_shown = task
        .attachments
        .iter()
        .any(|a| a.shown && a.reference.is_picture());
    let is_unseen = telling.iter().all(|word| !seen.contains(word.as_str()));
    (is_unseen && !is_shown).then(|| {
        format!("unseen-answer: neither the task nor an observation has a word of “{answer}”")
    })
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::case::tests::{candidate, case, context};
    use super::*;
    use crate::domain::{Attachment, Execution, ToolDefinition, ToolParameter};

    fn tool(name: &str, parameters: &[&str]) -> ToolDefinition {
        let parameter = |name: &&str| ToolParameter {
            name: (*name).to_owned(),
            ..ToolParameter::default()
        };
        ToolDefinition {
            name: name.to_owned(),
            description: None,
            parameters: parameters.iter().map(parameter).collect(),
        }
    }

    fn names(found: &[String]) -> Vec<&str> {
        found
            .iter()
            .filter_map(|text| text.split(':').next())
            .collect()
    }

    #[test]
    fn each_fault_is_found_and_named() {
        let mut shown = context("How many cats are in the picture?");
        shown.task.attachments = vec![Attachment::from_path("in/a.jpg", false)];
        let looked = candidate("I look.", "looker('q', 'in/a.jpg')", "two cats");
        shown.steps = vec![step_of(&looked)];
        let tools = [
            tool("looker", &["question", "image_path"]),
            tool("final_answer", &["answer"]),
        ];
        let of = |candidate: &Candidate| {
            let candidates = std::slice::from_ref(candidate);
            let case = Case {
                tools: &tools,
                ..case(&shown, candidates)
            };
            findings(&case, candidate)
        };
        let cases = [
            (candidate("I count.", "print(2)", "2"), vec![]),
            (candidate("", "print(2)", "2"), vec!["format"]),
            (candidate("I count.", "", ""), vec!["unparsed"]),
            (candidate("I count.", "print((", ""), vec!["unparsed"]),
            (
                candidate("I count.", "", "Error in code parsing: there is no code"),
                vec!["unparsed"],
            ),
            (
                candidate("I count.", "print((", "Error: '(' was never closed"),
                vec!["unparsed"],
            ),
            (
                candidate("I count.", "print(x)", "Error: no x"),
                vec!["error"],
            ),
            (
                candidate("I search.", "seeker('cats')", "x"),
                vec!["unknown-tool"],
            ),
            (
                candidate("I look.", "looker('q')", "x"),
                vec!["bad-arguments"],
            ),
            (
                candidate("I look.", "looker('q', 'in/b.jpg')", "x"),
                vec!["unlisted-path"],
            ),
            (
                candidate("Again.", "print(1)\nlooker('q', 'in/a.jpg')", "y"),
                vec!["repeated-call"],
            ),
            (
                candidate("I know.", "final_answer('tabby')", ""),
                vec!["unseen-answer"],
            ),
            (candidate("I know.", "final_answer('two cats')", ""), vec![]),
            (candidate("I know.", "final_answer('no')", ""), vec![]),
        ];
        for (candidate, expected) in cases {
            let found = of(&candidate);
            assert_eq!(names(&found.faults), expected, "{candidate:?}: {found:?}");
            assert!(found.remarks.is_empty(), "{found:?}");
        }
        let mut answered = candidate("I know.", "final_answer(47)", "");
        answered.execution = Some(Box::new(Execution {
            final_answer: Some("47".to_owned()),
            ..Execution::default()
        }));
        assert_eq!(names(&of(&answered).faults), ["ungrounded-answer"]);
    }

    #[test]
    fn what_the_machinery_did_is_no_fault() {
        let context = context("Search.");
        let mut waiting = candidate("I search.", "print(1)", "");
        waiting.execution = Some(Box::new(Execution {
            unavailable: Some("no tool".to_owned()),
            ..Execution::default()
        }));
        let candidates = [
            candidate("I search.", "print(1)", "Error code: 429 - {'error': 1}"),
            waiting,
        ];
        let case = case(&context, &candidates);
        for candidate in &candidates {
            let found = findings(&case, candidate);
            assert!(found.faults.is_empty(), "{found:?}");
            assert_eq!(found.remarks.len(), 1, "{found:?}");
        }
    }

    #[test]
    fn places_are_shared_by_equals_and_nobody_is_best_in_a_tie() {
        let judged = |codes: &[&str]| {
            let context = context("Count.");
            let candidates: Vec<Candidate> = codes
                .iter()
                .map(|code| candidate("I count.", code, "x"))
                .collect();
            let case = case(&context, &candidates);
            let judged = RuleJudge
                .judge(&case, &Progress::default())
                .expect("judged");
            judged
                .into_iter()
                .map(|one| (one.score, one.rank, one.best))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            judged(&["print((", "print(1)", ""]),
            [
                (Some(-1.0), Some(2), false),
                (Some(0.0), Some(1), true),
                (Some(-1.0), Some(2), false)
            ]
        );
        assert!(
            judged(&["print(1)", "print(2)"])
                .iter()
                .all(|one| !one.2 && one.1 == Some(1))
        );
    }
}
