//! What became of every activity, by source partition: the counts of promise 2 that only the fold knows.

use crate::bytes::{Damaged, Reader, Writer};
use model::source::{SOURCES, Source};

/// Counts of one source partition within one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Activities that a signal took in, or that say what an account is.
    pub applied: u64,
    /// Activities seen before.
    pub duplicate: u64,
    /// Activities whose buckets have left every window that would take them.
    pub late: u64,
    /// Activities that no signal of the model uses.
    pub unused: u64,
    /// Activities whose offset was not above the highest seen before: none, unless ingest is broken.
    pub backwards: u64,
    /// The highest offset seen; -1 before the first.
    pub highest: i64,
    /// Records that ingest rejected so far, ever: the same in each shard.
    pub rejected: u64,
    /// Records that ingest skipped so far, ever: the same in each shard.
    pub skipped: u64,
    /// Offsets that were deleted before ingest read them, and accepted as lost, so far, ever: the same in each shard.
    pub lost: u64,
}

/// All counts of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    partitions: [Vec<Count>; SOURCES],
    /// Fingerprints that went before their time because an account was at its cap.
    pub forgotten: u64,
    /// Activities that found no place because a signal of an account was at its ceiling.
    pub crossed: u64,
}

impl Counts {
    /// Those of a source partition, made if need be.
    pub(crate) fn of(&mut self, source: Source, partition: u32) -> &mut Count {
        let partitions = &mut self.partitions[source.index()];
        let place = usize::try_from(partition).unwrap_or(usize::MAX);
        if place >= partitions.len() {
            partitions.resize(place.saturating_add(1), Count { highest: -1, ..Count::default() });
        }
        &mut partitions[place]
    }

    /// Source, partition and counts of each partition seen.
    pub fn iter(&self) -> impl Iterator<Item = (Source, u32, &Count)> {
        Source::ALL.into_iter().flat_map(|source| {
            (0..)
                .zip(&self.partitions[source.index()])
                .map(move |(partition, count)| (source, partition, count))
        })
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        for partitions in &self.partitions {
            to.len(partitions.len());
            for count in partitions {
                let Count { applied, duplicate, late, unused, backwards, highest, rejected, skipped, lost } =
                    *count;
                for number in [applied, duplicate, late, unused, backwards, rejected, skipped, lost] {
                    to.u64(number);
                }
                to.i64(highest);
            }
        }
        to.u64(self.forgotten);
        to.u64(self.crossed);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut counts = Self::default();
        for partitions in &mut counts.partitions {
            for _ in 0..from.len()? {
                let mut next = || from.counter();
                let count = Count {
                    applied: next()?,
                    duplicate: next()?,
                    late: next()?,
                    unused: next()?,
                    backwards: next()?,
                    rejected: next()?,
                    skipped: next()?,
                    lost: next()?,
                    highest: from.i64()?,
                };
                partitions.push(count);
            }
        }
        counts.forgotten = from.counter()?;
        counts.crossed = from.counter()?;
        Ok(counts)
    }
}
