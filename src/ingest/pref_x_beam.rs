//! What the Pref-X sampler saves of an exploration, `beam_search_data.json` (paper §3c): a list whose first element is
//! the task and whose others are steps with `llm_output_{i}`, `rationale_{i}`, `tool_call_{i}`, `observation_{i}` of
//! each candidate. The file is one record.

use serde_json::{Map, Value};

use super::attachments::picture_references;
use super::beam_pairs::beam_pairs;
use super::code_reply::CodeReply;
use super::ground_truth::reference_answer;
use super::json_text::JsonText;
use super::observation_turn::plain_observation;
use super::task_turn::read_task;
use super::{Format, Layout, ReadError, RecordText, Sample, Top, parent_folder};
use crate::domain::{
    Action, Candidate, Content, Context, Observation, Provenance, Step, Trajectory,
};

const NAME: &str = "pref-x-beam";

pub(super) const FORMAT: Format = Format {
    name: NAME,
    title: "Pref-X explorations (beam_search_data.json)",
    detect,
    read,
};

/// A step of more candidates than this is damaged data.
const MAX_CANDIDATES: usize = 1024;

fn detect(sample: &Sample<'_>) -> Option<Layout> {
    let first = sample
        .first_element()
        .filter(|_| sample.top == Top::Array)?;
    let own = ["task", "image_paths", "beam_size", "llm_output_0"];
    let fits = first.get("step number").is_some() && own.iter().any(|key| first.get(key).is_some());
    fits.then_some(Layout::Whole)
}

fn read(record: &RecordText<'_>) -> Result<Content, ReadError> {
    let elements: Vec<Map<String, Value>> = serde_json::from_str(record.text)?;
    let mut beam = Beam {
        trajectory: Trajectory::default(),
        context: Context::default(),
        content: Content {
            natural_id: parent_folder(record.path).map(str::to_owned),
            ..Content::default()
        },
        provenance: Provenance {
            format: NAME.to_owned(),
            ..Provenance::default()
        },
    };
    for (index, element) in elements.iter().enumerate() {
        let opens = index == 0
            && (element.contains_key("task")
                || element.get("step number").and_then(Value::as_u64) == Some(0));
        if opens {
            beam.read_task(element);
        } else {
            beam.read_step(element);
        }
        // It repeats on every step; the last one is the run's.
        if let Some(answer) = text(element, "final_answer") {
            let answer = answer.strip_prefix("Final Answer: ").unwrap_or(&answer);
            beam.trajectory.answer = Some(answer.to_owned());
        }
    }
    if elements
        .first()
        .is_none_or(|first| !first.contains_key("task"))
    {
        beam.content.problems.push("no task".to_owned());
    }
    beam.trajectory.provenance = beam.provenance;
    beam.content.trajectory = Some(beam.trajectory);
    Ok(beam.content)
}

struct Beam {
    trajectory: Trajectory,
    /// What the next step's controller saw.
    context: Context,
    content: Content,
    provenance: Provenance,
}

impl Beam {
    fn read_task(&mut self, element: &Map<String, Value>) {
        let turn = text(element, "task").unwrap_or_default();
        let pictures = element.get("image_paths").map(picture_references);
        self.trajectory.task = read_task(&turn, pictures.unwrap_or_default(), Vec::new());
        self.context.task.clone_from(&self.trajectory.task);
        self.trajectory.reference_answer = element.get("gt").and_then(reference_answer);
    }

    fn read_step(&mut self, element: &Map<String, Value>) {
        let number = self.trajectory.steps.len() + 1;
        let (candidates, places) = self.candidates(element, number);
        let error = text(element, "error");
        if candidates.is_empty() {
            match error {
                // The sampler's last element: the limit of steps or of errors was reached.
                Some(error) if !element.contains_key("beam_size") => {
                    self.provenance.failure = Some(error);
                }
                error => {
                    self.problem(
                        number,
                        "no candidate (beam_size 0: the controller gave no output)",
                    );
                    self.push(Step {
                        observation: error.map(failed),
                        ..Step::default()
                    });
                }
            }
            return;
        }
        let chosen = self.chosen(element, number, &places);
        let reason = text(element, "rank_reason");
        let mut step = Step {
            choice_reason: reason,
            chosen,
            ..Step::default()
        };
        if let Some(best) = chosen.and_then(|index| candidates.get(index)) {
            step.thought.clone_from(&best.thought);
            step.action.clone_from(&best.action);
            step.observation.clone_from(&best.observation);
            step.reply.clone_from(&best.reply);
        }
        if step.observation.is_none() {
            step.observation = error.map(failed);
        }
        if let Some(chosen) = chosen {
            let pairs = beam_pairs(
                &self.context,
                &candidates,
                chosen,
                step.choice_reason.as_deref(),
                &self.provenance,
            );
            self.content.pairs.extend(pairs);
        }
        step.candidates = candidates;
        self.push(step);
    }

    /// The candidates in order, and the sampler's index of each.
    fn candidates(
        &mut self,
        element: &Map<String, Value>,
        number: usize,
    ) -> (Vec<Candidate>, Vec<usize>) {
        let mut places: Vec<usize> = element
            .keys()
            .filter_map(|key| candidate_index(key))
            .collect();
        places.sort_unstable();
        places.dedup();
        if places.len() > MAX_CANDIDATES {
            places.truncate(MAX_CANDIDATES);
            self.problem(number, "more than 1024 candidates, the rest passed over");
        }
        let size = element.get("beam_size").and_then(Value::as_u64);
        if size.is_some_and(|size| size != places.len() as u64 && size > 0) {
            let told = size.unwrap_or_default();
            self.problem(
                number,
                &format!(
                    "beam_size is {told}, but {} candidates are there",
                    places.len()
                ),
            );
        }
        let candidates = places
            .iter()
            .map(|index| candidate(element, *index))
            .collect();
        (candidates, places)
    }

    /// Which of the candidates the sampler took; the data has its index as text.
    fn chosen(
        &mut self,
        element: &Map<String, Value>,
        number: usize,
        places: &[usize],
    ) -> Option<usize> {
        let written = text(element, "best_step_idx");
        let index = written
            .as_deref()
            .and_then(|text| text.trim().parse::<usize>().ok());
        let found = index.and_then(|index| places.iter().position(|place| *place == index));
        if found.is_none() {
            let written = written.as_deref().unwrap_or("missing");
            self.problem(
                number,
                &format!("best_step_idx is {written}, which names no candidate"),
            );
        }
        found
    }

    /// Adds a step, and to the context what later controllers see of it.
    fn push(&mut self, step: Step) {
        self.context.steps.push(Step {
            thought: step.thought.clone(),
            action: step.action.clone(),
            observation: step.observation.clone(),
            reply: step.reply.clone(),
            ..Step::default()
        });
        self.trajectory.steps.push(step);
    }

    fn problem(&mut self, step: usize, what: &str) {
        self.content.problems.push(format!("step {step}: {what}"));
    }
}

const CANDIDATE_KEYS: [&str; 4] = ["llm_output_", "rationale_", "tool_call_", "observation_"];

fn candidate_index(key: &str) -> Option<usize> {
    let index = CANDIDATE_KEYS
        .iter()
        .find_map(|prefix| key.strip_prefix(prefix))?;
    index.parse().ok()
}

fn candidate(element: &Map<String, Value>, index: usize) -> Candidate {
    let [reply, rationale, tool_call, observation] =
        CANDIDATE_KEYS.map(|prefix| format!("{prefix}{index}"));
    let observation = text(element, &observation).map(|text| plain_observation(&text));
    let unparsed = observation
        .as_ref()
        .is_some_and(|o| o.text.starts_with("Error in code parsing"));
    let reply = text(element, &reply);
    // A rationale repeats the reply's thought, or the whole reply where that has no `Code:` mark.
    let words = reply
        .clone()
        .or_else(|| text(element, &rationale))
        .unwrap_or_default();
    let parsed = CodeReply::parse(&words);
    let code = match element
        .get(&tool_call)
        .and_then(|call| call.get("tool_arguments"))
    {
        // What could not be parsed is kept here as it was written: no code.
        Some(_) if unparsed => None,
        Some(arguments) => JsonText::from_value(arguments).filled().map(str::to_owned),
        None => parsed.code(&words).map(str::to_owned),
    };
    Candidate {
        thought: parsed.thought(&words).map(str::to_owned),
        action: code.map(Action::Code),
        observation,
        reply,
        ..Candidate::default()
    }
}

fn failed(error: String) -> Observation {
    Observation {
        is_error: true,
        ..plain_observation(&error)
    }
}

fn text(element: &Map<String, Value>, key: &str) -> Option<String> {
    JsonText::from_value(element.get(key)?).into_string()
}
