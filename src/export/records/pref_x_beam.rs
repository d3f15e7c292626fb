//! Pref-X explorations (paper super::3c), from trajectories whose steps keep the candidates that were sampled.

use super::atif::reference_json;
use super::code_turns::{
    PictureMarks, code_of, observation_text, picture_paths, splice_question, task_turn,
};
use super::dialog::candidate_text;
use super::original::{as_read, trajectory_of, unsupported};
use super::step_match::match_steps;
use crate::domain::{Candidate, Record, Step, Trajectory};
use crate::export::json_text::RawObject;
use crate::export::{Refusal, Rendered};

const NAME: &str = "pref-x-beam";

/// Before an answer that the run itself gave.
const ANSWER_MARK: &str = "Final Answer: ";

/// A record as one exploration.
pub(in crate::export) fn pref_x_beam(record: &Record) -> Rendered {
    Rendered::one(render(record))
}

fn render(record: &Record) -> Result<String, Refusal> {
    let new = trajectory_of(record)?;
    if new.provenance.format == NAME {
        let read = as_read(record)?;
        let old = read.trajectory.as_ref().ok_or_else(|| unsupported(NAME))?;
        return edit(&record.raw, old, new);
    }
    if new.steps.iter().all(|step| step.candidates.is_empty()) {
        return Err(Refusal::new("none of its steps has candidates"));
    }
    let mut opening = RawObject::default();
    opening.set("step number", &0)?;
    opening.set("task", &task_turn(&new.task, PictureMarks::None)?)?;
    opening.set("image_paths", &picture_paths(&new.task)?)?;
    if let Some(reference) = &new.reference_answer {
        opening.set("gt", &reference_json(reference))?;
    }
    set_answer(&mut opening, new.answer.as_deref(), ANSWER_MARK)?;
    let mut elements = vec![opening];
    for (index, step) in new.steps.iter().enumerate() {
        let mut element = write_step(step, index)?;
        set_answer(&mut element, new.answer.as_deref(), ANSWER_MARK)?;
        elements.push(element);
    }
    Ok(serde_json::to_string(&elements)?)
}

fn set_answer(element: &mut RawObject, answer: Option<&str>, mark: &str) -> Result<(), Refusal> {
    match answer {
        Some(answer) => element.set("final_answer", &format!("{mark}{answer}")),
        None => Ok(()),
    }
}

fn write_step(step: &Step, index: usize) -> Result<RawObject, Refusal> {
    let mut element = RawObject::default();
    element.set("step number", &(index + 1))?;
    let candidates = candidates_of(step, &Step::default());
    element.set("beam_size", &candidates.len())?;
    let places: Vec<usize> = (0..candidates.len()).collect();
    set_candidates(&mut element, &candidates, &places, &[])?;
    if let Some(chosen) = step.chosen.or((candidates.len() == 1).then_some(0)) {
        element.set("best_step_idx", &chosen.to_string())?;
    }
    if let Some(reason) = &step.choice_reason {
        element.set("rank_reason", reason)?;
    }
    Ok(element)
}

/// The candidates of a step. The chosen one says what the step says wherever that differs from `before`, since edits are
/// made in the step; a step that kept none is its own only candidate.
fn candidates_of(step: &Step, before: &Step) -> Vec<Candidate> {
    let mut candidates = step.candidates.clone();
    let mut chosen = step.chosen;
    if candidates.is_empty() && (step.action.is_some() || step.thought.is_some()) {
        candidates.push(Candidate::default());
        chosen = Some(0);
    }
    if let Some(candidate) = chosen.and_then(|at| candidates.get_mut(at)) {
        if step.thought != before.thought {
            candidate.thought.clone_from(&step.thought);
        }
        if step.action != before.action {
            candidate.action.clone_from(&step.action);
        }
        if step.observation != before.observation {
            candidate.observation.clone_from(&step.observation);
        }
        if step.reply != before.reply {
            candidate.reply.clone_from(&step.reply);
        }
    }
    candidates
}

/// Writes candidates under the sampler's indices in `places`; those that are in `old`, too, stay as they are.
fn set_candidates(
    element: &mut RawObject,
    candidates: &[Candidate],
    places: &[usize],
    old: &[Candidate],
) -> Result<(), Refusal> {
    for (number, (candidate, place)) in candidates.iter().zip(places).enumerate() {
        let was = old.get(number);
        if was == Some(candidate) {
            continue;
        }
        let was = was.cloned().unwrap_or_default();
        let is_new = number >= old.len();
        if is_new
            || (&was.thought, &was.action, &was.reply)
                != (&candidate.thought, &candidate.action, &candidate.reply)
        {
            let text = candidate_text(was.reply.as_deref(), candidate, false)?;
            element.set(&format!("llm_output_{place}"), &text)?;
            let key = format!("rationale_{place}");
            let rationale = element.text(&key).zip(was.thought.clone());
            let thought = candidate.thought.clone().unwrap_or_default();
            let rationale = match rationale {
                Some((known, old)) if known.contains(&old) => known.replacen(&old, &thought, 1),
                _ => thought,
            };
            element.set(&key, &rationale)?;
        }
        if is_new || was.action != candidate.action {
            let key = format!("tool_call_{place}");
            let mut call = match element.get(&key) {
                Some(call) => RawObject::parse(call.get())?,
                None => RawObject::default(),
            };
            if call.get("tool_name").is_none() {
                call.set("tool_name", "code interpreter")?;
            }
            let observed = candidate.observation.is_some();
            let action = candidate.action.as_ref();
            let code = action.and_then(|action| code_of(action, observed, false));
            call.set("tool_arguments", &code.unwrap_or_default())?;
            element.set(&key, &call)?;
        }
        let key = format!("observation_{place}");
        match &candidate.observation {
            _ if was.observation == candidate.observation => {}
            Some(observation) => element.set(&key, &observation_text(observation)?)?,
            None => element.remove(&key),
        }
    }
    Ok(())
}

fn edit(raw: &str, old: &Trajectory, new: &Trajectory) -> Result<String, Refusal> {
    let same = old.task == new.task
        && old.steps == new.steps
        && old.answer == new.answer
        && old.reference_answer == new.reference_answer;
    if same {
        return Ok(raw.to_owned());
    }
    let elements: Vec<RawObject> = serde_json::from_str(raw)?;
    let mut layout = Layout::of(elements, old.steps.len()).ok_or_else(|| unsupported(NAME))?;
    edit_opening(&mut layout.opening, old, new)?;
    let mut edited: Vec<RawObject> = layout.opening.into_iter().collect();
    for (index, was) in match_steps(&old.steps, &new.steps).into_iter().enumerate() {
        let step = &new.steps[index];
        let known = was.and_then(|was| Some((was, layout.steps.get(was)?, old.steps.get(was)?)));
        edited.push(match known {
            Some((was, element, before)) => {
                edit_step(element.clone(), (was, before), (index, step))?
            }
            None => {
                let mut element = write_step(step, index)?;
                set_answer(&mut element, old.answer.as_deref(), ANSWER_MARK)?;
                element
            }
        });
    }
    edited.extend(layout.limit);
    if old.answer != new.answer {
        for element in &mut edited {
            edit_answer(element, old.answer.as_deref(), new.answer.as_deref())?;
        }
    }
    Ok(serde_json::to_string(&edited)?)
}

/// The elements of an exploration, as its reader takes them.
struct Layout {
    opening: Option<RawObject>,
    steps: Vec<RawObject>,
    /// What the sampler appends when a limit was reached.
    limit: Vec<RawObject>,
}

impl Layout {
    fn of(elements: Vec<RawObject>, steps: usize) -> Option<Self> {
        let mut elements = elements.into_iter().peekable();
        let opens = |element: &RawObject| {
            let number = element.get("step number").map(|raw| raw.get().trim());
            element.get("task").is_some() || number == Some("0")
        };
        let opening = elements.next_if(opens);
        let mut layout = Self {
            opening,
            steps: Vec::with_capacity(steps),
            limit: Vec::new(),
        };
        for element in elements {
            let is_limit = element.get("beam_size").is_none()
                && element
                    .get("error")
                    .is_some_and(|error| error.get() != "null")
                && places(&element).is_empty();
            if is_limit {
                layout.limit.push(element);
            } else {
                layout.steps.push(element);
            }
        }
        (layout.steps.len() == steps).then_some(layout)
    }
}

/// The sampler's index of each candidate, as the reader finds them.
fn places(element: &RawObject) -> Vec<usize> {
    const KEYS: [&str; 4] = ["llm_output_", "rationale_", "tool_call_", "observation_"];
    let mut places: Vec<usize> = element
        .keys()
        .filter_map(|key| {
            KEYS.iter()
                .find_map(|prefix| key.strip_prefix(prefix))?
                .parse()
                .ok()
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn edit_opening(
    opening: &mut Option<RawObject>,
    old: &Trajectory,
    new: &Trajectory,
) -> Result<(), Refusal> {
    let text_differs = old.task.text != new.task.text;
    let files_differ = old.task.attachments != new.task.attachments;
    let reference_differs = old.reference_answer != new.reference_answer;
    if !text_differs && !files_differ && !reference_differs {
        return Ok(());
    }
    let opening = opening.as_mut().ok_or_else(|| unsupported(NAME))?;
    if text_differs || files_differ {
        let turn = opening.text("task").unwrap_or_default();
        let spliced = splice_question(&turn, &new.task.text).filter(|_| !files_differ);
        let turn = match spliced {
            Some(turn) => turn,
            None => task_turn(&new.task, PictureMarks::Inline)?,
        };
        opening.set("task", &turn)?;
    }
    if files_differ {
        opening.set("image_paths", &picture_paths(&new.task)?)?;
    }
    if reference_differs {
        opening.set("gt", &new.reference_answer.as_ref().map(reference_json))?;
    }
    Ok(())
}

fn edit_step(
    mut element: RawObject,
    (was, old): (usize, &Step),
    (index, new): (usize, &Step),
) -> Result<RawObject, Refusal> {
    if was != index {
        let moved = element
            .get("step number")
            .map(|raw| raw.get().trim().parse::<usize>());
        if moved == Some(Ok(was + 1)) {
            element.set("step number", &(index + 1))?;
        }
    }
    if old == new {
        return Ok(element);
    }
    let candidates = candidates_of(new, old);
    if candidates.is_empty() && old.observation != new.observation {
        let error = new
            .observation
            .as_ref()
            .map(|observation| &observation.text);
        element.set("error", &error)?;
    } else if !candidates.is_empty() && new.chosen.or(old.chosen).is_none() {
        return Err(Refusal::new(format!(
            "step {} was edited, but none of its candidates is the chosen one",
            index + 1
        )));
    }
    let mut places = places(&element);
    if candidates.len() != old.candidates.len() {
        for place in &places {
            for prefix in ["llm_output_", "rationale_", "tool_call_", "observation_"] {
                element.remove(&format!("{prefix}{place}"));
            }
        }
        places = (0..candidates.len()).collect();
        element.set("beam_size", &candidates.len())?;
        set_candidates(&mut element, &candidates, &places, &[])?;
    } else {
        set_candidates(&mut element, &candidates, &places, &old.candidates)?;
    }
    if old.chosen != new.chosen
        && let Some(place) = new.chosen.and_then(|chosen| places.get(chosen))
    {
        match element
            .get("best_step_idx")
            .map(|raw| raw.get().starts_with('"'))
        {
            Some(false) => element.set("best_step_idx", place)?,
            _ => element.set("best_step_idx", &place.to_string())?,
        }
    }
    if old.choice_reason != new.choice_reason {
        element.set("rank_reason", &new.choice_reason)?;
    }
    Ok(element)
}

/// The answer repeats on each element; a finishing step may have one of its own.
fn edit_answer(
    element: &mut RawObject,
    old: Option<&str>,
    new: Option<&str>,
) -> Result<(), Refusal> {
    let known = element.text("final_answer");
    let mark = match &known {
        Some(known) if known.starts_with(ANSWER_MARK) => ANSWER_MARK,
        _ => "",
    };
    let repeats = known.as_deref().and_then(|known| known.strip_prefix(mark)) == old;
    match new {
        Some(_) if repeats => set_answer(element, new, mark),
        None if repeats => {
            element.remove("final_answer");
            Ok(())
        }
        _ => Ok(()),
    }
}
