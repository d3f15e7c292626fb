use std::fmt;
use std::str::FromStr;

/// One of several parts of a selection, for machines that share nothing: which part a task belongs to depends on its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1.
    index: u64,
    /// How many parts.
    count: u64,
}

/// A text that names no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part: `2/5` is the second of five")]
pub struct ShardError(String);

impl Shard {
    /// Whether a task belongs to this part.
    pub fn contains(&self, key: &str) -> bool {
        let hash = blake3::hash(key.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_be_bytes(first) % self.count == self.index - 1
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ShardError(text.to_owned());
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let (index, count) = (number(index)?, number(count)?);
        match (1..=count).contains(&index) {
            true => Ok(Self { index, count }),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn each_task_is_in_exactly_one_part(key in ".{0,20}", count in 1_u64..9) {
            let parts = (1..=count).map(|index| format!("{index}/{count}").parse::<Shard>().unwrap());
            proptest::prop_assert_eq!(parts.filter(|part| part.contains(&key)).count(), 1);
        }
    }

    #[test]
    fn parts_are_of_a_like_size_and_wrong_ones_are_told() {
        let second: Shard = "2/4".parse().unwrap();
        let inside = (0..1000)
            .filter(|n| second.contains(&format!("m-trace/{n}")))
            .count();
        assert!((200..300).contains(&inside), "{inside}");
        assert_eq!(second.to_string(), "2/4");
        for wrong in ["", "2", "0/2", "3/2", "1/0", "a/b", "-1/2", "1/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
