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
            Operator::DecayedMean { .. } | Operator::Share { .. } => Self::Buckets(Keep::Sums),
            Operator::Latest { .. } | Operator::Until { .. } => Self::Newest,
            Operator::SinceLast { .. } | Operator::Cadence { .. } => Self::Since,
            Operator::Open { .. } => Self::Tickets,
            Operator::Ratio { .. } | Operator::Reached | Operator::Overdue => Self::Derived,
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
            Self::Days => vec![days::NEW.to_vec()],
            Self::Distinct => vec![distinct::NEW.to_vec()],
            Self::DistinctCounted => vec![distinct::NEW.to_vec(), buckets(Keep::Counts)],
            Self::Pairs => vec![pairs::NEW.to_vec()],
            Self::Stretches => vec![stretches::NEW.to_vec()],
            Self::Newest => vec![newest::new().to_vec()],
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
            Self::Days => days::write(part, to),
            Self::Distinct => distinct::write(part, to),
            Self::DistinctCounted => {
                distinct::write(part, to);
                bucket::write(parts.get(at + 1), Keep::Counts, to);
            }
            Self::Pairs => pairs::write(part, to),
            Self::Stretches => stretches::write(part, to),
            Self::Newest => newest::write(part, to),
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
            Self::Buckets(keep) => bucket::read(keep, from, words)?,
            Self::Days => days::read(from, words)?,
            Self::Distinct => distinct::read(from, words)?,
            Self::DistinctCounted => {
                distinct::read(from, words)?;
                next(words);
                words.clear();
                bucket::read(Keep::Counts, from, words)?;
            }
            Self::Pairs => pairs::read(from, words)?,
            Self::Stretches => stretches::read(from, words)?,
            Self::Newest => newest::read(from, words)?,
            Self::Since => words.extend(split(from.i64()?)),
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
