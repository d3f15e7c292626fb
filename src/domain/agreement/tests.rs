//! The coefficients against published examples, against a slow computation, and in their degenerate cases.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// A row for each annotator, a column for each unit; `None` is missing.
fn table<C: Ord + Clone>(rows: &[Vec<Option<C>>]) -> Ratings<C> {
    let mut ratings = Ratings::default();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut unit = BTreeMap::new();
        for (number, row) in rows.iter().enumerate() {
            if let Some(Some(category)) = row.get(column) {
                unit.insert(Arc::from(format!("a{number:02}")), category.clone());
            }
        }
        ratings.add(unit, false);
    }
    ratings
}

/// The same from text: a letter for each category, `.` is missing.
fn letters(rows: &[&str]) -> Ratings<char> {
    let row = |row: &&str| row.chars().map(|c| (c != '.').then_some(c)).collect();
    table(&rows.iter().map(row).collect::<Vec<_>>())
}

fn rounded(value: Result<f64, Undefined>) -> f64 {
    (value.expect("defined") * 1000.0).round() / 1000.0
}

// --- Published examples ---

#[test]
fn krippendorff_2011_four_observers_with_missing_data() {
    let ratings = letters(&[
        "123321412...",
        "1233224125.3",
        ".3332342251.",
        "12332441251.",
    ]);
    assert_eq!(rounded(krippendorff_alpha(&ratings, Scale::Nominal)), 0.743);
    assert_eq!(rounded(krippendorff_alpha(&ratings, Scale::Ordinal)), 0.815);
    // The twelfth unit has one rating, which is compared with nothing.
    let counts = Counts {
        units: 12,
        pairable: 11,
        ratings: 41,
    };
    assert_eq!(ratings.counts(), counts);
}

#[test]
fn krippendorff_2011_two_observers() {
    let nominal = letters(&["aabbdcccedda", "babbbccceddd"]);
    assert_eq!(rounded(krippendorff_alpha(&nominal, Scale::Nominal)), 0.692);
    let binary = letters(&["0100000010", "1110010000"]);
    assert_eq!(rounded(krippendorff_alpha(&binary, Scale::Nominal)), 0.095);
    // Two categories have no order to speak of.
    assert_eq!(rounded(krippendorff_alpha(&binary, Scale::Ordinal)), 0.095);
    assert_eq!(rounded(percent_agreement(&binary)), 0.6);
}

/// A table of how often the first annotator chose the row and the second the column.
fn crossed(counts: &[&[usize]]) -> Ratings<usize> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (row, line) in counts.iter().enumerate() {
        for (column, count) in line.iter().enumerate() {
            first.extend(std::iter::repeat_n(Some(row), *count));
            second.extend(std::iter::repeat_n(Some(column), *count));
        }
    }
    table(&[first, second])
}

#[test]
fn cohen_1960_three_categories() {
    let ratings = crossed(&[&[88, 14, 18], &[10, 40, 10], &[2, 6, 12]]);
    assert_eq!(rounded(percent_agreement(&ratings)), 0.7);
    // (140 − 82) / (200 − 82)
    assert_eq!(rounded(cohen_kappa(&ratings)), 0.492);
}

#[test]
fn two_by_two_by_hand() {
    // 35 of 50 the same; by chance 0.5 · 0.6 + 0.5 · 0.4 = 0.5.
    let ratings = crossed(&[&[20, 5], &[10, 15]]);
    assert_eq!(rounded(percent_agreement(&ratings)), 0.7);
    assert_eq!(rounded(cohen_kappa(&ratings)), 0.4);
    // The same agreement is worth less where one category is rare: (0.6 − 0.54) / (1 − 0.54), and with 0.46 0.259.
    assert_eq!(
        rounded(cohen_kappa(&crossed(&[&[45, 15], &[25, 15]]))),
        0.13
    );
    assert_eq!(
        rounded(cohen_kappa(&crossed(&[&[25, 35], &[5, 35]]))),
        0.259
    );
}

#[test]
fn three_annotators_are_compared_two_by_two() {
    // Of the first unit all three pairs agree, of the second one, of the third none of one.
    let ratings = letters(&["xxx", "xxy", "xy."]);
    assert_eq!(percent_agreement(&ratings), Ok(4.0 / 7.0));
    assert_eq!(cohen_kappa(&ratings), Err(Undefined::MoreThanTwoAnnotators));
    let two = ratings.between("a00", "a01");
    assert_eq!(percent_agreement(&two), Ok(2.0 / 3.0));
}

#[test]
fn distant_labels_disagree_more() {
    let near = table(&[
        vec![Some(-1), Some(0), Some(1), Some(1)],
        vec![Some(0), Some(0), Some(1), Some(1)],
    ]);
    let far = table(&[
        vec![Some(-1), Some(0), Some(1), Some(1)],
        vec![Some(1), Some(0), Some(1), Some(1)],
    ]);
    let ordinal = |ratings| krippendorff_alpha(ratings, Scale::Ordinal).expect("defined");
    assert!(
        ordinal(&near) > ordinal(&far),
        "{} {}",
        ordinal(&near),
        ordinal(&far)
    );
}

// --- What is not defined ---

#[test]
fn what_is_not_defined_says_why() {
    let all = |ratings: &Ratings<char>| {
        [
            percent_agreement(ratings),
            cohen_kappa(ratings),
            krippendorff_alpha(ratings, Scale::Nominal),
            krippendorff_alpha(ratings, Scale::Ordinal),
        ]
    };
    assert_eq!(
        all(&letters(&[])),
        [Err(Undefined::FewerThanTwoAnnotators); 4]
    );
    assert_eq!(
        all(&letters(&["xyx"])),
        [Err(Undefined::FewerThanTwoAnnotators); 4]
    );
    assert_eq!(
        all(&letters(&["xy..", "..xy"])),
        [Err(Undefined::NoOverlap); 4]
    );
    let same = all(&letters(&["xxx", "xxx"]));
    assert_eq!(same[0], Ok(1.0));
    assert_eq!(same[1..], [Err(Undefined::OneCategory); 3]);
    // Another category that is compared with nothing changes nothing.
    let beside = all(&letters(&["xxxy", "xxx."]));
    assert_eq!(beside, same);
    // Each has one category of their own: chance alone never agrees.
    assert_eq!(cohen_kappa(&letters(&["xx", "yy"])), Ok(0.0));
}

// --- Properties ---

/// α from its definition: every pair of ratings is looked at.
fn slow_alpha(ratings: &Ratings<u8>, scale: Scale) -> f64 {
    let all: Vec<u8> = ratings
        .pairable()
        .flat_map(|unit| unit.values().copied())
        .collect();
    let difference = |one: u8, other: u8| match scale {
        Scale::Nominal => f64::from(u8::from(one != other)),
        Scale::Ordinal if one == other => 0.0,
        Scale::Ordinal => {
            let (low, high) = (one.min(other), one.max(other));
            let within = all.iter().filter(|c| (low..=high).contains(*c)).count() as f64;
            let ends = all.iter().filter(|c| **c == low || **c == high).count() as f64;
            (within - ends / 2.0).powi(2)
        }
    };
    let disagreement = |ratings: &[u8]| {
        let mut sum = 0.0;
        for (number, one) in ratings.iter().enumerate() {
            for (place, other) in ratings.iter().enumerate() {
                if place != number {
                    sum += difference(*one, *other);
                }
            }
        }
        sum / (ratings.len() as f64 - 1.0)
    };
    let units = ratings
        .pairable()
        .map(|unit| unit.values().copied().collect::<Vec<u8>>());
    let observed: f64 = units.map(|unit| disagreement(&unit)).sum();
    1.0 - observed / disagreement(&all)
}

fn rows(annotators: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Vec<Option<u8>>>> {
    let rating = prop_oneof![1 => Just(None), 4 => (0..4_u8).prop_map(Some)];
    prop::collection::vec(prop::collection::vec(rating, 12), annotators)
}

fn same(one: Result<f64, Undefined>, other: Result<f64, Undefined>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => (one - other).abs() < 1e-9,
        (one, other) => one == other,
    }
}

proptest! {
    #[test]
    fn alpha_is_what_its_definition_says(rows in rows(2..6)) {
        let ratings = table(&rows);
        for scale in [Scale::Nominal, Scale::Ordinal] {
            if let Ok(alpha) = krippendorff_alpha(&ratings, scale) {
                prop_assert!((alpha - slow_alpha(&ratings, scale)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn every_value_is_a_number_in_its_range(rows in rows(0..5)) {
        let ratings = table(&rows);
        if let Ok(percent) = percent_agreement(&ratings) {
            prop_assert!((0.0..=1.0).contains(&percent));
        }
        let others = [
            cohen_kappa(&ratings),
            krippendorff_alpha(&ratings, Scale::Nominal),
            krippendorff_alpha(&ratings, Scale::Ordinal),
        ];
        for value in others.into_iter().flatten() {
            prop_assert!(value.is_finite() && value <= 1.0, "{value}");
        }
    }

    #[test]
    fn names_of_categories_make_no_difference(rows in rows(2..4), names in Just(vec![10_u8, 20, 30, 40]).prop_shuffle()) {
        let renamed: Vec<Vec<Option<u8>>> = rows
            .iter()
            .map(|row| row.iter().map(|c| c.map(|c| names[c as usize])).collect())
            .collect();
        let (one, other) = (table(&rows), table(&renamed));
        prop_assert!(same(percent_agreement(&one), percent_agreement(&other)));
        prop_assert!(same(cohen_kappa(&one), cohen_kappa(&other)));
        prop_assert!(same(
            krippendorff_alpha(&one, Scale::Nominal),
            krippendorff_alpha(&other, Scale::Nominal),
        ));
        // An order that is turned round is the same order.
        let turned: Vec<Vec<Option<u8>>> = rows
            .iter()
            .map(|row| row.iter().map(|c| c.map(|c| 3 - c)).collect())
            .collect();
        prop_assert!(same(
            krippendorff_alpha(&one, Scale::Ordinal),
            krippendorff_alpha(&table(&turned), Scale::Ordinal),
        ));
    }

    #[test]
    fn the_order_of_annotators_and_units_makes_no_difference(rows in rows(2..5), turn in 0..12_usize) {
        let mut other = rows.clone();
        other.reverse();
        other.iter_mut().for_each(|row| row.rotate_left(turn));
        prop_assert_eq!(table(&rows).counts(), table(&other).counts());
        let figures = [&rows, &other].map(|rows| Figures::of(&table(rows), Scale::Ordinal));
        prop_assert!(same(figures[0].percent, figures[1].percent));
        prop_assert!(same(figures[0].kappa, figures[1].kappa));
        prop_assert!(same(figures[0].alpha, figures[1].alpha));
    }

    #[test]
    fn who_says_the_same_agrees(row in prop::collection::vec(prop::option::weighted(0.9, 0..4_u8), 2..20), others in 1..4_usize) {
        let ratings = table(&vec![row; others + 1]);
        let figures = Figures::of(&ratings, Scale::Ordinal);
        for value in [figures.percent, figures.kappa, figures.alpha].into_iter().flatten() {
            prop_assert!((value - 1.0).abs() < 1e-12, "{value}");
        }
        let counts = ratings.counts();
        prop_assert_eq!(figures.percent.is_ok(), counts.pairable > 0);
        prop_assert_eq!(counts.ratings, counts.units * (others + 1));
    }
}
