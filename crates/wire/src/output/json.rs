//! JSON written by hand: the bytes are pinned, so number formats and escaping are decided here.
//!
//! Two forms of decimals: *fixed* ones (scores, points, weights, contributions; hundredths) have at least one
//! place, `38.78`, `4.0`; *shortest* ones (values) have as many as they need, `31`, `38.7`.

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
    unsigned(out, magnitude / 100);
    let [tenth, hundredth] = pair(magnitude);
    if hundredth == b'0' {
        out.extend_from_slice(&[b'.', tenth]);
    } else {
        out.extend_from_slice(&[b'.', tenth, hundredth]);
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
    let (year, month, day, ..) = time.civil();
    let rest = time.0.rem_euclid(DAY);
    let two = |value: i64| pair(value.unsigned_abs());
    let ([y0, y1], [y2, y3], [m0, m1], [d0, d1]) = (two(year / 100), two(year), two(month), two(day));
    let [h0, h1] = two(rest / HOUR);
    let [n0, n1] = two(rest / MINUTE % 60);
    let [s0, s1] = two(rest / SECOND % 60);
    out.extend_from_slice(&[
        y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1,
    ]);
    let millis = rest % SECOND;
    if millis != 0 {
        let [hundreds, [t0, t1]] = [two(millis / 100), two(millis)];
        out.extend_from_slice(&[b'.', hundreds[1], t0, t1]);
    }
    out.push(b'Z');
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
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        let (plain, special) = rest.split_at(at);
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
    out.extend_from_slice(rest);
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
        for ms in [0, -1, 1_781_560_800_000, 1_781_560_800_050, EventTime::MIN.0, EventTime::MAX.0] {
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
