use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment in UTC, to the millisecond; written `2026-03-01T09:30:00.250Z` (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(u64);

/// A text that is no moment as [`Timestamp`] writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2026-03-01T09:30:00.250Z")]
pub struct TimestampError;

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

const DAY: u64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z: years have four digits.
const LAST: u64 = 253_402_300_799_999;

impl Timestamp {
    /// Milliseconds since 1970; past the year 9999 the last moment of it.
    pub fn from_milliseconds(milliseconds: u64) -> Self {
        Self(milliseconds.min(LAST))
    }

    /// Milliseconds since 1970.
    pub fn milliseconds(self) -> u64 {
        self.0
    }
}

/// Days since 1970-01-01 of a date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_date(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let (era, of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

/// The reverse of [`days_from_date`].
fn date_of_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = of_era + era * 400 + u64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of_days(self.0 / DAY);
        let of_day = self.0 % DAY;
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, millisecond) = (of_day / 1000 % 60, of_day % 1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
        )
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: &[u8; 24] = text.as_bytes().try_into().map_err(|_| TimestampError)?;
        let marks = [4, 7, 10, 13, 16, 19, 23].map(|at| bytes[at]);
        if &marks != b"--T::.Z" {
            return Err(TimestampError);
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().try_fold(0, |sum: u64, byte| {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
                digit.map(|digit| sum * 10 + digit).ok_or(TimestampError)
            })
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return Err(TimestampError);
        }
        let days = days_from_date(year, month, day).ok_or(TimestampError)?;
        // No 30th of February: a date is what it is written as.
        if date_of_days(days) != (year, month, day) {
            return Err(TimestampError);
        }
        let of_day = (hour * 60 + minute) * 60_000 + second * 1000 + number(20, 23)?;
        Ok(Self(days * DAY + of_day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_have_their_text() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_210_096_789, "2024-02-29T12:34:56.789Z"),
            (LAST, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp(milliseconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(milliseconds)));
        }
        for wrong in [
            "2023-02-29T00:00:00.000Z",
            "2023-13-01T00:00:00.000Z",
            "2023-01-00T00:00:00.000Z",
            "2023-01-01T24:00:00.000Z",
            "2023-01-01 00:00:00.000Z",
            "2023-01-01T00:00:00Z",
            "1969-12-31T00:00:00.000Z",
            "202é-01-01T00:00:00.00Z",
        ] {
            assert_eq!(wrong.parse::<Timestamp>(), Err(TimestampError), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn moments_survive_their_text_form(milliseconds in 0..=LAST) {
            let moment = Timestamp(milliseconds);
            proptest::prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }
    }
}
