//! When which account must be looked at again, though nothing may come in.
//!
//! A calendar of minutes for each clock. An account stands in a calendar at most once per clock for certain,
//! perhaps too early: looking at it then changes nothing. Nothing is ever taken out before its minute.

use model::time::MINUTE;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Nothing is due.
pub(crate) const NEVER: i64 = i64::MAX;

/// The minute of an instant since the epoch; at the ends of its range, 4,000 years away, the last one.
pub(crate) fn minute_of(instant: i64) -> i32 {
    let minute = instant.div_euclid(MINUTE).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    i32::try_from(minute).unwrap_or(i32::MAX)
}

/// One calendar.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendar {
    minutes: BTreeMap<i32, Accounts>,
}

/// Those that stand in one minute: mostly few, and room for more would be most of what they take.
type Accounts = SmallVec<[u32; 4]>;

/// What a minute takes of a tree's nodes, which are full by two thirds.
const MINUTE_BYTES: usize = (size_of::<i32>() + size_of::<Accounts>()) * 9 / 5;

impl Calendar {
    /// Puts an account in, and returns the minute in which it stands now.
    pub(crate) fn put(&mut self, account: u32, due: i64) -> i32 {
        let minute = minute_of(due);
        self.minutes.entry(minute).or_default().push(account);
        minute
    }

    /// The beginning of the first minute in which somebody stands.
    pub(crate) fn first(&self) -> Option<i64> {
        self.minutes.first_key_value().map(|(minute, _)| i64::from(*minute) * MINUTE)
    }

    /// Takes out all that stand in minutes that begin at `limit` or before.
    pub(crate) fn take(&mut self, limit: i64, mut each: impl FnMut(i32, u32)) {
        let last = minute_of(limit);
        while let Some(entry) = self.minutes.first_entry().filter(|entry| *entry.key() <= last) {
            let (minute, accounts) = entry.remove_entry();
            accounts.into_iter().for_each(|account| each(minute, account));
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap(&self) -> usize {
        let spilled = |accounts: &Accounts| if accounts.spilled() { 4 * accounts.capacity() } else { 0 };
        self.minutes.values().map(|accounts| MINUTE_BYTES + spilled(accounts)).sum()
    }
}
