//! What a person answered to an overlay, and decisions on their way to the journal.

use crate::domain::review::{Field, Side, TagName};
use crate::tui::action::Action;
use crate::tui::decisions::{self, Asked, Deed};
use crate::tui::effect::{CommitRequest, Effect, Failure};
use crate::tui::overlays::Answer;
use crate::tui::question::Question;
use crate::tui::subject::Subject;
use crate::tui::theme::Paint;
use crate::tui::views::edit::{EditView, Purpose};
use crate::tui::views::{self, Request};

use super::{App, View};

impl App {
    pub(super) fn answer(&mut self, answer: Answer) {
        let subjects = self.asked_about.clone();
        match answer {
            Answer::Run(action) => self.act(action),
            Answer::Rejected(why) => self.commit(decisions::rejection(&subjects, why)),
            Answer::Confirmed(Question::Commit(request)) => self.commit(*request),
            Answer::Confirmed(Question::DropEdit) => {
                self.views.pop();
            }
            Answer::Confirmed(Question::Overwrite(request)) => self.start_export(*request),
            Answer::Confirmed(_) => {}
            Answer::Export(settings) => self.export_as_set(*settings),
            Answer::Rerun(settings) => self.rerun_as_set(*settings),
            Answer::Text(question, text) => self.answer_text(&question, &text, &subjects),
            Answer::Chosen(question, option) => self.answer_choice(question, option, &subjects),
        }
    }

    pub(super) fn answer_text(&mut self, question: &Question, text: &str, subjects: &[Subject]) {
        if text.is_empty() {
            return;
        }
        match question {
            Question::Tag => {
                let tag = TagName {
                    tag: text.to_owned(),
                };
                self.commit(decisions::commit(
                    subjects,
                    &format!("tagged {text}"),
                    &Deed::Tag(tag),
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

    pub(super) fn untag(&mut self, subjects: &[Subject], tag: &str) {
        let done = format!("took the tag {tag} away");
        let tag = TagName {
            tag: tag.to_owned(),
        };
        self.commit(decisions::commit(subjects, &done, &Deed::Untag(tag)));
    }

    pub(super) fn answer_choice(
        &mut self,
        question: Question,
        option: usize,
        subjects: &[Subject],
    ) {
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
            Question::OpenRecord(records) => {
                if let Some(record) = records.get(option) {
                    self.effects.push(views::open_record(record));
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
            Question::ExportTarget(items) => self.ask_how_to_export(items, option),
            Question::Adjudicate => self.commit(decisions::ruling(subjects, option)),
            _ => {}
        }
    }

    /// An editor for a better candidate, which begins with what the step says.
    pub(super) fn write_candidate(&mut self, subject: &Subject) {
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
        let view = EditView::new(title, &text, false, Purpose::Candidate(subject.clone()));
        self.views.push(View::Edit(Box::new(view)));
    }

    pub(super) fn edit(&mut self, subject: &Subject, field: Field, side: Option<Side>) {
        match decisions::field_editor(subject, field, side) {
            Ok(view) => self.views.push(View::Edit(Box::new(view))),
            Err(reason) => self.say(reason, Paint::Warning),
        }
    }

    pub(super) fn commit(&mut self, mut request: CommitRequest) {
        request.is_blind = self.corpus.is_blind() && self.views.is_empty();
        if self.options.annotator.is_empty() {
            self.take_votes_back();
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

    pub(super) fn decide(&mut self, action: Action, subjects: Vec<Subject>) {
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

    pub(super) fn save_edit(&mut self) {
        let Some(View::Edit(view)) = self.views.last() else {
            return;
        };
        if !view.is_changed() && matches!(view.purpose, Purpose::Field(_)) {
            self.views.pop();
            return self.say("nothing was changed", Paint::Dim);
        }
        if let Purpose::OwnCandidate(job) = view.purpose {
            let text = view.text();
            return match self.run_own_candidate(job, &text) {
                Ok(()) => drop(self.views.pop()),
                Err(message) => self.fail(Failure {
                    message,
                    hints: Vec::new(),
                }),
            };
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
}
