//! Instants of a test file: `day 3`, `day 3 09:30`, `+14d`, `2026-01-08`, `2026-01-08T09:30:00Z`.
//!
//! Days count from the start of the test file, which is day 0, in UTC. Without a time of day, noon is meant: far from
//! midnight, at which windows move.

use crate::block::Spot;
use crate::problem::{Report, quoted};
use crate::quantity::{LONGEST, in_unit};
use crate::time::{DAY, EventTime, HOUR, MINUTE};

/// Noon.
const NOON: i64 = 12 * HOUR;
const FIX: &str = "write it like `day 3`, `day 3 09:30`, `+14d` or `2026-01-08T09:30:00Z`";

/// Reads a date: its first instant.
pub(super) fn date(spot: &Spot<'_>, report: &mut Report) -> Option<EventTime> {
    let text = spot.text(report)?;
    let date = day_of(text);
    if date.is_none() {
        spot.problem(
            report,
            format!("{} is not a date", quoted(text)),
            "write it like `2026-01-05`, a Monday",
        );
    }
    date
}

fn day_of(text: &str) -> Option<EventTime> {
    EventTime::parse(&format!("{text}T00:00:00Z"))
}

/// What days are counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    /// The first instant of day 0.
    pub(super) start: EventTime,
}

impl Calendar {
    /// Reads an instant; `+` counts from `base`. It lies within ten years after the start.
    pub(super) fn instant(self, spot: &Spot<'_>, base: EventTime, report: &mut Report) -> Option<EventTime> {
        let text = spot.text(report)?;
        let Some(found) = self.parse(text, base) else {
            spot.problem(report, format!("{} is not an instant", quoted(text)), FIX);
            return None;
        };
        if !(0..=LONGEST).contains(&found.since(self.start)) {
            let message = format!("{} is before day 0, or more than ten years after it", quoted(text));
            spot.problem(report, message, "choose an instant in between, or another `start`");
            return None;
        }
        Some(found)
    }

    fn parse(self, text: &str, base: EventTime) -> Option<EventTime> {
        use crate::plan::Unit;
        if let Some(span) = text.strip_prefix('+') {
            return Some(base.plus(in_unit(span, Unit::Span).ok()?));
        }
        let Some(day) = text.strip_prefix("day ") else {
            return EventTime::parse(text).or_else(|| Some(day_of(text)?.plus(NOON)));
        };
        let (number, time) = match day.trim().split_once(' ') {
            Some((number, time)) => (number, clock(time.trim())?),
            None => (day.trim(), NOON),
        };
        let is_number = !number.is_empty() && number.len() <= 5 && number.bytes().all(|b| b.is_ascii_digit());
        let number: i64 = if is_number { number.parse().ok()? } else { return None };
        Some(self.start.plus(number * DAY + time))
    }
}

/// `hh:mm` as milliseconds after midnight.
fn clock(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let part = |text: &str, below: i64| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        let number: i64 = if digits { text.parse().ok()? } else { return None };
        (number < below).then_some(number)
    };
    Some(part(hour, 24)? * HOUR + part(minute, 60)? * MINUTE)
}

/// Whether it is a day from Monday to Friday.
pub(super) const fn is_weekday(at: EventTime) -> bool {
    // 1970-01-01 was a Thursday.
    (at.0.div_euclid(DAY) + 3).rem_euclid(7) < 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_every_form() {
        let start = EventTime::parse("2026-01-05T00:00:00Z").unwrap();
        let base = EventTime::parse("2026-02-01T08:00:00Z").unwrap();
        for (text, instant) in [
            ("day 0", "2026-01-05T12:00:00Z"),
            ("day 31 09:30", "2026-02-05T09:30:00Z"),
            ("+36h", "2026-02-02T20:00:00Z"),
            ("2026-03-01", "2026-03-01T12:00:00Z"),
            ("2026-03-01T00:30:00+01:00", "2026-02-28T23:30:00Z"),
        ] {
            let found = Calendar { start }.parse(text, base).map(|at| at.to_string());
            assert_eq!(found.as_deref(), Some(instant), "{text}");
        }
        for text in ["day", "day -1", "day 3 25:00", "day 3 9:00", "day x", "3", "+3", "soon", ""] {
            assert_eq!(Calendar { start }.parse(text, base), None, "{text}");
        }
    }

    #[test]
    fn a_week_has_five_weekdays_from_monday_on() {
        let monday = EventTime::parse("2026-01-05T12:00:00Z").unwrap();
        let week: Vec<bool> = (0..7).map(|day| is_weekday(monday.plus(day * DAY))).collect();
        assert_eq!(week, [true, true, true, true, true, false, false]);
    }
}
