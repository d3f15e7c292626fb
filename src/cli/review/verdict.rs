use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{Decided, DecisionArgs, Words, decide};
use crate::cli::given_text::{argument, is_standard_input};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::cli::subject::Subject;
use crate::domain::review::{Opinion, Orientation, Rejection, Verb};
use crate::index::query::closest;
use crate::report::Report;

/// Say that trajectories or pairs are good as they are shown
#[derive(Debug, Args)]
pub struct AcceptArgs {
    #[command(flatten)]
    decision: DecisionArgs,
}

/// Say that trajectories or pairs are not good, and why
#[derive(Debug, Args)]
pub struct RejectArgs {
    #[command(flatten)]
    decision: DecisionArgs,
    /// A reason from `review.reasons` of the settings; several times, or several with commas between them
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    reason: Vec<String>,
    /// Why, in your own words; `-` reads them from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// A verdict as somebody gives it.
pub struct Given {
    /// What they think.
    pub opinion: Opinion,
    /// Why, if it is a rejection.
    pub why: Rejection,
}

impl Given {
    /// The verdict as a record says it; `None` if the annotator has said it already of what is shown.
    pub fn of(&self, subject: &Subject, annotator: &str) -> Option<Decided> {
        if self.repeats(subject, annotator) {
            return None;
        }
        let verb = match self.opinion {
            Opinion::Accept if subject.is_pair() => Verb::AcceptPair(Orientation {
                swapped: subject.review().swapped,
            }),
            Opinion::Accept => Verb::Accept,
            Opinion::Reject => Verb::Reject(self.why.clone()),
            Opinion::Tie => Verb::Tie,
        };
        Some((subject.target.clone(), verb))
    }

    fn repeats(&self, subject: &Subject, annotator: &str) -> bool {
        let review = subject.review();
        let Some(own) = review.verdicts.get(annotator) else {
            return false;
        };
        // A verdict is about what was shown then; what was changed since can be accepted again.
        let of_record = subject.current.review.changes.iter();
        let mut changes = of_record.chain(&review.changes);
        own.opinion == self.opinion
            && own.why == self.why
            && own.swapped == review.swapped
            && !changes.any(|change| change.record > own.record)
    }
}

/// Gives one verdict on everything that is selected.
pub fn give(
    args: &DecisionArgs,
    session: &Session,
    output: &mut Output,
    given: &Given,
    check: impl Fn(&Subject) -> Result<(), Report>,
) -> Ended {
    let (verb, done) = match given.opinion {
        Opinion::Accept => ("accept", "accepted"),
        Opinion::Reject => ("reject", "rejected"),
        Opinion::Tie => ("tie", "called equally good:"),
    };
    let words = Words { verb, done };
    let annotator = session.config.review.annotator.clone();
    let hits = StepHits::Trajectories;
    decide(args, session, output, words, hits, |subject| {
        check(subject)?;
        Ok(given.of(subject, &annotator))
    })
}

pub fn accept(args: &AcceptArgs, session: &Session, output: &mut Output) -> Ended {
    let given = Given {
        opinion: Opinion::Accept,
        why: Rejection::default(),
    };
    give(&args.decision, session, output, &given, |_| Ok(()))
}

pub fn reject(args: &RejectArgs, session: &Session, output: &mut Output) -> Ended {
    let given = rejection(args, session)?;
    give(&args.decision, session, output, &given, |_| Ok(()))
}

impl RejectArgs {
    /// What is rejected, and how that is told.
    pub fn decision(&self) -> &DecisionArgs {
        &self.decision
    }
}

/// The rejection that arguments say.
pub fn rejection(args: &RejectArgs, session: &Session) -> Result<Given, Report> {
    let ids_from_input = args.decision.selection.reads_standard_input();
    if ids_from_input && is_standard_input(args.text.as_deref()) {
        return Err(Report::usage("standard input can't hold both ids and text"));
    }
    Ok(Given {
        opinion: Opinion::Reject,
        why: Rejection {
            reasons: reasons(&args.reason, &session.config.review.reasons)?,
            text: args.text.as_deref().map_or(Ok(String::new()), argument)?,
        },
    })
}

/// The configured reasons that these names mean, each once: `Wrong answer` means `wrong-answer`.
pub fn reasons(named: &[String], configured: &[String]) -> Result<Vec<String>, Report> {
    fn plain(name: &str) -> String {
        name.trim().to_lowercase().replace([' ', '_'], "-")
    }
    let mut reasons = Vec::new();
    for name in named {
        let known = configured.iter().find(|known| plain(known) == plain(name));
        let known = known.ok_or_else(|| {
            let names = configured.iter().map(String::as_str);
            let message = match closest(&plain(name), names) {
                Some(near) => format!("there is no reason `{name}`; did you mean `{near}`?"),
                None => format!("there is no reason `{name}`"),
            };
            Report::usage(message)
                .hint(format!("reasons: {}", configured.join(", ")))
                .hint("`reasons` under [review] in the settings lists them; --text takes any words")
        })?;
        if !reasons.contains(known) {
            reasons.push(known.clone());
        }
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_the_settings() {
        let configured = ["wrong-answer", "Other"].map(str::to_owned);
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            reasons(&names, &configured)
        };
        assert_eq!(
            named(&["other", "Wrong answer", "wrong_answer"]).expect("known"),
            ["Other", "wrong-answer"]
        );
        let slip = named(&["wrong-anser"]).expect_err("a slip");
        assert!(slip.message.contains("did you mean `wrong-answer`?"));
        let other = named(&["nothing-like-it"]).expect_err("unknown");
        assert_eq!(other.message, "there is no reason `nothing-like-it`");
        assert_eq!(other.hints[0], "reasons: wrong-answer, Other");
    }
}
