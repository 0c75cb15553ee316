//! Bytes in, values out, and back: the formats of everything that enters, rests in and leaves the log.
//!
//! | what | from | to | module |
//! | --- | --- | --- | --- |
//! | a source record | JSON bytes | [`engine::activity::Activity`] | [`activity`] |
//! | a journal record | bytes of a frame | [`engine::entry::Entry`], many | [`frame`] |
//! | an output record | [`engine::effect::Effect`] | key, headers, JSON | [`output`] |
//! | a dead letter | a rejected source record | key, headers, original bytes | [`dead_letter`] |
//! | a partition | an account id | its partition number | [`partition`] |
//!
//! Invariants:
//! - Every failure is a reason ([`reason::Reason`], [`frame::FrameError`], [`dead_letter::LetterError`]), never
//!   a panic, whatever the bytes.
//! - The same value gives the same bytes, on every machine and in every release of one format version; golden
//!   files pin each format.
//! - The way of an activity, from record to frame and from frame to entry, and the way of an effect to its
//!   record, allocate nothing per record once their buffers have grown (but for text with escapes, and once per
//!   frame).
//!
//! It does no I/O, reads no clock and knows neither topics' names nor the log's types.

pub mod activity;
pub mod dead_letter;
pub mod frame;
pub mod output;
pub mod partition;
mod plain;
pub mod reason;

pub use partition::partition_of;
