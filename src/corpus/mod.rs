//! Sources as they stand now: kept in step with the index, searched, and read record by record.
//!
//! The index only points. Whatever is shown is read from the source at that moment; a source that changed in between is
//! noticed by its hash.

mod agreement;
mod comparison;
mod current;
pub mod decision;
pub mod documents;
mod error;
mod eyes;
mod gold;
mod hit;
mod inspection;
mod listing;
mod matched_target;
mod old_records;
mod opening;
mod pipeline;
mod positioned_file;
pub mod preparation;
mod queue_members;
mod queues;
mod record_ids;
mod record_reading;
mod record_row;
mod record_table;
mod refresh;
mod review_facts;
mod review_pass;
mod review_records;
mod sampling;
mod selection;
mod source_build;
mod source_difference;
mod source_files;
mod source_lookup;
mod source_opening;
mod state;
mod strangers;
mod texts;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::config::Config;
use crate::domain::{Interner, Outcome, Record, RecordId, TargetId, Trajectory};
use crate::index::query::Query;
use crate::index::{
    FacetCounts, IndexStore, IndexStoreReader, LoweredQuery, MEMBERSHIP_FIELDS, Match, Matches,
    RecordKey, Row, Sort, SourceOrder, Summary,
};
use crate::journal::JournalFolder;
use crate::media::PictureRoots;
use crate::rules::{self, Flag, RuleContext, ToolLists, duplicate_task_flag};
use crate::workspace::{KeptCandidates, ReplayLog, Source};

pub use comparison::{ComparedTask, Comparison};
pub use current::{Current, CurrentPair};
pub use documents::call_text;
pub use error::CorpusError;
pub use gold::{GoldRecord, TaskRun};
pub use hit::{Hit, Hits};
pub use inspection::Inspection;
pub use listing::{ListedHit, Listing};
pub use matched_target::MatchedTarget;
pub use preparation::GoldTasks;
pub use queues::{LapsedItem, QueuedItem};
pub use refresh::{Refresh, needs_refresh, refresh};
pub use review_facts::{Remarks, ReviewFacts, label_name, opinion_name};
pub use sampling::Sample;
pub use selection::{Selected, Selection, StepHits, WantedPairs};
pub use source_build::SourceDelta;
pub use source_difference::FieldDifference;
pub use source_lookup::{picture_folders, picture_roots};
pub use source_opening::scan_limits;
pub use state::{FileState, Followed, IndexState, SourceCounts, SourceState, Warning};

use queue_members::QueueMembers;
use record_row::RecordRow;
use record_table::RecordTable;
use source_lookup::KnownRoots;

/// An opened workspace: one commit of its index, and its sources.
pub struct Corpus {
    folder: PathBuf,
    sources: Vec<Source>,
    config: Config,
    state: IndexState,
    /// By the ordinal of their source.
    tables: HashMap<u32, RecordTable>,
    reader: IndexStoreReader,
    order: OnceLock<SourceOrder>,
    /// Records that a regular expression could not be matched against, and why the first of them.
    unmatched: Mutex<(usize, String)>,
    interner: Interner,
    tool_lists: ToolLists,
    journals: Arc<RwLock<JournalFolder>>,
    queue_members: Mutex<Arc<QueueMembers>>,
    replay_log: ReplayLog,
    kept_candidates: KeptCandidates,
}

impl Corpus {
    /// What the index was built from.
    pub fn state(&self) -> &IndexState {
        &self.state
    }

    /// The first hits of a query, with snippets.
    pub fn search(
        &self,
        query: &Query,
        sort: Sort,
        offset: usize,
        limit: usize,
    ) -> Result<Hits, CorpusError> {
        let lowered = self.lower(query)?;
        let matches = self.matches(&lowered, sort, offset, limit)?;
        hit::hits(self, query, matches)
    }

    fn matches(
        &self,
        query: &LoweredQuery,
        sort: Sort,
        offset: usize,
        limit: usize,
    ) -> Result<Matches, CorpusError> {
        let order = self.source_order()?;
        Ok(self.reader.search(query, sort, order, offset, limit)?)
    }

    /// What a person sees of matches that were found otherwise (a sample).
    pub fn hits(
        &self,
        query: &Query,
        total: usize,
        first: Vec<Match>,
    ) -> Result<Hits, CorpusError> {
        hit::hits(self, query, Matches { total, first })
    }

    /// Facets and number summaries of a query. What people decided is not counted with the eyes of another
    /// ([`Corpus::other_eyes`]).
    pub fn summarize(
        &self,
        query: &Query,
        keywords: &[&str],
        numbers: &[&str],
    ) -> Result<Summary, CorpusError> {
        let is_indexed = |field: &&&str| !MEMBERSHIP_FIELDS.contains(*field);
        let indexed: Vec<&str> = keywords.iter().filter(is_indexed).copied().collect();
        let mut summary = self
            .reader
            .summarize(&self.lower(query)?, &indexed, numbers)?;
        let mut counted = std::mem::take(&mut summary.facets).into_iter();
        for field in keywords {
            let counts = match MEMBERSHIP_FIELDS.contains(field) {
                true => self.count_members(query, field)?,
                false => counted.next().unwrap_or_default(),
            };
            summary.facets.push(match self.is_hidden(field) {
                true => FacetCounts::new(),
                false => counts,
            });
        }
        Ok(summary)
    }

    /// Every match of a query with values of keyword fields, unordered.
    pub fn rows(&self, query: &Query, fields: &[&str]) -> Result<Vec<Row>, CorpusError> {
        self.check_fields(fields)?;
        let mut rows = self.reader.rows(&self.lower(query)?, fields)?;
        for (place, field) in fields.iter().enumerate() {
            if MEMBERSHIP_FIELDS.contains(field) {
                let members = self.queue_members()?;
                for row in &mut rows {
                    let part = row.found.part.as_deref();
                    if let Some(values) = row.values.get_mut(place) {
                        *values = members.values(field, row.found.record, part);
                    }
                }
            }
        }
        Ok(rows)
    }

    fn lower(&self, query: &Query) -> Result<LoweredQuery, CorpusError> {
        self.check_eyes(query)?;
        Ok(self.reader.lower(query, self, self.hidden_texts())?)
    }

    /// The order of records in their sources, for those whose rows don't tell it.
    fn source_order(&self) -> Result<&SourceOrder, CorpusError> {
        if let Some(order) = self.order.get() {
            return Ok(order);
        }
        let mut all = HashMap::new();
        for source in self.state.sources.iter().filter(|source| !source.in_order) {
            let damaged = |_| CorpusError::Damaged(self.folder.clone());
            let rows = self.all_rows(source)?;
            let mut in_order = Vec::new();
            for row in rows.rows() {
                let (number, row) = row.map_err(damaged)?;
                in_order.push((row.file, row.location, number));
            }
            in_order.sort_unstable();
            let mut places = vec![u32::MAX; rows.count() as usize];
            for (place, (_, _, number)) in (0..).zip(in_order) {
                if let Some(slot) = places.get_mut(number as usize) {
                    *slot = place;
                }
            }
            all.insert(source.ordinal, places);
        }
        Ok(self.order.get_or_init(|| SourceOrder::new(all)))
    }

    /// The picture roots of a record's source.
    pub fn roots(&self, id: &RecordId) -> PictureRoots {
        self.source_of(id)
            .map_or_else(|| PictureRoots::new(Vec::new()), picture_roots)
    }

    fn source_of(&self, id: &RecordId) -> Option<&Source> {
        self.sources
            .iter()
            .find(|source| source.name == id.source())
    }

    /// What the rules find in a record, as when it was indexed.
    pub fn flags(&self, record: &Record) -> Result<Vec<Flag>, CorpusError> {
        let Some(trajectory) = &record.content.trajectory else {
            return Ok(Vec::new());
        };
        let calls = rules::trajectory_calls(trajectory);
        let roots = self.roots(&record.id);
        let Some(source) = self.source_of(&record.id) else {
            return Ok(Vec::new());
        };
        let files = KnownRoots::of(source, &roots);
        let tools = self.tool_lists.of(trajectory);
        let mut flags = rules::check(trajectory, &RuleContext::new(&tools, &files, None, &calls));
        if let Some(first) = self.first_with_task(record)? {
            flags.push(duplicate_task_flag(&first));
        }
        Ok(flags)
    }

    /// The first record of the same source with the same task, if this is a later one.
    fn first_with_task(&self, record: &Record) -> Result<Option<RecordId>, CorpusError> {
        let Some((key, own)) = self.row_of(&record.id)? else {
            return Ok(None);
        };
        match own.duplicate_of {
            Some(row) => self.id_of(RecordKey { row, ..key }),
            None => Ok(None),
        }
    }

    fn row_of(&self, id: &RecordId) -> Result<Option<(RecordKey, RecordRow)>, CorpusError> {
        for key in self.reader.keys_of(id.as_str())? {
            let (source, row) = (self.state.by_ordinal(key.source), self.row(key)?);
            if let Some((source, row)) = source.zip(row)
                && RecordId::new(&source.name, &row.id) == *id
            {
                return Ok(Some((key, row)));
            }
        }
        Ok(None)
    }

    /// The ids of the first hits of a query, in order: what lists of ids need, no record is read.
    pub fn ids_of(
        &self,
        query: &Query,
        sort: Sort,
        limit: usize,
    ) -> Result<Vec<TargetId>, CorpusError> {
        let matches = self.matches(&self.lower(query)?, sort, 0, limit)?;
        let id = |found: Match| {
            let record = self.id_of(found.record)?;
            Ok(record.map(|record| TargetId {
                record,
                part: found.part,
            }))
        };
        matches
            .first
            .into_iter()
            .map(id)
            .filter_map(Result::transpose)
            .collect()
    }

    /// How many records a regular expression could not be matched against since the corpus was opened, and why.
    pub fn unmatched(&self) -> (usize, String) {
        self.unmatched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Bytes of the index on disk.
    pub fn index_size(&self) -> Result<u64, CorpusError> {
        Ok(IndexStore::open_or_create(&self.folder)?.size()?)
    }

    /// What a run's benchmark says of its answer; `None` for what is no run.
    pub fn outcome(&self, trajectory: &Trajectory) -> Option<Outcome> {
        preparation::outcome(trajectory, &self.gold())
    }

    /// Reference answers of all benchmark tasks.
    pub fn gold(&self) -> GoldTasks {
        GoldTasks::of(&self.state)
    }
}
