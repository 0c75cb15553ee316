//! Looks ahead in a frame, so that the accounts that come next are in the cache when they are folded.

use engine::Shard;
use engine::entry::Entry;
use wire::frame::Reader;

/// How many activities one group has.
const GROUP: usize = 32;
/// Below so many accounts all of them are in the cache anyway.
const WORTH_IT: usize = 4_096;

/// A second reader of a frame, a group ahead of the first.
#[derive(Debug)]
pub(super) struct Ahead<'b> {
    reader: Reader<'b>,
    /// Entries that the first reader has still to take before the next group is looked at.
    left: usize,
}

impl<'b> Ahead<'b> {
    /// Begins where `reader` stands.
    pub(super) fn of(reader: &Reader<'b>) -> Self {
        Self { reader: reader.clone(), left: 0 }
    }

    /// Notes that the first reader takes one entry.
    pub(super) fn step(&mut self, shard: &Shard) {
        if shard.len() < WORTH_IT {
            return;
        }
        if self.left == 0 {
            let mut accounts = [""; GROUP];
            let (mut found, mut seen) = (0, 0);
            // What cannot be read is the first reader's to report.
            while let Some(Ok(entry)) = self.reader.next() {
                seen += 1;
                if let Entry::Activity(activity) = entry {
                    accounts[found] = activity.account;
                    found += 1;
                }
                if found == GROUP {
                    break;
                }
            }
            std::hint::black_box(shard.warm(&accounts[..found]));
            self.left = seen.max(1);
        }
        self.left -= 1;
    }
}
