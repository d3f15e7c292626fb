use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ModelError;
use super::model_folder::Settings;

/// An object of a model's `config.json`, read member by member: an error names the file and the member.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    file: &'a Path,
    /// Where the object is in the file, as `text_config.`; empty for the whole.
    place: String,
    values: &'a Map<String, Value>,
}

/// The largest count that a configuration may name: beyond it, products of two of them could overflow.
const LARGEST: u64 = 1 << 31;

impl<'a> Section<'a> {
    /// The whole file.
    pub fn whole(settings: &'a Settings) -> Self {
        Self {
            file: &settings.path,
            place: String::new(),
            values: &settings.values,
        }
    }

    /// A part of a file that is an object.
    pub fn inside(&self, name: &str) -> Option<Section<'a>> {
        Some(Section {
            file: self.file,
            place: format!("{}{name}.", self.place),
            values: self.values.get(name)?.as_object()?,
        })
    }

    /// A part that has to be there.
    pub fn demanded(&self, name: &str) -> Result<Section<'a>, ModelError> {
        self.inside(name)
            .ok_or_else(|| self.error(name, "is missing or is no object"))
    }

    /// What is wrong with a member.
    pub fn error(&self, name: &str, problem: impl Into<String>) -> ModelError {
        ModelError::Config {
            path: PathBuf::from(self.file),
            member: format!("{}{name}", self.place),
            problem: problem.into(),
        }
    }

    fn present(&self, name: &str) -> Option<&'a Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Whether a member is there, and not null.
    pub fn has(&self, name: &str) -> bool {
        self.present(name).is_some()
    }

    /// A count of at least one; `default` where the member is missing.
    pub fn count_or(&self, name: &str, default: usize) -> Result<usize, ModelError> {
        match self.present(name) {
            None => Ok(default),
            Some(value) => value
                .as_u64()
                .filter(|count| (1..=LARGEST).contains(count))
                .and_then(|count| usize::try_from(count).ok())
                .ok_or_else(|| self.error(name, "is no whole number from 1 on")),
        }
    }

    /// A count of at least one that has to be there.
    pub fn count(&self, name: &str) -> Result<usize, ModelError> {
        if !self.has(name) {
            return Err(self.error(name, "is missing"));
        }
        self.count_or(name, 1)
    }

    /// A number; `default` where the member is missing.
    pub fn number_or(&self, name: &str, default: f64) -> Result<f64, ModelError> {
        match self.present(name) {
            None => Ok(default),
            Some(value) => value
                .as_f64()
                .filter(|number| number.is_finite())
                .ok_or_else(|| self.error(name, "is no number")),
        }
    }

    /// A truth value; `default` where the member is missing.
    pub fn flag_or(&self, name: &str, default: bool) -> Result<bool, ModelError> {
        match self.present(name) {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| self.error(name, "is neither true nor false")),
        }
    }

    /// A text; `None` where the member is missing or no text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.present(name)?.as_str()
    }

    /// A list of numbers from 0 on; `None` where the member is missing.
    pub fn counts(&self, name: &str) -> Result<Option<Vec<usize>>, ModelError> {
        let Some(value) = self.present(name) else {
            return Ok(None);
        };
        let number =
            |value: &Value| usize::try_from(value.as_u64().filter(|n| *n <= LARGEST)?).ok();
        let numbers = value
            .as_array()
            .and_then(|values| values.iter().map(number).collect::<Option<Vec<_>>>());
        match numbers {
            Some(numbers) => Ok(Some(numbers)),
            None => Err(self.error(name, "is no list of whole numbers")),
        }
    }

    /// A list of finite numbers; `None` where the member is missing.
    pub fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, ModelError> {
        let Some(value) = self.present(name) else {
            return Ok(None);
        };
        let numbers = value
            .as_array()
            .and_then(|values| values.iter().map(Value::as_f64).collect::<Option<Vec<_>>>());
        match numbers {
            Some(numbers) => Ok(Some(numbers)),
            None => Err(self.error(name, "is no list of numbers")),
        }
    }

    /// A token's id, or several; none where the member is missing.
    pub fn token_ids(&self, name: &str) -> Result<Vec<u32>, ModelError> {
        let id = |value: &Value| u32::try_from(value.as_u64()?).ok();
        let ids = match self.present(name) {
            None => Some(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(id).collect(),
            Some(value) => id(value).map(|id| vec![id]),
        };
        ids.ok_or_else(|| self.error(name, "is no token id"))
    }

    /// The members of an object inside; none where it is missing.
    pub fn entries(&self, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.values
            .get(name)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }

    /// One of two counts is a multiple of the other.
    pub fn divides(&self, name: &str, of: usize, by: usize) -> Result<usize, ModelError> {
        if by == 0 || !of.is_multiple_of(by) {
            return Err(self.error(name, format!("is {of}, which is no multiple of {by}")));
        }
        Ok(of / by)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> Settings {
        let values = json!({
            "layers": 3, "none": 0, "text": "t", "part": {"theta": 1e4, "list": [1, 2], "on": true}, "null": null, "eos": [4, 5],
            "vast": 99_999_999_999_u64,
        });
        Settings {
            path: "m/config.json".into(),
            values: values.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn members_are_read_or_named_in_the_error() {
        let settings = settings();
        let whole = Section::whole(&settings);
        assert_eq!(whole.count("layers").unwrap(), 3);
        assert_eq!(whole.count_or("heads", 7).unwrap(), 7);
        assert_eq!(whole.count_or("null", 7).unwrap(), 7);
        assert_eq!(whole.token_ids("eos").unwrap(), [4, 5]);
        assert_eq!(whole.token_ids("layers").unwrap(), [3]);
        let part = whole.demanded("part").unwrap();
        assert_eq!(part.number_or("theta", 0.0).unwrap(), 1e4);
        assert_eq!(part.counts("list").unwrap(), Some(vec![1, 2]));
        assert!(part.flag_or("on", false).unwrap());
        for (error, said) in [
            (whole.count("heads").unwrap_err(), "`heads` is missing"),
            (
                whole.count("none").unwrap_err(),
                "`none` is no whole number",
            ),
            (
                whole.count("vast").unwrap_err(),
                "`vast` is no whole number",
            ),
            (
                whole.demanded("text").unwrap_err(),
                "`text` is missing or is no object",
            ),
            (
                part.flag_or("theta", true).unwrap_err(),
                "`part.theta` is neither",
            ),
            (
                whole.divides("layers", 3, 2).unwrap_err(),
                "no multiple of 2",
            ),
        ] {
            let text = error.to_string();
            assert!(
                text.contains(said) && text.contains("m/config.json"),
                "{text}"
            );
        }
    }
}
