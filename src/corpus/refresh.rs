//! Bringing the index up to date: what changed since the last commit is read, the rest is left alone.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Config;
use crate::domain::Interner;
use crate::index::{IndexError, IndexStore, IndexStoreWriter, RecordKey, WriteBudget};
use crate::jobs::Progress;
use crate::journal::JournalFolder;
use crate::rules::ToolLists;
use crate::workspace::{Source, Workspace};

use super::error::CorpusError;
use super::preparation::GoldTasks;
use super::record_table::RecordTable;
use super::source_build::{BuildContext, SourceDelta, SourceNames, build, threads};
use super::source_files::{SourceChange, SourceFile, change, is_stale, list, whole};
use super::state::{Followed, IndexState, SourceState};
use super::{Corpus, review_pass};

/// What a refresh did.
#[derive(Debug, Clone, Default)]
pub struct Refresh {
    /// Sources that were read, with what changed in them.
    pub sources: Vec<(String, SourceDelta)>,
    /// Sources that are gone from the workspace.
    pub removed: Vec<String>,
    /// Sources that can't be read now, with the reason; what was known of them stays.
    pub closed: Vec<(String, String)>,
    /// How many records were looked at anew because people decided something about them.
    pub followed: usize,
    /// Why the index could not be brought up to date, so that what is shown may be old.
    pub behind: Option<String>,
}

impl Refresh {
    pub(super) fn fallen_behind(error: &CorpusError) -> Self {
        Self {
            behind: Some(crate::report::Report::from_error(error).message),
            ..Self::default()
        }
    }
}

/// Whether something is to be done, told from stamps alone.
pub fn needs_refresh(workspace: &Workspace, state: &IndexState) -> bool {
    let sources = workspace.sources();
    let gone = state
        .sources
        .iter()
        .any(|known| sources.iter().all(|s| s.name != known.name));
    let gold = GoldTasks::of(state).fingerprint();
    let outdated = |known: &SourceState| known.scored_with != 0 && known.scored_with != gold;
    gone || state.sources.iter().any(outdated)
        || sources
            .iter()
            .filter(|source| source.closed.is_none())
            .any(|source| {
                // What can't be listed can't be read either: `refresh` says why.
                list(source).map_or(true, |files| {
                    is_stale(source, state.source(&source.name), &files)
                })
            })
}

/// Reads what changed; `rebuild` reads everything as if for the first time.
///
/// Commits after each source of some size, so that a cancelled run keeps what it has done.
pub fn refresh(
    workspace: &Workspace,
    config: &Config,
    progress: &Progress,
    rebuild: bool,
    wait: bool,
) -> Result<Refresh, CorpusError> {
    let journals = JournalFolder::open(&workspace.journal_folder(), progress)?;
    let journals = Arc::new(RwLock::new(journals));
    let scope = Scope::of(rebuild);
    refresh_with(workspace, config, &journals, progress, scope, wait)
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything, as if for the first time.
    Rebuild,
    /// Sources and journals.
    Everything,
    /// Journals alone: somebody has just committed to one.
    Journals,
}

impl Scope {
    fn of(rebuild: bool) -> Self {
        match rebuild {
            true => Self::Rebuild,
            false => Self::Everything,
        }
    }
}

/// The same with journals that are read already.
pub(super) fn refresh_with(
    workspace: &Workspace,
    config: &Config,
    journals: &Arc<RwLock<JournalFolder>>,
    progress: &Progress,
    scope: Scope,
    wait: bool,
) -> Result<Refresh, CorpusError> {
    let folder = workspace.index_folder();
    std::fs::create_dir_all(&folder).map_err(CorpusError::write(&folder))?;
    let _lock = lock(&folder, wait, progress)?;
    let store = readable_store(&folder)?;
    // A state whose tables are gone or damaged is as good as none: everything is read again.
    let note = store.committed_note()?;
    let known = IndexState::load(&folder, note.as_deref()).filter(|state| {
        let readable = |table| RecordTable::open(&folder.join(table)).is_ok();
        state.sources.iter().all(|source| readable(&source.table))
    });
    let known = known.filter(|_| scope != Scope::Rebuild);
    let fresh = known.is_none();
    let mut state = known.unwrap_or_else(|| {
        // Generations go on: files of the last commit stay as they are until the next one.
        let last = note.and_then(|note| note.parse().ok()).unwrap_or(0);
        IndexState::after(last)
    });
    let is_small_change = scope == Scope::Journals && !fresh;
    let mut writer = store.writer(WriteBudget {
        // Each thread leaves a segment.
        threads: if is_small_change { 1 } else { threads(config) },
        memory_bytes: config.index.memory_mb.saturating_mul(1_000_000),
        is_small_change,
    })?;
    if fresh {
        writer.clear()?;
    }
    let followed = {
        let journals = journals.read().unwrap_or_else(PoisonError::into_inner);
        Followed::now(config, &journals, &workspace.replay_log())
    };
    // What was followed once and is gone now has left its marks in documents that are not made anew.
    let is_untouched = fresh || state.followed.as_ref().is_some_and(Followed::is_nothing);
    let mut session = Session {
        unreviewed: Some(followed.clone()).filter(|now| is_untouched && now.is_nothing()),
        followed,
        folder: &folder,
        workspace,
        config,
        progress,
        writer: &mut writer,
        interner: Interner::default(),
        tool_lists: ToolLists::default(),
        done: Refresh::default(),
    };
    let looked = match scope {
        Scope::Journals if !fresh => Ok(()),
        _ => session.run(&mut state, fresh),
    };
    let result = looked.and_then(|()| session.follow(&mut state, journals));
    let done = session.done;
    match result {
        Ok(()) => {
            writer.finish(|| progress.check().is_err())?;
            state.remove_old(&folder);
            Ok(done)
        }
        Err(error) => {
            writer.rollback()?;
            Err(error)
        }
    }
}

/// A damaged index is as good as none: all that it holds comes from the sources.
fn readable_store(folder: &Path) -> Result<IndexStore, IndexError> {
    let open = || {
        let store = IndexStore::open_or_create(folder)?;
        store.reader().map(|_| store)
    };
    match open() {
        Err(IndexError::Tantivy { .. }) => {
            IndexStore::remove(folder)?;
            open()
        }
        opened => opened,
    }
}

/// One process builds at a time; the lock goes with the file handle, whatever happens to the process.
fn lock(folder: &Path, wait: bool, progress: &Progress) -> Result<File, CorpusError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(CorpusError::write(&path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(CorpusError::write(&path)(error));
            }
            Err(std::fs::TryLockError::WouldBlock) if !wait => return Err(CorpusError::Busy),
            // Waiting must end when somebody asks for it, so the system's own wait will not do.
            Err(std::fs::TryLockError::WouldBlock) => progress.check()?,
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

struct Session<'a, 'w> {
    /// How far the journals are read.
    followed: Followed,
    /// The same if they hold nothing: then nothing has to be followed after a build.
    unreviewed: Option<Followed>,
    folder: &'a Path,
    workspace: &'a Workspace,
    config: &'a Config,
    progress: &'a Progress,
    writer: &'a mut IndexStoreWriter<'w>,
    interner: Interner,
    tool_lists: ToolLists,
    done: Refresh,
}

/// Sources are committed together until this many bytes were read.
const COMMIT_BYTES: u64 = 64 << 20;

impl Session<'_, '_> {
    fn run(&mut self, state: &mut IndexState, fresh: bool) -> Result<(), CorpusError> {
        let mut dirty = fresh;
        let sources = self.workspace.sources();
        dirty |= self.remove_gone(state, &sources)?;
        let mut since_commit = 0;
        for source in &sources {
            if self.bring(source, state, false)? {
                state.followed.clone_from(&self.unreviewed);
                dirty = true;
                since_commit += state.source(&source.name).map_or(0, |s| s.counts.bytes);
            }
            if since_commit > COMMIT_BYTES {
                since_commit = 0;
                dirty = false;
                self.commit(state)?;
            }
        }
        // Runs scored before their tasks were known, or with other reference answers.
        let fingerprint = GoldTasks::of(state).fingerprint();
        let outdated: Vec<Source> = sources
            .into_iter()
            .filter(|source| {
                state
                    .source(&source.name)
                    .is_some_and(|s| s.scored_with != 0 && s.scored_with != fingerprint)
            })
            .collect();
        for source in &outdated {
            if self.bring(source, state, true)? {
                state.followed.clone_from(&self.unreviewed);
                dirty = true;
            }
        }
        if dirty {
            self.commit(state)?;
        }
        Ok(())
    }

    fn remove_gone(
        &mut self,
        state: &mut IndexState,
        sources: &[Source],
    ) -> Result<bool, CorpusError> {
        let gone: Vec<SourceState> = state
            .sources
            .extract_if(.., |known| {
                sources.iter().all(|source| source.name != known.name)
            })
            .collect();
        for source in &gone {
            let path = self.folder.join(&source.table);
            let damaged = |_| CorpusError::Damaged(path.clone());
            let table = RecordTable::open(&path).and_then(|table| table.load());
            for row in table.map_err(damaged)?.rows() {
                let (row, _) = row.map_err(damaged)?;
                self.writer.remove(RecordKey {
                    source: source.ordinal,
                    row,
                });
            }
            self.done.removed.push(source.name.clone());
        }
        Ok(!gone.is_empty())
    }

    /// Reads a source if it changed; says whether the state did.
    fn bring(
        &mut self,
        source: &Source,
        state: &mut IndexState,
        rescore: bool,
    ) -> Result<bool, CorpusError> {
        if let Some(reason) = &source.closed {
            self.done.closed.push((source.name.clone(), reason.clone()));
            return Ok(false);
        }
        let known = state.source(&source.name);
        let looked = list(source).and_then(|files| {
            if rescore {
                Ok(SourceChange::Changed(whole(files)))
            } else {
                change(source, known, files)
            }
        });
        let plan = match looked {
            Ok(SourceChange::None) => return Ok(false),
            Ok(SourceChange::Touched(files)) => {
                touch(state, &source.name, &files);
                return Ok(true);
            }
            Ok(SourceChange::Changed(plan)) => plan,
            Err(error) => {
                let reason = crate::report::Report::from_error(&error).message;
                self.done.closed.push((source.name.clone(), reason));
                return Ok(false);
            }
        };
        let ordinal = known.map_or(state.next_ordinal, |known| known.ordinal);
        let gold = GoldTasks::of(state);
        let cache = self.workspace.cache_folder();
        let context = BuildContext {
            config: self.config,
            folder: self.folder,
            cache: &cache,
            writer: self.writer,
            interner: &self.interner,
            tool_lists: &self.tool_lists,
            gold: &gold,
            progress: self.progress,
        };
        // A source that is read twice for one commit must not read the table that it writes.
        let pass = if rescore { "-scored" } else { "" };
        let names = SourceNames {
            ordinal,
            table: &format!("records-{ordinal}-{}{pass}", state.generation + 1),
        };
        let (built, delta) = build(source, &names, known, &plan, &context)?;
        match state
            .sources
            .iter_mut()
            .find(|known| known.name == source.name)
        {
            Some(known) => *known = built,
            None => {
                state.next_ordinal += 1;
                state.sources.push(built);
            }
        }
        match self
            .done
            .sources
            .iter_mut()
            .find(|(name, _)| *name == source.name)
        {
            Some((_, known)) => known.changed += delta.changed,
            None => self.done.sources.push((source.name.clone(), delta)),
        }
        Ok(true)
    }

    /// Brings the documents of records up to date about which people decided something since.
    fn follow(
        &mut self,
        state: &mut IndexState,
        journals: &Arc<RwLock<JournalFolder>>,
    ) -> Result<(), CorpusError> {
        let corpus = Corpus::committed(self.workspace, self.config, journals)?;
        let corpus = corpus.ok_or_else(|| CorpusError::Damaged(self.folder.to_owned()))?;
        let Some(changed) = corpus.unfollowed() else {
            return Ok(());
        };
        self.done.followed = review_pass::follow(&corpus, &changed, self.writer, self.progress)?;
        state.followed = Some(self.followed.clone());
        self.commit(state)
    }

    fn commit(&mut self, state: &mut IndexState) -> Result<(), CorpusError> {
        state.generation += 1;
        state
            .save(self.folder)
            .map_err(CorpusError::write(&IndexState::path(
                self.folder,
                state.generation,
            )))?;
        self.writer.commit(&state.generation.to_string())?;
        Ok(())
    }
}

fn touch(state: &mut IndexState, name: &str, files: &[SourceFile]) {
    if let Some(source) = state.sources.iter_mut().find(|source| source.name == name) {
        for (old, new) in source.files.iter_mut().zip(files) {
            old.stamp = new.stamp;
        }
    }
}
