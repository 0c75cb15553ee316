//! The bytes of a frame become entries.

use super::entry::Take;
use super::varint::Cursor;
use super::{COMPRESSED, FrameError, HEAD, MAGIC, MAX_BODY_BYTES, VERSION};
use engine::entry::Entry;

/// Holds the body of one frame at a time, so that it can be read more than once.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    epoch: u32,
    checksum: u32,
    entries: u32,
    body: Vec<u8>,
}

impl FrameBuffer {
    /// Takes the value of a journal record in place of whatever was held.
    ///
    /// # Errors
    /// A [`FrameError`]; then nothing is held.
    pub fn load(&mut self, value: &[u8]) -> Result<(), FrameError> {
        self.body.clear();
        (self.epoch, self.checksum, self.entries) = (0, 0, 0);
        let (head, rest) = value.split_first_chunk::<HEAD>().ok_or(FrameError::NotAFrame)?;
        let [m0, m1, version, flags, crc @ ..] = *head;
        if [m0, m1] != MAGIC {
            return Err(FrameError::NotAFrame);
        }
        if version != VERSION {
            return Err(FrameError::UnknownVersion(version));
        }
        if flags & !COMPRESSED != 0 {
            return Err(FrameError::Invalid("flag"));
        }
        let checksum = u32::from_le_bytes(crc);
        if crc32fast::hash(rest) != checksum {
            return Err(FrameError::Checksum);
        }
        let mut cursor = Cursor { rest };
        let epoch = cursor.u32("epoch")?;
        let entries = cursor.u32("entry count")?;
        let claimed = cursor.varint("body length")?;
        let len = usize::try_from(claimed).ok().filter(|len| *len <= MAX_BODY_BYTES);
        let len = len.ok_or(FrameError::TooLarge(claimed))?;
        self.unpack(cursor.rest, len, flags & COMPRESSED != 0)?;
        (self.epoch, self.checksum, self.entries) = (epoch, checksum, entries);
        Ok(())
    }

    fn unpack(&mut self, stored: &[u8], len: usize, compressed: bool) -> Result<(), FrameError> {
        if !compressed {
            if stored.len() != len {
                return Err(FrameError::Invalid("body length"));
            }
            self.body.extend_from_slice(stored);
            return Ok(());
        }
        self.body.resize(len, 0);
        let written = lz4_flex::block::decompress_into(stored, &mut self.body);
        if written.ok() == Some(len) {
            return Ok(());
        }
        self.body.clear();
        Err(FrameError::Invalid("compressed body"))
    }

    /// The epoch of the journal that the frame belongs to.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The frame's checksum: CRC-32 (ISO 3309) of all that follows it.
    #[must_use]
    pub const fn checksum(&self) -> u32 {
        self.checksum
    }

    /// How many entries the frame holds.
    #[must_use]
    pub const fn entries(&self) -> u32 {
        self.entries
    }

    /// Reads the entries from the first.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        let cursor = Cursor { rest: &self.body };
        Reader { cursor, state: Take::default(), next: 0, entries: self.entries }
    }

    /// Reads the entries from number `first`, counted from 0.
    ///
    /// # Errors
    /// A [`FrameError`] if an entry before it cannot be read.
    pub fn reader_from(&self, first: u32) -> Result<Reader<'_>, FrameError> {
        let mut reader = self.reader();
        for _ in 0..first {
            if reader.next_entry()?.is_none() {
                break;
            }
        }
        Ok(reader)
    }
}

/// Reads the entries of a frame in order. After an error it ends.
#[derive(Clone, Debug)]
pub struct Reader<'b> {
    cursor: Cursor<'b>,
    state: Take<'b>,
    next: u32,
    entries: u32,
}

impl<'b> Reader<'b> {
    /// The number of the entry that comes next, from 0.
    #[must_use]
    pub const fn position(&self) -> u32 {
        self.next
    }

    /// Takes the next entry; `None` after the last.
    ///
    /// # Errors
    /// A [`FrameError`].
    #[inline]
    pub fn next_entry(&mut self) -> Result<Option<Entry<'b>>, FrameError> {
        let mut entry = Entry::FoldVersion(0);
        Ok(self.next_into(&mut entry)?.then_some(entry))
    }

    /// Takes the next entry in place of `entry`, which copies less. Returns whether there was one; if not, or after an
    /// error, `entry` holds nothing of use.
    ///
    /// # Errors
    /// A [`FrameError`].
    #[inline]
    pub fn next_into(&mut self, entry: &mut Entry<'b>) -> Result<bool, FrameError> {
        if self.next >= self.entries {
            if self.cursor.rest.is_empty() {
                return Ok(false);
            }
            self.cursor.rest = &[];
            return Err(FrameError::Invalid("length: bytes follow the last entry"));
        }
        match self.state.entry(&mut self.cursor, entry) {
            Ok(()) => {
                self.next += 1;
                Ok(true)
            }
            Err(error) => {
                self.next = self.entries;
                self.cursor.rest = &[];
                Err(error)
            }
        }
    }
}

impl<'b> Iterator for Reader<'b> {
    type Item = Result<Entry<'b>, FrameError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry().transpose()
    }
}
