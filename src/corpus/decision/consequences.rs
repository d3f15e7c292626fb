//! What a change does to a trajectory or pair, told before it is saved.

use crate::domain::review::{
    ChangeKind, Conflict, ConflictReason, Review, Side, Staleness, Target, Verb, apply,
    apply_to_pair,
};
use uuid::Uuid;

use super::Subject;

/// A step, by its number after the change, and what of it becomes stale.
pub type NewlyStale = (usize, Staleness);

/// Which steps a verb makes stale, or more so; an error if it could not be applied to what is shown.
pub fn consequences(
    subject: &Subject,
    target: &Target,
    verb: &Verb,
) -> Result<Vec<NewlyStale>, ConflictReason> {
    let Some(kind) = ChangeKind::of(verb) else {
        return Ok(Vec::new());
    };
    if subject.is_pair() {
        return match subject.pair() {
            Some(shown) => {
                // What is shown has its sides exchanged already.
                let kind = as_shown(kind, subject.review().swapped);
                let alone = Review::default().with_change(target.step, kind);
                refusal(apply_to_pair(&alone, shown).conflicts).map(|()| Vec::new())
            }
            None => Err(ConflictReason::NotApplicable),
        };
    }
    let current = &subject.current;
    let then = apply(
        &current.review.with_change(target.step, kind),
        &subject.record.content,
    );
    refusal(then.conflicts)?;
    let stale = then.steps.iter().enumerate().filter_map(|(index, step)| {
        let before = current.steps.iter().find(|known| known.key == step.key);
        let before = before.and_then(|known| known.stale);
        step.stale
            .filter(|stale| Some(*stale) > before)
            .map(|stale| (index + 1, stale))
    });
    Ok(stale.collect())
}

fn as_shown(kind: ChangeKind, swapped: bool) -> ChangeKind {
    match kind {
        ChangeKind::Edit(mut edit) if swapped => {
            edit.side = edit.side.map(other);
            ChangeKind::Edit(edit)
        }
        kind => kind,
    }
}

/// The other side of a pair.
pub fn other(side: Side) -> Side {
    match side {
        Side::Chosen => Side::Rejected,
        Side::Rejected => Side::Chosen,
    }
}

fn refusal(conflicts: Vec<Conflict>) -> Result<(), ConflictReason> {
    let mut own = conflicts
        .into_iter()
        .filter(|conflict| conflict.record == Uuid::max());
    match own.find(|conflict| !conflict.reason.is_applied()) {
        Some(conflict) => Err(conflict.reason),
        None => Ok(()),
    }
}

/// Stale steps in words: `the observation of step 2, steps 3 to 5`.
pub fn in_words(stale: &[NewlyStale]) -> String {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some((first, staleness)) = stale.get(at) {
        let run = stale[at..]
            .iter()
            .zip(*first..)
            .take_while(|((step, other), expected)| step == expected && other == staleness)
            .count();
        let last = first + run - 1;
        let steps = match run {
            1 => format!("step {first}"),
            _ => format!("steps {first} to {last}"),
        };
        parts.push(match staleness {
            Staleness::Observation => format!("the observation of {steps}"),
            Staleness::Step => steps,
        });
        at += run;
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_steps_are_told_as_such() {
        use Staleness::{Observation, Step};
        let stale = [(2, Observation), (3, Step), (4, Step), (6, Step)];
        assert_eq!(
            in_words(&stale),
            "the observation of step 2, steps 3 to 4, step 6"
        );
        assert_eq!(in_words(&[]), "");
    }
}
