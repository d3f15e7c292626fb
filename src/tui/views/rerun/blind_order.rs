//! Blind mode in a re-run: candidates stand in an order that chance settles, and who made them, which is the recorded one and what judges say
//! is told after the choice.

use crate::judge::shuffled;

use super::RerunView;

/// What a person may know of the candidates.
#[derive(Debug, Default)]
pub(super) struct Blindness {
    is_on: bool,
    /// Somebody has chosen since the candidates came.
    is_told: bool,
    /// A choice is on its way to the journal.
    is_choosing: bool,
    /// Candidates that have come to their end; none while they are being made.
    made: usize,
    /// What settles the order.
    seed: u64,
}

impl RerunView {
    /// Blind from now on, or no longer, for this annotator.
    pub fn set_blind(&mut self, is_blind: bool, annotator: &str) {
        self.blind.is_on = is_blind;
        let mut hasher = blake3::Hasher::new();
        for part in [annotator, self.id.record.as_str()] {
            hasher.update(part.as_bytes());
            hasher.update(b"\0");
        }
        hasher.update(&(self.step as u64).to_le_bytes());
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        self.blind.seed = u64::from_le_bytes(first);
        self.show_selected();
        self.forget_lines();
    }

    /// Whether blind mode is on.
    pub fn is_blind(&self) -> bool {
        self.blind.is_on
    }

    /// Whether nothing is told yet of who made the candidates and of what judges say.
    pub fn is_hidden(&self) -> bool {
        self.blind.is_on && !self.blind.is_told
    }

    /// Whether not even the texts are shown: they come one after the other, and that would tell which are new.
    pub(super) fn hides_texts(&self) -> bool {
        self.is_hidden() && self.blind.made == 0
    }

    /// The candidates by place on the screen. The recorded one is not among them before it can stand anywhere.
    pub(super) fn order(&self) -> Vec<usize> {
        let count = self.lanes.len();
        match (self.is_hidden(), self.blind.made) {
            (false, _) => (0..count).collect(),
            (true, 0) => (1..count).collect(),
            (true, made) => {
                let seed = self.blind.seed ^ self.settings.seed;
                let mut order = shuffled(made.min(count), seed, "blind candidates");
                // What one writes oneself comes behind them.
                order.extend(made..count);
                order
            }
        }
    }

    /// What a candidate is called on the screen: by its number, or by its place where numbers would tell something.
    pub fn label(&self, number: usize) -> usize {
        match self.is_hidden() {
            false => number,
            true => {
                let place = self.order().iter().position(|known| *known == number);
                place.map_or(0, |place| place + 1)
            }
        }
    }

    /// New candidates are on their way: nothing was chosen among them.
    pub(super) fn blind_again(&mut self) {
        (self.blind.is_told, self.blind.is_choosing, self.blind.made) = (false, false, 0);
        self.show_selected();
    }

    /// All candidates are there.
    pub(super) fn blind_made(&mut self) {
        if self.blind.made == 0 {
            self.blind.made = self.lanes.len();
            if self.is_hidden() {
                self.selected = self.order().first().copied().unwrap_or(0);
            }
        }
    }

    /// Somebody chose; it is not saved yet.
    pub fn choose(&mut self) {
        self.blind.is_choosing = true;
    }

    /// The choice is saved, or could not be. Whether there was one.
    pub fn chosen(&mut self, is_saved: bool) -> bool {
        let was_choosing = std::mem::take(&mut self.blind.is_choosing);
        if was_choosing && is_saved {
            self.blind.is_told = true;
            self.forget_lines();
        }
        was_choosing
    }

    /// The candidate in front is one that is shown.
    fn show_selected(&mut self) {
        let order = self.order();
        if !order.contains(&self.selected) {
            self.selected = order.first().copied().unwrap_or(0);
        }
    }
}
