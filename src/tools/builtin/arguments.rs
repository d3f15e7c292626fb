use crate::sandbox::{Call, PythonValue};

/// A call's arguments by name.
pub(in crate::tools) struct Arguments<'a> {
    values: Vec<(&'static str, &'a PythonValue)>,
}

impl<'a> Arguments<'a> {
    /// Binds as Python does: positions first, then names; nothing twice, nothing unknown, nothing missing.
    pub fn bind(
        call: &'a Call,
        parameters: &'static [(&'static str, &'static str, bool)],
    ) -> Result<Self, String> {
        let tool = &call.name;
        if call.arguments.len() > parameters.len() {
            return Err(format!(
                "{tool}() takes {} arguments but {} were given",
                parameters.len(),
                call.arguments.len()
            ));
        }
        let positional = parameters.iter().zip(&call.arguments);
        let mut values: Vec<(&'static str, &PythonValue)> = positional
            .map(|((name, ..), value)| (*name, value))
            .collect();
        for (keyword, value) in &call.keywords {
            let known = parameters.iter().find(|(name, ..)| name == keyword);
            let Some((name, ..)) = known else {
                return Err(format!(
                    "{tool}() got an unexpected keyword argument '{keyword}'"
                ));
            };
            if values.iter().any(|(bound, _)| bound == name) {
                return Err(format!(
                    "{tool}() got multiple values for argument '{name}'"
                ));
            }
            values.push((name, value));
        }
        for (name, _, optional) in parameters {
            if !optional && values.iter().all(|(bound, _)| bound != name) {
                return Err(format!("{tool}() missing 1 required argument: '{name}'"));
            }
        }
        Ok(Self { values })
    }

    /// The value of a parameter; `None` if it was left out, or is `None`.
    pub fn get(&self, name: &str) -> Option<&'a PythonValue> {
        let found = self.values.iter().find(|(bound, _)| *bound == name);
        found
            .map(|(_, value)| *value)
            .filter(|value| **value != PythonValue::None)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&'a str, String> {
        match self.get(name) {
            Some(PythonValue::Str(text)) => Ok(text),
            other => Err(wrong(name, "a text", other)),
        }
    }

    /// A whole number between two others, both included.
    pub fn number(&self, name: &str, least: i64, most: i64) -> Result<i64, String> {
        let number = self.get(name).and_then(whole);
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| {
                let wanted = format!("a whole number from {least} to {most}");
                wrong(name, &wanted, self.get(name))
            })
    }

    /// A list of this many whole numbers; floats are cut as Python's `int` does.
    pub fn numbers(&self, name: &str, count: usize) -> Result<Vec<i64>, String> {
        let items = match self.get(name) {
            Some(PythonValue::List(items) | PythonValue::Tuple(items)) => items.as_slice(),
            _ => &[],
        };
        let numbers: Option<Vec<i64>> = items.iter().map(whole).collect();
        numbers
            .filter(|numbers| numbers.len() == count)
            .ok_or_else(|| wrong(name, &format!("a list of {count} numbers"), self.get(name)))
    }
}

fn whole(value: &PythonValue) -> Option<i64> {
    match value {
        PythonValue::Int(int) => Some(*int),
        // Every pixel of a picture is far inside.
        PythonValue::Float(float) if float.abs() < 1e9 => Some(*float as i64),
        _ => None,
    }
}

fn wrong(name: &str, wanted: &str, found: Option<&PythonValue>) -> String {
    match found {
        Some(value) => format!("{name} has to be {wanted}, not {}", value.repr()),
        None => format!("{name} has to be {wanted}"),
    }
}
