use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::corpus::decision::draft;
use crate::domain::review::{Assignment, Draft, Target, Verb};
use crate::domain::{Allocation, TargetId};
use crate::report::Report;

use super::Ended;
use super::annotation::Annotation;
use super::annotator;
use super::output::{Output, Style};
use super::session::{Session, corpus_report, parse_query};

/// Deal trajectories and pairs out to annotators, as a queue
///
/// The same data and seed give the same queue, and most items keep their annotators when data are added. What is in the
/// queue already stays with whoever has it. One undo takes the whole assignment back.
#[derive(Debug, Args)]
pub struct AssignArgs {
    /// What to deal out (`retake help query`); nothing deals out everything
    query: Vec<String>,
    /// Who gets it: names, with commas between them
    #[arg(long, required = true, value_name = "NAMES", value_delimiter = ',', value_parser = annotator::name)]
    to: Vec<String>,
    /// The share of items that several annotators get, so that their agreement can be measured: 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    overlap: f64,
    /// How many annotators get such an item
    #[arg(long, value_name = "N", default_value_t = 2)]
    per: usize,
    /// Another seed deals them out otherwise
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// The queue's name
    #[arg(long, value_name = "NAME", default_value = "review", value_parser = annotator::name)]
    queue: String,
    /// Deal what is in the queue already out anew, too
    #[arg(long)]
    again: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: AssignFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum AssignFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"queue", "batch", "assigned", "kept", "annotators", "items"}
    Json,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1".to_owned())
}

/// What an annotator has in the queue.
#[derive(Default)]
struct Load {
    new: usize,
    kept: usize,
}

pub(super) fn run(args: &AssignArgs, session: Session, output: &mut Output) -> Ended {
    let query = parse_query(&args.query)?;
    check(args)?;
    let mut annotation = Annotation::open(&session, output)?;
    let corpus = annotation.corpus();
    let found = corpus
        .items_of(&query)
        .map_err(|error| corpus_report(&error))?;
    let (unmatched, reason) = corpus.unmatched();
    if unmatched > 0 {
        return Err(Report::failure(format!(
            "{unmatched} records could not be looked into: {reason}"
        ))
        .hint("nothing was saved"));
    }
    let mut loads: BTreeMap<String, Load> = BTreeMap::new();
    if !args.again {
        // Whoever has something in the queue that the query does not find has it nevertheless.
        let queued = corpus.queued_items();
        let queued = queued.map_err(|error| corpus_report(&error))?;
        let of_queue = queued.iter().filter(|item| item.queue == args.queue);
        for annotator in of_queue.flat_map(|item| item.annotators.keys()) {
            loads.entry(annotator.clone()).or_default().kept += 1;
        }
    }
    let (mut kept, mut new) = (0, Vec::new());
    for item in found {
        let has = corpus.assigned_in(&args.queue, &item.id, &item.hash);
        match has.filter(|_| !args.again) {
            Some(_) => kept += 1,
            None => new.push(Target::new(item.id, item.hash)),
        }
    }
    let dealt = deal(args, &new, &loads);
    let mut drafts: Vec<Draft> = Vec::with_capacity(new.len());
    for (target, annotators) in new.iter().zip(&dealt) {
        for annotator in annotators {
            loads.entry(annotator.clone()).or_default().new += 1;
        }
        let assignment = Assignment {
            queue: args.queue.clone(),
            annotators: annotators.clone(),
        };
        let verb = Verb::Assign(assignment);
        drafts.push(draft(&target.reference.id, target.clone(), verb)?);
    }
    let records = annotation.commit(&drafts, output)?;
    let told = Told {
        args,
        kept,
        items: new.iter().map(|target| &target.reference.id).collect(),
        dealt: &dealt,
        loads: &loads,
        batch: records.first().map(|first| first.batch_id().to_string()),
    };
    match args.format {
        AssignFormat::Json => told.json(output)?,
        AssignFormat::Text => told.text(output)?,
    }
    Ok(None)
}

fn check(args: &AssignArgs) -> Result<(), Report> {
    let mut names = args.to.clone();
    names.sort_unstable();
    names.dedup();
    if names.len() < args.to.len() {
        return Err(Report::usage("--to names somebody twice"));
    }
    if !(2..=args.to.len().max(2)).contains(&args.per) {
        return Err(Report::usage(format!(
            "--per {} of {} annotators can't be",
            args.per,
            args.to.len()
        ))
        .hint("several annotators are at least 2, and at most those whom --to names"));
    }
    if args.overlap > 0.0 && args.to.len() < 2 {
        return Err(Report::usage("--overlap needs two annotators")
            .hint("name them with --to, commas between them"));
    }
    Ok(())
}

fn deal(args: &AssignArgs, new: &[Target], loads: &BTreeMap<String, Load>) -> Vec<Vec<String>> {
    let allocation = Allocation {
        annotators: args.to.len(),
        overlap: args.overlap,
        per_shared_item: args.per.min(args.to.len()),
        seed: args.seed,
    };
    let ids: Vec<String> = new
        .iter()
        .map(|target| target.reference.id.to_string())
        .collect();
    let kept: Vec<usize> = args
        .to
        .iter()
        .map(|name| loads.get(name).map_or(0, |load| load.kept))
        .collect();
    let dealt = allocation.deal(&ids, &kept);
    let names = |numbers: Vec<usize>| {
        let names = numbers.into_iter().filter_map(|n| args.to.get(n).cloned());
        names.collect()
    };
    dealt.into_iter().map(names).collect()
}

/// What was assigned.
struct Told<'a> {
    args: &'a AssignArgs,
    kept: usize,
    items: Vec<&'a TargetId>,
    dealt: &'a [Vec<String>],
    loads: &'a BTreeMap<String, Load>,
    batch: Option<String>,
}

impl Told<'_> {
    fn json(&self, output: &mut Output) -> Result<(), Report> {
        let annotators = self.loads.iter().map(|(annotator, load)| {
            json!({ "annotator": annotator, "new": load.new, "items": load.new + load.kept })
        });
        let items = self
            .items
            .iter()
            .zip(self.dealt)
            .map(|(id, annotators)| json!({ "id": id.to_string(), "annotators": annotators }));
        output.json(&json!({
            "queue": self.args.queue,
            "batch": self.batch,
            "assigned": self.items.len(),
            "kept": self.kept,
            "annotators": annotators.collect::<Vec<_>>(),
            "items": items.collect::<Vec<_>>(),
        }))
    }

    fn text(&self, output: &mut Output) -> Result<(), Report> {
        let shared = self.dealt.iter().filter(|who| who.len() > 1).count();
        output.text(format!("{} items are in queue ", self.items.len()))?;
        output.styled(Style::Bold, &self.args.queue)?;
        if shared > 0 {
            output.text(format!(
                ", {shared} of them for {} annotators",
                self.args.per
            ))?;
        }
        if self.kept > 0 {
            output.text(format!("; {} were in it already", self.kept))?;
        }
        output.line("")?;
        for (annotator, load) in self.loads {
            output.text("  ")?;
            output.data_line(annotator, &[])?;
            output.text(format!("  {} new", load.new))?;
            if load.kept > 0 {
                output.text(format!(", {} in all", load.new + load.kept))?;
            }
            output.line("")?;
        }
        if !self.items.is_empty() {
            output.note("each finds theirs with: retake queue --next");
        }
        Ok(())
    }
}
