use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::corpus::decision::Subject;
use crate::report::Report;
use crate::rerun::{Branch, lineage};

use super::Ended;
use super::output::{Output, Style};
use super::session::{Session, corpus_report};

/// Show what branched off a trajectory, and what it branched off, as a tree
///
/// Branches are made by `retake rerun ID --step N --pick I --continue`. Each is a trajectory of its own: `retake show` shows it, and
/// `retake export` exports it.
#[derive(Debug, Args)]
pub struct BranchesArgs {
    /// A trajectory, by id or content hash
    id: String,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: BranchesFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum BranchesFormat {
    /// A tree
    #[default]
    Text,
    /// An array, the root first: [{"id", "depth", "step", "steps", "answer", "failure", "is_this"}]
    Json,
}

pub(super) fn run(args: &BranchesArgs, session: &Session, output: &mut Output) -> Ended {
    let corpus = session.open(output)?;
    let subject = Subject::named(&corpus, &args.id)?;
    let lineage = lineage(&corpus, &subject.record.id).map_err(|error| corpus_report(&error))?;
    if args.format == BranchesFormat::Json {
        let branches: Vec<Value> = lineage.branches.iter().map(object).collect();
        output.json(&branches)?;
        return Ok(None);
    }
    for branch in &lineage.branches {
        line(branch, output)?;
    }
    Ok(None)
}

fn object(branch: &Branch) -> Value {
    json!({
        "id": branch.id,
        "depth": branch.depth,
        "step": branch.step.map(|step| step + 1),
        "steps": branch.steps,
        "answer": branch.answer,
        "failure": branch.failure,
        "is_this": branch.is_this,
        "is_gone": branch.is_gone,
    })
}

fn line(branch: &Branch, output: &mut Output) -> Result<(), Report> {
    output.text("  ".repeat(branch.depth))?;
    output.styled(Style::Id, &branch.id)?;
    let mut parts = Vec::new();
    if let Some(step) = branch.step {
        parts.push(format!("another step {}", step + 1));
    }
    match branch.is_gone {
        true => parts.push("no source has it any more".to_owned()),
        false => parts.push(format!("{} steps", branch.steps)),
    }
    output.styled(Style::Dim, format!("  {}", parts.join(", ")))?;
    if let Some(answer) = &branch.answer {
        output.text("  → ")?;
        output.data_line(answer, &[])?;
    }
    if let Some(failure) = &branch.failure {
        output.text("  ")?;
        output.styled(Style::Bad, failure)?;
    }
    if branch.is_this {
        output.styled(Style::Bold, "  ← this")?;
    }
    output.line("")
}
