//! What is fetched of some partitions, and where each stands.
//!
//! Positions are kept here. librdkafka's own are wrong after an end-of-partition event that came by the batch
//! call (confluentinc/librdkafka#5213): it takes the event for a record, and whatever goes on from its position
//! (resuming, the pause around an incremental assignment) skips one. So each partition is moved to its place here
//! by a seek, and what was fetched before is forgotten.

use crate::native::{Code, Failure, Handle, Intake, List, Taken, number};
use log::{Batch, Event, Partition};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a seek may take. It is answered by the client's own thread, not by a broker.
const SEEK: Duration = Duration::from_secs(1);

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// It delivers nothing.
    Paused,
    /// It is to deliver from this offset on, and the client has not been moved there yet.
    Due(i64),
    /// It delivers; this is next.
    Running(i64),
    /// It was out of range: the client has ended it, and refuses to move it.
    Ended,
    /// It has ended, and is to deliver from this offset on.
    Anew(i64),
}

/// What came.
#[derive(Debug)]
pub(crate) enum Next {
    /// Records are in the batch, or an end was reached.
    Event(Event),
    /// The position of this partition is outside of what the log holds; it is paused.
    OutOfRange(Partition, i64),
    /// Something is wrong with this partition; it goes on by itself, or not.
    Failed(Partition, Failure),
}

#[derive(Debug)]
pub(crate) struct Feed {
    // Messages go before their client.
    intake: Intake,
    flows: BTreeMap<Partition, Flow>,
    handle: Arc<Handle>,
}

impl Feed {
    pub(crate) fn new(handle: &Arc<Handle>) -> Self {
        Self { intake: Intake::new(handle), flows: BTreeMap::new(), handle: Arc::clone(handle) }
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.flows.keys()
    }

    pub(crate) fn has(&self, partition: &Partition) -> bool {
        self.flows.contains_key(partition)
    }

    /// Lets what is fetched of a partition arrive here. Before it is assigned for the first time: else it would
    /// arrive among the group's events.
    pub(crate) fn attach(&self, partition: &Partition) {
        self.handle.forward(&partition.topic, number(partition.number), self.intake.queue());
    }

    /// A partition that the client has begun to fetch from `offset`.
    pub(crate) fn insert_running(&mut self, partition: &Partition, offset: i64) {
        self.flows.insert(partition.clone(), Flow::Running(offset));
    }

    /// A partition that delivers nothing.
    pub(crate) fn insert_paused(&mut self, partition: &Partition) {
        self.flows.insert(partition.clone(), Flow::Paused);
        self.hold(partition);
    }

    pub(crate) fn remove(&mut self, partition: &Partition) {
        self.flows.remove(partition);
        self.intake.forget(&partition.topic, number(partition.number));
    }

    /// Lets a partition deliver from `offset` on.
    pub(crate) fn start(&mut self, partition: &Partition, offset: i64) {
        let ended = matches!(self.flows.get(partition), Some(Flow::Ended | Flow::Anew(_)));
        let flow = if ended { Flow::Anew(offset) } else { Flow::Due(offset) };
        self.flows.insert(partition.clone(), flow);
        self.intake.forget(&partition.topic, number(partition.number));
        self.move_due();
    }

    /// Lets a partition deliver nothing more.
    pub(crate) fn pause(&mut self, partition: &Partition) {
        if let Some(flow) = self.flows.get_mut(partition) {
            *flow = if matches!(flow, Flow::Ended | Flow::Anew(_)) { Flow::Ended } else { Flow::Paused };
            self.hold(partition);
        }
    }

    fn hold(&mut self, partition: &Partition) {
        self.intake.forget(&partition.topic, number(partition.number));
        let told = self.handle.pause(&mut List::of([partition]));
        if let Err(error) = told {
            tracing::debug!(%partition, %error, "a partition could not be paused; what it brings is dropped");
        }
    }

    /// A partition that has ended and is to go on: it must be unassigned and assigned from this offset on.
    pub(crate) fn take_anew(&mut self) -> Option<(Partition, i64)> {
        let (partition, offset) = self.flows.iter().find_map(|(partition, flow)| match flow {
            Flow::Anew(offset) => Some((partition.clone(), *offset)),
            Flow::Paused | Flow::Due(_) | Flow::Running(_) | Flow::Ended => None,
        })?;
        self.flows.insert(partition.clone(), Flow::Due(offset));
        Some((partition, offset))
    }

    /// The client may have lost its positions: each partition is moved to its place again.
    pub(crate) fn restore_positions(&mut self) {
        for (partition, flow) in &mut self.flows {
            if let Flow::Running(next) = *flow {
                *flow = Flow::Due(next);
                self.intake.forget(&partition.topic, number(partition.number));
            }
        }
        self.move_due();
    }

    /// Moves the client to where partitions are due. One that it has not begun to fetch stays due until the next
    /// call.
    fn move_due(&mut self) {
        let mut list = List::new(4);
        let mut some = false;
        for (partition, flow) in &self.flows {
            if let Flow::Due(offset) = flow {
                list.push(&partition.topic, number(partition.number), *offset, None);
                some = true;
            }
        }
        if !some {
            return;
        }
        // Resumed first: what is fetched from the place before the seek is not delivered.
        let told = self.handle.resume(&mut list).and_then(|()| {
            // The codes that resuming has left are not those of the seek.
            list.clear_codes();
            self.handle.seek(&mut list, SEEK)
        });
        if let Err(error) = told {
            tracing::debug!(%error, "positions could not be moved yet");
            return;
        }
        for entry in list.entries() {
            let Ok(number) = u32::try_from(entry.partition) else { continue };
            let partition = Partition::new(entry.topic, number);
            if entry.code == Code::RD_KAFKA_RESP_ERR_NO_ERROR
                && let Some(flow) = self.flows.get_mut(&partition)
                && let Flow::Due(offset) = *flow
            {
                *flow = Flow::Running(offset);
                // A client that ends a partition takes back its queue, and keeps what it fetches later in it. The
                // seek has shown that it fetches: any end is behind it.
                self.attach(&partition);
            }
        }
    }

    /// Takes what is next, waiting at most `wait` for it. `batch` is empty unless records came.
    pub(crate) fn next(&mut self, batch: &mut Batch, mut wait: Duration) -> Option<Next> {
        batch.clear();
        self.move_due();
        loop {
            let taken = self.intake.first(wait)?;
            // What is dropped below has used up the wait.
            wait = Duration::ZERO;
            let (topic, number) = match &taken {
                Taken::Record { topic, partition }
                | Taken::End { topic, partition, .. }
                | Taken::Failed { topic, partition, .. } => (topic.as_str(), *partition),
            };
            let Some((partition, flow)) = find(&mut self.flows, topic, number) else {
                self.intake.skip();
                continue;
            };
            let Flow::Running(next) = *flow else {
                self.intake.skip();
                continue;
            };
            match taken {
                Taken::Record { .. } => {
                    let Some(last) = self.intake.fill(batch, next) else { continue };
                    *flow = Flow::Running(last + 1);
                    batch.partition = Some(partition.clone());
                    return Some(Next::Event(Event::Records));
                }
                Taken::End { offset, .. } => {
                    self.intake.skip();
                    if offset < next {
                        continue;
                    }
                    *flow = Flow::Running(offset);
                    return Some(Next::Event(Event::End { partition: partition.clone(), offset }));
                }
                Taken::Failed { failure, .. } => {
                    self.intake.skip();
                    let partition = partition.clone();
                    if is_out_of_range(failure.code) {
                        // It is told once, and then the client is silent about this partition.
                        *flow = Flow::Ended;
                        return Some(Next::OutOfRange(partition, next));
                    }
                    return Some(Next::Failed(partition, failure));
                }
            }
        }
    }
}

fn find<'a>(
    flows: &'a mut BTreeMap<Partition, Flow>,
    topic: &str,
    number: i32,
) -> Option<(&'a Partition, &'a mut Flow)> {
    let number = u32::try_from(number).ok()?;
    // Few partitions, and no allocation for the key.
    flows.iter_mut().find(|(partition, _)| partition.number == number && &*partition.topic == topic)
}

fn is_out_of_range(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
            | Code::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE
            | Code::RD_KAFKA_RESP_ERR__LOG_TRUNCATION
    )
}
