use uuid::Uuid;

use super::applied_pair::apply_to_pair;
use super::field_text::{CallsError, Parts};
use super::{
    Change, ChangeKind, Edit, Field, LiteralCandidate, NewStep, Place, Review, StepKey, TextHash,
};
use crate::domain::{Action, Content, Step, Task, Trajectory};

/// Content with what people changed in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// The content as it is shown, searched and exported.
    pub content: Content,
    /// For each step of the trajectory where it comes from, and whether it still holds.
    pub steps: Vec<EditedStep>,
    /// What could not be changed, and what was changed although it was not what the annotator had seen.
    pub conflicts: Vec<Conflict>,
}

/// What is to be said of a step besides its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditedStep {
    /// Its name in records.
    pub key: StepKey,
    /// What of it may no longer follow from what comes before it.
    pub stale: Option<Staleness>,
    /// Whether a person added it or changed a text of it.
    pub is_edited: bool,
}

/// What of a step was made before something it depends on was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Staleness {
    /// Its observation: thought and action are the edited ones.
    Observation,
    /// All of it.
    Step,
}

/// A change that did not meet what it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The record.
    pub record: Uuid,
    /// The step it is on.
    pub step: Option<StepKey>,
    /// Why.
    pub reason: ConflictReason,
}

/// Why a change did not meet what it was made for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConflictReason {
    /// Applied: somebody else had changed the text that it replaced.
    #[error("the {} was not the one that the edit was made on", .0.name())]
    OtherText(Field),
    /// Applied, at the end.
    #[error("there is no step {0} to put it behind: it stands at the end")]
    NoPlace(StepKey),
    /// Not applied.
    #[error("there is no such step")]
    NoStep,
    /// Not applied.
    #[error("the step was removed")]
    RemovedStep,
    /// Not applied.
    #[error(transparent)]
    Calls(#[from] CallsError),
    /// Not applied: the record is no trajectory, or the pair has no such part.
    #[error("the record has nothing that can be changed like this")]
    NotApplicable,
}

impl ConflictReason {
    /// Whether the change was made nevertheless.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::OtherText(_) | Self::NoPlace(_))
    }
}

/// Applies the changes of a review to what its record says. Of two edits of a field the later one holds.
///
/// An edit of thought or code makes the step's observation stale, and every later step; one of an observation the later
/// steps; one of the task all steps; one of the answer none. Steps behind an added, removed or moved one are stale, and
/// so is the moved one. Pairs of the record keep the context that they were recorded with.
pub fn apply(review: &Review, content: &Content) -> Edited {
    let mut edited = Edited {
        content: content.clone(),
        steps: Vec::new(),
        conflicts: Vec::new(),
    };
    if let Some(trajectory) = edited.content.trajectory.take() {
        let mut bench = Bench::new(trajectory);
        for change in &review.changes {
            if let Err(reason) = bench.change(change) {
                bench.conflict(change, reason);
            }
        }
        edited.conflicts = bench.conflicts;
        let kept = bench.slots.into_iter().filter(|slot| !slot.is_removed);
        for slot in kept {
            bench.trajectory.steps.push(slot.step);
            edited.steps.push(EditedStep {
                key: slot.key,
                stale: slot.stale,
                is_edited: slot.is_edited,
            });
        }
        edited.content.trajectory = Some(bench.trajectory);
    } else if let [pair] = edited.content.pairs.as_mut_slice() {
        // The record is the pair.
        let applied = apply_to_pair(review, pair);
        *pair = applied.pair;
        edited.conflicts = applied.conflicts;
    }
    edited
}

struct Slot {
    key: StepKey,
    step: Step,
    stale: Option<Staleness>,
    is_edited: bool,
    /// Removed steps keep their place, so that what was put behind them finds it.
    is_removed: bool,
}

struct Bench {
    trajectory: Trajectory,
    slots: Vec<Slot>,
    calls_tools: bool,
    conflicts: Vec<Conflict>,
}

impl Bench {
    fn new(mut trajectory: Trajectory) -> Self {
        let steps = std::mem::take(&mut trajectory.steps);
        let has = |wanted: fn(&Action) -> bool| {
            steps
                .iter()
                .filter_map(|step| step.action.as_ref())
                .any(wanted)
        };
        let calls_tools = has(|action| matches!(action, Action::ToolCalls(_)))
            && !has(|action| matches!(action, Action::Code(_)));
        let slots = (1..).zip(steps).map(|(number, step)| Slot {
            key: StepKey::Source(number),
            step,
            stale: None,
            is_edited: false,
            is_removed: false,
        });
        Self {
            slots: slots.collect(),
            trajectory,
            calls_tools,
            conflicts: Vec::new(),
        }
    }

    fn conflict(&mut self, change: &Change, reason: ConflictReason) {
        self.conflicts.push(Conflict {
            record: change.record,
            step: change.step,
            reason,
        });
    }

    fn change(&mut self, change: &Change) -> Result<(), ConflictReason> {
        match &change.kind {
            ChangeKind::Edit(edit) if edit.side.is_some() => Err(ConflictReason::NotApplicable),
            ChangeKind::Edit(edit) if edit.field.is_of_step() => self.edit_step(change, edit),
            ChangeKind::Edit(edit) => {
                let (old, new) = (TextHash::of(self.whole_text(edit.field)), &edit.text);
                if old != edit.against {
                    self.conflict(change, ConflictReason::OtherText(edit.field));
                }
                match edit.field {
                    Field::Task if self.trajectory.task.text != *new => {
                        set_task(&mut self.trajectory.task, new);
                        self.make_stale(0);
                    }
                    Field::Answer => {
                        self.trajectory.answer = (!new.is_empty()).then(|| new.clone());
                    }
                    _ => {}
                }
                Ok(())
            }
            ChangeKind::AddStep(new) => self.add(change, new),
            ChangeKind::RemoveStep => {
                let at = self.find(change.step)?;
                if !std::mem::replace(&mut self.slots[at].is_removed, true) {
                    self.make_stale(at);
                }
                Ok(())
            }
            ChangeKind::MoveStep(place) => self.move_step(change, *place),
            ChangeKind::Fresh => {
                let at = self.find(change.step)?;
                self.slots[at].stale = None;
                Ok(())
            }
        }
    }

    fn whole_text(&self, field: Field) -> &str {
        super::trajectory_text(&self.trajectory, field)
    }

    fn find(&self, step: Option<StepKey>) -> Result<usize, ConflictReason> {
        let found = self.slots.iter().position(|slot| Some(slot.key) == step);
        found.ok_or(ConflictReason::NoStep)
    }

    fn find_present(&self, step: Option<StepKey>) -> Result<usize, ConflictReason> {
        let at = self.find(step)?;
        match self.slots[at].is_removed {
            true => Err(ConflictReason::RemovedStep),
            false => Ok(at),
        }
    }

    fn edit_step(&mut self, change: &Change, edit: &Edit) -> Result<(), ConflictReason> {
        let at = self.find_present(change.step)?;
        let mut parts = parts(&mut self.slots[at].step, self.calls_tools);
        let old = parts.text(edit.field);
        let is_as_seen = TextHash::of(&old) == edit.against;
        if old != edit.text {
            parts.set(edit.field, &edit.text)?;
            let slot = &mut self.slots[at];
            slot.is_edited = true;
            if edit.field != Field::Observation {
                slot.stale = slot.stale.max(Some(Staleness::Observation));
            }
            self.make_stale(at + 1);
        }
        if !is_as_seen {
            self.conflict(change, ConflictReason::OtherText(edit.field));
        }
        Ok(())
    }

    fn make_stale(&mut self, from: usize) {
        for slot in &mut self.slots[from..] {
            slot.stale = Some(Staleness::Step);
        }
    }

    /// The place behind a step.
    fn place(&mut self, change: &Change, after: Option<StepKey>) -> usize {
        let Some(key) = after else { return 0 };
        match self.find(Some(key)) {
            Ok(at) => at + 1,
            Err(_) => {
                self.conflict(change, ConflictReason::NoPlace(key));
                self.slots.len()
            }
        }
    }

    fn add(&mut self, change: &Change, new: &NewStep) -> Result<(), ConflictReason> {
        let step = literal_step(&new.texts, self.calls_tools)?;
        let at = self.place(change, new.after);
        let slot = Slot {
            key: StepKey::Added(change.record),
            step,
            stale: None,
            is_edited: true,
            is_removed: false,
        };
        self.slots.insert(at, slot);
        self.make_stale(at + 1);
        Ok(())
    }

    fn move_step(&mut self, change: &Change, place: Place) -> Result<(), ConflictReason> {
        let from = self.find_present(change.step)?;
        if place.after == change.step {
            return Err(ConflictReason::NotApplicable);
        }
        let slot = self.slots.remove(from);
        let to = self.place(change, place.after);
        self.slots.insert(to, slot);
        if to != from {
            self.make_stale(from.min(to));
        }
        Ok(())
    }
}

fn parts(step: &mut Step, calls_tools: bool) -> Parts<'_> {
    Parts {
        thought: &mut step.thought,
        action: &mut step.action,
        observation: &mut step.observation,
        calls_tools,
    }
}

/// A step of texts.
pub(super) fn literal_step(
    texts: &LiteralCandidate,
    calls_tools: bool,
) -> Result<Step, CallsError> {
    let mut step = Step::default();
    let mut parts = parts(&mut step, calls_tools);
    for (field, text) in [
        (Field::Thought, &texts.thought),
        (Field::Code, &texts.code),
        (Field::Observation, &texts.observation),
    ] {
        parts.set(field, text.as_deref().unwrap_or(""))?;
    }
    Ok(step)
}

/// Sets the question; the turn that holds it gets it, too, if it is clear where.
pub(super) fn set_task(task: &mut Task, new: &str) {
    let old = std::mem::replace(&mut task.text, new.to_owned());
    task.prompt = task.prompt.take().and_then(|prompt| {
        let is_clear = !old.is_empty() && prompt.matches(&old).count() == 1;
        is_clear.then(|| prompt.replacen(&old, new, 1))
    });
}
