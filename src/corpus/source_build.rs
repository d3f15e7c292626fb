//! One source into the index: ids in file order, unchanged records left alone, changed ones replaced, gone ones removed.

use std::collections::HashMap;
use std::path::Path;

use crate::config::Config;
use crate::domain::{FileLookup, Interner, PictureReference, RecordId, TargetId, percent_encode};
use crate::index::{IndexStoreWriter, RecordKey};
use crate::ingest::container::{
    ContainerFile, ContainerKind, Problem, ScanLimits, ScanStart, open,
};
use crate::ingest::{DetectionError, FORMATS, Layout, detect, detect_as, format_named};
use crate::jobs::Progress;
use crate::media::PictureRoots;
use crate::rules::{ToolLists, duplicate_task_flag};
use crate::workspace::Source;

use super::documents::{DocumentContext, pair_document, trajectory_documents};
use super::error::CorpusError;
use super::pipeline::{self, OpenedFile, Outcome, offset_of};
use super::preparation::{GoldTasks, PreparedRecord, Workbench};
use super::record_table::{RecordRow, RecordRows};
use super::source_files::{SourceFile, hash_of};
use super::state::{FileState, GoldTask, MAX_WARNINGS, SourceCounts, SourceState, Stamp, Warning};

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

/// Limits of reading, from the settings.
pub fn scan_limits(config: &Config) -> ScanLimits {
    ScanLimits {
        record_bytes: config.read.max_record_mb.saturating_mul(1 << 20),
        unpacked_bytes: config.read.max_unpacked_mb.saturating_mul(1 << 20),
        ..ScanLimits::default()
    }
}

/// The picture roots of a source: those declared, then the folder that it lies in.
pub fn picture_roots(source: &Source) -> PictureRoots {
    let own = if source.path.is_dir() {
        Some(source.path.clone())
    } else {
        source.path.parent().map(Path::to_owned)
    };
    PictureRoots::new(source.images.iter().cloned().chain(own).collect())
}

/// Tells missing files only where somebody said where files are.
pub struct KnownRoots<'a> {
    roots: &'a PictureRoots,
    declared: bool,
}

impl<'a> KnownRoots<'a> {
    /// The lookup of a source.
    pub fn of(source: &Source, roots: &'a PictureRoots) -> Self {
        Self {
            roots,
            declared: !source.images.is_empty(),
        }
    }
}

impl FileLookup for KnownRoots<'_> {
    fn exists(&self, reference: &PictureReference) -> Option<bool> {
        self.roots
            .exists(reference)
            .filter(|there| *there || self.declared)
    }
}

/// Reads a source from its beginning, or from `appended` on, and brings its documents up to date.
pub fn build(
    source: &Source,
    ordinal: u32,
    old: Option<(&SourceState, RecordRows)>,
    files: Vec<SourceFile>,
    appended: bool,
    context: &BuildContext<'_>,
) -> Result<(SourceState, RecordRows, SourceDelta), CorpusError> {
    let old_files: &[FileState] = old.as_ref().map_or(&[], |(state, _)| &state.files);
    let mut build = SourceBuild {
        source,
        ordinal,
        context,
        folder: source.path.is_dir(),
        state: SourceState {
            name: source.name.clone(),
            ordinal,
            path: source.path.clone(),
            forced_format: source.format.clone(),
            images: source.images.clone(),
            table: String::new(),
            files: Vec::new(),
            counts: SourceCounts::default(),
            warnings: Vec::new(),
            gold: Vec::new(),
            scored_with: 0,
        },
        rows: Vec::new(),
        old_files: old_files.iter().map(|f| f.relative.clone()).collect(),
        by_id: HashMap::new(),
        seen: Vec::new(),
        tasks: HashMap::new(),
        used: HashMap::new(),
        delta: SourceDelta::default(),
        has_runs: false,
        scored_with: 0,
    };
    let opened = if appended {
        build.resume(old_files, &files)
    } else {
        build.open_all(&files)?
    };
    if let Some((state, rows)) = old {
        build.take_over(state, rows, appended);
    }
    let threads = threads(context.config);
    let roots = picture_roots(source);
    let bench = Workbench {
        interner: context.interner,
        tool_lists: context.tool_lists,
        files: &KnownRoots::of(source, &roots),
        gold: context.gold,
    };
    let limits = scan_limits(context.config);
    // The hash of the files' bytes only serves the next look at them: it is made beside the work.
    let hashes = std::thread::scope(|scope| {
        let hashing =
            scope.spawn(|| -> Result<Vec<String>, CorpusError> {
                files
                    .iter()
                    .map(|file| {
                        context.progress.check()?;
                        // Without a hash the file is read again at the next look.
                        Ok(hash_of(&file.path, file.stamp.size)
                            .map_or_else(|_| String::new(), |h| h.0))
                    })
                    .collect()
            });
        pipeline::run(
            &opened,
            &limits,
            threads,
            &bench,
            context.progress,
            |file, outcome| build.take(file, outcome),
        )?;
        hashing
            .join()
            .unwrap_or_else(|_| Err(CorpusError::Thread("hashing stopped".to_owned())))
    })?;
    for ((state, hash), file) in build.state.files.iter_mut().zip(hashes).zip(&files) {
        // What changed while it was read has no hash that says which bytes were read.
        let steady = Stamp::of(&file.path).is_ok_and(|now| now == file.stamp);
        state.hash = if steady { hash } else { String::new() };
    }
    Ok(build.finish())
}

/// Worker threads, from the settings.
pub fn threads(config: &Config) -> usize {
    match config.index.threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        some => some,
    }
}

struct SourceBuild<'a> {
    source: &'a Source,
    ordinal: u32,
    context: &'a BuildContext<'a>,
    folder: bool,
    state: SourceState,
    rows: RecordRows,
    /// The files that the old rows count, by their paths: what a record's path says is read, too.
    old_files: Vec<String>,
    /// Rows of the old table by id.
    by_id: HashMap<String, u32>,
    /// Whether a row was met again.
    seen: Vec<bool>,
    /// The first record with each task.
    tasks: HashMap<u64, u32>,
    /// How often each id was given.
    used: HashMap<String, u32>,
    delta: SourceDelta,
    has_runs: bool,
    /// What runs taken over from before were scored with; 0 without any.
    scored_with: u64,
}

impl SourceBuild<'_> {
    fn warn(&mut self, file: &str, problem: Problem, lost: bool) {
        self.state.counts.warnings += 1;
        self.state.counts.unread += u64::from(lost);
        if self.state.warnings.len() < MAX_WARNINGS {
            self.state.warnings.push(Warning {
                file: file.to_owned(),
                problem,
            });
        }
    }

    fn warn_file(&mut self, file: &str, reason: String) {
        let problem = Problem {
            record: None,
            offset: None,
            reason,
        };
        self.warn(file, problem, true);
    }

    /// Opens every file and finds its format; a file that can't be read is a warning, the others go on.
    fn open_all(&mut self, files: &[SourceFile]) -> Result<Vec<OpenedFile>, CorpusError> {
        let limits = scan_limits(self.context.config);
        let mut all = Vec::new();
        let mut strangers: Vec<String> = Vec::new();
        for (number, file) in files.iter().enumerate() {
            self.context.progress.check()?;
            self.state.counts.bytes += file.stamp.size;
            let mut state = FileState {
                relative: file.relative.clone(),
                plain: file.path.clone(),
                kind: ContainerKind::Json,
                format: String::new(),
                layout: Layout::Whole,
                stamp: file.stamp,
                hash: String::new(),
                records: 0,
            };
            match self.open_one(file, number as u32, &limits) {
                Ok((opened, problems)) => {
                    for problem in problems {
                        self.warn(&file.relative, problem, false);
                    }
                    state.plain.clone_from(&opened.container.path);
                    state.kind = opened.container.kind;
                    state.format = opened.format.name.to_owned();
                    state.layout = opened.layout;
                    all.push(opened);
                }
                // A folder holds other files, too; they are named once, together.
                Err(reason) if self.folder => {
                    strangers.push(format!("{}: {reason}", file.relative));
                }
                Err(reason) => self.warn_file(&file.relative, reason),
            }
            self.state.files.push(state);
        }
        if let Some(first) = strangers.first() {
            let problem = Problem {
                record: None,
                offset: None,
                reason: format!("{} of its files hold no records: {first}", strangers.len()),
            };
            // Beside records, such files are no loss; alone, they are.
            self.warn("", problem, all.is_empty());
        }
        Ok(all)
    }

    fn open_one(
        &self,
        file: &SourceFile,
        number: u32,
        limits: &ScanLimits,
    ) -> Result<(OpenedFile, Vec<Problem>), String> {
        let opened =
            open(&file.path, self.context.cache, limits).map_err(|error| error.to_string())?;
        let name = file.relative.rsplit('/').next().unwrap_or(&file.relative);
        let found = match &self.source.format {
            Some(forced) => detect_as(&opened.file, name, forced, FORMATS, limits),
            None => detect(&opened.file, name, FORMATS, limits),
        }
        .map_err(|error| match error {
            // In a folder nobody has asked for this very file.
            DetectionError::NoFormat { seen, .. } if self.folder => {
                format!("no format fits {seen}")
            }
            error => error.to_string(),
        })?;
        let size = std::fs::metadata(&opened.file.path).map_or(0, |m| m.len());
        self.context.progress.add_total(size);
        let opened_file = OpenedFile {
            container: opened.file,
            format: found.format,
            layout: found.layout,
            relative: file.relative.clone(),
            start: ScanStart::default(),
            number,
        };
        Ok((opened_file, opened.problems))
    }

    /// Goes on where the only file ended when it was read.
    fn resume(&mut self, old: &[FileState], files: &[SourceFile]) -> Vec<OpenedFile> {
        let (Some(old), Some(new)) = (old.first(), files.first()) else {
            return Vec::new();
        };
        let Some(format) = format_named(&old.format) else {
            return Vec::new();
        };
        self.context
            .progress
            .add_total(new.stamp.size.saturating_sub(old.stamp.size));
        self.state.files.push(FileState {
            stamp: new.stamp,
            ..old.clone()
        });
        vec![OpenedFile {
            container: ContainerFile {
                path: new.path.clone(),
                kind: old.kind,
            },
            format,
            layout: old.layout,
            relative: old.relative.clone(),
            start: ScanStart {
                offset: old.stamp.size,
                number: old.records,
            },
            number: 0,
        }]
    }

    /// Begins with what the last build left: rows keep their numbers; with appended lines all of it stays as it is.
    fn take_over(&mut self, old: &SourceState, rows: RecordRows, appended: bool) {
        // The first record with a task is the first in the files, whatever its row.
        let mut in_order: Vec<(u32, &RecordRow)> = (0..)
            .zip(&rows)
            .filter_map(|(n, row)| Some((n, row.as_ref()?)))
            .collect();
        in_order.sort_by_key(|(_, row)| (row.file, row.location));
        for (number, row) in in_order {
            self.by_id.insert(row.id.clone(), number);
            if appended {
                let (plain, _) = split_repeat(&row.id);
                *self.used.entry(plain.to_owned()).or_default() += 1;
                if row.task != 0 {
                    self.tasks.entry(row.task).or_insert(number);
                }
            }
        }
        self.seen = vec![appended; rows.len()];
        self.rows = rows;
        if appended {
            let size = self.state.files.first().map_or(0, |file| file.stamp.size);
            self.state.counts = old.counts.clone();
            self.state.counts.bytes = size;
            self.state.warnings.clone_from(&old.warnings);
            self.state.gold.clone_from(&old.gold);
            // Only the tail is scored now: what the rest was scored with still holds for it.
            self.scored_with = old.scored_with;
        }
    }

    /// Takes one outcome of the pipeline, in file order.
    fn take(&mut self, file: &OpenedFile, outcome: Outcome) -> Result<(), CorpusError> {
        match outcome {
            Outcome::Problem { problem, lost } => {
                self.count_record(file, problem.record);
                self.warn(&file.relative, problem, lost);
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
        for problem in std::mem::take(&mut record.content.problems) {
            let problem = Problem {
                record: Some(record.number),
                offset: offset_of(record.location),
                reason: problem,
            };
            self.warn(&file.relative, problem, false);
        }
        let id = self.id_of(file, &record);
        let row = self.by_id.get(&id).copied();
        let number = row.unwrap_or(self.rows.len() as u32);
        if record.task != 0 {
            let first = *self.tasks.entry(record.task).or_insert(number);
            if let Some(Some(first)) = self.rows.get(first as usize).filter(|_| first != number) {
                let first = RecordId::new(&self.source.name, &first.id);
                record.flags.push(duplicate_task_flag(&first));
            }
        }
        self.count(&record);
        if let Some(gold) = record.gold.take() {
            self.state.gold.push(GoldTask {
                row: number,
                ..gold
            });
        }
        let new = RecordRow {
            id,
            key: record.key.clone(),
            file: file.number,
            location: record.location,
            hash: record.hash,
            task: record.task,
            derived: record.derived(file.format.name),
        };
        let slot = self.rows.get_mut(number as usize);
        let same = match slot {
            Some(Some(old)) => Some(
                old.hash == new.hash
                    && old.derived == new.derived
                    && (!self.folder
                        || self.old_files.get(old.file as usize) == Some(&file.relative)),
            ),
            _ => None,
        };
        let key = RecordKey {
            source: self.ordinal,
            row: number,
        };
        if same != Some(true) {
            if same == Some(false) {
                self.context.writer.remove(key);
                self.delta.changed += 1;
            } else {
                self.delta.added += 1;
            }
            self.index(key, &new, &record)?;
        }
        match self.rows.get_mut(number as usize) {
            Some(slot) => *slot = Some(new),
            None => {
                self.by_id.insert(new.id.clone(), number);
                self.rows.push(Some(new));
                self.seen.push(false);
            }
        }
        if let Some(seen) = self.seen.get_mut(number as usize) {
            *seen = true;
        }
        Ok(())
    }

    fn count(&mut self, record: &PreparedRecord) {
        let counts = &mut self.state.counts;
        counts.records += 1;
        counts.pairs += record.content.pairs.len() as u64;
        if let Some(trajectory) = &record.content.trajectory {
            counts.trajectories += 1;
            counts.steps += trajectory.steps.len() as u64;
        }
        self.has_runs |= record.outcome.is_some();
    }

    /// The record part of the id; the first record with an id keeps it, later ones get `~2`, `~3` and a warning.
    fn id_of(&mut self, file: &OpenedFile, record: &PreparedRecord) -> String {
        let natural = record
            .content
            .natural_id
            .as_deref()
            .filter(|id| !id.is_empty());
        let plain = match natural {
            Some(id) => shorten(percent_encode(id)),
            None if self.folder => format!("{}.{}", percent_encode(&file.relative), record.number),
            None => record.number.to_string(),
        };
        let count = self.used.entry(plain.clone()).or_default();
        *count += 1;
        if *count == 1 {
            return plain;
        }
        let id = format!("{plain}~{count}");
        let problem = Problem {
            record: Some(record.number),
            offset: offset_of(record.location),
            reason: format!("the id `{plain}` is there already; this record is `{id}`"),
        };
        self.warn(&file.relative, problem, false);
        id
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
        let context = DocumentContext {
            source: &self.source.name,
            target: &target,
            key,
            hash: &row.hash,
            tools: &record.tools,
            flags: &record.flags,
            outcome: record.outcome,
        };
        let writer = self.context.writer;
        let mut documents = Vec::new();
        if let Some(trajectory) = &record.content.trajectory {
            documents = trajectory_documents(writer, trajectory, &context);
        }
        let pairs = record.content.pairs.iter().zip(&record.pair_tools);
        documents.extend(pairs.map(|(pair, tools)| pair_document(writer, pair, tools, &context)));
        writer.add(documents)?;
        Ok(())
    }

    fn finish(mut self) -> (SourceState, RecordRows, SourceDelta) {
        for (number, slot) in self.rows.iter_mut().enumerate() {
            if slot.is_some() && !self.seen.get(number).copied().unwrap_or(false) {
                self.context.writer.remove(RecordKey {
                    source: self.ordinal,
                    row: number as u32,
                });
                *slot = None;
                self.delta.removed += 1;
            }
        }
        self.state.scored_with = match self.scored_with {
            0 if self.has_runs => self.context.gold.fingerprint(),
            known => known,
        };
        (self.state, self.rows, self.delta)
    }
}

/// Splits `id~2` into the id that was asked for and the repeat.
fn split_repeat(id: &str) -> (&str, Option<&str>) {
    match id.rsplit_once('~') {
        Some((plain, repeat)) => (plain, Some(repeat)),
        None => (id, None),
    }
}

/// Keeps ids usable where data has a whole text for an id.
fn shorten(id: String) -> String {
    const LONGEST: usize = 200;
    if id.len() <= LONGEST {
        return id;
    }
    let hash = blake3::hash(id.as_bytes()).to_hex();
    let mut end = LONGEST;
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{}", &id[..end], &hash[..16])
}
