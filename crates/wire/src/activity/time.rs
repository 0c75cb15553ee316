//! Instants in the one form that nearly all records use, read quickly.
//!
//! Records that lie together happened on the same day, so the date read last is kept. Any other form, and any
//! text that is none, is left to [`EventTime::parse`]: the answer is always that of `parse`.

use model::time::{DAY, EventTime, HOUR, MINUTE, SECOND};

/// The date that was read last: its text, and the instant at which it begins.
#[derive(Debug)]
pub(super) struct Dates {
    text: [u8; 10],
    begins: i64,
}

impl Default for Dates {
    fn default() -> Self {
        Self { text: *b"1970-01-01", begins: 0 }
    }
}

impl Dates {
    /// Reads an RFC 3339 instant.
    #[inline]
    pub(super) fn read(&mut self, text: &str) -> Option<EventTime> {
        let in_day = in_day(text.as_bytes());
        match (in_day, text.as_bytes().first_chunk::<10>()) {
            (Some(ms), Some(date)) if *date == self.text => Some(EventTime(self.begins + ms)),
            _ => self.read_any(text, in_day),
        }
    }

    #[cold]
    fn read_any(&mut self, text: &str, in_day: Option<i64>) -> Option<EventTime> {
        let time = EventTime::parse(text)?;
        if let (Some(ms), Some(date)) = (in_day, text.as_bytes().first_chunk::<10>()) {
            (self.text, self.begins) = (*date, time.0 - ms);
            debug_assert!(self.begins % DAY == 0);
        }
        Some(time)
    }
}

/// Milliseconds after midnight in `…Thh:mm:ssZ` and `…Thh:mm:ss.mmmZ`; `None` in any other text, leap seconds
/// among them.
#[inline]
fn in_day(text: &[u8]) -> Option<i64> {
    let (clock, millis) = match text.get(10..)? {
        [b'T', clock @ .., b'Z'] if clock.len() == 8 => (clock, 0),
        [b'T', clock @ .., b'.', a, b, c, b'Z'] if clock.len() == 8 => {
            (clock, digit(*a)? * 100 + digit(*b)? * 10 + digit(*c)?)
        }
        _ => return None,
    };
    let [h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return None };
    let hour = digit(*h1)? * 10 + digit(*h2)?;
    let minute = digit(*m1)? * 10 + digit(*m2)?;
    let second = digit(*s1)? * 10 + digit(*s2)?;
    (hour < 24 && minute < 60 && second < 60)
        .then_some(hour * HOUR + minute * MINUTE + second * SECOND + millis)
}

#[inline]
fn digit(byte: u8) -> Option<i64> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(i64::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_date_that_is_none_is_not_kept() {
        let mut dates = Dates::default();
        assert_eq!(dates.read("2023-02-29T00:00:00Z"), None);
        assert_eq!(dates.read("2023-02-29T00:00:00Z"), None);
        assert_eq!(dates.read("\0\0\0\0\0\0\0\0\0\0T00:00:00Z"), None);
    }

    proptest! {
        #[test]
        fn the_answer_is_that_of_parse(
            texts in proptest::collection::vec(
                "202[3-4]-0[1-3]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,4})?(Z|z|\\+01:00|)",
                1..20,
            ),
        ) {
            let mut dates = Dates::default();
            for text in texts.iter().chain(&texts) {
                prop_assert_eq!(dates.read(text), EventTime::parse(text), "{}", text);
            }
        }
    }
}
