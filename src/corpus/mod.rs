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
mod pipeline;
mod positioned_file;
pub mod preparation;
mod queue_members;
mod queues;
mod record_ids;
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
mod texts;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::config::Config;
use crate::domain::{Interner, Outcome, Record, RecordId, TargetId, Trajectory};
use crate::index::query::Query;
use crate::index::{
    FacetCounts, IndexError, IndexStore, IndexStoreReader, LoweredQuery, MEMBERSHIP_FIELDS, Match,
    Matches, RecordKey, Row, Sort, SourceOrder, Summary,
};
use crate::ingest::container::{ContainerFile, FoundRecord, read_at};
use crate::ingest::{Format, format_named};
use crate::jobs::Progress;
use crate::journal::JournalFolder;
use crate::media::PictureRoots;
use crate::rules::{self, Flag, RuleContext, ToolLists, duplicate_task_flag};
use crate::workspace::{KeptCandidates, ReplayLog, Source, Workspace};

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
use record_table::{LoadedTable, RecordTable};
use refresh::{Scope, refresh_with};
use source_lookup::KnownRoots;

/// What stands beside the index's commit with this note; `None` where a part of it is gone or damaged, which is as good as
/// nothing: everything is read again.
fn known_of(folder: &Path, note: Option<&str>) -> Option<(IndexState, HashMap<u32, RecordTable>)> {
    let state = IndexState::load(folder, note)?;
    let open = |source: &SourceState| {
        let table = RecordTable::open(&folder.join(&source.table)).ok()?;
        Some((source.ordinal, table))
    };
    let tables = state.sources.iter().map(open).collect::<Option<_>>()?;
    Some((state, tables))
}

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
    /// Opens a workspace and brings a stale index up to date first.
    ///
    /// While another process is at it, `wait` decides: wait for it, or show its last commit. That, and an index that
    /// can't be written, is said in [`Refresh::behind`](field@Refresh::behind).
    pub fn open(
        workspace: &Workspace,
        config: &Config,
        progress: &Progress,
        wait: bool,
    ) -> Result<(Self, Refresh), CorpusError> {
        let folder = workspace.index_folder();
        let journals = JournalFolder::open(&workspace.journal_folder(), progress)?;
        let journals = Arc::new(RwLock::new(journals));
        let known = match Self::committed(workspace, config, &journals) {
            // It is made anew below.
            Err(CorpusError::Index(IndexError::Tantivy { .. })) => None,
            known => known?,
        };
        if let Some(corpus) = known {
            if !needs_refresh(workspace, &corpus.state) && corpus.unfollowed().is_none() {
                return Ok((corpus, Refresh::default()));
            }
            match refresh_with(
                workspace,
                config,
                &journals,
                progress,
                Scope::Everything,
                wait,
            ) {
                Ok(done) => return Self::after(workspace, config, &journals, done),
                Err(CorpusError::Busy) => {
                    return Ok((corpus, Refresh::fallen_behind(&CorpusError::Busy)));
                }
                // A workspace that can't be written is still read.
                Err(error @ CorpusError::File { .. }) if error.is_within(&folder) => {
                    return Ok((corpus, Refresh::fallen_behind(&error)));
                }
                Err(error) => return Err(error),
            }
        }
        let done = refresh_with(
            workspace,
            config,
            &journals,
            progress,
            Scope::Everything,
            wait,
        )?;
        Self::after(workspace, config, &journals, done)
    }

    fn after(
        workspace: &Workspace,
        config: &Config,
        journals: &Arc<RwLock<JournalFolder>>,
        done: Refresh,
    ) -> Result<(Self, Refresh), CorpusError> {
        match Self::committed(workspace, config, journals)? {
            Some(corpus) => Ok((corpus, done)),
            None => Err(CorpusError::Damaged(workspace.index_folder())),
        }
    }

    fn committed(
        workspace: &Workspace,
        config: &Config,
        journals: &Arc<RwLock<JournalFolder>>,
    ) -> Result<Option<Self>, CorpusError> {
        let folder = workspace.index_folder();
        if !IndexStore::exists(&folder) {
            return Ok(None);
        }
        let mut seen = None;
        let (reader, state, tables) = loop {
            let reader = IndexStore::open_or_create(&folder)?.reader()?;
            if let Some((state, tables)) = known_of(&folder, reader.note.as_deref()) {
                break (reader, state, tables);
            }
            // Another process may just have made the next commit, and removed what this one stands on.
            if seen.as_ref() == Some(&reader.note) {
                return Ok(None);
            }
            seen = Some(reader.note);
        };
        Ok(Some(Self {
            folder,
            sources: workspace.sources(),
            config: config.clone(),
            state,
            tables,
            reader,
            order: OnceLock::new(),
            unmatched: Mutex::default(),
            interner: Interner::default(),
            tool_lists: ToolLists::default(),
            journals: Arc::clone(journals),
            queue_members: Mutex::default(),
            replay_log: workspace.replay_log(),
            kept_candidates: workspace.kept_candidates(),
        }))
    }

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

    /// The record that an id or a content hash names; what people typed may be a pair's id, too.
    pub fn find(&self, id: &TargetId) -> Result<Record, CorpusError> {
        self.record(self.key_of(id)?)
    }

    /// Where the record is that an id or a content hash names.
    pub fn key_of(&self, id: &TargetId) -> Result<RecordKey, CorpusError> {
        for key in self.reader.keys_of(&id.record.to_string())? {
            let Some(row) = self.row(key)? else { continue };
            let Some(source) = self.state.by_ordinal(key.source) else {
                continue;
            };
            let found = RecordId::new(&source.name, &row.id);
            if found == id.record || row.hash.to_string() == id.record.as_str() {
                return Ok(key);
            }
        }
        Err(CorpusError::NoRecord(id.to_string()))
    }

    /// The record that a hit points at.
    pub fn record(&self, key: RecordKey) -> Result<Record, CorpusError> {
        let gone = || CorpusError::NoRecord(format!("{}.{}", key.source, key.row));
        let source = self.state.by_ordinal(key.source).ok_or_else(gone)?;
        let row = self.row(key)?.ok_or_else(gone)?;
        self.record_in(source, row)
    }

    fn row(&self, key: RecordKey) -> Result<Option<RecordRow>, CorpusError> {
        let Some(table) = self.tables.get(&key.source) else {
            return Ok(None);
        };
        table
            .row(key.row)
            .map_err(|_| CorpusError::Damaged(self.folder.clone()))
    }

    fn all_rows(&self, source: &SourceState) -> Result<LoadedTable, CorpusError> {
        let Some(table) = self.tables.get(&source.ordinal) else {
            return Ok(LoadedTable::default());
        };
        let damaged = |_| CorpusError::Damaged(self.folder.clone());
        table.load().map_err(damaged)
    }

    /// All ids of a source by row.
    fn ids(&self, source: &SourceState) -> Result<HashMap<u32, RecordId>, CorpusError> {
        let damaged = |_| CorpusError::Damaged(self.folder.clone());
        let rows = self.all_rows(source)?;
        let id = |row: Result<(u32, RecordRow), _>| {
            let (number, row) = row.map_err(damaged)?;
            Ok((number, RecordId::new(&source.name, &row.id)))
        };
        rows.rows().map(id).collect()
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

    fn record_in(&self, source: &SourceState, row: RecordRow) -> Result<Record, CorpusError> {
        let id = RecordId::new(&source.name, &row.id);
        let (found, format, file) = self.locate(source, &row, &id)?;
        let unreadable = |reason: String| unreadable(&id, reason);
        let (hash, content) = preparation::read(&found, format, &file.relative, &self.interner)
            .map_err(unreadable)?;
        if hash != row.hash {
            return Err(unreadable(format!(
                "{} has changed since it was indexed; run `retake index`",
                file.plain.display()
            )));
        }
        Ok(Record {
            raw: String::from_utf8_lossy(&found.bytes).into(),
            key: found.key,
            id,
            hash,
            content,
        })
    }

    /// A record as it is now, its text not checked against its hash: for lists, where a glance must be cheap.
    fn glance(&self, key: RecordKey) -> Result<(RecordId, Current), CorpusError> {
        let gone = || CorpusError::NoRecord(format!("{}.{}", key.source, key.row));
        let source = self.state.by_ordinal(key.source).ok_or_else(gone)?;
        let row = self.row(key)?.ok_or_else(gone)?;
        let id = RecordId::new(&source.name, &row.id);
        let (found, format, file) = self.locate(source, &row, &id)?;
        let content = preparation::read_content(&found, format, &file.relative, &self.interner)
            .map_err(|reason| unreadable(&id, reason))?;
        let current = self.current_content(&id, &row.hash, content);
        Ok((id, current))
    }

    /// The bytes of a record with its format and file.
    fn locate<'s>(
        &self,
        source: &'s SourceState,
        row: &RecordRow,
        id: &RecordId,
    ) -> Result<(FoundRecord, &'static Format, &'s FileState), CorpusError> {
        if let Some(reason) = self.source_of(id).and_then(|s| s.closed.as_deref()) {
            return Err(unreadable(id, reason.to_owned()));
        }
        let file = source
            .files
            .get(row.file as usize)
            .ok_or_else(|| unreadable(id, "its file is not listed".to_owned()))?;
        let format = format_named(&file.format)
            .ok_or_else(|| unreadable(id, format!("its format `{}` is unknown", file.format)))?;
        let container = ContainerFile {
            path: file.plain.clone(),
            kind: file.kind,
        };
        let found = FoundRecord {
            number: 0,
            location: row.location,
            bytes: read_at(&container, row.location, &scan_limits(&self.config))?,
            key: row.key.clone(),
        };
        Ok((found, format, file))
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

fn unreadable(id: &RecordId, reason: String) -> CorpusError {
    CorpusError::Unreadable {
        id: id.to_string(),
        reason,
    }
}
