//! Texts of one frame: written out at first sight, then named by number.
//!
//! In the body a text is a varint: 0, then length and bytes, gives it the next number (from 1); any other names
//! the text of that number.

use super::FrameError;
use super::varint::{self, Cursor};
use hashbrown::HashTable;

/// The writer's side.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Texts one after another.
    arena: Vec<u8>,
    /// Hash and place in the arena of each, by number.
    places: Vec<Place>,
    index: HashTable<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u64,
    start: usize,
    end: usize,
}

impl Numbers {
    /// Appends `text`, by number if it has one.
    #[inline]
    pub(super) fn put(&mut self, out: &mut Vec<u8>, text: &str) {
        let bytes = text.as_bytes();
        let hash = hash(bytes);
        let Self { arena, places, index } = self;
        let same = |number: &u32| {
            places
                .get(*number as usize)
                .is_some_and(|p| p.hash == hash && arena.get(p.start..p.end) == Some(bytes))
        };
        if let Some(number) = index.find(hash, same) {
            varint::put(out, u64::from(*number) + 1);
            return;
        }
        varint::put(out, 0);
        varint::put(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
        let start = arena.len();
        arena.extend_from_slice(bytes);
        places.push(Place { hash, start, end: arena.len() });
        self.insert_last();
    }

    fn insert_last(&mut self) {
        let Self { places, index, .. } = self;
        if let (Some(last), Ok(number)) = (places.last(), u32::try_from(places.len() - 1)) {
            let rehash = |number: &u32| places.get(*number as usize).map_or(0, |p| p.hash);
            index.insert_unique(last.hash, number, rehash);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Forgets all but the first `len` texts.
    pub(super) fn truncate(&mut self, len: usize) {
        self.places.truncate(len);
        self.arena.truncate(self.places.last().map_or(0, |place| place.end));
        self.index.clear();
        let places = std::mem::take(&mut self.places);
        for place in places {
            self.places.push(place);
            self.insert_last();
        }
    }

    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.places.clear();
        self.index.clear();
    }
}

/// The reader's side.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts<'b>(Vec<&'b str>);

impl<'b> Texts<'b> {
    #[inline]
    pub(super) fn take(
        &mut self,
        cursor: &mut Cursor<'b>,
        what: &'static str,
    ) -> Result<&'b str, FrameError> {
        let number = cursor.varint(what)?;
        if number == 0 {
            return self.first(cursor, what);
        }
        let place = usize::try_from(number - 1).unwrap_or(usize::MAX);
        self.0.get(place).copied().ok_or(FrameError::Invalid(what))
    }

    /// A text that stands here for the first time. Apart, so that the other case stays in registers.
    #[inline(never)]
    fn first(&mut self, cursor: &mut Cursor<'b>, what: &'static str) -> Result<&'b str, FrameError> {
        let text = cursor.text(what)?;
        self.0.push(text);
        Ok(text)
    }
}

/// Eight bytes at a time, multiplied and folded. Only the writer uses it: it is in no stored byte.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    const MULTIPLE: u128 = 0x9e37_79b9_7f4a_7c15;
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * MULTIPLE;
        let bytes = product.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        let part = |half: &[u8]| half.try_into().map_or(0, u64::from_le_bytes);
        part(low) ^ part(high)
    };
    let (words, tail) = bytes.as_chunks::<8>();
    let mut hash =
        words.iter().fold(bytes.len() as u64 ^ 0x51ed_270b_7a1f_39c5, |h, w| fold(h, u64::from_le_bytes(*w)));
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(tail) {
        *to = *from;
    }
    hash = fold(hash, u64::from_le_bytes(last));
    fold(hash, 0xa076_1d64_78bd_642f)
}
