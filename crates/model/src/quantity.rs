//! Values with their units, as models write them and messages print them.
//!
//! A unit belongs to its value: a span is written `14d`, a share `60%`, everything else bare. [`shown`] is the
//! way back, for every text that people read.

use crate::block::Spot;
use crate::number::{Number, SCALE, write_decimal};
use crate::plan::Unit;
use crate::problem::{Report, quoted};
use crate::time::{DAY, EventTime, HOUR, MINUTE, SECOND};

/// The longest span that a model may write: ten years.
pub(crate) const LONGEST: i64 = 3_660 * DAY;

/// The units of spans, longest first.
const SPANS: [(char, i64); 5] = [('w', 7 * DAY), ('d', DAY), ('h', HOUR), ('m', MINUTE), ('s', SECOND)];

/// A number as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    /// Millionths.
    Bare(i64),
    /// Millionths of a per cent.
    Percent(i64),
    /// Milliseconds.
    Span(i64),
}

impl Quantity {
    /// Reads `3`, `-0.5`, `60%`, `14d`; `None` for anything else.
    fn parse(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_suffix('%') {
            return exact(number).map(Self::Percent);
        }
        for (letter, ms) in SPANS {
            if let Some(number) = text.strip_suffix(letter) {
                let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
                let count = if digits { number.parse::<i64>().ok()? } else { return None };
                return Some(Self::Span(count.saturating_mul(ms)));
            }
        }
        exact(text).map(Self::Bare)
    }
}

/// Reads a span as models write it (`14d`, `4w`, `6h`), in milliseconds; `None` for anything else.
#[must_use]
pub fn parse_span(text: &str) -> Option<i64> {
    match Quantity::parse(text)? {
        Quantity::Span(ms) => Some(ms),
        Quantity::Bare(_) | Quantity::Percent(_) => None,
    }
}

/// Reads a number that has no digits below the millionth.
fn exact(text: &str) -> Option<i64> {
    let number = Number::parse(text)?;
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let kept = fraction.len() <= 6 || text.contains(['e', 'E']);
    kept.then_some(number.0)
}

/// Reads a value in the unit of what it is compared with, into that unit's scale.
pub(crate) fn in_unit(text: &str, unit: Unit) -> Result<i64, (String, String)> {
    let Some(quantity) = Quantity::parse(text) else {
        return Err((
            format!("{} is not a value", quoted(text)),
            format!("write it like `{}`", example(unit)),
        ));
    };
    match (unit, quantity) {
        (Unit::Span, Quantity::Span(ms)) if ms > LONGEST => Err((
            format!("{} is too long", quoted(text)),
            format!("write at most `{}`", shown(unit, LONGEST)),
        )),
        (Unit::Span, Quantity::Span(value))
        | (Unit::Percent, Quantity::Percent(value))
        | (Unit::Count | Unit::Days | Unit::Number, Quantity::Bare(value)) => Ok(value),
        (Unit::Span, Quantity::Bare(_) | Quantity::Percent(_)) => {
            Err((format!("{} is not a span of time", quoted(text)), repair(text, unit, quantity)))
        }
        (Unit::Percent, Quantity::Bare(_) | Quantity::Span(_)) => {
            Err((format!("{} is not a percentage", quoted(text)), repair(text, unit, quantity)))
        }
        (Unit::Count | Unit::Days | Unit::Number, Quantity::Percent(_) | Quantity::Span(_)) => Err((
            format!("{} has a unit where a bare number belongs", quoted(text)),
            repair(text, unit, quantity),
        )),
    }
}

/// The same digits in the right unit, where that can be meant.
fn repair(text: &str, unit: Unit, quantity: Quantity) -> String {
    let meant = match (unit, quantity) {
        (Unit::Span, Quantity::Bare(n)) if n >= 0 && n % SCALE == 0 => format!("{}d", n / SCALE),
        (Unit::Percent, Quantity::Bare(n)) if n % SCALE != 0 && n.abs() <= 2 * SCALE => {
            shown(Unit::Percent, n * 100)
        }
        (Unit::Percent, Quantity::Bare(n)) => shown(Unit::Percent, n),
        (Unit::Count | Unit::Days | Unit::Number, Quantity::Percent(n)) => shown(Unit::Number, n),
        (Unit::Count | Unit::Days | Unit::Number, Quantity::Span(_)) => {
            text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).to_owned()
        }
        (Unit::Span | Unit::Percent, _) => example(unit).to_owned(),
        (Unit::Count | Unit::Days | Unit::Number, Quantity::Bare(_)) => text.to_owned(),
    };
    format!("write it like `{meant}`")
}

const fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Span => "14d",
        Unit::Percent => "60%",
        Unit::Count | Unit::Days => "3",
        Unit::Number => "0.5",
    }
}

/// A value as people read it: `31%`, `3`, `-0.2`, `14d`, `4h`.
///
/// Spans are rounded to the second and printed in the longest unit that holds them exactly, up to days; a span
/// that would need more than three digits so is printed with one decimal of a longer unit.
#[must_use]
pub fn shown(unit: Unit, value: i64) -> String {
    let mut out = String::new();
    match unit {
        Unit::Span => return span(value),
        Unit::Count | Unit::Days | Unit::Number | Unit::Percent => {
            // Writing to a string cannot fail.
            write_decimal(&mut out, value, 6).unwrap_or_default();
        }
    }
    if unit == Unit::Percent {
        out.push('%');
    }
    out
}

fn span(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.saturating_abs();
    let seconds = (ms / SECOND + i64::from(ms % SECOND >= SECOND / 2)) * SECOND;
    if seconds == 0 {
        return "0d".to_owned();
    }
    for (letter, width) in SPANS.into_iter().skip(1) {
        let exact = seconds % width == 0;
        if exact && (letter == 'd' || seconds / width < 1_000) {
            return format!("{sign}{}{letter}", seconds / width);
        }
    }
    let (letter, width) =
        SPANS.into_iter().skip(1).find(|(_, width)| seconds >= *width).unwrap_or(('s', SECOND));
    let mut out = sign.to_owned();
    // Writing to a string cannot fail.
    write_decimal(&mut out, (seconds * 10 + width / 2) / width, 1).unwrap_or_default();
    out.push(letter);
    out
}

impl Spot<'_> {
    /// A date, at its midnight in UTC.
    pub(crate) fn date(&self, report: &mut Report) -> Option<EventTime> {
        let text = self.text(report)?;
        let date = EventTime::parse(&format!("{text}T00:00:00Z"));
        if date.is_none() {
            self.problem(report, "it is not a date", "write it like `2026-09-30`");
        }
        date
    }

    /// A value in whatever unit.
    pub(crate) fn quantity(&self, report: &mut Report) -> Option<()> {
        let text = self.text(report)?;
        if Quantity::parse(text).is_none() {
            let fix = "write a number, a percentage or a span, like `36`, `92%` or `14d`";
            self.problem(report, format!("{} is not a value", quoted(text)), fix);
            return None;
        }
        Some(())
    }

    /// A value in a unit, in that unit's scale.
    pub(crate) fn value(&self, unit: Unit, report: &mut Report) -> Option<i64> {
        let text = self.text(report)?;
        in_unit(text, unit).map_err(|(message, fix)| self.problem(report, message, fix)).ok()
    }

    /// A span of `least` to `most`.
    pub(crate) fn span(&self, least: i64, most: i64, report: &mut Report) -> Option<i64> {
        let value = self.value(Unit::Span, report)?;
        self.within(value, Unit::Span, (least, most), report)
    }

    /// A whole number of `least` to `most`.
    pub(crate) fn whole(&self, least: u32, most: u32, report: &mut Report) -> Option<u32> {
        let value = self.value(Unit::Count, report)?;
        if value % SCALE != 0 {
            self.problem(report, format!("{} is not a whole number", shown(Unit::Count, value)), "round it");
            return None;
        }
        let limits = (i64::from(least) * SCALE, i64::from(most) * SCALE);
        let value = self.within(value, Unit::Count, limits, report)?;
        u32::try_from(value / SCALE).ok()
    }

    /// Points of 0 to 100 with at most two decimals, in hundredths.
    pub(crate) fn points(&self, report: &mut Report) -> Option<u32> {
        self.hundredths(Unit::Number, report)
    }

    /// A percentage of 0 to 100 with at most two decimals, in hundredths.
    pub(crate) fn share(&self, report: &mut Report) -> Option<u32> {
        self.hundredths(Unit::Percent, report)
    }

    fn hundredths(&self, unit: Unit, report: &mut Report) -> Option<u32> {
        const HUNDREDTH: i64 = SCALE / 100;
        let value = self.value(unit, report)?;
        if value % HUNDREDTH != 0 {
            let message = format!("{} has more than two decimals", shown(unit, value));
            self.problem(report, message, "round it");
            return None;
        }
        let value = self.within(value, unit, (0, 100 * SCALE), report)?;
        u32::try_from(value / HUNDREDTH).ok()
    }

    fn within(&self, value: i64, unit: Unit, limits: (i64, i64), report: &mut Report) -> Option<i64> {
        let (least, most) = limits;
        if (least..=most).contains(&value) {
            return Some(value);
        }
        let fix = format!("write {} to {}", shown(unit, least), shown(unit, most));
        self.problem(report, format!("{} is out of range", shown(unit, value)), fix);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printed_in_their_unit() {
        for (unit, value, text) in [
            (Unit::Percent, 31 * SCALE, "31%"),
            (Unit::Percent, 38_700_000, "38.7%"),
            (Unit::Count, 3 * SCALE, "3"),
            (Unit::Number, -200_000, "-0.2"),
            (Unit::Days, 6 * SCALE, "6"),
            (Unit::Span, 14 * DAY, "14d"),
            (Unit::Span, 4 * HOUR, "4h"),
            (Unit::Span, 36 * HOUR, "36h"),
            (Unit::Span, 90 * MINUTE, "90m"),
            (Unit::Span, 0, "0d"),
            (Unit::Span, 30 * DAY + 1, "30d"),
            (Unit::Span, 90 * DAY - 1, "90d"),
            (Unit::Span, 2_000 * DAY, "2000d"),
            (Unit::Span, 100 * DAY + 7 * SECOND, "100d"),
            (Unit::Span, 14 * DAY + 6 * HOUR + MINUTE, "14.3d"),
            (Unit::Span, -4 * HOUR, "-4h"),
        ] {
            assert_eq!(shown(unit, value), text);
        }
    }

    #[test]
    fn values_are_read_in_their_unit() {
        for (text, unit, value) in [
            ("60%", Unit::Percent, 60 * SCALE),
            ("-12.5%", Unit::Percent, -12_500_000),
            ("90s", Unit::Span, 90 * SECOND),
            ("5m", Unit::Span, 5 * MINUTE),
            ("8w", Unit::Span, 56 * DAY),
            ("0d", Unit::Span, 0),
            ("-0.5", Unit::Number, -SCALE / 2),
            ("3", Unit::Count, 3 * SCALE),
        ] {
            assert_eq!(in_unit(text, unit), Ok(value), "{text}");
        }
    }

    #[test]
    fn a_wrong_unit_is_named_with_the_right_one() {
        for (text, unit, message, fix) in [
            ("30", Unit::Span, "`30` is not a span of time", "write it like `30d`"),
            ("0.6", Unit::Percent, "`0.6` is not a percentage", "write it like `60%`"),
            ("60", Unit::Percent, "`60` is not a percentage", "write it like `60%`"),
            ("60%", Unit::Count, "`60%` has a unit where a bare number belongs", "write it like `60`"),
            ("3d", Unit::Count, "`3d` has a unit where a bare number belongs", "write it like `3`"),
            ("1.5d", Unit::Span, "`1.5d` is not a value", "write it like `14d`"),
            ("-3d", Unit::Span, "`-3d` is not a value", "write it like `14d`"),
            ("0.0000001", Unit::Number, "`0.0000001` is not a value", "write it like `0.5`"),
            ("99999999999999w", Unit::Span, "`99999999999999w` is too long", "write at most `3660d`"),
            ("soon", Unit::Span, "`soon` is not a value", "write it like `14d`"),
        ] {
            assert_eq!(in_unit(text, unit), Err((message.to_owned(), fix.to_owned())), "{text}");
        }
    }
}
