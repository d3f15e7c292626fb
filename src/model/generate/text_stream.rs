use crate::model::{ModelError, Tokenizer};

/// The text of tokens as they come: characters that are not whole yet, and what may become a text that ends it, are kept back.
#[derive(Debug, Default)]
pub(super) struct TextStream {
    ids: Vec<u32>,
    /// Tokens before this are text for good.
    done: usize,
    /// Tokens from `done` to this make the text that the next one is told from.
    read: usize,
    text: String,
    /// Bytes of the text that were given out.
    given: usize,
    stop: Vec<String>,
}

/// What a token brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Text that is certain; may be empty.
    Text(String),
    /// The rest of the text, up to what ends it.
    Stopped(String),
}

impl TextStream {
    /// A stream that ends before any of these texts.
    pub fn new(stop: &[String]) -> Self {
        Self {
            stop: stop
                .iter()
                .filter(|text| !text.is_empty())
                .cloned()
                .collect(),
            ..Self::default()
        }
    }

    /// All text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The next token.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<Pushed, ModelError> {
        self.ids.push(id);
        let before = tokenizer.decode(self.ids.get(self.done..self.read).unwrap_or_default())?;
        let now = tokenizer.decode(self.ids.get(self.done..).unwrap_or_default())?;
        // A replacement character at the end: the token holds a part of a character.
        if now.len() > before.len() && !now.ends_with('\u{fffd}') {
            self.text += now.get(before.len()..).unwrap_or_default();
            self.done = self.read;
            self.read = self.ids.len();
        }
        Ok(self.give(false))
    }

    /// There is no further token: all that is kept back.
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> Result<String, ModelError> {
        let before = tokenizer.decode(self.ids.get(self.done..self.read).unwrap_or_default())?;
        let now = tokenizer.decode(self.ids.get(self.done..).unwrap_or_default())?;
        self.text += now.get(before.len()..).unwrap_or_default();
        self.done = self.ids.len();
        self.read = self.ids.len();
        match self.give(true) {
            Pushed::Text(text) | Pushed::Stopped(text) => Ok(text),
        }
    }

    fn give(&mut self, is_last: bool) -> Pushed {
        let start = self.given;
        let rest = self.text.get(start..).unwrap_or_default();
        let end = self
            .stop
            .iter()
            .filter_map(|stop| rest.find(stop.as_str()))
            .min();
        if let Some(end) = end {
            self.text.truncate(start + end);
            self.given = self.text.len();
            let text = self.text.get(start..).unwrap_or_default();
            return Pushed::Stopped(text.to_owned());
        }
        let kept = if is_last { 0 } else { self.possible_stop(rest) };
        self.given = self.text.len() - kept;
        let text = self.text.get(start..self.given).unwrap_or_default();
        Pushed::Text(text.to_owned())
    }

    /// How many bytes at the end of a text may be the beginning of one that ends it.
    fn possible_stop(&self, rest: &str) -> usize {
        let longest = |stop: &String| {
            let ends = stop.char_indices().map(|(at, _)| at).filter(|at| *at > 0);
            let fits = ends.filter(|at| stop.get(..*at).is_some_and(|begin| rest.ends_with(begin)));
            fits.max().unwrap_or(0)
        };
        self.stop.iter().map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn tokenizer() -> Tokenizer {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = package.join("tests/reference/models/qwen2_vl");
        Tokenizer::open(&folder).unwrap()
    }

    /// What is given out for a text, token by token; the last piece is that of the end.
    fn given(text: &str, stop: &[&str]) -> (Vec<String>, bool, String) {
        let tokenizer = tokenizer();
        let stop: Vec<String> = stop.iter().map(|s| (*s).to_owned()).collect();
        let mut stream = TextStream::new(&stop);
        let mut pieces = Vec::new();
        for id in tokenizer.encode(text).unwrap() {
            match stream.push(&tokenizer, id).unwrap() {
                Pushed::Text(text) => pieces.push(text),
                Pushed::Stopped(text) => {
                    pieces.push(text);
                    return (pieces, true, stream.text().to_owned());
                }
            }
        }
        pieces.push(stream.finish(&tokenizer).unwrap());
        (pieces, false, stream.text().to_owned())
    }

    #[test]
    fn pieces_are_whole_characters_and_add_up() {
        for text in [
            "The crane was built in 1962.",
            "naïve 東京 🙂🙂 ё",
            "a\n\n  b\t",
            "",
        ] {
            let (pieces, stopped, whole) = given(text, &[]);
            assert!(!stopped);
            assert_eq!(pieces.concat(), text);
            assert_eq!(whole, text);
            assert!(
                pieces.iter().all(|piece| !piece.contains('\u{fffd}')),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn a_stop_across_tokens_is_found_and_never_given_out() {
        for stop in ["Observation:", "Ob", "n:", "🙂", "東京 🙂 n"] {
            let text = format!("There are 17 boats. {stop} and more");
            let (pieces, stopped, whole) = given(&text, &[stop, "never seen"]);
            assert!(stopped, "{stop}");
            assert_eq!(pieces.concat(), "There are 17 boats. ");
            assert_eq!(whole, "There are 17 boats. ");
        }
    }

    #[test]
    fn what_only_begins_like_a_stop_is_given_later() {
        let (pieces, stopped, _) = given("Obs. Observatory", &["Observation:"]);
        assert!(!stopped);
        assert_eq!(pieces.concat(), "Obs. Observatory");
        // Of several the first in the text counts; an empty one none.
        let (pieces, stopped, _) = given("one two three", &["three", "", "two"]);
        assert!(stopped);
        assert_eq!(pieces.concat(), "one ");
    }
}
