use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::corpus::{LapsedItem, QueuedItem};
use crate::domain::review::words::ids_words;
use crate::journal::JournalError;
use crate::report::Report;

use super::Ended;
use super::annotation::tell;
use super::output::{Output, Style};
use super::session::{Session, corpus_report};

/// Show how far queues are, or the next of your own items
#[derive(Debug, Args)]
pub struct QueueArgs {
    /// Only this queue
    name: Option<String>,
    /// Print the id of the next trajectory or pair that you are to decide; nothing when all are decided
    #[arg(long)]
    next: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: QueueFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum QueueFormat {
    /// For people
    #[default]
    Text,
    /// An array of queues, with --next one object: {"id", "queue", "left", "lapsed"}
    Json,
}

/// How far a queue is.
#[derive(Default)]
struct QueueProgress {
    items: usize,
    /// For each annotator how many of how many items are done.
    annotators: BTreeMap<String, (usize, usize)>,
    /// What is out of it because its source record changed, or went.
    changed: Vec<String>,
    gone: Vec<String>,
}

pub(super) fn run(args: &QueueArgs, session: Session, output: &mut Output) -> Ended {
    let own = session.config.review.annotator.clone();
    if args.next && own.is_empty() {
        return Err(JournalError::NoAnnotator.into());
    }
    let corpus = session.open(output)?;
    tell(&corpus.journals().notices(), output);
    let mut items = corpus
        .queued_items()
        .map_err(|error| corpus_report(&error))?;
    let mut lapsed = corpus
        .lapsed_items(&items)
        .map_err(|error| corpus_report(&error))?;
    if let Some(name) = &args.name {
        let of_items = items.iter().map(|item| item.queue.clone());
        let mut known: Vec<String> = of_items
            .chain(lapsed.iter().map(|item| item.queue.clone()))
            .collect();
        items.retain(|item| item.queue == *name);
        lapsed.retain(|item| item.queue == *name);
        if items.is_empty() && lapsed.is_empty() {
            known.sort_unstable();
            known.dedup();
            return Err(no_queue(name, &known));
        }
    }
    match args.next {
        true => next(args, &own, &items, &lapsed, output)?,
        false => all(args, &items, &lapsed, output)?,
    }
    Ok(None)
}

fn no_queue(name: &str, known: &[String]) -> Report {
    let report = Report::failure(format!("no queue is named `{name}`"));
    match known.is_empty() {
        true => report.hint("`retake assign QUERY --to NAMES` makes one"),
        false => report.hint(format!("queues: {}", known.join(", "))),
    }
}

fn next(
    args: &QueueArgs,
    own: &str,
    items: &[QueuedItem],
    lapsed: &[LapsedItem],
    output: &mut Output,
) -> Result<(), Report> {
    let of_own = |item: &&LapsedItem| item.annotators.iter().any(|name| name == own);
    let lapsed = lapsed.iter().filter(of_own).count();
    let is_open = |item: &&QueuedItem| item.annotators.get(own) == Some(&false);
    let mut open = items.iter().filter(is_open);
    let first = open.next();
    let left = open.count() + usize::from(first.is_some());
    if args.format == QueueFormat::Json {
        return output.json(&json!({
            "id": first.map(|item| item.id.to_string()),
            "queue": first.map(|item| &item.queue),
            "left": left,
            "lapsed": lapsed,
        }));
    }
    match first {
        Some(item) => {
            output.line(&item.id)?;
            output.note(format!("{left} left"));
        }
        None => output.note(format!("nothing is left for {own}")),
    }
    if lapsed > 0 {
        output.note(format!(
            "{lapsed} more for {own} changed or went since they were assigned: `retake queue` tells which queues"
        ));
    }
    Ok(())
}

fn all(
    args: &QueueArgs,
    items: &[QueuedItem],
    lapsed: &[LapsedItem],
    output: &mut Output,
) -> Result<(), Report> {
    let mut queues: BTreeMap<&str, QueueProgress> = BTreeMap::new();
    for item in lapsed {
        let queue = queues.entry(&item.queue).or_default();
        let ids = match item.is_gone {
            true => &mut queue.gone,
            false => &mut queue.changed,
        };
        ids.push(item.id.to_string());
    }
    for item in items {
        let queue = queues.entry(&item.queue).or_default();
        queue.items += 1;
        for (annotator, is_done) in &item.annotators {
            let (done, of) = queue.annotators.entry(annotator.clone()).or_default();
            *done += usize::from(*is_done);
            *of += 1;
        }
    }
    if args.format == QueueFormat::Json {
        let queues = queues.iter().map(|(name, queue)| {
            let annotators = queue.annotators.iter().map(|(annotator, (done, of))| {
                json!({ "annotator": annotator, "done": done, "items": of })
            });
            let annotators: Vec<Value> = annotators.collect();
            json!({
                "queue": name,
                "items": queue.items,
                "annotators": annotators,
                "changed": queue.changed,
                "gone": queue.gone,
            })
        });
        return output.json(&queues.collect::<Vec<_>>());
    }
    if queues.is_empty() {
        output.note("there is no queue: `retake assign QUERY --to NAMES` makes one");
    }
    for (name, queue) in &queues {
        output.styled(Style::Bold, name)?;
        output.line(format!("  {} items", queue.items))?;
        let names = queue.annotators.keys().map(|name| name.chars().count());
        let width = names.max().unwrap_or(0);
        for (annotator, (done, of)) in &queue.annotators {
            output.text("  ")?;
            output.data_line(annotator, &[])?;
            output.text(" ".repeat(width - annotator.chars().count()))?;
            let line = format!("  {done} of {of}");
            match done == of {
                true => output.styled(Style::Good, line)?,
                false => output.text(line)?,
            }
            output.line("")?;
        }
        print_lapsed(queue, output)?;
    }
    if queues.values().any(|queue| !queue.changed.is_empty()) {
        output.note(
            "what changed is out of its queue: `retake assign is:source-changed --to NAMES --queue QUEUE` puts it back",
        );
    }
    Ok(())
}

/// What is out of a queue without anybody's doing.
fn print_lapsed(queue: &QueueProgress, output: &mut Output) -> Result<(), Report> {
    let told = [
        (
            &queue.changed,
            "changed in their sources since they were assigned",
        ),
        (&queue.gone, "are in no source that can be read here"),
    ];
    for (ids, what) in told.into_iter().filter(|(ids, _)| !ids.is_empty()) {
        output.text("  ")?;
        output.styled(Style::Bad, format!("{} {what}: ", ids.len()))?;
        output.data_line(&ids_words(ids), &[])?;
        output.line("")?;
    }
    Ok(())
}
