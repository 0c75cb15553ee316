//! What comes is polled and taken in; a source of which too much is bad is stopped as a whole, and resumed.

use super::feed::{Beside, Sight};
use super::handover::{foreign, is_same};
use super::intake::Taken;
use super::{Feed, Ingest};
use crate::failure::{Failure, Progress};
use crate::refusal::Cure;
use crate::variant::Variant;
use log::{Batch, Event, Log, Member, Partition, Stamp};
use model::source::Source;
use std::time::Duration;

impl<L: Log, V: Variant> Ingest<L, V> {
    /// Polls and takes in what comes; what comes while all is held comes again.
    pub(super) fn poll(&mut self, wait: Duration) -> Result<Progress, Failure> {
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let mut batch = std::mem::take(&mut self.batch);
        let event = match self.delay.take(member.poll(&mut batch, wait)) {
            Ok(event) => event,
            Err(failure) => {
                self.batch = batch;
                return self.meet(failure);
            }
        };
        match event {
            None | Some(Event::Idle) => {
                self.batch = batch;
                return Ok(Progress::Idle);
            }
            // An end that is told now tells of records that come again.
            Some(Event::Records | Event::End { .. }) if self.held && !V::TAKES_IN_DOUBT => {}
            Some(Event::Records) => {
                if self.goes_on(batch.partition.as_ref(), |feed| feed.look_at(&batch))? {
                    self.take(&batch);
                }
            }
            Some(Event::End { partition, offset }) => {
                // Of one that rests the rest of a batch may have been left out before this.
                if self.goes_on(Some(&partition), |feed| feed.look_at_end(offset))?
                    && let Some(feed) = self.feeds.get_mut(&partition).filter(|feed| !feed.rests())
                {
                    feed.end = feed.end.max(offset);
                }
            }
            Some(Event::Assigned(partitions)) => {
                // What these have left may be younger than what was read.
                (self.told, self.trail) = (None, None);
                self.waiting.extend(partitions);
            }
            Some(Event::Revoked(partitions)) => self.revoke(partitions),
            Some(Event::Lost(partitions)) => self.lose(&partitions),
        }
        self.batch = batch;
        Ok(Progress::Worked)
    }

    fn take(&mut self, batch: &Batch) {
        let (Some(partition), Some(model), Some(load)) = (&batch.partition, &self.model, &mut self.load)
        else {
            return;
        };
        let Some(source) = self.feeds.get(partition).map(|feed| feed.source) else { return };
        let (now, mut beside) = (self.log.now(), Beside::default());
        let others = self.feeds.iter().filter(|(other, feed)| feed.source == source && *other != partition);
        others.for_each(|(_, feed)| feed.add_to(&mut beside, now));
        let Some(feed) = self.feeds.get_mut(partition) else { return };
        feed.beside = beside;
        let (mut stop, mut crowded) = (false, false);
        for record in batch.records() {
            if record.offset < feed.next || feed.kept.stopped {
                continue;
            }
            stop |= self.intake.take(partition, &record, &model.plan, feed, load, now) == Taken::Stop;
            // Whatever is in it, this the log says itself.
            if record.stamped_by == Stamp::Append {
                feed.appended(record.offset, record.stamp);
            }
            crowded = feed.is_crowded();
            if crowded {
                break;
            }
        }
        if beside.row > 0 && feed.beside.row == 0 {
            let others =
                self.feeds.iter_mut().filter(|(other, feed)| feed.source == source && *other != partition);
            others.for_each(|(_, feed)| feed.end_row());
        }
        if stop {
            self.stop_source(source);
        }
        if crowded {
            // The rest comes again once this is told.
            self.hold();
        }
    }

    /// Whether a partition goes on: by what is seen of its topic, while that may be another than the one that was read.
    fn goes_on(
        &mut self,
        partition: Option<&Partition>,
        look: impl FnOnce(&mut Feed) -> Sight,
    ) -> Result<bool, Failure> {
        let Some(partition) = partition else { return Ok(true) };
        let feed = self.feeds.get_mut(partition).filter(|feed| !feed.is_proved() && !feed.rests());
        let Some(feed) = feed else { return Ok(true) };
        let sight = look(feed);
        match is_same(&self.log, &partition.topic, feed, sight)? {
            Some(true) => {
                if feed.is_proved() {
                    self.refusals.forget(partition);
                }
                return Ok(true);
            }
            Some(false) => {
                let failure = foreign(partition, feed);
                self.refuse(partition, &failure);
            }
            // It is read again.
            None => self.hold(),
        }
        Ok(false)
    }

    /// Takes a partition for one that cannot be begun.
    fn refuse(&mut self, partition: &Partition, failure: &Failure) {
        let (reason, now) = (failure.to_string(), self.log.now());
        self.refusals.is_due(partition, &reason, Cure::Possible, now);
        self.feeds.remove(partition);
        self.refused.insert(partition.clone());
        if let Some(member) = &mut self.member {
            member.pause(partition);
        }
    }

    /// Refuses a partition whose records are gone; any other failure is the worker's.
    pub(super) fn meet(&mut self, failure: Failure) -> Result<Progress, Failure> {
        let Failure::Log(log::Error::OutOfRange { partition, offset, first, .. }) = &failure else {
            return Err(failure);
        };
        if offset >= first {
            return Err(failure);
        }
        // What was given up meanwhile is found where it is begun again.
        if let Some(feed) = self.feeds.get_mut(partition) {
            feed.meet(*first);
            if let (Some(first), Some(member)) = (feed.behind, &mut self.member) {
                tracing::error!(%partition, offset, first, "records were deleted before they were read; refused");
                member.pause(partition);
            } else {
                self.hold();
            }
        }
        Ok(Progress::Worked)
    }

    /// Accepts that what was deleted of a partition before it was read is lost: it goes on at the first offset there is.
    /// Returns from which offset to which nothing was read; `None` if this worker has no such partition, or it is not
    /// refused for this.
    pub fn skip(&mut self, source: Source, partition: u32) -> Option<(i64, i64)> {
        let of = |feed: &&mut Feed| feed.source == source && feed.number == partition;
        let feed = self.feeds.values_mut().find(of)?;
        let before = feed.kept.lost;
        let (from, to) = feed.skip()?;
        if V::LOSS_UNCOUNTED {
            feed.kept.lost = before;
        }
        tracing::warn!(%source, partition, from, to, "what was deleted before it was read is accepted as lost");
        // The next step starts what is held.
        self.hold();
        Some((from, to))
    }

    /// Stops a source: none of its partitions of this worker is consumed any more.
    fn stop_source(&mut self, source: Source) {
        for (partition, feed) in self.feeds.iter_mut().filter(|(_, feed)| feed.source == source) {
            (feed.kept.stopped, feed.touched) = (true, true);
            if let Some(member) = &mut self.member {
                member.pause(partition);
            }
        }
    }

    /// Ends the stop of a source: its partitions of this worker are consumed again.
    ///
    /// # Errors
    /// [`Failure`] if the log fails.
    pub fn resume(&mut self, source: Source) -> Result<usize, Failure> {
        let stopped = self.feeds.values_mut().filter(|feed| feed.source == source && feed.kept.stopped);
        let resumed = stopped.map(Feed::resume).count();
        if resumed > 0 {
            // The next step starts what is held.
            self.hold();
        }
        Ok(resumed)
    }
}
