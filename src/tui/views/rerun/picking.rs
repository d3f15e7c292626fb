//! What is picked among the candidates, and what a person reads before.

use crate::domain::review::{Field, candidate_text};
use crate::domain::{LoggedCall, LoggedResult, Maker};
use crate::tui::views::Request;

use super::RerunView;
use super::lane::{Stage, judgement_title};

impl RerunView {
    /// The first call of the candidate in front that nothing answered.
    pub fn unanswered(&self) -> Option<&LoggedCall> {
        let candidate = self.lanes.get(self.selected)?.candidate.as_ref()?;
        let calls = &candidate.execution.as_ref()?.calls;
        let is_open = |call: &&LoggedCall| matches!(call.result, LoggedResult::Unavailable(_));
        calls.iter().find(is_open)
    }

    /// What the candidate in front says, for whoever wants to better it.
    pub fn text_in_front(&self) -> Option<String> {
        let candidate = self.lanes.get(self.selected)?.candidate.as_ref()?;
        let thought = candidate.thought.as_deref().unwrap_or_default();
        let code = candidate_text(candidate, Field::Code);
        Some(format!("Thought: {thought}\nCode:\n```py\n{code}\n```"))
    }

    /// What the picked one is to be paired with: the one in front, else the recorded step.
    pub fn pair(&self) -> Result<(usize, usize), &'static str> {
        let chosen = self.picked.ok_or("pick the better one first: enter")?;
        let rejected = match self.selected == chosen {
            false => self.selected,
            true if chosen != 0 && self.takes_recorded() => 0,
            true => return Err("go to the one that is worse"),
        };
        let worse = self.lanes.get(rejected);
        if worse.is_none_or(|lane| lane.candidate.is_none() || lane.stage == Stage::Cancelled) {
            return Err("there is no whole candidate there");
        }
        Ok((chosen, rejected))
    }

    /// Whether the recorded step may stand for the worse one that nobody pointed at.
    fn takes_recorded(&self) -> bool {
        let first = self.lanes.first().and_then(|lane| lane.candidate.as_ref());
        let is_recorded = first.is_some_and(|first| first.maker == Maker::Recorded);
        is_recorded && !self.is_hidden()
    }

    /// Picks the candidate in front, or no longer.
    pub(super) fn pick(&mut self) -> Vec<Request> {
        let said = match self.lanes.get(self.selected) {
            Some(lane) if lane.candidate.is_none() || lane.stage == Stage::Cancelled => {
                "there is no whole candidate there"
            }
            Some(_) => {
                self.picked = (self.picked != Some(self.selected)).then_some(self.selected);
                return Vec::new();
            }
            None => "there is no candidate",
        };
        vec![Request::Say(said.to_owned())]
    }

    /// The ranking with all reasons, as a text.
    pub(super) fn said_by_judges(&self) -> String {
        let mut text = String::new();
        let mut put = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        put(match &self.reason {
            Some(reason) => format!("{}: {reason}", self.verdict),
            None => self.verdict.clone(),
        });
        for note in &self.notes {
            put(format!("Beforehand: {note}"));
        }
        for (number, lane) in self.lanes.iter().enumerate() {
            let place = lane
                .place
                .map_or("no place".to_owned(), |place| format!("place {place}"));
            put(format!("\nCandidate {number} ({}): {place}", lane.maker()));
            if let Some(first) = lane.same_as {
                put(format!("  does the same as candidate {first}"));
            }
            let judgements = lane
                .candidate
                .iter()
                .flat_map(|candidate| &candidate.judgements);
            for judgement in judgements {
                put(format!("  {}", judgement_title(judgement)));
                if let Some(reason) = &judgement.no_verdict {
                    put(format!("    no verdict: {reason}"));
                }
                for reason in &judgement.reasons {
                    put(format!("    {reason}"));
                }
            }
        }
        text
    }
}
