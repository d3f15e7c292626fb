//! Running text: words, names and numbers in sentences, with the words of a topic more often than elsewhere.

use super::random::Random;
use super::vocabulary::Vocabulary;

const UNITS: &[&str] = &[
    "%", " km", " m", " kg", " g", " million", " years", " °C", " €", " kcal",
];

/// Writes about one topic.
pub struct Prose<'a> {
    vocabulary: &'a Vocabulary,
    topic: Vec<usize>,
}

impl<'a> Prose<'a> {
    /// A new topic.
    pub fn new(vocabulary: &'a Vocabulary, random: &mut Random) -> Self {
        let topic = (0..24).map(|_| vocabulary.draw_rare(random)).collect();
        Self { vocabulary, topic }
    }

    fn word(&self, random: &mut Random) -> &'a str {
        let number = if random.below(8) == 0 {
            self.topic[random.below(self.topic.len())]
        } else {
            self.vocabulary.draw(random)
        };
        self.vocabulary.word(number)
    }

    /// A word of the topic.
    pub fn topic_word(&self, random: &mut Random) -> &'a str {
        self.vocabulary
            .word(self.topic[random.below(self.topic.len())])
    }

    /// A proper name.
    pub fn name(&self, random: &mut Random) -> String {
        let mut name = String::new();
        push_capitalized(&mut name, self.topic_word(random));
        name
    }

    /// A name for a variable: topic words joined by underscores.
    pub fn variable(&self, random: &mut Random) -> String {
        let words = [
            "result", "info", "data", "list", "values", "response", "total", "details",
        ];
        let word: String = self
            .topic_word(random)
            .chars()
            .filter(char::is_ascii)
            .collect();
        format!("{word}_{}", random.pick(&words))
    }

    /// A few words without punctuation.
    pub fn phrase(&self, random: &mut Random, words: usize) -> String {
        let mut phrase = String::new();
        for number in 0..words {
            if number > 0 {
                phrase.push(' ');
            }
            phrase += self.word(random);
        }
        phrase
    }

    /// A number as people write it.
    pub fn number(random: &mut Random) -> String {
        match random.below(5) {
            0 => random.between(1900, 2026).to_string(),
            1 => format!("{}.{}", random.below(100), random.below(100)),
            2 => format!("{},{:03}", random.between(1, 999), random.below(1000)),
            _ => random.between(2, 400).to_string(),
        }
    }

    /// Appends one sentence.
    pub fn sentence(&self, random: &mut Random, out: &mut String) {
        push_capitalized(out, self.word(random));
        for _ in 0..random.between(5, 21) {
            out.push(' ');
            match random.below(40) {
                0 => {
                    *out += &Self::number(random);
                    *out += random.pick(UNITS);
                }
                1 => push_capitalized(out, self.topic_word(random)),
                2 | 3 => {
                    *out += self.word(random);
                    out.push(',');
                }
                _ => *out += self.word(random),
            }
        }
        if out.ends_with(',') {
            out.pop();
        }
        out.push('.');
    }

    /// Sentences until they have about this many bytes; a paragraph or a list item now and then.
    pub fn text(&self, random: &mut Random, length: usize) -> String {
        let mut text = String::with_capacity(length + 160);
        self.sentence(random, &mut text);
        while text.len() < length {
            match random.below(14) {
                0 => text += "\n\n",
                1 => {
                    text += "\n- **";
                    text += &self.name(random);
                    text += "**: ";
                }
                _ => text.push(' '),
            }
            self.sentence(random, &mut text);
        }
        text
    }
}

fn push_capitalized(out: &mut String, word: &str) {
    let mut letters = word.chars();
    out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
    *out += letters.as_str();
}
