use clap::Args;

use crate::cli::Ended;
use crate::cli::decision::{DecisionArgs, Words, decide};
use crate::cli::output::Output;
use crate::cli::selection::StepHits;
use crate::cli::session::Session;
use crate::domain::review::{TagName, Verb};

/// Give trajectories or pairs a tag
#[derive(Debug, Args)]
pub struct TagArgs {
    /// The tag
    #[arg(value_parser = tag_name)]
    tag: String,
    #[command(flatten)]
    decision: DecisionArgs,
}

/// Take a tag away
#[derive(Debug, Args)]
pub struct UntagArgs {
    /// The tag
    #[arg(value_parser = tag_name)]
    tag: String,
    #[command(flatten)]
    decision: DecisionArgs,
}

/// Longer values of keyword fields are not searched.
const LONGEST: usize = 200;

fn tag_name(text: &str) -> Result<String, String> {
    let tag = text.trim();
    if tag.is_empty() {
        Err("a tag can't be empty".to_owned())
    } else if tag.len() > LONGEST {
        Err(format!("a tag has at most {LONGEST} bytes"))
    } else if tag.contains(char::is_control) {
        Err("a tag has no control characters".to_owned())
    } else {
        Ok(tag.to_owned())
    }
}

pub fn tag(args: &TagArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "tag",
        done: "tagged",
    };
    let hits = StepHits::Trajectories;
    decide(&args.decision, session, output, words, hits, |subject| {
        let has = subject.review().tags.contains_key(&args.tag);
        let tag = args.tag.clone();
        Ok((!has).then(|| (subject.target.clone(), Verb::Tag(TagName { tag }))))
    })
}

pub fn untag(args: &UntagArgs, session: &Session, output: &mut Output) -> Ended {
    let words = Words {
        verb: "untag",
        done: "untagged",
    };
    let hits = StepHits::Trajectories;
    decide(&args.decision, session, output, words, hits, |subject| {
        let has = subject.review().tags.contains_key(&args.tag);
        let tag = args.tag.clone();
        Ok(has.then(|| (subject.target.clone(), Verb::Untag(TagName { tag }))))
    })
}
