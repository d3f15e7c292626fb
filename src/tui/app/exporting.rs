//! Exports: what is asked before one starts, and what is said when it ends.

use crate::export::{TARGETS, Target};
use crate::tui::effect::{Effect, Failure, JobId};
use crate::tui::export_request::{ExportRequest, ExportSettings, Exported, ExportedItems};
use crate::tui::overlays::{Choice, Confirm, ExportForm, Overlay, TextPage};
use crate::tui::question::Question;
use crate::tui::theme::Paint;

use super::{App, View};

impl App {
    /// What an export now would be about: what is in front, else what is marked, else all that is found.
    fn exported_items(&self) -> ExportedItems {
        match self.views.last() {
            Some(View::Replay(replay)) => ExportedItems::Items(vec![replay.id.clone()]),
            Some(View::Compare(compare)) => ExportedItems::Items(vec![compare.id.clone()]),
            _ if !self.corpus.list.marks.is_empty() => {
                ExportedItems::Items(self.corpus.list.marks.values().cloned().collect())
            }
            _ => ExportedItems::Found(self.corpus.list.finding.clone()),
        }
    }

    /// Asks for the form of the rows first.
    pub(super) fn ask_for_export(&mut self) {
        let width = TARGETS.iter().map(|target| target.name.len()).max();
        let width = width.unwrap_or(0);
        let option = |target: &Target| format!("{:width$}  {}", target.name, target.title);
        let last = self.export.as_ref().map(|settings| settings.target.name);
        let at = TARGETS
            .iter()
            .position(|target| Some(target.name) == last)
            .unwrap_or(0);
        let question = Question::ExportTarget(self.exported_items());
        let options = TARGETS.iter().map(option).collect();
        let choice = Choice::new("Export as", options, question).at(at);
        self.overlays.push(Overlay::Choice(choice));
    }

    /// Asks where to, and how.
    pub(super) fn ask_how_to_export(&mut self, items: ExportedItems, option: usize) {
        let Some(target) = TARGETS.get(option) else {
            return;
        };
        let settings = match &self.export {
            Some(settings) if settings.target.name == target.name => settings.clone(),
            _ => ExportSettings::of(target),
        };
        let what = match &items {
            ExportedItems::Found(_) => {
                format!("What is found: {}", items.words())
            }
            ExportedItems::Items(_) => items.words(),
        };
        let form = ExportForm::new(what, settings);
        self.exported = Some(items);
        self.overlays.push(Overlay::ExportForm(Box::new(form)));
    }

    /// Everything is set.
    pub(super) fn export_as_set(&mut self, settings: ExportSettings) {
        self.export = Some(settings.clone());
        if let Some(items) = self.exported.take() {
            self.start_export(ExportRequest {
                items,
                settings,
                overwrite: false,
            });
        }
    }

    pub(super) fn start_export(&mut self, request: ExportRequest) {
        let name = request.settings.target.name;
        let title = match request.settings.checks_only {
            true => format!("check {name}"),
            false => format!("export {name}"),
        };
        let (job, progress) = self.jobs.start(title);
        self.say("it runs; the bottom of the screen says how far", Paint::Dim);
        let effect = Effect::Export(job, Box::new(request), progress);
        self.effects.push(effect);
    }

    pub(super) fn export_ended(
        &mut self,
        job: JobId,
        request: ExportRequest,
        exported: Result<Exported, Failure>,
    ) {
        match exported {
            Ok(Exported::Done {
                said,
                details,
                is_partial,
            }) => {
                self.jobs.end(job, Ok(said.clone()));
                self.jobs.detail(job, details.clone());
                let is_free = self.overlays.is_empty();
                let is_typing = matches!(self.views.last(), Some(View::Edit(_)));
                // Nothing is put before somebody who is at something else.
                if is_free && !is_typing && !self.corpus.is_typing() {
                    let page = TextPage::new("Export", details);
                    self.overlays.push(Overlay::TextPage(page));
                }
                let paint = match is_partial {
                    true => Paint::Warning,
                    false => Paint::Good,
                };
                self.say(said, paint);
            }
            Ok(Exported::Exists(path)) => {
                let said = format!("{} is there already", path.display());
                self.jobs.end(job, Ok(said));
                let text = format!("{} is there already. Replace it?", path.display());
                let request = ExportRequest {
                    overwrite: true,
                    ..request
                };
                let question = Question::Overwrite(Box::new(request));
                self.overlays
                    .push(Overlay::Confirm(Confirm::new(text, question)));
            }
            Err(failure) => {
                self.jobs.end(job, Err(failure.clone()));
                self.fail(failure);
            }
        }
    }
}
