use std::collections::HashSet;
use std::io::BufRead;

use clap::Args;

use crate::corpus::decision::Subject;
use crate::corpus::{CorpusError, Selection};
use crate::report::Report;

use super::annotation::Annotation;
use super::output::Output;
use super::session::{corpus_report, parse_query, with_progress};

/// What a verb is about: ids, or what a query finds.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// Ids as `retake search` prints them, or content hashes; `-` reads ids from standard input, one a line
    #[arg(value_name = "ID", required_unless_present = "query")]
    ids: Vec<String>,
    /// Everything that this query finds
    #[arg(long, value_name = "QUERY", conflicts_with_all = ["ids", "expect_hash"], allow_hyphen_values = true)]
    query: Option<String>,
    /// Refuse, unless the record's content hash begins like this: nothing is decided about what one has not seen
    #[arg(long, value_name = "HASH", value_parser = hash_beginning)]
    expect_hash: Option<String>,
}

pub use crate::corpus::StepHits;

/// The bar while a selection is looked at.
const READING: &str = "reading {wide_bar} {pos}/{len} {per_sec} {eta} left";

/// The beginning of a content hash, as `--expect-hash` takes it.
pub fn hash_beginning(text: &str) -> Result<String, String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_hex && (8..=64).contains(&text.len()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("the beginning of a content hash has 8 to 64 hexadecimal digits".to_owned()),
    }
}

impl SelectionArgs {
    /// Whether ids come from standard input.
    pub fn reads_standard_input(&self) -> bool {
        self.ids.iter().any(|id| id == "-")
    }

    /// Looks at each selected trajectory or pair once, in order. An error at one of them ends it: a batch is decided whole
    /// or not at all.
    pub fn each(
        &self,
        annotation: &Annotation,
        step_hits: StepHits,
        output: &Output,
        mut look: impl FnMut(Subject) -> Result<(), Report>,
    ) -> Result<(), Report> {
        let corpus = annotation.corpus();
        let chosen = self.selection()?.targets(corpus, step_hits);
        let chosen = chosen.map_err(|error| match error {
            // A batch on half of what was meant is worse than none.
            error @ CorpusError::Unmatched { .. } => {
                Report::from_error(&error).hint("nothing was saved")
            }
            error => corpus_report(&error),
        })?;
        if self.expect_hash.is_some() && chosen.len() != 1 {
            return Err(Report::usage("--expect-hash is about one id"));
        }
        with_progress(output, READING, |progress| {
            progress.add_total(chosen.len() as u64);
            let mut seen = HashSet::new();
            for chosen in &chosen {
                let cancelled = |_| Report::failure("cancelled: nothing was saved");
                progress.check().map_err(cancelled)?;
                let subject = chosen.subject(corpus)?;
                subject.expect_hash(self.expect_hash.as_deref())?;
                // An id and the hash of the same record may both be named.
                if seen.insert((subject.id().clone(), subject.step)) {
                    look(subject)?;
                }
                progress.advance(1);
            }
            Ok(())
        })
    }

    fn selection(&self) -> Result<Selection, Report> {
        let Some(query) = &self.query else {
            let mut ids = Vec::new();
            for id in &self.ids {
                match id.as_str() {
                    "-" => ids.extend(standard_input_lines()?),
                    _ => ids.push(id.clone()),
                }
            }
            return Ok(Selection::Ids(ids));
        };
        let query = parse_query(std::slice::from_ref(query))?;
        Ok(Selection::Query(Box::new(query)))
    }
}

/// Ids on standard input, one a line.
pub fn standard_input_lines() -> Result<Vec<String>, Report> {
    let mut ids = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| {
            Report::failure(format!("ids can't be read from standard input: {error}"))
        })?;
        let id = line.trim();
        if !id.is_empty() {
            ids.push(id.to_owned());
        }
    }
    Ok(ids)
}
