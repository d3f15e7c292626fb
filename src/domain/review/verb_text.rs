//! Labels and tags as people type them.

use std::str::FromStr;

use super::{StepLabel, TagName};

/// Longer values of keyword fields are not searched.
const LONGEST_TAG: usize = 200;

impl FromStr for StepLabel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = match text {
            "good" => Some(1),
            "neutral" => Some(0),
            "bad" => Some(-1),
            number => number.parse().ok(),
        };
        let label = value.and_then(Self::new);
        label.ok_or("a label is 1 (good), 0 (neutral) or -1 (bad)")
    }
}

impl FromStr for TagName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let tag = text.trim();
        if tag.is_empty() {
            Err("a tag can't be empty".to_owned())
        } else if tag.len() > LONGEST_TAG {
            Err(format!("a tag has at most {LONGEST_TAG} bytes"))
        } else if tag.contains(char::is_control) {
            Err("a tag has no control characters".to_owned())
        } else {
            Ok(Self {
                tag: tag.to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbers_and_names() {
        for (text, value) in [
            ("-1", -1),
            ("0", 0),
            ("1", 1),
            ("+1", 1),
            ("good", 1),
            ("neutral", 0),
            ("bad", -1),
        ] {
            assert_eq!(text.parse().map(StepLabel::value), Ok(value));
        }
        for wrong in ["2", "-2", "", "1.0", "Good", "--step"] {
            assert!(wrong.parse::<StepLabel>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_are_names() {
        let tag = |text: &str| text.parse::<TagName>().map(|tag| tag.tag);
        assert_eq!(tag(" needs a look "), Ok("needs a look".to_owned()));
        assert_eq!(tag(&"a".repeat(200)), Ok("a".repeat(200)));
        for wrong in ["", "  ", "a\nb", &"a".repeat(201)] {
            assert!(tag(wrong).is_err(), "{wrong:?}");
        }
    }
}
