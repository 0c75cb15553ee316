//! The fingerprints by which redelivered activities are known.
//!
//! Kept in hourly buckets of event time, up to a source's horizon and [`CAP`] per account; beyond the cap the
//! oldest goes and is counted. What is held is a function of the entries alone: whether a fingerprint counts is
//! asked of its hour and T, not of when it was last tidied.

use crate::bytes::{Damaged, Reader, Writer};
use crate::compact::{give_back, make_room};
use model::time::HOUR;

/// The most fingerprints held for one account.
pub(crate) const CAP: usize = 4_096;

/// Hour (since the epoch) and source of a fingerprint in 28 and 4 bits, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot(i32);

impl Slot {
    fn of(time: i64, source: u8) -> Self {
        // 2^27 hours are 15,000 years.
        let hour = time.div_euclid(HOUR).clamp(-(1 << 27), (1 << 27) - 1);
        Self((i32::try_from(hour).unwrap_or(0) << 4) | i32::from(source & 15))
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

/// The fingerprints of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Ascending by slot, then fingerprint; two arrays, so that a search reads fingerprints only.
    slots: Vec<Slot>,
    prints: Vec<u64>,
}

/// What became of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// It is held now, or is beyond the horizon.
    Yes,
    /// It is held, and the oldest went for it.
    InsteadOfOldest,
}

fn counts(slot: Slot, horizon: &impl Horizon) -> bool {
    let end = (i64::from(slot.hour()) + 1) * HOUR;
    horizon.horizon(slot.source()).is_none_or(|least| end > least)
}

impl Seen {
    /// Whether the fingerprint is held.
    pub(crate) fn holds(&self, print: u64, horizon: &impl Horizon) -> bool {
        let mut places = self.prints.iter().enumerate().filter(|(_, held)| **held == print);
        places.any(|(place, _)| counts(self.slots[place], horizon))
    }

    /// Holds a fingerprint of an activity at `time`, unless it is beyond the horizon already.
    pub(crate) fn remember(
        &mut self,
        print: u64,
        source: u8,
        time: i64,
        horizon: &impl Horizon,
    ) -> Remembered {
        let slot = Slot::of(time, source);
        if !counts(slot, horizon) {
            return Remembered::Yes;
        }
        // Tidy only where something can go, which the oldest tells.
        if self.slots.first().is_some_and(|oldest| !counts(*oldest, horizon)) || self.slots.len() >= CAP {
            self.tidy(horizon);
        }
        let first = self.slots.partition_point(|held| *held < slot);
        let after = first + self.slots[first..].partition_point(|held| *held == slot);
        let place = first + self.prints[first..after].partition_point(|held| *held < print);
        if self.slots.len() < CAP {
            make_room(&mut self.slots);
            make_room(&mut self.prints);
            self.slots.insert(place, slot);
            self.prints.insert(place, print);
            return Remembered::Yes;
        }
        // The oldest by (hour, fingerprint) goes, whichever that is; sources share an hour.
        let oldest = self.oldest();
        if (self.slots[oldest].hour(), self.prints[oldest]) < (slot.hour(), print) {
            self.slots.remove(oldest);
            self.prints.remove(oldest);
            let place = if oldest < place { place - 1 } else { place };
            self.slots.insert(place, slot);
            self.prints.insert(place, print);
        }
        Remembered::InsteadOfOldest
    }

    fn oldest(&self) -> usize {
        let hour = self.slots.first().map(|slot| slot.hour());
        let same = self.slots.iter().take_while(|slot| Some(slot.hour()) == hour).count();
        (0..same).min_by_key(|place| self.prints[*place]).unwrap_or(0)
    }

    fn tidy(&mut self, horizon: &impl Horizon) {
        let keep: Vec<bool> = self.slots.iter().map(|slot| counts(*slot, horizon)).collect();
        let mut kept = keep.iter();
        self.slots.retain(|_| kept.next() == Some(&true));
        let mut kept = keep.iter();
        self.prints.retain(|_| kept.next() == Some(&true));
        give_back(&mut self.slots);
        give_back(&mut self.prints);
    }

    /// Reads a little of each cache line.
    pub(crate) fn touch(&self) -> usize {
        let prints = self.prints.iter().step_by(8).filter(|print| **print == 0).count();
        prints + self.slots.iter().step_by(16).filter(|slot| slot.0 == 0).count()
    }

    pub(crate) fn heap(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.prints.capacity() * 8
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        to.len(self.slots.len());
        let mut last = 0_i64;
        for (slot, print) in self.slots.iter().zip(&self.prints) {
            to.i64(i64::from(slot.0) - last);
            to.fixed(*print);
            last = i64::from(slot.0);
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let len = from.len()?;
        let mut seen = Self { slots: Vec::with_capacity(len), prints: Vec::with_capacity(len) };
        let mut last = 0_i64;
        for _ in 0..len {
            last = last.wrapping_add(from.i64()?);
            seen.slots.push(Slot(i32::try_from(last).map_err(|_| Damaged("hour out of range"))?));
            seen.prints.push(from.fixed()?);
        }
        let order: Vec<_> = seen.slots.iter().zip(&seen.prints).collect();
        if order.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(Damaged("fingerprints out of order"));
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct At(i64);

    impl Horizon for At {
        fn horizon(&self, _: u8) -> Option<i64> {
            Some(self.0)
        }
    }

    #[test]
    fn a_fingerprint_is_held_until_its_hour_is_beyond_the_horizon() {
        let mut seen = Seen::default();
        seen.remember(7, 0, HOUR / 2, &At(0));
        assert!(seen.holds(7, &At(HOUR - 1)));
        assert!(!seen.holds(7, &At(HOUR)));
    }

    #[test]
    fn at_the_cap_the_oldest_goes_whatever_the_order_of_arrival() {
        let prints: Vec<u64> = (0..CAP as u64 + 3).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let mut one = Seen::default();
        let mut other = Seen::default();
        let time = |i: usize| i64::try_from(i % 50).unwrap() * HOUR;
        for (i, print) in prints.iter().enumerate() {
            one.remember(*print, u8::try_from(i % 3).unwrap(), time(i), &At(0));
        }
        for (i, print) in prints.iter().enumerate().rev() {
            other.remember(*print, u8::try_from(i % 3).unwrap(), time(i), &At(0));
        }
        assert_eq!(one, other);
        assert_eq!(one.prints.len(), CAP);
    }

    #[test]
    fn stored_bytes_are_read_back() {
        let mut seen = Seen::default();
        for i in 0..100_u64 {
            seen.remember(i * i, u8::try_from(i % 9).unwrap(), i64::try_from(i % 7).unwrap() * HOUR, &At(0));
        }
        let mut bytes = Vec::new();
        seen.write(&mut Writer(&mut bytes));
        assert_eq!(Seen::read(&mut Reader(&bytes)), Ok(seen));
    }
}
