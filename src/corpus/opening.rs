//! Opening a workspace: its last commit, or the one that brings it up to date.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::config::Config;
use crate::domain::Interner;
use crate::index::{IndexError, IndexStore};
use crate::jobs::Progress;
use crate::journal::JournalFolder;
use crate::rules::ToolLists;
use crate::workspace::Workspace;

use super::record_table::RecordTable;
use super::refresh::{Scope, refresh_with};
use super::state::{IndexState, SourceState};
use super::{Corpus, CorpusError, Refresh, needs_refresh};

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
        let is_fresh = |corpus: &Self| {
            !needs_refresh(workspace, &corpus.state) && corpus.unfollowed().is_none()
        };
        let known = match known {
            Some(corpus) if is_fresh(&corpus) => return Ok((corpus, Refresh::default())),
            known => known,
        };
        let refreshed = refresh_with(
            workspace,
            config,
            &journals,
            progress,
            Scope::Everything,
            wait,
        );
        match (refreshed, known) {
            (Ok(done), _) => Self::after(workspace, config, &journals, done),
            (Err(CorpusError::Busy), Some(corpus)) => {
                Ok((corpus, Refresh::fallen_behind(&CorpusError::Busy)))
            }
            // A workspace that can't be written is still read.
            (Err(error @ CorpusError::File { .. }), Some(corpus)) if error.is_within(&folder) => {
                Ok((corpus, Refresh::fallen_behind(&error)))
            }
            (Err(error), _) => Err(error),
        }
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

    pub(super) fn committed(
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
}
