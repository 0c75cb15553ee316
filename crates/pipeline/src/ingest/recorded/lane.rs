//! The lanes of a merge: where each source partition was left and where it ends, and what was read ahead of it.

use super::super::Feed;
use super::super::feed::Sight;
use super::super::handover::{begin, foreign, is_same};
use super::super::told::Told;
use super::super::trail::Trail;
use super::Recorded;
use crate::failure::{ANEW, Failure, later};
use crate::metadata;
use crate::settings::Rebuild;
use crate::variant::Variant;
use log::{Batch, Committed, Event, Log, Member, Partition};
use std::collections::VecDeque;
use std::time::Duration;

/// How many bytes of a partition are read ahead at most.
const AHEAD: usize = 4 << 20;

/// One source partition of the merge.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) partition: Partition,
    pub(super) feed: Feed,
    /// The offset at which it is exhausted.
    pub(super) end: i64,
    pub(super) batches: VecDeque<Batch>,
    /// Next record of the first batch.
    pub(super) cursor: usize,
    /// Where reading goes on after what is held.
    pub(super) read_to: i64,
    pub(super) paused: bool,
    pub(super) exhausted: bool,
    /// Whether its head stands in the heap.
    pub(super) queued: bool,
}

impl Lane {
    /// The offset at which reading goes on.
    pub(super) fn start(&self) -> i64 {
        if self.feed.is_proved() { self.read_to } else { self.feed.start() }
    }
}

impl<L: Log, V: Variant> Recorded<L, V> {
    /// Finds the ends, and where each partition was left, once all are assigned.
    pub(super) fn open_lanes(&mut self) -> Result<bool, Failure> {
        let Some(member) = &mut self.member else { return Ok(false) };
        let Some(round) = later(self.log.ends(&self.topics))? else { return Ok(false) };
        let all: usize = round.topics.iter().map(Vec::len).sum();
        if self.assigned.len() < all {
            self.reason = Some(format!(
                "it has {} of {all} source partitions, and needs all: the others are held by another process, or by one \
                 that is gone until its session ends; end all other processes",
                self.assigned.len()
            ));
            return Ok(false);
        }
        self.reason = None;
        self.assigned.sort();
        self.assigned.dedup();
        let Some(told) = Told::read(&mut self.told, &self.log)? else { return Ok(false) };
        // Asked for once the journal is read, they know at least as much.
        let Some(committed) = later(member.committed(&self.assigned))? else { return Ok(false) };
        if !told.reaches(&self.log, &self.assigned, &committed)? {
            return Ok(false);
        }
        match told.judge(&mut self.short, &self.assigned, &committed) {
            Some(short) => {
                if let Some((_, failure)) = short.into_iter().next() {
                    return Err(failure);
                }
            }
            // Some of it may have been told since the journal was read.
            None => {
                self.told = None;
                return Ok(false);
            }
        }
        if committed.iter().any(Option::is_none) && !self.leaves_nothing(&committed)? {
            return Ok(false);
        }
        let Some(member) = &mut self.member else { return Ok(false) };
        let (mut lanes, mut total): (Vec<Lane>, u64) = (Vec::new(), 0);
        let ended = |committed: &Committed| {
            metadata::Source::read(&committed.metadata).is_some_and(|kept| kept.end.is_some())
        };
        // A partition that has come since the run began is not of it.
        let goes_on = committed.iter().flatten().any(ended);
        for (partition, committed) in self.assigned.iter().zip(committed) {
            let place = self.topics.iter().position(|topic| *topic == partition.topic);
            let ends = place.and_then(|place| round.topics[place].get(partition.number as usize));
            let Some(ends) = ends.copied() else { continue };
            let older = self.told.as_ref().zip(committed.as_ref());
            let older = older.and_then(|(told, committed)| told.refusal(partition, committed));
            let Some(mut feed) = begin(partition, committed, ends, ANEW)? else { continue };
            feed.meet(ends.first);
            if let Some(reason) = older {
                return Err(Failure::refused(partition, reason, ANEW));
            }
            let (next, kept) = (feed.next, &feed.kept);
            self.committer.pass(kept.stamp);
            self.tick = self.tick.max(kept.tick);
            self.done |= kept.tick == Some(i64::MAX);
            // A merge cannot leave out what is gone: its order would be another.
            if feed.behind.is_some() {
                let (partition, offset) = (partition.clone(), next);
                return Err(
                    log::Error::OutOfRange { partition, offset, first: ends.first, end: ends.end }.into()
                );
            }
            if goes_on && feed.kept.end.is_none() {
                continue;
            }
            // What came since the run began is not of it, after a crash neither.
            let end = feed.kept.end.unwrap_or(ends.end);
            if end > ends.end {
                let reason = format!(
                    "the recorded run began with an end of {end}, and the topic ends at {} now: it was truncated",
                    ends.end
                );
                return Err(Failure::refused(partition, reason, ANEW));
            }
            let exhausted = next >= end && feed.is_proved();
            if !exhausted && later(member.start(partition, feed.start()))?.is_none() {
                return Ok(false);
            }
            total += end.saturating_sub(next).max(0).unsigned_abs();
            lanes.push(Lane {
                partition: partition.clone(),
                feed: feed.up_to(end),
                end,
                batches: VecDeque::new(),
                cursor: 0,
                read_to: next,
                paused: exhausted,
                exhausted,
                queued: false,
            });
        }
        if self.done {
            // The last entry of an earlier run was told; what was appended since is for a live run.
            return Ok(false);
        }
        if !goes_on && total > 0 {
            // It begins, and its first transaction says so of every partition.
            for lane in &mut lanes {
                (lane.feed.kept.end, lane.feed.touched) = (Some(lane.end), true);
            }
        }
        (self.lanes, self.total) = (lanes, total);
        self.told = None;
        Ok(true)
    }

    /// Makes sure that partitions without an offset never had one. Returns whether that is known.
    fn leaves_nothing(&mut self, committed: &[Option<Committed>]) -> Result<bool, Failure> {
        let Some(model) = &self.model else { return Ok(false) };
        let new = self.assigned.iter().zip(committed).filter(|(_, committed)| committed.is_none());
        let new: Vec<Partition> = new.map(|(partition, _)| partition.clone()).collect();
        if self.trail.is_none() {
            self.trail = Trail::open(&self.log, &new, Rebuild::No)?;
        }
        let Some(trail) = &mut self.trail else { return Ok(false) };
        if !trail.step()? {
            return Ok(false);
        }
        new.iter().try_for_each(|partition| trail.refuse(partition, &model.plan))?;
        Ok(true)
    }

    /// Polls, and keeps what comes for its lane. Returns whether anything came.
    pub(super) fn poll(&mut self) -> Result<bool, Failure> {
        let Some(member) = &mut self.member else { return Ok(false) };
        let starving = self.lanes.iter().any(|lane| !lane.exhausted && lane.batches.is_empty());
        let wait = if starving || self.lanes.is_empty() { self.settings.wait } else { Duration::ZERO };
        let mut batch = self.spare.pop().unwrap_or_default();
        match later(member.poll(&mut batch, wait))? {
            None | Some(Event::Idle) => {
                self.spare.push(batch);
                return Ok(false);
            }
            Some(Event::Records) => {
                let lane =
                    self.lanes.iter_mut().find(|lane| Some(&lane.partition) == batch.partition.as_ref());
                let Some(lane) = lane else { return Ok(true) };
                if !lane.exhausted {
                    let sight = lane.feed.look_at(&batch);
                    if !goes_on(&self.log, member, lane, sight)? {
                        return Ok(true);
                    }
                }
                let last = batch.records().last().map_or(0, |record| record.offset);
                if lane.exhausted || last < lane.read_to {
                    lane.exhausted |= lane.read_to >= lane.end;
                    return Ok(true);
                }
                // What was read before is delivered again, at the beginning, to be compared.
                if lane.batches.is_empty() {
                    lane.cursor = batch.records().take_while(|record| record.offset < lane.read_to).count();
                }
                lane.read_to = last + 1;
                lane.exhausted = lane.read_to >= lane.end;
                lane.batches.push_back(batch);
                let held: usize = lane.batches.iter().map(Batch::size).sum();
                if lane.exhausted || held > AHEAD {
                    member.pause(&lane.partition);
                    lane.paused = true;
                }
                return Ok(true);
            }
            Some(Event::End { partition, offset }) => {
                if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.partition == partition) {
                    let sight = lane.feed.look_at_end(offset);
                    if goes_on(&self.log, member, lane, sight)? {
                        lane.exhausted |= offset >= lane.end;
                    }
                }
            }
            Some(Event::Assigned(partitions)) => self.assigned.extend(partitions),
            Some(Event::Lost(_)) => {
                self.lost = true;
                // What comes after is assigned anew, perhaps before this run begins again.
                self.assigned.clear();
            }
            Some(Event::Revoked(partitions)) => {
                if let Some(partition) = partitions.first() {
                    let reason =
                        "another member took partitions of the group while a recorded run merges all of them";
                    return Err(Failure::refused(
                        partition,
                        reason,
                        "stop the other ingest process; a recorded run is one worker",
                    ));
                }
            }
        }
        self.spare.push(batch);
        Ok(true)
    }
}

/// Whether a lane goes on, by what was seen of its topic. If that is not known yet it is read again.
fn goes_on<L: Log>(log: &L, member: &mut L::Member, lane: &mut Lane, sight: Sight) -> Result<bool, Failure> {
    match is_same(log, &lane.partition.topic, &mut lane.feed, sight)? {
        Some(true) => Ok(true),
        Some(false) => Err(foreign(&lane.partition, &lane.feed)),
        None => {
            member.pause(&lane.partition);
            lane.paused = true;
            Ok(false)
        }
    }
}
