//! The parts of an account that grow and shrink, side by side in one allocation of 32-bit words.
//!
//! An account that is folded is then a few neighbouring cache lines, and costs what it holds and little more. The
//! first words are a directory: where each part begins, and where the last one ends. How many parts there are, and
//! what each begins with, is a matter of the model; what its words mean, of the module that it belongs to.

use std::ops::{Deref, DerefMut, Range};

/// All parts of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts(Vec<u32>);

/// One part, which can grow and shrink.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    parts: &'a mut Parts,
    place: usize,
}

fn word(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Parts {
    /// Parts of these lengths, all zero.
    pub(crate) fn new(lens: &[u32]) -> Self {
        let first = lens.len() + 1;
        let whole = first + lens.iter().map(|len| *len as usize).sum::<usize>();
        let mut words = Vec::with_capacity(whole);
        let mut at = word(first);
        words.push(at);
        for len in lens {
            at += len;
            words.push(at);
        }
        words.resize(whole, 0);
        Self(words)
    }

    /// How many parts there are.
    pub(crate) fn count(&self) -> usize {
        self.0[0] as usize - 1
    }

    #[inline]
    fn bounds(&self, place: usize) -> Range<usize> {
        self.0[place] as usize..self.0[place + 1] as usize
    }

    /// The words of a part.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> &[u32] {
        &self.0[self.bounds(place)]
    }

    /// The words of a part, to be changed in place.
    #[inline]
    pub(crate) fn get_mut(&mut self, place: usize) -> &mut [u32] {
        let bounds = self.bounds(place);
        &mut self.0[bounds]
    }

    /// The words of a part, and those of the one after it to be changed in place.
    #[inline]
    pub(crate) fn pair_mut(&mut self, place: usize) -> (&[u32], &mut [u32]) {
        let (start, middle, end) =
            (self.0[place] as usize, self.0[place + 1] as usize, self.0[place + 2] as usize);
        let (first, second) = self.0[start..end].split_at_mut(middle - start);
        (first, second)
    }

    /// A part that may grow or shrink.
    #[inline]
    pub(crate) const fn part(&mut self, place: usize) -> Part<'_> {
        Part { parts: self, place }
    }

    /// A copy with room for so many words more, where it is known that they will come.
    pub(crate) fn clone_with_room(&self, words: usize) -> Self {
        let mut copy = Vec::with_capacity(self.0.len() + words);
        copy.extend_from_slice(&self.0);
        Self(copy)
    }

    /// Gives back what is much more than it needs.
    pub(crate) fn trim(&mut self) {
        if self.0.capacity() > self.0.len() + self.0.len() / 8 {
            self.0.shrink_to(self.0.len() + self.0.len() / 16);
        }
    }

    /// Reads a little of each cache line.
    pub(crate) fn touch(&self) -> usize {
        self.0.iter().step_by(16).fold(0, |all, word| all ^ *word) as usize
    }

    /// Reads a little of each cache line before a part.
    pub(crate) fn touch_before(&self, place: usize) -> usize {
        self.0[..self.0[place] as usize].iter().step_by(16).fold(0, |all, word| all ^ *word) as usize
    }

    /// Bytes on the heap.
    pub(crate) const fn heap(&self) -> usize {
        4 * self.0.capacity()
    }
}

impl Part<'_> {
    /// Puts words in at `at`.
    pub(crate) fn insert(&mut self, at: usize, words: &[u32]) {
        let all = &mut self.parts.0;
        let at = all[self.place] as usize + at;
        let (len, count) = (all.len(), words.len());
        if len + count > all.capacity() {
            // Close to the content: there is one of these for every account.
            all.reserve_exact(count + len / 64 + 4);
        }
        all.extend_from_slice(words);
        if at < len {
            all.copy_within(at..len, at + count);
            all[at..at + count].copy_from_slice(words);
        }
        let parts = all[0] as usize;
        for end in &mut all[self.place + 1..parts] {
            *end += word(count);
        }
    }

    /// Whether so many words more ask for a greater allocation.
    pub(crate) const fn is_cramped(&self, words: usize) -> bool {
        self.parts.0.len() + words > self.parts.0.capacity()
    }

    /// Takes words out.
    pub(crate) fn remove(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let all = &mut self.parts.0;
        let (start, len, count) = (all[self.place] as usize, all.len(), range.len());
        all.copy_within(start + range.end..len, start + range.start);
        all.truncate(len - count);
        let parts = all[0] as usize;
        for end in &mut all[self.place + 1..parts] {
            *end -= word(count);
        }
        if all.capacity() > 64 && all.len() < all.capacity() / 8 * 7 {
            all.shrink_to(all.len() + all.len() / 32);
        }
    }

    /// Puts words in place of all that it holds.
    pub(crate) fn replace(&mut self, words: &[u32]) {
        if self.len() != words.len() {
            self.remove(0..self.len());
            self.insert(0, words);
        } else {
            self.copy_from_slice(words);
        }
    }

    /// Keeps the records of `stride` words from `from` on that `keep` says.
    pub(crate) fn retain(&mut self, from: usize, stride: usize, mut keep: impl FnMut(&[u32]) -> bool) {
        let mut kept = from;
        for at in (from..self.len()).step_by(stride) {
            if keep(&self[at..at + stride]) {
                self.copy_within(at..at + stride, kept);
                kept += stride;
            }
        }
        self.remove(kept..self.len());
    }
}

impl Deref for Part<'_> {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        self.parts.get(self.place)
    }
}

impl DerefMut for Part<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u32] {
        self.parts.get_mut(self.place)
    }
}

/// The two words of a number, the lower first.
#[inline]
pub(crate) const fn split(value: i64) -> [u32; 2] {
    let value = value.cast_unsigned();
    [(value & 0xffff_ffff) as u32, (value >> 32) as u32]
}

/// The number at `at`.
#[inline]
pub(crate) fn number(words: &[u32], at: usize) -> i64 {
    (u64::from(words[at]) | u64::from(words[at + 1]) << 32).cast_signed()
}

/// Sets the number at `at`.
#[inline]
pub(crate) fn set_number(words: &mut [u32], at: usize, value: i64) {
    words[at..at + 2].copy_from_slice(&split(value));
}

/// The place among records of `stride` words from `from` on at which `is_before` ceases to hold, in words.
#[inline]
pub(crate) fn partition(
    words: &[u32],
    from: usize,
    stride: usize,
    is_before: impl Fn(&[u32]) -> bool,
) -> usize {
    let (mut low, mut high) = (0, (words.len() - from) / stride);
    while low < high {
        let middle = usize::midpoint(low, high);
        let at = from + middle * stride;
        if is_before(&words[at..at + stride]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    from + low * stride
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_behave_like_vectors_of_their_own(
            steps in proptest::collection::vec((0_usize..3, 0_usize..9, 0_usize..9, any::<u32>()), 1..60)
        ) {
            let mut parts = Parts::new(&[2, 0, 1]);
            let mut model = [vec![0; 2], vec![], vec![0]];
            for (place, at, count, value) in steps {
                let vector = &mut model[place];
                let at = at.min(vector.len());
                if value % 2 == 0 {
                    let words = vec![value; count];
                    parts.part(place).insert(at, &words);
                    vector.splice(at..at, words);
                } else {
                    let end = (at + count).min(vector.len());
                    parts.part(place).remove(at..end);
                    vector.drain(at..end);
                }
                for (place, vector) in model.iter().enumerate() {
                    prop_assert_eq!(parts.get(place), &vector[..]);
                }
            }
        }
    }

    #[test]
    fn numbers_are_read_as_they_were_set() {
        let mut words = [0; 3];
        for value in [0, -1, i64::MIN, i64::MAX, 0x1234_5678_9abc_def0] {
            set_number(&mut words, 1, value);
            assert_eq!(number(&words, 1), value);
        }
    }

    #[test]
    fn records_that_are_not_kept_go() {
        let mut parts = Parts::new(&[1, 1]);
        parts.part(0).insert(1, &[1, 10, 2, 20, 3, 30]);
        parts.part(0).retain(1, 2, |record| record[0] != 2);
        assert_eq!(parts.get(0), [0, 1, 10, 3, 30]);
        assert_eq!(parts.get(1), [0]);
        assert_eq!(partition(parts.get(0), 1, 2, |record| record[0] < 2), 3);
    }
}
