//! Decisions about what is selected: saved as one batch, then told.

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::domain::TargetId;
use crate::domain::review::{Draft, ReviewRecord, Staleness, Target, Verb};
use crate::report::Report;

use super::Ended;
use super::annotation::Annotation;
use super::consequences::{NewlyStale, consequences, in_words};
use super::output::{Output, Style};
use super::selection::{SelectionArgs, StepHits};
use super::session::Session;
use super::subject::Subject;

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
    pub fn target(&self, subject: &Subject) -> Result<Target, Report> {
        match self.number(subject)? {
            Some(number) => subject.step_target(number),
            None => Err(Report::usage("this is about a step")
                .hint("name it with --step N, or find steps with a query: --query 'in:step …'")),
        }
    }
}

/// A verb on its target.
pub type Decided = (Target, Verb);

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
    mut decide: impl FnMut(&Subject) -> Result<Option<Decided>, Report>,
) -> Ended {
    let mut annotation = Annotation::open(session, output)?;
    let mut told = Told::new(words);
    let mut drafts = Vec::new();
    args.selection
        .each(&annotation, step_hits, output, |subject| {
            let Some((target, verb)) = decide(&subject)? else {
                told.unchanged.push(subject.id().to_string());
                return Ok(());
            };
            let stale = consequences(&subject, &target, &verb)
                .map_err(|reason| Report::failure(format!("{}: {reason}", subject.id())))?;
            told.add(&subject, &target, stale);
            drafts.push(draft(subject.id(), target, verb)?);
            annotation.keep_text(&subject.record);
            Ok(())
        })?;
    let records = annotation.commit(&drafts, output)?;
    told.saved(&records);
    told.print(args.format, output)?;
    Ok(None)
}

/// A draft, or why the verb can't stand there.
pub fn draft(id: &TargetId, target: Target, verb: Verb) -> Result<Draft, Report> {
    Draft::new(target, verb).map_err(|error| Report::failure(format!("{id}: {error}")))
}

/// What a command did.
#[derive(Serialize)]
struct Told {
    verb: &'static str,
    batch: Option<String>,
    changed: Vec<Changed>,
    unchanged: Vec<String>,
    stale: Vec<serde_json::Value>,
    #[serde(skip)]
    words: Words,
    #[serde(skip)]
    stale_words: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Changed {
    id: String,
    step: Option<u32>,
    record: Option<String>,
    #[serde(skip)]
    is_pair: bool,
}

impl Told {
    fn new(words: Words) -> Self {
        Self {
            verb: words.verb,
            batch: None,
            changed: Vec::new(),
            unchanged: Vec::new(),
            stale: Vec::new(),
            words,
            stale_words: Vec::new(),
        }
    }

    fn add(&mut self, subject: &Subject, target: &Target, stale: Vec<NewlyStale>) {
        let id = subject.id().to_string();
        let step = target.step.and_then(|key| {
            let at = subject.current.steps.iter().position(|s| s.key == key)?;
            u32::try_from(at + 1).ok()
        });
        if !stale.is_empty() {
            let part = |staleness| match staleness {
                Staleness::Observation => "observation",
                Staleness::Step => "step",
            };
            let steps = stale.iter().map(|(step, staleness)| {
                let part = part(*staleness);
                json!({ "step": step, "part": part })
            });
            let steps: Vec<_> = steps.collect();
            self.stale.push(json!({ "id": id, "steps": steps }));
            self.stale_words.push((id.clone(), in_words(&stale)));
        }
        self.changed.push(Changed {
            id,
            step,
            record: None,
            is_pair: subject.is_pair(),
        });
    }

    fn saved(&mut self, records: &[ReviewRecord]) {
        self.batch = records.first().map(|first| first.batch_id().to_string());
        for (changed, record) in self.changed.iter_mut().zip(records) {
            changed.record = Some(record.id.to_string());
        }
    }

    fn print(&self, format: DecisionFormat, output: &mut Output) -> Result<(), Report> {
        if format == DecisionFormat::Json {
            return output.json(self);
        }
        let so_already = match self.unchanged.len() {
            0 => String::new(),
            1 => "1 was so already".to_owned(),
            many => format!("{many} were so already"),
        };
        match self.changed.as_slice() {
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
        for (id, words) in &self.stale_words {
            output.line(format!("{id}: stale now: {words}"))?;
        }
        if !self.stale_words.is_empty() {
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
