//! A consumer in a group.
//!
//! A rebalance is an event that the worker answers by its calls. While a revocation is not answered the group
//! waits, no partition delivers, and that the broker has thrown the member out shows only as an empty member id:
//! then all is lost. What librdkafka still holds assigned at that moment is *orphaned* until the group has spoken
//! again: it was told as lost, and comes back as assigned or goes without a word.

mod closing;
mod rebalance;

use crate::attendant::{Attendant, Said, attend};
use crate::error::{NEWER, explain, of_topic, refusal};
use crate::feed::{Feed, Next};
use crate::native::{Code, Entry, Failure, Handle, List, NO_OFFSET, Queue, Role, Standing};
use crate::shared::{Shared, out_of_range};
use log::{Batch, Committed, Error, Event, Isolation, Membership, Partition, Result};
use rebalance::Ownership;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a wait for records may keep the group's events waiting.
const SLICE: Duration = Duration::from_millis(10);

/// More fences than so many within so long say that there is another who wants the name.
const FENCES: usize = 2;
const WITHIN: Duration = Duration::from_secs(60);

/// A consumer in a group.
#[derive(Debug)]
pub struct Member {
    // Messages and queues go before their client.
    feed: Feed,
    events: Queue,
    rebalances: Arc<Queue>,
    handle: Arc<Handle>,
    /// Asks for committed offsets. librdkafka asks for stable ones only on behalf of a reader of committed
    /// records, so a member that reads all has a second client, and a thread that serves it.
    stable: Option<(Attendant, Arc<Handle>)>,
    shared: Arc<Shared>,
    said: Said,
    group: String,
    instance: String,
    topics: Vec<Arc<str>>,
    isolation: Isolation,
    ownership: Ownership,
    /// Positions out of range of which it is not known yet where the log lies.
    outside: Vec<(Partition, i64)>,
}

pub(crate) fn isolation_level(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::Committed => "read_committed",
        Isolation::Uncommitted => "read_uncommitted",
    }
}

impl Member {
    pub(crate) fn join(
        shared: &Arc<Shared>,
        group: &str,
        instance: &str,
        topics: &[Arc<str>],
        isolation: Isolation,
    ) -> Result<Self> {
        for topic in topics {
            shared.partitions(topic)?;
        }
        Self::connect(shared, group, instance, topics, isolation)
    }

    fn connect(
        shared: &Arc<Shared>,
        group: &str,
        instance: &str,
        topics: &[Arc<str>],
        isolation: Isolation,
    ) -> Result<Self> {
        let failed = |failure: Failure| Error::Fatal(explain(&format!("group {group}"), &failure, None));
        let committed = [("isolation.level", isolation_level(Isolation::Committed))];
        let own = [("isolation.level", isolation_level(isolation)), ("group.instance.id", instance)];
        let handle = shared.client(Role::Consumer, group, &own).map_err(failed)?;
        let stable = match isolation {
            Isolation::Committed => None,
            Isolation::Uncommitted => {
                let stable = shared.client(Role::Consumer, group, &committed).map_err(failed)?;
                let tokens = shared.settings.security.tokens();
                Some((Attendant::start(&stable, tokens).map_err(failed)?, stable))
            }
        };
        let feed = Feed::new(&handle);
        let (events, rebalances) = (handle.main_queue(), Arc::new(handle.group_queue()));
        handle.subscribe(&List::of_topics(topics.iter().map(|topic| &**topic))).map_err(failed)?;
        Ok(Self {
            feed,
            events,
            rebalances,
            handle,
            stable,
            shared: Arc::clone(shared),
            said: Said::default(),
            group: group.to_owned(),
            instance: instance.to_owned(),
            topics: topics.to_vec(),
            isolation,
            ownership: Ownership::default(),
            outside: Vec::new(),
        })
    }

    /// Serves what is no record: errors, tokens, the group.
    fn serve(&mut self) -> Result<()> {
        let tokens = self.shared.settings.security.tokens();
        for queue in [&self.events, &*self.rebalances] {
            let mut rebalances = Vec::new();
            while queue
                .serve(Duration::ZERO, |event| {
                    rebalances.extend(attend(event, &self.handle, &self.said, tokens));
                })
                .is_some()
            {}
            for event in rebalances {
                if let crate::native::Event::Rebalance(kind, partitions) = event {
                    self.ownership.rebalance(kind, &partitions, &self.handle, &mut self.feed);
                }
            }
        }
        if self.ownership.is_revoking() {
            if Standing::of_use(&self.handle).is_none() {
                self.ownership.lose_all(&self.handle, &mut self.feed);
            }
        } else {
            while let Some((partition, offset)) = self.feed.take_anew() {
                self.ownership.assign_anew(&partition, offset, &self.handle, &self.rebalances);
                self.feed.restore_positions();
            }
        }
        let Some(failure) = self.handle.fatal() else { return Ok(()) };
        if failure.code == Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID {
            if self.is_joining() {
                tracing::info!(
                    group = self.group,
                    instance = self.instance,
                    "the session ran out; joining anew"
                );
                return self.join_anew();
            }
            if self.ownership.count_fence(WITHIN) <= FENCES {
                tracing::warn!(
                    group = self.group,
                    instance = self.instance,
                    "this name was taken, by a late request of our own or by another process; joining anew"
                );
                return self.join_anew();
            }
        }
        let what = format!("instance {} of group {}", self.instance, self.group);
        Err(Error::Fatal(explain(&what, &failure, None)))
    }

    /// Whether the group has given us nothing since we were lost, so that it is ourselves who may have fenced us.
    ///
    /// A client whose session ran out gives up its member id. It goes on to send heartbeats without one, for as long as a
    /// revocation is not answered, and asks to join again where an answer was lost; a broker takes each for a second
    /// holder of the name, and refuses the one before it.
    ///
    /// Who has an id and a standing may still be its own rival: a request to join that a broker which stood still had not
    /// read yet is taken in after the one that was answered. Brokers do not tell whose it was, so a member joins anew
    /// some times: each of its own rivals asks once, while another process asks as often as it is fenced (each fences
    /// the other, and the one that was there first has been fenced once too often first, so it ends).
    fn is_joining(&self) -> bool {
        let is_nameless = Standing::of(&self.handle).is_none_or(|standing| standing.member().is_empty());
        is_nameless || !self.ownership.has_standing()
    }

    /// Goes on with another client; all is lost.
    fn join_anew(&mut self) -> Result<()> {
        let (shared, topics) = (Arc::clone(&self.shared), self.topics.clone());
        let mut fresh = Self::connect(&shared, &self.group, &self.instance, &topics, self.isolation)?;
        self.ownership.lose_all(&self.handle, &mut self.feed);
        fresh.ownership.inherit(&mut self.ownership);
        std::mem::swap(self, &mut fresh);
        Ok(())
    }

    fn out_of_range(&mut self, partition: Partition, offset: i64) -> Error {
        match self.shared.ends_of(&partition) {
            Ok(ends) => out_of_range(&partition, offset, ends),
            Err(error) => {
                self.outside.push((partition, offset));
                error
            }
        }
    }
}

impl log::Member for Member {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event> {
        let until = Instant::now() + wait;
        loop {
            batch.clear();
            self.serve()?;
            if let Some(event) = self.ownership.told() {
                return Ok(event);
            }
            if let Some((partition, offset)) = self.outside.pop() {
                return Err(self.out_of_range(partition, offset));
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.feed.next(batch, left.min(SLICE)) {
                Some(Next::Event(event)) => {
                    self.said.well();
                    return Ok(event);
                }
                Some(Next::OutOfRange(partition, offset)) => {
                    return Err(self.out_of_range(partition, offset));
                }
                Some(Next::Failed(partition, failure)) => {
                    return Err(of_topic(&partition.topic, &failure, self.said.trouble().as_deref()));
                }
                None if left.is_zero() => return Ok(Event::Idle),
                None => {}
            }
        }
    }

    fn membership(&self) -> Option<Membership> {
        if !self.ownership.has_standing() || self.handle.is_assignment_lost() || self.handle.fatal().is_some()
        {
            return None;
        }
        let standing = Standing::of_use(&self.handle)?;
        Some(Membership {
            group: self.group.clone(),
            member: standing.member(),
            generation: standing.generation(),
            native: standing.write().ok()?,
        })
    }

    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<Committed>>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = List::of(partitions);
        let what = format!("offsets of group {}", self.group);
        let offsets = self.stable.as_ref().map_or(&self.handle, |(_, stable)| stable);
        let told = offsets.committed(&mut list, self.shared.settings.answer_within);
        if offsets.has_met_old_broker() {
            let reason = "a broker cannot tell which of them are decided (OffsetFetch of version 7)";
            return Err(Error::Fatal(format!("{what}: {reason}: {NEWER}")));
        }
        told.map_err(|failure| refusal(&what, &failure, self.said.trouble().as_deref()))?;
        let committed = |entry: Entry| -> Result<Option<Committed>> {
            if entry.code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Err(of_topic(&entry.topic, &Failure::of(entry.code), None));
            }
            if entry.offset == NO_OFFSET {
                return Ok(None);
            }
            let metadata = entry.metadata.ok_or_else(|| {
                Error::Fatal(format!(
                    "{what}: the metadata of {}/{} is no text",
                    entry.topic, entry.partition
                ))
            })?;
            Ok(Some(Committed { offset: entry.offset, metadata }))
        };
        let told = list.entries().into_iter().map(committed).collect::<Result<Vec<_>>>()?;
        if told.len() == partitions.len() {
            Ok(told)
        } else {
            Err(Error::Busy(format!("{what}: the answer is incomplete")))
        }
    }

    fn start(&mut self, partition: &Partition, offset: i64) -> Result<()> {
        if !self.feed.has(partition) || self.ownership.is_revoked(partition) {
            return Err(Error::Refused(format!("{partition} is not ours in group {}", self.group)));
        }
        // Asked here, because a partition that turns out to be out of range is ended by the client.
        self.shared.check_range(partition, offset)?;
        self.outside.retain(|(outside, _)| outside != partition);
        self.feed.start(partition, offset);
        Ok(())
    }

    fn pause(&mut self, partition: &Partition) {
        self.feed.pause(partition);
    }

    fn release(&mut self, partitions: &[Partition]) {
        self.ownership.release(partitions, &self.handle, &mut self.feed);
    }

    /// A fixed instance keeps its place for the time of its session: the broker gives its partitions to others after
    /// that, unless it comes back before.
    fn leave(self) {}
}

impl Drop for Member {
    fn drop(&mut self) {
        if !closing::close(&self.handle, &self.rebalances, self.ownership.take_leaving()) {
            tracing::warn!(
                group = self.group,
                instance = self.instance,
                "a consumer did not close, and is left as it is"
            );
            std::mem::forget(Arc::clone(&self.handle));
        }
    }
}
