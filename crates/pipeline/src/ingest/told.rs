//! What the journal was told last of source partitions.
//!
//! What ingest tells of a partition is committed with its offset, whose metadata says what was told. So an offset that
//! knows less than the journal is an older one that was brought back, by a backup or by a broker that had lost the
//! newest: to go on from there would double what came after it. Time is told about once a second of every partition
//! that is not stopped, and to all of the journal alike: the end of one journal partition tells. Of what was taken in
//! since, only what stands in that one is seen.

use crate::failure::{Failure, later};
use crate::metadata;
use crate::topic;
use engine::entry::{Entry, PartitionMark};
use log::{Batch, Committed, Event, Isolation, Log, Partition, Reader};
use model::source::Source;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::frame::FrameBuffer;

/// How many offsets are looked at: of ten workers, some seconds.
const LOOK: i64 = 1_024;

/// How many polls one step takes at most.
const POLLS: usize = 16;

/// The last marks, as far as they are read.
#[derive(Debug)]
pub(super) struct Told<L: Log> {
    reader: L::Reader,
    end: i64,
    is_read: bool,
    marks: BTreeMap<(Source, u32), PartitionMark>,
    /// The greatest offset of an activity that is seen.
    offsets: BTreeMap<(Source, u32), i64>,
    frame: FrameBuffer,
    batch: Batch,
}

impl<L: Log> Told<L> {
    /// Begins to read. `None` if the log is not ready.
    pub(super) fn open(log: &L) -> Result<Option<Self>, Failure> {
        let partition = Partition::new(topic::JOURNAL, 0);
        let Some(round) = later(log.ends(std::slice::from_ref(&partition.topic)))? else { return Ok(None) };
        let Some(ends) = round.topics.first().and_then(|ends| ends.first()) else { return Ok(None) };
        let from = ends.first.max(ends.end.saturating_sub(LOOK));
        let Some(reader) = later(log.read(&partition, from, Isolation::Committed))? else { return Ok(None) };
        Ok(Some(Self {
            reader,
            end: ends.end,
            is_read: false,
            marks: BTreeMap::new(),
            offsets: BTreeMap::new(),
            frame: FrameBuffer::default(),
            batch: Batch::default(),
        }))
    }

    /// Reads on. Returns whether all is read.
    pub(super) fn step(&mut self) -> Result<bool, Failure> {
        for _ in 0..POLLS {
            if self.is_read {
                break;
            }
            match later(self.reader.poll(&mut self.batch, Duration::ZERO))? {
                Some(Event::Records) => self.take(),
                Some(Event::End { offset, .. }) => self.is_read = offset >= self.end,
                Some(Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_)) | None => break,
            }
        }
        Ok(self.is_read)
    }

    fn take(&mut self) {
        for record in self.batch.records() {
            // What cannot be read is for the fold to refuse.
            if self.frame.load(record.value.unwrap_or_default()).is_err() {
                continue;
            }
            for entry in self.frame.reader().map_while(Result::ok) {
                match entry {
                    Entry::Activity(activity) => {
                        let of = (activity.source, activity.partition);
                        let known = self.offsets.entry(of).or_insert(activity.offset);
                        *known = activity.offset.max(*known);
                    }
                    Entry::Watermarks(told) => {
                        for mark in told.sources {
                            let parts = mark.partitions.into_iter();
                            self.marks.extend(parts.map(|part| ((mark.source, part.partition), part)));
                        }
                    }
                    Entry::Model(_) | Entry::FoldVersion(_) => {}
                }
            }
        }
    }

    /// Why an offset is an older one, if it is: the journal was told of more.
    pub(super) fn refusal(&self, partition: &Partition, committed: &Committed) -> Option<String> {
        let of = (topic::source_of(&partition.topic)?, partition.number);
        let kept = metadata::Source::read(&committed.metadata)?;
        let is_taken = self.offsets.get(&of).is_some_and(|offset| *offset >= committed.offset);
        let is_told = self.marks.get(&of).is_some_and(|mark| {
            mark.watermark.map(|at| at.0) > kept.told
                || mark.rejected > kept.rejected
                || mark.skipped > kept.skipped
                || mark.lost.offsets > kept.lost.offsets
        });
        (is_taken || is_told).then(|| {
            format!(
                "its committed offset {} is older than what the journal was told of it: offsets were brought back",
                committed.offset
            )
        })
    }
}
