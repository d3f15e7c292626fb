use serde::Serialize;
use serde_json::Value;

use super::rule_judge::rank;
use super::{Case, Judge, JudgeError, ModelWay, Preference, parse_answer, shuffled};
use crate::config::JudgeConfig;
use crate::controller::{ChatRequest, Content, ContentPart, Controller, RequestMessage};
use crate::domain::{
    Action, Candidate, ContentHash, Judgement, Observation, Step, ToolDefinition, content_hash,
};
use crate::jobs::Progress;
use crate::prompts::{Prompts, Template};

/// What a model is asked.
const PROMPT: Template = Template {
    name: "judge",
    text: include_str!("../../assets/prompts/judge.txt"),
};

/// A model that picks, orders or scores candidates.
///
/// It is shown tools, files and pictures besides the steps so far, and the candidates in an order that chance settles; what it says is
/// mapped back. An answer that can't be read is asked for once more; after that there is no verdict.
pub struct ModelJudge {
    /// What it is called.
    pub name: String,
    /// How it is asked.
    pub way: ModelWay,
    /// What answers.
    pub controller: Box<dyn Controller>,
    /// Where its prompt comes from.
    pub prompts: Prompts,
    /// How it draws, and how much it is shown.
    pub settings: JudgeConfig,
}

impl Judge for ModelJudge {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn judge(
        &mut self,
        case: &Case<'_>,
        progress: &Progress,
    ) -> Result<Vec<Judgement>, JudgeError> {
        let order = shuffled(case.candidates.len(), case.seed, "judge");
        let shown = Shown::of(case, &order, self.way, self.settings.most_characters);
        let text = self.prompts.render(&PROMPT, &shown)?.text;
        let mut request = self.request(case, text);
        let prompt = prompt_hash(&request.messages);
        let first = self.ask(&request, progress)?;
        let count = case.candidates.len();
        let mut answer = parse_answer(&first, self.way, count);
        if let Err(why) = &answer {
            request
                .messages
                .push(RequestMessage::text("assistant", first.trim()));
            let again = format!(
                "This answer can't be used: {why}. Answer with the JSON object that was asked for, and nothing else."
            );
            request.messages.push(RequestMessage::text("user", again));
            // Greedy or not, the question is another one now.
            request.seed = request.seed.map(|seed| seed.wrapping_add(1));
            answer = parse_answer(&self.ask(&request, progress)?, self.way, count);
        }
        let judgements = match answer {
            Ok(preference) => self.judgements(&preference, &order),
            Err(why) => {
                let judgement = Judgement {
                    no_verdict: Some(format!("{why}, also when asked again")),
                    ..Judgement::default()
                };
                vec![judgement; count]
            }
        };
        let named = judgements.into_iter().map(|judgement| Judgement {
            judge: self.name.clone(),
            prompt,
            ..judgement
        });
        Ok(named.collect())
    }
}

impl ModelJudge {
    fn request(&self, case: &Case<'_>, text: String) -> ChatRequest {
        let content = match case.pictures {
            [] => Content::Text(text),
            pictures => {
                let mut parts = pictures.to_vec();
                parts.push(ContentPart::Text { text });
                Content::Parts(parts)
            }
        };
        let message = RequestMessage {
            role: "user".to_owned(),
            content: Some(content),
            fields: serde_json::Map::new(),
        };
        ChatRequest {
            messages: vec![message],
            n: Some(1),
            seed: Some(case.seed),
            temperature: Some(self.settings.temperature),
            max_tokens: Some(self.settings.max_tokens),
            ..ChatRequest::default()
        }
    }

    fn ask(&mut self, request: &ChatRequest, progress: &Progress) -> Result<String, JudgeError> {
        let reply = self.controller.propose(request, progress, &mut |_| {});
        let reply = reply.map_err(|error| JudgeError::of(&self.name, error))?;
        let first = reply.candidates.into_iter().next();
        Ok(first.map(|candidate| candidate.text).unwrap_or_default())
    }

    /// What the model said of what it was shown, for the candidates in their own order.
    fn judgements(&self, preference: &Preference, order: &[usize]) -> Vec<Judgement> {
        let count = order.len();
        let place_of = |candidate: usize| order.iter().position(|shown| *shown == candidate);
        let shown_as = |place: usize| format!("it was shown as number {} of {count}", place + 1);
        let judgement = |candidate: usize| {
            let Some(place) = place_of(candidate) else {
                return Judgement::default();
            };
            let mut judgement = Judgement::default();
            match preference {
                Preference::Best { best, reason } => {
                    judgement.best = *best == place;
                    judgement.rank = Some(if judgement.best { 1 } else { 2 });
                    judgement.reasons.extend(given(reason));
                }
                Preference::Order { order, reason } => {
                    judgement.rank = order.iter().position(|ranked| *ranked == place);
                    judgement.rank = judgement.rank.map(|rank| rank + 1);
                    judgement.best = judgement.rank == Some(1);
                    judgement.reasons.extend(given(reason));
                }
                Preference::Scores(scores) => {
                    if let Some((score, reason)) = scores.get(place) {
                        judgement.score = Some(*score);
                        judgement.reasons.extend(given(reason));
                    }
                }
            }
            // Its words name the candidates by these numbers.
            judgement.reasons.push(shown_as(place));
            judgement
        };
        let mut judgements: Vec<Judgement> = (0..count).map(judgement).collect();
        if let Preference::Scores(_) = preference {
            rank(&mut judgements);
        }
        judgements
    }
}

fn given(reason: &str) -> Option<String> {
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// BLAKE3 over the canonical JSON of messages, each picture as the hash of its address, which holds its bytes.
fn prompt_hash(messages: &[RequestMessage]) -> Option<ContentHash> {
    let mut messages = messages.to_vec();
    for message in &mut messages {
        let Some(Content::Parts(parts)) = &mut message.content else {
            continue;
        };
        for part in parts {
            if let ContentPart::ImageUrl { image_url } = part {
                image_url.url = blake3::hash(image_url.url.as_bytes()).to_hex().to_string();
            }
        }
    }
    let json = serde_json::to_string(&messages).ok()?;
    content_hash(&json).ok()
}

/// What the prompt's template is given.
#[derive(Serialize)]
struct Shown<'a> {
    /// `best`, `rank` or `score`.
    way: &'static str,
    task: &'a str,
    files: Vec<ShownFile<'a>>,
    pictures: usize,
    tools: Vec<ShownTool<'a>>,
    steps: Vec<ShownStep>,
    candidates: Vec<ShownStep>,
}

#[derive(Serialize)]
struct ShownFile<'a> {
    path: &'a str,
    caption: Option<&'a str>,
}

#[derive(Serialize)]
struct ShownTool<'a> {
    name: &'a str,
    description: Option<&'a str>,
    parameters: Vec<String>,
}

#[derive(Serialize)]
struct ShownStep {
    number: usize,
    thought: Option<String>,
    code: Option<String>,
    observation: Option<String>,
    unavailable: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(case: &Case<'a>, order: &[usize], way: ModelWay, most: usize) -> Self {
        let task = &case.context.task;
        let file = |attachment: &'a crate::domain::Attachment| ShownFile {
            path: attachment.reference.label(),
            caption: attachment.caption.as_deref(),
        };
        let steps = case.context.steps.iter().zip(1..);
        let candidates = order
            .iter()
            .filter_map(|index| case.candidates.get(*index))
            .zip(1..);
        Self {
            way: way.word(),
            task: &task.text,
            files: task.attachments.iter().map(file).collect(),
            pictures: case.pictures.len(),
            tools: case.tools.iter().map(shown_tool).collect(),
            steps: steps
                .map(|(step, number)| shown_step(step, number, most))
                .collect(),
            candidates: candidates
                .map(|(candidate, number)| shown_candidate(candidate, number, most))
                .collect(),
        }
    }
}

fn shown_tool(tool: &ToolDefinition) -> ShownTool<'_> {
    let parameters = tool.parameters.iter().map(|parameter| {
        let kind = parameter.kind.as_ref().map(|kind| format!(": {kind}"));
        let optional = if parameter.optional {
            " (optional)"
        } else {
            ""
        };
        format!("{}{}{optional}", parameter.name, kind.unwrap_or_default())
    });
    ShownTool {
        name: &tool.name,
        description: tool.description.as_deref(),
        parameters: parameters.collect(),
    }
}

fn shown_step(step: &Step, number: usize, most: usize) -> ShownStep {
    let results = step.tool_calls().iter();
    let results: Vec<&str> = results.filter_map(|call| call.result.as_deref()).collect();
    let results = (!results.is_empty()).then(|| results.join("\n"));
    let observed = step.observation.as_ref().map(|o| observed(o, most));
    ShownStep {
        number,
        thought: step.thought.clone(),
        code: step.action.as_ref().map(action_text),
        observation: observed.or_else(|| results.map(|text| cut(&text, most))),
        unavailable: None,
    }
}

fn shown_candidate(candidate: &Candidate, number: usize, most: usize) -> ShownStep {
    let executed = candidate.execution.as_ref();
    ShownStep {
        number,
        thought: candidate
            .thought
            .clone()
            .or_else(|| candidate.reply.clone()),
        code: candidate.action.as_ref().map(action_text),
        observation: candidate.observation.as_ref().map(|o| observed(o, most)),
        unavailable: executed.and_then(|executed| executed.unavailable.clone()),
    }
}

fn action_text(action: &Action) -> String {
    match action {
        Action::Code(text) | Action::Message(text) => text.clone(),
        Action::ToolCalls(calls) => {
            let call = |call: &crate::domain::ToolCall| match &call.arguments {
                Value::Null => call.name.clone(),
                arguments => format!("{} {arguments}", call.name),
            };
            calls.iter().map(call).collect::<Vec<_>>().join("\n")
        }
    }
}

fn observed(observation: &Observation, most: usize) -> String {
    cut(&observation.text, most)
}

/// The beginning of a text, and how much of it is left out.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            let left_out = text.chars().count() - most;
            format!(
                "{}\n[{left_out} more characters are left out here]",
                &text[..end]
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::case::tests::{candidate, case, context};
    use super::super::{JudgeName, Panel};
    use super::*;
    use crate::config::Config;
    use crate::controller::{ControllerError, Delta, ImageUrl, Reply, ScriptedController};
    use crate::domain::{Attachment, ToolParameter};

    /// A scripted controller whose requests can be looked at afterwards.
    struct Watched(ScriptedController, Arc<Mutex<Vec<ChatRequest>>>);

    impl Controller for Watched {
        fn name(&self) -> &str {
            "watched"
        }

        fn propose(
            &mut self,
            request: &ChatRequest,
            progress: &Progress,
            tell: &mut dyn FnMut(Delta),
        ) -> Result<Reply, ControllerError> {
            self.1.lock().expect("a lock").push(request.clone());
            self.0.propose(request, progress, tell)
        }
    }

    fn judge(way: ModelWay, answers: &[&str]) -> (ModelJudge, Arc<Mutex<Vec<ChatRequest>>>) {
        let script = answers.iter().map(|answer| vec![(*answer).to_owned()]);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let judge = ModelJudge {
            name: JudgeName::Model {
                way,
                model: "m".to_owned(),
            }
            .to_string(),
            way,
            controller: Box::new(Watched(ScriptedController::new(script), requests.clone())),
            prompts: Prompts::default(),
            settings: Config::load(None).expect("defaults").judge,
        };
        (judge, requests)
    }

    fn text_of(request: &ChatRequest) -> String {
        match request.messages[0].content.as_ref().expect("a content") {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    ContentPart::Text { text } => Some(text.as_str()),
                    ContentPart::ImageUrl { .. } => None,
                })
                .collect(),
        }
    }

    fn candidates(count: usize) -> Vec<Candidate> {
        let one = |n: usize| candidate(&format!("thought-{n}-"), &format!("print({n})"), "x");
        (0..count).map(one).collect()
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(24))]
        /// Whatever the order: who is named by the number that it was shown under is the one that is meant.
        #[test]
        fn what_is_said_is_mapped_back(count in 2_usize..7, seed: u64, wanted in 0_usize..7) {
            let wanted = wanted % count;
            let order = shuffled(count, seed, "judge");
            let place = order.iter().position(|shown| *shown == wanted).expect("shown");
            let context = context("T");
            let candidates = candidates(count);
            let case = Case { seed, ..case(&context, &candidates) };
            let progress = Progress::default();
            let (mut best, requests) = judge(ModelWay::Best, &[&format!("{{\"best\": {}}}", place + 1)]);
            let judged = best.judge(&case, &progress).expect("judged");
            let chosen: Vec<usize> = (0..count).filter(|n| judged[*n].best).collect();
            proptest::prop_assert_eq!(chosen, vec![wanted]);
            // The prompt has the thought of the candidate under that number.
            let text = text_of(&requests.lock().expect("a lock")[0]);
            let shown = text.split(&format!("## Proposal {}\n", place + 1)).nth(1).expect("shown");
            let expected = format!("Thought: thought-{wanted}-\n");
            proptest::prop_assert!(shown.starts_with(&expected), "{}", text);
            let scores: Vec<String> = order.iter().map(|shown| shown.to_string()).collect();
            let (mut score, _) = judge(ModelWay::Score, &[&format!("{{\"scores\": [{}]}}", scores.join(", "))]);
            let judged = score.judge(&case, &progress).expect("judged");
            let scored: Vec<f64> = judged.iter().filter_map(|one| one.score).collect();
            proptest::prop_assert_eq!(scored, (0..count).map(|n| n as f64).collect::<Vec<_>>());
            proptest::prop_assert!(judged[count - 1].best);
            // Best first, the first candidate foremost.
            let mut places: Vec<usize> = (0..count).collect();
            places.sort_by_key(|place| order[*place]);
            let ranking: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
            let (mut rank, _) = judge(ModelWay::Rank, &[&format!("{{\"ranking\": [{}]}}", ranking.join(", "))]);
            let judged = rank.judge(&case, &progress).expect("judged");
            let ranks: Vec<usize> = judged.iter().filter_map(|one| one.rank).collect();
            proptest::prop_assert_eq!(ranks, (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_asked_for_once_more() {
        let context = context("T");
        let candidates = candidates(3);
        let case = case(&context, &candidates);
        let place = shuffled(3, case.seed, "judge")
            .iter()
            .position(|n| *n == 2)
            .expect("shown");
        let good = format!("{{\"best\": {}, \"reason\": \"r\"}}", place + 1);
        let (mut first, requests) = judge(ModelWay::Best, &["The best is number 2.", &good]);
        let judged = first.judge(&case, &Progress::default()).expect("judged");
        assert!(judged[2].best && !judged[0].best);
        assert_eq!(judged[2].reasons[0], "r");
        assert_eq!(
            judged[2].reasons[1],
            format!("it was shown as number {} of 3", place + 1)
        );
        assert!(
            judged
                .iter()
                .all(|one| one.prompt.is_some() && one.prompt == judged[0].prompt)
        );
        let requests = requests.lock().expect("a lock");
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].messages.len(), 3);
        assert_ne!(requests[0].seed, requests[1].seed);
    }

    #[test]
    fn two_answers_that_cannot_be_read_are_no_verdict_and_nobody_is_best() {
        let context = context("T");
        let candidates = candidates(3);
        let case = case(&context, &candidates);
        let (judge, requests) = judge(ModelWay::Best, &["", "{\"best\": 4}", "{\"best\": 1}"]);
        let mut panel = Panel::new(vec![Box::new(judge)]);
        let ranking = panel.judge(&case, &Progress::default()).expect("judged");
        assert_eq!(ranking.best, None);
        assert_eq!(ranking.places, [None, None, None]);
        for judged in &ranking.judgements {
            let said = judged[0].no_verdict.as_deref();
            assert_eq!(said, Some("there is no candidate 4, also when asked again"));
        }
        assert_eq!(
            requests.lock().expect("a lock").len(),
            2,
            "once more, and no further"
        );
        let ended = panel.judge(&case, &Progress::default());
        assert!(ended.is_ok(), "the third answer is a good one");
        let ended = panel.judge(&case, &Progress::default());
        assert!(matches!(ended, Err(JudgeError::Controller { .. })));
    }

    #[test]
    fn it_is_shown_tools_files_and_pictures() {
        let mut context = context("Count the <cats>.");
        context.task.attachments = vec![Attachment::from_path("in/a.jpg", true)];
        context.steps = vec![super::super::case::step_of(&candidate(
            "I look.",
            "looker('q')",
            &"é".repeat(5000),
        ))];
        let tools = [ToolDefinition {
            name: "looker".to_owned(),
            description: Some("Looks at a picture.".to_owned()),
            parameters: vec![ToolParameter {
                name: "question".to_owned(),
                kind: Some("text".to_owned()),
                optional: true,
                description: None,
            }],
        }];
        let pictures = [ContentPart::ImageUrl {
            image_url: ImageUrl {
                url: "data:image/png;base64,AAAA".to_owned(),
            },
        }];
        let candidates = candidates(2);
        let case = Case {
            tools: &tools,
            pictures: &pictures,
            ..case(&context, &candidates)
        };
        let (mut judge, requests) = judge(ModelWay::Best, &["{\"best\": 1}"]);
        judge.judge(&case, &Progress::default()).expect("judged");
        let requests = requests.lock().expect("a lock");
        let text = text_of(&requests[0]);
        for part in [
            "Count the <cats>.",
            "- in/a.jpg",
            "- looker(question: text (optional)): Looks at a picture.",
            "[1000 more characters are left out here]",
            "are attached to this message",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let Some(Content::Parts(parts)) = &requests[0].messages[0].content else {
            panic!("no parts")
        };
        assert_eq!(parts[0], pictures[0]);
        assert_eq!(
            (requests[0].temperature, requests[0].max_tokens),
            (Some(0.0), Some(512))
        );
    }
}
