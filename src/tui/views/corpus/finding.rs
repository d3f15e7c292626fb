//! What the corpus view looks for: its query, what comes of it, and queries that are kept.

use std::ops::Range;

use crate::index::Sort;
use crate::tui::effect::{
    CountRequest, Effect, FacetCount, Failure, Finding, Found, KeptQueries, Ticket,
};
use crate::tui::views::Request;

use super::CorpusView;

impl CorpusView {
    /// Another query, as if it had been typed.
    pub fn set_query(&mut self, query: &str) -> Vec<Request> {
        self.line.set(query);
        self.line.accept();
        let mut requests = self.find(false);
        requests.push(Request::Do(Effect::KeepQueries(self.kept())));
        requests
    }

    /// Queries of earlier days.
    pub fn set_kept(&mut self, kept: KeptQueries) {
        self.line.history = kept.history;
        self.saved = kept.saved;
    }

    pub(super) fn kept(&self) -> KeptQueries {
        KeptQueries {
            history: self.line.history.clone(),
            saved: self.saved.clone(),
        }
    }

    /// Keeps the query under a name.
    pub fn save_query(&mut self, name: &str) -> Vec<Request> {
        let query = self.line.text().trim().to_owned();
        self.saved.retain(|(known, _)| known != name);
        self.saved.push((name.to_owned(), query));
        self.saved.sort();
        vec![
            Request::Do(Effect::KeepQueries(self.kept())),
            Request::Say(format!("kept as {name}")),
        ]
    }

    /// Looks for what is typed; `stay` keeps the place in the list.
    pub fn find(&mut self, stay: bool) -> Vec<Request> {
        let query = self.line.text().to_owned();
        let has_words = !query.trim().is_empty();
        let sort = match self.list.finding.sort {
            // Without words there is no score to sort by.
            Sort::Score if !has_words => Sort::Source,
            Sort::Source if has_words && self.list.finding.query.trim().is_empty() => Sort::Score,
            sort => sort,
        };
        let finding = Finding {
            query,
            sort,
            ..self.list.finding.clone()
        };
        let request = self.list.find(finding.clone(), stay);
        let count = CountRequest {
            ticket: request.ticket,
            finding,
        };
        vec![
            Request::Do(Effect::Search(request)),
            Request::Do(Effect::Count(count)),
        ]
    }

    /// Rows have come.
    pub fn found(
        &mut self,
        ticket: Ticket,
        rows: &Range<usize>,
        found: Result<Found, Failure>,
    ) -> Vec<Request> {
        match found {
            Ok(found) => {
                let problem = found.problem.clone();
                if !self.list.arrived(ticket, rows, found) {
                    return Vec::new();
                }
                self.line.problem = problem;
            }
            Err(failure) => {
                self.list.failed(ticket);
                self.line.problem = Some(failure.message);
            }
        }
        let mut requests: Vec<Request> = self
            .list
            .missing()
            .map(|m| Request::Do(Effect::Search(m)))
            .into_iter()
            .collect();
        requests.extend(self.look());
        requests
    }

    /// Facets have come.
    pub fn counted(&mut self, ticket: Ticket, counted: Vec<FacetCount>) {
        if ticket == self.list.ticket {
            self.facets.set(counted);
        }
    }
}
