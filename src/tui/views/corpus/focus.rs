//! The pane that keys go to, and moving in it.

use crate::tui::effect::Effect;
use crate::tui::views::Request;

use super::CorpusView;
use super::facet_list::toggled;

/// A part of the view that keys go to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Focus {
    Facets,
    #[default]
    Results,
    Preview,
}

impl CorpusView {
    pub(super) fn toggle(&mut self, excluded: bool) -> Vec<Request> {
        if self.focus != Focus::Facets {
            self.hides_facets = false;
            self.focus = Focus::Facets;
            return vec![Request::Say("choose a value among the facets".to_owned())];
        }
        let Some(clause) = self.facets.clause() else {
            return Vec::new();
        };
        let query = toggled(self.line.text(), &clause, excluded);
        self.set_query(&query)
    }

    pub(super) fn page(&self) -> isize {
        match self.focus {
            Focus::Facets => self.facets.page(),
            Focus::Results => self.list.page(),
            Focus::Preview => (self.preview.area.height.saturating_sub(1)).max(1) as isize,
        }
    }

    pub(super) fn move_by(&mut self, rows: isize) -> Option<Vec<Request>> {
        match self.focus {
            Focus::Facets => self.facets.move_by(rows),
            Focus::Results => return Some(self.move_results(rows)),
            Focus::Preview => self.preview.scroll.by(rows),
        }
        Some(Vec::new())
    }

    pub(super) fn move_results(&mut self, rows: isize) -> Vec<Request> {
        self.list.move_by(rows);
        let missing = self.list.missing().map(|m| Request::Do(Effect::Search(m)));
        let mut requests: Vec<Request> = missing.into_iter().collect();
        requests.extend(self.look());
        requests
    }

    pub(super) fn turn_focus(&mut self, by: isize) {
        let mut panes = vec![Focus::Results];
        if !self.hides_facets {
            panes.insert(0, Focus::Facets);
        }
        if !self.hides_preview {
            panes.push(Focus::Preview);
        }
        let at = panes
            .iter()
            .position(|pane| *pane == self.focus)
            .unwrap_or(0);
        let next = (at as isize + by).rem_euclid(panes.len() as isize);
        self.focus = panes.get(next as usize).copied().unwrap_or_default();
    }

    pub(super) fn focus_left(&mut self) {
        self.focus = match self.focus {
            Focus::Preview => Focus::Results,
            Focus::Results if !self.hides_facets => Focus::Facets,
            focus => focus,
        };
    }

    pub(super) fn focus_right(&mut self) {
        self.focus = match self.focus {
            Focus::Facets => Focus::Results,
            Focus::Results if !self.hides_preview => Focus::Preview,
            focus => focus,
        };
    }
}
