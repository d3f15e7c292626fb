use crate::domain::review::{Opinion, Orientation, Rejection, Verb};
use crate::index::query::closest;

use super::{Decided, DecisionError, Subject};

/// A verdict as somebody gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What they think.
    pub opinion: Opinion,
    /// Why, if it is a rejection.
    pub why: Rejection,
}

impl Verdict {
    /// A verdict that needs no reasons.
    pub fn plain(opinion: Opinion) -> Self {
        Self {
            opinion,
            why: Rejection::default(),
        }
    }

    /// The verdict as a record says it; `None` if the annotator has said it already of what is shown.
    pub fn on(&self, subject: &Subject, annotator: &str) -> Decided {
        if self.repeats(subject, annotator) {
            return None;
        }
        let verb = match self.opinion {
            Opinion::Accept if subject.is_pair() => {
                Verb::AcceptPair(Orientation::open(subject.review().swapped))
            }
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

/// Exchanges the sides of a pair.
pub fn swap(subject: &Subject) -> Result<Decided, DecisionError> {
    subject.expect_pair()?;
    if let Some((by, _)) = &subject.review().adjudication {
        return Err(DecisionError::Adjudicated {
            id: subject.id().clone(),
            by: by.to_string(),
        });
    }
    let swapped = !subject.review().swapped;
    let verb = Verb::PairSwap(Orientation::open(swapped));
    Ok(Some((subject.target.clone(), verb)))
}

/// The configured reasons that these names mean, each once: `Wrong answer` means `wrong-answer`.
pub fn reasons(named: &[String], configured: &[String]) -> Result<Vec<String>, DecisionError> {
    fn plain(name: &str) -> String {
        name.trim().to_lowercase().replace([' ', '_'], "-")
    }
    let mut reasons = Vec::new();
    for name in named {
        let known = configured.iter().find(|known| plain(known) == plain(name));
        let known = known.ok_or_else(|| {
            let names = configured.iter().map(String::as_str);
            DecisionError::NoReason {
                name: name.clone(),
                near: closest(&plain(name), names).map(str::to_owned),
                configured: configured.to_vec(),
            }
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
        let slip = named(&["wrong-anser"]).expect_err("a slip").to_string();
        assert_eq!(
            slip,
            "there is no reason `wrong-anser`; did you mean `wrong-answer`?"
        );
        let other = named(&["nothing-like-it"]).expect_err("unknown");
        assert_eq!(other.to_string(), "there is no reason `nothing-like-it`");
    }
}
