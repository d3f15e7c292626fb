//! What records add up to, whatever the order in which they become known; and what that makes of a trajectory.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    Action, Candidate, Content, ContentHash, Context, Maker, Observation, PreferencePair,
    Provenance, Step, TargetId, Task, ToolCall, Trajectory,
};

const HASH: ContentHash = ContentHash([1; 32]);
const OTHER_HASH: ContentHash = ContentHash([2; 32]);

fn nowhere(_: &TargetId) -> bool {
    false
}

/// Makes records with rising ids.
#[derive(Default)]
pub(super) struct Book {
    pub(super) records: Vec<ReviewRecord>,
}

impl Book {
    pub(super) fn add(&mut self, annotator: &str, target: Option<Target>, verb: Verb) -> Uuid {
        let number = self.records.len() as u64 + 1;
        let id = Uuid::from_u128(u128::from(number) << 80);
        self.records.push(ReviewRecord {
            sequence: number,
            id,
            time: Timestamp::from_milliseconds(number),
            annotator: Arc::from(annotator),
            target,
            verb,
            batch: None,
            checksum: number,
        });
        id
    }

    pub(super) fn on(&mut self, annotator: &str, verb: Verb) -> Uuid {
        self.add(annotator, Some(target("m/1")), verb)
    }

    pub(super) fn on_step(&mut self, annotator: &str, step: StepKey, verb: Verb) -> Uuid {
        self.add(annotator, Some(target("m/1").with_step(step)), verb)
    }

    fn reviews(&self) -> Reviews {
        reviews(self.records.clone())
    }

    pub(super) fn review(&self) -> Review {
        review(&self.reviews(), "m/1")
    }

    fn undo(&mut self, annotator: &str) -> Option<Uuid> {
        let reverses = self.reviews().next_undo(annotator)?;
        Some(self.add(annotator, None, Verb::Undo(Reversal { reverses })))
    }

    fn redo(&mut self, annotator: &str) -> Option<Uuid> {
        let reverses = self.reviews().next_redo(annotator)?;
        Some(self.add(annotator, None, Verb::Redo(Reversal { reverses })))
    }
}

fn target(id: &str) -> Target {
    Target::new(TargetId::parse(id), HASH)
}

fn reviews(records: Vec<ReviewRecord>) -> Reviews {
    let mut reviews = Reviews::default();
    reviews.extend(records);
    reviews
}

fn review(reviews: &Reviews, id: &str) -> Review {
    // All that the tests name are records of one workspace.
    reviews.review(&TargetId::parse(id), &HASH, |_| true)
}

pub(super) fn reject(reason: &str) -> Verb {
    Verb::Reject(Rejection {
        reasons: vec![reason.to_owned()],
        text: String::new(),
    })
}

fn edit(field: Field, old: &str, new: &str) -> Verb {
    Verb::Edit(Edit {
        field,
        side: None,
        text: new.to_owned(),
        against: TextHash::of(old),
    })
}

fn tag(tag: &str) -> TagName {
    TagName {
        tag: tag.to_owned(),
    }
}

pub(super) const ONE: StepKey = StepKey::Source(1);
const TWO: StepKey = StepKey::Source(2);
const THREE: StepKey = StepKey::Source(3);

// --- What people say ---

#[test]
fn verdicts_that_agree_are_the_state_and_others_a_dispute() {
    let mut book = Book::default();
    assert_eq!(book.review().state(), ReviewState::Unreviewed);
    book.on("ada", Verb::Accept);
    assert_eq!(book.review().state(), ReviewState::Accepted);
    book.on("bob", reject("unsafe"));
    assert_eq!(book.review().state(), ReviewState::Disputed);
    assert_eq!(book.review().reasons(), ["unsafe"].into());
    let verdict = book.on(
        "cy",
        Verb::Adjudicate(Adjudication {
            verdict: Judgement::Reject,
            swapped: false,
            why: Rejection::default(),
        }),
    );
    assert_eq!(book.review().state(), ReviewState::Rejected);
    book.add("cy", None, Verb::Undo(Reversal { reverses: verdict }));
    assert_eq!(book.review().state(), ReviewState::Disputed);
    book.on("bob", Verb::Accept);
    assert_eq!(book.review().state(), ReviewState::Accepted);
}

#[test]
fn nobody_reverses_what_another_decided() {
    let mut book = Book::default();
    let verdict = book.on("ada", Verb::Accept);
    book.add("bob", None, Verb::Undo(Reversal { reverses: verdict }));
    assert_eq!(book.review().state(), ReviewState::Accepted);
    assert_eq!(book.reviews().next_undo("bob"), None);
}

#[test]
fn what_others_say_is_hidden_until_ones_own_verdict() {
    let mut book = Book::default();
    book.on("ada", Verb::Accept);
    book.on_step("ada", TWO, Verb::Label(StepLabel::new(-1).unwrap()));
    book.on_step("bob", TWO, Verb::Label(StepLabel::new(1).unwrap()));
    book.on_step("ada", TWO, Verb::FirstWrongStep);
    let seen = book.review().visible_to("bob");
    assert_eq!(seen.state(), ReviewState::Unreviewed);
    let own = BTreeMap::from([(Arc::from("bob"), StepLabel::new(1).unwrap())]);
    assert_eq!(seen.labels, BTreeMap::from([(TWO, own)]));
    assert!(seen.first_wrong_steps.is_empty());
    assert_eq!(book.review().visible_to("ada"), book.review());
    book.on("bob", reject("other"));
    assert_eq!(book.review().visible_to("bob"), book.review());
}

#[test]
fn notes_are_replaced_and_taken_away() {
    let mut book = Book::default();
    let note = |text: &str, replaces| {
        Verb::Note(NoteText {
            text: text.to_owned(),
            replaces,
        })
    };
    let first = book.on_step("ada", TWO, note("wrong year", None));
    book.on("ada", note("good picture", None));
    book.on("ada", note("wrong month", Some(first)));
    let texts =
        |review: &Review| -> Vec<String> { review.notes.iter().map(|n| n.text.clone()).collect() };
    let review = book.review();
    assert_eq!(texts(&review), ["wrong month", "good picture"]);
    assert_eq!(
        (review.notes[0].id, review.notes[0].step),
        (first, Some(TWO))
    );
    book.on("ada", note("", Some(first)));
    assert_eq!(texts(&book.review()), ["good picture"]);
    book.undo("ada");
    assert_eq!(texts(&book.review()), ["wrong month", "good picture"]);
}

#[test]
fn one_step_is_the_first_wrong_one_and_tags_go_away() {
    let mut book = Book::default();
    book.on_step("ada", ONE, Verb::FirstWrongStep);
    book.on_step("ada", THREE, Verb::FirstWrongStep);
    book.on("ada", Verb::Tag(tag("odd")));
    book.on("bob", Verb::Tag(tag("short")));
    book.on("bob", Verb::Untag(tag("odd")));
    let review = book.review();
    assert_eq!(
        review.first_wrong_steps,
        BTreeMap::from([("ada".into(), THREE)])
    );
    assert_eq!(
        review.tags,
        BTreeMap::from([("short".to_owned(), "bob".into())])
    );
}

#[test]
fn a_review_follows_the_content_to_another_name_and_waits_when_the_source_changes() {
    let mut book = Book::default();
    book.on("ada", Verb::Accept);
    let reviews = book.reviews();
    let there = TargetId::parse("other-name/7");
    assert_eq!(
        reviews.review(&there, &HASH, nowhere).state(),
        ReviewState::Accepted
    );
    // Another record of this workspace has that id: the review is its own.
    let is_ours = |id: &TargetId| id.to_string() == "m/1";
    assert!(reviews.review(&there, &HASH, is_ours).is_empty());
    let changed = reviews.review(&TargetId::parse("m/1"), &OTHER_HASH, nowhere);
    assert_eq!(changed.state(), ReviewState::Unreviewed);
    assert!(changed.source_changed());
    assert_eq!(changed.earlier[0].review.state(), ReviewState::Accepted);
    assert_eq!(changed.earlier[0].hash, HASH);
    assert!(reviews.review(&there, &OTHER_HASH, nowhere).is_empty());
    assert!(
        reviews
            .review(&TargetId::parse("m/1:2"), &HASH, nowhere)
            .is_empty()
    );
}

#[test]
fn of_two_lines_with_one_id_the_same_one_counts_always() {
    let mut book = Book::default();
    book.on("ada", Verb::Accept);
    book.on("bob", Verb::Accept);
    let mut other = book.records[0].clone();
    other.checksum = 0;
    other.verb = reject("other");
    other.target = Some(target("m/2"));
    let mut one_way = book.records.clone();
    one_way.push(other.clone());
    let mut another = vec![other];
    another.extend(book.records.clone());
    for records in [one_way, another] {
        let mut reviews = Reviews::default();
        let added = reviews.extend(records);
        assert_eq!(added.conflicts, [book.records[0].id]);
        assert_eq!(review(&reviews, "m/1").verdicts.len(), 1);
        assert_eq!(review(&reviews, "m/2").state(), ReviewState::Rejected);
    }
}

#[test]
fn verbs_of_later_versions_change_nothing_and_are_undone_like_others() {
    let mut book = Book::default();
    book.on("ada", Verb::read("praise", Some("{\"stars\":5}")));
    book.on("ada", Verb::read("label", Some("{\"value\":7}")));
    assert!(book.review().is_empty());
    let reviews = book.reviews();
    assert_eq!(reviews.unknown().len(), 2);
    let Verb::Unknown(label) = &reviews.unknown()[1].verb else {
        panic!("a label of 7");
    };
    assert!(
        label.problem.as_deref().unwrap().contains("-1, 0 or 1"),
        "{label:?}"
    );
    assert_eq!(
        reviews.unknown()[0].verb.payload().unwrap().as_deref(),
        Some("{\"stars\":5}")
    );
    assert_eq!(reviews.next_undo("ada"), Some(book.records[1].id));
}

#[test]
fn redo_ends_with_something_new() {
    let mut book = Book::default();
    let first = book.on("ada", Verb::Accept);
    let second = book.on("ada", Verb::Tag(tag("odd")));
    assert_eq!(book.reviews().next_undo("ada"), Some(second));
    let undo_second = book.undo("ada");
    assert_eq!(book.reviews().next_undo("ada"), Some(first));
    let undo_first = book.undo("ada");
    assert_eq!(book.reviews().next_undo("ada"), None);
    assert_eq!(book.reviews().next_redo("ada"), undo_first);
    book.redo("ada");
    assert_eq!(book.reviews().next_redo("ada"), undo_second);
    // What others do is no matter.
    book.on("bob", Verb::Accept);
    assert_eq!(book.reviews().next_redo("ada"), undo_second);
    book.on("ada", Verb::Tag(tag("new")));
    assert_eq!(book.reviews().next_redo("ada"), None);
    book.undo("ada");
    assert!(book.redo("ada").is_some());
    assert_eq!(book.review().tags.len(), 1);
}

#[test]
fn a_batch_goes_as_a_whole() {
    let mut book = Book::default();
    let first = book.on("ada", Verb::Accept);
    book.on("ada", Verb::Tag(tag("odd")));
    let joined = book.on("ada", Verb::Tag(tag("late")));
    book.records[0].batch = Some(first);
    book.records[1].batch = Some(first);
    book.records[2].batch = Some(first);
    assert_eq!(book.reviews().batch(first).len(), 3);
    assert_eq!(book.reviews().record(joined).unwrap().batch_id(), first);
    book.undo("ada");
    assert!(book.review().is_empty());
    assert_eq!(book.reviews().next_undo("ada"), None);
    let mut known = reviews(book.records[..3].to_vec());
    let added = known.extend(book.records[3..].to_vec());
    assert_eq!(added.references, [Arc::clone(&target("m/1").reference)]);
}

#[test]
fn drafts_stand_where_their_verb_makes_sense() {
    let whole = target("m/1");
    let step = whole.with_step(TWO);
    let pair = target("m/1:2.3");
    let side = |side| {
        Verb::Edit(Edit {
            field: Field::Code,
            side,
            text: "x".to_owned(),
            against: TextHash::of(""),
        })
    };
    let move_behind = |after| Verb::MoveStep(Place { after });
    let cases = [
        (&whole, Verb::Accept, true),
        (&step, Verb::Accept, false),
        (&pair, Verb::Tie, true),
        (&whole, Verb::Fresh, false),
        (&step, Verb::Fresh, true),
        (&step, side(None), true),
        (&whole, side(None), false),
        (&pair, side(None), false),
        (&pair, side(Some(Side::Chosen)), true),
        (&whole, edit(Field::Task, "", "x"), true),
        (&step, edit(Field::Answer, "", "x"), false),
        (&step, move_behind(Some(TWO)), false),
        (&step, move_behind(None), true),
        (&whole, Verb::Tag(tag(" ")), false),
        (&whole, Verb::read("praise", None), false),
    ];
    for (target, verb, fits) in cases {
        let draft = Draft::new(target.clone(), verb.clone());
        assert_eq!(draft.is_ok(), fits, "{verb:?} on {target:?}: {draft:?}");
    }
}

// --- Whatever the order ---

#[derive(Debug, Clone)]
enum Deed {
    Say(usize, usize, u32, usize),
    Undo(usize),
    Redo(usize),
}

const ANNOTATORS: [&str; 2] = ["ada", "bob"];
const TARGETS: [&str; 3] = ["m/1", "m/2", "m/1:9"];

fn verb(number: usize, ids: &[Uuid]) -> Verb {
    let last = ids.last().copied();
    match number {
        0 => Verb::Accept,
        1 => reject("unsafe"),
        2 => Verb::Tag(tag("odd")),
        3 => Verb::Untag(tag("odd")),
        4 => Verb::Note(NoteText {
            text: "hm".to_owned(),
            replaces: last,
        }),
        5 => edit(Field::Code, "b", "c"),
        6 => Verb::Label(StepLabel::new(1).unwrap()),
        7 => Verb::FirstWrongStep,
        8 => Verb::PairSwap(Orientation::open(true)),
        9 => Verb::AddStep(Box::default()),
        10 => Verb::Tie,
        11 => Verb::AcceptPair(Orientation::open(true)),
        12 => Verb::Adjudicate(Adjudication {
            verdict: Judgement::Accept,
            swapped: ids.len().is_multiple_of(2),
            why: Rejection::default(),
        }),
        13 => Verb::Assign(Assignment {
            queue: "pilot".to_owned(),
            annotators: vec![format!("a{}", ids.len() % 3)],
        }),
        _ => Verb::Fresh,
    }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (0..2_usize, 0..3_usize, 1..4_u32, 0..15_usize).prop_map(|(a, t, s, v)| Deed::Say(a, t, s, v)),
        1 => (0..2_usize).prop_map(Deed::Undo),
        1 => (0..2_usize).prop_map(Deed::Redo),
    ];
    prop::collection::vec(deed, 0..30)
}

fn book_of(deeds: &[Deed]) -> Book {
    let mut book = Book::default();
    let mut ids = Vec::new();
    for deed in deeds {
        match deed {
            Deed::Say(annotator, at, step, number) => {
                let at = target(TARGETS[*at]).with_step(StepKey::Source(*step));
                let verb = verb(*number, &ids);
                ids.push(book.add(ANNOTATORS[*annotator], Some(at), verb));
                // Some records belong to the batch of the one before them.
                if let [.., before, last] = book.records.as_mut_slice()
                    && step % 2 == 0
                    && !before.verb.is_reversal()
                    && before.annotator == last.annotator
                {
                    last.batch = Some(before.batch_id());
                }
            }
            Deed::Undo(annotator) => drop(book.undo(ANNOTATORS[*annotator])),
            Deed::Redo(annotator) => drop(book.redo(ANNOTATORS[*annotator])),
        }
    }
    book
}

/// An annotator's next undo and redo.
type NextReversals = (Option<Uuid>, Option<Uuid>);

/// Everything that can be asked.
fn state(reviews: &Reviews) -> (Vec<Review>, Vec<NextReversals>) {
    let seen = TARGETS.iter().map(|id| review(reviews, id)).collect();
    let next = |annotator: &&str| (reviews.next_undo(annotator), reviews.next_redo(annotator));
    (seen, ANNOTATORS.iter().map(next).collect())
}

fn shown(reviews: &Reviews) -> Vec<Review> {
    state(reviews).0
}

proptest! {
    #[test]
    fn order_and_repetition_make_no_difference(
        deeds in deeds(),
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 40),
        cut in any::<prop::sample::Index>(),
    ) {
        let book = book_of(&deeds);
        let mut records = book.records.clone();
        for (place, is_twice) in &order {
            if records.is_empty() {
                break;
            }
            let moved = records.remove(place.index(records.len()));
            if *is_twice && records.len() < 80 {
                records.insert(0, moved.clone());
            }
            records.push(moved);
        }
        let second = records.split_off(if records.is_empty() { 0 } else { cut.index(records.len()) });
        let mut merged = reviews(records);
        merged.extend(second);
        prop_assert_eq!(state(&merged), state(&book.reviews()));
        prop_assert_eq!(merged.len(), book.records.len());
    }

    #[test]
    fn undo_and_redo_are_as_if_nothing_happened(deeds in deeds(), who in 0..2_usize) {
        let mut book = book_of(&deeds);
        let before = shown(&book.reviews());
        if book.undo(ANNOTATORS[who]).is_some() {
            prop_assert!(book.redo(ANNOTATORS[who]).is_some());
            prop_assert_eq!(shown(&book.reviews()), before);
        }
    }

    #[test]
    fn an_undone_batch_is_as_if_it_had_never_been(deeds in deeds(), who in 0..2_usize) {
        let mut book = book_of(&deeds);
        if let Some(batch) = book.reviews().next_undo(ANNOTATORS[who]) {
            let mut without = book.records.clone();
            without.retain(|record| record.batch_id() != batch || &*record.annotator != ANNOTATORS[who]);
            book.undo(ANNOTATORS[who]);
            prop_assert_eq!(shown(&book.reviews()), shown(&reviews(without)));
        }
    }

    #[test]
    fn several_reversals_at_once_are_those_one_by_one(deeds in deeds(), who in 0..2_usize, count in 1..6_usize) {
        let mut book = book_of(&deeds);
        let who = ANNOTATORS[who];
        let undos = book.reviews().next_undos(who, count);
        for undo in &undos {
            prop_assert_eq!(book.reviews().next_undo(who), Some(*undo));
            book.undo(who);
        }
        prop_assert!(undos.len() == count || book.undo(who).is_none());
        let redos = book.reviews().next_redos(who, count);
        for redo in &redos {
            prop_assert_eq!(book.reviews().next_redo(who), Some(*redo));
            book.redo(who);
        }
        prop_assert!(redos.len() >= undos.len());
    }

    #[test]
    fn undoing_everything_leaves_nothing(deeds in deeds()) {
        let mut book = book_of(&deeds);
        for annotator in ANNOTATORS {
            while book.undo(annotator).is_some() {}
        }
        prop_assert!(shown(&book.reviews()).iter().all(Review::is_empty));
    }

    #[test]
    fn whatever_the_changes_are_they_apply(deeds in deeds()) {
        let book = book_of(&deeds);
        for id in TARGETS {
            let edited = apply(&review(&book.reviews(), id), &content());
            prop_assert_eq!(edited.steps.len(), edited.content.trajectory.unwrap().steps.len());
        }
    }
}

// --- What that makes of content ---

fn step(letter: &str) -> Step {
    Step {
        thought: Some(format!("thought {letter}")),
        action: Some(Action::Code(format!("code {letter}"))),
        observation: Some(Observation {
            text: format!("seen {letter}"),
            ..Observation::default()
        }),
        ..Step::default()
    }
}

fn content() -> Content {
    Content {
        trajectory: Some(Trajectory {
            task: Task {
                text: "What is it?".to_owned(),
                prompt: Some("Task: What is it?\nAnswer.".to_owned()),
                attachments: Vec::new(),
            },
            steps: ["a", "b", "c"].map(step).into(),
            answer: Some("it".to_owned()),
            ..Trajectory::default()
        }),
        ..Content::default()
    }
}

fn edited(book: &Book) -> Edited {
    apply(&book.review(), &content())
}

/// Keys with what is stale: `3!` all of it, `3?` its observation.
fn steps(edited: &Edited) -> String {
    let text = |step: &EditedStep| {
        let key = match step.key {
            StepKey::Source(number) => number.to_string(),
            StepKey::Added(_) => "+".to_owned(),
        };
        let mark = match step.stale {
            None => "",
            Some(Staleness::Observation) => "?",
            Some(Staleness::Step) => "!",
        };
        key + mark
    };
    edited.steps.iter().map(text).collect::<Vec<_>>().join(" ")
}

#[test]
fn without_changes_the_content_is_the_sources() {
    let edited = apply(&Review::default(), &content());
    assert_eq!(edited.content, content());
    assert_eq!(steps(&edited), "1 2 3");
}

#[test]
fn an_edit_makes_stale_what_followed_from_the_text() {
    let cases = [
        (Some(TWO), Field::Thought, "thought b", "1 2? 3!"),
        (Some(TWO), Field::Code, "code b", "1 2? 3!"),
        (Some(TWO), Field::Observation, "seen b", "1 2 3!"),
        (Some(THREE), Field::Observation, "seen c", "1 2 3"),
        (None, Field::Task, "What is it?", "1! 2! 3!"),
        (None, Field::Answer, "it", "1 2 3"),
    ];
    for (step, field, old, wanted) in cases {
        let mut book = Book::default();
        let verb = edit(field, old, "new");
        match step {
            Some(step) => book.on_step("ada", step, verb),
            None => book.on("ada", verb),
        };
        let edited = edited(&book);
        assert_eq!(steps(&edited), wanted, "{field:?}");
        assert_eq!(edited.conflicts, [], "{field:?}");
        let trajectory = edited.content.trajectory.unwrap();
        let text = match step {
            Some(StepKey::Source(number)) => {
                step_text(&trajectory.steps[number as usize - 1], field).into_owned()
            }
            _ => trajectory_text(&trajectory, field).to_owned(),
        };
        assert_eq!(text, "new");
        // Nothing else is different.
        book.undo("ada");
        assert_eq!(super::apply(&book.review(), &content()).content, content());
    }
}

#[test]
fn the_turn_gets_the_new_question() {
    let mut book = Book::default();
    book.on("ada", edit(Field::Task, "What is it?", "Who is it?"));
    let task = edited(&book).content.trajectory.unwrap().task;
    assert_eq!(task.prompt.as_deref(), Some("Task: Who is it?\nAnswer."));
}

#[test]
fn fresh_holds_until_the_next_edit_before_it() {
    let mut book = Book::default();
    book.on_step("ada", THREE, Verb::Fresh);
    book.on_step("ada", ONE, edit(Field::Code, "code a", "x"));
    assert_eq!(steps(&edited(&book)), "1? 2! 3!");
    book.on_step("ada", ONE, Verb::Fresh);
    book.on_step("ada", THREE, Verb::Fresh);
    assert_eq!(steps(&edited(&book)), "1 2! 3");
    book.on_step("ada", TWO, edit(Field::Observation, "seen b", "y"));
    assert_eq!(steps(&edited(&book)), "1 2! 3!");
    // The same text again is no edit.
    book.on_step("ada", THREE, Verb::Fresh);
    book.on_step("ada", TWO, edit(Field::Observation, "y", "y"));
    assert_eq!(steps(&edited(&book)), "1 2! 3");
}

#[test]
fn steps_come_go_and_move_under_their_names() {
    let mut book = Book::default();
    let new = NewStep {
        after: Some(ONE),
        texts: LiteralCandidate {
            thought: Some("between".to_owned()),
            code: Some("go()".to_owned()),
            observation: None,
        },
    };
    let added = book.on("ada", Verb::AddStep(Box::new(new)));
    assert_eq!(steps(&edited(&book)), "1 + 2! 3!");
    let added = StepKey::Added(added);
    book.on_step("ada", added, edit(Field::Observation, "", "went"));
    book.on_step("ada", TWO, Verb::RemoveStep);
    assert_eq!(steps(&edited(&book)), "1 + 3!");
    // What was put behind a step that is gone stands where that was.
    let behind = Verb::MoveStep(Place { after: Some(TWO) });
    book.on_step("ada", ONE, behind);
    assert_eq!(steps(&edited(&book)), "+! 1! 3!");
    let trajectory = edited(&book).content.trajectory.unwrap();
    assert_eq!(
        trajectory.steps[0].observation.as_ref().unwrap().text,
        "went"
    );
    assert_eq!(trajectory.steps[0].code(), Some("go()"));
    assert_eq!(trajectory.steps[1], step("a"));
    for _ in 0..4 {
        book.undo("ada");
    }
    assert_eq!(edited(&book).content, content());
}

#[test]
fn what_does_not_meet_its_text_is_told() {
    let mut book = Book::default();
    book.on_step("ada", TWO, edit(Field::Code, "code b", "x"));
    let late = book.on_step("bob", TWO, edit(Field::Code, "code b", "y"));
    let gone = book.on_step("bob", StepKey::Source(9), edit(Field::Code, "", "z"));
    let edited = edited(&book);
    let told: Vec<_> = edited
        .conflicts
        .iter()
        .map(|c| (c.record, c.reason.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (late, ConflictReason::OtherText(Field::Code)),
            (gone, ConflictReason::NoStep)
        ]
    );
    assert_eq!(
        told.iter().map(|(_, r)| r.is_applied()).collect::<Vec<_>>(),
        [true, false]
    );
    let trajectory = edited.content.trajectory.unwrap();
    assert_eq!(trajectory.steps[1].code(), Some("y"));
    let review = book.review();
    let last = review.last_edits();
    assert_eq!(last[&(Some(TWO), None, Field::Code)].record, late);
}

#[test]
fn tool_calls_are_edited_as_json() {
    let call = |name: &str, result: Option<&str>| ToolCall {
        id: Some("c1".to_owned()),
        name: name.to_owned(),
        arguments: serde_json::json!({"q": 1}),
        result: result.map(str::to_owned),
    };
    let mut content = content();
    let first = &mut content.trajectory.as_mut().unwrap().steps[0];
    first.action = Some(Action::ToolCalls(vec![call("OCR", Some("seen a"))]));
    let old = step_text(first, Field::Code).into_owned();
    assert_eq!(parse_tool_calls(&old).unwrap(), [call("OCR", None)]);
    let mut book = Book::default();
    book.on_step(
        "ada",
        ONE,
        edit(Field::Code, &old, &old.replace("OCR", "Search")),
    );
    let edited = apply(&book.review(), &content);
    assert_eq!(
        (steps(&edited).as_str(), edited.conflicts.len()),
        ("1? 2! 3!", 0)
    );
    let action = edited
        .content
        .trajectory
        .unwrap()
        .steps
        .swap_remove(0)
        .action;
    assert_eq!(
        action,
        Some(Action::ToolCalls(vec![call("Search", Some("seen a"))]))
    );
    // What is no calls is not applied.
    for wrong in [
        "search()",
        "{}",
        "[{\"name\":\"x\"}]",
        "[{\"name\":\"x\",\"arguments\":{},\"args\":1}]",
    ] {
        assert!(parse_tool_calls(wrong).is_err(), "{wrong}");
        let mut book = Book::default();
        book.on_step("ada", ONE, edit(Field::Code, &old, wrong));
        let edited = apply(&book.review(), &content);
        assert!(matches!(
            edited.conflicts[0].reason,
            ConflictReason::Calls(_)
        ));
        assert_eq!(
            (edited.content, edited.steps[0].stale),
            (content.clone(), None)
        );
    }
}

#[test]
fn a_changed_source_gets_no_edits() {
    let mut book = Book::default();
    book.on_step("ada", TWO, edit(Field::Code, "code b", "x"));
    let review = book
        .reviews()
        .review(&TargetId::parse("m/1"), &OTHER_HASH, nowhere);
    assert_eq!(apply(&review, &content()).content, content());
    // Whether it would still fit can be asked.
    assert_eq!(apply(&review.earlier[0].review, &content()).conflicts, []);
}

// --- Pairs ---

pub(super) fn pair() -> PreferencePair {
    let candidate = |letter: &str| Candidate {
        thought: Some(format!("thought {letter}")),
        ..Candidate::default()
    };
    PreferencePair {
        context: Context::default(),
        chosen: candidate("good"),
        rejected: candidate("bad"),
        reason: None,
        part: None,
        provenance: Provenance::default(),
    }
}

#[test]
fn swaps_say_which_side_and_not_how_often() {
    let mut book = Book::default();
    let swap = |swapped| Verb::PairSwap(Orientation::open(swapped));
    book.on("ada", Verb::Accept);
    book.on("ada", swap(true));
    // Ada means the pair as she left it.
    assert_eq!(book.review().state(), ReviewState::Accepted);
    book.on("bob", swap(true));
    let shown = apply_to_pair(&book.review(), &pair());
    assert_eq!(shown.pair.chosen.thought.as_deref(), Some("thought bad"));
    book.on("bob", swap(false));
    book.on("bob", Verb::Accept);
    assert_eq!(book.review().state(), ReviewState::Disputed);
    assert_eq!(apply_to_pair(&book.review(), &pair()).pair, pair());
    // A record that is the pair.
    let content = Content {
        pairs: vec![pair()],
        ..Content::default()
    };
    book.on("cy", swap(true));
    assert_eq!(
        apply(&book.review(), &content).content.pairs[0].rejected,
        pair().chosen
    );
}

#[test]
fn candidates_of_a_pair_are_edited() {
    let mut book = Book::default();
    let verb = Verb::Edit(Edit {
        field: Field::Thought,
        side: Some(Side::Rejected),
        text: "worse".to_owned(),
        against: TextHash::of("thought bad"),
    });
    book.on("ada", verb);
    let shown = apply_to_pair(&book.review(), &pair());
    assert_eq!(shown.conflicts, []);
    assert_eq!(shown.pair.rejected.thought.as_deref(), Some("worse"));
    assert_eq!(shown.pair.chosen, pair().chosen);
    let wrong = apply(&book.review(), &content());
    assert_eq!(wrong.conflicts[0].reason, ConflictReason::NotApplicable);
}

#[test]
fn a_pair_is_made_of_a_step() {
    let mut book = Book::default();
    book.on_step("ada", ONE, edit(Field::Code, "code a", "x"));
    let new = NewPair {
        chosen: CandidateReference::Literal(LiteralCandidate {
            code: Some("better()".to_owned()),
            ..LiteralCandidate::default()
        }),
        rejected: CandidateReference::Step,
        reason: "the tool was wrong".to_owned(),
    };
    let id = book.on_step("ada", TWO, Verb::PairNew(Box::new(new)));
    let review = book.review();
    let created = &review.pairs[0];
    assert_eq!(
        created.target(&TargetId::parse("m/1")).to_string(),
        format!("m/1:{id}")
    );
    let edited = apply(&review, &content());
    let pair = created_pair(created, &edited, |_| None).unwrap();
    assert_eq!(pair.context.steps.len(), 1);
    assert_eq!(pair.context.steps[0].code(), Some("x"));
    assert_eq!(
        pair.chosen.action,
        Some(Action::Code("better()".to_owned()))
    );
    assert_eq!(pair.chosen.maker, Maker::Person("ada".to_owned()));
    assert_eq!(pair.rejected.observation, step("b").observation);
    assert_eq!(pair.part, Some(id.to_string()));
    let mut other = created.clone();
    other.pair.chosen = CandidateReference::Generated(HASH);
    assert_eq!(
        created_pair(&other, &edited, |_| None),
        Err(PairError::NotGenerated(HASH))
    );
    other.pair.chosen = CandidateReference::Candidate(1);
    assert_eq!(
        created_pair(&other, &edited, |_| None),
        Err(PairError::NoCandidate(TWO, 1))
    );
    other.step = StepKey::Source(4);
    assert_eq!(
        created_pair(&other, &edited, |_| None),
        Err(PairError::NoStep(other.step))
    );
}
