//! One source into the index: ids in file order, unchanged records left alone, changed ones replaced, gone ones removed.
//!
//! Whatever is kept from an earlier build, the outcome is that of reading everything: records of files that did not
//! change pass by in their place, and one whose id or twin would be another now is read again.

use std::collections::HashMap;
use std::path::Path;

use crate::config::Config;
use crate::domain::{Interner, RecordId, TargetId};
use crate::index::{IndexStoreWriter, RecordKey};
use crate::ingest::container::{FoundRecord, Problem, ScanLimits, data_endings, read_at};
use crate::jobs::Progress;
use crate::rules::{ToolLists, duplicate_task_flag};
use crate::workspace::Source;

use super::documents::{DocumentContext, record_documents};
use super::error::CorpusError;
use super::old_records::OldRecords;
use super::pipeline::{self, OpenedFile, Outcome, offset_of};
use super::preparation::{GoldTasks, PreparedRecord, Workbench};
use super::record_ids::{RecordIds, plain_id, without_repeat};
use super::record_row::{RecordRow, Share};
use super::record_table::RecordTableBuilder;
use super::review_facts::ReviewFacts;
use super::source_files::{PlannedFile, Reading, hash_of};
use super::source_lookup::{KnownRoots, picture_roots};
use super::source_opening::{Failure, open_planned, opened_again, scan_limits};
use super::state::{GoldTask, MAX_WARNINGS, SourceCounts, SourceState, Stamp, Warning};
use super::strangers::Strangers;

/// What a build did to a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceDelta {
    /// New records.
    pub added: u64,
    /// Records whose content or surroundings changed.
    pub changed: u64,
    /// Records that are gone.
    pub removed: u64,
}

/// What building needs besides the source.
pub struct BuildContext<'a> {
    /// Settings.
    pub config: &'a Config,
    /// The folder of the index, where record tables are.
    pub folder: &'a Path,
    /// Where compressed files are unpacked.
    pub cache: &'a Path,
    /// Takes the documents.
    pub writer: &'a IndexStoreWriter<'a>,
    /// Shares system prompts.
    pub interner: &'a Interner,
    /// Shares tool lists.
    pub tool_lists: &'a ToolLists,
    /// Reference answers known so far.
    pub gold: &'a GoldTasks,
    /// Counts bytes.
    pub progress: &'a Progress,
}

/// What a source's records are called in the index.
pub struct SourceNames<'a> {
    /// Its number in the index.
    pub ordinal: u32,
    /// The name of the record table to be written.
    pub table: &'a str,
}

/// Worker threads, from the settings.
pub fn threads(config: &Config) -> usize {
    match config.index.threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        some => some,
    }
}

/// Reads what is planned of a source, brings its documents up to date and writes its record table.
pub fn build(
    source: &Source,
    names: &SourceNames<'_>,
    old: Option<&SourceState>,
    plan: &[PlannedFile],
    context: &BuildContext<'_>,
) -> Result<(SourceState, SourceDelta), CorpusError> {
    let limits = scan_limits(context.config);
    let roots = picture_roots(source);
    let files = KnownRoots::of(source, &roots);
    let bench = Workbench {
        interner: context.interner,
        tool_lists: context.tool_lists,
        files: &files,
        gold: context.gold,
    };
    let path = context.folder.join(names.table);
    let table = RecordTableBuilder::create(&path).map_err(CorpusError::write(&path))?;
    let mut build = SourceBuild {
        source,
        ordinal: names.ordinal,
        context,
        bench: &bench,
        limits: &limits,
        folder: source.path.is_dir(),
        old: OldRecords::load(old, context.folder)?,
        ids: RecordIds::default(),
        tasks: HashMap::new(),
        last_row: None,
        delta: SourceDelta::default(),
        state: SourceState {
            name: source.name.clone(),
            ordinal: names.ordinal,
            path: source.path.clone(),
            forced_format: source.format.clone(),
            images: source.images.clone(),
            table: names.table.to_owned(),
            in_order: true,
            files: Vec::new(),
            counts: SourceCounts::default(),
            warnings: Vec::new(),
            gold: Vec::new(),
            scored_with: 0,
        },
        table,
    };
    let opened = build.open(plan, old)?;
    build.old.find_kept(plan)?;
    // The hash of the files' bytes only serves the next look at them: it is made beside the work.
    let hashes = std::thread::scope(|scope| {
        let hashing = scope.spawn(|| hashes(plan, context.progress));
        pipeline::run(
            &opened,
            &limits,
            threads(context.config),
            &bench,
            context.progress,
            |file, outcome| {
                build.keep_up_to(file.number)?;
                build.take(file, outcome)
            },
        )?;
        hashing
            .join()
            .unwrap_or_else(|_| Err(CorpusError::Thread("hashing stopped".to_owned())))
    })?;
    build.keep_up_to(u32::MAX)?;
    for ((state, hash), planned) in build.state.files.iter_mut().zip(hashes).zip(plan) {
        let Some(hash) = hash else { continue };
        // What changed while it was read has no hash that says which bytes were read.
        let steady = Stamp::of(&planned.file.path).is_ok_and(|now| now == planned.file.stamp);
        state.hash = if steady { hash } else { String::new() };
    }
    build.finish(&path)
}

/// The hashes of the files that are read; one without a hash is read again at the next look.
fn hashes(plan: &[PlannedFile], progress: &Progress) -> Result<Vec<Option<String>>, CorpusError> {
    let hash = |planned: &PlannedFile| {
        progress.check()?;
        let file = &planned.file;
        Ok(match planned.reading {
            Reading::Kept(_) => None,
            _ => Some(hash_of(&file.path, file.stamp.size).map_or_else(|_| String::new(), |h| h.0)),
        })
    };
    plan.iter().map(hash).collect()
}

struct SourceBuild<'a> {
    source: &'a Source,
    ordinal: u32,
    context: &'a BuildContext<'a>,
    bench: &'a Workbench<'a>,
    limits: &'a ScanLimits,
    folder: bool,
    state: SourceState,
    old: OldRecords,
    table: RecordTableBuilder,
    ids: RecordIds,
    /// The first record with each task.
    tasks: HashMap<u64, u32>,
    /// The row of the record before, to see whether rows are in order.
    last_row: Option<u32>,
    delta: SourceDelta,
}

impl SourceBuild<'_> {
    /// Opens what is to be read; a file that can't be is a warning, the others go on.
    fn open(
        &mut self,
        plan: &[PlannedFile],
        old: Option<&SourceState>,
    ) -> Result<Vec<OpenedFile>, CorpusError> {
        let mut all = Vec::new();
        let mut strangers = Strangers::default();
        let mut carried = Vec::new();
        for (number, planned) in (0..).zip(plan) {
            self.context.progress.check()?;
            let cache = self.context.cache;
            let opening = open_planned(self.source, planned, number, old, cache, self.limits);
            self.context.progress.add_total(opening.bytes);
            if planned.reading != Reading::Whole {
                carried.push(opening.state.relative.clone());
            }
            let relative = opening.state.relative.clone();
            self.state.files.push(opening.state);
            for problem in opening.problems {
                self.warn(Some(number), problem, false);
            }
            match opening.failure {
                Some(Failure::Stranger(seen)) => strangers.add(relative, seen),
                Some(Failure::Broken(reason)) => {
                    self.warn(Some(number), without_place(reason), true);
                }
                None => all.extend(opening.opened),
            }
        }
        let known = old.map_or(&[][..], |old| &old.warnings);
        let of_kept = known
            .iter()
            .filter(|warning| carried.contains(&warning.file))
            .cloned();
        self.state.warnings.extend(of_kept);
        // Beside records, strangers are no loss; alone, they are.
        let lost = all.is_empty() && carried.is_empty();
        for reason in strangers.reasons() {
            self.warn(None, without_place(reason), lost);
        }
        if plan.is_empty() {
            let reason = format!("there are no files of data in it ({})", data_endings());
            self.warn(None, without_place(reason), true);
        }
        Ok(all)
    }

    /// Notes a problem of a file, or of the source.
    fn warn(&mut self, file: Option<u32>, problem: Problem, lost: bool) {
        let state = file.and_then(|number| self.state.files.get_mut(number as usize));
        let name = match state {
            Some(state) => {
                state.warnings += 1;
                state.unread += u64::from(lost);
                state.relative.clone()
            }
            None => {
                self.state.counts.warnings += 1;
                self.state.counts.unread += u64::from(lost);
                String::new()
            }
        };
        if self.state.warnings.len() < MAX_WARNINGS {
            self.state.warnings.push(Warning {
                file: name,
                problem,
            });
        }
    }

    /// Takes one outcome of the pipeline, in file order.
    fn take(&mut self, file: &OpenedFile, outcome: Outcome) -> Result<(), CorpusError> {
        match outcome {
            Outcome::Problem { problem, lost } => {
                self.count_record(file, problem.record);
                self.warn(Some(file.number), problem, lost);
                Ok(())
            }
            Outcome::Read(record) => self.take_record(file, *record),
        }
    }

    fn count_record(&mut self, file: &OpenedFile, number: Option<u64>) {
        if let (Some(number), Some(state)) =
            (number, self.state.files.get_mut(file.number as usize))
        {
            state.records = state.records.max(number + 1);
        }
    }

    fn take_record(
        &mut self,
        file: &OpenedFile,
        mut record: PreparedRecord,
    ) -> Result<(), CorpusError> {
        self.count_record(file, Some(record.number));
        let problem = |reason| Problem {
            record: Some(record.number),
            offset: offset_of(record.location),
            reason,
        };
        for reason in std::mem::take(&mut record.content.problems) {
            self.warn(Some(file.number), problem(reason), false);
        }
        let relative = self.folder.then_some(file.relative.as_str());
        let plain = plain_id(
            record.content.natural_id.as_deref(),
            relative,
            record.number,
        );
        let id = self.ids.take(&plain);
        if id != plain {
            let reason = format!("the id `{plain}` is there already; this record is `{id}`");
            self.warn(Some(file.number), problem(reason), false);
        }
        let old = self.old.with_id(&id)?;
        let number = match &old {
            Some((number, _)) => *number,
            None => self.table.count().max(self.old.rows.count()),
        };
        let duplicate_of = self.first_with(record.task, number);
        if let Some(first) = duplicate_of {
            let first = self.table.row(first).ok().flatten();
            let first = first.ok_or_else(|| CorpusError::Damaged(self.context.folder.into()))?;
            let first = RecordId::new(&self.source.name, &first.id);
            record.findings.flags.push(duplicate_task_flag(&first));
        }
        let trajectory = record.content.trajectory.as_ref();
        let row = RecordRow {
            id,
            key: record.key.clone(),
            file: file.number,
            number: record.number,
            location: record.location,
            hash: record.hash,
            task: record.task,
            duplicate_of,
            derived: record.findings.derived(file.format.name),
            share: Share {
                trajectory: trajectory.is_some(),
                run: record.findings.outcome.is_some(),
                steps: trajectory.map_or(0, |t| t.steps.len() as u32),
                pairs: record.content.pairs.len() as u32,
            },
        };
        if row.share.run && self.state.scored_with == 0 {
            self.state.scored_with = self.context.gold.fingerprint();
        }
        self.state
            .gold
            .extend(record.gold.take().map(|gold| GoldTask {
                row: number,
                ..gold
            }));
        let key = RecordKey {
            source: self.ordinal,
            row: number,
        };
        let same = old.map(|(_, old)| {
            let path = self.old.files.get(old.file as usize);
            old.hash == row.hash
                && old.derived == row.derived
                && (!self.folder || path == Some(&file.relative))
        });
        match same {
            Some(true) => {}
            Some(false) => {
                self.context.writer.remove(key);
                self.delta.changed += 1;
                self.index(key, &row, &record)?;
            }
            None => {
                self.delta.added += 1;
                self.index(key, &row, &record)?;
            }
        }
        self.put(number, &row)
    }

    /// The first record with a task, if `row` is a later one; else `row` is the first from now on.
    fn first_with(&mut self, task: u64, row: u32) -> Option<u32> {
        let first = *self.tasks.entry(task).or_insert(row);
        (task != 0 && first != row).then_some(first)
    }

    fn put(&mut self, number: u32, row: &RecordRow) -> Result<(), CorpusError> {
        if let Some(seen) = self.old.seen.get_mut(number as usize) {
            *seen = true;
        }
        self.state.in_order &= self.last_row.is_none_or(|last| last < number);
        self.last_row = Some(number);
        let counts = &mut self.state.counts;
        counts.records += 1;
        counts.trajectories += u64::from(row.share.trajectory);
        counts.steps += u64::from(row.share.steps);
        counts.pairs += u64::from(row.share.pairs);
        let path = self.context.folder;
        self.table
            .put(number, row)
            .map_err(CorpusError::write(path))
    }

    /// Lets the kept records of files up to this one pass by.
    fn keep_up_to(&mut self, file: u32) -> Result<(), CorpusError> {
        while let Some(record) = self.old.kept.pop_front_if(|record| record.file <= file) {
            self.context.progress.check()?;
            let Some(row) = self.old.row(record.row)? else {
                continue;
            };
            let row = RecordRow {
                file: record.file,
                ..row
            };
            let plain = without_repeat(&row.id);
            let first = self.tasks.get(&row.task).copied();
            let first = first.filter(|first| row.task != 0 && *first != record.row);
            if self.ids.next(plain) != row.id || first != row.duplicate_of {
                self.read_again(&row)?;
                continue;
            }
            self.ids.take(plain);
            self.first_with(row.task, record.row);
            self.state.gold.extend(self.old.gold.remove(&record.row));
            if row.share.run {
                // What they were scored with still holds for them, whatever runs read now are scored with.
                self.state.scored_with = self.old.scored_with;
            }
            self.put(record.row, &row)?;
        }
        Ok(())
    }

    /// Reads a kept record whose surroundings are others now.
    fn read_again(&mut self, row: &RecordRow) -> Result<(), CorpusError> {
        let Some(state) = self.state.files.get_mut(row.file as usize) else {
            return Ok(());
        };
        // It brings its warnings again.
        let (before, relative) = (self.state.warnings.len(), state.relative.clone());
        self.state.warnings.retain(|warning| {
            warning.file != relative || warning.problem.record != Some(row.number)
        });
        state.warnings -= (before - self.state.warnings.len()) as u64;
        let Some(file) = opened_again(state, row.file) else {
            return Ok(());
        };
        let outcome = match read_at(&file.container, row.location, self.limits) {
            Ok(bytes) => {
                let found = FoundRecord {
                    number: row.number,
                    location: row.location,
                    bytes,
                    key: row.key.clone(),
                };
                pipeline::outcome(found, &file, self.bench)
            }
            Err(error) => Outcome::Problem {
                problem: Problem::from(&error),
                lost: true,
            },
        };
        self.take(&file, outcome)
    }

    fn index(
        &self,
        key: RecordKey,
        row: &RecordRow,
        record: &PreparedRecord,
    ) -> Result<(), CorpusError> {
        let target = TargetId {
            record: RecordId::new(&self.source.name, &row.id),
            part: None,
        };
        let findings = &record.findings;
        let context = DocumentContext {
            source: &self.source.name,
            target: &target,
            key,
            hash: &row.hash,
            tools: &findings.tools,
            flags: &findings.flags,
            outcome: findings.outcome,
            // Reviews and replays are followed when all sources are in.
            review: &ReviewFacts::default(),
            replays: &[],
        };
        let writer = self.context.writer;
        let tools = &findings.pair_tools;
        writer.add(record_documents(
            writer,
            &record.content,
            tools,
            &[],
            &context,
        ))?;
        Ok(())
    }

    fn finish(mut self, path: &Path) -> Result<(SourceState, SourceDelta), CorpusError> {
        for (number, seen) in (0..).zip(&self.old.seen) {
            if !seen && self.old.row(number)?.is_some() {
                self.context.writer.remove(RecordKey {
                    source: self.ordinal,
                    row: number,
                });
                self.delta.removed += 1;
            }
        }
        let counts = &mut self.state.counts;
        for file in &self.state.files {
            counts.bytes += file.stamp.size;
            counts.warnings += file.warnings;
            counts.unread += file.unread;
        }
        let place: HashMap<&str, usize> = (0..)
            .zip(&self.state.files)
            .map(|(number, file)| (file.relative.as_str(), number))
            .collect();
        // What concerns the whole source comes first.
        self.state.warnings.sort_by_key(|warning| {
            let place = place.get(warning.file.as_str()).copied();
            (place, warning.problem.record)
        });
        self.table.finish().map_err(CorpusError::write(path))?;
        Ok((self.state, self.delta))
    }
}

fn without_place(reason: String) -> Problem {
    Problem {
        record: None,
        offset: None,
        reason,
    }
}
