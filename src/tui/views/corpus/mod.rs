//! The corpus: a search line, facets, what is found, and a preview of what is selected.

mod facet_list;
mod finding;
mod focus;
mod layout;
mod preview;
mod result_list;
mod search_line;
mod typing;

use crate::domain::TargetId;
use crate::index::query::ResultKind;
use crate::index::{DocumentKind, Highlighter, Sort};
use crate::tui::action::Action;
use crate::tui::backend::understood;
use crate::tui::effect::{Effect, InspectRequest, Purpose, Ticket, UnreviewedRequest};
use crate::tui::overlays::{Choice, FullPicture, Overlay, Prompt};
use crate::tui::question::Question;
use crate::tui::subject::Subject;

use super::{Request, open_candidates, open_gold};

pub use result_list::{ResultList, thousands};

use facet_list::FacetList;
use focus::Focus;
use layout::Splits;
use preview::Preview;
use search_line::SearchLine;

/// Orders that a key goes through.
const SORTS: [&str; 6] = ["score", "source", "-steps", "steps", "-bytes", "-pictures"];

/// Kinds of results that a key goes through.
const KINDS: [ResultKind; 4] = [
    ResultKind::Record,
    ResultKind::Trajectory,
    ResultKind::Step,
    ResultKind::Pair,
];

/// The corpus view.
#[derive(Debug, Default)]
pub struct CorpusView {
    /// The search line.
    line: SearchLine,
    /// What is found.
    pub list: ResultList,
    facets: FacetList,
    focus: Focus,
    hides_facets: bool,
    hides_preview: bool,
    saved: Vec<(String, String)>,
    preview: Preview,
    /// Greater with each preview asked for.
    ticket: Ticket,
    /// A verdict leads on to the next item that is unreviewed.
    pub is_queue: bool,
    /// Whether pairs are looked at without knowing which side is which.
    is_blind: bool,
    annotator: String,
    splits: Splits,
}

impl CorpusView {
    /// The corpus as this annotator looks at it.
    pub fn of(annotator: &str) -> Self {
        Self {
            annotator: annotator.to_owned(),
            ..Self::default()
        }
    }

    /// Whether pairs are looked at without knowing which side is which.
    pub fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// Turns blind mode on or off.
    pub fn set_blind(&mut self, is_blind: bool) {
        self.is_blind = is_blind;
        self.preview.shown = None;
    }

    /// Whether keys are text.
    pub fn is_typing(&self) -> bool {
        self.line.is_typing
    }

    /// The query.
    pub fn query(&self) -> &str {
        self.line.text()
    }

    /// Values that completion offers.
    pub fn set_values(&mut self, values: Vec<(String, Vec<String>)>) {
        self.line.values = values.into_iter().collect();
    }

    /// What the query looks for, to be marked in texts.
    pub fn highlighter(&self) -> Highlighter {
        Highlighter::from_query(&understood(&self.list.finding).0)
    }

    /// The next unreviewed item was looked for.
    pub fn go_to(&mut self, next: Option<TargetId>) -> Vec<Request> {
        let Some(next) = next else {
            return vec![Request::Say(
                "everything that is found is reviewed".to_owned(),
            )];
        };
        match self.list.select(&next) {
            true => self.look().into_iter().collect(),
            false => vec![self.look_at(next)],
        }
    }

    /// What verbs are about: what is marked, else what is selected.
    pub fn subjects(&self) -> Vec<Subject> {
        if !self.list.marks.is_empty() {
            return self
                .list
                .marks
                .values()
                .cloned()
                .map(Subject::listed)
                .collect();
        }
        let selected = self.list.selected().map(|row| row.hit.id.clone());
        let subject = selected.map(|id| {
            let record = self.preview.record.as_ref();
            let record = record.filter(|record| {
                record.record.id == id.record && self.preview.wanted.as_ref() == Some(&id)
            });
            Subject {
                record: record.cloned(),
                ..Subject::listed(id)
            }
        });
        subject.into_iter().collect()
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let moved = match action {
            Action::Down => self.move_by(1),
            Action::Up => self.move_by(-1),
            Action::PageDown => self.move_by(self.page()),
            Action::PageUp => self.move_by(-self.page()),
            Action::First => self.move_by(isize::MIN / 2),
            Action::Last => self.move_by(isize::MAX / 2),
            _ => None,
        };
        if let Some(requests) = moved {
            return requests;
        }
        match action {
            Action::NextPane => self.turn_focus(1),
            Action::PreviousPane => self.turn_focus(-1),
            Action::Left => self.focus_left(),
            Action::Right => self.focus_right(),
            Action::Open if self.focus == Focus::Facets => return self.toggle(false),
            Action::Open => return self.open(),
            Action::EditQuery => self.line.begin(),
            Action::ClearQuery => return self.set_query(""),
            Action::Include => return self.toggle(false),
            Action::Exclude => return self.toggle(true),
            Action::NextKind => {
                let at = KINDS
                    .iter()
                    .position(|kind| *kind == self.list.finding.kind);
                let next = KINDS[(at.unwrap_or(0) + 1) % KINDS.len()];
                self.list.finding.kind = next;
                return self.find(false);
            }
            Action::NextSort => {
                let at = SORTS
                    .iter()
                    .position(|name| Sort::named(name) == Some(self.list.finding.sort));
                let mut next = (at.unwrap_or(0) + 1) % SORTS.len();
                if next == 0 && self.line.text().trim().is_empty() {
                    next = 1;
                }
                self.list.finding.sort = Sort::named(SORTS[next]).unwrap_or(Sort::Source);
                let finding = self.list.finding.clone();
                let request = self.list.find(finding, false);
                return vec![Request::Do(Effect::Search(request))];
            }
            Action::ToggleFacets => {
                self.hides_facets = !self.hides_facets;
                if self.hides_facets && self.focus == Focus::Facets {
                    self.focus = Focus::Results;
                } else if !self.hides_facets {
                    self.focus = Focus::Facets;
                }
            }
            Action::TogglePreview => {
                self.hides_preview = !self.hides_preview;
                if self.focus == Focus::Preview {
                    self.focus = Focus::Results;
                }
            }
            Action::Mark => {
                self.list.toggle_mark();
                return self.move_results(1);
            }
            Action::MarkAll => {
                return vec![Request::Do(Effect::FindAll(self.list.finding.clone()))];
            }
            Action::ClearMarks => self.list.marks.clear(),
            Action::SaveQuery if self.line.text().trim().is_empty() => {
                return vec![Request::Say("there is no query to keep".to_owned())];
            }
            Action::SaveQuery => {
                let prompt =
                    Prompt::new("Keep the query as", self.line.text(), Question::SaveQuery);
                return vec![Request::Show(Box::new(Overlay::Prompt(prompt)))];
            }
            Action::SavedQueries if self.saved.is_empty() => {
                return vec![Request::Say("no query was kept yet".to_owned())];
            }
            Action::SavedQueries => {
                let options = self
                    .saved
                    .iter()
                    .map(|(name, query)| format!("{name}: {query}"));
                let queries = self.saved.iter().map(|(_, query)| query.clone()).collect();
                let choice = Choice::new(
                    "Kept queries",
                    options.collect(),
                    Question::UseQuery(queries),
                );
                return vec![Request::Show(Box::new(Overlay::Choice(choice)))];
            }
            Action::NextUnreviewed => return vec![self.next_unreviewed()],
            Action::ToggleQueue => {
                self.is_queue = !self.is_queue;
                let said = match self.is_queue {
                    true => "queue: a verdict leads on to the next that you have not reviewed",
                    false => "no queue any more",
                };
                return vec![Request::Say(said.to_owned())];
            }
            Action::ToggleBlind => {
                self.set_blind(!self.is_blind);
                let said = match self.is_blind {
                    true => "blind: nothing is told of pairs before the vote",
                    false => "not blind any more",
                };
                return vec![Request::Say(said.to_owned())];
            }
            Action::NextPicture => self.preview.picture = self.preview.picture.saturating_add(1),
            Action::PreviousPicture => {
                self.preview.picture = self.preview.picture.saturating_sub(1)
            }
            Action::Zoom => {
                let pictures = self.preview.pictures();
                if pictures.is_empty() {
                    return vec![Request::Say("it has no picture".to_owned())];
                }
                let full = FullPicture::new(pictures, self.preview.picture);
                return vec![Request::Show(Box::new(Overlay::FullPicture(full)))];
            }
            Action::OpenGold => {
                let record = self.preview.record.as_ref();
                return record.map(|record| open_gold(record)).into_iter().collect();
            }
            Action::OpenCandidates => {
                let row = self.list.selected();
                let open = row.map(|row| open_candidates(&row.hit.id.record, row.hit.step));
                return open.map(Request::Do).into_iter().collect();
            }
            Action::Copy => {
                let id = self.list.selected().map(|row| row.hit.id.to_string());
                return id
                    .map(|id| Request::Do(Effect::Copy(id)))
                    .into_iter()
                    .collect();
            }
            action => return vec![Request::Decide(action, self.subjects())],
        }
        Vec::new()
    }

    /// What a queue says of itself.
    pub fn queue_words(&self) -> Option<String> {
        let words = match self.facets.reviewed() {
            Some((done, total)) => format!("queue: {done} of {total} done"),
            None => "queue".to_owned(),
        };
        self.is_queue.then_some(words)
    }

    /// Asks for the next item that one has not reviewed.
    pub fn next_unreviewed(&self) -> Request {
        let after = self.list.selected().map(|row| row.hit.id.clone());
        self.unreviewed_after(after)
    }

    /// Asks for the next item behind one that one has not reviewed.
    pub fn unreviewed_after(&self, after: Option<TargetId>) -> Request {
        Request::Do(Effect::FindUnreviewed(UnreviewedRequest {
            finding: self.list.finding.clone(),
            after,
            is_blind: self.is_blind,
        }))
    }

    /// Marks items.
    pub fn mark_all(&mut self, ids: Vec<TargetId>) -> Vec<Request> {
        let count = ids.len();
        self.list.marks = ids.into_iter().map(|id| (id.to_string(), id)).collect();
        vec![Request::Say(format!("{} marked", thousands(count)))]
    }

    fn open(&mut self) -> Vec<Request> {
        let Some(row) = self.list.selected() else {
            return Vec::new();
        };
        let step = row.hit.step.filter(|_| row.hit.kind == DocumentKind::Step);
        vec![Request::Do(Effect::Inspect(InspectRequest {
            ticket: Ticket::default(),
            id: row.hit.id.clone(),
            purpose: Purpose::Open(step),
        }))]
    }
}
