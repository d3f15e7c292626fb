use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::corpus::decision::{Log, LogEntry, Subject};
use crate::domain::review::ReviewRecord;
use crate::domain::review::words::{batch_words, ids_words, words};
use crate::domain::visible_line;
use crate::report::Report;

use super::Ended;
use super::annotation::tell;
use super::output::{Output, Style};
use super::session::{Session, corpus_report};

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

pub(super) fn run(args: &LogArgs, session: Session, output: &mut Output) -> Ended {
    let corpus = session.open(output)?;
    tell(&corpus.journals().notices(), output);
    let subject = match &args.id {
        Some(id) => Some(Subject::named(&corpus, id)?),
        None => None,
    };
    let limit = match args.limit {
        0 => usize::MAX,
        limit => limit,
    };
    let log = corpus
        .log(subject.as_ref(), limit)
        .map_err(|error| corpus_report(&error))?;
    match args.format {
        LogFormat::Json => {
            let entries: Vec<Value> = log.entries.iter().map(entry_json).collect();
            let (earlier, hidden) = (log.earlier, log.hidden);
            output.json(&json!({ "entries": entries, "earlier": earlier, "hidden": hidden }))?;
        }
        LogFormat::Text => print(&log, output)?,
    }
    Ok(None)
}

fn entry_json(entry: &LogEntry) -> Value {
    let records: Vec<Value> = entry.records.iter().map(record_json).collect();
    let first = entry.records.first();
    json!({
        "batch": entry.batch,
        "time": first.map(|record| record.time.to_string()),
        "annotator": first.map(|record| record.annotator.to_string()),
        "undone": entry.is_undone,
        "records": records,
        "switched": entry.switched.iter().map(|record| record.id).collect::<Vec<_>>(),
    })
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

fn print(log: &Log, output: &mut Output) -> Result<(), Report> {
    if log.entries.is_empty() && log.hidden == 0 {
        output.note("nothing was decided yet");
    }
    for entry in &log.entries {
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
    if log.earlier > 0 {
        let earlier = log.earlier;
        output.note(format!("{earlier} earlier: retake log --limit 0"));
    }
    if log.hidden > 0 {
        let hidden = log.hidden;
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
