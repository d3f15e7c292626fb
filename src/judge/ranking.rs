use std::cmp::Ordering;

use crate::domain::Judgement;

/// What all judges together say of a step's candidates.
///
/// The first judge decides; the next ones decide between candidates that it holds equal. A judge without a verdict decides nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    /// For each candidate what each judge says.
    pub judgements: Vec<Vec<Judgement>>,
    /// The place of each candidate, the best being 1, equal ones sharing a place; `None` where no judge has a verdict on it.
    pub places: Vec<Option<usize>>,
    /// The one that is better than all others; `None` in a tie and without a verdict.
    pub best: Option<usize>,
    /// Why the best is the best, in the words of the judges.
    pub reason: Option<String>,
}

impl Ranking {
    /// Puts judgements together; one list for each judge, in the order in which judges decide, with one judgement for each
    /// candidate.
    pub fn of(by_judge: Vec<Vec<Judgement>>, candidates: usize) -> Self {
        let mut judgements: Vec<Vec<Judgement>> = vec![Vec::new(); candidates];
        for judged in by_judge {
            for (of, judgement) in judgements.iter_mut().zip(judged) {
                of.push(judgement);
            }
        }
        Self::of_candidates(judgements)
    }

    /// Puts together what was said of each candidate, by the same judges in the same order. Of who was not judged there is nothing.
    pub fn of_candidates(judgements: Vec<Vec<Judgement>>) -> Self {
        let candidates = judgements.len();
        let has_verdict = |index: usize| {
            judgements
                .get(index)
                .is_some_and(|of| of.iter().any(is_verdict))
        };
        let order = |a: usize, b: usize| match (judgements.get(a), judgements.get(b)) {
            (Some(a), Some(b)) => compare(a, b),
            _ => Ordering::Equal,
        };
        let places: Vec<Option<usize>> = (0..candidates)
            .map(|index| {
                let better =
                    |other: &usize| has_verdict(*other) && order(*other, index) == Ordering::Less;
                has_verdict(index).then(|| 1 + (0..candidates).filter(better).count())
            })
            .collect();
        let mut ranking = Self {
            judgements,
            places,
            best: None,
            reason: None,
        };
        let leaders = ranking.leaders();
        // One candidate alone is the best of itself only where a judge looked at it.
        if let [best] = leaders.as_slice() {
            ranking.best = Some(*best);
            ranking.reason = ranking.reason_for(*best);
        }
        ranking
    }

    /// All candidates, best first; equal ones in their order, those without a verdict last.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        order.sort_by_key(|index| {
            self.places
                .get(*index)
                .copied()
                .flatten()
                .unwrap_or(usize::MAX)
        });
        order
    }

    /// Those on the first place.
    pub fn leaders(&self) -> Vec<usize> {
        let first = |index: &usize| self.places.get(*index) == Some(&Some(1));
        (0..self.places.len()).filter(first).collect()
    }

    /// Why a candidate stands where it stands: what each judge says of it, its name before it.
    pub fn reason_for(&self, candidate: usize) -> Option<String> {
        let said = self
            .judgements
            .get(candidate)?
            .iter()
            .filter(|one| is_verdict(one));
        let words = said.map(|one| {
            let mut words = one.judge.clone();
            if let Some(score) = one.score {
                words.push_str(&format!(" {score}"));
            }
            if !one.reasons.is_empty() {
                words.push_str(": ");
                words.push_str(&one.reasons.join("; "));
            }
            words
        });
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join(" | "))
    }
}

fn is_verdict(judgement: &Judgement) -> bool {
    judgement.no_verdict.is_none()
}

/// Judge by judge, by the places that they give; where one has no verdict on either, the next decides.
fn compare(a: &[Judgement], b: &[Judgement]) -> Ordering {
    let mut pairs = a.iter().zip(b);
    let decided = pairs.find_map(|(a, b)| match (a.rank, b.rank) {
        (Some(a), Some(b)) if a != b => Some(a.cmp(&b)),
        // Whom a judge prefers to all others without ordering those.
        _ if a.best != b.best => Some(b.best.cmp(&a.best)),
        _ => None,
    });
    decided.unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(judge: &str, ranks: &[usize]) -> Vec<Judgement> {
        let judgement = |rank: &usize| Judgement {
            judge: judge.to_owned(),
            rank: (*rank > 0).then_some(*rank),
            no_verdict: (*rank == 0).then(|| "it said nothing".to_owned()),
            ..Judgement::default()
        };
        ranks.iter().map(judgement).collect()
    }

    #[test]
    fn the_first_judge_decides_and_the_next_between_equals() {
        let ranking = Ranking::of(
            vec![ranks("rules", &[1, 3, 1]), ranks("model", &[2, 1, 1])],
            3,
        );
        assert_eq!(ranking.places, [Some(2), Some(3), Some(1)]);
        assert_eq!(ranking.best, Some(2));
        assert_eq!(ranking.order(), [2, 0, 1]);
        assert_eq!(ranking.judgements[1].len(), 2);
        // What candidates keep of it puts it together again, also beside some that nobody judged.
        let mut kept = ranking.judgements.clone();
        kept.push(Vec::new());
        let again = Ranking::of_candidates(kept);
        assert_eq!(again.places, [Some(2), Some(3), Some(1), None]);
        assert_eq!((again.best, again.reason), (Some(2), ranking.reason));
    }

    #[test]
    fn a_tie_and_no_verdict_have_no_best() {
        let tie = Ranking::of(vec![ranks("rules", &[1, 1, 3])], 3);
        assert_eq!((tie.best, tie.leaders()), (None, vec![0, 1]));
        let nothing = Ranking::of(vec![ranks("model", &[0, 0])], 2);
        assert_eq!(nothing.places, [None, None]);
        assert_eq!((nothing.best, nothing.leaders().len()), (None, 0));
        assert_eq!(Ranking::of(Vec::new(), 2).best, None);
        assert_eq!(
            Ranking::of(vec![Vec::new()], 0).order(),
            Vec::<usize>::new()
        );
    }

    #[test]
    fn a_judge_without_a_verdict_leaves_it_to_the_next() {
        let ranking = Ranking::of(vec![ranks("model", &[0, 0]), ranks("rules", &[2, 1])], 2);
        assert_eq!(ranking.best, Some(1));
        assert_eq!(ranking.reason.as_deref(), Some("rules"));
    }

    proptest::proptest! {
        #[test]
        fn places_count_those_who_are_better(
            first in proptest::collection::vec(0_usize..4, 4),
            second in proptest::collection::vec(1_usize..4, 4),
        ) {
            let ranking = Ranking::of(vec![ranks("a", &first), ranks("b", &second)], 4);
            let places: Vec<usize> = ranking.places.iter().flatten().copied().collect();
            proptest::prop_assert_eq!(places.len(), 4);
            proptest::prop_assert!(places.iter().all(|place| *place >= 1 && *place <= 4));
            if let Some(best) = ranking.best {
                proptest::prop_assert_eq!(ranking.leaders(), vec![best]);
            }
        }
    }
}
