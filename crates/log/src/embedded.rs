//! The log in this process: durable and crash-safe in one directory, with no server to install. What the demo and a
//! single machine run.
//!
//! A transaction is one batch of the store: after a crash at any byte it is there as a whole or not at all, and what
//! was acknowledged is there (with [`Durability::Synced`]: even if the machine lost its power). Nobody sees any of it
//! before it is on disk. Worker threads share one handle; one process holds a directory.
//!
//! From the outside in: `admin` (topics), `member` and `group` (who reads what), `reader`, `writer` → `prepare` (by
//! the thread that commits) → `turn` (those that wait share one) → `commit` (one batch, one sync) → `store` (fjall:
//! what lies where). Beside it: `record` (the bytes of records), `key` (those of keys), `topic` and `state` (what is
//! known in memory), `compaction`, `held` (transactions left open, as only tests do), `tail` (a torn or damaged
//! journal), `lock` (whose directory it is).
//!
//! It does not: serve other processes, replicate, or delete by age.

mod admin;
mod commit;
mod compaction;
mod group;
mod held;
mod key;
mod lock;
mod member;
mod prepare;
mod reader;
mod record;
mod state;
mod store;
mod tail;
mod topic;
mod turn;
mod writer;

pub use held::Held;
pub use member::Member;
pub use reader::Reader;
pub use writer::Writer;

use crate::{Isolation, Log, Partition, Result, Round, TopicSpec};
use state::Shared;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When the disk has it: it survives a loss of power.
    #[default]
    Synced,
    /// When the operating system has it: it survives the end of the process. For directories to throw away.
    Buffered,
}

/// Where a commit has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitPoint {
    /// Nothing is written.
    Begin,
    /// It is written, but the disk may not have it.
    Written,
    /// The disk has it, but nobody has seen it.
    Synced,
}

/// Called by a committing thread at each [`CommitPoint`]: how a test ends the process there.
pub type OnCommit = Arc<dyn Fn(CommitPoint) + Send + Sync>;

/// How a directory is opened.
#[derive(Clone)]
pub struct Options {
    /// When a commit is acknowledged. Default: synced.
    pub durability: Durability,
    /// Bytes of the file system to leave free: with less, commits are aborted until there is room. 0 checks nothing.
    /// Default: 256 MiB, which is what the store may need to write before it can delete.
    pub reserve_bytes: u64,
    /// How long a record without value stays readable on a compacted topic. Default: one day.
    pub tombstone_retention: Duration,
    /// Memory for blocks of the store. Default: 64 MiB.
    pub cache_bytes: u64,
    /// For tests.
    pub on_commit: Option<OnCommit>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Synced,
            reserve_bytes: 256 << 20,
            tombstone_retention: Duration::from_secs(24 * 60 * 60),
            cache_bytes: 64 << 20,
            on_commit: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("durability", &self.durability)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("tombstone_retention", &self.tombstone_retention)
            .field("cache_bytes", &self.cache_bytes)
            .finish_non_exhaustive()
    }
}

impl Options {
    fn reached(&self, point: CommitPoint) {
        if let Some(hook) = &self.on_commit {
            hook(point);
        }
    }
}

/// A log in a directory of this machine.
#[derive(Clone, Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
}

impl Embedded {
    /// Opens the log in `dir`, or makes one in an empty or new directory.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if another process holds the directory, if it is of another layout or not a log;
    /// [`crate::Error::Fatal`] if it cannot be read or written. Each names the directory and the way out.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self> {
        let holding = lock::take(dir.as_ref())?;
        Ok(Self { shared: Arc::new(Shared::open(holding, options)?) })
    }
}

impl Log for Embedded {
    type Member = Member;
    type Reader = Reader;
    type Writer = Writer;

    fn now(&self) -> i64 {
        wall_clock()
    }

    fn topic(&self, topic: &str) -> Result<Option<TopicSpec>> {
        Ok(self.shared.live()?.catalog.get(topic).map(|topic| topic.spec.clone()))
    }

    fn create(&self, spec: &TopicSpec) -> Result<()> {
        self.create_topic(spec)
    }

    fn ends(&self, topics: &[Arc<str>]) -> Result<Round> {
        self.round(topics)
    }

    fn join(&self, group: &str, instance: &str, topics: &[Arc<str>], isolation: Isolation) -> Result<Member> {
        Member::join(Arc::clone(&self.shared), group, instance, topics, isolation)
    }

    fn read(&self, partition: &Partition, offset: i64, isolation: Isolation) -> Result<Reader> {
        let cursor = reader::Cursor::new(&*self.shared.live()?, partition, offset, isolation)?;
        Ok(Reader::new(Arc::clone(&self.shared), cursor))
    }

    fn writer(&self, id: &str) -> Result<Writer> {
        Writer::open(Arc::clone(&self.shared), id)
    }
}

/// The one place of this crate that reads the system's clock.
fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
