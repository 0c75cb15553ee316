//! The log on a Kafka cluster, by librdkafka: what production runs.
//!
//! | handle | how many | what goes over it | who serves it |
//! |---|---|---|---|
//! | requests | one a process | topics, and the offsets of [`log::Log::ends`]; never a fetch, behind whose long poll an answer would wait | an `attendant` thread |
//! | producer | one a [`Writer`] | one transaction at a time | an attendant thread: a flush ends when the delivery reports were served by somebody else than who flushes |
//! | consumer | one a [`Member`] or [`Reader`] | fetches; the group's heartbeats | the worker's own thread, in `poll` |
//!
//! **Records** are fetched by the batch call on a private queue, to which each partition is forwarded: on the
//! consumer's own queue the batch call would answer rebalances in place of the worker. `feed` keeps the positions
//! itself and seeks after every rebalance, because librdkafka 2.12 takes an end-of-partition event for a record
//! and skips the next one.
//!
//! **Groups** run the classic protocol with cooperative-sticky and a fixed `group.instance.id`. A rebalance is an
//! event, answered by the worker's next call: what is revoked is unassigned when the worker has released it. The
//! standing of a member is taken afresh for each transaction; offsets are refused without one, because a broker
//! takes offsets of generation -1 from anybody.
//!
//! A consumer is closed on a thread of its own, because librdkafka may never come back from that.
//!
//! **A transaction** opens when all of it is in memory: begin, append, offsets, flush, commit. Up to the flush
//! nothing can have been committed, so that any failure is an abort or a fence; from the request to commit on,
//! what is not a yes is unknown. librdkafka's own calls are used and not those of the `rdkafka` crate, whose
//! commit waits 100 ms, and which knows neither the batch call nor a request for several offsets.
//!
//! **The proof of an end** ([`log::Log::ends`]) asks for partition counts and high watermarks, all after one look
//! at the clock. A request that timed out may say -1001 without an error: it is refused, and no time-out is an
//! answer.
//!
//! **The barrier** ([`log::Member::committed`]) is an offset fetch that asks for stable offsets. "Nothing was
//! committed" and "not decided yet" differ in the code of the call only.
//!
//! All unsafe code is in `native`. Properties are checked before anything is connected: [`Settings::check`].

#![deny(unsafe_code)]

mod attendant;
mod error;
mod feed;
mod held;
mod member;
mod native;
mod reader;
mod settings;
mod shared;
mod topic;
mod writer;

pub use held::Held;
pub use member::Member;
pub use reader::Reader;
pub use settings::{Invalid, Problem, Sasl, Secret, Security, Settings, Tls, Token, Tokens};
pub use topic::mend;
pub use writer::Writer;

use log::{CommitError, Isolation, Log, Partition, Result, Round, TopicSpec, Transaction};
use shared::Shared;
use std::fmt;
use std::sync::Arc;

/// A Kafka cluster, as one process sees it.
#[derive(Clone)]
pub struct Kafka {
    shared: Arc<Shared>,
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka").field("bootstrap", &self.shared.settings.bootstrap).finish_non_exhaustive()
    }
}

impl Kafka {
    /// The cluster that `settings` name. Nothing needs to answer yet: a cluster that is down is
    /// [`log::Error::Busy`] for each call until it is up.
    ///
    /// # Errors
    /// [`Invalid`], before anything is connected.
    pub fn new(settings: Settings) -> std::result::Result<Self, Invalid> {
        settings.check()?;
        Ok(Self { shared: Arc::new(Shared::new(settings)?) })
    }

    /// Takes over the writer id `id` and leaves `transaction` open under it, as no worker does: for tests of what
    /// open transactions hold back. The request to commit is not sent.
    ///
    /// # Errors
    /// As of a commit; [`CommitError::Unknown`] if the id could not be taken over.
    pub fn hold(&self, id: &str, transaction: &Transaction<'_>) -> std::result::Result<Held, CommitError> {
        Held::open(self, id, transaction)
    }
}

impl Log for Kafka {
    type Member = Member;
    type Reader = Reader;
    type Writer = Writer;

    fn now(&self) -> i64 {
        shared::wall_clock()
    }

    fn topic(&self, topic: &str) -> Result<Option<TopicSpec>> {
        self.shared.topic(topic)
    }

    fn create(&self, spec: &TopicSpec) -> Result<()> {
        self.shared.create(spec)
    }

    fn ends(&self, topics: &[Arc<str>]) -> Result<Round> {
        self.shared.ends(topics)
    }

    fn join(
        &self,
        group: &str,
        instance: &str,
        topics: &[Arc<str>],
        isolation: Isolation,
    ) -> Result<Self::Member> {
        Member::join(&self.shared, group, instance, topics, isolation)
    }

    fn read(&self, partition: &Partition, offset: i64, isolation: Isolation) -> Result<Self::Reader> {
        Reader::open(&self.shared, partition, offset, isolation)
    }

    fn writer(&self, id: &str) -> Result<Self::Writer> {
        Writer::open(&self.shared, id)
    }
}
