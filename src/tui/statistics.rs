//! Figures of what a query finds.

use crate::corpus::{Corpus, CorpusError};
use crate::index::query::{Query, ResultKind};

use super::backend::{by_count, understood};
use super::effect::{AgreementLine, Finding, Statistics};

/// The fields that are counted, with what of the matches is counted.
const COUNTED: [(&str, ResultKind); 8] = [
    ("review", ResultKind::Record),
    ("verdict", ResultKind::Record),
    ("outcome", ResultKind::Trajectory),
    ("tool", ResultKind::Step),
    ("flag", ResultKind::Trajectory),
    ("has", ResultKind::Step),
    ("type", ResultKind::Trajectory),
    ("source", ResultKind::Record),
];

/// Statistics of a query, as it is typed.
pub fn read(corpus: &Corpus, query: &str) -> Result<Statistics, CorpusError> {
    let (query, _) = understood(&Finding {
        query: query.to_owned(),
        kind: ResultKind::Record,
        sort: crate::index::Sort::Source,
    });
    let of_kind = |result_kind: ResultKind, fields: &[&str], numbers: &[&str]| {
        let query = Query {
            result_kind,
            ..query.clone()
        };
        corpus.summarize(&query, fields, numbers)
    };
    let trajectories = of_kind(ResultKind::Trajectory, &[], &["steps"])?;
    let steps = of_kind(ResultKind::Step, &[], &[])?;
    let pairs = of_kind(ResultKind::Pair, &[], &[])?;
    let mut statistics = Statistics {
        totals: [trajectories.total, steps.total, pairs.total],
        ..Statistics::default()
    };
    let numbers = trajectories.numbers.into_iter().next().unwrap_or_default();
    statistics.step_counts = numbers.histogram.into_iter().collect();
    for (field, kind) in COUNTED {
        let summary = of_kind(kind, &[field], &[])?;
        let counts = summary.facets.into_iter().next().unwrap_or_default();
        if !counts.is_empty() {
            statistics.facets.push((field, by_count(counts)));
        }
    }
    let ratings = corpus.ratings(&query)?;
    statistics.votes = ratings.blind_figures();
    for asked in ratings.figures() {
        let question = match asked.question.reason() {
            Some(reason) => format!("{} {reason}", asked.question.name()),
            None => asked.question.name().to_owned(),
        };
        statistics.agreement.push(AgreementLine {
            question,
            percent: asked.all.percent.ok(),
            alpha: asked.all.alpha.ok(),
            units: asked.all.counts.map(|counts| counts.units),
        });
    }
    Ok(statistics)
}
