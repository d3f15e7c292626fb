use std::collections::{BTreeMap, HashMap};

use crate::domain::RecordId;
use crate::index::query::Query;
use crate::index::{Match, Row};

use super::{Corpus, CorpusError};

/// A stratified sample: the same for the same data, field and seed, and little changed when data are added.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// For each value of the field, how many matched and what was drawn; by value.
    pub strata: BTreeMap<String, (usize, Vec<Match>)>,
}

impl Corpus {
    /// Draws `size` matches of a query, from each value of a keyword field in proportion to how often it occurs and at
    /// least one while there is room. A match with several values counts for its first.
    pub fn sample(
        &self,
        query: &Query,
        field: Option<&str>,
        size: usize,
        seed: u64,
    ) -> Result<Sample, CorpusError> {
        let fields: Vec<&str> = field.into_iter().collect();
        let rows = self.rows(query, &fields)?;
        let mut ids: HashMap<u32, HashMap<u32, RecordId>> = HashMap::new();
        for source in &self.state.sources {
            ids.insert(source.ordinal, self.ids(source)?);
        }
        let mut strata: BTreeMap<String, Vec<(u64, Match)>> = BTreeMap::new();
        for Row { found, values } in rows {
            let value = values.into_iter().flatten().min().unwrap_or_default();
            let id = ids
                .get(&found.record.source)
                .and_then(|ids| ids.get(&found.record.row));
            if let Some(id) = id {
                strata
                    .entry(value)
                    .or_default()
                    .push((rank(seed, id, &found), found));
            }
        }
        let counts: Vec<usize> = strata.values().map(Vec::len).collect();
        let shares = shares(&counts, size);
        let strata = strata
            .into_iter()
            .zip(shares)
            .map(|((value, mut drawn), share)| {
                let count = drawn.len();
                drawn.sort_by_key(|(rank, _)| *rank);
                let drawn = drawn
                    .into_iter()
                    .take(share)
                    .map(|(_, found)| found)
                    .collect();
                (value, (count, drawn))
            })
            .collect();
        Ok(Sample { strata })
    }
}

/// Where a match stands in the draw; depends on nothing but the seed and its own id.
fn rank(seed: u64, id: &RecordId, found: &Match) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(id.as_str().as_bytes());
    hasher.update(format!("\0{:?}\0{:?}", found.step, found.part).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// Splits `size` over strata in proportion (whole shares, then the largest remainders), and gives each stratum at least
/// one while there is room, at the cost of the largest.
fn shares(counts: &[usize], size: usize) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    let size = size.min(total);
    let exact = |count: &usize| *count as u128 * size as u128;
    let mut shares: Vec<usize> = counts
        .iter()
        .map(|count| (exact(count) / total.max(1) as u128) as usize)
        .collect();
    let mut by_rest: Vec<usize> = (0..counts.len()).collect();
    let rest = |n: &usize| {
        counts
            .get(*n)
            .map_or(0, |count| exact(count) % total.max(1) as u128)
    };
    by_rest.sort_by_key(|n| (std::cmp::Reverse(rest(n)), *n));
    let left = size - shares.iter().sum::<usize>();
    for n in by_rest.into_iter().take(left) {
        if let Some(share) = shares.get_mut(n) {
            *share += 1;
        }
    }
    let mut without: Vec<usize> = (0..counts.len())
        .filter(|n| counts.get(*n) > Some(&0) && shares.get(*n) == Some(&0))
        .collect();
    without.sort_by_key(|n| std::cmp::Reverse(counts.get(*n).copied()));
    for n in without {
        let Some(most) = shares.iter_mut().max().filter(|share| **share > 1) else {
            break;
        };
        *most -= 1;
        if let Some(share) = shares.get_mut(n) {
            *share = 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stratum_gets_one_and_the_rest_is_in_proportion() {
        assert_eq!(shares(&[80, 15, 5], 20), [16, 3, 1]);
        assert_eq!(shares(&[1000, 1, 1], 4), [2, 1, 1]);
        assert_eq!(shares(&[5, 3, 9], 2), [1, 0, 1]);
        assert_eq!(shares(&[2, 2], 10), [2, 2]);
        assert_eq!(shares(&[], 10), Vec::<usize>::new());
        assert_eq!(shares(&[7], 0), [0]);
    }
}
