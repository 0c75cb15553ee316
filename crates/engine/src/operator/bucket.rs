//! Event-time buckets of a rolling window and of the one before it, with running totals.
//!
//! Cost: an activity in a bucket that is there already costs a search; a bucket that comes, enters or leaves
//! costs one pass over the buckets. Nothing depends on the order in which activities arrive.

use crate::bytes::{Damaged, Reader, Writer};
use crate::compact::{give_back, make_room};
use crate::now::{Due, Edge};
use model::plan::Window;

/// What a bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    /// Start in widths since the epoch.
    bucket: i32,
    /// How many activities.
    count: u32,
}

/// The sums of numbers, where the signal asks for them: by slot, and over the windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sums {
    /// Held at the ends of their range.
    slots: Vec<i64>,
    current: i64,
    before: i64,
}

/// Totals over the buckets of one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) count: u32,
    pub(crate) buckets: u32,
}

impl Total {
    fn add(&mut self, slot: &Slot) {
        self.count = self.count.saturating_add(slot.count);
        self.buckets += 1;
    }
}

/// How many windows back buckets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// The window.
    One,
    /// The window and the one before it.
    Two,
}

impl Span {
    /// By how much the kept stretch is wider than a bucket.
    pub(crate) const fn keep(self, window: Window) -> i64 {
        let width = match self {
            Self::One => window.width,
            Self::Two => 2 * window.width,
        };
        width - window.bucket.width()
    }
}

/// The bucket of an instant.
pub(crate) fn bucket_of(time: i64, width: i64) -> i32 {
    i32::try_from(time.div_euclid(width)).unwrap_or(i32::MAX)
}

/// First and last + 1 instant of a bucket.
pub(crate) fn bounds(bucket: i32, width: i64) -> (i64, i64) {
    let start = i64::from(bucket) * width;
    (start, start + width)
}

/// The buckets of one signal of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Buckets {
    slots: Vec<Slot>,
    sums: Option<Box<Sums>>,
    /// How many slots at the front belong to the previous window.
    previous: u32,
    /// How many slots at the end have not entered.
    waiting: u32,
    pub(crate) current: Total,
    pub(crate) before: Total,
    /// Whether the totals must be taken anew.
    unsettled: bool,
}

impl Buckets {
    /// Those of a signal that asks for sums.
    pub(crate) fn summing() -> Self {
        Self { sums: Some(Box::default()), ..Self::default() }
    }

    /// Sums over the window and over the one before it.
    pub(crate) fn sums(&self) -> (i64, i64) {
        self.sums.as_ref().map_or((0, 0), |sums| (sums.current, sums.before))
    }

    /// Adds an activity, which the caller knows not to have left.
    pub(crate) fn add(&mut self, time: i64, number: i64, window: Window) {
        let bucket = bucket_of(time, window.bucket.width());
        let place = match self.slots.last() {
            Some(last) if last.bucket == bucket => Ok(self.slots.len() - 1),
            Some(last) if last.bucket < bucket => Err(self.slots.len()),
            _ => self.slots.binary_search_by_key(&bucket, |slot| slot.bucket),
        };
        match place {
            Err(place) => {
                make_room(&mut self.slots);
                self.slots.insert(place, Slot { bucket, count: 1 });
                if let Some(sums) = &mut self.sums {
                    make_room(&mut sums.slots);
                    sums.slots.insert(place, number);
                }
                self.unsettled = true;
            }
            Ok(place) => {
                let len = self.slots.len();
                self.slots[place].count = self.slots[place].count.saturating_add(1);
                if let Some(sums) = &mut self.sums {
                    sums.slots[place] = sums.slots[place].saturating_add(number);
                }
                let is_before = place < self.previous as usize;
                if !is_before && place >= len - self.waiting as usize {
                    return;
                }
                let total = if is_before { &mut self.before } else { &mut self.current };
                total.count = total.count.saturating_add(1);
                if let Some(sums) = &mut self.sums {
                    let sum = if is_before { &mut sums.before } else { &mut sums.current };
                    *sum = sum.saturating_add(number);
                }
            }
        }
    }

    /// Whether the totals are out of date though no due instant was reached.
    pub(crate) const fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// Sorts the buckets into windows as of the edge, and says when that next changes.
    pub(crate) fn settle(&mut self, edge: &Edge<'_>, window: Window, span: Span) -> Due {
        let width = window.bucket.width();
        let end = |slot: &Slot| bounds(slot.bucket, width).1;
        let left = |slot: &Slot, span: Span| edge.has_left(end(slot), span.keep(window));
        let gone = self.slots.partition_point(|slot| left(slot, span));
        self.slots.drain(..gone);
        give_back(&mut self.slots);
        let previous = match span {
            Span::One => 0,
            Span::Two => self.slots.partition_point(|slot| left(slot, Span::One)),
        };
        let entered = self.slots.partition_point(|slot| edge.has_entered(bounds(slot.bucket, width).0));
        let entered = entered.max(previous);
        (self.before, self.current) = (Total::default(), Total::default());
        self.slots[..previous].iter().for_each(|slot| self.before.add(slot));
        self.slots[previous..entered].iter().for_each(|slot| self.current.add(slot));
        if let Some(sums) = &mut self.sums {
            sums.slots.drain(..gone);
            give_back(&mut sums.slots);
            let sum = |slots: &[i64]| slots.iter().fold(0_i64, |sum, slot| sum.saturating_add(*slot));
            (sums.before, sums.current) = (sum(&sums.slots[..previous]), sum(&sums.slots[previous..entered]));
        }
        let mut due = Due::NEVER;
        if let Some(first) = self.slots.get(previous).filter(|_| previous < entered) {
            due = due.sooner(edge.leaves(end(first), Span::One.keep(window)));
        }
        if let Some(first) = self.slots.first().filter(|_| previous > 0) {
            due = due.sooner(edge.leaves(end(first), span.keep(window)));
        }
        if let Some(next) = self.slots.get(entered) {
            due = due.sooner(edge.enters(bounds(next.bucket, width).0));
        }
        self.previous = u32::try_from(previous).unwrap_or(u32::MAX);
        self.waiting = u32::try_from(self.slots.len() - entered).unwrap_or(u32::MAX);
        self.unsettled = false;
        due
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Reads a little of the newest bucket, which an activity is most likely for.
    pub(crate) fn touch(&self) -> usize {
        let sums = self.sums.as_ref().map_or(0, |sums| sums.slots.len());
        sums + self.slots.last().map_or(0, |slot| usize::from(slot.count == 0))
    }

    /// Bytes on the heap.
    pub(crate) fn heap(&self) -> usize {
        let sums = self.sums.as_ref().map_or(0, |sums| size_of::<Sums>() + 8 * sums.slots.capacity());
        self.slots.capacity() * size_of::<Slot>() + sums
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        to.len(self.slots.len());
        let mut last = 0_i64;
        for (place, slot) in self.slots.iter().enumerate() {
            to.i64(i64::from(slot.bucket) - last);
            to.u64(u64::from(slot.count));
            if let Some(sums) = &self.sums {
                to.i64(sums.slots[place]);
            }
            last = i64::from(slot.bucket);
        }
    }

    /// Reads the buckets of a signal whose new state is `new`.
    pub(crate) fn read(new: Self, from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let len = from.len()?;
        let mut slots = Vec::with_capacity(len);
        let mut sums = new.sums;
        let mut last = 0_i64;
        for _ in 0..len {
            last = last.wrapping_add(from.i64()?);
            let bucket = i32::try_from(last).map_err(|_| Damaged("bucket out of range"))?;
            slots.push(Slot { bucket, count: from.u32()? });
            if let Some(sums) = &mut sums {
                sums.slots.push(from.i64()?);
            }
        }
        if slots.windows(2).any(|pair| pair[0].bucket >= pair[1].bucket) {
            return Err(Damaged("buckets out of order"));
        }
        Ok(Self { slots, sums, unsettled: true, ..Self::default() })
    }
}
