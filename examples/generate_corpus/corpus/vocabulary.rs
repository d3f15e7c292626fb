//! Words: a few hundred common English ones at the top, pronounceable invented ones below, drawn by Zipf's law.

use std::collections::HashSet;

use super::random::Random;

const COMMON: &str = include_str!("common_words.txt");
const SIZE: usize = 60_000;
const EXPONENT: f64 = 1.07;

const ONSETS: &[&str] = &[
    "b", "c", "d", "f", "g", "h", "j", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "cl",
    "cr", "dr", "fl", "gr", "pl", "pr", "sh", "sk", "sp", "st", "th", "tr", "ch", "qu", "",
];
const VOWELS: &[&str] = &[
    "a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ou", "io",
];
const CODAS: &[&str] = &[
    "", "", "", "n", "r", "l", "s", "m", "nd", "st", "sk", "lm", "rn", "x",
];
const ENDINGS: &[&str] = &[
    "", "", "", "", "s", "ed", "ing", "er", "ly", "tion", "al", "ous", "é",
];

/// The words and how likely each is.
pub struct Vocabulary {
    text: String,
    starts: Vec<u32>,
    /// Walker's alias method: a slot holds its own word below the threshold, else the alias.
    slots: Vec<(u32, u32)>,
    common: usize,
}

impl Vocabulary {
    /// The vocabulary of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, u64::MAX);
        let (mut text, mut starts) = (String::new(), vec![0]);
        let mut taken = HashSet::new();
        let mut push = |word: &str| {
            let fresh = taken.insert(word.to_owned());
            if fresh {
                text.push_str(word);
                starts.push(text.len() as u32);
            }
            fresh
        };
        let common = COMMON.split_whitespace().filter(|word| push(word)).count();
        let mut count = common;
        while count < SIZE {
            // Frequent words are short.
            let syllables = 1 + random.below(if count < 2_000 { 2 } else { 3 });
            count += usize::from(push(&invented_word(&mut random, syllables)));
        }
        let weights = (1..=SIZE)
            .map(|rank| (rank as f64).powf(-EXPONENT))
            .collect();
        Self {
            text,
            starts,
            slots: alias_slots(weights),
            common,
        }
    }

    /// A word of the running text.
    pub fn draw(&self, random: &mut Random) -> usize {
        let bits = random.bits();
        let slot = ((bits >> 32) * self.slots.len() as u64) >> 32;
        let (threshold, alias) = self.slots[slot as usize];
        if (bits as u32) < threshold {
            slot as usize
        } else {
            alias as usize
        }
    }

    /// An invented word, frequent ones more likely.
    pub fn draw_rare(&self, random: &mut Random) -> usize {
        let skewed = random.unit().powi(3);
        self.common + (skewed * (SIZE - self.common) as f64) as usize
    }

    /// The word with this number.
    pub fn word(&self, number: usize) -> &str {
        &self.text[self.starts[number] as usize..self.starts[number + 1] as usize]
    }
}

fn invented_word(random: &mut Random, syllables: usize) -> String {
    let mut word = String::new();
    for _ in 0..syllables {
        word += random.pick(ONSETS);
        word += random.pick(VOWELS);
    }
    word += random.pick(CODAS);
    // A letter with an accent is rare, as in the published text.
    let ending = random.pick(ENDINGS);
    if ending.is_ascii() || random.chance(0.05) {
        word += ending;
    }
    word
}

fn alias_slots(weights: Vec<f64>) -> Vec<(u32, u32)> {
    let total: f64 = weights.iter().sum();
    let count = weights.len() as f64;
    let mut share: Vec<f64> = weights
        .iter()
        .map(|weight| weight / total * count)
        .collect();
    let (mut small, mut large): (Vec<_>, Vec<_>) =
        (0..share.len()).partition(|&at| share[at] < 1.0);
    let mut slots: Vec<_> = (0..share.len() as u32).map(|own| (u32::MAX, own)).collect();
    while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
        slots[poor] = ((share[poor] * f64::from(u32::MAX)) as u32, rich as u32);
        share[rich] -= 1.0 - share[poor];
        if share[rich] < 1.0 {
            large.pop();
            small.push(rich);
        }
    }
    slots
}
