//! The keys of the store, and the small values that need no module of their own.

use crate::Committed;

/// Keys of the `meta` keyspace.
pub(super) struct Meta;

impl Meta {
    /// Name -> spec and partition ids.
    pub(super) const TOPIC: u8 = b'T';
    /// Partition id -> next offset and last append stamp.
    pub(super) const END: u8 = b'P';
    /// Partition id -> first offset, where it is not 0.
    pub(super) const FIRST: u8 = b'F';
    /// Partition id, group -> offset and metadata.
    pub(super) const OFFSET: u8 = b'O';
    /// Writer id -> epoch.
    pub(super) const WRITER: u8 = b'W';
    /// Partition id, offset of a record without value -> its stamp and key.
    pub(super) const TOMBSTONE: u8 = b'X';
    /// Writer id -> the chunks of the transaction that it left open.
    pub(super) const OPEN: u8 = b'U';
    /// (one key) the records that the last batch superseded, deleted by the next.
    pub(super) const SUPERSEDED: u8 = b'S';

    pub(super) fn key(kind: u8, rest: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + rest.len());
        key.push(kind);
        key.extend_from_slice(rest);
        key
    }

    pub(super) fn offset(group: &str, pid: u32) -> Vec<u8> {
        let mut key = Self::key(Self::OFFSET, &pid.to_be_bytes());
        key.extend_from_slice(group.as_bytes());
        key
    }

    pub(super) fn tombstone(pid: u32, offset: u64) -> Vec<u8> {
        Self::key(Self::TOMBSTONE, &place(pid, offset))
    }

    pub(super) fn committed(committed: &Committed) -> Vec<u8> {
        let mut value = committed.offset.to_be_bytes().to_vec();
        value.extend_from_slice(committed.metadata.as_bytes());
        value
    }
}

/// The key of the record or chunk at `offset`.
pub(super) fn place(pid: u32, offset: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&pid.to_be_bytes());
    key[4..].copy_from_slice(&offset.to_be_bytes());
    key
}

/// What [`place`] made.
pub(super) fn placed(key: &[u8]) -> Option<(u32, u64)> {
    let (pid, offset) = key.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*pid), u64::from_be_bytes(offset.try_into().ok()?)))
}

/// The key of `key` among the latest of its partition.
pub(super) fn keyed(pid: u32, key: &[u8]) -> Vec<u8> {
    let mut place = pid.to_be_bytes().to_vec();
    place.extend_from_slice(key);
    place
}
