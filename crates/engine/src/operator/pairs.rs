//! Distinct identities over a window and over the one before it, for a trend.
//!
//! An identity of the present window may or may not have been in the previous one, so its buckets are kept as
//! pairs. An activity whose pair is there already costs a search; a new pair costs one pass.

use super::bucket::{Span, bounds, bucket_of};
use super::distinct::CEILING;
use crate::bytes::{Damaged, Reader, Writer};
use crate::compact::make_room;
use crate::now::{Due, Edge};
use model::plan::Window;

/// The pairs of one signal of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs {
    /// By (bucket, identity).
    pairs: Vec<(i32, u64)>,
    /// The newest bucket of a pair that found no place.
    overflow: Option<i32>,
    current: u64,
    before: u64,
    unsettled: bool,
}

impl Pairs {
    /// Adds an identity in a bucket that has not left. Returns whether it found a place.
    pub(crate) fn add(&mut self, identity: u64, time: i64, window: Window) -> bool {
        let bucket = bucket_of(time, window.bucket.width());
        let Err(place) = self.pairs.binary_search(&(bucket, identity)) else { return true };
        self.unsettled = true;
        if self.pairs.len() >= 4 * CEILING {
            self.overflow = self.overflow.max(Some(bucket));
            return false;
        }
        make_room(&mut self.pairs);
        self.pairs.insert(place, (bucket, identity));
        true
    }

    pub(crate) const fn is_unsettled(&self) -> bool {
        self.unsettled
    }

    /// Distinct identities in the window and in the one before; `None` while some found no place.
    pub(crate) fn counts(&self) -> Option<(u64, u64)> {
        self.overflow.is_none().then_some((self.current, self.before))
    }

    pub(crate) fn settle(&mut self, edge: &Edge<'_>, window: Window) -> Due {
        let width = window.bucket.width();
        let end = |bucket: i32| bounds(bucket, width).1;
        let gone =
            self.pairs.partition_point(|(bucket, _)| edge.has_left(end(*bucket), Span::Two.keep(window)));
        self.pairs.drain(..gone);
        self.overflow = self.overflow.filter(|bucket| !edge.has_left(end(*bucket), Span::Two.keep(window)));
        let left = |bucket: i32| edge.has_left(end(bucket), Span::One.keep(window));
        let previous = self.pairs.partition_point(|(bucket, _)| left(*bucket));
        let entered = self.pairs.partition_point(|(bucket, _)| edge.has_entered(bounds(*bucket, width).0));
        let entered = entered.max(previous);
        self.before = distinct(&self.pairs[..previous]);
        self.current = distinct(&self.pairs[previous..entered]);
        self.unsettled = false;
        let mut due = Due::NEVER;
        if let Some((bucket, _)) = self.pairs.get(previous).filter(|_| previous < entered) {
            due = due.sooner(edge.leaves(end(*bucket), Span::One.keep(window)));
        }
        let oldest = self.pairs.first().filter(|_| previous > 0).map(|(bucket, _)| *bucket);
        for bucket in oldest.into_iter().chain(self.overflow) {
            due = due.sooner(edge.leaves(end(bucket), Span::Two.keep(window)));
        }
        if let Some((bucket, _)) = self.pairs.get(entered) {
            due = due.sooner(edge.enters(bounds(*bucket, width).0));
        }
        due
    }

    pub(crate) fn heap(&self) -> usize {
        self.pairs.capacity() * size_of::<(i32, u64)>()
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        to.len(self.pairs.len());
        for (bucket, identity) in &self.pairs {
            to.i64(i64::from(*bucket));
            to.fixed(*identity);
        }
        to.opt(self.overflow.map(i64::from));
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let bucket = |value: i64| i32::try_from(value).map_err(|_| Damaged("bucket out of range"));
        let len = from.len()?;
        let mut pairs = Vec::with_capacity(len);
        for _ in 0..len {
            pairs.push((bucket(from.i64()?)?, from.fixed()?));
        }
        if pairs.windows(2).any(|two| two[0] >= two[1]) {
            return Err(Damaged("pairs out of order"));
        }
        let overflow = from.opt()?.map(bucket).transpose()?;
        Ok(Self { pairs, overflow, unsettled: true, ..Self::default() })
    }
}

fn distinct(pairs: &[(i32, u64)]) -> u64 {
    let mut identities: Vec<u64> = pairs.iter().map(|(_, identity)| *identity).collect();
    identities.sort_unstable();
    identities.dedup();
    identities.len() as u64
}
