//! Values as Python writes them, for chat templates: `str`, `repr`, `json.dumps`, `strftime`.

use std::fmt::Write;

use serde_json::{Number, Value};

/// `str(value)`; what is undefined is not a value here.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ => representation(value),
    }
}

/// `repr(value)`.
fn representation(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number_text(number),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(representation).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{}: {}", quoted(key), representation(value))
            };
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// `repr` of a string: in single quotes, or in double ones if only single ones are inside.
fn quoted(text: &str) -> String {
    let quote = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => out.extend(['\\', character]),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push(quote);
    out
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// `repr` of a float: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on.
fn float_text(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific; // `inf` and `NaN` are no JSON
    };
    match exponent.parse::<i32>() {
        Ok(exponent @ -4..16) => {
            let plain = format!("{float}");
            match exponent < 0 || plain.contains('.') {
                true => plain,
                false => plain + ".0",
            }
        }
        Ok(exponent) => format!(
            "{digits}e{}{:02}",
            if exponent < 0 { '-' } else { '+' },
            exponent.abs()
        ),
        Err(_) => scientific,
    }
}

/// How `json.dumps` writes.
#[derive(Debug, Clone)]
pub(super) struct JsonStyle {
    /// Whether characters beyond ASCII are escaped.
    pub ascii: bool,
    /// What a level is indented by; `None` for one line.
    pub indent: Option<String>,
    /// Between items.
    pub item_separator: String,
    /// After a key.
    pub key_separator: String,
    /// Whether keys are sorted.
    pub sorted: bool,
}

impl JsonStyle {
    /// Python's own style: `{"a": 1, "b": [2, 3]}`; with an indent, lines end in a bare comma.
    pub fn new(indent: Option<String>) -> Self {
        let item_separator = if indent.is_some() { "," } else { ", " };
        Self {
            ascii: false,
            indent,
            item_separator: item_separator.to_owned(),
            key_separator: ": ".to_owned(),
            sorted: false,
        }
    }

    /// `json.dumps(value, …)`.
    pub fn write(&self, value: &Value) -> String {
        let mut out = String::new();
        self.put(&mut out, value, 0);
        out
    }

    fn put(&self, out: &mut String, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.put_text(out, text),
            Value::Array(items) => {
                let items = items.iter().map(|item| (None, item)).collect();
                self.put_all(out, ['[', ']'], items, depth);
            }
            Value::Object(members) => {
                let members = members.iter().map(|(key, value)| (Some(key), value));
                let mut members: Vec<(Option<&String>, &Value)> = members.collect();
                if self.sorted {
                    members.sort_by_key(|(key, _)| *key);
                }
                self.put_all(out, ['{', '}'], members, depth);
            }
            Value::Number(number) => out.push_str(&number_text(number)),
            Value::Null | Value::Bool(_) => {
                let _ = write!(out, "{value}");
            }
        }
    }

    fn put_all(
        &self,
        out: &mut String,
        [open, close]: [char; 2],
        items: Vec<(Option<&String>, &Value)>,
        depth: usize,
    ) {
        out.push(open);
        let is_empty = items.is_empty();
        for (place, (key, value)) in items.into_iter().enumerate() {
            if place > 0 {
                out.push_str(&self.item_separator);
            }
            self.put_line(out, depth + 1);
            if let Some(key) = key {
                self.put_text(out, key);
                out.push_str(&self.key_separator);
            }
            self.put(out, value, depth + 1);
        }
        if !is_empty {
            self.put_line(out, depth);
        }
        out.push(close);
    }

    fn put_line(&self, out: &mut String, depth: usize) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(indent.as_str(), depth));
        }
    }

    fn put_text(&self, out: &mut String, text: &str) {
        let json = Value::from(text).to_string();
        if !self.ascii {
            out.push_str(&json);
            return;
        }
        for character in json.chars() {
            if matches!(character, '\0'..='\u{7e}') {
                out.push(character);
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

/// `datetime.strftime(format)` of a time in seconds since 1970, UTC; `None` for a directive that templates have no use for.
pub(super) fn strftime(format: &str, seconds: u64) -> Option<String> {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day, year_day) = date(days);
    let month_name = MONTHS.get(month)?;
    let day_name = DAYS.get((days % 7) as usize)?;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let hour_of_12 = (hour + 11) % 12 + 1;
    let mut out = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let mut directive = characters.next()?;
        let is_short = directive == '-';
        if is_short {
            directive = characters.next()?;
        }
        let number = match directive {
            'Y' => Some((year, 4)),
            'y' => Some((year % 100, 2)),
            'm' => Some((month as u64 + 1, 2)),
            'd' => Some((day, 2)),
            'j' => Some((year_day, 3)),
            'H' => Some((hour, 2)),
            'I' => Some((hour_of_12, 2)),
            'M' => Some((minute, 2)),
            'S' => Some((second, 2)),
            _ => None,
        };
        match (number, directive) {
            (Some((number, _)), _) if is_short => out += &number.to_string(),
            (Some((number, width)), _) => out += &format!("{number:0width$}"),
            (None, 'B') => out += month_name,
            (None, 'b' | 'h') => out += month_name.get(..3)?,
            (None, 'A') => out += day_name,
            (None, 'a') => out += day_name.get(..3)?,
            (None, 'p') => out += if hour < 12 { "AM" } else { "PM" },
            (None, '%') => out.push('%'),
            _ => return None,
        }
    }
    Some(out)
}

/// Year, month from 0, day from 1 and day of the year from 1 of a number of days since 1970.
fn date(mut days: u64) -> (u64, usize, u64, u64) {
    let mut year = 1970;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    // 400 years are always as many days, so that no number of days takes long.
    year += days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let year_day = days + 1;
    let february = 28 + u64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1, year_day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // What CPython 3.11 prints for each.
    #[test]
    fn values_read_as_in_python() {
        let cases = [
            (json!(null), "None"),
            (json!([true, false, 1, -2]), "[True, False, 1, -2]"),
            (json!("it's\n"), "it's\n"),
            (json!(["it's\n", "\"", "'\""]), r#"["it's\n", '"', '\'"']"#),
            (json!({"a": "\u{1}\\\u{7f}é"}), r"{'a': '\x01\\\x7fé'}"),
            (
                json!([1.0, 0.1, 1e16, 1e15]),
                "[1.0, 0.1, 1e+16, 1000000000000000.0]",
            ),
            (json!([1e-4, 0.00001, 1.5e-7]), "[0.0001, 1e-05, 1.5e-07]"),
            (
                json!([1.5e300, -0.0, 123456.789]),
                "[1.5e+300, -0.0, 123456.789]",
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(text(&value), expected);
        }
    }

    #[test]
    fn json_is_as_python_writes_it() {
        let value = json!({"b": [1, 2.0, []], "a": {"é": "\u{1F600}\"\u{7f}\u{1}"}, "c": {}});
        let mut style = JsonStyle::new(None);
        assert_eq!(
            style.write(&value),
            "{\"b\": [1, 2.0, []], \"a\": {\"é\": \"\u{1F600}\\\"\u{7f}\\u0001\"}, \"c\": {}}"
        );
        style.ascii = true;
        style.sorted = true;
        assert_eq!(
            style.write(&value),
            r#"{"a": {"\u00e9": "\ud83d\ude00\"\u007f\u0001"}, "b": [1, 2.0, []], "c": {}}"#
        );
        let style = JsonStyle::new(Some("  ".to_owned()));
        assert_eq!(
            style.write(&json!({"a": [1, {"b": null}], "c": []})),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": []\n}"
        );
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "%Y-%m-%d %H:%M:%S %a %j", "1970-01-01 00:00:00 Thu 001"),
            (951_827_696, "%d %b %Y, %I:%M %p", "29 Feb 2000, 12:34 PM"),
            (
                1_735_689_599,
                "%-d/%-m/%y %B %A %j%%",
                "31/12/24 December Tuesday 366%",
            ),
            (4_107_542_400, "%Y-%m-%d", "2100-03-01"),
        ];
        for (seconds, format, expected) in cases {
            assert_eq!(strftime(format, seconds).as_deref(), Some(expected));
        }
        assert_eq!(strftime("%Q", 0), None);
        assert_eq!(strftime("%", 0), None);
        assert!(strftime("%Y", u64::MAX).is_some());
    }
}
