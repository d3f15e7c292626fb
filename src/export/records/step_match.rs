//! Which step of a record an edited step was, so that what nobody touched keeps its text.

use crate::domain::Step;

/// For each new step the old one that it is, or is made of.
///
/// Steps that nothing happened to are found first, wherever they are now; then those that share a part; at last, where no
/// step was added or removed, those in the same place.
pub(in crate::export) fn match_steps(old: &[Step], new: &[Step]) -> Vec<Option<usize>> {
    let shortest = old.len().min(new.len());
    let equal = |pair: &(&Step, &Step)| pair.0 == pair.1;
    let prefix = old.iter().zip(new).take_while(equal).count();
    let suffix = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(shortest - prefix)
        .take_while(equal)
        .count();
    let mut matched: Vec<Option<usize>> = vec![None; new.len()];
    for (index, found) in matched.iter_mut().enumerate() {
        if index < prefix {
            *found = Some(index);
        } else if index >= new.len() - suffix {
            *found = Some(old.len() - (new.len() - index));
        }
    }
    let mut free: Vec<usize> = (prefix..old.len() - suffix).collect();
    for round in [EQUAL, SHARED, PLACE] {
        for (index, found) in matched.iter_mut().enumerate() {
            if found.is_some() {
                continue;
            }
            let best = free
                .iter()
                .enumerate()
                .filter_map(|(at, &known)| {
                    let score = round(old, known, new, index)?;
                    Some((score, usize::MAX - known.abs_diff(index), at))
                })
                .max();
            if let Some((.., at)) = best {
                *found = Some(free.remove(at));
            }
        }
    }
    matched
}

/// How well an old step fits a new one; `None` if not at all.
type Score = fn(&[Step], usize, &[Step], usize) -> Option<usize>;

const EQUAL: Score = |old, known, new, index| (old[known] == new[index]).then_some(0);

const SHARED: Score = |old, known, new, index| {
    let (old, new) = (&old[known], &new[index]);
    let shared = |is_same: bool, is_there: bool, weight| usize::from(is_same && is_there) * weight;
    let score = shared(old.reply == new.reply, old.reply.is_some(), 4)
        + shared(old.action == new.action, old.action.is_some(), 2)
        + shared(
            old.observation == new.observation,
            old.observation.is_some(),
            2,
        )
        + shared(old.thought == new.thought, old.thought.is_some(), 1);
    (score > 0).then_some(score)
};

const PLACE: Score =
    |old, known, new, index| (known == index && old.len() == new.len()).then_some(0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Action, Observation};

    fn step(thought: &str, code: &str, observation: &str) -> Step {
        Step {
            thought: Some(thought.to_owned()),
            action: Some(Action::Code(code.to_owned())),
            observation: Some(Observation {
                text: observation.to_owned(),
                ..Observation::default()
            }),
            ..Step::default()
        }
    }

    #[test]
    fn steps_are_found_again() {
        let [a, b, c] = ["a", "b", "c"].map(|name| step(name, name, name));
        let old = [a.clone(), b.clone(), c.clone()];
        let edited = step("b2", "b", "b");
        let rewritten = step("x", "y", "z");
        let cases: [(&[Step], &[Option<usize>]); 7] = [
            (&old, &[Some(0), Some(1), Some(2)]),
            (
                &[a.clone(), edited.clone(), c.clone()],
                &[Some(0), Some(1), Some(2)],
            ),
            (&[c.clone(), a.clone()], &[Some(2), Some(0)]),
            (&[edited.clone(), c.clone()], &[Some(1), Some(2)]),
            (
                &[a.clone(), rewritten.clone(), c.clone()],
                &[Some(0), Some(1), Some(2)],
            ),
            (
                &[a.clone(), rewritten, b.clone(), c.clone()],
                &[Some(0), None, Some(1), Some(2)],
            ),
            (&[], &[]),
        ];
        for (new, expected) in cases {
            assert_eq!(match_steps(&old, new), expected);
        }
        assert_eq!(match_steps(&[], &old), [None, None, None]);
        // The same step twice: two places, two old steps at most.
        let twice = [a.clone(), a.clone(), b, c];
        assert_eq!(match_steps(&old, &twice), [Some(0), None, Some(1), Some(2)]);
    }
}
