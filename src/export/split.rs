//! Splits by task: whatever belongs to one task is in one split, and stays there as data grow.

use crate::domain::Task;

/// Names of splits with their shares, and the seed that the draw depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    shares: Vec<(String, f64)>,
    seed: u64,
}

/// A text that is no list of splits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A part that is not `name=share`.
    #[error("`{0}` is no split: write name=share, as in train=0.9,val=0.1")]
    Form(String),
    /// A name that can't be a file's.
    #[error("a split can't be named `{0}`: use letters, digits, `-` and `_`")]
    Name(String),
    /// A name twice.
    #[error("the split `{0}` is there twice")]
    Twice(String),
    /// Shares that are not the whole.
    #[error("the shares add up to {0}, and must add up to 1")]
    Sum(String),
}

impl Split {
    /// Reads `train=0.9,val=0.1`.
    pub fn parse(text: &str, seed: u64) -> Result<Self, SplitError> {
        let mut shares: Vec<(String, f64)> = Vec::new();
        for part in text.split(',') {
            let wrong = || SplitError::Form(part.to_owned());
            let (name, share) = part.trim().split_once('=').ok_or_else(wrong)?;
            let share: f64 = share.trim().parse().map_err(|_| wrong())?;
            let name = name.trim();
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(SplitError::Name(name.to_owned()));
            }
            if !(share > 0.0 && share <= 1.0) {
                return Err(wrong());
            }
            if shares
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                return Err(SplitError::Twice(name.to_owned()));
            }
            shares.push((name.to_owned(), share));
        }
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(SplitError::Sum(format!("{sum}")));
        }
        Ok(Self { shares, seed })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shares.iter().map(|(name, _)| name.as_str())
    }

    /// Names with their shares, in order.
    pub fn shares(&self) -> &[(String, f64)] {
        &self.shares
    }

    /// What the draw depends on.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of the split that a task is in. It depends on the seed and the question alone, without its case and
    /// white space: two runs of one task never stand on both sides, whatever files they come from.
    pub fn of(&self, task: &Task) -> usize {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        for word in task.text.split_whitespace() {
            hasher.update(word.to_lowercase().as_bytes());
            hasher.update(b" ");
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        // 53 bits are what a float holds exactly.
        let place = (u64::from_be_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64;
        let mut end = 0.0;
        for (number, (_, share)) in self.shares.iter().enumerate() {
            end += share;
            if place < end {
                return number;
            }
        }
        self.shares.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(text: &str) -> Task {
        Task {
            text: text.to_owned(),
            ..Task::default()
        }
    }

    #[test]
    fn wrong_splits_say_what_is_wrong() {
        for (text, reason) in [
            (
                "train",
                "`train` is no split: write name=share, as in train=0.9,val=0.1",
            ),
            (
                "train=x",
                "`train=x` is no split: write name=share, as in train=0.9,val=0.1",
            ),
            (
                "train=0,val=1",
                "`train=0` is no split: write name=share, as in train=0.9,val=0.1",
            ),
            (
                "a/b=1",
                "a split can't be named `a/b`: use letters, digits, `-` and `_`",
            ),
            ("a=0.5,A=0.5", "the split `A` is there twice"),
            (
                "a=0.5,b=0.4",
                "the shares add up to 0.9, and must add up to 1",
            ),
        ] {
            let error = Split::parse(text, 0).expect_err(text);
            assert_eq!(error.to_string(), reason);
        }
        let split = Split::parse(" train=0.9, val=0.1", 0).expect("a split");
        assert_eq!(split.names().collect::<Vec<_>>(), ["train", "val"]);
    }

    #[test]
    fn shares_are_about_kept_and_seeds_differ() {
        let split = Split::parse("train=0.8,val=0.15,test=0.05", 1).expect("a split");
        let other = Split::parse("train=0.8,val=0.15,test=0.05", 2).expect("a split");
        let mut counts = [0; 3];
        let mut moved = 0;
        for number in 0..10_000 {
            let task = task(&format!("How many boats are in picture {number}?"));
            let of = split.of(&task);
            counts[of] += 1;
            moved += usize::from(of != other.of(&task));
        }
        assert!((7_800..8_200).contains(&counts[0]), "{counts:?}");
        assert!((1_350..1_650).contains(&counts[1]), "{counts:?}");
        assert!((400..600).contains(&counts[2]), "{counts:?}");
        assert!(moved > 2_000, "{moved}");
    }

    proptest::proptest! {
        #[test]
        fn case_and_space_make_no_difference(words in proptest::collection::vec("[a-z]{1,6}", 1..6), seed: u64) {
            let split = Split::parse("a=0.5,b=0.5", seed).expect("a split");
            let plain = task(&words.join(" "));
            let loud = task(&format!("  {}\n", words.join("\t ").to_uppercase()));
            proptest::prop_assert_eq!(split.of(&plain), split.of(&loud));
        }
    }
}
