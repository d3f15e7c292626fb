//! Ids of a source's records: the data's own, else the place; the first record with an id keeps it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::domain::percent_encode;

/// How often each id was asked for so far, in the order of the files.
#[derive(Default)]
pub struct RecordIds {
    /// By a hash of the id: the ids of 300,000 records would take ten times the memory.
    used: HashMap<u64, u32>,
    hasher: RandomState,
}

impl RecordIds {
    /// What the next record that asks for `plain` gets: `plain`, then `plain~2`, `plain~3`.
    pub fn next(&self, plain: &str) -> String {
        match self.used.get(&self.hasher.hash_one(plain)) {
            None => plain.to_owned(),
            Some(count) => format!("{plain}~{}", count + 1),
        }
    }

    /// Gives it.
    pub fn take(&mut self, plain: &str) -> String {
        let id = self.next(plain);
        *self.used.entry(self.hasher.hash_one(plain)).or_default() += 1;
        id
    }
}

/// The id that a record asks for: its natural one, else its number, with its file in a folder of files.
pub fn plain_id(natural: Option<&str>, file: Option<&str>, number: u64) -> String {
    match natural.filter(|id| !id.is_empty()) {
        Some(id) => shorten(percent_encode(id)),
        None => match file {
            Some(file) => format!("{}.{number}", percent_encode(file)),
            None => number.to_string(),
        },
    }
}

/// The id that a record asked for, from the one that it got.
pub fn without_repeat(id: &str) -> &str {
    id.rsplit_once('~').map_or(id, |(plain, _)| plain)
}

/// Keeps ids usable where data has a whole text for an id.
fn shorten(id: String) -> String {
    const LONGEST: usize = 200;
    if id.len() <= LONGEST {
        return id;
    }
    let hash = blake3::hash(id.as_bytes()).to_hex();
    let mut end = LONGEST;
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{}", &id[..end], &hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keeps_its_id_and_later_ones_are_counted() {
        let mut ids = RecordIds::default();
        assert_eq!(ids.take("a"), "a");
        assert_eq!(ids.next("a"), "a~2");
        assert_eq!(ids.take("a"), "a~2");
        assert_eq!(ids.take("b"), "b");
        assert_eq!(ids.take("a"), "a~3");
    }

    #[test]
    fn a_mark_in_the_data_is_no_repeat() {
        assert_eq!(without_repeat(&plain_id(Some("x~2"), None, 0)), "x%7E2");
        assert_eq!(without_repeat("x%7E2~3"), "x%7E2");
    }

    #[test]
    fn without_an_id_the_place_is_one() {
        assert_eq!(plain_id(None, None, 7), "7");
        assert_eq!(plain_id(Some(""), Some("a/b.json"), 7), "a%2Fb.json.7");
    }

    #[test]
    fn long_ids_are_cut_and_stay_apart() {
        let long = |end: &str| plain_id(Some(&format!("{}{end}", "é".repeat(500))), None, 0);
        assert!(long("1").len() < 230, "{}", long("1"));
        assert_ne!(long("1"), long("2"));
    }
}
