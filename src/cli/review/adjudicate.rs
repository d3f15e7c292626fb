use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Ended;
use crate::cli::annotation::Annotation;
use crate::cli::decision::DecisionFormat;
use crate::cli::given_text::argument;
use crate::cli::output::{Output, Style};
use crate::cli::selection::hash_beginning;
use crate::cli::session::Session;
use crate::corpus::decision::{Ruling, Subject, draft, reasons};
use crate::domain::ReviewState;
use crate::domain::review::words::swapped_words;
use crate::domain::review::{Judgement, Rejection, Review, Verb};

/// End a disagreement: what you say holds until somebody adjudicates again
///
/// Find what annotators disagree on with `retake search is:disputed`.
#[derive(Debug, Args)]
pub struct AdjudicateArgs {
    /// The trajectory or pair, by id or content hash
    id: String,
    /// What holds
    #[arg(value_enum, value_name = "VERDICT")]
    verdict: VerdictArg,
    /// Of a pair: the side that is shown as rejected is the better one
    #[arg(long)]
    swap: bool,
    /// A reason from `review.reasons` of the settings; several times, or several with commas between them
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    reason: Vec<String>,
    /// Why, in your own words; `-` reads them from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Refuse, unless the record's content hash begins like this
    #[arg(long, value_name = "HASH", value_parser = hash_beginning)]
    expect_hash: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: DecisionFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VerdictArg {
    /// It is good
    Accept,
    /// It is not
    Reject,
    /// Both sides of a pair are equally good
    Tie,
}

impl From<VerdictArg> for Judgement {
    fn from(verdict: VerdictArg) -> Self {
        match verdict {
            VerdictArg::Accept => Self::Accept,
            VerdictArg::Reject => Self::Reject,
            VerdictArg::Tie => Self::Tie,
        }
    }
}

pub fn run(args: &AdjudicateArgs, session: &Session, output: &mut Output) -> Ended {
    let ruling = Ruling {
        verdict: args.verdict.into(),
        is_swap: args.swap,
        why: Rejection {
            reasons: reasons(&args.reason, &session.config.review.reasons)?,
            text: args.text.as_deref().map_or(Ok(String::new()), argument)?,
        },
    };
    let mut annotation = Annotation::open(session, output)?;
    let subject = Subject::named(annotation.corpus(), &args.id)?;
    subject.expect_hash(args.expect_hash.as_deref())?;
    let (target, adjudication) = ruling.on(&subject)?;
    let id = subject.id().clone();
    // Whoever ends a disagreement ends all of it, whatever of it they may see.
    let before = annotation.corpus().full_review(&id, &subject.record.hash);
    let swapped = adjudication.swapped;
    let draft = draft(&id, target, Verb::Adjudicate(adjudication))?;
    annotation.writer().keep_text(&subject.record);
    let records = annotation.commit(&[draft], output)?;
    let own = own_verdict(&before, annotation.annotator());
    let verdict = ruling.verdict.name();
    if args.format == DecisionFormat::Json {
        output.json(&json!({
            "verb": "adjudicate",
            "id": id.to_string(),
            "verdict": verdict,
            "swapped": swapped,
            "before": before.state().name(),
            "own_verdict": own,
            "record": records.first().map(|record| record.id),
            "batch": records.first().map(|record| record.batch_id()),
        }))?;
    } else {
        output.text(format!("adjudicated: {verdict}{} ", swapped_words(swapped)))?;
        output.styled(Style::Id, &id)?;
        output.line("")?;
    }
    match (&before.adjudication, before.state()) {
        (Some((by, _)), _) => output.note(format!("it takes the place of what {by} adjudicated")),
        (None, ReviewState::Disputed) if own => {
            output.note("note: your own verdict is among those that disagree");
        }
        (None, ReviewState::Disputed) => {}
        (None, _) => output.note("note: nobody disagreed about it"),
    }
    Ok(None)
}

fn own_verdict(review: &Review, annotator: &str) -> bool {
    review.verdicts.contains_key(annotator)
}
