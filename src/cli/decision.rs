//! Decisions about what is selected: saved as one batch, then told.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::corpus::decision::{Batch, Changed, Decided, DecisionError, Subject, in_words};
use crate::domain::review::{ReviewRecord, Staleness};
use crate::report::Report;

use super::Ended;
use super::annotation::Annotation;
use super::output::{Output, Style};
use super::selection::{SelectionArgs, StepHits};
use super::session::Session;

/// What is decided about, and how it is told.
#[derive(Debug, Args)]
pub struct DecisionArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub format: DecisionFormat,
}

/// How a decision is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DecisionFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"verb", "batch", "changed", "unchanged", "stale"}
    Json,
}

/// The step of a verb that is about one.
#[derive(Debug, Args)]
pub struct StepArgs {
    /// The step, by its number as it is shown now; a query with in:step finds steps by itself
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub step: Option<u32>,
}

impl StepArgs {
    /// The step of a subject that is meant, if one is.
    pub fn number(&self, subject: &Subject) -> Result<Option<u32>, Report> {
        match (self.step, subject.step) {
            (Some(_), Some(_)) => Err(Report::usage("the query finds steps: leave --step out")),
            (given, found) => Ok(given.or(found)),
        }
    }

    /// The step of a subject that is meant.
    pub fn required(&self, subject: &Subject) -> Result<u32, Report> {
        let number = self.number(subject)?;
        number.ok_or_else(|| DecisionError::NeedsStep.into())
    }
}

/// How the records of a command are told.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The verb as one types it.
    pub verb: &'static str,
    /// What was done: `accepted`.
    pub done: &'static str,
}

/// Looks at what is selected, saves what `decide` says of each as one batch, and tells it. Of a trajectory or pair of which
/// nothing is said everything is so already.
pub fn decide(
    args: &DecisionArgs,
    session: &Session,
    output: &mut Output,
    words: Words,
    step_hits: StepHits,
    mut decide: impl FnMut(&Subject) -> Result<Decided, Report>,
) -> Ended {
    let mut annotation = Annotation::open(session, output)?;
    let mut batch = Batch::default();
    args.selection
        .each(&annotation, step_hits, output, |subject| {
            let decided = decide(&subject)?;
            Ok(batch.add(&subject, decided, annotation.writer())?)
        })?;
    let records = annotation.commit(&batch.drafts, output)?;
    let told = Told {
        words,
        batch: &batch,
        records: &records,
    };
    told.print(args.format, output)?;
    Ok(None)
}

/// What a command did.
struct Told<'a> {
    words: Words,
    batch: &'a Batch,
    records: &'a [ReviewRecord],
}

impl Told<'_> {
    fn json(&self) -> serde_json::Value {
        let changed = self.batch.changed.iter().zip(self.records);
        let changed = changed.map(|(changed, record)| {
            json!({
                "id": changed.id.to_string(),
                "step": changed.step,
                "record": record.id,
            })
        });
        let unchanged = self.batch.unchanged.iter().map(ToString::to_string);
        let stale = self.stale().map(|changed| {
            let steps = changed.stale.iter().map(|(step, staleness)| {
                let part = match staleness {
                    Staleness::Observation => "observation",
                    Staleness::Step => "step",
                };
                json!({ "step": step, "part": part })
            });
            json!({ "id": changed.id.to_string(), "steps": steps.collect::<Vec<_>>() })
        });
        json!({
            "verb": self.words.verb,
            "batch": self.records.first().map(ReviewRecord::batch_id),
            "changed": changed.collect::<Vec<_>>(),
            "unchanged": unchanged.collect::<Vec<_>>(),
            "stale": stale.collect::<Vec<_>>(),
        })
    }

    fn stale(&self) -> impl Iterator<Item = &Changed> {
        let changed = self.batch.changed.iter();
        changed.filter(|changed| !changed.stale.is_empty())
    }

    fn print(&self, format: DecisionFormat, output: &mut Output) -> Result<(), Report> {
        if format == DecisionFormat::Json {
            return output.json(&self.json());
        }
        let so_already = match self.batch.unchanged.len() {
            0 => String::new(),
            1 => "1 was so already".to_owned(),
            many => format!("{many} were so already"),
        };
        match self.batch.changed.as_slice() {
            [] if so_already.is_empty() => output.line("nothing is selected")?,
            [] => output.line(format!("nothing changed: {so_already}"))?,
            changed => {
                output.text(format!("{} ", self.words.done))?;
                match changed {
                    [one] => {
                        output.styled(Style::Id, &one.id)?;
                        if let Some(step) = one.step {
                            output.styled(Style::Dim, format!(" step {step}"))?;
                        }
                    }
                    many => output.text(counted(many))?,
                }
                if !so_already.is_empty() {
                    output.text(format!("; {so_already}"))?;
                }
                output.line("")?;
            }
        }
        for changed in self.stale() {
            let (id, words) = (&changed.id, in_words(&changed.stale));
            output.line(format!("{id}: stale now: {words}"))?;
        }
        if self.stale().next().is_some() {
            output.note(
                "stale steps are not exported until they are edited or confirmed: retake review fresh ID --step N",
            );
        }
        Ok(())
    }
}

/// `3 trajectories`, `2 pairs`, `4 steps`, or some of each.
fn counted(changed: &[Changed]) -> String {
    let of = |wanted: fn(&Changed) -> bool| changed.iter().filter(|c| wanted(c)).count();
    let counts = [
        (of(|c| c.step.is_some()), "step", "steps"),
        (
            of(|c| c.step.is_none() && !c.is_pair),
            "trajectory",
            "trajectories",
        ),
        (of(|c| c.step.is_none() && c.is_pair), "pair", "pairs"),
    ];
    let told = counts.into_iter().filter(|(count, ..)| *count > 0);
    let told = told.map(|(count, one, many)| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    });
    told.collect::<Vec<_>>().join(" and ")
}
