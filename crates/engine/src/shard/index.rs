//! Which account stands where: eight bytes an account, so that of many accounts more of it stays in the cache.

use hashbrown::HashTable;

/// Places of accounts by the fingerprints of their ids.
#[derive(Debug, Default)]
pub(super) struct Index(HashTable<(u32, u32)>);

/// What is kept of a fingerprint. Several accounts may share it: which is meant, their ids tell.
const fn kept(print: u64) -> u32 {
    (print >> 32) as u32
}

/// The hash of what is kept: 2^64 divided by the golden ratio spreads it over all bits.
fn hash(kept: u32) -> u64 {
    u64::from(kept).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Index {
    /// Makes room for so many accounts.
    pub(super) fn reserve(&mut self, accounts: usize) {
        self.0.reserve(accounts, |entry| hash(entry.0));
    }

    /// Adds an account that is not there yet.
    pub(super) fn insert(&mut self, print: u64, place: u32) {
        let kept = kept(print);
        self.0.insert_unique(hash(kept), (kept, place), |entry| hash(entry.0));
    }

    /// The place at which `is_it` holds, of those of this fingerprint.
    pub(super) fn find(&self, print: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let kept = kept(print);
        self.0.find(hash(kept), |entry| entry.0 == kept && is_it(entry.1)).map(|entry| entry.1)
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.0.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_one_fingerprint_are_told_apart() {
        let mut index = Index::default();
        index.reserve(4);
        for place in 0..4 {
            // The lower half is not kept.
            index.insert(7 << 32 | u64::from(place), place);
        }
        for place in 0..4 {
            assert_eq!(index.find(7 << 32, |other| other == place), Some(place));
        }
        assert_eq!(index.find(7 << 32, |other| other == 4), None);
        assert_eq!(index.find(8 << 32, |_| true), None);
    }
}
