//! The state of the TUI and the one function that changes it: a message in, effects out. Nothing here touches the world.

use std::sync::Arc;
use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::{Event, KeyEvent, KeyEventKind, MouseEvent};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::corpus::Inspection;
use crate::domain::TargetId;

use super::action::{Action, Scope};
use super::decisions::{self, Asked};
use super::draw_context::DrawContext;
use super::effect::{
    CommitRequest, Effect, Failure, InspectRequest, JobId, Message, Purpose, Reversal, Ticket,
};
use super::key::Key;
use super::keymap::{Keymap, Pressed, words};
use super::overlays::{Answer, Help, Notice, Outcome, Overlay, Palette, TextPage};
use super::question::Question;
use super::subject::Subject;
use super::theme::{ColorDepth, Paint, THEMES, Theme};
use super::views::Request;
use super::views::compare::CompareView;
use super::views::corpus::CorpusView;
use super::views::edit::{EditView, Purpose as EditPurpose};
use super::views::jobs::JobsView;
use super::views::log::LogView;
use super::views::replay::ReplayView;
use super::views::statistics::StatisticsView;
use super::widgets::picture::PictureStore;
use super::widgets::styled_text::cut;

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
    Edit(Box<EditView>),
    Statistics,
    Jobs,
    Log,
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
    opening: Option<JobId>,
    /// Whether new pairs are looked at without knowing which side is which.
    is_blind: bool,
    effects: Vec<Effect>,
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
            options,
            corpus: CorpusView::default(),
            statistics: StatisticsView::default(),
            jobs: JobsView::default(),
            log: LogView::default(),
            views: Vec::new(),
            asked_about: Vec::new(),
            pictures,
            pressed: Vec::new(),
            said: None,
            opening: None,
            is_blind: false,
            effects: Vec::new(),
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
            Some(View::Edit(_)) => Scope::Edit,
            Some(View::Statistics) => Scope::Stats,
            Some(View::Jobs) => Scope::Jobs,
            Some(View::Log) => Scope::Log,
        }
    }

    /// Takes a message; returns what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
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
                        let count = opened.sources.len();
                        self.jobs.end(job, Ok(format!("{count} sources")));
                        self.corpus.set_kept(opened.kept);
                        if let Some(warning) = opened.warnings.first() {
                            self.say(warning.clone(), Paint::Warning);
                        }
                        self.effects.push(Effect::ReadValues);
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
                self.effects.push(Effect::ReadValues);
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
            Message::Inspected(request, record) => self.inspected(&request, record),
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
            Message::Broken(reason) => {
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
        std::mem::take(&mut self.effects)
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
                _ => {}
            }
        }
        if matches!(self.views.last(), Some(View::Log)) {
            self.effects.push(Effect::ReadLog);
        }
    }

    fn inspected(&mut self, request: &InspectRequest, record: Result<Arc<Inspection>, Failure>) {
        match (request.purpose, record) {
            (Purpose::Preview, record) => self.corpus.inspected(request, record),
            (Purpose::Open(step), Ok(record)) => self.open(request.id.clone(), record, step),
            (Purpose::Again, Ok(record)) => {
                for view in &mut self.views {
                    match view {
                        View::Replay(replay) if replay.id == request.id => {
                            replay.renew(Arc::clone(&record))
                        }
                        View::Compare(compare) if compare.id == request.id => {
                            compare.renew(Arc::clone(&record))
                        }
                        _ => {}
                    }
                }
            }
            (_, Err(failure)) => self.fail(failure),
        }
    }

    fn open(&mut self, id: TargetId, record: Arc<Inspection>, step: Option<u32>) {
        let highlighter = self.corpus.highlighter();
        let is_pair = id.part.is_some() || record.current.content.trajectory.is_none();
        let view = match is_pair {
            true => View::Compare(Box::new(CompareView::new(
                id,
                record,
                highlighter,
                self.is_blind,
            ))),
            false => View::Replay(Box::new(ReplayView::new(id, record, highlighter, step))),
        };
        // In a queue the next item takes the place of the one before.
        let replaces = self.corpus.is_queue
            && matches!(self.views.last(), Some(View::Replay(_) | View::Compare(_)));
        if replaces {
            self.views.pop();
        }
        self.views.push(view);
    }

    fn go_to_unreviewed(&mut self, found: Result<Option<crate::corpus::ListedHit>, Failure>) {
        let found = match found {
            Ok(found) => found,
            Err(failure) => return self.fail(failure),
        };
        let next = found.as_ref().map(|row| row.hit.id.clone());
        let requests = self.corpus.go_to(found);
        self.grant(requests);
        let is_open = matches!(self.views.last(), Some(View::Replay(_) | View::Compare(_)));
        match next {
            Some(id) if is_open => {
                if !self.corpus.is_queue {
                    self.views.pop();
                }
                self.effects.push(Effect::Inspect(InspectRequest {
                    ticket: Ticket::default(),
                    id,
                    purpose: Purpose::Open(None),
                }));
            }
            None if is_open && self.corpus.is_queue => {
                self.views.pop();
            }
            _ => {}
        }
    }

    fn committed(&mut self, committed: Result<super::effect::Committed, Failure>) {
        let committed = match committed {
            Ok(committed) => committed,
            Err(failure) => return self.fail(failure),
        };
        let about = match committed.about.as_slice() {
            [one] => format!("  {one}"),
            [] => String::new(),
            many => format!("  {} items", many.len()),
        };
        let mut text = format!("{}{about}", committed.done);
        let mut paint = Paint::Good;
        if let Some(warning) = committed.warnings.first() {
            text.push_str(&format!("; {warning}"));
            paint = Paint::Warning;
        }
        self.say(text, paint);
        self.corpus.list.marks.clear();
        self.look_again();
        let is_verdict = ["accepted", "rejected", "called equally good"]
            .iter()
            .any(|verdict| committed.done.starts_with(verdict));
        if self.corpus.is_queue && is_verdict {
            let next = self
                .corpus
                .unreviewed_after(committed.about.last().cloned());
            self.grant(vec![next]);
        }
    }

    fn edited(&mut self, edited: Result<String, String>) {
        match (edited, self.views.last_mut()) {
            (Ok(text), Some(View::Edit(view))) => {
                // Editors end a file with a line break.
                let ends = view.text().ends_with('\n');
                let text = match ends {
                    true => text.as_str(),
                    false => text.strip_suffix('\n').unwrap_or(&text),
                };
                view.set_text(text);
            }
            (Err(reason), _) => self.fail(Failure {
                message: format!("$EDITOR can't be used: {reason}"),
                hints: vec!["set VISUAL or EDITOR to the name of an editor".to_owned()],
            }),
            _ => {}
        }
    }

    fn input(&mut self, event: &Event) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(key),
            Event::Paste(text) => self.paste(text),
            Event::Mouse(mouse) => self.mouse(mouse),
            _ => {}
        }
    }

    fn press(&mut self, event: &KeyEvent) {
        self.said = None;
        if let Some(overlay) = self.overlays.last_mut() {
            // Leaving works from everywhere.
            let key = Key::of(event);
            let quits = key.is_some_and(|key| {
                self.options.keymap.pressed(Scope::Global, &[key]) == Pressed::Action(Action::Quit)
            });
            if quits {
                return self.act(Action::Quit);
            }
            let outcome = overlay.press(event);
            return self.take_outcome(outcome);
        }
        let Some(key) = Key::of(event) else { return };
        let scope = self.scope();
        let mut keys = std::mem::take(&mut self.pressed);
        let goes_on = !keys.is_empty();
        keys.push(key);
        match self.options.keymap.pressed(scope, &keys) {
            Pressed::Action(action) => self.act(action),
            Pressed::Incomplete => self.pressed = keys,
            // What was begun is dropped, and the key counts by itself.
            Pressed::Nothing if goes_on => match self.options.keymap.pressed(scope, &[key]) {
                Pressed::Action(action) => self.act(action),
                Pressed::Incomplete => self.pressed = vec![key],
                Pressed::Nothing => self.type_key(event, key, scope),
            },
            Pressed::Nothing => self.type_key(event, key, scope),
        }
    }

    fn type_key(&mut self, event: &KeyEvent, key: Key, scope: Scope) {
        match scope {
            Scope::Query => {
                let requests = self.corpus.type_key(event);
                self.grant(requests);
            }
            Scope::Edit => {
                // Leaving works from everywhere.
                if self.options.keymap.pressed(Scope::Global, &[key])
                    == Pressed::Action(Action::Quit)
                    && !key.is_text()
                {
                    return self.act(Action::CancelEdit);
                }
                if let Some(View::Edit(view)) = self.views.last_mut() {
                    view.press(event);
                }
            }
            _ => {
                let text = format!("{} does nothing here: ? lists the keys", words(&[key]));
                self.say(text, Paint::Dim);
            }
        }
        if scope == Scope::Query
            && self.options.keymap.pressed(Scope::Global, &[key]) == Pressed::Action(Action::Quit)
            && !key.is_text()
        {
            self.act(Action::Quit);
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(overlay) = self.overlays.last_mut() {
            return overlay.paste(text);
        }
        match self.views.last_mut() {
            Some(View::Edit(view)) => view.paste(text),
            None => {
                let requests = self.corpus.paste(text);
                self.grant(requests);
            }
            _ => {}
        }
    }

    fn mouse(&mut self, event: &MouseEvent) {
        if let Some(overlay) = self.overlays.last_mut() {
            let outcome = overlay.mouse(event);
            return self.take_outcome(outcome);
        }
        let requests = match self.views.last_mut() {
            None => self.corpus.mouse(event),
            Some(View::Replay(replay)) => replay.mouse(event),
            Some(View::Compare(compare)) => compare.mouse(event),
            Some(View::Edit(view)) => view.mouse(event),
            Some(View::Statistics) => self.statistics.mouse(event),
            Some(View::Jobs) => self.jobs.mouse(event),
            Some(View::Log) => self.log.mouse(event),
        };
        self.grant(requests);
    }

    fn take_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Stay => {}
            Outcome::Close => {
                self.overlays.pop();
            }
            Outcome::Answer(answer) => {
                self.overlays.pop();
                self.answer(answer);
            }
        }
    }

    fn answer(&mut self, answer: Answer) {
        let subjects = self.asked_about.clone();
        match answer {
            Answer::Run(action) => self.act(action),
            Answer::Rejected(why) => self.commit(decisions::rejection(&subjects, why)),
            Answer::Confirmed(Question::Commit(request)) => self.commit(*request),
            Answer::Confirmed(Question::DropEdit) => {
                self.views.pop();
            }
            Answer::Confirmed(_) => {}
            Answer::Text(question, text) => self.answer_text(&question, &text, &subjects),
            Answer::Chosen(question, option) => self.answer_choice(question, option, &subjects),
        }
    }

    fn answer_text(&mut self, question: &Question, text: &str, subjects: &[Subject]) {
        if text.is_empty() {
            return;
        }
        match question {
            Question::Tag => {
                let tag = crate::domain::review::TagName {
                    tag: text.to_owned(),
                };
                self.commit(decisions::commit(
                    subjects,
                    &format!("tagged {text}"),
                    &decisions::Deed::Tag(tag),
                ));
            }
            Question::Untag(_) => self.untag(subjects, text),
            Question::SaveQuery => {
                let requests = self.corpus.save_query(text);
                self.grant(requests);
            }
            Question::GoToStep => {
                if let Some(View::Replay(replay)) = self.views.last_mut() {
                    let requests = match text.parse() {
                        Ok(number) => replay.go_to_step(number),
                        Err(_) => vec![Request::Say(format!("`{text}` is no number"))],
                    };
                    self.grant(requests);
                }
            }
            _ => {}
        }
    }

    fn untag(&mut self, subjects: &[Subject], tag: &str) {
        let done = format!("took the tag {tag} away");
        let tag = crate::domain::review::TagName {
            tag: tag.to_owned(),
        };
        self.commit(decisions::commit(
            subjects,
            &done,
            &decisions::Deed::Untag(tag),
        ));
    }

    fn answer_choice(&mut self, question: Question, option: usize, subjects: &[Subject]) {
        match question {
            Question::Untag(tags) => {
                if let Some(tag) = tags.get(option) {
                    self.untag(subjects, tag);
                }
            }
            Question::UseQuery(queries) => {
                if let Some(query) = queries.get(option) {
                    let requests = self.corpus.set_query(query);
                    self.grant(requests);
                }
            }
            Question::EditField(fields) => {
                if let (Some((field, side)), Some(subject)) = (fields.get(option), subjects.first())
                {
                    self.edit(subject, *field, *side);
                }
            }
            Question::Attachment(record, files) => {
                if let Some(file) = files.get(option) {
                    self.effects
                        .push(Effect::ReadAttachment(record, file.clone()));
                }
            }
            Question::PairCandidate(count) => {
                let Some(subject) = subjects.first() else {
                    return;
                };
                if option < count {
                    if let Some(request) = decisions::pair_with_candidate(subject, option) {
                        self.commit(request);
                    }
                } else {
                    self.write_candidate(subject);
                }
            }
            Question::Adjudicate => self.commit(decisions::ruling(subjects, option)),
            _ => {}
        }
    }

    /// An editor for a better candidate, which begins with what the step says.
    fn write_candidate(&mut self, subject: &Subject) {
        let record = subject.record.as_ref();
        let trajectory = record.and_then(|record| record.current.content.trajectory.as_ref());
        let step = subject
            .step
            .and_then(|number| trajectory?.steps.get(number.checked_sub(1)?));
        let Some(step) = step else { return };
        let thought = step.thought.as_deref().unwrap_or_default();
        let code = step.code().unwrap_or_default();
        let text = format!("Thought: {thought}\nCode:\n```py\n{code}\n```");
        let title = format!(
            "A better candidate than step {} of {}",
            subject.step.unwrap_or(0),
            subject.id
        );
        let view = EditView::new(title, &text, false, EditPurpose::Candidate(subject.clone()));
        self.views.push(View::Edit(Box::new(view)));
    }

    fn edit(
        &mut self,
        subject: &Subject,
        field: crate::domain::review::Field,
        side: Option<crate::domain::review::Side>,
    ) {
        match decisions::field_editor(subject, field, side) {
            Ok(view) => self.views.push(View::Edit(Box::new(view))),
            Err(reason) => self.say(reason, Paint::Warning),
        }
    }

    fn commit(&mut self, request: CommitRequest) {
        if self.options.annotator.is_empty() {
            return self.fail(Failure {
                message: "nobody knows who reviews".to_owned(),
                hints: vec![
                    "start with --as-user NAME, or set `annotator` under [review] in the settings"
                        .to_owned(),
                ],
            });
        }
        self.effects.push(Effect::Commit(request));
    }

    fn decide(&mut self, action: Action, subjects: Vec<Subject>) {
        // The pane that has the focus says what is edited.
        if action == Action::EditField
            && let Some(View::Replay(replay)) = self.views.last()
            && let Some(field) = replay.pane_in_focus().and_then(|pane| pane.field())
            && let Some(subject) = subjects.first()
        {
            let subject = subject.clone();
            return self.edit(&subject, field, None);
        }
        let asked = decisions::ask(action, &subjects, &self.options.reasons);
        self.asked_about = subjects;
        match asked {
            Asked::Commit(request) => self.commit(request),
            Asked::Overlay(overlay) => self.overlays.push(*overlay),
            Asked::Editor(view) => self.views.push(View::Edit(view)),
            Asked::Say(text) => self.say(text, Paint::Warning),
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
            action => self.act_in_view(action),
        }
    }

    fn go(&mut self, view: View) {
        let is_page = |view: &View| matches!(view, View::Statistics | View::Jobs | View::Log);
        self.views.retain(|view| !is_page(view));
        self.views.push(view);
    }

    fn back(&mut self) {
        if self.views.pop().is_none() {
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
                    _ => {}
                }
            }
            let preview = self.corpus.look_again();
            self.grant(preview.into_iter().collect());
        }
    }

    fn save_edit(&mut self) {
        let Some(View::Edit(view)) = self.views.last() else {
            return;
        };
        if !view.is_changed() && matches!(view.purpose, EditPurpose::Field(_)) {
            self.views.pop();
            return self.say("nothing was changed", Paint::Dim);
        }
        match decisions::saved(view) {
            Ok(request) => {
                self.views.pop();
                self.commit(request);
            }
            // What was typed stays.
            Err(reason) => self.fail(Failure {
                message: reason,
                hints: Vec::new(),
            }),
        }
    }

    fn act_in_view(&mut self, action: Action) {
        let requests = match self.views.last_mut() {
            None if self.corpus.is_typing() => self.corpus.act_in_line(action),
            None => self.corpus.act(action),
            Some(View::Replay(replay)) => match action {
                Action::NextUnreviewed => {
                    vec![self.corpus.unreviewed_after(Some(replay.id.clone()))]
                }
                Action::ToggleQueue => self.corpus.act(action),
                action => replay.act(action, &self.options.theme),
            },
            Some(View::Compare(compare)) => match action {
                Action::NextUnreviewed => {
                    vec![self.corpus.unreviewed_after(Some(compare.id.clone()))]
                }
                Action::ToggleQueue => self.corpus.act(action),
                Action::ChooseLeft | Action::ChooseRight => {
                    let side = compare.side(action == Action::ChooseLeft);
                    let deed = decisions::Deed::Prefer(side);
                    let subject = compare.subject();
                    let request = decisions::commit(&[subject], "accepted", &deed);
                    compare.is_blind = false;
                    self.commit(request);
                    return;
                }
                Action::ToggleBlind => {
                    self.is_blind = !compare.is_blind;
                    compare.act(action)
                }
                action => compare.act(action),
            },
            Some(View::Edit(view)) => view.act(action),
            Some(View::Statistics) => self.statistics.act(action),
            Some(View::Jobs) => self.jobs.act(action),
            Some(View::Log) => self.log.act(action),
        };
        self.grant(requests);
    }

    fn grant(&mut self, requests: Vec<Request>) {
        for request in requests {
            match request {
                Request::Do(effect) => self.effects.push(effect),
                Request::Show(overlay) => self.overlays.push(*overlay),
                Request::Decide(action, subjects) => self.decide(action, subjects),
                Request::Say(text) => self.say(text, Paint::Warning),
                Request::Close => {
                    self.views.pop();
                }
            }
        }
    }

    /// Draws everything.
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let buffer = frame.buffer_mut();
        let mut context = DrawContext {
            theme: &self.options.theme,
            keymap: &self.options.keymap,
            pictures: &mut self.pictures,
            cursor: None,
        };
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let text = format!(
                "{}×{} is too small: retake needs {}×{}",
                area.width, area.height, SMALLEST.0, SMALLEST.1
            );
            let lines = super::widgets::styled_text::lines(
                &text,
                context.style(Paint::Warning),
                &[],
                usize::from(area.width),
                super::widgets::styled_text::Wrapping::Words,
            );
            for (line, y) in lines.iter().zip(area.y..area.bottom()) {
                buffer.set_line(area.x, y, line, area.width);
            }
            return;
        }
        buffer.set_style(area, context.style(Paint::Text));
        let body = Rect {
            height: area.height - 1,
            ..area
        };
        match self.views.last_mut() {
            None => self.corpus.draw(body, buffer, &mut context),
            Some(View::Replay(replay)) => replay.draw(body, buffer, &mut context),
            Some(View::Compare(compare)) => compare.draw(body, buffer, &mut context),
            Some(View::Edit(view)) => view.draw(body, buffer, &mut context),
            Some(View::Statistics) => self.statistics.draw(body, buffer, &mut context),
            Some(View::Jobs) => self.jobs.draw(body, buffer, &mut context),
            Some(View::Log) => self.log.draw(body, buffer, &mut context),
        }
        let status = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        buffer.set_style(status, context.style(Paint::Status));
        let right = right_of_status(&self.options, &self.corpus, &self.jobs);
        let right_width = u16::try_from(super::widgets::styled_text::width(&right))
            .unwrap_or(0)
            .min(area.width / 2);
        let left = match (&self.said, self.pressed.is_empty()) {
            (_, false) => Span::styled(
                format!(" {} …", words(&self.pressed)),
                context.style(Paint::Key),
            ),
            (Some((text, paint)), _) => Span::styled(format!(" {text}"), context.style(*paint)),
            (None, _) => Span::styled(
                hints(
                    &self.options.keymap,
                    self.views.last(),
                    self.corpus.is_typing(),
                ),
                context.style(Paint::Dim),
            ),
        };
        let room = usize::from(area.width.saturating_sub(right_width + 1));
        let left = Span::styled(cut(&left.content, room), left.style);
        buffer.set_line(status.x, status.y, &Line::from(left), status.width);
        let right = cut(&right, usize::from(right_width));
        buffer.set_string(
            status.right() - right_width,
            status.y,
            right,
            context.style(Paint::Dim),
        );
        // Only the overlay in front has the cursor.
        for overlay in &mut self.overlays {
            context.cursor = None;
            overlay.draw(body, buffer, &mut context);
        }
        if let Some(cursor) = context.cursor {
            frame.set_cursor_position(cursor);
        }
    }
}

fn right_of_status(options: &AppOptions, corpus: &CorpusView, jobs: &JobsView) -> String {
    let mut parts = Vec::new();
    if let Some(job) = jobs.running() {
        parts.push(job);
    }
    if corpus.is_queue {
        parts.push("queue".to_owned());
    }
    if !options.annotator.is_empty() {
        parts.push(options.annotator.clone());
    }
    parts.push(options.title.clone());
    format!("{} ", parts.join(" · "))
}

/// A few keys of the view in front.
fn hints(keymap: &Keymap, view: Option<&View>, is_typing: bool) -> String {
    let (scope, actions): (Scope, &[(Action, &str)]) = match view {
        None if is_typing => (
            Scope::Query,
            &[
                (Action::AcceptQuery, "done"),
                (Action::Complete, "completes"),
                (Action::OlderQuery, "history"),
                (Action::CancelQuery, "back"),
            ],
        ),
        None => (
            Scope::Corpus,
            &[
                (Action::EditQuery, "search"),
                (Action::Open, "open"),
                (Action::Accept, "accept"),
                (Action::Reject, "reject"),
                (Action::Mark, "mark"),
                (Action::Help, "help"),
                (Action::Palette, "actions"),
            ],
        ),
        Some(View::Replay(_)) => (
            Scope::Replay,
            &[
                (Action::PreviousStep, "back"),
                (Action::NextStep, "next step"),
                (Action::Accept, "accept"),
                (Action::Reject, "reject"),
                (Action::EditField, "edit"),
                (Action::LabelBad, "bad step"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Compare(_)) => (
            Scope::Compare,
            &[
                (Action::Accept, "accept"),
                (Action::Swap, "swap"),
                (Action::Tie, "tie"),
                (Action::Reject, "reject"),
                (Action::EditField, "edit"),
                (Action::ToggleBlind, "blind"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Edit(_)) => (Scope::Edit, &[]),
        Some(View::Statistics) => (
            Scope::Stats,
            &[(Action::Back, "back"), (Action::Help, "help")],
        ),
        Some(View::Jobs) => (
            Scope::Jobs,
            &[
                (Action::CancelJob, "cancel"),
                (Action::Back, "back"),
                (Action::Help, "help"),
            ],
        ),
        Some(View::Log) => (
            Scope::Log,
            &[
                (Action::Undo, "undo"),
                (Action::Redo, "redo"),
                (Action::Open, "open"),
                (Action::Back, "back"),
            ],
        ),
    };
    let named = actions.iter().filter_map(|(action, word)| {
        let chords = keymap.chords(scope, *action);
        chords.first().map(|chord| format!("{chord} {word}"))
    });
    format!(" {}", named.collect::<Vec<_>>().join("   "))
}
