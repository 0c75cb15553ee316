//! Looks ahead in a frame, so that the accounts that come next are in the cache when they are folded.

use engine::Shard;
use engine::entry::Entry;
use wire::frame::Reader;

/// How many activities one group has.
const GROUP: usize = 32;
/// A second reader of a frame, a group ahead of the first.
#[derive(Debug)]
pub(super) struct Ahead<'b> {
    reader: Reader<'b>,
    /// With fewer accounts nothing is looked at.
    from: usize,
    /// Entries that the first reader has still to take before the next group is looked at.
    left: usize,
}

impl<'b> Ahead<'b> {
    /// Begins where `reader` stands.
    pub(super) fn of(reader: &Reader<'b>, from: usize) -> Self {
        Self { reader: reader.clone(), from, left: 0 }
    }

    /// The second reader, where it stands: wrong to go on with, and only there to be found so.
    pub(super) fn reader(&self) -> Reader<'b> {
        self.reader.clone()
    }

    /// Notes that the first reader takes one entry. Returns whether a group was looked at.
    pub(super) fn step(&mut self, shard: &mut Shard) -> bool {
        if shard.len() < self.from {
            return false;
        }
        let looks = self.left == 0;
        if looks {
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
        looks
    }
}
