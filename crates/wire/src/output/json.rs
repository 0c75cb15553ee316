//! JSON written by hand: the bytes are pinned, so number formats and escaping are decided here.
//!
//! Two forms of decimals: *fixed* ones (scores, points, weights, contributions; hundredths) have at least one
//! place, `38.78`, `4.0`; *shortest* ones (values) have as many as they need, `31`, `38.7`.

use crate::plain::plain_until;
use model::time::{DAY, EventTime, HOUR, MINUTE, SECOND};

const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut value = 0;
    let mut digits = [b'0'; 2];
    while value < 100 {
        pairs[value] = digits;
        digits[1] += 1;
        if digits[1] > b'9' {
            digits = [digits[0] + 1, b'0'];
        }
        value += 1;
    }
    pairs
};

/// The last two digits.
#[inline]
fn pair(value: u64) -> [u8; 2] {
    PAIRS[usize::from((value % 100).to_le_bytes()[0])]
}

/// An integer.
#[inline]
pub(super) fn unsigned(out: &mut Vec<u8>, value: u64) {
    if value < 10 {
        out.push(pair(value)[1]);
    } else if value < 100 {
        out.extend_from_slice(&pair(value));
    } else {
        unsigned(out, value / 100);
        out.extend_from_slice(&pair(value));
    }
}

/// A signed integer.
#[inline]
pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    unsigned(out, value.unsigned_abs());
}

/// Hundredths as a fixed decimal.
#[inline]
pub(super) fn fixed(out: &mut Vec<u8>, hundredths: i64) {
    if hundredths < 0 {
        out.push(b'-');
    }
    let magnitude = hundredths.unsigned_abs();
    let [tenth, hundredth] = pair(magnitude);
    let len = out.len() + if hundredth == b'0' { 3 } else { 4 };
    // Written at full width and cut to its length: a copy of known size is one instruction.
    if magnitude < 1_000 {
        out.extend_from_slice(&[pair(magnitude / 100)[1], b'.', tenth, hundredth]);
        out.truncate(len);
    } else if magnitude < 10_000 {
        let [ten, one] = pair(magnitude / 100);
        out.extend_from_slice(&[ten, one, b'.', tenth, hundredth]);
        out.truncate(len + 1);
    } else {
        unsigned(out, magnitude / 100);
        let len = out.len() + if hundredth == b'0' { 2 } else { 3 };
        out.extend_from_slice(&[b'.', tenth, hundredth]);
        out.truncate(len);
    }
}

/// Hundredths as the shortest decimal.
pub(super) fn shortest(out: &mut Vec<u8>, hundredths: i64) {
    if hundredths % 100 == 0 {
        signed(out, hundredths / 100);
    } else {
        fixed(out, hundredths);
    }
}

/// Millionths as the shortest decimal.
pub(super) fn shortest_micros(out: &mut Vec<u8>, micros: i64) {
    if micros < 0 {
        out.push(b'-');
    }
    let magnitude = micros.unsigned_abs();
    unsigned(out, magnitude / 1_000_000);
    let fraction = magnitude % 1_000_000;
    if fraction != 0 {
        let ([a, b], [c, d], [e, f]) = (pair(fraction / 10_000), pair(fraction / 100), pair(fraction));
        let digits = [b'.', a, b, c, d, e, f];
        let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        out.extend(digits.iter().take(end));
    }
}

/// RFC 3339 in UTC without quotes, as [`EventTime`]'s own text.
pub(super) fn bare_time(out: &mut Vec<u8>, time: EventTime) {
    let (year, month, day) = date(time.0.div_euclid(DAY));
    let rest = time.0.rem_euclid(DAY).unsigned_abs();
    let clock = |span: i64| pair(rest / span.unsigned_abs());
    let ([y0, y1], [y2, y3]) = (pair(u64::from(year / 100)), pair(u64::from(year)));
    let ([m0, m1], [d0, d1]) = (pair(u64::from(month)), pair(u64::from(day)));
    let [h0, h1] = clock(HOUR);
    let [n0, n1] = pair(rest / MINUTE.unsigned_abs() % 60);
    let [s0, s1] = pair(rest / SECOND.unsigned_abs() % 60);
    out.extend_from_slice(&[
        y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'Z',
    ]);
    let millis = rest % SECOND.unsigned_abs();
    if millis != 0 {
        let ([_, hundreds], [tens, ones]) = (pair(millis / 100), pair(millis));
        out.pop();
        out.extend_from_slice(&[b'.', hundreds, tens, ones, b'Z']);
    }
}

/// Year, month and day of a number of days since 1970-01-01 (Neri and Schneider, "Euclidean affine functions and
/// their application to calendar algorithms", 2022), held to the years that have a text.
fn date(days: i64) -> (u32, u32, u32) {
    let days = days.clamp(EventTime::MIN.0.div_euclid(DAY), EventTime::MAX.0.div_euclid(DAY));
    // Days since 0000-03-01, positive from here on.
    let n = 4 * u32::try_from(days + 719_468).unwrap_or(0) + 3;
    let (century, of_century) = (n / 146_097, n % 146_097 / 4);
    let p = 2_939_745 * u64::from(4 * of_century + 3);
    let [a, b, c, d, e, f, g, h] = p.to_le_bytes();
    let year = u32::from_le_bytes([e, f, g, h]);
    let of_year = u32::from_le_bytes([a, b, c, d]) / 2_939_745 / 4;
    let m = 2_141 * of_year + 197_913;
    let (month, day) = (m >> 16, (m & 0xffff) / 2_141);
    let next = u32::from(of_year >= 306);
    (100 * century + year + next, month - 12 * next, day + 1)
}

/// RFC 3339 in UTC.
pub(super) fn time(out: &mut Vec<u8>, time: EventTime) {
    out.push(b'"');
    bare_time(out, time);
    out.push(b'"');
}

/// A text.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text.as_bytes());
    out.push(b'"');
}

/// The inside of a text: UTF-8 as it is, with what JSON requires escaped.
pub(super) fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain_until(rest, 0));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { return };
        match byte {
            b'"' => out.extend_from_slice(br#"\""#),
            b'\\' => out.extend_from_slice(br"\\"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            control => {
                let hex = |digit: u8| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
                out.extend_from_slice(br"\u00");
                out.extend_from_slice(&[hex(control >> 4), hex(control & 15)]);
            }
        }
        rest = after;
    }
}

/// `"name":"value",` if there is a value.
pub(super) fn optional(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        text(out, value);
        out.push(b',');
    }
}

/// Replaces the comma after the last member by `end`, or appends it where there is none.
pub(super) fn close(out: &mut Vec<u8>, end: u8) {
    match out.last_mut() {
        Some(last) if *last == b',' => *last = end,
        _ => out.push(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_are_fixed_or_shortest() {
        for (value, text, short) in [
            (0, "0.0", "0"),
            (5, "0.05", "0.05"),
            (-62, "-0.62", "-0.62"),
            (3_878, "38.78", "38.78"),
            (999, "9.99", "9.99"),
            (1_000, "10.0", "10"),
            (9_999, "99.99", "99.99"),
            (10_000, "100.0", "100"),
            (10_010, "100.1", "100.1"),
            (1_234_567, "12345.67", "12345.67"),
            (400, "4.0", "4"),
            (2_650, "26.5", "26.5"),
            (-1_000_000, "-10000.0", "-10000"),
        ] {
            assert_eq!(written(|out| fixed(out, value)), text);
            assert_eq!(written(|out| shortest(out, value)), short);
        }
        for (value, text) in
            [(0, "0"), (-200_000, "-0.2"), (1, "0.000001"), (12_340_000, "12.34"), (3_000_000, "3")]
        {
            assert_eq!(written(|out| shortest_micros(out, value)), text);
        }
    }

    #[test]
    fn integers_are_written_whole() {
        for value in [0, 9, 10, 99, 100, 12_345, u64::MAX] {
            assert_eq!(written(|out| unsigned(out, value)), value.to_string());
        }
        assert_eq!(written(|out| signed(out, i64::MIN)), i64::MIN.to_string());
    }

    #[test]
    fn a_time_is_written_as_everywhere_else() {
        let days = (EventTime::MIN.0..=EventTime::MAX.0).step_by(31 * 86_400_000);
        let some =
            [0, -1, 1_781_560_800_000, 1_781_560_800_050, 68_169_600_000, EventTime::MIN.0, EventTime::MAX.0];
        let leap = (951_696_000_000..952_128_000_000).step_by(43_200_001);
        for ms in days.chain(some).chain(leap) {
            assert_eq!(written(|out| bare_time(out, EventTime(ms))), EventTime(ms).to_string());
        }
    }

    #[test]
    fn any_text_survives_its_escaping() {
        let all: String = (0..0x250).filter_map(char::from_u32).chain("\u{2028}😀".chars()).collect();
        let json = written(|out| text(out, &all));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), all);
    }
}
