//! Which of two activities is the newer one, whatever the order in which they arrive.

use crate::activity::Activity;
use crate::bytes::{Damaged, Reader, Writer};
use crate::parts::{number, set_number};

/// Words that an order takes in a part.
pub(crate) const WORDS: usize = 5;

/// Event time, then source partition, then offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order {
    pub(crate) time: i64,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
}

impl Order {
    pub(crate) const NONE: Self = Self { time: i64::MIN, partition: 0, offset: i64::MIN };

    pub(crate) const fn of(activity: &Activity<'_>) -> Self {
        Self { time: activity.time.0, partition: activity.partition, offset: activity.offset }
    }

    /// The order that stands at `at`.
    pub(crate) fn get(words: &[u32], at: usize) -> Self {
        // Numbers of partitions have 31 bits; the last one of their word is the flag's.
        Self { time: number(words, at), offset: number(words, at + 2), partition: words[at + 4] >> 1 }
    }

    /// Puts it at `at`, with a flag.
    pub(crate) fn put(self, words: &mut [u32], at: usize, flag: bool) {
        set_number(words, at, self.time);
        set_number(words, at + 2, self.offset);
        words[at + 4] = self.partition << 1 | u32::from(flag);
    }

    /// The flag that was put with the order at `at`.
    pub(crate) const fn flag(words: &[u32], at: usize) -> bool {
        words[at + 4] & 1 != 0
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn write(self, to: &mut Writer<'_>) {
        to.flag(!self.is_none());
        if !self.is_none() {
            to.i64(self.time);
            to.u64(u64::from(self.partition));
            to.i64(self.offset);
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        if !from.flag()? {
            return Ok(Self::NONE);
        }
        let order = Self { time: from.time()?, partition: from.u32()?, offset: from.i64()? };
        // Of its word, one bit is the flag's.
        if order.partition > u32::MAX >> 1 { Err(Damaged("partition out of range")) } else { Ok(order) }
    }
}

/// The newest value of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest<T> {
    pub(crate) order: Order,
    pub(crate) value: T,
}

impl<T: Default> Default for Newest<T> {
    fn default() -> Self {
        Self { order: Order::NONE, value: T::default() }
    }
}

impl<T> Newest<T> {
    /// Takes the value if it is newer.
    pub(crate) fn take(&mut self, order: Order, value: T) {
        if order > self.order {
            *self = Self { order, value };
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        (!self.order.is_none()).then_some(&self.value)
    }
}
