//! One run over records: what is left out, what is checked, what is written.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::chats::chat::{Chat, chat_in};
use super::manifest::{Manifest, ManifestFile, ManifestSplit, failure_counts, left_out_counts};
use super::pictures::{Media, PictureUse, Pictures};
use super::preflight::{NOT_WRITABLE, Subject, examine};
use super::sink::{Sink, is_folder};
use super::staging::Staging;
use super::target::Contents;
use super::{
    ExportError, Failure, LeftOut, Origin, Outgoing, PreflightRule, Refusal, Row, Split, Target,
    TokenLimit, Withheld,
};
use crate::domain::Task;
use crate::jobs::Progress;

/// How an export is made and watched.
#[derive(Debug, Clone, Copy)]
pub struct ExportOptions<'a> {
    /// Whether existing files may be replaced.
    pub overwrite: bool,
    /// What is not left out, although it is unless somebody asks for it.
    pub include: &'a [Withheld],
    /// Rules whose failures do not keep a row from being written.
    pub allow: &'a [&'static PreflightRule],
    /// What becomes of pictures.
    pub media: Media,
    /// How many tokens rows may take; they are not counted without it.
    pub tokens: Option<&'a TokenLimit>,
    /// Into which files rows go.
    pub split: Option<&'a Split>,
    /// Whether a manifest is written beside the rows, and of what it tells.
    pub origin: Option<&'a Origin>,
    /// Advances by one for each record; cancelling it ends the export and leaves nothing behind.
    pub progress: &'a Progress,
}

impl<'a> ExportOptions<'a> {
    /// Nothing but rows, in one file.
    pub fn plain(progress: &'a Progress) -> Self {
        Self {
            overwrite: false,
            include: &[],
            allow: &[],
            media: Media::Path,
            tokens: None,
            split: None,
            origin: None,
            progress,
        }
    }
}

/// What an export did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// How many rows or files were written; a record can make several (pairs) or none.
    pub written: u64,
    /// How many of them went into each split, by its place.
    pub written_by_split: Vec<u64>,
    /// How many records hold nothing that the target holds.
    pub others: u64,
    /// Items that were left out.
    pub left_out: Vec<LeftOut>,
    /// What is wrong with rows that were not written; a row can fail several rules.
    pub failures: Vec<Failure>,
    /// How many rows that is.
    pub failed: u64,
    /// What a reader of the file should know: fields that became text because they hold several kinds of values.
    pub notes: Vec<String>,
}

/// Writes records to a file, or to files in a folder, that appear when everything is written.
///
/// Targets of [`TargetKind::Folders`](super::TargetKind::Folders) always make a folder; those of
/// [`TargetKind::Documents`](super::TargetKind::Documents) do so where `to` is a folder or ends in `/`; with splits there
/// is always a folder, with a file or folder for each split. Records are taken one by one; a table holds at most a row
/// group of them.
pub fn export<E: Error + Send + Sync + 'static>(
    target: &'static Target,
    records: &mut dyn Iterator<Item = Result<Outgoing, E>>,
    to: &Path,
    options: ExportOptions<'_>,
) -> Result<ExportSummary, ExportError> {
    check_media(target, options.media)?;
    let makes_folder = is_folder(target, to);
    let (mut staging, name) = if makes_folder || options.split.is_some() {
        (Staging::in_folder(to, options.overwrite)?, None)
    } else {
        let (staging, name) = Staging::beside(to, options.overwrite)?;
        (staging, Some(name))
    };
    let mut sinks = Vec::new();
    let names: Vec<Option<&str>> = match options.split {
        Some(split) => split.names().map(Some).collect(),
        None => vec![None],
    };
    for split in names {
        sinks.push(match (&name, split) {
            (Some(name), _) => Sink::to_file(target, name.clone(), &mut staging)?,
            (None, Some(split)) if !target.extension.is_empty() => {
                let path = PathBuf::from(format!("{split}.{}", target.extension));
                Sink::to_file(target, path, &mut staging)?
            }
            (None, split) => Sink::to_folder(target, split.map_or(PathBuf::new(), PathBuf::from)),
        });
    }
    let mut run = Run::new(target, options, Some(staging), sinks);
    for record in records {
        run.take(record.map_err(|error| ExportError::Record(Box::new(error)))?)?;
    }
    run.finish(name.as_deref())
}

/// Writes records of a JSON target to a stream (`-o -`); nothing is written beside it.
pub fn write_to<E: Error + Send + Sync + 'static>(
    target: &'static Target,
    records: &mut dyn Iterator<Item = Result<Outgoing, E>>,
    out: &mut dyn Write,
    options: ExportOptions<'_>,
) -> Result<ExportSummary, ExportError> {
    check_media(target, options.media)?;
    if options.media == Media::Copy {
        return Err(ExportError::NoPlaceForCopies);
    }
    if options.split.is_some() {
        return Err(ExportError::NoPlaceForSplits);
    }
    if !target.kind.is_stream() {
        return Err(ExportError::NeedsFile(target.name));
    }
    let mut scratch = Staging::in_folder(&std::env::temp_dir(), false)?;
    let sink = Sink::to_stream(target, out, &mut scratch)?;
    let mut run = Run::new(target, options, None, vec![sink]);
    for record in records {
        run.take(record.map_err(|error| ExportError::Record(Box::new(error)))?)?;
    }
    run.finish(None)
}

/// What [`export`] would do, with every failure, and nothing written.
pub fn check<E: Error + Send + Sync + 'static>(
    target: &'static Target,
    records: &mut dyn Iterator<Item = Result<Outgoing, E>>,
    options: ExportOptions<'_>,
) -> Result<ExportSummary, ExportError> {
    check_media(target, options.media)?;
    let mut run = Run::new(target, options, None, Vec::new());
    for record in records {
        run.take(record.map_err(|error| ExportError::Record(Box::new(error)))?)?;
    }
    Ok(run.summary)
}

fn check_media(target: &Target, media: Media) -> Result<(), ExportError> {
    match target.pictures.takes(media) {
        true => Ok(()),
        false => Err(ExportError::Media {
            target: target.name,
            media: media.name(),
        }),
    }
}

struct Run<'a, 'w> {
    target: &'static Target,
    options: ExportOptions<'a>,
    pictures: Pictures,
    /// `None` where nothing is written beside a stream, or nothing at all.
    staging: Option<Staging>,
    /// One for each split; none if rows are only checked.
    sinks: Vec<Sink<'w>>,
    files: Vec<ManifestFile>,
    /// What the rows hold that were written.
    contents: Contents,
    summary: ExportSummary,
}

impl<'a, 'w> Run<'a, 'w> {
    fn new(
        target: &'static Target,
        options: ExportOptions<'a>,
        staging: Option<Staging>,
        sinks: Vec<Sink<'w>>,
    ) -> Self {
        let file = |sink: &Sink<'_>| ManifestFile {
            path: sink.path.display().to_string(),
            rows: Vec::new(),
        };
        let splits = options.split.map_or(1, |split| split.names().count());
        Self {
            target,
            options,
            pictures: Pictures::new(options.media),
            files: sinks.iter().map(file).collect(),
            staging,
            sinks,
            contents: Contents::default(),
            summary: ExportSummary {
                written_by_split: vec![0; splits],
                ..ExportSummary::default()
            },
        }
    }

    fn take(&mut self, mut outgoing: Outgoing) -> Result<(), ExportError> {
        self.options.progress.check()?;
        let left_out = outgoing.withhold(self.target, self.options.include);
        let is_left_out = !left_out.is_empty();
        self.summary.left_out.extend(left_out);
        if !self.target.finds_something_in(&outgoing) {
            self.summary.others += u64::from(!is_left_out);
            self.options.progress.advance(1);
            return Ok(());
        }
        let rendered = (self.target.render)(&outgoing, &mut self.pictures);
        for refused in rendered.refusals {
            self.fail(
                &outgoing,
                refused.part.as_deref(),
                vec![(NOT_WRITABLE, refused.step, refused.refusal.to_string())],
            );
        }
        let mut chats = HashMap::new();
        // Copies that rows of this record need are known only together.
        for row in rendered.rows {
            self.put(&outgoing, &row, &mut chats)?;
        }
        self.pictures.discard();
        self.options.progress.advance(1);
        Ok(self.options.progress.check()?)
    }

    fn fail(
        &mut self,
        outgoing: &Outgoing,
        part: Option<&str>,
        found: Vec<(&'static str, Option<usize>, String)>,
    ) {
        self.summary.failed += 1;
        let id = outgoing.target(part);
        let failures = found.into_iter().map(|(rule, step, message)| Failure {
            id: id.clone(),
            step,
            rule,
            message,
        });
        self.summary.failures.extend(failures);
    }

    /// `chats` are those of the record's items, as far as they were asked for.
    fn put(
        &mut self,
        outgoing: &Outgoing,
        row: &Row,
        chats: &mut HashMap<Option<String>, Option<Chat>>,
    ) -> Result<(), ExportError> {
        let part = row.part.as_deref();
        let found = match self.target.rules {
            [] => Vec::new(),
            rules => match serde_json::from_str(&row.json) {
                Ok(value) => {
                    let subject = Subject {
                        outgoing,
                        pair: pair_of(self.target, outgoing, part),
                        step: row.step,
                        row: &value,
                        contents: row.contents,
                        chat: self.target.chat.and_then(|form| {
                            let chat = chats.entry(row.part.clone());
                            let chat = chat.or_insert_with(|| chat_in(form, outgoing, part).ok());
                            chat.as_ref()
                        }),
                        target: self.target,
                        tokens: self.options.tokens,
                    };
                    examine(rules, &subject)
                }
                Err(error) => {
                    self.refuse(outgoing, row, &Refusal::from(error));
                    return Ok(());
                }
            },
        };
        let is_allowed = |rule: &str| {
            self.options
                .allow
                .iter()
                .any(|allowed| allowed.name == rule)
        };
        if found.iter().any(|(rule, _)| !is_allowed(rule)) {
            let found = found.into_iter().filter(|(rule, _)| !is_allowed(rule));
            let found = found.map(|(rule, finding)| (rule, finding.step, finding.message));
            let found = found.collect();
            self.fail(outgoing, part, found);
            return Ok(());
        }
        let split = self.split_of(outgoing, part);
        if let Err(refusal) = self.write(outgoing, row, split)? {
            self.refuse(outgoing, row, &refusal);
            return Ok(());
        }
        self.summary.written += 1;
        self.contents = self.contents.and(row.contents);
        if let Some(count) = self.summary.written_by_split.get_mut(split) {
            *count += 1;
        }
        if let Some(file) = self
            .files
            .get_mut(split)
            .filter(|_| self.options.origin.is_some())
        {
            let id = outgoing.target(part);
            file.rows.push(match row.step {
                Some(step) => format!("{id} step {step}"),
                None => id.to_string(),
            });
        }
        Ok(())
    }

    fn refuse(&mut self, outgoing: &Outgoing, row: &Row, refusal: &Refusal) {
        let found = vec![(NOT_WRITABLE, row.step, refusal.to_string())];
        self.fail(outgoing, row.part.as_deref(), found);
    }

    fn split_of(&self, outgoing: &Outgoing, part: Option<&str>) -> usize {
        let Some(split) = self.options.split else {
            return 0;
        };
        let content = &outgoing.record.content;
        let pair = pair_of(self.target, outgoing, part).map(|pair| &pair.context.task);
        let trajectory = content
            .trajectory
            .as_ref()
            .map(|trajectory| &trajectory.task);
        let first = content.pairs.first().map(|pair| &pair.context.task);
        let task: Option<&Task> = pair.or(trajectory).or(first);
        task.map_or(0, |task| split.of(task))
    }

    fn write(
        &mut self,
        outgoing: &Outgoing,
        row: &Row,
        split: usize,
    ) -> Result<Result<(), Refusal>, ExportError> {
        if self.target.pictures == PictureUse::AsInData {
            let content = &outgoing.record.content;
            let trajectory = content.trajectory.as_ref();
            let attachments = trajectory.map_or(&[][..], |t| &t.task.attachments);
            if let Err(refusal) = self.pictures.keep_in_place(attachments, &outgoing.roots) {
                return Ok(Err(refusal));
            }
        }
        let Some(sink) = self.sinks.get_mut(split) else {
            return Ok(Ok(()));
        };
        if let Some(staging) = &mut self.staging
            && let Err(refusal) = self.pictures.write(staging)?
        {
            return Ok(Err(refusal));
        }
        sink.put(outgoing, row, self.staging.as_mut())
    }

    /// `name` is that of the one file, where there is one.
    fn finish(mut self, name: Option<&Path>) -> Result<ExportSummary, ExportError> {
        let progress = self.options.progress;
        let mut paths = Vec::new();
        for sink in std::mem::take(&mut self.sinks) {
            paths.push(sink.path.clone());
            self.summary
                .notes
                .extend(sink.finish(self.contents, progress)?);
        }
        let Some(mut staging) = self.staging.take() else {
            return Ok(self.summary);
        };
        if let Some(info) = self.target.dataset_info {
            add_dataset_info(&mut staging, &paths, info)?;
        }
        if let Some(origin) = self.options.origin {
            let path = match name {
                Some(name) => {
                    let mut path = name.as_os_str().to_owned();
                    path.push(".manifest.json");
                    PathBuf::from(path)
                }
                None => PathBuf::from("manifest.json"),
            };
            let mut text = serde_json::to_string_pretty(&self.manifest(origin))
                .map_err(std::io::Error::from)?;
            text.push('\n');
            staging.file(&path)?.write_all(text.as_bytes())?;
        }
        staging.commit()?;
        Ok(self.summary)
    }

    fn manifest(&mut self, origin: &'a Origin) -> Manifest<'a> {
        let split = self.options.split.map(|split| ManifestSplit {
            shares: split
                .shares()
                .iter()
                .map(|(n, s)| (n.as_str(), *s))
                .collect(),
            seed: split.seed(),
        });
        Manifest {
            retake: env!("CARGO_PKG_VERSION"),
            target: self.target.name,
            origin,
            include: self.options.include.iter().map(|w| w.name()).collect(),
            allow: self.options.allow.iter().map(|rule| rule.name).collect(),
            media: self.options.media.name(),
            split,
            max_tokens: self.options.tokens.map(TokenLimit::max_tokens),
            tokenizer: self.options.tokens.map(TokenLimit::model),
            left_out: left_out_counts(&self.summary.left_out),
            failed: failure_counts(&self.summary),
            files: std::mem::take(&mut self.files),
        }
    }
}

/// The pair that a row is.
fn pair_of<'o>(
    target: &Target,
    outgoing: &'o Outgoing,
    part: Option<&str>,
) -> Option<&'o crate::domain::PreferencePair> {
    let pairs = &outgoing.record.content.pairs;
    match part {
        Some(_) => pairs.iter().find(|pair| pair.part.as_deref() == part),
        None if target.holds == super::Holds::Pairs => pairs.first(),
        // A record that is a pair, and not one with several beside its trajectory.
        None => pairs.first().filter(|pair| pair.part.is_none()),
    }
}

const DATASET_INFO: &str = "dataset_info.json";

/// Adds files to the list from which LLaMA-Factory knows data sets, and keeps what else is in it.
fn add_dataset_info(
    staging: &mut Staging,
    files: &[PathBuf],
    info: fn(&str) -> serde_json::Value,
) -> Result<(), ExportError> {
    let path = Path::new(DATASET_INFO);
    let wrong = |reason: String| ExportError::DatasetInfo { reason };
    let mut list: serde_json::Map<String, serde_json::Value> = match staging.present(path)? {
        Some(text) => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
        None => serde_json::Map::new(),
    };
    for file in files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        list.insert(stem.into_owned(), info(&file.display().to_string()));
    }
    let mut text = serde_json::to_string_pretty(&list).map_err(std::io::Error::from)?;
    text.push('\n');
    staging.replacement(path)?.write_all(text.as_bytes())?;
    Ok(())
}
