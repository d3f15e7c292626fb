use std::collections::HashSet;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Ended;
use crate::cli::controller_args::ControllerArgs;
use crate::cli::output::{Output, Style};
use crate::cli::serve::limits;
use crate::cli::session::{Session, corpus_report, interruptible, parse_query, with_progress};
use crate::corpus::Corpus;
use crate::corpus::decision::Subject;
use crate::domain::review::{Side, Verb};
use crate::index::Sort;
use crate::index::query::ResultKind;
use crate::model::Quantization;
use crate::report::{Kind, Report};
use crate::rerun::{Finding, PairVerification, Reproduction, reproduce, verify};
use crate::rollout::Pictures;

/// Check that pairs still are what they were made as: hashes of sources, candidates, contexts and prompts, staleness, rules
///
/// With --reproduce the candidates of the pair are made again on this device, each with its whole batch and nothing from a cache, and
/// compared word for word.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Which pairs: an id, or a query (`retake help query`); nothing checks all
    query: Vec<String>,
    /// Make the candidates again; of one pair
    #[arg(long)]
    reproduce: bool,
    #[command(flatten)]
    controller: ControllerArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: VerifyFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum VerifyFormat {
    /// For people: what is wrong, and a summary
    #[default]
    Text,
    /// One object a pair: {"id", "findings": [{"check", "problem"}], "unchecked", "generated", "reproduced"}
    Json,
}

const VERIFYING: &str = "verifying {wide_bar} {pos}/{len} {per_sec} {eta} left";

pub fn run(args: &VerifyArgs, session: &Session, output: &mut Output) -> Ended {
    let corpus = session.open(output)?;
    let subjects = chosen(&args.query, &corpus)?;
    let lost = match args.query.is_empty() {
        true => lost(&corpus, &subjects),
        false => Vec::new(),
    };
    if args.reproduce && subjects.len() != 1 {
        return Err(Report::usage(format!(
            "--reproduce is about one pair, not {}",
            subjects.len()
        )));
    }
    let checked = with_progress(output, VERIFYING, |progress| {
        progress.add_total(subjects.len() as u64);
        let mut checked = Vec::with_capacity(subjects.len());
        for subject in &subjects {
            let cancelled = |_| Report::failure("cancelled");
            progress.check().map_err(cancelled)?;
            checked.push(verify(subject, &pictures(&corpus, subject, session))?);
            progress.advance(1);
        }
        Ok::<_, Report>(checked)
    })?;
    let reproduced = match (args.reproduce, subjects.first()) {
        (true, Some(subject)) => reproduced(args, &corpus, subject, session, output)?,
        _ => Vec::new(),
    };
    let known = subjects
        .iter()
        .map(|subject| subject.id().to_string())
        .zip(checked);
    let all: Vec<(String, PairVerification)> = known.chain(lost).collect();
    let mut wrong = 0;
    for (id, verification) in &all {
        wrong += usize::from(!verification.findings.is_empty());
        match args.format {
            VerifyFormat::Json => json(id, verification, args, &reproduced, output)?,
            VerifyFormat::Text => text(id, verification, output)?,
        }
    }
    if args.format == VerifyFormat::Text {
        for reproduction in &reproduced {
            told(reproduction, output)?;
        }
        let noun = if all.len() == 1 { "pair" } else { "pairs" };
        output.note(format!(
            "{} {noun} checked, {wrong} with findings",
            all.len()
        ));
    }
    let differs = reproduced
        .iter()
        .any(|reproduction| !reproduction.is_same());
    Ok((wrong > 0 || differs).then_some(Kind::Partial))
}

/// One pair by its id, or those that a query finds.
fn chosen(words: &[String], corpus: &Corpus) -> Result<Vec<Subject>, Report> {
    if let [id] = words
        && id.contains('/')
        && let Ok(subject) = Subject::named(corpus, id)
    {
        subject.expect_pair()?;
        return Ok(vec![subject]);
    }
    let mut query = parse_query(words)?;
    query.result_kind = ResultKind::Pair;
    let found = corpus
        .matched_targets(&query, Sort::Source, usize::MAX >> 16)
        .map_err(|error| corpus_report(&error))?;
    let subjects = found.iter().map(|found| Subject::matched(corpus, found));
    Ok(subjects.collect::<Result<Vec<_>, _>>()?)
}

/// Pairs that people made and that are found no more: their source record is another one now, or gone, or a candidate is.
fn lost(corpus: &Corpus, known: &[Subject]) -> Vec<(String, PairVerification)> {
    let known: HashSet<String> = known
        .iter()
        .map(|subject| subject.id().to_string())
        .collect();
    let journals = corpus.journals();
    let reviews = journals.reviews();
    let made = reviews
        .records()
        .into_iter()
        .filter(|record| matches!(record.verb, Verb::PairNew(_)) && reviews.is_active(record));
    let named: Vec<(String, String)> = made
        .filter_map(|record| {
            let of = record.target.as_ref()?.reference.id.record.to_string();
            Some((format!("{of}:{}", record.id), of))
        })
        .filter(|(id, _)| !known.contains(id))
        .collect();
    drop(journals);
    let found = named.into_iter().map(|(id, of)| {
        let found = |check, problem: String| PairVerification {
            findings: vec![Finding { check, problem }],
            ..PairVerification::default()
        };
        let verification = match Subject::named(corpus, &id) {
            Ok(subject) => verify(&subject, &Pictures::default())
                .unwrap_or_else(|error| found("candidates", error.to_string())),
            Err(_) => found("source", format!("{of} is another record now, or gone")),
        };
        (id, verification)
    });
    found.collect()
}

fn pictures(corpus: &Corpus, subject: &Subject, session: &Session) -> Pictures {
    Pictures {
        roots: corpus.roots(&subject.record.id),
        limits: limits(&session.config.pictures),
        ..Pictures::default()
    }
}

fn reproduced(
    args: &VerifyArgs,
    corpus: &Corpus,
    subject: &Subject,
    session: &Session,
    output: &Output,
) -> Result<Vec<Reproduction>, Report> {
    let pair = subject.pair().ok_or_else(|| {
        Report::failure(format!(
            "{} can't be shown, so that nothing of it can be made again",
            subject.id()
        ))
    })?;
    let generations = [&pair.chosen, &pair.rejected];
    let mut generations = generations
        .into_iter()
        .filter_map(|side| side.generation.as_deref());
    let Some(first) = generations.next() else {
        return Err(Report::failure("no controller made a side of this pair"));
    };
    // Unless somebody says otherwise the one that made them is asked.
    let mut controller = args.controller.clone();
    let known = first
        .server
        .as_ref()
        .map(|server| format!("{server}#{}", first.model));
    controller.model = controller
        .model
        .or(known)
        .or_else(|| Some(first.model.clone()));
    // So are weights of fewer bits, which are other weights.
    let backend = first.backend.as_deref();
    controller.quantize = controller
        .quantize
        .or_else(|| backend.and_then(Quantization::of_backend));
    let workspace = session.workspace()?;
    let mut controller = controller.connect(session, Some(&workspace), output)?;
    let pictures = pictures(corpus, subject, session);
    let made = interruptible(|progress| reproduce(pair, &pictures, controller.as_mut(), progress));
    Ok(made?)
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Chosen => "chosen",
        Side::Rejected => "rejected",
    }
}

fn json(
    id: &str,
    verification: &PairVerification,
    args: &VerifyArgs,
    reproduced: &[Reproduction],
    output: &mut Output,
) -> Result<(), Report> {
    let findings = verification.findings.iter();
    let findings =
        findings.map(|finding| json!({"check": finding.check, "problem": finding.problem}));
    let made = reproduced.iter().map(|reproduction| {
        json!({
            "side": side_name(reproduction.side),
            "same": reproduction.is_same(),
            "kept": reproduction.kept,
            "now": reproduction.now,
            "notes": reproduction.notes,
        })
    });
    let mut object = json!({
        "id": id,
        "findings": findings.collect::<Vec<Value>>(),
        "unchecked": verification.unchecked,
        "generated": verification.generated,
    });
    if args.reproduce {
        object["reproduced"] = made.collect::<Vec<Value>>().into();
    }
    output.json(&object)
}

fn text(id: &str, verification: &PairVerification, output: &mut Output) -> Result<(), Report> {
    for finding in &verification.findings {
        output.styled(Style::Id, id)?;
        output.text("  ")?;
        output.styled(Style::Bad, finding.check)?;
        output.text("  ")?;
        output.data_line(&finding.problem, &[])?;
        output.line("")?;
    }
    for reason in &verification.unchecked {
        output.note(format!("{id}: not checked: {reason}"));
    }
    Ok(())
}

fn told(reproduction: &Reproduction, output: &mut Output) -> Result<(), Report> {
    output.text(format!("{}: ", side_name(reproduction.side)))?;
    match &reproduction.now {
        Some(_) if reproduction.is_same() => {
            output.styled(Style::Good, "made again, word for word")?
        }
        Some(_) => output.styled(Style::Bad, "another text came")?,
        None => output.styled(Style::Bad, "it could not be made again")?,
    }
    output.line("")?;
    for note in &reproduction.notes {
        output.text("    ")?;
        output.data_line(note, &[])?;
        output.line("")?;
    }
    if let Some(now) = reproduction
        .now
        .as_ref()
        .filter(|_| !reproduction.is_same())
    {
        crate::cli::line_difference::print(&reproduction.kept, now, "    ", output)?;
    }
    Ok(())
}
