//! What the pipeline needs of a log, and nothing else: bytes, offsets, transactions.
//!
//! Three logs implement [`Log`]: Kafka (crate `kafka`), `embedded` and `simulated`; one contract suite,
//! `contract`, says what that means and runs against each. The interface is that of Kafka cut down to what
//! exactly-once needs, and made so that a worker can be driven one step at a time: no call waits longer than it
//! is told to. What cannot be answered yet is [`Error::Busy`]: nothing has happened, call again later.
//!
//! Invariants that every implementation keeps:
//! - A transaction is one call, [`Writer::commit`]: its appends, its offsets and their metadata become visible
//!   together or never.
//! - Offsets of a partition grow but have gaps (control records, aborted records, compaction). "Read to the
//!   end" is an [`Event::End`] whose offset is at least an end asked for, never "last record + 1".
//! - Reading committed records stops before the first record of an undecided transaction (the last stable
//!   offset); [`Log::ends`] reports the high watermark, which lies behind it.
//!
//! This crate knows nothing of activities, journals or accounts.

pub mod batch;
pub mod contract;
pub mod embedded;
pub mod error;
pub mod simulated;

pub use batch::{Append, Appends, Batch, Record};
pub use error::{AbortCause, CommitError, Error, Result};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// Its number, from 0.
    pub number: u32,
}

impl Partition {
    /// Partition `number` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, number: u32) -> Self {
        Self { topic: topic.into(), number }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which records a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Those of committed transactions only, up to the last stable offset.
    Committed,
    /// All up to the high watermark: those of open transactions, and perhaps those of aborted ones.
    Uncommitted,
}

/// Who stamps the records of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The log, at the append.
    Append,
    /// Whoever made the record ([`Appends::push_stamped`]; the append time where nothing was given).
    Create,
}

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// For ever.
    Keep,
    /// The latest record of each key; a record without a value removes its key.
    Compact,
}

/// What a topic is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: Arc<str>,
    /// How many partitions it has, at least 1.
    pub partitions: u32,
    /// Who stamps its records.
    pub stamp: Stamp,
    /// How long records are kept.
    pub cleanup: Cleanup,
    /// The greatest size of a record (key, value and headers), in bytes.
    pub max_record_bytes: usize,
}

/// First and end offset of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The least offset that can still be read.
    pub first: i64,
    /// The high watermark: one more than the greatest offset written, of whatever kind the record is.
    pub end: i64,
}

/// The answer of one round of [`Log::ends`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The log's wall clock when the request was sent, ms since the epoch: all that the answer proves, it
    /// proves for this instant.
    pub sent_at: i64,
    /// For each topic asked for, in that order, the ends of each of its partitions, in the order of numbers.
    pub topics: Vec<Vec<Ends>>,
}

/// What a committed offset holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The offset of the next record to read.
    pub offset: i64,
    /// The text committed with it, at most [`MAX_METADATA_BYTES`].
    pub metadata: String,
}

/// The greatest size of an offset's metadata.
pub const MAX_METADATA_BYTES: usize = 4_096;

/// An offset to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    /// Of which partition.
    pub partition: Partition,
    /// The offset of the next record to read.
    pub offset: i64,
    /// Replaces the text committed before, also when the offset is the same.
    pub metadata: String,
}

/// A consumer's standing in its group at one moment; taken afresh for each transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: String,
    /// The member's id, not empty.
    pub member: String,
    /// The group's generation, at least 0.
    pub generation: i32,
    /// What an implementation needs beside (Kafka: the opaque serialised group metadata).
    pub native: Vec<u8>,
}

/// A transaction whose whole content is in memory.
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    /// The appends. Those of one list stand in its order in each partition; those of several may stand between one
    /// another.
    pub appends: &'a [&'a Appends],
    /// The consumed offsets, of each partition of which the transaction contains anything.
    pub offsets: &'a [OffsetCommit],
    /// Whose offsets they are; `None` only where there are none.
    pub membership: Option<&'a Membership>,
}

/// What is known after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The greatest append stamp of the transaction's records on topics with [`Stamp::Append`], ms since the
    /// epoch; `None` if there was none.
    pub stamp: Option<i64>,
}

/// What a poll brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing within the time allowed.
    Idle,
    /// The batch now holds records of one partition.
    Records,
    /// The partition was read to `offset`: every visible record below it was delivered. Reported each time the
    /// reader reaches the end anew. Under [`Isolation::Committed`] it stands at the last stable offset.
    End {
        /// Which partition.
        partition: Partition,
        /// Past control records too.
        offset: i64,
    },
    /// These partitions are ours from now on, beside those we had. They deliver nothing before
    /// [`Member::start`].
    Assigned(Vec<Partition>),
    /// These partitions will go to another member once [`Member::release`] is called; until then they are
    /// ours, offsets included. They deliver nothing any more.
    Revoked(Vec<Partition>),
    /// These partitions are no longer ours: their offsets must not be committed.
    Lost(Vec<Partition>),
}

/// A log, as one process sees it. Cheap to clone: handles of one process share a connection.
pub trait Log: Clone + fmt::Debug {
    /// A consumer in a group.
    type Member: Member;
    /// A consumer of one partition without a group.
    type Reader: Reader;
    /// A transactional producer.
    type Writer: Writer;

    /// Wall time, ms since the epoch. The only clock the pipeline reads.
    fn now(&self) -> i64;

    /// What `topic` is, or `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Fatal`].
    fn topic(&self, topic: &str) -> Result<Option<TopicSpec>>;

    /// Creates a topic. One that exists with the same spec is fine; with another spec it is [`Error::Refused`].
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Refused`] or [`Error::Fatal`].
    fn create(&self, spec: &TopicSpec) -> Result<()>;

    /// First offset, high watermark and number of partitions of `topics`, in one round.
    ///
    /// # Errors
    /// [`Error::Busy`] (a time-out is never an answer), [`Error::Missing`] or [`Error::Fatal`].
    fn ends(&self, topics: &[Arc<str>]) -> Result<Round>;

    /// Joins `group` as `instance` (stable over restarts) to consume `topics`.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Missing`] or [`Error::Fatal`].
    fn join(
        &self,
        group: &str,
        instance: &str,
        topics: &[Arc<str>],
        isolation: Isolation,
    ) -> Result<Self::Member>;

    /// Reads one partition from `offset` on.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Missing`], [`Error::OutOfRange`] if `offset` is below the log's start.
    fn read(&self, partition: &Partition, offset: i64, isolation: Isolation) -> Result<Self::Reader>;

    /// A writer of transactions under `id`. An undecided transaction of an earlier writer of this id is decided
    /// first, and that writer is fenced.
    ///
    /// # Errors
    /// [`Error::Busy`] while that is under way.
    fn writer(&self, id: &str) -> Result<Self::Writer>;
}

/// A consumer in a group.
pub trait Member: fmt::Debug {
    /// Serves the group and takes what is next, waiting at most `wait`. On [`Event::Records`] the records are in
    /// `batch`, at most about `batch.limit` bytes; otherwise `batch` is empty.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if a position is below the log's start; [`Error::Busy`], [`Error::Fatal`].
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event>;

    /// Its standing now, or `None` while it has none (not joined, or the assignment lost).
    fn membership(&self) -> Option<Membership>;

    /// The committed offsets of `partitions`, in that order, `None` where nothing was committed yet. The answer
    /// is given only when no transaction that holds an offset of them is undecided.
    ///
    /// # Errors
    /// [`Error::Busy`] while one is undecided.
    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<Committed>>>;

    /// Begins (or begins anew) to deliver an assigned partition from `offset`.
    ///
    /// # Errors
    /// [`Error::Refused`] if the partition is not ours; [`Error::OutOfRange`] may come here or from a poll.
    fn start(&mut self, partition: &Partition, offset: i64) -> Result<()>;

    /// Stops delivering a partition until the next [`Member::start`]; it stays ours.
    fn pause(&mut self, partition: &Partition);

    /// Gives up partitions named by [`Event::Revoked`].
    fn release(&mut self, partitions: &[Partition]);

    /// Leaves the group.
    fn leave(self);
}

/// A consumer of one partition without a group.
pub trait Reader: fmt::Debug {
    /// Takes what is next: [`Event::Records`], [`Event::End`] or [`Event::Idle`].
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::Busy`], [`Error::Fatal`].
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event>;
}

/// A transactional producer.
pub trait Writer: fmt::Debug {
    /// Begins, appends, adds the offsets and commits. No consumer is polled in between.
    ///
    /// # Errors
    /// See [`CommitError`]: each says what is true of the transaction and of this writer afterwards.
    fn commit(&mut self, transaction: &Transaction<'_>) -> std::result::Result<Receipt, CommitError>;
}
