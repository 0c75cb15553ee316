//! Instants and spans as whole milliseconds.
//!
//! Nothing here reads a clock: an instant comes from a record, a watermark or a model.

use std::fmt;

/// One second in milliseconds.
pub const SECOND: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One UTC day in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// An instant of event time: milliseconds since 1970-01-01T00:00:00Z, negative before it.
///
/// Valid instants lie between the years 1 and 9999, so that each has an RFC 3339 text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

impl EventTime {
    /// The least valid instant, 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// The greatest valid instant, 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The instant `span_ms` later, held within the valid range.
    #[must_use]
    pub fn plus(self, span_ms: i64) -> Self {
        Self(self.0.saturating_add(span_ms).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads an RFC 3339 instant with a zone (`Z` or `±hh:mm`); digits below the millisecond are cut off.
    ///
    /// Returns `None` for anything else, and for an instant outside the valid range. A leap second
    /// (`:60`) is read as the last millisecond before it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_rfc3339(text.as_bytes()).map(Self).filter(|t| (Self::MIN..=Self::MAX).contains(t))
    }

    /// Year, month, day, hour, minute, second, millisecond in UTC.
    #[must_use]
    pub fn civil(self) -> (i64, i64, i64, i64, i64, i64, i64) {
        let days = self.0.div_euclid(DAY);
        let rest = self.0.rem_euclid(DAY);
        let (year, month, day) = civil_from_days(days);
        (year, month, day, rest / HOUR, rest / MINUTE % 60, rest / SECOND % 60, rest % SECOND)
    }
}

/// RFC 3339 in UTC; milliseconds only where they are not zero.
impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second, millis) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if millis != 0 {
            write!(f, ".{millis:03}")?;
        }
        f.write_str("Z")
    }
}

fn two(bytes: &[u8], at: usize) -> Option<i64> {
    let tens = bytes.get(at).filter(|b| b.is_ascii_digit())?;
    let ones = bytes.get(at + 1).filter(|b| b.is_ascii_digit())?;
    Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn parse_rfc3339(text: &[u8]) -> Option<i64> {
    let at = |i: usize, b: u8| text.get(i) == Some(&b);
    let year = two(text, 0)? * 100 + two(text, 2)?;
    let (month, day) = (two(text, 5)?, two(text, 8)?);
    let (hour, minute, second) = (two(text, 11)?, two(text, 14)?, two(text, 17)?);
    let separators = at(4, b'-') && at(7, b'-') && at(13, b':') && at(16, b':');
    let joined = matches!(text.get(10)?, b'T' | b't' | b' ');
    if !separators || !joined || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let mut next = 19;
    let mut millis = 0;
    if at(next, b'.') {
        next += 1;
        let start = next;
        while let Some(digit) = text.get(next).filter(|b| b.is_ascii_digit()) {
            if next - start < 3 {
                millis = millis * 10 + i64::from(digit - b'0');
            }
            next += 1;
        }
        let digits = next - start;
        if digits == 0 {
            return None;
        }
        for _ in digits..3 {
            millis *= 10;
        }
    }
    let offset = match text.get(next)? {
        b'Z' | b'z' if text.len() == next + 1 => 0,
        sign @ (b'+' | b'-') if text.len() == next + 6 && at(next + 3, b':') => {
            let (hours, minutes) = (two(text, next + 1)?, two(text, next + 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let span = hours * HOUR + minutes * MINUTE;
            if *sign == b'-' { -span } else { span }
        }
        _ => return None,
    };
    let (second, millis) = if second == 60 { (59, 999) } else { (second, millis) };
    let days = days_from_civil(year, month, day);
    Some(days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + millis - offset)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// The inverse of [`days_from_civil`], from the same source.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_and_written_as_rfc_3339() {
        for (text, ms, back) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2024-02-29T23:59:59.5Z", 1_709_251_199_500, "2024-02-29T23:59:59.500Z"),
            ("2024-03-01T01:00:00+02:00", 1_709_247_600_000, "2024-02-29T23:00:00Z"),
            ("2016-12-31T23:59:60Z", 1_483_228_799_999, "2016-12-31T23:59:59.999Z"),
            ("2025-06-15 22:00:00.123456789-00:30", 1_750_026_600_123, "2025-06-15T22:30:00.123Z"),
        ] {
            let time = EventTime::parse(text).unwrap();
            assert_eq!(time.0, ms, "{text}");
            assert_eq!(time.to_string(), back);
        }
    }

    #[test]
    fn what_is_not_an_instant_is_refused() {
        for text in [
            "",
            "2024",
            "2023-02-29T00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T24:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00Zx",
            "0000-01-01T00:00:00Z",
            "2024-01-01T00:00:00+0200",
            "２024-01-01T00:00:00Z",
        ] {
            assert_eq!(EventTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_survives_the_way_there_and_back() {
        for day in (-719_162..=2_932_896).step_by(97) {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), day);
        }
    }
}
