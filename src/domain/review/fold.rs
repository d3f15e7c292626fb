use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::{
    Adjudication, BlindVote, Edit, Field, Judgement, NewPair, NewStep, Place, Rejection,
    ReviewRecord, ReviewState, Side, StepKey, StepLabel, Timestamp, ToolResult, Verb,
};
use crate::domain::{ContentHash, TargetId};

/// What people decided about one trajectory or pair, undone records left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Review {
    /// The verdict of each annotator.
    pub verdicts: BTreeMap<Arc<str>, GivenVerdict>,
    /// What ended a disagreement: who, and how. It holds until the next one, whatever annotators say since.
    pub adjudication: Option<(Arc<str>, Adjudication)>,
    /// Who gave a verdict since the adjudication that it does not agree with.
    pub objections: BTreeSet<Arc<str>>,
    /// Of a pair: whether its sides are exchanged, compared with the pair as it was made.
    pub swapped: bool,
    /// How each annotator turned the pair last.
    pub orientations: BTreeMap<Arc<str>, bool>,
    /// What each annotator said of the pair in blind mode, oldest first; whoever saw it several times has several votes.
    pub blind_votes: BTreeMap<Arc<str>, Vec<BlindVote>>,
    /// Labels of steps, by annotator.
    pub labels: BTreeMap<StepKey, BTreeMap<Arc<str>, StepLabel>>,
    /// The first wrong step, as each annotator sees it.
    pub first_wrong_steps: BTreeMap<Arc<str>, StepKey>,
    /// Tags, and who added each.
    pub tags: BTreeMap<String, Arc<str>>,
    /// Notes, oldest first.
    pub notes: Vec<Note>,
    /// Queues, and the annotators of each.
    pub assignments: BTreeMap<String, Vec<String>>,
    /// What changes the content, in order.
    pub changes: Vec<Change>,
    /// What calls returned that no recording knows, oldest first; of the same call the later one holds.
    pub tool_results: Vec<GivenResult>,
    /// Pairs made of its steps, oldest first.
    pub pairs: Vec<CreatedPair>,
    /// What was decided while the source record had another hash. None of it counts until somebody decides it again.
    pub earlier: Vec<EarlierReview>,
}

/// A review of what the source record was.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlierReview {
    /// The hash that it had.
    pub hash: ContentHash,
    /// What was decided.
    pub review: Review,
}

/// An annotator's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenVerdict {
    /// The record.
    pub record: Uuid,
    /// When.
    pub time: Timestamp,
    /// What.
    pub opinion: Opinion,
    /// Why, if it is a rejection.
    pub why: Rejection,
    /// Of a pair: the orientation that it is about.
    pub swapped: bool,
}

/// What an annotator thinks of a trajectory or pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Opinion {
    /// Good.
    Accept,
    /// Not good.
    Reject,
    /// Both sides of a pair are equally good.
    Tie,
}

/// A remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The record that made it; a new text names it.
    pub id: Uuid,
    /// Who wrote its present text.
    pub annotator: Arc<str>,
    /// When.
    pub time: Timestamp,
    /// The step that it is on.
    pub step: Option<StepKey>,
    /// What it says.
    pub text: String,
}

/// Something that changes the content, or says that changed content holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The record.
    pub record: Uuid,
    /// Who.
    pub annotator: Arc<str>,
    /// When.
    pub time: Timestamp,
    /// The step that it is on.
    pub step: Option<StepKey>,
    /// What.
    pub kind: ChangeKind,
}

/// What a [`Change`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// A field gets a new text.
    Edit(Edit),
    /// A step more.
    AddStep(Box<NewStep>),
    /// A step less.
    RemoveStep,
    /// A step elsewhere.
    MoveStep(Place),
    /// The step holds.
    Fresh,
}

/// What a call returned, as a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenResult {
    /// The record.
    pub record: Uuid,
    /// Who.
    pub annotator: Arc<str>,
    /// When.
    pub time: Timestamp,
    /// The step that makes the call.
    pub step: StepKey,
    /// The call and what it returned.
    pub given: Box<ToolResult>,
}

/// A pair that a person made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedPair {
    /// The record that made it, and the last part of the pair's id.
    pub id: Uuid,
    /// Who.
    pub annotator: Arc<str>,
    /// When.
    pub time: Timestamp,
    /// The step that both candidates propose.
    pub step: StepKey,
    /// The candidates, and why.
    pub pair: Box<NewPair>,
}

impl CreatedPair {
    /// `<source>/<record>:<uuid>`
    pub fn target(&self, trajectory: &TargetId) -> TargetId {
        TargetId {
            record: trajectory.record.clone(),
            part: Some(self.id.to_string()),
        }
    }
}

impl Review {
    /// What all annotators together say.
    pub fn state(&self) -> ReviewState {
        if let Some((_, adjudication)) = &self.adjudication {
            return match adjudication.verdict {
                Judgement::Accept => ReviewState::Accepted,
                Judgement::Reject => ReviewState::Rejected,
                Judgement::Tie => ReviewState::Tie,
            };
        }
        let mut verdicts = self.verdicts.values();
        let Some(first) = verdicts.next() else {
            return ReviewState::Unreviewed;
        };
        if verdicts.any(|other| other.opinion != first.opinion) {
            return ReviewState::Disputed;
        }
        match first.opinion {
            Opinion::Reject => ReviewState::Rejected,
            Opinion::Tie => ReviewState::Tie,
            // Whoever accepted the other orientation does not accept this one.
            Opinion::Accept if self.verdicts.values().any(|v| v.swapped != self.swapped) => {
                ReviewState::Disputed
            }
            Opinion::Accept => ReviewState::Accepted,
        }
    }

    /// Whether people decided something while the source record was another.
    pub fn source_changed(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// Whether nothing is decided, now or earlier.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What an annotator may see: until their own verdict is saved, the verdicts, step labels, swaps and adjudications
    /// of others are hidden.
    #[must_use]
    pub fn visible_to(&self, annotator: &str) -> Self {
        let mut visible = self.clone();
        visible.earlier = self
            .earlier
            .iter()
            .map(|earlier| earlier.visible_to(annotator))
            .collect();
        if self.verdicts.contains_key(annotator) {
            return visible;
        }
        visible.verdicts.clear();
        visible.orientations.retain(|by, _| **by == *annotator);
        visible.swapped = visible.orientations.get(annotator) == Some(&true);
        visible.blind_votes.retain(|by, _| **by == *annotator);
        visible.objections.clear();
        visible.adjudication.take_if(|(by, _)| **by != *annotator);
        visible.first_wrong_steps.retain(|by, _| **by == *annotator);
        visible.labels.retain(|_, labels| {
            labels.retain(|by, _| **by == *annotator);
            !labels.is_empty()
        });
        visible
    }

    /// The last edit of each field, by step and side.
    pub fn last_edits(&self) -> BTreeMap<(Option<StepKey>, Option<Side>, Field), &Change> {
        let edits = self.changes.iter().filter_map(|change| match &change.kind {
            ChangeKind::Edit(edit) => Some(((change.step, edit.side, edit.field), change)),
            _ => None,
        });
        edits.collect()
    }

    /// The reasons for which annotators reject it.
    pub fn reasons(&self) -> BTreeSet<&str> {
        let rejections = self
            .verdicts
            .values()
            .flat_map(|verdict| &verdict.why.reasons);
        let adjudication = self.adjudication.iter().flat_map(|(_, a)| &a.why.reasons);
        rejections.chain(adjudication).map(String::as_str).collect()
    }

    fn take(&mut self, record: &ReviewRecord) {
        let by = || Arc::clone(&record.annotator);
        let step = record.step();
        match (&record.verb, step) {
            (Verb::Accept | Verb::AcceptPair(_), _) => {
                self.give(record, Opinion::Accept, Rejection::default());
            }
            (Verb::Reject(why), _) => self.give(record, Opinion::Reject, why.clone()),
            (Verb::Tie | Verb::TieBlind(_), _) => {
                self.give(record, Opinion::Tie, Rejection::default())
            }
            (Verb::PairSwap(orientation), _) => {
                // Which side is the better one is settled by an adjudication.
                if self.adjudication.is_none() {
                    self.swapped = orientation.swapped;
                }
                self.orientations.insert(by(), orientation.swapped);
                // Whoever swaps means the pair as it then is; what others said of it stays as they said it.
                if let Some(own) = self.verdicts.get_mut(&record.annotator) {
                    own.swapped = orientation.swapped;
                }
                self.hear(&record.annotator);
            }
            (Verb::Adjudicate(adjudication), _) => {
                self.swapped = adjudication.swapped;
                self.adjudication = Some((by(), adjudication.clone()));
                self.objections.clear();
            }
            (Verb::Label(label), Some(step)) => {
                self.labels.entry(step).or_default().insert(by(), *label);
            }
            (Verb::FirstWrongStep, Some(step)) => {
                self.first_wrong_steps.insert(by(), step);
            }
            (Verb::Tag(tag), _) => {
                self.tags.entry(tag.tag.clone()).or_insert_with(by);
            }
            (Verb::Untag(tag), _) => {
                self.tags.remove(&tag.tag);
            }
            (Verb::Note(note), _) => {
                let replaced = note
                    .replaces
                    .and_then(|id| self.notes.iter().position(|n| n.id == id));
                let present = replaced.map_or(record.id, |at| self.notes[at].id);
                let new = (!note.text.is_empty()).then(|| Note {
                    id: present,
                    annotator: by(),
                    time: record.time,
                    step: replaced.map_or(step, |at| self.notes[at].step),
                    text: note.text.clone(),
                });
                match (replaced, new) {
                    (Some(at), Some(new)) => self.notes[at] = new,
                    (Some(at), None) => drop(self.notes.remove(at)),
                    (None, new) => self.notes.extend(new),
                }
            }
            (Verb::Assign(assignment), _) => {
                let queue = assignment.queue.clone();
                self.assignments
                    .insert(queue, assignment.annotators.clone());
            }
            (Verb::ToolResult(given), Some(step)) => self.tool_results.push(GivenResult {
                record: record.id,
                annotator: by(),
                time: record.time,
                step,
                given: given.clone(),
            }),
            (Verb::PairNew(pair), Some(step)) => self.pairs.push(CreatedPair {
                id: record.id,
                annotator: by(),
                time: record.time,
                step,
                pair: pair.clone(),
            }),
            (Verb::Edit(_) | Verb::AddStep(_), _)
            | (Verb::RemoveStep | Verb::MoveStep(_) | Verb::Fresh, Some(_)) => {
                self.changes.extend(Change::of(record));
            }
            // Not what this version writes: a verb about a step that names none, or one that it does not know.
            (
                Verb::Label(_)
                | Verb::FirstWrongStep
                | Verb::ToolResult(_)
                | Verb::PairNew(_)
                | Verb::RemoveStep
                | Verb::MoveStep(_)
                | Verb::Fresh,
                None,
            )
            | (Verb::Unknown(_) | Verb::Undo(_) | Verb::Redo(_), _) => {}
        }
    }

    fn give(&mut self, record: &ReviewRecord, opinion: Opinion, why: Rejection) {
        // Whoever says how they saw the pair means that, however others had turned it elsewhere.
        let swapped = match &record.verb {
            Verb::AcceptPair(orientation) => orientation.swapped,
            _ => self.swapped,
        };
        let verdict = GivenVerdict {
            record: record.id,
            time: record.time,
            opinion,
            why,
            swapped,
        };
        self.verdicts.insert(Arc::clone(&record.annotator), verdict);
        if let Some(vote) = BlindVote::of(record) {
            let votes = self.blind_votes.entry(Arc::clone(&record.annotator));
            votes.or_default().push(vote);
        }
        self.hear(&record.annotator);
    }

    /// Notes whether an annotator's verdict, which has just changed, is against the adjudication.
    fn hear(&mut self, annotator: &Arc<str>) {
        let (Some((_, adjudication)), Some(verdict)) =
            (&self.adjudication, self.verdicts.get(annotator))
        else {
            return;
        };
        let agrees = match (adjudication.verdict, verdict.opinion) {
            (Judgement::Accept, Opinion::Accept) => verdict.swapped == adjudication.swapped,
            (Judgement::Reject, Opinion::Reject) | (Judgement::Tie, Opinion::Tie) => true,
            _ => false,
        };
        match agrees {
            true => self.objections.remove(annotator),
            false => self.objections.insert(Arc::clone(annotator)),
        };
    }

    /// The review as it would be with one more change, which has the highest id there is.
    #[must_use]
    pub fn with_change(&self, step: Option<StepKey>, kind: ChangeKind) -> Self {
        let mut review = self.clone();
        review.changes.push(Change {
            record: Uuid::max(),
            annotator: Arc::from(""),
            time: Timestamp::from_milliseconds(u64::MAX),
            step,
            kind,
        });
        review
    }
}

impl Change {
    fn of(record: &ReviewRecord) -> Option<Self> {
        Some(Self {
            record: record.id,
            annotator: Arc::clone(&record.annotator),
            time: record.time,
            step: record.step(),
            kind: ChangeKind::of(&record.verb)?,
        })
    }
}

impl ChangeKind {
    /// What a verb changes of the content; `None` if it leaves it as it is.
    pub fn of(verb: &Verb) -> Option<Self> {
        match verb {
            Verb::Edit(edit) => Some(Self::Edit(edit.clone())),
            Verb::AddStep(new) => Some(Self::AddStep(new.clone())),
            Verb::RemoveStep => Some(Self::RemoveStep),
            Verb::MoveStep(place) => Some(Self::MoveStep(*place)),
            Verb::Fresh => Some(Self::Fresh),
            _ => None,
        }
    }
}

impl EarlierReview {
    fn visible_to(&self, annotator: &str) -> Self {
        Self {
            hash: self.hash,
            review: self.review.visible_to(annotator),
        }
    }
}

/// Folds the records about one target, which come in order. `hash` is what its source record has now.
pub(super) fn fold<'a>(
    records: impl Iterator<Item = &'a ReviewRecord>,
    hash: &ContentHash,
) -> Review {
    let mut review = Review::default();
    let mut earlier: BTreeMap<ContentHash, Review> = BTreeMap::new();
    for record in records {
        let Some(target) = &record.target else {
            continue;
        };
        if target.reference.hash == *hash {
            review.take(record);
        } else {
            let of_then = earlier.entry(target.reference.hash).or_default();
            of_then.take(record);
        }
    }
    let told = earlier.into_iter().filter(|(_, review)| !review.is_empty());
    review.earlier = told
        .map(|(hash, review)| EarlierReview { hash, review })
        .collect();
    review
}
