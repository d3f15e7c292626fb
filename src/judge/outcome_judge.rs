use super::rule_judge::rank;
use super::{Case, Continuation, ContinuationError, Judge, JudgeError, wilson};
use crate::controller::Controller;
use crate::domain::{Action, Candidate, Judgement, Outcome, ReferenceAnswer};
use crate::jobs::Progress;
use crate::rules::answer_scorer::outcome;

/// Judges a candidate by what becomes of it: goes on from it to the end several times and compares the answers with the reference
/// answer. The score is the share of right answers (the Monte-Carlo value of the step), with Wilson's 95% interval.
pub struct OutcomeJudge {
    /// What it is called.
    pub name: String,
    /// What goes on.
    pub controller: Box<dyn Controller>,
    /// How often, from each candidate.
    pub continuations: usize,
}

impl Judge for OutcomeJudge {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn judge(
        &mut self,
        case: &Case<'_>,
        progress: &Progress,
    ) -> Result<Vec<Judgement>, JudgeError> {
        let mut judgements = Vec::with_capacity(case.candidates.len());
        for (index, candidate) in case.candidates.iter().enumerate() {
            progress.check()?;
            let judgement = self.one(case, index, candidate, progress)?;
            judgements.push(Judgement {
                judge: self.name.clone(),
                ..judgement
            });
        }
        rank(&mut judgements);
        Ok(judgements)
    }
}

/// What several runs came to.
#[derive(Debug, Default)]
struct Tally {
    right: usize,
    wrong: usize,
    unanswered: usize,
    /// Why runs did not get to an end, each reason once.
    cut: Vec<String>,
}

impl OutcomeJudge {
    fn one(
        &mut self,
        case: &Case<'_>,
        index: usize,
        candidate: &Candidate,
        progress: &Progress,
    ) -> Result<Judgement, JudgeError> {
        let none = |why: &str| {
            Ok(Judgement {
                no_verdict: Some(why.to_owned()),
                ..Judgement::default()
            })
        };
        let Some(reference) = case.reference else {
            return none("the task has no reference answer");
        };
        let is_right = |answer: Option<&str>| outcome(case.benchmark, answer, Some(reference));
        if is_right(Some("")) == Outcome::Unknown {
            return none(unscored(reference));
        }
        let executed = candidate.execution.as_ref();
        if let Some(why) = executed.and_then(|executed| executed.unavailable.as_deref()) {
            return none(&format!("nothing can go on from it: {why}"));
        }
        // A run that is over has one end.
        if let Some(answer) = own_answer(candidate) {
            let is_right = is_right(Some(&answer)) == Outcome::Pass;
            let words = if is_right { "right" } else { "wrong" };
            return Ok(Judgement {
                score: Some(f64::from(u8::from(is_right))),
                reasons: vec![format!("its own answer is {words}")],
                ..Judgement::default()
            });
        }
        let Some(continuation) = case.continuation else {
            return none("nothing here goes on from a candidate");
        };
        let tally = self.tally(case, index, candidate, continuation, progress)?;
        let ended = tally.right + tally.wrong;
        if ended == 0 {
            return none(&format!("no run got to its end: {}", tally.cut.join("; ")));
        }
        let mut reasons = vec![format!(
            "{} of {ended} runs end with the right answer",
            tally.right
        )];
        if tally.unanswered > 0 {
            reasons.push(format!(
                "{} of them end without an answer",
                tally.unanswered
            ));
        }
        if ended < self.continuations {
            let cut = self.continuations - ended;
            reasons.push(format!(
                "{cut} more did not get to an end: {}",
                tally.cut.join("; ")
            ));
        }
        Ok(Judgement {
            score: Some(tally.right as f64 / ended as f64),
            interval: Some(wilson(tally.right, ended)),
            reasons,
            ..Judgement::default()
        })
    }

    fn tally(
        &mut self,
        case: &Case<'_>,
        index: usize,
        candidate: &Candidate,
        continuation: &dyn Continuation,
        progress: &Progress,
    ) -> Result<Tally, JudgeError> {
        let mut tally = Tally::default();
        for time in 0..self.continuations {
            // Every run of every candidate draws otherwise.
            let number = index * self.continuations + time;
            let seed = case.seed.wrapping_add(number as u64);
            match continuation.answer(&mut *self.controller, candidate, seed, progress) {
                Ok(answer) => {
                    tally.unanswered += usize::from(answer.is_none());
                    match outcome(case.benchmark, answer.as_deref(), case.reference) {
                        Outcome::Pass => tally.right += 1,
                        Outcome::Fail | Outcome::Unknown => tally.wrong += 1,
                    }
                }
                Err(ContinuationError::CannotGoOn(why)) => {
                    if !tally.cut.contains(&why) {
                        tally.cut.push(why);
                    }
                }
                Err(ContinuationError::Controller(error)) => {
                    return Err(JudgeError::of(&self.name, error));
                }
                Err(ContinuationError::Cancelled(cancelled)) => return Err(cancelled.into()),
            }
        }
        Ok(tally)
    }
}

/// The answer that a candidate itself ends the run with.
fn own_answer(candidate: &Candidate) -> Option<String> {
    let executed = candidate.execution.as_ref();
    let given = executed.and_then(|executed| executed.final_answer.clone());
    given.or_else(|| match &candidate.action {
        Some(Action::Message(text)) => Some(text.clone()),
        _ => None,
    })
}

fn unscored(reference: &ReferenceAnswer) -> &'static str {
    match reference {
        ReferenceAnswer::Texts(_) => {
            "answers to this task are compared by a model that is not here"
        }
        _ => "answers to this benchmark are scored by a model",
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::case::tests::{candidate, case, context};
    use super::super::{JudgeNames, Panel};
    use super::*;
    use crate::config::Config;
    use crate::controller::{ControllerError, ScriptedController};
    use crate::domain::{Benchmark, Execution};
    use crate::prompts::Prompts;

    /// Runs whose ends are written down, by candidate; it keeps the seeds.
    struct Written {
        ends: Ends,
        asked: RefCell<Vec<(String, u64)>>,
    }

    impl Continuation for Written {
        fn answer(
            &self,
            _: &mut dyn Controller,
            candidate: &Candidate,
            seed: u64,
            _: &Progress,
        ) -> Result<Option<String>, ContinuationError> {
            let thought = candidate.thought.clone().unwrap_or_default();
            let mut asked = self.asked.borrow_mut();
            let time = asked.iter().filter(|(known, _)| *known == thought).count();
            asked.push((thought.clone(), seed));
            let of: usize = thought.parse().expect("a number");
            match self.ends[of][time] {
                Ok(answer) => Ok(answer.map(str::to_owned)),
                Err("down") => Err(ControllerError::ScriptEnded.into()),
                Err(why) => Err(ContinuationError::CannotGoOn(why.to_owned())),
            }
        }
    }

    type Ends = Vec<Vec<Result<Option<&'static str>, &'static str>>>;
    type Judged = Result<Vec<Judgement>, JudgeError>;

    fn judged(
        ends: Ends,
        reference: Option<&ReferenceAnswer>,
    ) -> (Judged, Vec<(String, u64)>) {
        let context = context("How many?");
        let candidates: Vec<Candidate> = (0..ends.len())
            .map(|number| candidate(&number.to_string(), "print(1)", "1"))
            .collect();
        let written = Written {
            ends,
            asked: RefCell::default(),
        };
        let case = Case {
            reference,
            continuation: Some(&written),
            seed: 10,
            ..case(&context, &candidates)
        };
        let mut judge = OutcomeJudge {
            name: "outcome:m".to_owned(),
            controller: Box::new(ScriptedController::default()),
            continuations: 4,
        };
        let judged = judge.judge(&case, &Progress::default());
        (judged, written.asked.into_inner())
    }

    #[test]
    fn the_value_is_the_share_of_right_answers() {
        let reference = ReferenceAnswer::Text("12".to_owned());
        let (judged, asked) = judged(
            vec![
                vec![Ok(Some("12")), Ok(Some("13")), Ok(None), Ok(Some("12.0"))],
                vec![
                    Ok(Some("12")),
                    Err("no tool"),
                    Err("no tool"),
                    Ok(Some("12")),
                ],
                vec![
                    Err("no tool"),
                    Err("no tool"),
                    Err("no disk"),
                    Err("no tool"),
                ],
            ],
            Some(&reference),
        );
        let judged = judged.expect("judged");
        assert_eq!(judged[0].score, Some(0.5));
        assert_eq!(judged[0].interval, Some(wilson(2, 4)));
        assert_eq!(judged[0].rank, Some(2));
        assert_eq!(
            judged[0].reasons,
            [
                "2 of 4 runs end with the right answer",
                "1 of them end without an answer"
            ]
        );
        assert_eq!((judged[1].score, judged[1].best), (Some(1.0), true));
        assert_eq!(judged[1].interval, Some(wilson(2, 2)));
        assert_eq!(
            judged[1].reasons[1],
            "2 more did not get to an end: no tool"
        );
        assert_eq!((judged[2].score, judged[2].rank), (None, None));
        assert_eq!(
            judged[2].no_verdict.as_deref(),
            Some("no run got to its end: no tool; no disk")
        );
        let mut seeds: Vec<u64> = asked.iter().map(|(_, seed)| *seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 12, "every run draws otherwise");
    }

    #[test]
    fn without_a_reference_there_is_no_verdict() {
        let texts = ReferenceAnswer::Texts(vec!["a".to_owned()]);
        for reference in [None, Some(&texts)] {
            let (judged, asked) = judged(vec![vec![Ok(None); 4]], reference);
            assert!(judged.expect("judged")[0].no_verdict.is_some());
            assert!(asked.is_empty());
        }
        let reference = ReferenceAnswer::Text("1".to_owned());
        let (judged, _) = judged(vec![vec![Err("down"); 4]], Some(&reference));
        assert!(matches!(judged, Err(JudgeError::Controller { .. })));
    }

    #[test]
    fn a_candidate_that_ends_the_run_is_compared_itself() {
        let context = context("How many?");
        let answers = |text: &str| Candidate {
            execution: Some(Box::new(Execution {
                final_answer: Some(text.to_owned()),
                ..Execution::default()
            })),
            ..candidate("I know.", &format!("final_answer({text})"), "")
        };
        let mut waiting = candidate("I search.", "search()", "");
        waiting.execution = Some(Box::new(Execution {
            unavailable: Some("no tool".to_owned()),
            ..Execution::default()
        }));
        let candidates = [
            answers("12"),
            answers("13"),
            waiting,
            candidate("x", "print(1)", "1"),
        ];
        let reference = ReferenceAnswer::Text("12".to_owned());
        let case = Case {
            reference: Some(&reference),
            benchmark: Some(Benchmark::Gaia),
            ..case(&context, &candidates)
        };
        let names: JudgeNames = "outcome:m".parse().expect("a judge");
        let settings = Config::load(None).expect("defaults").judge;
        let connect = |name: &str| -> Result<Box<dyn Controller>, JudgeError> {
            assert_eq!(name, "m");
            Ok(Box::new(ScriptedController::default()))
        };
        let panel = Panel::of(&names, &settings, &Prompts::default(), connect);
        let mut panel = panel.expect("connected");
        assert_eq!(panel.name(), "outcome:m");
        let ranking = panel.judge(&case, &Progress::default()).expect("judged");
        assert_eq!(ranking.places, [Some(1), Some(2), None, None]);
        assert_eq!(ranking.best, Some(0));
        let said = ranking.judgements[2][0].no_verdict.as_deref();
        assert_eq!(said, Some("nothing can go on from it: no tool"));
    }
}
