//! The index follows the journals and the replays: documents of records about which somebody decided something, or that
//! were replayed, are made anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Config;
use crate::domain::review::Reference;
use crate::domain::{Record, TargetId};
use crate::index::{IndexStoreWriter, RecordKey};
use crate::jobs::Progress;
use crate::journal::JournalFolder;
use crate::rules::duplicate_task_flag;
use crate::workspace::{ReplayLog, ReplayVerdicts, Workspace, replayed_hash};

use super::documents::{DocumentContext, record_documents};
use super::preparation::{self, Findings, GoldTasks, Workbench};
use super::refresh::{Scope, refresh_with};
use super::source_lookup::KnownRoots;
use super::state::Followed;
use super::{Corpus, CorpusError, Current};

impl Followed {
    /// How far the journals are read now, and by whom.
    pub(super) fn now(config: &Config, journals: &JournalFolder, replays: &ReplayLog) -> Self {
        Self {
            annotator: config.review.annotator.clone(),
            blind: config.review.blind,
            heads: journals.heads(),
            replays: replays.head(),
        }
    }

    /// Whether nobody has decided or replayed anything.
    pub(super) fn is_nothing(&self) -> bool {
        self.replays.length == 0 && self.heads.iter().all(|head| head.read == 0)
    }
}

impl Corpus {
    /// Lets the index follow what was committed to journals since, and shows the new commit; sources are not looked at.
    /// Returns how many records were made anew.
    ///
    /// On an error searches are behind; what is shown of a record has what was committed nevertheless.
    pub fn follow(
        &mut self,
        workspace: &Workspace,
        progress: &Progress,
        wait: bool,
    ) -> Result<usize, CorpusError> {
        let (followed, corpus) = self.followed(workspace, progress, wait)?;
        if let Some(corpus) = corpus {
            *self = corpus;
        }
        Ok(followed)
    }

    /// [`Corpus::follow`] for a corpus that others look at meanwhile: how many records were made anew, and the corpus that
    /// shows them, if any were.
    pub fn followed(
        &self,
        workspace: &Workspace,
        progress: &Progress,
        wait: bool,
    ) -> Result<(usize, Option<Self>), CorpusError> {
        self.journals_mut().refresh()?;
        if self.unfollowed().is_none() {
            return Ok((0, None));
        }
        let journals = Arc::clone(&self.journals);
        let scope = Scope::Journals;
        let done = refresh_with(workspace, &self.config, &journals, progress, scope, wait)?;
        let corpus = Self::committed(workspace, &self.config, &journals)?;
        Ok((done.followed, corpus))
    }

    /// What is to be followed: the references whose reviews may differ from what the index says; `None` if it says all.
    pub(super) fn unfollowed(&self) -> Option<Vec<Arc<Reference>>> {
        let journals = self.journals();
        let now = Followed::now(&self.config, &journals, &self.replay_log);
        let everything = || {
            let reviewed = journals.reviews().all_touched();
            reviewed.into_iter().chain(self.replayed_since(0)).collect()
        };
        let Some(then) = &self.state.followed else {
            return Some(everything());
        };
        if *then == now || (then.is_nothing() && now.is_nothing()) {
            return None;
        }
        let same_eyes = then.annotator == now.annotator && then.blind == now.blind;
        let same_log = !self.has_other_replays();
        let changed = journals.changed_since(&then.heads);
        let Some(mut changed) = changed.filter(|_| same_eyes && same_log) else {
            return Some(everything());
        };
        if now.replays != then.replays {
            changed.extend(self.replayed_since(then.replays.length));
        }
        // What is in queues is not in the index.
        (!changed.is_empty()).then_some(changed)
    }

    /// Whether the index may have verdicts of replays whose log is gone.
    fn has_other_replays(&self) -> bool {
        let followed = self.state.followed.as_ref();
        followed.is_none_or(|followed| !self.replay_log.goes_on_from(&followed.replays))
    }

    /// The records that were replayed since the log had this length. A log that can't be read says nothing.
    fn replayed_since(&self, length: u64) -> Vec<Arc<Reference>> {
        let replayed = self.replay_log.verdicts(length).unwrap_or_default();
        let reference = |verdicts: ReplayVerdicts| {
            let hash = verdicts.record.parse().ok()?;
            let id = TargetId::parse(&verdicts.id);
            Some(Arc::new(Reference { id, hash }))
        };
        replayed.into_values().filter_map(reference).collect()
    }

    /// What tools, rules and scorers find in a record as it is now.
    pub(super) fn findings(
        &self,
        record: &Record,
        current: &Current,
        gold: &GoldTasks,
    ) -> Result<Findings, CorpusError> {
        let Some(source) = self.source_of(&record.id) else {
            return Ok(Findings::default());
        };
        let roots = self.roots(&record.id);
        let bench = Workbench {
            interner: &self.interner,
            tool_lists: &self.tool_lists,
            files: &KnownRoots::of(source, &roots),
            gold,
        };
        let mut findings = preparation::findings(&current.content, &bench);
        if let Some(first) = self.first_with_task(record)? {
            findings.flags.push(duplicate_task_flag(&first));
        }
        Ok(findings)
    }
}

/// Makes the documents of these records anew; returns how many records that were.
pub fn follow(
    corpus: &Corpus,
    references: &[Arc<Reference>],
    writer: &IndexStoreWriter<'_>,
    progress: &Progress,
) -> Result<usize, CorpusError> {
    let mut keys: BTreeSet<RecordKey> = BTreeSet::new();
    for reference in references {
        progress.check()?;
        // By hash, and by id: names differ between machines, and a record that changed keeps its id.
        keys.extend(corpus.reader.keys_of(&reference.hash.to_string())?);
        keys.extend(corpus.reader.keys_of(reference.id.record.as_str())?);
    }
    if corpus.has_other_replays() {
        keys.extend(corpus.reader.keys_with("replay")?);
    }
    let gold = corpus.gold();
    // Without a log nothing was replayed.
    let replayed = corpus.replay_log.verdicts(0).unwrap_or_default();
    let mut done = 0;
    for key in keys {
        progress.check()?;
        // What can't be read now stays as it was; it is read again when its source is.
        let Ok(record) = corpus.record(key) else {
            continue;
        };
        let current = corpus.current(&record);
        let findings = corpus.findings(&record, &current, &gold)?;
        let target = TargetId {
            record: record.id.clone(),
            part: None,
        };
        let replays = replayed.get(&record.hash.to_string()).filter(|replayed| {
            // What was edited since has not been replayed.
            let trajectory = current.content.trajectory.as_ref();
            trajectory.is_some_and(|trajectory| replayed_hash(trajectory) == replayed.hash)
        });
        let context = DocumentContext {
            source: record.id.source(),
            target: &target,
            key,
            hash: &record.hash,
            tools: &findings.tools,
            flags: &findings.flags,
            outcome: findings.outcome,
            review: &current.facts(),
            replays: replays.map_or(&[], |replayed| replayed.verdicts.as_slice()),
        };
        let pairs: Vec<_> = current.pairs.iter().map(|pair| pair.facts()).collect();
        let tools = &findings.pair_tools;
        writer.remove(key);
        writer.add(record_documents(
            writer,
            &current.content,
            tools,
            &pairs,
            &context,
        ))?;
        done += 1;
    }
    Ok(done)
}
