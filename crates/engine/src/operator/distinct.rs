//! Distinct identities over a window: exact up to a ceiling.
//!
//! An identity is in the window as long as its newest entered bucket is, so one number per identity is enough,
//! beside the buckets that have not entered yet. Beyond the ceiling the count is unknown until the bucket of
//! the identity that found no place has left.

use super::bucket::{Span, bounds, bucket_of};
use crate::bytes::{Damaged, Reader, Writer};
use crate::compact::{give_back, make_room};
use crate::now::{Due, Edge};
use model::plan::Window;

/// The most identities kept for one signal of one account.
pub const CEILING: usize = 4_096;

/// An identity in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// The identity in two halves, so that an entry takes 12 bytes.
    identity: [u32; 2],
    /// Its newest bucket that has entered.
    newest: i32,
}

/// The halves of an identity, the upper first: they are ordered as it is.
const fn halves(identity: u64) -> [u32; 2] {
    [(identity >> 32) as u32, (identity & 0xffff_ffff) as u32]
}

fn whole(halves: [u32; 2]) -> u64 {
    u64::from(halves[0]) << 32 | u64::from(halves[1])
}

/// The identities of one signal of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distinct {
    /// By identity.
    seen: Vec<Seen>,
    /// Those that have not entered, by (bucket, identity).
    waiting: Vec<(i32, u64)>,
    /// The newest bucket of an identity that found no place.
    overflow: Option<i32>,
    unsettled: bool,
}

impl Distinct {
    /// Adds an identity in a bucket that has not left. Returns whether it found a place.
    pub(crate) fn add(&mut self, identity: u64, time: i64, edge: &Edge<'_>, window: Window) -> bool {
        let width = window.bucket.width();
        let bucket = bucket_of(time, width);
        if !edge.has_entered(bounds(bucket, width).0) {
            if let Err(place) = self.waiting.binary_search(&(bucket, identity)) {
                if self.seen.len() + self.waiting.len() >= CEILING {
                    self.overflow = self.overflow.max(Some(bucket));
                    self.unsettled = true;
                    return false;
                }
                self.waiting.insert(place, (bucket, identity));
                self.unsettled = true;
            }
            return true;
        }
        self.enter(identity, bucket)
    }

    fn enter(&mut self, identity: u64, bucket: i32) -> bool {
        match self.seen.binary_search_by_key(&halves(identity), |seen| seen.identity) {
            Ok(place) => self.seen[place].newest = self.seen[place].newest.max(bucket),
            Err(_) if self.seen.len() + self.waiting.len() >= CEILING => {
                self.overflow = self.overflow.max(Some(bucket));
                self.unsettled = true;
                return false;
            }
            Err(place) => {
                make_room(&mut self.seen);
                self.seen.insert(place, Seen { identity: halves(identity), newest: bucket });
                self.unsettled = true;
            }
        }
        true
    }

    pub(crate) const fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// How many are in the window; `None` while some found no place.
    pub(crate) fn count(&self) -> Option<usize> {
        self.overflow.is_none().then_some(self.seen.len())
    }

    /// Lets enter and leave what has, and says when that next changes.
    pub(crate) fn settle(&mut self, edge: &Edge<'_>, window: Window) -> Due {
        let width = window.bucket.width();
        let keep = Span::One.keep(window);
        let end = |bucket: i32| bounds(bucket, width).1;
        let entered = self.waiting.partition_point(|(bucket, _)| edge.has_entered(bounds(*bucket, width).0));
        let entering: Vec<_> = self.waiting.drain(..entered).collect();
        for (bucket, identity) in entering {
            self.enter(identity, bucket);
        }
        let oldest = self.seen.iter().map(|seen| seen.newest).chain(self.overflow).min();
        if oldest.is_some_and(|bucket| edge.has_left(end(bucket), keep)) {
            self.seen.retain(|seen| !edge.has_left(end(seen.newest), keep));
            give_back(&mut self.seen);
            self.overflow = self.overflow.filter(|bucket| !edge.has_left(end(*bucket), keep));
        }
        let mut due = Due::NEVER;
        if let Some(oldest) = self.seen.iter().map(|seen| seen.newest).chain(self.overflow).min() {
            due = due.sooner(edge.leaves(end(oldest), keep));
        }
        if let Some((bucket, _)) = self.waiting.first() {
            due = due.sooner(edge.enters(bounds(*bucket, width).0));
        }
        self.unsettled = false;
        due
    }

    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Reads a little of each cache line, as far as it is short.
    pub(crate) fn touch(&self) -> usize {
        self.seen.iter().take(64).step_by(5).filter(|seen| seen.newest == 0).count()
    }

    pub(crate) fn heap(&self) -> usize {
        self.seen.capacity() * size_of::<Seen>() + self.waiting.capacity() * size_of::<(i32, u64)>()
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        to.len(self.seen.len());
        for seen in &self.seen {
            to.fixed(whole(seen.identity));
            to.i64(i64::from(seen.newest));
        }
        to.len(self.waiting.len());
        for (bucket, identity) in &self.waiting {
            to.i64(i64::from(*bucket));
            to.fixed(*identity);
        }
        to.opt(self.overflow.map(i64::from));
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let bucket = |value: i64| i32::try_from(value).map_err(|_| Damaged("bucket out of range"));
        let len = from.len()?;
        let mut seen = Vec::with_capacity(len);
        for _ in 0..len {
            seen.push(Seen { identity: halves(from.fixed()?), newest: bucket(from.i64()?)? });
        }
        let len = from.len()?;
        let mut waiting = Vec::with_capacity(len);
        for _ in 0..len {
            waiting.push((bucket(from.i64()?)?, from.fixed()?));
        }
        let overflow = from.opt()?.map(bucket).transpose()?;
        let ordered = seen.windows(2).all(|pair| pair[0].identity < pair[1].identity)
            && waiting.windows(2).all(|pair| pair[0] < pair[1]);
        if !ordered {
            return Err(Damaged("identities out of order"));
        }
        Ok(Self { seen, waiting, overflow, unsettled: true })
    }
}
