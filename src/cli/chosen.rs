use std::collections::HashSet;
use std::io::BufRead;

use crate::corpus::decision::Subject;
use crate::corpus::{Corpus, MatchedTarget};
use crate::domain::{RecordId, TargetId};
use crate::index::{DocumentKind, Sort};
use crate::report::Report;

use super::session::{corpus_report, parse_query};

/// A trajectory that words name.
pub enum Chosen {
    /// By id or content hash, as somebody typed it.
    Named(String),
    /// Found by a query.
    Found(Box<MatchedTarget>),
}

impl Chosen {
    pub fn id(&self) -> String {
        match self {
            Self::Named(id) => id.clone(),
            Self::Found(found) => found.id.record.to_string(),
        }
    }

    /// The trajectory as it is now.
    pub fn subject(&self, corpus: &Corpus) -> Result<Subject, Report> {
        match self {
            Self::Named(id) => Ok(Subject::named(corpus, id)?),
            Self::Found(found) => Ok(Subject::matched(corpus, found)?),
        }
    }
}

/// What words name: ids if there are such records, else a query. Each trajectory comes once, in the order of the corpus.
pub fn chosen(words: &[String], corpus: &Corpus) -> Result<Vec<Chosen>, Report> {
    if let Some(ids) = ids(words, corpus)? {
        return Ok(ids.into_iter().map(Chosen::Named).collect());
    }
    let query = parse_query(words)?;
    let found = corpus
        .matched_targets(&query, Sort::Source, usize::MAX >> 16)
        .map_err(|error| corpus_report(&error))?;
    let (unmatched, reason) = corpus.unmatched();
    if unmatched > 0 {
        return Err(Report::failure(format!(
            "{unmatched} records could not be looked into: {reason}"
        )));
    }
    let mut seen: HashSet<RecordId> = HashSet::new();
    let mut chosen = Vec::new();
    for found in found {
        // Pairs hold no run of their own.
        if found.kind != DocumentKind::Pair && seen.insert(found.id.record.clone()) {
            chosen.push(Chosen::Found(Box::new(MatchedTarget {
                id: TargetId {
                    record: found.id.record.clone(),
                    part: None,
                },
                kind: DocumentKind::Trajectory,
                step: None,
                ..found
            })));
        }
    }
    if chosen.is_empty() {
        return Err(Report::failure(format!(
            "no trajectory is `{}`, as an id or a query",
            words.join(" ")
        ))
        .hint("`retake search QUERY --format ids` lists ids"));
    }
    Ok(chosen)
}

/// The ids, if the words are ids: `-`, or one that a record has.
fn ids(words: &[String], corpus: &Corpus) -> Result<Option<Vec<String>>, Report> {
    let is_known = |word: &String| word == "-" || corpus.find(&TargetId::parse(word)).is_ok();
    if !words.first().is_some_and(is_known) {
        return Ok(None);
    }
    let mut ids = Vec::new();
    for word in words {
        match word.as_str() {
            "-" => {
                for line in std::io::stdin().lock().lines() {
                    let line = line.map_err(|error| {
                        Report::failure(format!("ids can't be read from standard input: {error}"))
                    })?;
                    ids.extend(Some(line.trim().to_owned()).filter(|id| !id.is_empty()));
                }
            }
            id => ids.push(id.to_owned()),
        }
    }
    Ok(Some(ids))
}
