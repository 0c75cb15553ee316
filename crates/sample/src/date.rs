//! Calendar arithmetic on Unix milliseconds: enough for weekdays, holidays and RFC 3339.

use std::fmt::Write as _;

pub(crate) const SECOND_MS: i64 = 1000;
pub(crate) const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Year, month and day of the UTC day that holds the instant.
pub(crate) fn civil(ms: i64) -> (i64, i64, i64) {
    // Days are counted from 0000-03-01, so that a leap day is the last of its year.
    let days = ms.div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day of the week, Monday = 0.
pub(crate) fn weekday(ms: i64) -> i64 {
    (ms.div_euclid(DAY_MS) + 3).rem_euclid(7)
}

/// Appends the instant as RFC 3339 in UTC with milliseconds.
pub(crate) fn write_rfc3339(out: &mut String, ms: i64) {
    let (year, month, day) = civil(ms);
    let of_day = ms.rem_euclid(DAY_MS);
    let (hour, minute) = (of_day / HOUR_MS, of_day / MINUTE_MS % 60);
    let (second, milli) = (of_day / SECOND_MS % 60, of_day % SECOND_MS);
    // Writing to a string cannot fail.
    write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
        .unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, civil, weekday, write_rfc3339};

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, (1970, 1, 1), 3),
            (951_782_400_000, (2000, 2, 29), 1),
            (1_735_689_600_000, (2025, 1, 1), 2),
            (1_735_689_600_000 - 1, (2024, 12, 31), 1),
            (1_772_236_800_000 + DAY_MS, (2026, 3, 1), 6),
        ];
        for (ms, date, day) in cases {
            assert_eq!((civil(ms), weekday(ms)), (date, day), "{ms}");
        }
    }

    #[test]
    fn instants_are_written_in_full() {
        let mut out = String::new();
        write_rfc3339(&mut out, 1_735_689_600_000 + 3_723_004);
        assert_eq!(out, "2025-01-01T01:02:03.004Z");
    }
}
