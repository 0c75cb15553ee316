//! Reads a frame ahead of the fold, so that the accounts that come next are in the cache when they are folded.

use engine::Shard;
use engine::entry::Entry;
use wire::frame::{FrameError, Reader};

/// How many entries are read at once.
const GROUP: usize = 32;

/// The entries of a frame, read in groups.
#[derive(Debug)]
pub(super) struct Ahead<'b> {
    reader: Reader<'b>,
    /// With fewer accounts nothing is brought into the cache, and entries are read one by one.
    from: usize,
    /// Places for entries, which are filled again and again.
    group: Vec<Entry<'b>>,
    /// How many of them were filled, and of these taken.
    read: usize,
    taken: usize,
    /// What stands after the group and cannot be read: an error once the group was taken.
    broken: Option<FrameError>,
}

impl<'b> Ahead<'b> {
    /// Begins where `reader` stands.
    pub(super) const fn of(reader: Reader<'b>, from: usize) -> Self {
        Self { reader, from, group: Vec::new(), read: 0, taken: 0, broken: None }
    }

    /// Takes the next entry; `None` after the last.
    ///
    /// # Errors
    /// A [`FrameError`]; all entries before it were taken.
    pub(super) fn next(&mut self, shard: &mut Shard) -> Result<Option<&Entry<'b>>, FrameError> {
        if self.taken == self.read && self.broken.is_none() {
            self.read(shard);
        }
        if self.taken == self.read
            && let Some(broken) = self.broken.take()
        {
            return Err(broken);
        }
        let next = self.group[..self.read].get(self.taken);
        self.taken += usize::from(next.is_some());
        Ok(next)
    }

    /// Gives up what was read and not taken.
    pub(super) fn drop_rest(&mut self) {
        self.taken = self.read;
    }

    fn read(&mut self, shard: &mut Shard) {
        (self.read, self.taken) = (0, 0);
        let is_large = shard.len() >= self.from;
        let most = if is_large { GROUP } else { 1 };
        while self.read < most {
            if self.read == self.group.len() {
                self.group.push(Entry::FoldVersion(0));
            }
            match self.reader.next_into(&mut self.group[self.read]) {
                Ok(true) => self.read += 1,
                Ok(false) => break,
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
            }
        }
        if !is_large {
            return;
        }
        let mut accounts = [""; GROUP];
        let mut found = 0;
        for entry in &self.group[..self.read] {
            if let Entry::Activity(activity) = entry {
                accounts[found] = activity.account;
                found += 1;
            }
        }
        std::hint::black_box(shard.warm(&accounts[..found]));
    }
}
