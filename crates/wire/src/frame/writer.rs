//! Entries become the bytes of a frame.

use super::entry::Put;
use super::{COMPRESSED, HEAD, MAGIC, MAX_BODY_BYTES, VERSION, varint};
use engine::entry::Entry;
use thiserror::Error;

/// Bodies below this are not worth compressing.
const MIN_COMPRESSED: usize = 256;

/// The frame has no room for the entry: finish it and push the entry to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the frame is full")]
pub struct Full;

/// Collects entries into a frame.
///
/// ```
/// use engine::entry::Entry;
/// use wire::frame::{FrameBuffer, Writer};
///
/// let mut writer = Writer::new(7);
/// writer.push(&Entry::FoldVersion(1)).unwrap();
/// let mut value = Vec::new();
/// writer.finish(&mut value);
///
/// let mut buffer = FrameBuffer::default();
/// buffer.load(&value).unwrap();
/// assert_eq!(buffer.epoch(), 7);
/// assert_eq!(buffer.reader().next(), Some(Ok(Entry::FoldVersion(1))));
/// ```
#[derive(Debug)]
pub struct Writer {
    epoch: u32,
    entries: u32,
    body: Vec<u8>,
    packed: Vec<u8>,
    state: Put,
}

impl Writer {
    /// An empty frame of a journal's epoch.
    #[must_use]
    pub fn new(epoch: u32) -> Self {
        Self { epoch, entries: 0, body: Vec::new(), packed: Vec::new(), state: Put::default() }
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// [`Full`] if the body would exceed [`MAX_BODY_BYTES`]; the frame is then as it was.
    pub fn push(&mut self, entry: &Entry<'_>) -> Result<(), Full> {
        let start = self.body.len();
        let texts = (self.state.accounts.len(), self.state.words.len());
        let before = self.state.before.clone();
        self.state.entry(&mut self.body, entry);
        if self.body.len() > MAX_BODY_BYTES {
            self.body.truncate(start);
            self.state.accounts.truncate(texts.0);
            self.state.words.truncate(texts.1);
            self.state.before = before;
            return Err(Full);
        }
        self.entries += 1;
        Ok(())
    }

    /// How many entries it holds.
    #[must_use]
    pub const fn entries(&self) -> u32 {
        self.entries
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The size of the frame, never less than what [`Writer::finish`] will give.
    #[must_use]
    pub const fn len_bytes(&self) -> usize {
        HEAD + 15 + self.body.len()
    }

    /// Writes the frame over whatever `out` held, and empties the writer.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let compressed = self.pack();
        out.clear();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, if compressed { COMPRESSED } else { 0 }, 0, 0, 0, 0]);
        varint::put(out, u64::from(self.epoch));
        varint::put(out, u64::from(self.entries));
        varint::put(out, self.body.len() as u64);
        out.extend_from_slice(if compressed { &self.packed } else { &self.body });
        let crc = out.get(HEAD..).map_or(0, crc32fast::hash);
        if let Some(place) = out.get_mut(HEAD - 4..HEAD) {
            place.copy_from_slice(&crc.to_le_bytes());
        }
        self.clear();
    }

    /// Compresses the body; whether that was worth it: a tenth must be gained.
    fn pack(&mut self) -> bool {
        if self.body.len() < MIN_COMPRESSED {
            return false;
        }
        self.packed.resize(lz4_flex::block::get_maximum_output_size(self.body.len()), 0);
        match lz4_flex::block::compress_into(&self.body, &mut self.packed) {
            Ok(len) if len <= self.body.len() - self.body.len() / 10 => {
                self.packed.truncate(len);
                true
            }
            _ => false,
        }
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.entries = 0;
        self.body.clear();
        self.state.clear();
    }
}
