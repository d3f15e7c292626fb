use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, StepArgs, Words, decide};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::domain::review::{StepLabel, Verb};
use crate::report::Report;

/// Label steps for process reward
#[derive(Debug, Args)]
pub struct LabelArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
    /// 1 (good), 0 (neutral) or -1 (bad)
    #[arg(long, allow_negative_numbers = true, value_parser = label_value)]
    value: StepLabel,
}

/// Say which step was the first that went wrong
#[derive(Debug, Args)]
pub struct FirstWrongStepArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    step: StepArgs,
}

fn label_value(text: &str) -> Result<StepLabel, String> {
    let value = match text {
        "good" => Some(1),
        "neutral" => Some(0),
        "bad" => Some(-1),
        number => number.parse().ok(),
    };
    let label = value.and_then(StepLabel::new);
    label.ok_or_else(|| "a label is 1 (good), 0 (neutral) or -1 (bad)".to_owned())
}

pub fn label(args: &LabelArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "label",
        done: "labelled",
    };
    let annotator = session.config.review.annotator.as_str();
    let hits = StepHits::Steps;
    decide(&args.decision, session, output, words, hits, |subject| {
        let target = args.step.target(subject)?;
        let labels = target
            .step
            .and_then(|step| subject.review().labels.get(&step));
        let own = labels.and_then(|labels| labels.get(annotator));
        Ok((own != Some(&args.value)).then_some((target, Verb::Label(args.value))))
    })
}

pub fn first_wrong_step(
    args: &FirstWrongStepArgs,
    session: &Session,
    output: &mut Output,
) -> Ended {
    let words = Words {
        verb: "first-wrong-step",
        done: "marked as first wrong step:",
    };
    let annotator = session.config.review.annotator.as_str();
    let hits = StepHits::Steps;
    let mut before = None;
    decide(&args.decision, session, output, words, hits, |subject| {
        let target = args.step.target(subject)?;
        let this = Some(subject.id().clone());
        if before == this {
            let id = subject.id();
            return Err(Report::failure(format!(
                "{id}: the query finds several of its steps, and only one can be the first wrong one"
            )));
        }
        before = this;
        let own = subject.review().first_wrong_steps.get(annotator).copied();
        Ok((own != target.step).then_some((target, Verb::FirstWrongStep)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbers_and_names() {
        for (text, value) in [
            ("-1", -1),
            ("0", 0),
            ("1", 1),
            ("+1", 1),
            ("good", 1),
            ("neutral", 0),
            ("bad", -1),
        ] {
            assert_eq!(label_value(text).map(StepLabel::value), Ok(value));
        }
        for wrong in ["2", "-2", "", "1.0", "Good", "--step"] {
            assert!(label_value(wrong).is_err(), "{wrong}");
        }
    }
}
