//! The content of the next transaction of ingest: frames by journal partition, dead letters.

use crate::topic;
use engine::activity::Activity;
use engine::entry::{Entry, Watermarks};
use log::{Appends, Partition, Record};
use std::sync::Arc;
use wire::dead_letter::{self, Rejected};
use wire::frame;
use wire::reason::Reason;

/// The greatest frame, in bytes.
const FRAME_BYTES: usize = 512 << 10;

/// What waits to be sent.
#[derive(Debug)]
pub(crate) struct Load {
    journal: Arc<str>,
    letters: Arc<str>,
    frames: Vec<frame::Writer>,
    appends: Appends,
    value: Vec<u8>,
    max_record_bytes: usize,
}

impl Load {
    pub(crate) fn new(partitions: u32, epoch: u32, max_record_bytes: usize) -> Self {
        Self {
            journal: topic::JOURNAL.into(),
            letters: topic::DEAD_LETTER.into(),
            frames: (0..partitions).map(|_| frame::Writer::new(epoch)).collect(),
            appends: Appends::default(),
            value: Vec::new(),
            max_record_bytes,
        }
    }

    /// How many partitions the journal has.
    pub(crate) fn partitions(&self) -> u32 {
        u32::try_from(self.frames.len()).unwrap_or(1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.frames.iter().all(frame::Writer::is_empty)
    }

    pub(crate) fn size(&self) -> usize {
        let open = |frame: &&frame::Writer| !frame.is_empty();
        self.appends.size() + self.frames.iter().filter(open).map(frame::Writer::len_bytes).sum::<usize>()
    }

    /// Adds an activity to the frame of its account.
    pub(crate) fn accept(&mut self, activity: &Activity<'_>) {
        let partition = wire::partition_of(activity.account, self.partitions());
        self.push(partition, &Entry::Activity(*activity));
    }

    /// Adds an advance of time to every frame.
    pub(crate) fn mark(&mut self, marks: &Watermarks) {
        let entry = Entry::Watermarks(marks.clone());
        for partition in (0..).take(self.frames.len()) {
            self.push(partition, &entry);
        }
    }

    /// Adds an advance of time before all that waits: wrong, and only there to be found so.
    #[doc(hidden)]
    pub(crate) fn mark_first(&mut self, marks: &Watermarks) {
        self.seal();
        let after = std::mem::take(&mut self.appends);
        self.mark(marks);
        self.seal();
        for record in after.records() {
            let text = |(name, value)| Some((std::str::from_utf8(name).ok()?, value));
            let headers = record.headers().filter_map(text);
            let headers: Vec<(&str, &[u8])> = headers.collect();
            self.appends.push(record.topic, record.partition, record.key, record.value, &headers);
        }
    }

    fn push(&mut self, partition: u32, entry: &Entry<'_>) {
        let place = partition as usize;
        if self.frames[place].len_bytes() >= FRAME_BYTES {
            self.finish(place);
        }
        if self.frames[place].push(entry).is_err() {
            self.finish(place);
            // An entry is far below the size of an empty frame.
            let fits = self.frames[place].push(entry);
            debug_assert!(fits.is_ok());
        }
    }

    fn finish(&mut self, place: usize) {
        self.frames[place].finish(&mut self.value);
        let partition = u32::try_from(place).unwrap_or(0);
        self.appends.push(&self.journal, partition, None, Some(&self.value), &[]);
    }

    /// Adds an empty frame: what the log's clock says of it is all that is wanted.
    pub(crate) fn probe(&mut self) {
        if self.is_empty() {
            self.finish(0);
        }
    }

    /// Adds the dead letter of a record.
    pub(crate) fn reject(&mut self, partition: &Partition, record: &Record<'_>, reason: &Reason) {
        let headers: Vec<_> = record.headers().collect();
        let rejected = Rejected {
            topic: &partition.topic,
            partition: partition.number,
            offset: record.offset,
            timestamp: record.stamp,
            key: record.key,
            value: record.value,
            headers: &headers,
            reason,
        };
        let letter = dead_letter::encode(&rejected, self.max_record_bytes);
        self.appends.push(&self.letters, 0, letter.key, letter.value, &letter.headers());
    }

    /// Everything as it will be sent.
    pub(crate) fn seal(&mut self) -> &Appends {
        for place in 0..self.frames.len() {
            if !self.frames[place].is_empty() {
                self.finish(place);
            }
        }
        &self.appends
    }

    pub(crate) fn clear(&mut self) {
        self.appends.clear();
        self.frames.iter_mut().for_each(frame::Writer::clear);
    }
}
