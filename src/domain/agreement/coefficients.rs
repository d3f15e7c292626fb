use std::collections::BTreeMap;

use super::Ratings;

/// Why a coefficient has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// Nobody, or one person alone, rated anything.
    #[error("fewer than two annotators")]
    FewerThanTwoAnnotators,
    /// It compares two annotators, and there are more.
    #[error("more than two annotators")]
    MoreThanTwoAnnotators,
    /// No unit was rated by two.
    #[error("nothing was rated by two")]
    NoOverlap,
    /// Whoever always says the same agrees by chance, too.
    #[error("only one category was used")]
    OneCategory,
    /// No pair that was voted on was shown again.
    #[error("no pair was voted on again")]
    NothingRepeated,
    /// So few votes say nothing.
    #[error("fewer than five votes")]
    FewVotes,
    /// The figure rests on so few hidden units that it would tell what others said of them.
    #[error("too few that you have not decided yourself")]
    Withheld,
}

/// How far apart two categories are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Two categories are the same or not.
    Nominal,
    /// Categories have an order: between distant ones lie more ratings. Meant for a few categories; it compares each
    /// with each.
    Ordinal,
}

/// The share of pairs of ratings of one unit that are the same, from 0 to 1. With two annotators it is the share of the
/// units that both rated.
pub fn percent_agreement<C: Ord + Clone>(ratings: &Ratings<C>) -> Result<f64, Undefined> {
    check(ratings)?;
    let (mut pairs, mut same) = (0_u64, 0_u64);
    for unit in ratings.pairable() {
        pairs += choose_two(unit.len() as u64);
        let counts = counted(unit.values());
        same += counts.values().map(|count| choose_two(*count)).sum::<u64>();
    }
    Ok(same as f64 / pairs as f64)
}

fn choose_two(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

/// Cohen's κ: agreement of two annotators beyond what their own use of the categories gives by chance; unweighted.
///
/// J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960.
pub fn cohen_kappa<C: Ord + Clone>(ratings: &Ratings<C>) -> Result<f64, Undefined> {
    let annotators = check(ratings)?;
    let [first, second] = annotators.as_slice() else {
        return Err(Undefined::MoreThanTwoAnnotators);
    };
    let chosen = |by: &str| counted(ratings.pairable().filter_map(|unit| unit.get(by)));
    let second_chose = chosen(second);
    let units = ratings.pairable().count() as u64;
    let same = ratings
        .pairable()
        .filter(|unit| unit.get(*first) == unit.get(*second))
        .count() as u64;
    // Of units² pairs of a rating of the one and a rating of the other, as many are the same.
    let by_chance: u64 = chosen(first)
        .iter()
        .map(|(category, count)| count * second_chose.get(category).unwrap_or(&0))
        .sum();
    if by_chance == units * units {
        return Err(Undefined::OneCategory);
    }
    let observed = same as f64 / units as f64;
    let expected = by_chance as f64 / (units * units) as f64;
    Ok((observed - expected) / (1.0 - expected))
}

/// Krippendorff's α: one minus observed by expected disagreement, for any number of annotators who may leave units out.
///
/// K. Krippendorff, "Computing Krippendorff's Alpha-Reliability", University of Pennsylvania, 2011.
pub fn krippendorff_alpha<C: Ord + Clone>(
    ratings: &Ratings<C>,
    scale: Scale,
) -> Result<f64, Undefined> {
    check(ratings)?;
    let all = counted(ratings.pairable().flat_map(BTreeMap::values));
    if all.len() < 2 {
        return Err(Undefined::OneCategory);
    }
    let total: u64 = all.values().sum();
    let distances = Distances::new(scale, &all);
    let mut observed = 0.0;
    for unit in ratings.pairable() {
        observed += distances.of(&counted(unit.values())) / (unit.len() as f64 - 1.0);
    }
    let expected = distances.of(&all) / (total as f64 - 1.0);
    Ok(1.0 - observed / expected)
}

/// Who rated, if there is something to compare.
fn check<C: Ord + Clone>(ratings: &Ratings<C>) -> Result<Vec<&str>, Undefined> {
    let annotators: Vec<&str> = ratings.annotators().into_iter().collect();
    if annotators.len() < 2 {
        return Err(Undefined::FewerThanTwoAnnotators);
    }
    match ratings.pairable().next() {
        Some(_) => Ok(annotators),
        None => Err(Undefined::NoOverlap),
    }
}

fn counted<'a, C: Ord + 'a>(categories: impl Iterator<Item = &'a C>) -> BTreeMap<&'a C, u64> {
    let mut counts = BTreeMap::new();
    for category in categories {
        *counts.entry(category).or_default() += 1;
    }
    counts
}

/// The squared differences of categories.
struct Distances<'a, C> {
    scale: Scale,
    /// For each category how many ratings are of lower ones, plus half of its own: in the middle of its ratings.
    middles: BTreeMap<&'a C, f64>,
}

impl<'a, C: Ord> Distances<'a, C> {
    fn new(scale: Scale, all: &BTreeMap<&'a C, u64>) -> Self {
        let mut below = 0;
        let mut middle = |count: u64| {
            let middle = below as f64 + count as f64 / 2.0;
            below += count;
            middle
        };
        let middles = all
            .iter()
            .map(|(category, count)| (*category, middle(*count)));
        Self {
            scale,
            middles: middles.collect(),
        }
    }

    /// The sum over all ordered pairs of ratings that are counted.
    fn of(&self, counts: &BTreeMap<&C, u64>) -> f64 {
        match self.scale {
            Scale::Nominal => {
                let total: u64 = counts.values().sum();
                let same: u64 = counts.values().map(|count| count * count).sum();
                (total * total - same) as f64
            }
            Scale::Ordinal => {
                let middle = |category: &C| self.middles.get(category).copied().unwrap_or(0.0);
                let pairs = counts.iter().flat_map(|(one, count)| {
                    let term = move |(other, its): (&&C, &u64)| {
                        (count * its) as f64 * (middle(one) - middle(other)).powi(2)
                    };
                    counts.iter().map(term)
                });
                pairs.sum()
            }
        }
    }
}
