use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::{Config, user_folder};
use crate::corpus::{Corpus, CorpusError, Refresh};
use crate::index::query::{Query, parse};
use crate::jobs::Progress;
use crate::prompts::Prompts;
use crate::report::{Kind, Report};
use crate::workspace::{Workspace, WorkspaceError};

use super::output::Output;
use super::{Cli, annotator, demo};

/// What every command starts from.
pub struct Session {
    /// Settings; the annotator of these is who reviews in this call, empty if nobody knows.
    pub config: Config,
    user_folder: Option<PathBuf>,
    workspace: Option<PathBuf>,
    demo: bool,
}

impl Session {
    pub(super) fn new(cli: &Cli) -> Result<Self, Report> {
        let user_folder = user_folder();
        let file = user_folder
            .as_deref()
            .map(|folder| folder.join("config.toml"));
        let mut config =
            Config::load(file.as_deref()).map_err(|error| Report::from_error(&error))?;
        let annotator = annotator::annotator(cli.as_user.as_deref(), &config.review.annotator);
        config.review.annotator = annotator;
        Ok(Self {
            config,
            user_folder,
            workspace: cli.workspace.clone(),
            demo: cli.demo,
        })
    }

    /// The folder of the user's own settings.
    pub fn user_folder(&self) -> Option<&Path> {
        self.user_folder.as_deref()
    }

    /// Where prompts come from: the user's own, then those of a trusted workspace, then the embedded ones.
    pub fn prompts(&self, workspace: &Workspace) -> Prompts {
        const FOLDER: &str = "prompts";
        let own = self.user_folder.iter().map(|folder| folder.join(FOLDER));
        let shared = workspace
            .is_trusted()
            .then(|| workspace.folder().join(FOLDER));
        Prompts::new(own.chain(shared).collect())
    }

    /// The workspace of this call.
    pub fn workspace(&self) -> Result<Workspace, Report> {
        let user = self.user_folder.as_deref();
        if self.demo {
            return demo::workspace(user);
        }
        let found = match &self.workspace {
            Some(folder) => Workspace::open(folder, user),
            None => Workspace::find(Path::new("."), user),
        };
        found.map_err(workspace_report)
    }

    /// The workspace of this call, made here if there is none.
    pub fn workspace_or_new(&self) -> Result<(Workspace, bool), Report> {
        let user = self.user_folder.as_deref();
        let found = match &self.workspace {
            Some(folder) => Workspace::open(folder, user),
            None => Workspace::find(Path::new("."), user),
        };
        match found {
            Ok(workspace) => Ok((workspace, false)),
            Err(WorkspaceError::NotFound(_)) => {
                let root = self.workspace.as_deref().unwrap_or(Path::new("."));
                let made = Workspace::create(root, user).map_err(workspace_report)?;
                Ok((made, true))
            }
            Err(error) => Err(workspace_report(error)),
        }
    }

    /// An error if this call is about the demo, which is for looking only.
    pub fn refuse_demo(&self) -> Result<(), Report> {
        if self.demo {
            return Err(Report::usage("the demo can't be changed")
                .hint("without --demo, `retake add PATH` makes a workspace here"));
        }
        Ok(())
    }

    /// The corpus, brought up to date, with a progress bar where people watch. `wait` waits for another process that is
    /// indexing; without it its last commit is shown.
    pub fn corpus(
        &self,
        workspace: &Workspace,
        wait: bool,
        output: &Output,
    ) -> Result<Corpus, Report> {
        let (corpus, refresh) = self.refreshed(workspace, wait, output)?;
        tell(&refresh, output);
        if corpus.other_eyes().is_some() {
            output.note(
                "warning: what people decided is neither searched nor counted: the index has what another may see",
            );
        }
        Ok(corpus)
    }

    /// [`Session::corpus`], with what bringing it up to date did, of which nothing is told yet.
    pub fn refreshed(
        &self,
        workspace: &Workspace,
        wait: bool,
        output: &Output,
    ) -> Result<(Corpus, Refresh), Report> {
        with_progress(output, INDEXING, |progress| {
            Corpus::open(workspace, &self.config, progress, wait)
        })
        .map_err(|error| corpus_report(&error))
    }

    /// Workspace and corpus in one.
    pub fn open(&self, output: &Output) -> Result<Corpus, Report> {
        self.corpus(&self.workspace()?, false, output)
    }
}

/// What a refresh could not do.
pub fn tell(refresh: &Refresh, output: &Output) {
    for (name, reason) in &refresh.closed {
        output.note(format!("warning: source `{name}` can't be read: {reason}"));
    }
    if let Some(reason) = &refresh.behind {
        output.note(format!("warning: this may be old: {reason}"));
    }
}

/// A query as people type it, strictly.
pub fn parse_query(words: &[String]) -> Result<Query, Report> {
    let text = words.join(" ");
    parse(&text).map_err(|error| {
        Report::usage(format!("the query is wrong\n{}", error.render(&text)))
            .hint("retake help query")
    })
}

/// How a command ends whose corpus has unreadable records, or sources that can't be read at all.
pub fn partial(corpus: &Corpus, some_closed: bool) -> Option<Kind> {
    let unread: u64 = corpus.state().sources.iter().map(|s| s.counts.unread).sum();
    (unread > 0 || some_closed).then_some(Kind::Partial)
}

/// The bar of a job that counts bytes; its message says what comes after them.
pub const INDEXING: &str =
    "indexing {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left{msg}";

/// The bar of a job that counts records.
pub const EXPORTING: &str = "exporting {wide_bar} {pos}/{len} {per_sec} {eta} left";

/// Runs a job with a bar; Ctrl-C stops the job, and what it had committed stays.
pub fn with_progress<T>(
    output: &Output,
    bar_form: &'static str,
    job: impl FnOnce(&Progress) -> T,
) -> T {
    with_bar(!output.is_quiet(), bar_form, job)
}

/// [`with_progress`] for a job that prints while it runs: the bar is shown if `is_shown`.
pub fn with_bar<T>(is_shown: bool, bar_form: &'static str, job: impl FnOnce(&Progress) -> T) -> T {
    let target = if is_shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template(bar_form) {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let show = move |progress: &Progress| {
        let (amount, total) = progress.amounts();
        if total > 0 {
            shown.set_length(total);
            shown.set_position(amount);
            // What is read still has to be put together; more may turn up to be read.
            shown.set_message(if amount >= total { ", merging" } else { "" });
        }
    };
    let result = watched(show, job);
    bar.finish_and_clear();
    result
}

/// Runs a job that Ctrl-C stops.
pub fn interruptible<T>(job: impl FnOnce(&Progress) -> T) -> T {
    watched(|_| {}, job)
}

fn watched<T>(show: impl Fn(&Progress) + Send + 'static, job: impl FnOnce(&Progress) -> T) -> T {
    let progress = Progress::default();
    let interrupt = Interrupt::start();
    let done = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let (progress, done) = (progress.clone(), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Relaxed) {
                show(&progress);
                if interrupt.is_requested() {
                    progress.cancel();
                }
                std::thread::park_timeout(Duration::from_millis(50));
            }
        }
    });
    let result = job(&progress);
    done.store(true, Ordering::Relaxed);
    watcher.thread().unpark();
    let _ = watcher.join();
    interrupt.end();
    result
}

/// Ctrl-C: asks a job to stop while one runs, ends the program as usual otherwise.
#[derive(Clone, Copy)]
struct Interrupt {
    idle: &'static Arc<AtomicBool>,
    requested: &'static Arc<AtomicBool>,
}

impl Interrupt {
    /// A job starts. Handlers can't be taken back, so they are registered once and told whether a job runs.
    fn start() -> Self {
        static FLAGS: LazyLock<[Arc<AtomicBool>; 2]> = LazyLock::new(|| {
            let [idle, requested] = [true, false].map(|on| Arc::new(AtomicBool::new(on)));
            let signal = signal_hook::consts::SIGINT;
            let ends = signal_hook::flag::register_conditional_default(signal, Arc::clone(&idle));
            // Without the first, the second would make Ctrl-C dead outside of jobs.
            if ends.is_ok() {
                let _ = signal_hook::flag::register(signal, Arc::clone(&requested));
            }
            [idle, requested]
        });
        let [idle, requested] = &*FLAGS;
        requested.store(false, Ordering::Relaxed);
        idle.store(false, Ordering::Relaxed);
        Self { idle, requested }
    }

    fn is_requested(self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    fn end(self) {
        self.idle.store(true, Ordering::Relaxed);
    }
}

/// A workspace's error with what to do about it.
pub fn workspace_report(error: WorkspaceError) -> Report {
    let report = Report::from_error(&error);
    match error {
        WorkspaceError::NotFound(_) => report
            .hint("`retake add PATH` makes a workspace here and reads PATH")
            .hint("`retake --demo search boat` looks into the built-in demo"),
        WorkspaceError::NameTaken { .. } => report.hint("give the new one a name: --name NAME"),
        WorkspaceError::NoSource(_) => report.hint("`retake sources` lists them"),
        WorkspaceError::NotTrusted | WorkspaceError::NotTrustedTools => {
            report.hint("look at .retake/workspace.toml, then run `retake trust`")
        }
        _ => report,
    }
}

/// A corpus's error with what to do about it.
pub fn corpus_report(error: &CorpusError) -> Report {
    let report = Report::from_error(error);
    match error {
        CorpusError::Cancelled(_) => report.hint("what was indexed stays; `retake index` goes on"),
        CorpusError::Damaged(_) => report.hint("`retake index --rebuild` makes it anew"),
        CorpusError::NoRecord(_) => report.hint("`retake search QUERY --format ids` lists ids"),
        CorpusError::OtherEyes { .. } => report
            .hint("`retake index` makes it anew where .retake/ can be written and nobody else is indexing")
            .hint("what is shown of a record is what you may see: retake show ID"),
        CorpusError::Busy => report.hint("wait for it, or look at what is there already"),
        _ => report,
    }
}
