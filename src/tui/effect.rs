//! What `update` asks for and what comes back. Effects are data; [`super::backend`] is the only place where they happen.

use std::ops::Range;
use std::sync::Arc;

use ratatui::layout::Size;
use ratatui_image::picker::Picker;
use ratatui_image::protocol::Protocol;
use uuid::Uuid;

use crate::corpus::{Inspection, Listing};
use crate::domain::agreement::BlindFigures;
use crate::domain::{ContentHash, PictureReference, RecordId, TargetId};
use crate::index::Sort;
use crate::index::query::ResultKind;
use crate::jobs::Progress;
use crate::replay::TrajectoryReplay;

use super::decisions::Deed;
use super::export_request::{ExportRequest, Exported};
use super::rerun::{BranchLine, RerunNews, RerunOrder, RerunResult, RerunVerb};

/// Something that takes time or touches the world.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Open the corpus, and bring its index up to date.
    Open(JobId, Progress),
    /// Look whether sources or journals changed, and open the corpus anew if so.
    Refresh,
    /// Rows of the list.
    Search(SearchRequest),
    /// Facets of what is found.
    Count(CountRequest),
    /// All values of the fields that a query can name.
    ReadValues,
    /// A record, to look at.
    Inspect(InspectRequest),
    /// The next item that one has not reviewed.
    FindUnreviewed(UnreviewedRequest),
    /// The ids of everything that is found.
    FindAll(Finding),
    /// A picture for a place on the screen.
    Picture(PictureRequest),
    /// Save decisions.
    Commit(CommitRequest),
    /// Undo or redo.
    Reverse(Reversal),
    /// What was decided.
    ReadLog,
    /// Statistics of a query.
    ReadStatistics(StatisticsRequest),
    /// A file of a task, as text.
    ReadAttachment(RecordId, PictureReference),
    /// The steps of a trajectory run again.
    RunAgain(JobId, TargetId, Progress),
    /// What is selected, into a file; or what of it could be.
    Export(JobId, Box<ExportRequest>, Progress),
    /// New candidates for a step.
    Rerun(JobId, Box<RerunOrder>, Progress),
    /// The candidates that a record keeps of a finished re-run.
    ReadCandidates(JobId, Box<RerunOrder>),
    /// Something short with the candidates that a job made.
    OfRerun(JobId, RerunVerb),
    /// Something long with the candidates that a job made.
    WorkOnRerun(JobId, RerunVerb, Progress),
    /// What grew from the same trajectory.
    ReadBranches(RecordId),
    /// Keep the history and the saved queries.
    KeepQueries(KeptQueries),
    /// Edit a text in `$EDITOR`, for which the terminal is given back.
    EditExternally(ExternalEdit),
    /// Put a text on the clipboard.
    Copy(String),
    /// Stop as a process, and come back with `fg`.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}

/// A job's name in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

/// Which answer belongs to which request; later requests have greater tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The query as it is typed; half-typed is fine.
    pub query: String,
    /// What the results are, unless the query says so.
    pub kind: ResultKind,
    /// In which order.
    pub sort: Sort,
}

/// Rows of the list.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// The answer bears it.
    pub ticket: Ticket,
    /// What is looked for.
    pub finding: Finding,
    /// Which rows.
    pub rows: Range<usize>,
}

/// Facets of what is found.
#[derive(Debug, Clone)]
pub struct CountRequest {
    /// The answer bears it.
    pub ticket: Ticket,
    /// What is looked for.
    pub finding: Finding,
}

/// A record, to look at.
#[derive(Debug, Clone)]
pub struct InspectRequest {
    /// The answer bears it.
    pub ticket: Ticket,
    /// Which.
    pub id: TargetId,
    /// What for.
    pub purpose: Purpose,
}

/// What a record is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To stand beside the list.
    Preview,
    /// To be opened: at this step if one is named.
    Open(Option<u32>),
    /// The candidates that it keeps of a step are to be opened: of this one if it has some.
    Candidates(Option<u32>),
    /// It is open already, and something was decided about it.
    Again,
}

/// The next item of a list that one has not reviewed.
#[derive(Debug, Clone)]
pub struct UnreviewedRequest {
    /// What the list shows.
    pub finding: Finding,
    /// Behind which item; from the beginning without one, and again from there at the end.
    pub after: Option<TargetId>,
    /// Whether a pair that one voted on may come again.
    pub is_blind: bool,
}

/// A picture for a place on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PictureRequest {
    /// Whose roots its path is looked up in.
    pub record: RecordId,
    /// Which picture.
    pub reference: PictureReference,
    /// The room for it, in cells.
    pub room: Size,
    /// What is drawn over it.
    pub boxes: Vec<PictureBox>,
}

/// A box in an observation, in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PictureBox {
    /// Left, top, right, bottom.
    pub corners: [i32; 4],
    /// What it is said to be.
    pub label: String,
}

/// Decisions that are saved as one batch.
#[derive(Debug, Clone)]
pub struct CommitRequest {
    /// What is decided about each.
    pub decisions: Vec<Decision>,
    /// What was done, as it is told: `accepted`.
    pub done: String,
    /// Whether somebody in blind mode decides from outside of a pair: what takes knowing the sides is refused then.
    pub is_blind: bool,
}

/// A deed, and on what.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The trajectory or pair.
    pub id: TargetId,
    /// The content hash of the record as one saw it; a record that is another by now is not decided about.
    pub seen: Option<ContentHash>,
    /// What is decided.
    pub deed: Deed,
}

/// Back or forth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reversal {
    /// Undo the last decision of one's own.
    Undo,
    /// Redo what was undone last.
    Redo,
}

/// Statistics of a query.
#[derive(Debug, Clone)]
pub struct StatisticsRequest {
    /// The answer bears it.
    pub ticket: Ticket,
    /// What is looked at.
    pub query: String,
}

/// Queries that outlive the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct KeptQueries {
    /// Oldest first.
    pub history: Vec<String>,
    /// Names and queries.
    pub saved: Vec<(String, String)>,
}

/// A text that goes to `$EDITOR`.
#[derive(Debug, Clone)]
pub struct ExternalEdit {
    /// The text.
    pub text: String,
    /// The file's ending, so that the editor knows its colours.
    pub ending: &'static str,
}

/// What comes into the one inbox.
#[derive(Debug)]
pub enum Message {
    /// A key, the mouse, a paste, another size.
    Input(ratatui::crossterm::event::Event),
    /// Time has passed.
    Tick(std::time::Instant),
    /// The terminal has said what pictures it can show.
    Pictures(Picker),
    /// The corpus is open, or not.
    Opened(JobId, Result<Opened, Failure>),
    /// Sources or journals have changed, and the corpus shows it.
    Refreshed(Result<Vec<String>, Failure>),
    /// Rows of the list.
    Searched(Ticket, Range<usize>, Result<Found, Failure>),
    /// Facets.
    Counted(Ticket, Result<Vec<FacetCount>, Failure>),
    /// Values of fields.
    Values(Vec<(String, Vec<String>)>),
    /// A record.
    Inspected(InspectRequest, Result<Arc<Inspection>, Failure>),
    /// The next that is unreviewed, if there is one.
    Unreviewed(Result<Option<TargetId>, Failure>),
    /// Everything that is found.
    All(Result<Vec<TargetId>, Failure>),
    /// A picture, or why there is none.
    Picture(PictureRequest, Result<Encoded, String>),
    /// A picture was given up for newer ones.
    PictureGivenUp(PictureRequest),
    /// Decisions are saved, or not.
    Committed(Result<Committed, Failure>),
    /// The index has followed what was saved.
    Followed(Result<(), Failure>),
    /// What was decided.
    Log(Result<Vec<LogEntry>, Failure>),
    /// Statistics.
    Statistics(Ticket, Result<Box<Statistics>, Failure>),
    /// A file as text.
    Attachment(PictureReference, Result<String, String>),
    /// What came back from `$EDITOR`.
    Edited(Result<String, String>),
    /// The steps of a trajectory, run again.
    RunAgain(JobId, TargetId, Result<Arc<TrajectoryReplay>, Failure>),
    /// An export has ended.
    Exported(JobId, Box<ExportRequest>, Result<Exported, Failure>),
    /// A re-run is under way.
    RerunNews(JobId, RerunNews),
    /// A re-run has ended.
    Reran(JobId, Result<RerunResult, Failure>),
    /// A branch has grown: which, and how it ended.
    WentOn(JobId, Result<(TargetId, String), Failure>),
    /// What grew from the same trajectory.
    Branches(Result<Vec<BranchLine>, Failure>),
    /// A worker panicked.
    Broken(String),
    /// Somebody asked the process to end.
    Terminate,
}

/// What happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened and where.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

impl From<crate::report::Report> for Failure {
    fn from(report: crate::report::Report) -> Self {
        Self {
            message: report.message,
            hints: report.hints,
        }
    }
}

/// An opened corpus.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    /// Sources and how much they hold.
    pub sources: Vec<SourceLine>,
    /// What could not be done.
    pub warnings: Vec<String>,
    /// Queries of earlier days.
    pub kept: KeptQueries,
}

/// A source in a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceLine {
    /// Its name.
    pub name: String,
    /// How many trajectories and pairs.
    pub records: u64,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The rows asked for, and the count of all.
    pub listing: Listing,
    /// What is wrong in the query, if something is; the rest of it was looked for.
    pub problem: Option<String>,
    /// How long it took.
    pub took: std::time::Duration,
}

/// How often the values of a field occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetCount {
    /// The field.
    pub field: &'static str,
    /// Values and counts, most frequent first.
    pub values: Vec<(String, u64)>,
}

/// A picture as the terminal shows it.
#[derive(Clone)]
pub struct Encoded {
    /// What is drawn.
    pub protocol: Protocol,
    /// Pixels of the picture itself.
    pub pixels: (u32, u32),
}

impl std::fmt::Debug for Encoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encoded({}×{})", self.pixels.0, self.pixels.1)
    }
}

/// What was saved.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// What was done, as it is told.
    pub done: String,
    /// About what.
    pub about: Vec<TargetId>,
    /// What could not be done besides.
    pub warnings: Vec<String>,
}

/// What was decided together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The batch, or the only record of it.
    pub batch: Uuid,
    /// When, to the second.
    pub time: String,
    /// Who.
    pub annotator: String,
    /// What, and about what.
    pub said: Vec<(String, Vec<String>)>,
    /// Whether it no longer counts.
    pub is_undone: bool,
    /// Whether it undoes or redoes.
    pub is_reversal: bool,
}

/// Statistics of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// How many trajectories, steps and pairs.
    pub totals: [u64; 3],
    /// How many trajectories have so many steps.
    pub step_counts: Vec<(u64, u64)>,
    /// Fields with their counts.
    pub facets: Vec<(&'static str, Vec<(String, u64)>)>,
    /// How far annotators agree.
    pub agreement: Vec<AgreementLine>,
    /// How annotators vote in blind mode.
    pub votes: Vec<BlindFigures>,
}

/// How far annotators agree on a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgreementLine {
    /// What was asked.
    pub question: String,
    /// The share of agreeing pairs of ratings, if it is defined and may be seen.
    pub percent: Option<f64>,
    /// Krippendorff's α, likewise.
    pub alpha: Option<f64>,
    /// How many units were rated, likewise.
    pub units: Option<usize>,
}
