use serde::Serialize;

use crate::domain::{RecordId, ReviewState, TargetId};
use crate::index::query::Query;
use crate::index::{DocumentKind, Highlighter, Match, Matches, Snippet};

use super::texts::texts;
use super::{Corpus, CorpusError};

/// A match with what a person sees of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The record, or the pair inside it.
    pub id: TargetId,
    /// What it is.
    pub kind: DocumentKind,
    /// The step's number from 1, for a step.
    pub step: Option<u32>,
    /// How well it matched.
    pub score: f32,
    /// The text around the first match, else the task's beginning.
    pub snippet: Option<Snippet>,
    /// The field of the snippet.
    pub field: &'static str,
    /// What people decided.
    pub review: ReviewState,
}

/// The first hits and the count of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Hits {
    /// How many there are.
    pub total: usize,
    /// The first of them.
    pub first: Vec<Hit>,
}

const SNIPPET_WIDTH: usize = 160;
/// So many hits take longer to read than a thread takes to start.
const WORTH_A_THREAD: usize = 4;

pub(super) fn hits(corpus: &Corpus, query: &Query, matches: Matches) -> Result<Hits, CorpusError> {
    let highlighter = Highlighter::from_query(query);
    let hit = |found: &Match| hit(corpus, &highlighter, found.clone());
    Ok(Hits {
        total: matches.total,
        first: in_parallel(&matches.first, &hit)?,
    })
}

/// Makes hits with one thread for each core: reading their records takes longer than finding them.
fn in_parallel(
    matches: &[Match],
    hit: &(impl Fn(&Match) -> Result<Hit, CorpusError> + Sync),
) -> Result<Vec<Hit>, CorpusError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(matches.len() / WORTH_A_THREAD);
    if threads < 2 {
        return matches.iter().map(hit).collect();
    }
    let share = matches.len().div_ceil(threads);
    let (own, others) = matches.split_at(share);
    std::thread::scope(|scope| {
        let others: Vec<_> = others
            .chunks(share)
            .map(|part| scope.spawn(|| part.iter().map(hit).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut hits = own.iter().map(hit).collect::<Result<Vec<_>, _>>()?;
        for other in others {
            let failed = |_| CorpusError::Thread("reading hits".to_owned());
            hits.extend(other.join().map_err(failed)??);
        }
        Ok(hits)
    })
}

fn hit(corpus: &Corpus, highlighter: &Highlighter, found: Match) -> Result<Hit, CorpusError> {
    // The hit stays a hit where its source is out of reach; its id is known to the index.
    let (id, snippet, field, review) = match corpus.glance(found.record) {
        Ok((id, current)) => {
            let all = texts(&current, &found);
            let around = all.iter().find_map(|(field, text)| {
                highlighter
                    .snippet(field, text, SNIPPET_WIDTH)
                    .map(|s| (Some(s), *field))
            });
            let (snippet, field) = around.unwrap_or_else(|| match all.first() {
                Some((field, text)) => (Some(Snippet::beginning(text, SNIPPET_WIDTH)), *field),
                None => (None, "task"),
            });
            let pair = current.pair(found.part.as_deref());
            let review = match found.kind {
                DocumentKind::Pair => pair.map(|(_, about)| about.state),
                _ => Some(current.state),
            };
            (id, snippet, field, review.unwrap_or_default())
        }
        Err(error) => {
            let id = corpus.id_of(found.record)?.ok_or(error)?;
            (id, None, "task", ReviewState::default())
        }
    };
    Ok(Hit {
        id: TargetId {
            record: id,
            part: found.part,
        },
        kind: found.kind,
        step: found.step,
        score: found.score,
        snippet,
        field,
        review,
    })
}

impl Corpus {
    pub(super) fn id_of(
        &self,
        key: crate::index::RecordKey,
    ) -> Result<Option<RecordId>, CorpusError> {
        let source = self.state.by_ordinal(key.source);
        let row = self.row(key)?;
        Ok(source
            .zip(row)
            .map(|(source, row)| RecordId::new(&source.name, &row.id)))
    }
}

/// A hit as `retake search --format json` writes it; names are stable.
#[derive(Debug, Serialize)]
pub struct HitJson<'a> {
    id: String,
    kind: &'static str,
    step: Option<u32>,
    score: f32,
    snippet: Option<&'a str>,
    field: &'static str,
    review: &'static str,
}

impl Hit {
    /// The form for programs.
    pub fn json(&self) -> HitJson<'_> {
        HitJson {
            id: self.id.to_string(),
            kind: self.kind.name(),
            step: self.step,
            score: self.score,
            snippet: self.snippet.as_ref().map(|snippet| snippet.text.as_str()),
            field: self.field,
            review: self.review.name(),
        }
    }
}
