//! How the state of each operator is laid out in parts of an account, and stored.

use super::bucket::{self, Keep};
use super::{days, distinct, newest, open, pairs, stretches};
use crate::bytes::{Damaged, Reader, Writer};
use crate::parts::{Parts, number as number_at, split};
use model::plan::{Fold, Operator};

/// How the state of a signal is laid out in its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Buckets of a rolling value, or of its trend.
    Buckets(Keep),
    /// Buckets of a share, of which some hold no activity that it is a share of.
    Shares,
    /// Days of a rolling number of days, or of its trend.
    Days,
    /// Identities.
    Distinct,
    /// Identities, and in the part after it the number of activities, since the model asks for a least one.
    DistinctCounted,
    /// Pairs of bucket and identity.
    Pairs,
    /// Identities and, as bits, the buckets that hold them.
    Stretches,
    /// The newest value.
    Newest,
    /// The newest value, which is an instant.
    Instant,
    /// Time of the newest activity; [`i64::MIN`] for none.
    Since,
    /// Tickets.
    Tickets,
    /// Nothing of its own.
    Derived,
}

impl Layout {
    /// That of a signal.
    pub(crate) const fn of(operator: &Operator) -> Self {
        match operator {
            Operator::Rolling { fold: Fold::Distinct(_), min_base: 0, .. } => Self::Distinct,
            Operator::Rolling { fold: Fold::Distinct(_), .. } => Self::DistinctCounted,
            Operator::Trend { fold: Fold::Distinct(_), .. } => Self::Pairs,
            Operator::Rolling { fold, min_base, .. } => Self::of_buckets(*fold, *min_base),
            Operator::OwnAverage { fold: Fold::Distinct(_), .. } => Self::Stretches,
            Operator::Trend { fold, .. } | Operator::OwnAverage { fold, .. } => Self::of_buckets(*fold, 0),
            Operator::DecayedMean { .. } => Self::Buckets(Keep::Sums),
            Operator::Share { .. } => Self::Shares,
            Operator::Latest { .. } => Self::Newest,
            Operator::Until { .. } => Self::Instant,
            Operator::SinceLast { .. } | Operator::Cadence { .. } => Self::Since,
            Operator::Open { .. } => Self::Tickets,
            Operator::Ratio { .. } | Operator::Reached | Operator::Overdue | Operator::GapTo => Self::Derived,
        }
    }

    const fn of_buckets(fold: Fold, min_base: u32) -> Self {
        match keep(fold, min_base) {
            Some(keep) => Self::Buckets(keep),
            None => Self::Days,
        }
    }

    /// How many parts it takes.
    pub(crate) const fn parts(self) -> usize {
        if matches!(self, Self::DistinctCounted) { 2 } else { 1 }
    }

    /// The words of each part while the signal has seen nothing.
    pub(crate) fn empty(self) -> Vec<Vec<u32>> {
        let buckets = |keep: Keep| vec![0; keep.head()];
        match self {
            Self::Buckets(keep) => vec![buckets(keep)],
            Self::Shares => vec![buckets(Keep::Sums)],
            Self::Days => vec![days::NEW.to_vec()],
            Self::Distinct => vec![distinct::NEW.to_vec()],
            Self::DistinctCounted => vec![distinct::NEW.to_vec(), buckets(Keep::Counts)],
            Self::Pairs => vec![pairs::NEW.to_vec()],
            Self::Stretches => vec![stretches::NEW.to_vec()],
            Self::Newest | Self::Instant => vec![newest::new().to_vec()],
            Self::Since => vec![split(i64::MIN).to_vec()],
            Self::Tickets => vec![open::NEW.to_vec()],
            Self::Derived => vec![Vec::new()],
        }
    }

    /// Writes the stored form of the signal whose parts begin at `at`.
    pub(crate) fn write(self, parts: &Parts, at: usize, to: &mut Writer<'_>) {
        let part = parts.get(at);
        match self {
            Self::Buckets(keep) => bucket::write(part, keep, to),
            Self::Shares => bucket::write(part, Keep::Sums, to),
            Self::Days => days::write(part, to),
            Self::Distinct => distinct::write(part, to),
            Self::DistinctCounted => {
                distinct::write(part, to);
                bucket::write(parts.get(at + 1), Keep::Counts, to);
            }
            Self::Pairs => pairs::write(part, to),
            Self::Stretches => stretches::write(part, to),
            Self::Newest | Self::Instant => newest::write(part, to),
            Self::Since => to.i64(number_at(part, 0)),
            Self::Tickets => open::write(part, to),
            Self::Derived => {}
        }
    }

    /// Reads the stored form; `next` is called with the words of each part.
    pub(crate) fn read(
        self,
        from: &mut Reader<'_>,
        words: &mut Vec<u32>,
        mut next: impl FnMut(&[u32]),
    ) -> Result<(), Damaged> {
        words.clear();
        match self {
            Self::Buckets(keep) => bucket::read(keep, 1, from, words)?,
            Self::Shares => bucket::read(Keep::Sums, 0, from, words)?,
            Self::Days => days::read(from, words)?,
            Self::Distinct => distinct::read(from, words)?,
            Self::DistinctCounted => {
                distinct::read(from, words)?;
                next(words);
                words.clear();
                bucket::read(Keep::Counts, 1, from, words)?;
            }
            Self::Pairs => pairs::read(from, words)?,
            Self::Stretches => stretches::read(from, words)?,
            Self::Newest => newest::read(from, words, Reader::i64)?,
            Self::Instant => newest::read(from, words, Reader::time)?,
            Self::Since => words.extend(split(from.time_or(i64::MIN)?)),
            Self::Tickets => open::read(from, words)?,
            Self::Derived => {}
        }
        next(words);
        Ok(())
    }
}

/// What is kept of a bucket; `None` where all that matters is which days there are.
pub(super) const fn keep(fold: Fold, min_base: u32) -> Option<Keep> {
    match fold {
        Fold::Sum(_) | Fold::Mean(_) | Fold::Nps => Some(Keep::Sums),
        Fold::CountDays if min_base == 0 => None,
        Fold::Count | Fold::CountDays | Fold::Distinct(_) => Some(Keep::Counts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::distinct::CEILING;

    type Write = fn(&mut Writer<'_>);

    /// Reads what `write` wrote.
    fn read(layout: Layout, write: impl Fn(&mut Writer<'_>)) -> Result<(), Damaged> {
        let (mut bytes, mut words) = (Vec::new(), Vec::new());
        write(&mut Writer(&mut bytes));
        layout.read(&mut Reader(&bytes), &mut words, |_| {})
    }

    #[test]
    fn what_no_activity_leaves_behind_is_not_read() {
        let of_bucket = |number: i64, count: u64| {
            move |to: &mut Writer<'_>| {
                to.len(1);
                to.i64(number);
                to.u64(count);
                to.i64(7);
            }
        };
        let sums = Layout::Buckets(Keep::Sums);
        assert_eq!(read(sums, of_bucket(489_000, 1)), Ok(()));
        assert_eq!(read(Layout::Shares, of_bucket(489_000, 0)), Ok(()));
        // A mean with a half-life would divide by it.
        assert_eq!(read(sums, of_bucket(489_000, 0)), Err(Damaged("a bucket that holds nothing")));
        assert_eq!(read(sums, of_bucket(i64::from(i32::MAX), 1)), Err(Damaged("bucket out of range")));

        let of_stretch = |stretch: i64| {
            move |to: &mut Writer<'_>| {
                to.len(1);
                to.fixed(1);
                to.i64(stretch);
                to.u64(1);
                to.flag(false);
            }
        };
        assert_eq!(read(Layout::Stretches, of_stretch(15_000)), Ok(()));
        assert_eq!(read(Layout::Stretches, of_stretch(1 << 26)), Err(Damaged("bucket out of range")));

        let at_an_end: [(Layout, Write); 3] = [
            (Layout::Since, |to| to.i64(i64::MAX)),
            (Layout::Instant, |to| {
                to.flag(false);
                to.i64(i64::MIN);
            }),
            (Layout::Newest, |to| {
                to.flag(true);
                to.i64(i64::MAX);
                to.u64(0);
                to.i64(0);
                to.i64(0);
            }),
        ];
        for (layout, write) in at_an_end {
            assert_eq!(read(layout, write), Err(Damaged("time out of range")), "{layout:?}");
        }
        assert_eq!(read(Layout::Since, |to| to.i64(i64::MIN)), Ok(()));
    }

    #[test]
    fn more_than_is_kept_is_not_read() {
        let identities = |count: usize| {
            move |to: &mut Writer<'_>| {
                to.len(count);
                for identity in 0..count {
                    to.fixed(identity as u64);
                    to.i64(0);
                }
                to.len(0);
                to.flag(false);
            }
        };
        assert_eq!(read(Layout::Distinct, identities(CEILING)), Ok(()));
        assert_eq!(read(Layout::Distinct, identities(CEILING + 1)), Err(Damaged("too many identities")));
    }
}
