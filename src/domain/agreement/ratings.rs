use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What annotators say of units in answer to one question; any of them may have said nothing of a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratings<C> {
    units: Vec<Unit<C>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Unit<C> {
    /// The category that each annotator chose.
    by: BTreeMap<Arc<str>, C>,
    /// Whether who asks may not know yet what others said of it.
    is_hidden: bool,
}

/// How much there is to compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Units that somebody rated.
    pub units: usize,
    /// Units that at least two rated.
    pub pairable: usize,
    /// Ratings, one for each unit and annotator.
    pub ratings: usize,
}

impl<C> Default for Ratings<C> {
    fn default() -> Self {
        Self { units: Vec::new() }
    }
}

impl<C: Ord + Clone> Ratings<C> {
    /// Adds a unit with the category that each annotator chose; one that nobody rated is none.
    pub fn add(&mut self, by: BTreeMap<Arc<str>, C>, is_hidden: bool) {
        if !by.is_empty() {
            self.units.push(Unit { by, is_hidden });
        }
    }

    /// Everybody who rated something, by name.
    pub fn annotators(&self) -> BTreeSet<&str> {
        let names = self.units.iter().flat_map(|unit| unit.by.keys());
        names.map(AsRef::as_ref).collect()
    }

    /// The ratings of two annotators alone.
    #[must_use]
    pub fn between(&self, first: &str, second: &str) -> Self {
        let mut between = Self::default();
        for unit in &self.units {
            let own = unit.by.iter().filter(|(name, _)| {
                let name: &str = name;
                name == first || name == second
            });
            let by = own.map(|(name, category)| (Arc::clone(name), category.clone()));
            between.add(by.collect(), unit.is_hidden);
        }
        between
    }

    /// How much there is to compare.
    pub fn counts(&self) -> Counts {
        Counts {
            units: self.units.len(),
            pairable: self.pairable().count(),
            ratings: self.units.iter().map(|unit| unit.by.len()).sum(),
        }
    }

    /// Of how many units who asks may not know yet what others said.
    pub fn hidden(&self) -> usize {
        self.units.iter().filter(|unit| unit.is_hidden).count()
    }

    /// The units that at least two rated, with the category that each chose.
    pub(super) fn pairable(&self) -> impl Iterator<Item = &BTreeMap<Arc<str>, C>> {
        let units = self.units.iter().map(|unit| &unit.by);
        units.filter(|by| by.len() > 1)
    }
}
