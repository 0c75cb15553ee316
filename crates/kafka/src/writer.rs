//! A transactional producer.
//!
//! The order of a transaction decides what can be said of its end. Until the flush has ended no request to commit
//! was made: whatever fails, nothing of it is or will be visible. A request to commit that is not answered with a
//! yes leaves it open what happened: librdkafka repeats it by itself, so that even a refusal may follow a
//! success. Only an abort that the broker grants afterwards settles it.
//!
//! A request whose answer was lost may arrive late, in another transaction, and end it or add to it. Before the next one
//! begins the id is therefore taken over anew: what coordinators of transactions hear of the old holder then, they refuse;
//! leaders of partitions do so from the first record of the new one on, or where they ask the coordinator (Kafka 3.6). A
//! writer whose id was meanwhile taken over by another takes it back by this, once, and fences the other.

mod check;
mod outcome;
mod round;

use crate::attendant::Attendant;
use crate::error::{explain, refusal};
use crate::native::{Code, Delivery, Failure, Handle, Kind, List, Role, Standing, Topic, number};
use crate::shared::Shared;
use check::Checked;
use log::batch::Append;
use log::{AbortCause, CommitError, Error, Partition, Receipt, Result, Transaction};
use outcome::{aborted, cause_of, fenced, may_follow_a_success};
use round::{Most, Room};
use std::collections::HashMap;
use std::iter::Peekable;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a full queue is waited for at a time.
const FULL: Duration = Duration::from_millis(5);

/// How long to wait before a transaction is sent again that failed through the log's fault.
const AGAIN: Duration = Duration::from_millis(100);

/// A producer under an id, whether the id is its own yet or not.
#[derive(Debug)]
pub(crate) struct Producer {
    // The thread goes before the client that it serves.
    attendant: Attendant,
    handle: Arc<Handle>,
}

/// What a writer knows of a topic.
#[derive(Debug)]
struct Known {
    topic: Topic,
    partitions: u32,
    max_record_bytes: usize,
    /// What each partition was given in this round.
    rooms: Vec<Room>,
}

/// A transactional producer.
#[derive(Debug)]
pub struct Writer {
    // Topics go before their client.
    topics: HashMap<Arc<str>, Known>,
    producer: Producer,
    shared: Arc<Shared>,
    id: String,
    /// Why it is of no use any more.
    dead: Option<String>,
}

impl Producer {
    fn new(shared: &Shared, id: &str) -> std::result::Result<Self, Failure> {
        let handle = shared.client(Role::Producer, id, &[])?;
        let attendant = Attendant::start(&handle, shared.settings.security.tokens())?;
        Ok(Self { attendant, handle })
    }

    /// Takes an id over: transactions of its holder so far are decided, and it is refused from now on.
    fn take_over(shared: &Shared, id: &str) -> Result<Self> {
        let what = format!("writer {id}");
        let producer = match shared.take_opening(id) {
            Some(producer) => producer,
            None => Self::new(shared, id).map_err(|failure| refusal(&what, &failure, None))?,
        };
        if let Err(failure) = producer.handle.init_transactions(shared.settings.answer_within) {
            let trouble = producer.attendant.said().trouble();
            let busy = || Error::Busy(explain(&what, &failure, trouble.as_deref()));
            // The same call goes on where it was; another producer would have to begin anew.
            if failure.kind == Kind::Retriable {
                let busy = busy();
                shared.put_opening(id, producer);
                return Err(busy);
            }
            // Another holder of the id began at the same time: this one tries again.
            if is_fence(failure.code) {
                return Err(busy());
            }
            return Err(refusal(&what, &failure, trouble.as_deref()));
        }
        producer.attendant.said().well();
        Ok(producer)
    }
}

impl Writer {
    pub(crate) fn open(shared: &Arc<Shared>, id: &str) -> Result<Self> {
        let producer = Producer::take_over(shared, id)?;
        Ok(Self {
            topics: HashMap::new(),
            producer,
            shared: Arc::clone(shared),
            id: id.to_owned(),
            dead: None,
        })
    }

    /// Takes the id over anew: of transactions so far, nothing can arrive any more.
    fn renew(&mut self) -> std::result::Result<(), CommitError> {
        match Producer::take_over(&self.shared, &self.id) {
            Ok(producer) => {
                tracing::info!(id = self.id, "an answer was lost: the transactional id was taken over anew");
                self.topics.clear();
                self.producer = producer;
                Ok(())
            }
            Err(Error::Busy(reason)) => Err(aborted(AbortCause::Log, reason, AGAIN)),
            Err(error) => {
                let reason = error.to_string();
                self.dead = Some(reason.clone());
                Err(fenced(reason))
            }
        }
    }

    /// Begins, appends, adds the offsets, and waits until all has arrived.
    pub(crate) fn prepare(
        &mut self,
        transaction: &Transaction<'_>,
    ) -> std::result::Result<Delivery, CommitError> {
        if let Some(reason) = &self.dead {
            return Err(fenced(reason.clone()));
        }
        if self.producer.handle.has_lost_answers() {
            self.renew()?;
        }
        let checked = check::check(self, transaction)?;
        drop(self.producer.attendant.said().take_delivery());
        if let Err(failure) = self.producer.handle.begin() {
            return Err(match failure.kind {
                Kind::Fatal => self.die(&failure),
                Kind::Abort | Kind::Retriable | Kind::Other => self.abandon(&failure),
            });
        }
        let sent = self.send(transaction, checked);
        let delivery = self.producer.attendant.said().take_delivery();
        // The report of the first record that failed says more than what follows from it.
        match (sent, delivery.failure) {
            (Ok(()), None) => Ok(Delivery { stamp: delivery.stamp, failure: None }),
            (Err(failure), None) | (_, Some(failure)) => Err(self.abandon(&failure)),
        }
    }

    fn send(
        &mut self,
        transaction: &Transaction<'_>,
        checked: Option<Checked>,
    ) -> std::result::Result<(), Failure> {
        let patience = self.shared.settings.transaction_timeout;
        let until = Instant::now() + patience;
        let mut lists: Vec<_> =
            transaction.appends.iter().map(|appends| appends.records().peekable()).collect();
        while !self.send_round(&mut lists, until)? {
            self.producer.handle.flush(left(until))?;
        }
        let handle = &self.producer.handle;
        if let Some(checked) = checked {
            // Retriable, but with the same arguments only, and it has waited for the transaction's time already.
            handle.send_offsets(&checked.offsets, &checked.standing, patience)?;
        }
        handle.flush(left(until))?;
        match handle.fatal() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Queues one batch of each partition at most. Returns whether that was all.
    fn send_round<'a>(
        &mut self,
        lists: &mut [Peekable<impl Iterator<Item = Append<'a>>>],
        until: Instant,
    ) -> std::result::Result<bool, Failure> {
        let (bytes, records) = (self.shared.settings.batch_bytes(), self.shared.settings.batch_records());
        let most = Most { bytes, records };
        for known in self.topics.values_mut() {
            known.rooms.fill(Room::default());
        }
        let mut all = true;
        for list in lists {
            while let Some(append) = list.peek() {
                let known = self
                    .topics
                    .get_mut(append.topic)
                    .ok_or_else(|| Failure::of(Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC))?;
                let room = known.rooms.get_mut(append.partition as usize);
                if room.is_some_and(|room| !room.takes(append, most)) {
                    all = false;
                    break;
                }
                while let Err(failure) = known.topic.produce(append) {
                    let full = failure.code == Code::RD_KAFKA_RESP_ERR__QUEUE_FULL;
                    if !full || Instant::now() > until {
                        return Err(failure);
                    }
                    // A time-out is expected: some of the queue has gone meanwhile.
                    drop(self.producer.handle.flush(FULL));
                }
                list.next();
            }
        }
        Ok(all)
    }

    /// Gives up a transaction that nobody has asked to commit.
    fn abandon(&mut self, failure: &Failure) -> CommitError {
        if failure.kind == Kind::Fatal || self.producer.handle.fatal().is_some() {
            return self.die(failure);
        }
        match self.abort() {
            Ok(()) => aborted(cause_of(failure.code), failure.to_string(), self.after(failure.code)),
            Err(second) => {
                // Nothing was committed, and the next holder of the id aborts what is open.
                let reason = format!("{failure}; the abort failed: {second}");
                self.dead = Some(reason.clone());
                fenced(reason)
            }
        }
    }

    fn after(&self, code: Code) -> Duration {
        match cause_of(code) {
            AbortCause::Log => AGAIN,
            AbortCause::StaleMembership | AbortCause::RecordTooLarge | AbortCause::UnknownPartition => {
                Duration::ZERO
            }
        }
    }

    fn die(&mut self, failure: &Failure) -> CommitError {
        let failure = self.producer.handle.fatal().unwrap_or_else(|| failure.clone());
        let reason = explain(&format!("writer {}", self.id), &failure, None);
        self.dead = Some(reason.clone());
        fenced(reason)
    }

    /// Aborts, again while the broker does not answer, for at most as long as a transaction may last.
    pub(crate) fn abort(&self) -> std::result::Result<(), Failure> {
        self.again(|within| self.producer.handle.abort(within))
    }

    fn again(
        &self,
        mut call: impl FnMut(Duration) -> std::result::Result<(), Failure>,
    ) -> std::result::Result<(), Failure> {
        let until = Instant::now() + self.shared.settings.transaction_timeout;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match call(left.max(AGAIN)) {
                Err(failure) if failure.kind == Kind::Retriable && !left.is_zero() => {}
                told => return told,
            }
        }
    }

    /// Commits what was prepared.
    pub(crate) fn decide(&mut self, delivery: &Delivery) -> std::result::Result<Receipt, CommitError> {
        let Err(failure) = self.again(|within| self.producer.handle.commit(within)) else {
            return Ok(Receipt { stamp: delivery.stamp });
        };
        let may_abort = failure.kind == Kind::Abort && !may_follow_a_success(failure.code);
        if may_abort && self.producer.handle.fatal().is_none() && self.abort().is_ok() {
            return Err(aborted(cause_of(failure.code), failure.to_string(), AGAIN));
        }
        let reason = format!("writer {}: {failure}", self.id);
        self.dead = Some(reason.clone());
        Err(CommitError::Unknown { reason })
    }
}

impl log::Writer for Writer {
    fn commit(&mut self, transaction: &Transaction<'_>) -> std::result::Result<Receipt, CommitError> {
        let delivery = self.prepare(transaction)?;
        self.decide(&delivery)
    }
}

/// What is left of a time; never none, so that what has arrived by then is seen.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

fn is_fence(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_PRODUCER_FENCED
            | Code::RD_KAFKA_RESP_ERR__FENCED
            | Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
    )
}

impl Writer {
    /// Learns of a topic, or anew of one that is known.
    fn learn(&mut self, name: &Arc<str>) -> Result<()> {
        let Some(spec) = self.shared.topic(name)? else { return Err(Error::Missing(name.to_string())) };
        let handle = &self.producer.handle;
        let failed = |failure: Failure| refusal(&format!("topic {name}"), &failure, None);
        let topic = Topic::new(handle, name).map_err(failed)?;
        // The producer refuses partitions that it has not heard of.
        topic.refresh(self.shared.settings.answer_within).map_err(failed)?;
        let rooms = vec![Room::default(); spec.partitions as usize];
        let known =
            Known { topic, partitions: spec.partitions, max_record_bytes: spec.max_record_bytes, rooms };
        self.topics.insert(Arc::clone(name), known);
        Ok(())
    }
}

fn list_of(transaction: &Transaction<'_>) -> List {
    let mut list = List::new(transaction.offsets.len());
    for commit in transaction.offsets {
        let Partition { topic, number: partition } = &commit.partition;
        list.push(topic, number(*partition), commit.offset, Some(&commit.metadata));
    }
    list
}

fn standing_of(native: &[u8]) -> std::result::Result<Standing, CommitError> {
    Standing::read(native)
        .map_err(|failure| aborted(AbortCause::StaleMembership, failure.to_string(), Duration::ZERO))
}
