//! The value of a journal record: many entries in one compact frame.
//!
//! ```text
//! 'V' 'J'  version = 1  flags  crc: u32 LE over all that follows
//! epoch  entries  body_len  body            all but the body are varints
//! ```
//! With flag bit 0 the body is one LZ4 block (`body_len` is its size decompressed, at most 8 MiB); the other bits
//! are 0. Integers are LEB128 varints, signed ones in zigzag form. The body is the entries, each beginning with a
//! tag byte; see `entry` for the layout of each. Within one frame a text is written once and then named by
//! number, times and offsets are differences from the entry before.
//!
//! Invariants:
//! - What [`Writer`] wrote, [`Reader`] gives back, value for value.
//! - The bytes are a function of the entries and the epoch.
//! - Whatever the bytes, reading ends with entries or a [`FrameError`], within memory bounded by the frame's size
//!   and [`MAX_BODY_BYTES`].
//!
//! A stored format: version 1 is read for ever; golden files in `tests/golden` pin it.

mod entry;
mod mark;
mod reader;
mod table;
mod varint;
mod writer;

pub use reader::{FrameBuffer, Reader};
pub use writer::{Full, Writer};

use thiserror::Error;

/// The greatest size of a frame's body before compression.
pub const MAX_BODY_BYTES: usize = 8 << 20;

/// The most partitions of a source topic: something is kept of each.
pub const MAX_PARTITIONS: u32 = 1 << 16;

const MAGIC: [u8; 2] = *b"VJ";
const VERSION: u8 = 1;
const COMPRESSED: u8 = 1;
/// Magic, version, flags and checksum.
const HEAD: usize = 8;

/// Why the value of a journal record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// It is not a frame at all.
    #[error("not a journal frame")]
    NotAFrame,
    /// It was written by a later release.
    #[error("frame version {0} is not known to this release")]
    UnknownVersion(u8),
    /// Its checksum does not match its bytes.
    #[error("the frame's checksum does not match")]
    Checksum,
    /// Its body is larger than a frame may be.
    #[error("the frame's body claims {0} bytes, more than a frame may hold")]
    TooLarge(u64),
    /// Its bytes end too early.
    #[error("the frame ends in the middle of {0}")]
    Truncated(&'static str),
    /// Something in it means nothing.
    #[error("the frame holds an invalid {0}")]
    Invalid(&'static str),
}
