//! The fjall store and what lies where in it.
//!
//! Four keyspaces, all made before the directory is used, so that none is ever half made:
//! - `chunks`: topics that keep everything; (partition id, first offset) -> chunk. Large values are kept apart
//!   from their keys, so that sorting the keys does not rewrite them.
//! - `compacted`: topics that keep the latest of each key; the same, one record a chunk.
//! - `latest`: (partition id, key) -> offset of its latest record, for compaction.
//! - `meta`: everything small; see `key`.
//!
//! Writes are batches of fjall: whole or not at all, whatever the crash. Nothing here decides what to write.

use super::key::{place, placed};
use super::lock;
use super::tail::{self, Ending};
use super::{Durability, Options};
use crate::{Cleanup, Error, Result};
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, OwnedWriteBatch,
};
use fjall::{PersistMode, Slice};
use std::fmt;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};

const STORE: &str = "store";
const STORE_DRAFT: &str = "store.draft";
const MIB: u64 = 1 << 20;

/// The open store.
pub(super) struct Store {
    pub(super) dir: PathBuf,
    database: Database,
    pub(super) chunks: Keyspace,
    pub(super) compacted: Keyspace,
    pub(super) latest: Keyspace,
    pub(super) meta: Keyspace,
    mode: PersistMode,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store of `dir`, or makes it.
    pub(super) fn open(dir: &Path, options: &Options) -> Result<Self> {
        let path = dir.join(STORE);
        let draft = dir.join(STORE_DRAFT);
        let io = |error: std::io::Error| lock::failed(dir, "cannot be written", &error);
        if !path.try_exists().map_err(io)? {
            // A store is seen under its name only once it is whole.
            if draft.try_exists().map_err(io)? {
                fs::remove_dir_all(&draft).map_err(io)?;
            }
            drop(Self::open_at(dir, &draft, options)?);
            fs::rename(&draft, &path).map_err(io)?;
            lock::sync(dir).map_err(io)?;
        }
        Self::open_at(dir, &path, options)
    }

    fn open_at(dir: &Path, path: &Path, options: &Options) -> Result<Self> {
        if path.exists() {
            match tail::mend(path).map_err(|error| lock::failed(dir, "cannot be mended", &error))? {
                Ending::Whole | Ending::Cut(None) => {}
                Ending::Cut(Some(copy)) => {
                    let copy = copy.display();
                    tracing::warn!(%copy, "a transaction that was not yet durable when the machine stopped is cut off");
                }
                Ending::Damaged(journal, at) => {
                    return Err(damaged(
                        dir,
                        &format!("{} does not decode from byte {at} on", journal.display()),
                    ));
                }
            }
        }
        Self::try_open(dir, path, options).map_err(|error| {
            if let fjall::Error::JournalRecovery(error) = error {
                return damaged(dir, &format!("its journal does not decode ({error})"));
            }
            Error::Fatal(format!("the store in directory {} cannot be opened: {error}", dir.display()))
        })
    }

    fn try_open(dir: &Path, path: &Path, options: &Options) -> fjall::Result<Self> {
        let database = Database::builder(path)
            .cache_size(options.cache_bytes)
            .manual_journal_persist(true)
            // Checked on recovery by compressing anew: that would bind the files to one version of lz4.
            .journal_compression(CompressionType::None)
            .max_journaling_size(128 * MIB)
            .worker_threads(2)
            .open()?;
        let plain = || KeyspaceCreateOptions::default().manual_journal_persist(true);
        let apart = |threshold| {
            let large = KvSeparationOptions::default()
                .separation_threshold(threshold)
                .compression(CompressionType::Lz4)
                .file_target_size(64 * MIB);
            plain().with_kv_separation(Some(large))
        };
        let small = || plain().max_memtable_size(16 * MIB);
        Ok(Self {
            chunks: database.keyspace("chunks", || apart(4_096))?,
            compacted: database.keyspace("compacted", || apart(512))?,
            latest: database.keyspace("latest", small)?,
            meta: database.keyspace("meta", small)?,
            dir: dir.to_owned(),
            database,
            mode: match options.durability {
                Durability::Synced => PersistMode::SyncAll,
                Durability::Buffered => PersistMode::Buffer,
            },
        })
    }

    /// Where records of topics of this kind lie.
    pub(super) fn of(&self, cleanup: Cleanup) -> &Keyspace {
        match cleanup {
            Cleanup::Keep => &self.chunks,
            Cleanup::Compact => &self.compacted,
        }
    }

    pub(super) fn batch(&self) -> OwnedWriteBatch {
        self.database.batch().durability(None)
    }

    /// Makes all that was written durable.
    pub(super) fn persist(&self) -> fjall::Result<()> {
        self.database.persist(self.mode)
    }

    /// Waits until the store has room for another batch. (Its own way of waiting has no end once its background
    /// threads have stopped on an error.)
    pub(super) fn wait_for_room(&self) -> fjall::Result<()> {
        let busy =
            |keyspace: &Keyspace| keyspace.sealed_memtable_count() >= 3 || keyspace.l0_table_count() >= 18;
        while [&self.chunks, &self.compacted, &self.latest, &self.meta].into_iter().any(busy) {
            self.database.persist(PersistMode::Buffer)?;
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(())
    }

    /// All of `meta` of one kind: the rest of the key, and the value.
    pub(super) fn meta(&self, kind: u8) -> impl Iterator<Item = Result<(Vec<u8>, Slice)>> + use<'_> {
        self.meta.prefix([kind]).map(move |guard| {
            let (key, value) = guard.into_inner().map_err(|error| self.failed(&error))?;
            Ok((key.get(1..).unwrap_or_default().to_vec(), value))
        })
    }

    /// The chunk or record that holds `offset`, or the first above it, if it begins below `end`.
    pub(super) fn seek(&self, keyspace: &Keyspace, pid: u32, offset: u64) -> Result<u64> {
        let range = place(pid, 0)..=place(pid, offset);
        let Some(guard) = keyspace.range(range).next_back() else { return Ok(offset) };
        let key = guard.key().map_err(|error| self.failed(&error))?;
        Ok(placed(&key).map_or(offset, |(_, base)| base))
    }

    /// Chunks or records of a partition that begin at `from` or later and below `to`.
    pub(super) fn chunks(
        &self,
        keyspace: &Keyspace,
        pid: u32,
        from: u64,
        to: u64,
    ) -> impl Iterator<Item = Result<(u64, Slice)>> + use<'_> {
        let range = (Bound::Included(place(pid, from)), Bound::Excluded(place(pid, to)));
        keyspace.range::<[u8; 12], _>(range).map(move |guard| {
            let (key, value) = guard.into_inner().map_err(|error| self.failed(&error))?;
            let (_, base) = placed(&key).ok_or_else(|| self.damaged("a key"))?;
            Ok((base, value))
        })
    }

    /// The offset of the latest record of a key.
    pub(super) fn latest(&self, place: &[u8]) -> Result<Option<u64>> {
        let Some(value) = self.latest.get(place).map_err(|error| self.failed(&error))? else {
            return Ok(None);
        };
        let offset =
            value.as_ref().try_into().map_err(|_error| self.damaged("an entry of the index of keys"))?;
        Ok(Some(u64::from_be_bytes(offset)))
    }

    pub(super) fn failed(&self, error: &fjall::Error) -> Error {
        Error::Fatal(self.explain(error))
    }

    /// What happened, where, and the way out.
    pub(super) fn explain(&self, error: &fjall::Error) -> String {
        let what = if let fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) = error
        {
            error.to_string()
        } else if matches!(error, fjall::Error::Poisoned) {
            "the store stopped after an earlier error of the disk".to_owned()
        } else {
            error.to_string()
        };
        let room = self.free().map_or_else(String::new, |free| format!(" ({} MiB free)", free / MIB));
        format!(
            "the log in directory {}{room} failed: {what}; make room or mend the disk, then restart: what was \
             committed is kept",
            self.dir.display()
        )
    }

    pub(super) fn damaged(&self, what: &str) -> Error {
        damaged(&self.dir, &format!("{what} does not decode"))
    }

    /// Free bytes of the file system, if it says.
    pub(super) fn free(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.dir).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Bytes that the store takes on disk.
    pub(super) fn disk_bytes(&self) -> fjall::Result<u64> {
        self.database.disk_space()
    }
}

fn damaged(dir: &Path, what: &str) -> Error {
    let dir = dir.display();
    Error::Fatal(format!("the log in directory {dir} is damaged: {what}; restore a copy of the directory"))
}
