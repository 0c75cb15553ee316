//! The fingerprints by which redelivered activities are known.
//!
//! Kept in hourly buckets of event time, up to a source's horizon and [`CAP`] per account; beyond the cap the
//! oldest goes and is counted. What is held is a function of the entries alone: whether a fingerprint counts is
//! asked of its hour and T, not of when it was last tidied.
//!
//! Words of the part: fingerprints, ascending by slot, then fingerprint: slot, upper half, lower half.

use crate::bytes::{Damaged, Reader, Writer};
use crate::operator::distinct::{halves, whole};
use crate::parts::{Part, partition};
use model::time::HOUR;

/// The most fingerprints held for one account.
pub(crate) const CAP: usize = 4_096;

const STRIDE: usize = 3;

/// How many that count no more may stand at the front before they are taken out.
const FEW: usize = 3;

/// Hour (since the epoch) and source of a fingerprint in 28 and 4 bits, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot(i32);

impl Slot {
    fn of(time: i64, source: u8) -> Self {
        // 2^27 hours are 15,000 years.
        let hour = time.div_euclid(HOUR).clamp(-(1 << 27), (1 << 27) - 1);
        Self((i32::try_from(hour).unwrap_or(0) << 4) | i32::from(source & 15))
    }

    const fn of_record(record: &[u32]) -> Self {
        Self(record[0].cast_signed())
    }

    const fn hour(self) -> i32 {
        self.0 >> 4
    }

    fn source(self) -> u8 {
        u8::try_from(self.0 & 15).unwrap_or(0)
    }
}

/// What is asked of a source: up to when its fingerprints count.
pub(crate) trait Horizon {
    /// T of the source less its horizon; `None` before its first watermark.
    fn horizon(&self, source: u8) -> Option<i64>;
}

/// What became of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// It is held now, or is beyond the horizon.
    Yes,
    /// It is held, and the oldest went for it.
    InsteadOfOldest,
}

/// The first hour of which fingerprints of a source count.
fn first_hour(source: u8, horizon: &impl Horizon) -> i64 {
    horizon.horizon(source).map_or(i64::MIN, |least| least.div_euclid(HOUR))
}

fn counts(slot: Slot, horizon: &impl Horizon) -> bool {
    i64::from(slot.hour()) >= first_hour(slot.source(), horizon)
}

/// Whether the fingerprint is held.
pub(crate) fn holds(part: &[u32], print: u64, horizon: &impl Horizon) -> bool {
    let [high, low] = halves(print);
    // Nearly always there is none, and this is all there is to do: word by word, which is several words at a time.
    if !part.contains(&low) {
        return false;
    }
    let mut places = part.chunks_exact(STRIDE).filter(|record| record[1..] == [high, low]);
    places.any(|record| counts(Slot::of_record(record), horizon))
}

/// Holds a fingerprint of an activity at `time`, unless it is beyond the horizon already.
pub(crate) fn remember(
    part: &mut Part<'_>,
    print: u64,
    source: u8,
    time: i64,
    horizon: &impl Horizon,
) -> Remembered {
    let slot = Slot::of(time, source);
    if !counts(slot, horizon) {
        return Remembered::Yes;
    }
    let is_full = |part: &[u32]| part.len() / STRIDE >= CAP;
    let is_gone = |record: &[u32]| !counts(Slot::of_record(record), horizon);
    // Those that are gone stand at the front, but for sources with shorter horizons. A few at a time cost little.
    let gone = part.chunks_exact(STRIDE).take_while(|record| is_gone(record)).count();
    let is_tight = part.is_cramped(STRIDE) || is_full(part);
    if gone > FEW || (gone > 0 && is_tight) {
        part.remove(0..STRIDE * gone);
    } else if is_tight {
        tidy(part, horizon);
    }
    let [high, low] = halves(print);
    let record = [slot.0.cast_unsigned(), high, low];
    let at = place_of(part, &record);
    if !is_full(part) {
        part.insert(at, &record);
        return Remembered::Yes;
    }
    // The oldest by (hour, fingerprint) goes, whichever that is; sources share an hour.
    let oldest = oldest(part);
    let age = |record: &[u32]| (Slot::of_record(record).hour(), record[1], record[2]);
    if age(&part[oldest..]) < age(&record) {
        part.remove(oldest..oldest + STRIDE);
        let at = if oldest < at { at - STRIDE } else { at };
        part.insert(at, &record);
    }
    Remembered::InsteadOfOldest
}

/// Where a record belongs, in words: mostly close to the end, since time goes on.
fn place_of(part: &[u32], record: &[u32; STRIDE]) -> usize {
    const CLOSE: usize = 8;
    let key = |record: &[u32]| (Slot::of_record(record), record[1], record[2]);
    let after = part.rchunks_exact(STRIDE).take(CLOSE).take_while(|other| key(other) >= key(record)).count();
    if after < CLOSE {
        return part.len() - STRIDE * after;
    }
    partition(part, 0, STRIDE, |other| key(other) < key(record))
}

/// Takes out all that count no more.
pub(crate) fn tidy(part: &mut Part<'_>, horizon: &impl Horizon) {
    // Asked once of each source, and not of every fingerprint.
    let first: [i64; 16] =
        std::array::from_fn(|source| first_hour(u8::try_from(source).unwrap_or(0), horizon));
    // In the order of time: where the oldest counts, whatever its source, all do.
    let oldest =
        part.chunks_exact(STRIDE).next().map_or(i64::MAX, |record| Slot::of_record(record).hour().into());
    if first.iter().all(|first| oldest >= *first) {
        return;
    }
    part.retain(0, STRIDE, |record| {
        let slot = Slot::of_record(record);
        i64::from(slot.hour()) >= first[usize::from(slot.source())]
    });
}

/// Where the oldest stands, in words.
fn oldest(part: &[u32]) -> usize {
    let hour = Slot::of_record(part).hour();
    let same = part.chunks_exact(STRIDE).take_while(|record| Slot::of_record(record).hour() == hour);
    let least = same.enumerate().min_by_key(|(_, record)| (record[1], record[2]));
    least.map_or(0, |(place, _)| STRIDE * place)
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    let records = part.chunks_exact(STRIDE);
    to.len(records.len());
    let mut last = 0_i64;
    for record in records {
        let slot = i64::from(Slot::of_record(record).0);
        to.i64(slot - last);
        to.fixed(whole(&record[1..]));
        last = slot;
    }
}

/// Reads the stored form into the words of a part.
pub(crate) fn read(from: &mut Reader<'_>, words: &mut Vec<u32>) -> Result<(), Damaged> {
    let mut last = 0_i64;
    let mut before = None;
    let len = from.len()?;
    if len > CAP {
        return Err(Damaged("too many fingerprints"));
    }
    for _ in 0..len {
        last = last.wrapping_add(from.i64()?);
        let slot = i32::try_from(last).map_err(|_| Damaged("hour out of range"))?;
        let print = from.fixed()?;
        if before.replace((slot, print)).is_some_and(|before| before > (slot, print)) {
            return Err(Damaged("fingerprints out of order"));
        }
        let [high, low] = halves(print);
        words.extend([slot.cast_unsigned(), high, low]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Parts;

    struct At(i64);

    impl Horizon for At {
        fn horizon(&self, _: u8) -> Option<i64> {
            Some(self.0)
        }
    }

    fn none() -> Parts {
        Parts::new(&[0])
    }

    fn remember(parts: &mut Parts, print: u64, source: u8, time: i64) {
        super::remember(&mut parts.part(0), print, source, time, &At(0));
    }

    #[test]
    fn a_fingerprint_is_held_until_its_hour_is_beyond_the_horizon() {
        let mut seen = none();
        remember(&mut seen, 7, 0, HOUR / 2);
        assert!(holds(seen.get(0), 7, &At(HOUR - 1)));
        assert!(!holds(seen.get(0), 7, &At(HOUR)));
    }

    #[test]
    fn at_the_cap_the_oldest_goes_whatever_the_order_of_arrival() {
        let prints: Vec<u64> = (0..CAP as u64 + 3).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let (mut one, mut other) = (none(), none());
        let time = |i: usize| i64::try_from(i % 50).unwrap() * HOUR;
        for (i, print) in prints.iter().enumerate() {
            remember(&mut one, *print, u8::try_from(i % 3).unwrap(), time(i));
        }
        for (i, print) in prints.iter().enumerate().rev() {
            remember(&mut other, *print, u8::try_from(i % 3).unwrap(), time(i));
        }
        assert_eq!(one, other);
        assert_eq!(one.get(0).len(), STRIDE * CAP);
    }

    #[test]
    fn stored_bytes_are_read_back() {
        let mut seen = none();
        for i in 0..100_u64 {
            remember(&mut seen, i * i, u8::try_from(i % 9).unwrap(), i64::try_from(i % 7).unwrap() * HOUR);
        }
        let (mut bytes, mut words) = (Vec::new(), Vec::new());
        write(seen.get(0), &mut Writer(&mut bytes));
        assert_eq!(read(&mut Reader(&bytes), &mut words), Ok(()));
        assert_eq!(words, seen.get(0));
    }
}
