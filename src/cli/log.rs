use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::corpus::Corpus;
use crate::domain::review::{ReviewRecord, Verb};
use crate::domain::{TargetId, visible_line};
use crate::report::Report;

use super::Ended;
use super::annotation::tell;
use super::output::{Output, Style};
use super::record_words::{batch_words, ids_words, words};
use super::session::{Session, corpus_report};
use super::subject::Subject;

/// List what was decided, newest last
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Only what was decided about this trajectory or pair
    id: Option<String>,
    /// How many of the newest entries to print (0: all)
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One object: {"entries": […], "earlier": N, "hidden": N}
    Json,
}

/// What was decided together.
struct Entry {
    /// The batch, or the only record of it.
    batch: Uuid,
    records: Vec<ReviewRecord>,
    /// What an undo or redo switches, as far as it may be seen.
    switched: Vec<ReviewRecord>,
    /// Whether it no longer counts.
    is_undone: bool,
}

/// The entries that are printed, oldest first, and how many are not.
struct Listed {
    entries: Vec<Entry>,
    earlier: usize,
    hidden: usize,
}

pub(super) fn run(args: &LogArgs, session: Session, output: &mut Output) -> Ended {
    let corpus = session.open(output)?;
    tell(&corpus.journals().notices(), output);
    let records = match &args.id {
        Some(id) => records_about(&corpus, id)?,
        None => {
            let journals = corpus.journals();
            journals.reviews().records().into_iter().cloned().collect()
        }
    };
    let limit = match args.limit {
        0 => usize::MAX,
        limit => limit,
    };
    let listed = listed(&corpus, records, limit)?;
    match args.format {
        LogFormat::Json => {
            let entries: Vec<Value> = listed.entries.iter().map(Entry::json).collect();
            let (earlier, hidden) = (listed.earlier, listed.hidden);
            output.json(&json!({ "entries": entries, "earlier": earlier, "hidden": hidden }))?;
        }
        LogFormat::Text => print(&listed, output)?,
    }
    Ok(None)
}

/// The records about a trajectory with its pairs, or about one pair, and the undos and redos that switched any of them.
fn records_about(corpus: &Corpus, id: &str) -> Result<Vec<ReviewRecord>, Report> {
    let subject = Subject::named(corpus, id)?;
    let hash = subject.record.hash;
    let mut targets: Vec<TargetId> = vec![subject.id().clone()];
    if subject.id().part.is_none() {
        let of_source = subject.current.pairs.iter().map(|pair| pair.target.clone());
        let made = subject.current.review.pairs.iter();
        targets.extend(of_source.chain(made.map(|pair| pair.target(subject.id()))));
    }
    let mut found: BTreeMap<Uuid, ReviewRecord> = BTreeMap::new();
    for target in &targets {
        let records = corpus.records_of(target, &hash);
        found.extend(records.into_iter().map(|record| (record.id, record)));
    }
    let journals = corpus.journals();
    let reviews = journals.reviews();
    for reversal in reviews.records() {
        let mut switched = reviews.switched(reversal).into_iter();
        if reversal.verb.is_reversal() && switched.any(|record| found.contains_key(&record.id)) {
            found.insert(reversal.id, reversal.clone());
        }
    }
    Ok(found.into_values().collect())
}

/// Groups records by batch, and leaves out what one may not see yet.
fn listed(corpus: &Corpus, records: Vec<ReviewRecord>, limit: usize) -> Result<Listed, Report> {
    let mut order: Vec<Uuid> = Vec::new();
    let mut batches: BTreeMap<Uuid, Vec<ReviewRecord>> = BTreeMap::new();
    for record in records {
        let batch = batches.entry(record.batch_id()).or_insert_with(|| {
            order.push(record.batch_id());
            Vec::new()
        });
        batch.push(record);
    }
    let mut listed = Listed {
        entries: Vec::new(),
        earlier: order.len(),
        hidden: 0,
    };
    let visible = |records: Vec<ReviewRecord>| -> Result<Vec<ReviewRecord>, Report> {
        let mut seen = Vec::with_capacity(records.len());
        for record in records {
            if corpus.may_see(&record).map_err(|e| corpus_report(&e))? {
                seen.push(record);
            }
        }
        Ok(seen)
    };
    for batch in order.into_iter().rev() {
        if listed.entries.len() == limit {
            break;
        }
        listed.earlier -= 1;
        let records = visible(batches.remove(&batch).unwrap_or_default())?;
        let Some(first) = records.first() else {
            listed.hidden += 1;
            continue;
        };
        let (switched, is_undone) = {
            let journals = corpus.journals();
            let reviews = journals.reviews();
            let switched = reviews.switched(first).into_iter().cloned().collect();
            let is_undone = match first.verb {
                Verb::Undo(_) => !reviews.holds(first),
                _ => !reviews.is_active(first),
            };
            (switched, is_undone)
        };
        let switched = visible(switched)?;
        if first.verb.is_reversal() && switched.is_empty() {
            listed.hidden += 1;
            continue;
        }
        listed.entries.push(Entry {
            batch,
            records,
            switched,
            is_undone,
        });
    }
    listed.entries.reverse();
    Ok(listed)
}

impl Entry {
    fn json(&self) -> Value {
        let records: Vec<Value> = self.records.iter().map(record_json).collect();
        let first = self.records.first();
        json!({
            "batch": self.batch,
            "time": first.map(|record| record.time.to_string()),
            "annotator": first.map(|record| record.annotator.to_string()),
            "undone": self.is_undone,
            "records": records,
            "switched": self.switched.iter().map(|record| record.id).collect::<Vec<_>>(),
        })
    }
}

/// A record for programs.
pub fn record_json(record: &ReviewRecord) -> Value {
    let payload = record.verb.payload().ok().flatten();
    let payload: Option<Value> = payload.and_then(|json| serde_json::from_str(&json).ok());
    let reference = record.target.as_ref().map(|target| &target.reference);
    json!({
        "record": record.id,
        "verb": record.verb.name(),
        "id": reference.map(|reference| reference.id.to_string()),
        "hash": reference.map(|reference| reference.hash.to_string()),
        "step": record.step().map(|step| step.to_string()),
        "payload": payload,
    })
}

fn print(listed: &Listed, output: &mut Output) -> Result<(), Report> {
    if listed.entries.is_empty() && listed.hidden == 0 {
        output.note("nothing was decided yet");
    }
    for entry in &listed.entries {
        let Some(first) = entry.records.first() else {
            continue;
        };
        let time = first.time.to_string();
        // Milliseconds are for programs.
        let time = time.get(..19).unwrap_or(&time).replace('T', " ");
        output.styled(Style::Dim, format!("{time} "))?;
        output.styled(Style::Bold, visible_line(&first.annotator))?;
        let undone = if entry.is_undone { " (undone)" } else { "" };
        match first.verb.is_reversal() {
            true => {
                let verb = words(first);
                print_said(&format!("  {verb}  "), &entry.switched, undone, output)?;
            }
            false => print_said("  ", &entry.records, undone, output)?,
        }
    }
    if listed.earlier > 0 {
        let earlier = listed.earlier;
        output.note(format!("{earlier} earlier: retake log --limit 0"));
    }
    if listed.hidden > 0 {
        let hidden = listed.hidden;
        output.note(format!(
            "{hidden} of others hidden until you have given your own verdict"
        ));
    }
    Ok(())
}

/// What records say, on as many lines as they say different things.
pub fn print_said(
    before: &str,
    records: &[ReviewRecord],
    behind: &str,
    output: &mut Output,
) -> Result<(), Report> {
    let records: Vec<&ReviewRecord> = records.iter().collect();
    for (number, (words, ids)) in batch_words(&records).into_iter().enumerate() {
        match number {
            0 => output.text(before)?,
            _ => output.text("  and ")?,
        }
        output.data_line(&words, &[])?;
        match ids.len() {
            1 => output.text("  ")?,
            many => output.text(format!("  {many}: "))?,
        }
        output.styled(Style::Id, visible_line(&ids_words(&ids)))?;
        output.styled(Style::Dim, behind)?;
        output.line("")?;
    }
    Ok(())
}
