//! The state of the TUI and the one function that changes it: a message in, effects out. Nothing here touches the world.

mod acting;
mod answers;
mod arrivals;
mod drawing;
mod exporting;
mod keys;
mod rerunning;

use std::sync::Arc;
use std::time::Duration;

use ratatui::crossterm::event::Event;

use crate::domain::TargetId;

use crate::tui::action::{Action, Scope};
use crate::tui::effect::{
    Effect, Failure, InspectRequest, JobId, Message, Purpose, Reversal, Ticket,
};
use crate::tui::export_request::{ExportSettings, ExportedItems};
use crate::tui::key::Key;
use crate::tui::keymap::Keymap;
use crate::tui::overlays::{Help, Notice, Overlay, Palette, TextPage};
use crate::tui::rerun::RerunSettings;
use crate::tui::subject::Subject;
use crate::tui::theme::{ColorDepth, Paint, THEMES, Theme};
use crate::tui::views::compare::CompareView;
use crate::tui::views::corpus::CorpusView;
use crate::tui::views::edit::EditView;
use crate::tui::views::jobs::JobsView;
use crate::tui::views::log::LogView;
use crate::tui::views::replay::ReplayView;
use crate::tui::views::rerun::RerunView;
use crate::tui::views::statistics::StatisticsView;
use crate::tui::widgets::picture::PictureStore;

/// A smaller terminal shows only that it is too small.
pub const SMALLEST: (u16, u16) = (60, 15);

/// What the app starts with.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// Which keys do what.
    pub keymap: Keymap,
    /// The colours.
    pub theme: Theme,
    /// What the terminal shows of them.
    pub depth: ColorDepth,
    /// Who reviews; empty if nobody knows.
    pub annotator: String,
    /// Reasons for a rejection.
    pub reasons: Vec<String>,
    /// The model that makes new candidates unless somebody names another; empty if there is none.
    pub model: String,
    /// How new candidates for a step are made.
    pub rerun: RerunSettings,
    /// Whether pictures are drawn.
    pub draws_pictures: bool,
    /// What the corpus is called: a folder, or the demo.
    pub title: String,
    /// What is to be said at the start.
    pub warnings: Vec<Failure>,
}

/// A view in front of the corpus.
#[derive(Debug)]
enum View {
    Replay(Box<ReplayView>),
    Compare(Box<CompareView>),
    Rerun(Box<RerunView>),
    Edit(Box<EditView>),
    Statistics,
    Jobs,
    Log,
}

impl View {
    fn compared(&mut self) -> Option<&mut CompareView> {
        match self {
            Self::Compare(compare) => Some(compare),
            _ => None,
        }
    }
}

/// Everything that is on the screen, and what is known for it.
#[derive(Debug)]
pub struct App {
    options: AppOptions,
    corpus: CorpusView,
    statistics: StatisticsView,
    jobs: JobsView,
    log: LogView,
    /// The last one is in front; the corpus is behind them all.
    views: Vec<View>,
    /// The last one is in front.
    overlays: Vec<Overlay>,
    /// What verbs of the overlay in front are about.
    asked_about: Vec<Subject>,
    pictures: PictureStore,
    pressed: Vec<Key>,
    said: Option<(String, Paint)>,
    /// How the last export was made.
    export: Option<ExportSettings>,
    /// What the export form in front is about.
    exported: Option<ExportedItems>,
    opening: Option<JobId>,
    /// Whether the values that queries can name are known, or asked for: nobody needs them before they type.
    knows_values: bool,
    effects: Vec<Effect>,
    /// Whether a record is on its way that is to be opened: what is typed meanwhile is meant for its view.
    waits_for_record: bool,
    held: Vec<Event>,
    is_over: bool,
}

impl App {
    /// An app, and what it asks for first.
    pub fn new(options: AppOptions) -> (Self, Vec<Effect>) {
        let pictures = PictureStore::new(options.draws_pictures);
        let overlays = options.warnings.iter().cloned();
        let overlays = overlays.map(|failure| Overlay::Notice(Notice::new(failure)));
        let mut app = Self {
            overlays: overlays.collect(),
            corpus: CorpusView::of(&options.annotator),
            options,
            statistics: StatisticsView::default(),
            jobs: JobsView::default(),
            log: LogView::default(),
            views: Vec::new(),
            asked_about: Vec::new(),
            pictures,
            pressed: Vec::new(),
            said: None,
            export: None,
            exported: None,
            opening: None,
            knows_values: false,
            effects: Vec::new(),
            waits_for_record: false,
            held: Vec::new(),
            is_over: false,
        };
        let (job, progress) = app.jobs.start("open the corpus");
        app.opening = Some(job);
        app.effects.push(Effect::Open(job, progress));
        let effects = std::mem::take(&mut app.effects);
        (app, effects)
    }

    /// Whether somebody left.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// When time is to be told next.
    pub fn next_tick(&self) -> Option<Duration> {
        match self.views.last() {
            Some(View::Replay(replay)) => replay.next_tick(),
            _ if self.opening.is_some() => Some(Duration::from_millis(100)),
            _ => None,
        }
    }

    /// Where keys are looked up.
    pub fn scope(&self) -> Scope {
        match self.views.last() {
            None if self.corpus.is_typing() => Scope::Query,
            None => Scope::Corpus,
            Some(View::Replay(_)) => Scope::Replay,
            Some(View::Compare(_)) => Scope::Compare,
            Some(View::Rerun(_)) => Scope::Rerun,
            Some(View::Edit(_)) => Scope::Edit,
            Some(View::Statistics) => Scope::Stats,
            Some(View::Jobs) => Scope::Jobs,
            Some(View::Log) => Scope::Log,
        }
    }

    /// Takes a message; returns what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Input(event) if self.waits_for_record && !self.quits(&event) => {
                self.held.push(event);
            }
            Message::Input(event) => self.input(&event),
            Message::Tick(now) => {
                if let Some(View::Replay(replay)) = self.views.last_mut() {
                    replay.tick(now);
                }
            }
            Message::Pictures(_) => self.pictures.clear(),
            Message::Opened(job, opened) => {
                self.opening = None;
                match opened {
                    Ok(opened) => {
                        let sources = match opened.sources.len() {
                            1 => "1 source".to_owned(),
                            count => format!("{count} sources"),
                        };
                        self.jobs.end(job, Ok(sources));
                        self.corpus.set_kept(opened.kept);
                        if let Some(warning) = opened.warnings.first() {
                            self.say(warning.clone(), Paint::Warning);
                        }
                        self.knows_values = false;
                        self.find_again();
                    }
                    Err(failure) => {
                        self.jobs.end(job, Err(failure.clone()));
                        self.fail(failure);
                    }
                }
            }
            Message::Refreshed(Ok(warnings)) => {
                if let Some(warning) = warnings.first() {
                    self.say(warning.clone(), Paint::Warning);
                }
                self.knows_values = false;
                self.find_again();
                self.look_again();
            }
            Message::Refreshed(Err(failure)) => {
                self.say(failure.message.clone(), Paint::Bad);
                self.jobs.failed("look for changes", failure);
            }
            Message::Searched(ticket, rows, found) => {
                let requests = self.corpus.found(ticket, &rows, found);
                self.grant(requests);
            }
            Message::Counted(ticket, counted) => {
                self.corpus.counted(ticket, counted.unwrap_or_default())
            }
            Message::Values(values) => self.corpus.set_values(values),
            Message::Inspected(request, record) => {
                self.inspected(&request, record);
                if matches!(request.purpose, Purpose::Open(_) | Purpose::Candidates(_)) {
                    self.waits_for_record = false;
                }
            }
            Message::Unreviewed(found) => self.go_to_unreviewed(found),
            Message::All(Ok(ids)) => {
                let requests = self.corpus.mark_all(ids);
                self.grant(requests);
            }
            Message::All(Err(failure)) => self.fail(failure),
            Message::Picture(request, result) => self.pictures.arrived(request, result),
            Message::PictureGivenUp(request) => self.pictures.given_up(&request),
            Message::Committed(committed) => self.committed(committed),
            Message::Followed(followed) => {
                if let Err(failure) = followed {
                    self.say(failure.message.clone(), Paint::Warning);
                    self.jobs.failed("follow the journal", failure);
                }
                self.find_again();
            }
            Message::Log(entries) => self.log.arrived(entries),
            Message::Statistics(ticket, figures) => self.statistics.arrived(ticket, figures),
            Message::Attachment(reference, Ok(text)) => {
                let page = TextPage::new(reference.label(), text);
                self.overlays.push(Overlay::TextPage(page));
            }
            Message::Attachment(reference, Err(reason)) => self.fail(Failure {
                message: format!("{} can't be shown: {reason}", reference.label()),
                hints: Vec::new(),
            }),
            Message::Edited(edited) => self.edited(edited),
            Message::Exported(job, request, exported) => self.export_ended(job, *request, exported),
            Message::RunAgain(job, id, replayed) => self.ran_again(job, &id, replayed),
            Message::RerunNews(job, news) => self.rerun_heard(job, news),
            Message::Reran(job, result) => self.reran(job, result),
            Message::WentOn(job, ended) => self.went_on(job, ended),
            Message::Branches(branches) => self.show_branches(branches),
            Message::Broken(reason) => {
                self.waits_for_record = false;
                self.say(format!("a part of retake failed: {reason}"), Paint::Bad);
                let hints = vec![
                    "this is a fault of retake: what it did last would help to find it".to_owned(),
                ];
                self.jobs.failed(
                    "a worker",
                    Failure {
                        message: reason,
                        hints,
                    },
                );
            }
            Message::Terminate => self.leave(),
        }
        self.take_held();
        if self.corpus.is_typing() && self.opening.is_none() && !self.knows_values {
            self.knows_values = true;
            self.effects.push(Effect::ReadValues);
        }
        std::mem::take(&mut self.effects)
    }

    /// Takes what was typed while a record was on its way, until the next one is.
    fn take_held(&mut self) {
        let opens = |effect: &Effect| matches!(effect, Effect::Inspect(request) if matches!(request.purpose, Purpose::Open(_) | Purpose::Candidates(_)));
        self.waits_for_record |= self.effects.iter().any(opens);
        let mut held = std::mem::take(&mut self.held).into_iter();
        while !self.waits_for_record
            && let Some(event) = held.next()
        {
            self.input(&event);
            self.waits_for_record = self.effects.iter().any(opens);
        }
        self.held = held.collect();
    }

    /// Pictures that were drawn and are not there yet.
    pub fn wanted_pictures(&mut self) -> Vec<Effect> {
        self.pictures
            .take_wanted()
            .into_iter()
            .map(Effect::Picture)
            .collect()
    }

    fn say(&mut self, text: impl Into<String>, paint: Paint) {
        self.said = Some((text.into(), paint));
    }

    fn fail(&mut self, failure: Failure) {
        self.overlays.push(Overlay::Notice(Notice::new(failure)));
    }

    fn leave(&mut self) {
        self.jobs.cancel_all();
        self.is_over = true;
        self.effects.push(Effect::Quit);
    }

    fn find_again(&mut self) {
        let requests = self.corpus.find(true);
        self.grant(requests);
    }

    /// Reads anew what is in front: something was decided, or its source changed.
    fn look_again(&mut self) {
        let preview = self.corpus.look_again();
        self.grant(preview.into_iter().collect());
        let again = |id: &TargetId| {
            Effect::Inspect(InspectRequest {
                ticket: Ticket::default(),
                id: id.clone(),
                purpose: Purpose::Again,
            })
        };
        for view in &self.views {
            match view {
                View::Replay(replay) => self.effects.push(again(&replay.id)),
                View::Compare(compare) => self.effects.push(again(&compare.id)),
                View::Rerun(rerun) => self.effects.push(again(&rerun.id)),
                _ => {}
            }
        }
        if matches!(self.views.last(), Some(View::Log)) {
            self.effects.push(Effect::ReadLog);
        }
    }

    /// Does what a key, the palette or the mouse asks for.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Help => self.overlays.push(Overlay::Help(Help::new(self.scope()))),
            Action::Palette => self
                .overlays
                .push(Overlay::Palette(Palette::new(self.scope()))),
            Action::Quit => self.leave(),
            Action::Back => self.back(),
            Action::Suspend => self.effects.push(Effect::Suspend),
            Action::Redraw => {
                self.pictures.clear();
                self.effects.push(Effect::Redraw);
            }
            Action::Refresh if matches!(self.views.last(), Some(View::Statistics | View::Log)) => {
                self.act_in_view(action)
            }
            Action::Refresh => {
                self.say("looking for changes", Paint::Dim);
                self.effects.push(Effect::Refresh);
            }
            Action::GoCorpus => self.views.clear(),
            Action::GoStats => {
                let ask = self.statistics.ask(self.corpus.query());
                self.grant(vec![ask]);
                self.go(View::Statistics);
            }
            Action::GoJobs => self.go(View::Jobs),
            Action::GoLog => {
                self.effects.push(Effect::ReadLog);
                self.go(View::Log);
            }
            Action::NextTheme => self.next_theme(),
            Action::Undo => self.effects.push(Effect::Reverse(Reversal::Undo)),
            Action::Redo => self.effects.push(Effect::Reverse(Reversal::Redo)),
            Action::SaveEdit => self.save_edit(),
            Action::Export => self.ask_for_export(),
            Action::Branches => self.ask_for_branches(),
            Action::Rerun if self.scope() == Scope::Replay => self.rerun_step(),
            action => self.act_in_view(action),
        }
    }

    fn go(&mut self, view: View) {
        let is_page = |view: &View| matches!(view, View::Statistics | View::Jobs | View::Log);
        self.views.retain(|view| !is_page(view));
        self.views.push(view);
    }

    fn back(&mut self) {
        let left = self.views.pop();
        if let Some(View::Rerun(rerun)) = &left {
            rerun.leave();
        }
        if left.is_none() {
            let keys = self.options.keymap.chords(Scope::Corpus, Action::Quit);
            let key = keys.first().map_or("", String::as_str);
            self.say(format!("this is the corpus: {key} leaves"), Paint::Dim);
        }
    }

    fn next_theme(&mut self) {
        let at = THEMES
            .iter()
            .position(|(name, _)| *name == self.options.theme.name);
        let (name, _) = THEMES[(at.unwrap_or(0) + 1) % THEMES.len()];
        if let Ok(theme) = Theme::named(name, self.options.depth) {
            self.options.theme = theme;
            self.say(format!("colours: {name}"), Paint::Dim);
            for view in &mut self.views {
                match view {
                    View::Replay(replay) => {
                        let record = Arc::clone(replay.record());
                        replay.renew(record);
                    }
                    View::Compare(compare) => {
                        let record = Arc::clone(compare.record());
                        compare.renew(record);
                    }
                    View::Rerun(rerun) => rerun.forget_lines(),
                    _ => {}
                }
            }
            let preview = self.corpus.look_again();
            self.grant(preview.into_iter().collect());
        }
    }
}
