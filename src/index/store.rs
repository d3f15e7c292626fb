use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use tantivy::index::SegmentId;
use tantivy::indexer::{MergePolicy, NoMergePolicy, UserOperation};
use tantivy::{
    Executor, Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, SegmentMeta, Term,
};

use super::backlog::{Backlog, WaitingDocument};
use super::document::{DocumentKind, IndexDocument, RecordKey};
use super::index_directory::IndexDirectory;
use super::schema::{Fields, SCHEMA_VERSION, register_tokenizers, schema};
use super::segment_merging::{groups_of_build, policy};

/// Why the index could not do something.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Tantivy says no.
    #[error("the search index in {path} failed")]
    Tantivy {
        /// The index folder.
        path: PathBuf,
        /// What it said.
        #[source]
        source: tantivy::TantivyError,
    },
    /// The folder can't be made or read.
    #[error("{path} can't be used for the search index")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A regular expression that can't be compiled.
    #[error("{0}")]
    Regex(String),
    /// Reading a text for a regular expression failed.
    #[error("{0}")]
    Text(String),
}

/// The index on disk: one tantivy folder per schema version.
#[derive(Debug)]
pub struct IndexStore {
    folder: PathBuf,
    index: Index,
    fields: Fields,
}

/// How many bytes and threads a build may take.
#[derive(Debug, Clone, Copy)]
pub struct WriteBudget {
    /// Threads that invert documents.
    pub threads: usize,
    /// Bytes of memory of all these threads together.
    pub memory_bytes: usize,
    /// Whether somebody waits for few documents: then the many that lie together already are not merged with them.
    pub is_small_change: bool,
}

/// How often a wait looks whether it is to end.
const LOOK_UP: Duration = Duration::from_millis(50);

/// A merge that was begun.
type Merge = tantivy::FutureResult<Option<SegmentMeta>>;

impl IndexStore {
    /// Opens the index below `folder`, or makes an empty one; an index of another schema version is put aside by its
    /// name and removed.
    pub fn open_or_create(folder: &Path) -> Result<Self, IndexError> {
        let path = folder.join(format!("tantivy-{SCHEMA_VERSION}"));
        let fail = |source| IndexError::Folder {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(&path).map_err(fail)?;
        let (schema, fields) = schema();
        let open = || -> tantivy::Result<Index> {
            let mut index = Index::open_or_create(IndexDirectory::open(&path)?, schema)?;
            index.set_executor(search_threads());
            register_tokenizers(&index);
            Ok(index)
        };
        let index = open().map_err(|source| IndexError::Tantivy {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            folder: path,
            index,
            fields,
        })
    }

    /// Whether an index of this schema version is there.
    pub fn exists(folder: &Path) -> bool {
        folder
            .join(format!("tantivy-{SCHEMA_VERSION}"))
            .join("meta.json")
            .is_file()
    }

    /// Removes the index of this schema version, a damaged one too.
    pub fn remove(folder: &Path) -> Result<(), IndexError> {
        let path = folder.join(format!("tantivy-{SCHEMA_VERSION}"));
        std::fs::remove_dir_all(&path).map_err(|source| IndexError::Folder { path, source })
    }

    fn error(&self, source: tantivy::TantivyError) -> IndexError {
        IndexError::Tantivy {
            path: self.folder.clone(),
            source,
        }
    }

    /// The note that the last commit left.
    pub fn committed_note(&self) -> Result<Option<String>, IndexError> {
        Ok(self.index.load_metas().map_err(|e| self.error(e))?.payload)
    }

    /// A writer; only one can be open at a time, in all processes.
    pub fn writer(&self, budget: WriteBudget) -> Result<IndexStoreWriter<'_>, IndexError> {
        let threads = budget.threads.clamp(1, 8);
        // Tantivy wants 15 MB for each thread.
        let memory = budget.memory_bytes.max(threads * 16_000_000);
        let writer = self
            .index
            .writer_with_num_threads(threads, memory)
            .map_err(|e| self.error(e))?;
        let mut known = None;
        if budget.is_small_change {
            writer.set_merge_policy(Box::new(policy(true)));
        } else {
            writer.set_merge_policy(Box::new(NoMergePolicy));
            let metas = self.index.searchable_segment_ids();
            known = Some(metas.map_err(|e| self.error(e))?.into_iter().collect());
        }
        // A writer that was killed in a commit leaves files under the names that the next one takes, which it can't.
        writer
            .garbage_collect_files()
            .wait()
            .map_err(|e| self.error(e))?;
        Ok(IndexStoreWriter {
            store: self,
            writer,
            backlog: Backlog::default(),
            known,
        })
    }

    /// A reader of the last commit, with the note that this very commit left.
    pub fn reader(&self) -> Result<IndexStoreReader, IndexError> {
        let fail = |e| self.error(e);
        let reader: IndexReader = self
            .index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(fail)?;
        // A commit between the two looks would pair a note with another commit's documents.
        for _ in 0..8 {
            let before = self.index.load_metas().map_err(fail)?;
            reader.reload().map_err(fail)?;
            let after = self.index.load_metas().map_err(fail)?;
            if before.opstamp == after.opstamp {
                return Ok(IndexStoreReader {
                    folder: self.folder.clone(),
                    searcher: reader.searcher(),
                    fields: self.fields.clone(),
                    note: after.payload,
                });
            }
        }
        Err(fail(tantivy::TantivyError::SystemError(
            "the index is being written too fast to be read".to_owned(),
        )))
    }

    /// Bytes on disk.
    pub fn size(&self) -> Result<u64, IndexError> {
        let fail = |source| IndexError::Folder {
            path: self.folder.clone(),
            source,
        };
        let mut sum = 0;
        for entry in std::fs::read_dir(&self.folder).map_err(fail)? {
            sum += entry.and_then(|e| e.metadata()).map_err(fail)?.len();
        }
        Ok(sum)
    }
}

/// The threads that search segments side by side: one pool for all indexes of the process.
fn search_threads() -> Executor {
    static THREADS: OnceLock<Executor> = OnceLock::new();
    let started = || {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = (threads > 1).then(|| Executor::multi_thread(threads, "search-"));
        // Where the system gives no threads, one searches as well.
        pool.and_then(Result::ok)
            .unwrap_or_else(Executor::single_thread)
    };
    THREADS.get_or_init(started).clone()
}

/// Adds and removes documents until [`IndexStoreWriter::commit`].
pub struct IndexStoreWriter<'a> {
    store: &'a IndexStore,
    writer: IndexWriter<WaitingDocument>,
    backlog: Backlog,
    /// The segments that were there before a build; `None` where the change is small.
    known: Option<HashSet<SegmentId>>,
}

impl IndexStoreWriter<'_> {
    /// An empty document of a kind.
    pub fn document(&self, kind: DocumentKind) -> IndexDocument<'_> {
        IndexDocument::new(&self.store.fields, kind)
    }

    /// Adds all documents of one record at once, so that they lie together in one segment.
    pub fn add(&self, documents: Vec<IndexDocument<'_>>) -> Result<(), IndexError> {
        let documents = documents
            .into_iter()
            .map(IndexDocument::into_inner)
            .collect();
        let admitted = self.backlog.admit(documents);
        let operations = admitted.into_iter().map(UserOperation::Add);
        self.writer
            .run(operations)
            .map(|_| ())
            .map_err(|e| self.store.error(e))
    }

    /// Removes all documents of a record that were added before.
    pub fn remove(&self, key: RecordKey) {
        self.writer.delete_term(Term::from_field_u64(
            self.store.fields.record,
            key.to_number(),
        ));
    }

    /// Removes every document.
    pub fn clear(&self) -> Result<(), IndexError> {
        self.writer
            .delete_all_documents()
            .map(|_| ())
            .map_err(|e| self.store.error(e))
    }

    /// Makes all changes since the last commit visible, with a note that readers of this commit see.
    pub fn commit(&mut self, note: &str) -> Result<(), IndexError> {
        let mut prepared = self
            .writer
            .prepare_commit()
            .map_err(|e| self.store.error(e))?;
        prepared.set_payload(note);
        prepared
            .commit()
            .map(|_| ())
            .map_err(|e| self.store.error(e))
    }

    /// Merges what a build has left, and lets running merges end. It stops early when asked to: what was committed stays,
    /// in more segments.
    pub fn finish(mut self, is_to_stop: impl Fn() -> bool) -> Result<(), IndexError> {
        let store = self.store;
        if let Some(known) = self.known.take() {
            let merges = self.merge_built(&known).map_err(|e| store.error(e))?;
            let (send_over, over) = std::sync::mpsc::channel::<()>();
            let wait = move || {
                // A merge that failed leaves the segments as they are.
                merges.into_iter().for_each(|merge| drop(merge.wait()));
                drop(send_over);
            };
            // Where the system gives no thread, the wait below is as good, but for being stopped.
            drop(std::thread::Builder::new().spawn(wait));
            while over.recv_timeout(LOOK_UP) == Err(RecvTimeoutError::Timeout) {
                if is_to_stop() {
                    return Ok(());
                }
            }
        }
        self.writer
            .wait_merging_threads()
            .map_err(|e| store.error(e))
    }

    /// Begins the merges after a build.
    fn merge_built(&mut self, known: &HashSet<SegmentId>) -> tantivy::Result<Vec<Merge>> {
        let metas = self.store.index.searchable_segment_metas()?;
        let built = metas.iter().filter(|meta| !known.contains(&meta.id()));
        let mut groups = groups_of_build(&built.cloned().collect::<Vec<_>>());
        let policy = policy(false);
        if groups.is_empty() {
            let candidates = policy.compute_merge_candidates(&metas);
            groups.extend(candidates.into_iter().map(|candidate| candidate.0));
        }
        // When one of these merges is over, tantivy asks the policy about all that is there then.
        self.writer.set_merge_policy(Box::new(policy));
        let begin = |group: Vec<SegmentId>| self.writer.merge(&group);
        Ok(groups.into_iter().map(begin).collect())
    }

    /// Drops all changes since the last commit.
    pub fn rollback(&mut self) -> Result<(), IndexError> {
        self.writer
            .rollback()
            .map(|_| ())
            .map_err(|e| self.store.error(e))
    }
}

/// One commit, to be searched.
pub struct IndexStoreReader {
    folder: PathBuf,
    pub(super) searcher: Searcher,
    pub(super) fields: Fields,
    /// The note of the commit.
    pub note: Option<String>,
}

impl IndexStoreReader {
    pub(super) fn error(&self, source: tantivy::TantivyError) -> IndexError {
        IndexError::Tantivy {
            path: self.folder.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ContentHash;

    const BUDGET: WriteBudget = WriteBudget {
        threads: 1,
        memory_bytes: 16_000_000,
        is_small_change: true,
    };

    fn key(row: u32) -> RecordKey {
        RecordKey { source: 1, row }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("retake-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        folder
    }

    fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let name = entry.file_name();
            if wanted(name.to_str().unwrap()) {
                std::fs::copy(entry.path(), to.join(name)).unwrap();
            }
        }
    }

    fn remove_first(store: &IndexStore) {
        let mut writer = store.writer(BUDGET).unwrap();
        writer.remove(key(1));
        writer.commit("second").unwrap();
        writer.finish(|| false).unwrap();
    }

    #[test]
    fn a_writer_that_was_killed_in_a_commit_is_followed_by_one_that_commits() {
        let [whole, killed] = ["store-whole", "store-killed"].map(folder);
        let store = IndexStore::open_or_create(&whole).unwrap();
        let mut writer = store.writer(BUDGET).unwrap();
        for row in [1, 2] {
            let mut document = writer.document(DocumentKind::Trajectory);
            document.identify(key(row), &format!("a/{row}"), &ContentHash([row as u8; 32]));
            writer.add(vec![document]).unwrap();
        }
        writer.commit("first").unwrap();
        writer.finish(|| false).unwrap();
        let place = |folder: &Path| folder.join(format!("tantivy-{SCHEMA_VERSION}"));
        copy(&place(&whole), &place(&killed), |_| true);

        remove_first(&store);
        // What a kill before the commit's last step leaves: its files, and the list of files, but not `meta.json`.
        let is_left = |name: &str| name.ends_with(".del") || name == ".managed.json";
        copy(&place(&whole), &place(&killed), is_left);
        let left = std::fs::read_dir(place(&killed)).unwrap();
        let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert!(
            names
                .iter()
                .any(|name| name.to_str().unwrap().ends_with(".del")),
            "{names:?}"
        );

        let store = IndexStore::open_or_create(&killed).unwrap();
        remove_first(&store);
        let reader = store.reader().unwrap();
        assert_eq!(reader.keys_of("a/1").unwrap(), []);
        assert_eq!(reader.keys_of("a/2").unwrap(), [key(2)]);
        for folder in [whole, killed] {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}
