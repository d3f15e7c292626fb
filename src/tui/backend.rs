//! The only place where effects happen: each is performed on a worker's thread and answers with messages.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use ratatui_image::picker::Picker;

use crate::config::Config;
use crate::corpus::decision::DecisionWriter;
use crate::corpus::{Corpus, CorpusError, needs_refresh};
use crate::domain::TargetId;
use crate::domain::review::{Reference, due_again};
use crate::index::query::{FIELDS, FieldKind, LenientQuery, Query, ResultKind, parse_lenient};
use crate::jobs::Progress;
use crate::media::DecodeLimits;
use crate::report::Report;
use crate::sandbox::{Limits, Pool, WorkerCommand};
use crate::workspace::Workspace;

use super::effect::{
    CountRequest, Effect, FacetCount, Failure, Finding, Found, KeptQueries, Message, Opened,
    SearchRequest, SourceLine, UnreviewedRequest,
};
use super::rerunning::{MakeNamed, Reruns};
use super::{log_entries, picture_encoding, statistics};

/// The fields that facets count, in the order in which they are shown.
pub const FACETS: [&str; 12] = [
    "source", "review", "verdict", "outcome", "tool", "flag", "is", "has", "type", "label", "tag",
    "run",
];

/// The values that a row of the list shows.
pub const ROW_FIELDS: [&str; 7] = [
    "steps", "tool", "verdict", "outcome", "flag", "label", "has",
];

/// What effects work on.
pub struct Backend {
    workspace: Mutex<Workspace>,
    pub(super) config: Config,
    corpus: RwLock<Option<Arc<Corpus>>>,
    /// Opened at the first decision: who only looks leaves nothing behind.
    pub(super) writer: Mutex<Option<DecisionWriter>>,
    pub(super) user_folder: Option<PathBuf>,
    /// Pairs that came again since the start.
    shown_again: Mutex<HashSet<TargetId>>,
    pictures: picture_encoding::Encoder,
    pub(super) reruns: Reruns,
    /// What runs steps and reads documents; this program itself unless somebody says otherwise.
    sandbox: Option<WorkerCommand>,
    /// Where queries outlive the program.
    queries: Option<PathBuf>,
}

impl Backend {
    /// A backend of a workspace. `user_folder` is where a person's own files are.
    pub fn new(workspace: Workspace, config: Config, user_folder: Option<&Path>) -> Self {
        let limits = DecodeLimits {
            max_bytes: config.pictures.max_file_mb.saturating_mul(1 << 20),
            max_pixels: config.pictures.max_megapixels.saturating_mul(1_000_000),
            ..DecodeLimits::default()
        };
        Self {
            workspace: Mutex::new(workspace),
            config,
            corpus: RwLock::default(),
            writer: Mutex::default(),
            shown_again: Mutex::default(),
            user_folder: user_folder.map(Path::to_owned),
            pictures: picture_encoding::Encoder::new(limits),
            reruns: Reruns::default(),
            sandbox: None,
            queries: user_folder.map(|folder| folder.join("queries.json")),
        }
    }

    /// Another program as the sandbox's worker, for who is not `retake` itself.
    #[must_use]
    pub fn with_sandbox(mut self, command: WorkerCommand) -> Self {
        self.sandbox = Some(command);
        self
    }

    /// The same with controllers that this makes of their names.
    #[must_use]
    pub fn with_controllers(mut self, make: MakeNamed) -> Self {
        self.reruns.controllers = Some(make);
        self
    }

    /// A pool of workers for one job, which its progress can cancel.
    pub(super) fn pool(&self, progress: Progress) -> Result<Pool, Report> {
        self.pool_of(1, progress)
    }

    /// The same with more workers.
    pub(super) fn pool_of(&self, workers: usize, progress: Progress) -> Result<Pool, Report> {
        let command = match &self.sandbox {
            Some(command) => Ok(command.clone()),
            None => WorkerCommand::own(),
        };
        let command = command.map_err(|error| Report::from_error(&error))?;
        Ok(Pool::new(command, Limits::default(), workers, progress))
    }

    /// What the terminal can show from now on.
    pub fn show_pictures_with(&self, picker: Picker) {
        self.pictures.show_with(picker);
    }

    /// Performs an effect; what comes of it is told. Effects of the terminal itself are performed by the event loop.
    pub fn perform(&self, effect: Effect, tell: &dyn Fn(Message)) {
        match effect {
            Effect::Open(job, progress) => {
                let opened = self.open(&progress);
                tell(Message::Opened(job, opened.map_err(Failure::from)));
            }
            Effect::Refresh => {
                if let Some(refreshed) = self.refresh().transpose() {
                    tell(Message::Refreshed(refreshed.map_err(Failure::from)));
                }
            }
            Effect::Search(request) => {
                let found = self.search(&request).map_err(Failure::from);
                tell(Message::Searched(request.ticket, request.rows, found));
            }
            Effect::Count(request) => {
                let counted = self.count(&request).map_err(Failure::from);
                tell(Message::Counted(request.ticket, counted));
            }
            Effect::ReadValues => tell(Message::Values(self.values().unwrap_or_default())),
            Effect::Inspect(request) => {
                let inspected = self
                    .corpus()
                    .and_then(|corpus| corpus.inspect(&request.id).map_err(|e| corpus_report(&e)));
                let inspected = inspected.map(Arc::new).map_err(Failure::from);
                tell(Message::Inspected(request, inspected));
            }
            Effect::FindUnreviewed(request) => {
                let found = self.next_unreviewed(&request).map_err(Failure::from);
                tell(Message::Unreviewed(found));
            }
            Effect::FindAll(finding) => {
                let found = self.corpus().and_then(|corpus| {
                    let (query, _) = understood(&finding);
                    let items = corpus
                        .items_of(&query)
                        .map_err(|error| corpus_report(&error))?;
                    Ok(items.into_iter().map(|item| item.id).collect())
                });
                tell(Message::All(found.map_err(Failure::from)));
            }
            Effect::Picture(request) => {
                let corpus = self.corpus().ok();
                let roots = corpus.map(|corpus| corpus.roots(&request.record));
                let encoded = self.pictures.encode(&request, roots.as_ref());
                tell(Message::Picture(request, encoded));
            }
            Effect::Commit(request) => self.commit(&request, tell),
            Effect::Reverse(reversal) => self.reverse(reversal, tell),
            Effect::ReadLog => {
                let entries = self.corpus().and_then(|corpus| {
                    log_entries::read(&corpus).map_err(|error| corpus_report(&error))
                });
                tell(Message::Log(entries.map_err(Failure::from)));
            }
            Effect::ReadStatistics(request) => {
                let read = self.corpus().and_then(|corpus| {
                    statistics::read(&corpus, &request.query).map_err(|error| corpus_report(&error))
                });
                let read = read.map(Box::new).map_err(Failure::from);
                tell(Message::Statistics(request.ticket, read));
            }
            Effect::RunAgain(job, id, progress) => {
                let replayed = self.run_again(&id, &progress).map(Arc::new);
                tell(Message::RunAgain(job, id, replayed.map_err(Failure::from)));
            }
            Effect::ReadAttachment(record, reference) => {
                let corpus = self.corpus().map_err(|report| report.message);
                let text = corpus.and_then(|corpus| {
                    super::attachment_text::read(
                        &reference,
                        &corpus.roots(&record),
                        &self.pictures.limits(),
                        self.pool(Progress::default()),
                    )
                });
                tell(Message::Attachment(reference, text));
            }
            Effect::Export(job, request, progress) => {
                let exported = self.export(&request, &progress).map_err(Failure::from);
                tell(Message::Exported(job, request, exported));
            }
            Effect::Rerun(job, order, progress) => self.rerun(job, &order, &progress, tell),
            Effect::ReadCandidates(job, order) => self.read_candidates(job, &order, tell),
            Effect::OfRerun(job, verb) => self.of_rerun(job, &verb, tell),
            Effect::WorkOnRerun(job, verb, progress) => {
                self.work_on_rerun(job, &verb, &progress, tell);
            }
            Effect::ReadBranches(id) => {
                let branches = self.branches(&id).map_err(Failure::from);
                tell(Message::Branches(branches));
            }
            Effect::KeepQueries(kept) => self.keep_queries(&kept),
            // The event loop's own.
            Effect::EditExternally(_)
            | Effect::Copy(_)
            | Effect::Suspend
            | Effect::Redraw
            | Effect::Quit => {}
        }
    }

    pub(super) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The corpus as it was opened last.
    pub(super) fn corpus(&self) -> Result<Arc<Corpus>, Report> {
        let corpus = self.corpus.read().unwrap_or_else(PoisonError::into_inner);
        let corpus = corpus.as_ref().map(Arc::clone);
        corpus.ok_or_else(|| Report::failure("the corpus is not open yet"))
    }

    pub(super) fn show(&self, corpus: Corpus) {
        let mut shown = self.corpus.write().unwrap_or_else(PoisonError::into_inner);
        *shown = Some(Arc::new(corpus));
    }

    fn open(&self, progress: &Progress) -> Result<Opened, Report> {
        let workspace = self.workspace();
        let (corpus, refresh) = Corpus::open(&workspace, &self.config, progress, false)
            .map_err(|error| corpus_report(&error))?;
        let closed = refresh.closed.iter();
        let closed =
            closed.map(|(name, reason)| format!("source `{name}` can't be read: {reason}"));
        let behind = refresh.behind.iter();
        let behind = behind.map(|reason| format!("this may be old: {reason}"));
        let notices = corpus.journals().notices();
        let mut warnings: Vec<String> = closed.chain(behind).collect();
        warnings.extend(notices.iter().map(ToString::to_string));
        let sources = corpus.state().sources.iter().map(|source| SourceLine {
            name: source.name.clone(),
            records: source.counts.trajectories + source.counts.pairs,
        });
        let opened = Opened {
            sources: sources.collect(),
            warnings,
            kept: self.kept_queries(),
        };
        drop(workspace);
        self.show(corpus);
        Ok(opened)
    }

    /// Opens the corpus anew if something changed; what is to be said of it.
    pub(super) fn refresh(&self) -> Result<Option<Vec<String>>, Report> {
        let corpus = self.corpus()?;
        let workspace = self.workspace();
        let progress = Progress::default();
        if needs_refresh(&workspace, corpus.state()) {
            let opened = Corpus::open(&workspace, &self.config, &progress, false);
            let (corpus, refresh) = opened.map_err(|error| corpus_report(&error))?;
            drop(workspace);
            self.show(corpus);
            return Ok(Some(refresh.behind.into_iter().collect()));
        }
        let followed = corpus.followed(&workspace, &progress, false);
        drop(workspace);
        match followed {
            Ok((_, Some(corpus))) => {
                self.show(corpus);
                Ok(Some(Vec::new()))
            }
            // Somebody else is at it: the next look finds what they did.
            Ok((_, None)) | Err(CorpusError::Busy) => Ok(None),
            Err(error) => Err(corpus_report(&error)),
        }
    }

    fn search(&self, request: &SearchRequest) -> Result<Found, Report> {
        let start = Instant::now();
        let corpus = self.corpus()?;
        let (query, problem) = understood(&request.finding);
        let rows = &request.rows;
        let listing = corpus
            .list(
                &query,
                request.finding.sort,
                rows.start,
                rows.len(),
                &ROW_FIELDS,
            )
            .map_err(|error| corpus_report(&error))?;
        Ok(Found {
            listing,
            problem,
            took: start.elapsed(),
        })
    }

    fn count(&self, request: &CountRequest) -> Result<Vec<FacetCount>, Report> {
        let corpus = self.corpus()?;
        let (query, _) = understood(&request.finding);
        let summary = corpus
            .summarize(&query, &FACETS, &[])
            .map_err(|error| corpus_report(&error))?;
        let fields = FACETS.iter().zip(summary.facets);
        let counted = fields.map(|(field, counts)| FacetCount {
            field,
            values: by_count(counts),
        });
        Ok(counted.filter(|facet| !facet.values.is_empty()).collect())
    }

    /// What completion offers for fields whose values the data decides.
    fn values(&self) -> Result<Vec<(String, Vec<String>)>, Report> {
        let corpus = self.corpus()?;
        let fields = FIELDS.iter().filter(|field| {
            let counted = crate::index::KEYWORD_FIELDS.contains(&field.name);
            field.kind == FieldKind::Keyword && field.values.is_empty() && counted
        });
        let names: Vec<&str> = fields.map(|field| field.name).collect();
        let everything = Query {
            result_kind: ResultKind::Record,
            ..Query::default()
        };
        let summary = corpus
            .summarize(&everything, &names, &[])
            .map_err(|error| corpus_report(&error))?;
        let values = names.iter().zip(summary.facets).map(|(name, counts)| {
            let values = by_count(counts).into_iter().map(|(value, _)| value);
            ((*name).to_owned(), values.collect())
        });
        Ok(values.collect())
    }

    /// The next item behind one, in the list's own order, that the annotator has given no verdict on; in blind mode now and then
    /// a pair that they voted on before.
    fn next_unreviewed(&self, request: &UnreviewedRequest) -> Result<Option<TargetId>, Report> {
        const PAGE: usize = 200;
        let corpus = self.corpus()?;
        if let Some(again) = self.shown_again(&corpus, request, false) {
            return Ok(Some(again));
        }
        let (query, _) = understood(&request.finding);
        let query = match query.result_kind {
            ResultKind::Step => Query {
                result_kind: ResultKind::Trajectory,
                ..query
            },
            _ => query,
        };
        let annotator = self.config.review.annotator.as_str();
        let mut first = None;
        let mut behind = request.after.is_none();
        for page in 0.. {
            let ids = corpus
                .list_ids(&query, request.finding.sort, page * PAGE, PAGE)
                .map_err(|error| corpus_report(&error))?;
            let is_last = ids.len() < PAGE;
            for (id, hash) in ids {
                let is_after = Some(&id) == request.after.as_ref();
                if !is_after && !has_verdict(&corpus, &id, &hash, annotator) {
                    if behind {
                        return Ok(Some(id));
                    }
                    first.get_or_insert(id);
                }
                behind |= is_after;
            }
            if is_last {
                break;
            }
        }
        Ok(first.or_else(|| self.shown_again(&corpus, request, true)))
    }

    /// A pair that the annotator voted on in blind mode and that is to come again; only behind a vote, and each once.
    fn shown_again(
        &self,
        corpus: &Corpus,
        request: &UnreviewedRequest,
        is_end: bool,
    ) -> Option<TargetId> {
        let after = request.after.as_ref().filter(|_| request.is_blind)?;
        let review = &self.config.review;
        let voted: Vec<Arc<Reference>> = {
            let journals = corpus.journals();
            let votes = journals.reviews().blind_votes(&review.annotator);
            votes.into_iter().cloned().collect()
        };
        let ids: Vec<&TargetId> = voted.iter().map(|reference| &reference.id).collect();
        if !ids.contains(&after) {
            return None;
        }
        let mut shown = self
            .shown_again
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let due = due_again(&review.annotator, &ids, review.repeat, is_end);
        let again = due.into_iter().find(|id| {
            let is_new = *id != after && !shown.contains(*id);
            let voted = voted.iter().find(|reference| reference.id == **id);
            // What became another pair is another question.
            let is_same = |reference: &Arc<Reference>| {
                let record = corpus.find(id);
                record.is_ok_and(|record| record.hash == reference.hash)
            };
            is_new && voted.is_some_and(is_same)
        })?;
        shown.insert(again.clone());
        Some(again.clone())
    }

    fn kept_queries(&self) -> KeptQueries {
        let text = self
            .queries
            .as_ref()
            .and_then(|path| std::fs::read_to_string(path).ok());
        // What can't be read is a convenience lost, and no reason not to start.
        let kept = text.and_then(|text| serde_json::from_str(&text).ok());
        kept.unwrap_or_default()
    }

    fn keep_queries(&self, kept: &KeptQueries) {
        let Some(path) = &self.queries else { return };
        let Ok(text) = serde_json::to_string_pretty(kept) else {
            return;
        };
        if let Some(folder) = path.parent() {
            // The file itself tells whether the folder is there.
            let _ = std::fs::create_dir_all(folder);
        }
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        if std::fs::write(&beside, text).is_ok() && std::fs::rename(&beside, path).is_err() {
            let _ = std::fs::remove_file(&beside);
        }
    }
}

/// What a finding looks for, and what of it could not be understood.
pub fn understood(finding: &Finding) -> (Query, Option<String>) {
    let LenientQuery { mut query, notes } = parse_lenient(&finding.query);
    if query.result_kind == ResultKind::Record {
        query.result_kind = finding.kind;
    }
    let problem = notes.first().map(|note| note.kind.to_string());
    (query, problem)
}

/// Most frequent first.
pub fn by_count(counts: crate::index::FacetCounts) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), value.clone()));
    counts
}

fn has_verdict(
    corpus: &Corpus,
    id: &TargetId,
    hash: &crate::domain::ContentHash,
    annotator: &str,
) -> bool {
    let review = corpus.full_review(id, hash);
    review.adjudication.is_some() || review.verdicts.contains_key(annotator)
}

/// A corpus's error with what to do about it.
pub(super) fn corpus_report(error: &CorpusError) -> Report {
    let report = Report::from_error(error);
    match error {
        CorpusError::Damaged(_) => report.hint("`retake index --rebuild` makes it anew"),
        CorpusError::Busy => report.hint("wait for it, or look at what is there already"),
        _ => report,
    }
}
