//! The log that the settings name, whichever kind it is: each call goes to the one that there is.

use log::embedded::Embedded;
use log::{
    Batch, Committed, Event, Isolation, Log, Member, Membership, Partition, Reader, Receipt, Result, Round,
    TopicSpec, Transaction, Writer,
};
use std::sync::Arc;
use std::time::Duration;

/// Either of two, for the log and for each of its handles.
#[derive(Clone, Debug)]
pub(crate) enum Either<E, K> {
    /// Of the embedded log.
    Embedded(E),
    /// Of Kafka.
    Kafka(K),
}

/// A log of the kind that the settings name.
pub(crate) type Store = Either<Embedded, kafka::Kafka>;

macro_rules! each {
    ($of:expr, $handle:ident => $call:expr) => {
        match $of {
            Either::Embedded($handle) => $call,
            Either::Kafka($handle) => $call,
        }
    };
}

macro_rules! wrapped {
    ($of:expr, $handle:ident => $call:expr) => {
        match $of {
            Either::Embedded($handle) => $call.map(Either::Embedded),
            Either::Kafka($handle) => $call.map(Either::Kafka),
        }
    };
}

impl From<Embedded> for Store {
    fn from(log: Embedded) -> Self {
        Self::Embedded(log)
    }
}

impl Log for Store {
    type Member = Either<<Embedded as Log>::Member, kafka::Member>;
    type Reader = Either<<Embedded as Log>::Reader, kafka::Reader>;
    type Writer = Either<<Embedded as Log>::Writer, kafka::Writer>;

    fn now(&self) -> i64 {
        each!(self, log => log.now())
    }

    fn topic(&self, topic: &str) -> Result<Option<TopicSpec>> {
        each!(self, log => log.topic(topic))
    }

    fn create(&self, spec: &TopicSpec) -> Result<()> {
        each!(self, log => log.create(spec))
    }

    fn ends(&self, topics: &[Arc<str>]) -> Result<Round> {
        each!(self, log => log.ends(topics))
    }

    fn join(
        &self,
        group: &str,
        instance: &str,
        topics: &[Arc<str>],
        isolation: Isolation,
    ) -> Result<Self::Member> {
        wrapped!(self, log => log.join(group, instance, topics, isolation))
    }

    fn read(&self, partition: &Partition, offset: i64, isolation: Isolation) -> Result<Self::Reader> {
        wrapped!(self, log => log.read(partition, offset, isolation))
    }

    fn writer(&self, id: &str) -> Result<Self::Writer> {
        wrapped!(self, log => log.writer(id))
    }
}

impl<E: Member, K: Member> Member for Either<E, K> {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event> {
        each!(self, member => member.poll(batch, wait))
    }

    fn membership(&self) -> Option<Membership> {
        each!(self, member => member.membership())
    }

    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<Committed>>> {
        each!(self, member => member.committed(partitions))
    }

    fn start(&mut self, partition: &Partition, offset: i64) -> Result<()> {
        each!(self, member => member.start(partition, offset))
    }

    fn pause(&mut self, partition: &Partition) {
        each!(self, member => member.pause(partition));
    }

    fn release(&mut self, partitions: &[Partition]) {
        each!(self, member => member.release(partitions));
    }

    fn leave(self) {
        each!(self, member => member.leave());
    }
}

impl<E: Reader, K: Reader> Reader for Either<E, K> {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event> {
        each!(self, reader => reader.poll(batch, wait))
    }
}

impl<E: Writer, K: Writer> Writer for Either<E, K> {
    fn commit(&mut self, transaction: &Transaction<'_>) -> std::result::Result<Receipt, log::CommitError> {
        each!(self, writer => writer.commit(transaction))
    }
}
