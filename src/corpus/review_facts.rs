//! What of a review is searched: its state, labels, tags, and the texts that people wrote.

use std::collections::BTreeSet;

use crate::domain::review::{ChangeKind, EditedStep, Opinion, Review, ReviewState, StepKey};

/// What the documents of a trajectory or pair say of its review, as one annotator may see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewFacts {
    /// What all together decided.
    pub state: ReviewState,
    /// Verdicts that were given, by name.
    pub verdicts: BTreeSet<&'static str>,
    /// Whether something was decided while the source record was another.
    pub is_source_changed: bool,
    /// Tags.
    pub tags: Vec<String>,
    /// What is said of the whole.
    pub whole: Remarks,
    /// What is said of each step, in the order in which steps are shown; empty where nothing is.
    pub steps: Vec<Remarks>,
}

/// What people said of a trajectory, a pair or a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// `good`, `neutral`, `bad`, `first-wrong`.
    pub labels: BTreeSet<&'static str>,
    /// Why it was rejected: names of reasons, and texts.
    pub reasons: Vec<String>,
    /// Notes.
    pub notes: Vec<String>,
    /// New texts of fields.
    pub edits: Vec<String>,
    /// Whether it is the work of people, wholly or in part.
    pub is_edited: bool,
    /// Whether something before it was edited since it was made.
    pub is_stale: bool,
}

impl Remarks {
    /// The texts by the fields under which they are searched.
    pub fn texts(&self) -> [(&'static str, &[String]); 3] {
        [
            ("reason", &self.reasons),
            ("note", &self.notes),
            ("edit", &self.edits),
        ]
    }
}

/// The name of a step's label: that of its value.
pub fn label_name(value: i8) -> &'static str {
    match value {
        1.. => "good",
        0 => "neutral",
        _ => "bad",
    }
}

/// The name of an opinion as a state.
pub fn opinion_name(opinion: Opinion) -> &'static str {
    match opinion {
        Opinion::Accept => ReviewState::Accepted,
        Opinion::Reject => ReviewState::Rejected,
        Opinion::Tie => ReviewState::Tie,
    }
    .name()
}

impl ReviewFacts {
    /// The facts of a review. `state` is what of its state may be seen, `steps` are the steps as they are shown.
    pub fn of(review: &Review, state: ReviewState, steps: &[EditedStep]) -> Self {
        let mut facts = Self {
            state,
            is_source_changed: review.source_changed(),
            tags: review.tags.keys().cloned().collect(),
            ..Self::default()
        };
        if review.is_empty() {
            return facts;
        }
        facts.steps = steps
            .iter()
            .map(|step| Remarks {
                is_edited: step.is_edited,
                is_stale: step.stale.is_some(),
                ..Remarks::default()
            })
            .collect();
        let place = |key: Option<StepKey>| {
            let key = key?;
            steps.iter().position(|step| step.key == key)
        };
        for verdict in review.verdicts.values() {
            facts.verdicts.insert(opinion_name(verdict.opinion));
            let why = &verdict.why;
            facts.whole.reasons.extend(why.reasons.iter().cloned());
            facts.whole.reasons.push(why.text.clone());
        }
        if let Some((_, adjudication)) = &review.adjudication {
            let why = &adjudication.why;
            facts.whole.reasons.extend(why.reasons.iter().cloned());
            facts.whole.reasons.push(why.text.clone());
        }
        facts.whole.reasons.retain(|reason| !reason.is_empty());
        for (key, labels) in &review.labels {
            let names = labels.values().map(|label| label_name(label.value()));
            facts.at(place(Some(*key))).labels.extend(names);
        }
        for key in review.first_wrong_steps.values() {
            facts.at(place(Some(*key))).labels.insert("first-wrong");
        }
        for note in &review.notes {
            facts.at(place(note.step)).notes.push(note.text.clone());
        }
        for change in &review.changes {
            match &change.kind {
                ChangeKind::Edit(edit) => {
                    let remarks = facts.at(place(change.step));
                    remarks.edits.push(edit.text.clone());
                    remarks.is_edited = true;
                }
                ChangeKind::AddStep(new) => {
                    let texts = &new.texts;
                    let all = [&texts.thought, &texts.code, &texts.observation];
                    let all = all.into_iter().flatten().cloned();
                    facts
                        .at(place(Some(StepKey::Added(change.record))))
                        .edits
                        .extend(all);
                    facts.whole.is_edited = true;
                }
                ChangeKind::RemoveStep | ChangeKind::MoveStep(_) => facts.whole.is_edited = true,
                ChangeKind::Fresh => {}
            }
        }
        facts
    }

    /// The remarks on a step, else those on the whole.
    fn at(&mut self, step: Option<usize>) -> &mut Remarks {
        match step.and_then(|step| self.steps.get_mut(step)) {
            Some(remarks) => remarks,
            None => &mut self.whole,
        }
    }

    /// Everything that is said of the whole and of its steps.
    pub fn all(&self) -> Remarks {
        let mut all = self.whole.clone();
        for step in &self.steps {
            all.labels.extend(&step.labels);
            all.reasons.extend(step.reasons.iter().cloned());
            all.notes.extend(step.notes.iter().cloned());
            all.edits.extend(step.edits.iter().cloned());
            all.is_edited |= step.is_edited;
            all.is_stale |= step.is_stale;
        }
        all
    }

    /// The remarks on the step of this index, where there are any.
    pub fn step(&self, index: usize) -> Option<&Remarks> {
        self.steps.get(index)
    }
}
