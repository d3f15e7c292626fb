use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::Ended;
use crate::cli::annotation::Annotation;
use crate::cli::output::{Output, Style};
use crate::cli::selection::hash_beginning;
use crate::cli::session::Session;
use crate::corpus::decision::{Batch, Subject, accept_new_pair, new_pair};
use crate::domain::TargetId;
use crate::domain::review::NewPair;
use crate::report::Report;

use super::candidate::CandidateArg;

/// Make a preference pair of two candidates for a step, and print its id
///
/// A candidate is `step` (the step as it is shown), `candidate:N` (the N-th that was sampled for it), `file:PATH` or
/// `text:TEXT`. What stands in a file or text is a JSON object of thought, code and observation, or a reply as
/// controllers write it (Thought: … Code: ```py …```).
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The trajectory, by id or content hash
    id: String,
    /// The step, by its number as it is shown now
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    step: u32,
    /// The better candidate
    #[arg(long, value_name = "CANDIDATE")]
    chosen: CandidateArg,
    /// The worse one
    #[arg(long, value_name = "CANDIDATE")]
    rejected: CandidateArg,
    /// Why
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    /// Accept the pair at once
    #[arg(long)]
    accept: bool,
    /// Refuse, unless the record's content hash begins like this
    #[arg(long, value_name = "HASH", value_parser = hash_beginning)]
    expect_hash: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: NewFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum NewFormat {
    /// The id
    #[default]
    Text,
    /// One object: {"id", "record", "batch"}
    Json,
}

pub fn run(args: &NewArgs, session: &Session, output: &mut Output) -> Ended {
    let standard_input = [&args.chosen, &args.rejected].into_iter().filter(|side| {
        matches!(side, CandidateArg::Text(text) if text == "-")
            || matches!(side, CandidateArg::File(path) if path.as_os_str() == "-")
    });
    if standard_input.count() > 1 {
        return Err(Report::usage("standard input can't hold both candidates"));
    }
    let pair = NewPair {
        chosen: args.chosen.reference()?,
        rejected: args.rejected.reference()?,
        reason: args.reason.clone(),
    };
    let mut annotation = Annotation::open(session, output)?;
    let subject = Subject::named(annotation.corpus(), &args.id)?;
    subject.expect_hash(args.expect_hash.as_deref())?;
    let mut batch = Batch::default();
    batch.add(
        &subject,
        new_pair(&subject, args.step, &pair)?,
        annotation.writer(),
    )?;
    let records = annotation.commit(&batch.drafts, output)?;
    let Some(record) = records.first() else {
        return Err(Report::failure("the pair was not saved"));
    };
    let id = TargetId {
        record: subject.record.id.clone(),
        part: Some(record.id.to_string()),
    };
    if args.accept {
        let accepted = accept_new_pair(&subject, record)?;
        annotation
            .commit(&[accepted], output)
            .map_err(|report| report.hint(format!("the pair {id} was made, and not accepted")))?;
    }
    match args.format {
        NewFormat::Json => output.json(&json!({
            "id": id.to_string(),
            "record": record.id,
            "batch": record.batch_id(),
        }))?,
        NewFormat::Text => {
            output.styled(Style::Id, &id)?;
            output.line("")?;
        }
    }
    Ok(None)
}
