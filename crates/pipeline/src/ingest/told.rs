//! What the journal was told last of source partitions.
//!
//! What ingest tells of a partition is committed with its offset, whose metadata says what was told. So an offset that
//! knows less than the journal is an older one that was brought back, by a backup or by a broker that had lost the
//! newest: to go on from there would double what came after it. Time is told about once a second of every partition
//! that is not stopped, and to all of the journal alike: one journal partition tells, from its end back to where each was
//! told last. Of what was taken in since, only what stands in that one is seen.

use crate::failure::{BRING_BACK, Failure, later};
use crate::metadata;
use crate::topic;
use engine::entry::{Entry, PartitionMark};
use log::{Batch, Committed, Event, Isolation, Log, Partition, Reader};
use model::source::Source;
use model::time::EventTime;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::frame::FrameBuffer;

/// How many offsets are looked at first: of a few workers, some seconds. Each look back is twice as long as all before.
const LOOK: i64 = 256;

/// How much of the journal is looked at most, in bytes of records and in offsets: of one busy worker, hours. What was not
/// told for longer is not known to have been.
const MOST_BYTES: usize = 256 << 20;
const MOST_OFFSETS: i64 = 1 << 19;

/// How many polls one step takes at most.
const POLLS: usize = 16;

/// The last marks, as far as they are read: from `from` on, once what is read now is read up to `until`.
#[derive(Debug)]
pub(super) struct Told<L: Log> {
    reader: L::Reader,
    first: i64,
    end: i64,
    from: i64,
    until: i64,
    is_read: bool,
    bytes: usize,
    marks: BTreeMap<(Source, u32), PartitionMark>,
    /// Those of what is read now, which is older than what was read before.
    found: BTreeMap<(Source, u32), PartitionMark>,
    /// The greatest offset of an activity that is seen.
    offsets: BTreeMap<(Source, u32), i64>,
    frame: FrameBuffer,
    batch: Batch,
}

impl<L: Log> Told<L> {
    /// Reads on, from the end of the journal at first. `None` until what is looked at is read.
    pub(super) fn read<'t>(told: &'t mut Option<Self>, log: &L) -> Result<Option<&'t mut Self>, Failure> {
        if told.is_none() {
            *told = Self::open(log)?;
        }
        let Some(told) = told else { return Ok(None) };
        Ok(if told.step()? { Some(told) } else { None })
    }

    /// Whether it is looked far enough back for what is committed of partitions; looks further back if not.
    pub(super) fn reaches(
        &mut self,
        log: &L,
        partitions: &[Partition],
        committed: &[Option<Committed>],
    ) -> Result<bool, Failure> {
        let is_seen = |(partition, committed): (&Partition, &Option<Committed>)| {
            committed.as_ref().is_none_or(|committed| self.is_seen(partition, committed))
        };
        if partitions.iter().zip(committed).all(is_seen) {
            return Ok(true);
        }
        self.look_back(log)?;
        Ok(false)
    }

    /// Begins to read. `None` if the log is not ready.
    fn open(log: &L) -> Result<Option<Self>, Failure> {
        let partition = Partition::new(topic::JOURNAL, 0);
        let Some(round) = later(log.ends(std::slice::from_ref(&partition.topic)))? else { return Ok(None) };
        let Some(ends) = round.topics.first().and_then(|ends| ends.first()) else { return Ok(None) };
        let from = ends.first.max(ends.end.saturating_sub(LOOK));
        let Some(reader) = later(log.read(&partition, from, Isolation::Committed))? else { return Ok(None) };
        Ok(Some(Self {
            reader,
            first: ends.first,
            end: ends.end,
            from,
            until: ends.end,
            is_read: false,
            bytes: 0,
            marks: BTreeMap::new(),
            found: BTreeMap::new(),
            offsets: BTreeMap::new(),
            frame: FrameBuffer::default(),
            batch: Batch::default(),
        }))
    }

    /// Whether the last mark is seen of a partition with such an offset, if there is one, or as much as is looked at.
    fn is_seen(&self, partition: &Partition, committed: &Committed) -> bool {
        let source = topic::source_of(&partition.topic);
        let kept = metadata::Source::read(&committed.metadata);
        let (Some(source), Some(_)) = (source, kept.and_then(|kept| kept.told)) else { return true };
        self.marks.contains_key(&(source, partition.number))
            || self.from <= self.first
            || self.bytes >= MOST_BYTES
            || self.end - self.from >= MOST_OFFSETS
    }

    /// Looks further back.
    fn look_back(&mut self, log: &L) -> Result<(), Failure> {
        let from = self.first.max(self.from - 2 * (self.end - self.from).max(LOOK));
        let read = log.read(&Partition::new(topic::JOURNAL, 0), from, Isolation::Committed);
        if let Some(reader) = later(read)? {
            (self.reader, self.until, self.from, self.is_read) = (reader, self.from, from, false);
        }
        Ok(())
    }

    /// Reads on. Returns whether all is read.
    fn step(&mut self) -> Result<bool, Failure> {
        for _ in 0..POLLS {
            if self.is_read {
                break;
            }
            match later(self.reader.poll(&mut self.batch, Duration::ZERO))? {
                Some(Event::Records) => self.take(),
                Some(Event::End { offset, .. }) => self.is_read = offset >= self.until,
                Some(Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_)) | None => break,
            }
        }
        if self.is_read {
            for (of, mark) in std::mem::take(&mut self.found) {
                self.marks.entry(of).or_insert(mark);
            }
        }
        Ok(self.is_read)
    }

    fn take(&mut self) {
        for record in self.batch.records() {
            if record.offset >= self.until {
                self.is_read = true;
                break;
            }
            self.bytes += record.size();
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
                            self.found.extend(parts.map(|part| ((mark.source, part.partition), part)));
                        }
                    }
                    Entry::Model(_) | Entry::FoldVersion(_) => {}
                }
            }
        }
    }

    /// The refusals of partitions whose offsets say that the journal was told more than stands in it. `None` if it is to be
    /// read anew before that is known: what is committed was asked for after it was read. `short` keeps which offsets
    /// these were.
    pub(super) fn judge(
        &self,
        short: &mut BTreeMap<Partition, Committed>,
        partitions: &[Partition],
        committed: &[Option<Committed>],
    ) -> Option<BTreeMap<Partition, Failure>> {
        let (mut refused, mut is_known) = (BTreeMap::new(), true);
        let before = std::mem::take(short);
        for (partition, committed) in partitions.iter().zip(committed) {
            let Some(committed) = committed else { continue };
            let known = before.get(partition).and_then(|before| self.shortfall(partition, before));
            let is_short = known.is_some() || self.shortfall(partition, committed).is_some();
            is_known &= known.is_some() || !is_short;
            if is_short {
                short.insert(partition.clone(), committed.clone());
            }
            refused.extend(known.map(|failure| (partition.clone(), failure)));
        }
        if is_known {
            short.clear();
        }
        is_known.then_some(refused)
    }

    /// The refusal of a partition whose offset says that the journal was told more than stands in it.
    fn shortfall(&self, partition: &Partition, committed: &Committed) -> Option<Failure> {
        let of = (topic::source_of(&partition.topic)?, partition.number);
        let told = metadata::Source::read(&committed.metadata)?.told?;
        // Where not all was read, that nothing was found says nothing.
        let is_whole = self.from <= self.first && self.first == 0;
        let is_short = match self.marks.get(&of) {
            Some(mark) => mark.watermark.is_none_or(|at| at.0 < told),
            None => is_whole,
        };
        is_short.then(|| {
            let reason = format!(
                "its committed offset {} says that the journal was told of it up to {}, which does not stand there: \
                 {} was truncated or made anew",
                committed.offset,
                EventTime(told),
                topic::JOURNAL
            );
            Failure::refused(partition, reason, BRING_BACK)
        })
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
