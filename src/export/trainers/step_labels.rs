//! What annotators say of each step of a trajectory: right, wrong, neither; the source of process rewards.

use crate::domain::{ReviewState, Verdict};
use crate::export::Outgoing;

/// How many annotators say what of one step.
///
/// An annotator counts once. Who gave the step a label says that. Who named a first wrong step says of it that it is wrong,
/// and of those before it that they are right; of those behind it nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::export) struct StepVotes {
    /// Labels +1.
    pub right: usize,
    /// Labels 0.
    pub neutral: usize,
    /// Labels −1.
    pub wrong: usize,
}

impl StepVotes {
    /// What most say, if they say right or wrong; `None` without labels, for 0, and for a draw.
    pub fn verdict(self) -> Option<bool> {
        let Self {
            right,
            neutral,
            wrong,
        } = self;
        if right > wrong && right > neutral {
            return Some(true);
        }
        (wrong > right && wrong > neutral).then_some(false)
    }

    /// Whether nobody says anything.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether annotators say different things.
    pub fn is_disputed(self) -> bool {
        let said = [self.right, self.neutral, self.wrong];
        said.into_iter().filter(|count| *count > 0).count() > 1
    }

    fn add(&mut self, label: i8) {
        match label {
            1.. => self.right += 1,
            0 => self.neutral += 1,
            ..0 => self.wrong += 1,
        }
    }
}

/// What is said of each step of the trajectory, in order.
pub(in crate::export) fn step_votes(outgoing: &Outgoing) -> Vec<StepVotes> {
    let review = &outgoing.review;
    let place = |key| outgoing.steps.iter().position(|step| step.key == key);
    let mut votes = vec![StepVotes::default(); outgoing.steps.len()];
    for (index, (step, votes)) in outgoing.steps.iter().zip(&mut votes).enumerate() {
        let labels = review.labels.get(&step.key);
        for label in labels.into_iter().flatten().map(|(_, label)| label) {
            votes.add(label.value());
        }
        for (annotator, key) in &review.first_wrong_steps {
            let has_label = labels.is_some_and(|labels| labels.contains_key(annotator));
            match place(*key).filter(|_| !has_label) {
                Some(wrong) if index < wrong => votes.add(1),
                Some(wrong) if index == wrong => votes.add(-1),
                _ => {}
            }
        }
    }
    votes
}

/// Whether the trajectory is good: what people decided, or else the verdict that came with the data.
pub(in crate::export) fn trajectory_verdict(outgoing: &Outgoing) -> Option<bool> {
    let trajectory = outgoing.record.content.trajectory.as_ref()?;
    match outgoing.state {
        ReviewState::Accepted => Some(true),
        ReviewState::Rejected => Some(false),
        ReviewState::Disputed | ReviewState::Tie => None,
        ReviewState::Unreviewed => match trajectory.verification.as_ref()?.verdict {
            Verdict::Correct => Some(true),
            Verdict::Incorrect => Some(false),
            Verdict::Unknown => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Step, Trajectory, Verification};
    use crate::export::test_items::{first_wrong, label, run};

    fn outgoing(steps: usize) -> Outgoing {
        run(Trajectory {
            steps: vec![Step::default(); steps],
            ..Trajectory::default()
        })
    }

    fn verdicts(outgoing: &Outgoing) -> Vec<Option<bool>> {
        let votes = step_votes(outgoing);
        votes.into_iter().map(StepVotes::verdict).collect()
    }

    #[test]
    fn the_first_wrong_step_says_that_those_before_it_are_right() {
        let mut run = outgoing(4);
        assert_eq!(verdicts(&run), [None; 4]);
        first_wrong(&mut run, "ann", 3);
        assert_eq!(verdicts(&run), [Some(true), Some(true), Some(false), None]);
        // Her own labels go before what follows from it.
        label(&mut run, "ann", 1, 0);
        label(&mut run, "ann", 4, 1);
        assert_eq!(verdicts(&run), [None, Some(true), Some(false), Some(true)]);
        assert!(step_votes(&run).iter().all(|votes| !votes.is_disputed()));
    }

    #[test]
    fn of_several_annotators_most_decide_and_a_draw_decides_nothing() {
        let mut run = outgoing(3);
        for (annotator, labels) in [
            ("ann", [1, 1, -1]),
            ("ben", [1, -1, -1]),
            ("cleo", [1, -1, 0]),
        ] {
            for (step, value) in (1..).zip(labels) {
                label(&mut run, annotator, step, value);
            }
        }
        assert_eq!(verdicts(&run), [Some(true), Some(false), Some(false)]);
        let disputed: Vec<bool> = step_votes(&run).iter().map(|v| v.is_disputed()).collect();
        assert_eq!(disputed, [false, true, true]);
        label(&mut run, "dan", 2, 1);
        assert_eq!(verdicts(&run)[1], None);
        label(&mut run, "dan", 2, 0);
        assert_eq!(verdicts(&run)[1], Some(false));
    }

    #[test]
    fn people_decide_before_the_data_does() {
        let mut run = outgoing(1);
        assert_eq!(trajectory_verdict(&run), None);
        let said = |verdict| {
            Some(Verification {
                verdict,
                reason: None,
            })
        };
        for (verdict, good) in [
            (Verdict::Correct, Some(true)),
            (Verdict::Incorrect, Some(false)),
            (Verdict::Unknown, None),
        ] {
            let trajectory = run.record.content.trajectory.as_mut().unwrap();
            trajectory.verification = said(verdict);
            assert_eq!(trajectory_verdict(&run), good);
        }
        run.state = ReviewState::Accepted;
        assert_eq!(trajectory_verdict(&run), Some(true));
        run.state = ReviewState::Rejected;
        assert_eq!(trajectory_verdict(&run), Some(false));
        run.state = ReviewState::Disputed;
        assert_eq!(trajectory_verdict(&run), None);
    }
}
