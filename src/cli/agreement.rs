use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::domain::agreement::{BlindFigures, Figures, QuestionFigures, Share, Undefined};
use crate::report::Report;

use super::Ended;
use super::annotation::tell;
use super::output::{Output, Style};
use super::session::{Session, corpus_report, parse_query};

/// How far annotators agree, and how each votes in blind mode
#[derive(Debug, Args)]
pub struct AgreementArgs {
    /// About which trajectories and pairs (`retake help query`); nothing is all
    query: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: AgreementFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum AgreementFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"annotators": […], "questions": […], "blind_votes": […]}
    Json,
}

pub(super) fn run(args: &AgreementArgs, session: Session, output: &mut Output) -> Ended {
    let query = parse_query(&args.query)?;
    let corpus = session.open(output)?;
    tell(&corpus.journals().notices(), output);
    let ratings = corpus
        .ratings(&query)
        .map_err(|error| corpus_report(&error))?;
    let (annotators, questions) = (ratings.annotators(), ratings.figures());
    let votes = ratings.blind_figures();
    match args.format {
        AgreementFormat::Json => {
            let questions: Vec<Value> = questions.iter().map(question_json).collect();
            let votes: Vec<Value> = votes.iter().map(votes_json).collect();
            output.json(&json!({
                "annotators": annotators,
                "questions": questions,
                "blind_votes": votes,
            }))?;
        }
        AgreementFormat::Text => {
            text(&annotators, &questions, output)?;
            votes_text(&votes, output)?;
        }
    }
    Ok(None)
}

fn question_json(asked: &QuestionFigures) -> Value {
    let pairs = asked.pairs.iter().map(|pair| {
        let mut value = figures_json(&pair.figures);
        value.insert("annotators".to_owned(), json!(pair.annotators));
        Value::Object(value)
    });
    let mut value = figures_json(&asked.all);
    value.insert("question".to_owned(), json!(asked.question.name()));
    value.insert("reason".to_owned(), json!(asked.question.reason()));
    value.insert("pairs".to_owned(), pairs.collect());
    Value::Object(value)
}

/// The figures of an annotator's blind votes, by name.
fn shares(figures: &BlindFigures) -> [(&'static str, &Share); 3] {
    [
        ("self_consistency", &figures.consistent),
        ("side_bias", &figures.left),
        ("length_bias", &figures.longer),
    ]
}

fn votes_json(figures: &BlindFigures) -> Value {
    let mut value = Map::new();
    value.insert("annotator".to_owned(), json!(figures.annotator));
    value.insert("votes".to_owned(), json!(figures.votes));
    let mut undefined = Map::new();
    for (name, share) in shares(figures) {
        if let Err(reason) = &share.share {
            undefined.insert(name.to_owned(), json!(reason.to_string()));
        }
        let counts = share.counts;
        let share = json!({
            "count": counts.map(|counts| counts.count),
            "of": counts.map(|counts| counts.of),
            "percent": share.share.ok().map(|share| share * 100.0),
        });
        value.insert(name.to_owned(), share);
    }
    value.insert("undefined".to_owned(), Value::Object(undefined));
    Value::Object(value)
}

/// A figure that is not defined is null, and `undefined` says why.
fn figures_json(figures: &Figures) -> Map<String, Value> {
    let counts = figures.counts;
    let mut value = Map::new();
    for (name, count) in [
        ("units", counts.map(|counts| counts.units)),
        ("pairable", counts.map(|counts| counts.pairable)),
        ("ratings", counts.map(|counts| counts.ratings)),
    ] {
        value.insert(name.to_owned(), json!(count));
    }
    let mut undefined = Map::new();
    for (name, figure) in named(figures) {
        if let Err(reason) = &figure {
            undefined.insert(name.to_owned(), json!(reason.to_string()));
        }
        value.insert(name.to_owned(), json!(figure.ok()));
    }
    value.insert("undefined".to_owned(), Value::Object(undefined));
    value
}

fn named(figures: &Figures) -> [(&'static str, Result<f64, Undefined>); 3] {
    [
        ("percent", figures.percent.map(|share| share * 100.0)),
        ("kappa", figures.kappa),
        ("alpha", figures.alpha),
    ]
}

fn text(
    annotators: &BTreeSet<&str>,
    questions: &[QuestionFigures],
    output: &mut Output,
) -> Result<(), Report> {
    if questions.is_empty() {
        output.note("nobody has decided anything of it");
        return Ok(());
    }
    if let [only] = annotators.iter().collect::<Vec<_>>()[..] {
        output.note(format!(
            "only {only} has decided anything of it: there is nobody to compare with"
        ));
        return Ok(());
    }
    let all = format!("all {}", annotators.len());
    for (number, asked) in questions.iter().enumerate() {
        if number > 0 {
            output.line("")?;
        }
        output.styled(Style::Bold, title(asked))?;
        output.line("")?;
        let pairs = asked.pairs.iter();
        let pairs = pairs.map(|pair| (pair.annotators.join(", "), &pair.figures));
        let rows: Vec<(String, &Figures)> = [(all.clone(), &asked.all)]
            .into_iter()
            .chain(pairs)
            .collect();
        let widths = rows.iter().map(|(who, _)| who.chars().count());
        let width = widths.max().unwrap_or(0).clamp(10, 40);
        output.styled(
            Style::Dim,
            format!(
                "  {:width$}  {:>7}  {:>7}  {:>7}  {:>7}  {:>7}  {:>7}",
                "annotators", "units", "by two", "ratings", "percent", "κ", "α"
            ),
        )?;
        output.line("")?;
        for (who, figures) in rows {
            row(&who, width, figures, output)?;
        }
    }
    Ok(())
}

fn votes_text(votes: &[BlindFigures], output: &mut Output) -> Result<(), Report> {
    if votes.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.styled(Style::Bold, "blind votes on pairs")?;
    output.line("")?;
    let widths = votes.iter().map(|of| of.annotator.chars().count());
    let width = widths.max().unwrap_or(0).clamp(10, 40);
    for figures in votes {
        output.text("  ")?;
        output.data_line(&figures.annotator, &[])?;
        let missing = width.saturating_sub(figures.annotator.chars().count());
        output.text(" ".repeat(missing))?;
        match figures.votes {
            Some(votes) => output.line(format!("  {votes} votes"))?,
            None => {
                output.styled(Style::Dim, format!("  {}", Undefined::Withheld))?;
                output.line("")?;
                continue;
            }
        }
        for ((_, share), said) in shares(figures).into_iter().zip(SAID) {
            output.text(format!("    {said:<40}  "))?;
            let counts = share.counts;
            let counts = counts.map_or_else(String::new, |counts| {
                format!("{} of {}", counts.count, counts.of)
            });
            match share.share {
                Ok(share) => output.text(format!("{:>6.1}%  {counts}", share * 100.0))?,
                Err(reason) => {
                    output.text(format!("{:>7}  {counts:<8}", "–"))?;
                    output.styled(Style::Dim, format!("  {reason}"))?;
                }
            }
            output.line("")?;
        }
    }
    Ok(())
}

/// What the figures of blind votes are, in their order.
const SAID: [&str; 3] = [
    "self-consistency: the same when repeated",
    "side bias: for the left side",
    "length bias: for the longer side",
];

fn title(asked: &QuestionFigures) -> String {
    match asked.question.reason() {
        Some(reason) => format!("{} {reason}", asked.question.name()),
        None => asked.question.name().to_owned(),
    }
}

fn row(who: &str, width: usize, figures: &Figures, output: &mut Output) -> Result<(), Report> {
    output.text("  ")?;
    output.data_line(who, &[])?;
    output.text(" ".repeat(width.saturating_sub(who.chars().count())))?;
    let counts = figures
        .counts
        .map(|counts| [counts.units, counts.pairable, counts.ratings]);
    for place in 0..3 {
        let count = counts.and_then(|counts| counts.get(place).copied());
        let count = count.map_or_else(|| "–".to_owned(), |count| count.to_string());
        output.text(format!("  {count:>7}"))?;
    }
    let mut missing = None;
    for (name, figure) in named(figures) {
        let shown = match figure {
            Ok(percent) if name == "percent" => format!("{percent:.1}%"),
            Ok(value) => format!("{value:.3}"),
            Err(reason) => {
                // That κ is for two need not be said of each row for all.
                missing = missing.or(Some(reason));
                missing.take_if(|reason| *reason == Undefined::MoreThanTwoAnnotators);
                "–".to_owned()
            }
        };
        output.text(format!("  {shown:>7}"))?;
    }
    if let Some(reason) = missing {
        output.styled(Style::Dim, format!("  {reason}"))?;
    }
    output.line("")
}
