//! What retention deletes of the source topics, read or not, and the order of a person that accepts what was not.

use super::crew::Body;
use super::deed::Deed;
use super::schedule::Run;
use super::world::SOURCES;
use log::Partition;
use log::simulated::{Cluster, Stored};
use model::time::SECOND;
use pipeline::topic;
use pipeline::variant::Variant;
use std::collections::BTreeMap;

/// The group of the ingest workers.
pub(super) const GROUP: &str = "vitals-ingest";

/// What is deleted of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing but what was read.
    Read,
    /// More than that.
    Unread,
}

/// What was deleted of the source topics.
#[derive(Debug, Default)]
pub struct Deletions {
    /// The committed records that were deleted.
    gone: BTreeMap<Partition, Vec<Stored>>,
    /// Of which partitions much is to be deleted, and when.
    planned: Vec<(Partition, i64)>,
    /// Of partitions that are behind: when the loss is accepted, and how often it was.
    orders: BTreeMap<Partition, (i64, u32)>,
}

impl Deletions {
    /// The committed records of a partition that were deleted.
    #[must_use]
    pub fn gone(&self, partition: &Partition) -> &[Stored] {
        self.gone.get(partition).map_or(&[], Vec::as_slice)
    }

    /// All committed records that a partition ever had.
    #[must_use]
    pub fn records(&self, cluster: &Cluster, partition: &Partition) -> Vec<Stored> {
        let mut records = self.gone(partition).to_vec();
        records.extend(cluster.committed_records(partition));
        records
    }

    /// Whether anything of a partition was deleted.
    pub(super) fn is_cut(&self, partition: &Partition) -> bool {
        self.gone.contains_key(partition)
    }

    fn delete(&mut self, cluster: &Cluster, partition: &Partition, offset: i64) -> usize {
        let gone = self.gone.entry(partition.clone()).or_default();
        let before = gone.len();
        gone.extend(
            cluster.committed_records(partition).into_iter().take_while(|record| record.offset < offset),
        );
        cluster.truncate_before(partition, offset);
        gone.len() - before
    }
}

/// Whether records of a source partition were deleted before they were read, and that is not accepted yet.
pub(super) fn is_behind(cluster: &Cluster, partition: &Partition) -> bool {
    let committed = cluster.committed_offset(GROUP, partition);
    committed.is_some_and(|committed| committed.offset < cluster.span(partition).0)
}

impl<V: Variant> Run<V> {
    /// Deletes records of some source partition: what was read at once, or what comes while it is stalled.
    pub(super) fn delete(&mut self) {
        let place = self.more.below(3);
        let number = self.more.below(self.producer.partitions()[place] as usize);
        let partition = Partition::new(topic::of_source(SOURCES[place]), u32::try_from(number).unwrap_or(0));
        let now = self.cluster.now();
        if self.more.chance(300) {
            self.delete_of(&partition, Part::Read);
        } else {
            let at = now + self.more.between(2, 40) * SECOND;
            self.cluster.stall(&partition, at + SECOND);
            self.deletions.planned.push((partition, at));
        }
    }

    fn delete_of(&mut self, partition: &Partition, part: Part) {
        // What never was read begins where its topic does: there is nothing to miss.
        let Some(committed) = self.cluster.committed_offset(GROUP, partition) else { return };
        let (first, end) = self.cluster.span(partition);
        let (least, most) = match part {
            Part::Read => (first + 1, committed.offset),
            Part::Unread => (committed.offset.max(first) + 1, end),
        };
        // Where its offset is not to be relied on, what was read is not known.
        if least > most || self.outage.as_ref().is_some_and(|outage| outage.concerns(partition)) {
            return;
        }
        let offset = self.more.between(least, most);
        self.trace.say(self.elapsed(), format_args!("{partition} is deleted up to {offset}: {part:?}"));
        if self.deletions.delete(&self.cluster, partition, offset) > 0 {
            match part {
                Part::Read => self.deeds.strike(Deed::ReadDeleted, true),
                Part::Unread => self.deeds.fire(Deed::UnreadDeleted),
            }
        }
    }

    /// Deletes what is to be deleted by now, and gives the orders that are due, until they are carried out.
    pub(super) fn accept_losses(&mut self) {
        let now = self.cluster.now();
        let due: Vec<Partition> = self
            .deletions
            .planned
            .extract_if(.., |(_, at)| *at <= now)
            .map(|(partition, _)| partition)
            .collect();
        for partition in due {
            self.delete_of(&partition, Part::Unread);
        }
        let cut: Vec<Partition> = self.deletions.gone.keys().cloned().collect();
        for partition in cut {
            if !is_behind(&self.cluster, &partition) {
                if let Some((_, given)) = self.deletions.orders.remove(&partition).filter(|order| order.1 > 0)
                {
                    self.deeds.change(Deed::UnreadDeleted);
                    if given > 1 {
                        self.deeds.strike(Deed::AcceptedAgain, true);
                    }
                }
                continue;
            }
            let wait = self.more.between(2, 60) * SECOND;
            let order = self.deletions.orders.entry(partition.clone()).or_insert((now + wait, 0));
            if order.0 > now {
                continue;
            }
            let Some(source) = topic::source_of(&partition.topic) else { continue };
            for worker in &mut self.workers {
                let Body::Ingest(ingest) = &mut worker.body else { continue };
                if let Some((from, to)) = ingest.skip(source, partition.number) {
                    order.1 += 1;
                    let at = now - self.began;
                    self.trace.say(at, format_args!("{partition}: {from} to {to} is accepted as lost"));
                }
            }
        }
    }

    /// From now on nothing is deleted, and whoever may accept a loss does so at once.
    pub(super) fn delete_no_more(&mut self) {
        self.deletions.planned.clear();
        for order in self.deletions.orders.values_mut() {
            order.0 = i64::MIN;
        }
    }
}
