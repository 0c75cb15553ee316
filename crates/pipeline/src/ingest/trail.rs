//! Where source partitions were left, by what they left behind: for those whose committed offsets are gone.
//!
//! Whatever ingest takes in stands in the journal or in the dead letters, or is counted there as skipped, and is
//! committed with an offset. So a partition without an offset that has left a trail has lost it. To begin with its
//! first record again would double all: this is refused, and a rebuild finds the place where the trail ends.

use super::feed::Feed;
use super::trace::Trace;
use crate::failure::{ANEW, Failure, later};
use crate::settings::Rebuild;
use crate::topic;
use engine::entry::Entry;
use log::{Batch, Event, Isolation, Log, Partition, Reader};
use model::plan::Plan;
use model::source::Source;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wire::dead_letter;
use wire::frame::FrameBuffer;

/// How many polls one step takes at most.
const POLLS: usize = 16;

/// The way out where the offset does not do.
pub(super) const REBUILD: &str =
    "start once with `vitals run --rebuild`, which finds in the journal how far it was taken in";

/// A partition that is read to an end.
#[derive(Debug)]
struct Lane<R> {
    partition: Partition,
    first: i64,
    end: i64,
    /// Opened when it is this partition's turn.
    reader: Option<R>,
}

/// The trails of all source partitions, as far as they are read.
#[derive(Debug)]
pub(super) struct Trail<L: Log> {
    log: L,
    /// What is still to be read, the next one last.
    lanes: Vec<Lane<L::Reader>>,
    traces: BTreeMap<(Source, u32), Trace>,
    /// Partitions of which not all is there any more.
    cut: Vec<Partition>,
    /// Partitions whose topics are read too, since they are to go on.
    mends: Vec<Partition>,
    frame: FrameBuffer,
    batch: Batch,
}

fn of(partition: &Partition) -> Option<(Source, u32)> {
    Some((topic::source_of(&partition.topic)?, partition.number))
}

impl<L: Log> Trail<L> {
    /// Begins, after the log has said for certain that `lost` have no offsets.
    pub(super) fn open(log: &L, lost: &[Partition], rebuild: Rebuild) -> Result<Option<Self>, Failure> {
        let mends = if rebuild == Rebuild::Yes { lost.to_vec() } else { Vec::new() };
        let mut trail = Self {
            log: log.clone(),
            lanes: Vec::new(),
            traces: BTreeMap::new(),
            cut: Vec::new(),
            mends,
            frame: FrameBuffer::default(),
            batch: Batch::default(),
        };
        // The journal is read first: which letters are the last in a row is a matter of the activities.
        let added = trail.add(&[topic::DEAD_LETTER.into(), topic::JOURNAL.into()], |_| true)?;
        Ok(added.map(|()| trail))
    }

    /// Adds those partitions of topics that are wanted.
    fn add(
        &mut self,
        topics: &[Arc<str>],
        wants: impl Fn(&Partition) -> bool,
    ) -> Result<Option<()>, Failure> {
        let Some(round) = later(self.log.ends(topics))? else { return Ok(None) };
        let (mut lanes, mut cut) = (Vec::new(), Vec::new());
        for (topic, ends) in topics.iter().zip(&round.topics) {
            for (number, ends) in (0..).zip(ends) {
                let partition = Partition::new(Arc::clone(topic), number);
                if !wants(&partition) {
                    continue;
                }
                if ends.first > 0 {
                    cut.push(partition.clone());
                }
                lanes.push(Lane { partition, first: ends.first, end: ends.end, reader: None });
            }
        }
        self.lanes.extend(lanes);
        self.cut.extend(cut);
        Ok(Some(()))
    }

    /// Reads on. Returns whether all is read.
    pub(super) fn step(&mut self) -> Result<bool, Failure> {
        for _ in 0..POLLS {
            let Some(lane) = self.lanes.last_mut() else {
                if self.mends.is_empty() {
                    return Ok(true);
                }
                let mends = self.mends.clone();
                let topics: Vec<Arc<str>> = Source::ALL.map(topic::of_source).to_vec();
                if self.add(&topics, |partition| mends.contains(partition))?.is_none() {
                    return Ok(false);
                }
                self.mends.clear();
                continue;
            };
            // One at a time: a reader may be a connection with buffers of its own.
            if lane.reader.is_none() {
                lane.reader = later(self.log.read(&lane.partition, lane.first, Isolation::Committed))?;
            }
            let Some(reader) = &mut lane.reader else { return Ok(false) };
            match later(reader.poll(&mut self.batch, Duration::ZERO))? {
                Some(Event::Records) => {
                    if !self.take()? {
                        self.lanes.pop();
                    }
                }
                Some(Event::End { offset, .. }) if offset >= lane.end => drop(self.lanes.pop()),
                Some(
                    Event::End { .. } | Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_),
                )
                | None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Takes in a batch. Returns whether there is more to know of its partition.
    fn take(&mut self) -> Result<bool, Failure> {
        let Some(lane) = self.lanes.last() else { return Ok(false) };
        let partition = &lane.partition;
        for record in self.batch.records() {
            if let Some(of) = of(partition) {
                if !self.traces.entry(of).or_default().record(record.offset, record.value.is_none()) {
                    return Ok(false);
                }
            } else if *partition.topic == *topic::DEAD_LETTER {
                // What is none of ours tells nothing.
                let letter = dead_letter::decode(record.headers(), record.key, record.value);
                if let Ok(letter) = letter
                    && let Some(source) = topic::source_of(letter.topic)
                {
                    self.traces.entry((source, letter.partition)).or_default().letter(letter.offset);
                }
            } else {
                let unreadable = |error| {
                    let reason = format!("the record at offset {} cannot be read: {error}", record.offset);
                    Failure::refused(partition, reason, "run the version of vitals that wrote it")
                };
                self.frame.load(record.value.unwrap_or_default()).map_err(unreadable)?;
                for entry in self.frame.reader() {
                    match entry.map_err(unreadable)? {
                        Entry::Activity(activity) => {
                            let trace = self.traces.entry((activity.source, activity.partition)).or_default();
                            trace.activity(partition.number, activity.offset, activity.time.0);
                        }
                        Entry::Watermarks(told) => {
                            for mark in &told.sources {
                                for part in &mark.partitions {
                                    let trace = self.traces.entry((mark.source, part.partition)).or_default();
                                    trace.mark(partition.number, part);
                                }
                            }
                        }
                        Entry::Model(_) | Entry::FoldVersion(_) => {}
                    }
                }
            }
        }
        Ok(true)
    }

    /// How a partition without an offset goes on, once all is read: from the place where its trail ends, or `None`
    /// if it has left none, and so begins.
    ///
    /// # Errors
    /// [`Failure::Refused`]: its offset is lost, and this is no rebuild or the place cannot be found.
    pub(super) fn end(
        &self,
        partition: &Partition,
        plan: &Plan,
        rebuild: Rebuild,
    ) -> Result<Option<Feed>, Failure> {
        let Some((source, number)) = of(partition) else { return Ok(None) };
        let Some(trace) = self.traces.get(&(source, number)).filter(|trace| trace.is_trail()) else {
            return Ok(None);
        };
        let reason = format!(
            "no offset is committed, though {} of its records were taken in, up to offset {}: offsets expired or the group was changed",
            trace.taken(),
            trace.next() - 1
        );
        if rebuild == Rebuild::No {
            return Err(Failure::refused(partition, reason, REBUILD));
        }
        let whole = |topic: &str| self.cut.iter().all(|cut| *cut.topic != *topic);
        if !trace.is_certain(whole(topic::JOURNAL), whole(topic::DEAD_LETTER)) {
            let reason = format!("{reason}; of what tells how far, records were deleted");
            return Err(Failure::refused(partition, reason, ANEW));
        }
        let feed = trace.feed(source, number, &plan.sources[source.index()], !self.cut.contains(partition));
        tracing::warn!(%partition, offset = feed.next, "no offset was committed; it goes on where the journal ends");
        Ok(Some(feed))
    }

    /// The refusal of a recorded run, whose merge cannot be taken up in its midst.
    pub(super) fn refuse(&self, partition: &Partition, plan: &Plan) -> Result<(), Failure> {
        match self.end(partition, plan, Rebuild::No) {
            Err(Failure::Refused { partition, reason, .. }) => {
                Err(Failure::Refused { partition, reason, remedy: ANEW.to_owned() })
            }
            other => other.map(drop),
        }
    }
}
