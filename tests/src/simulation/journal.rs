//! The journal as it stands, read by no worker: its entries in order, and how far time has come in it.

use engine::entry::{Entry, Watermarks};
use log::Partition;
use log::simulated::{Cluster, Stored};
use model::source::Source;
use pipeline::topic;
use std::collections::BTreeMap;
use wire::frame::FrameBuffer;

/// An activity in the journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// Its source.
    pub source: Source,
    /// The source partition and offset that it came from.
    pub partition: u32,
    /// The offset there.
    pub offset: i64,
    /// When it happened.
    pub time: i64,
    /// Whose it is.
    pub account: String,
}

/// An entry of the journal.
#[derive(Clone, Debug)]
pub enum Line {
    /// Something happened.
    Activity(Told),
    /// Time advanced.
    Watermarks(Watermarks),
    /// A model took effect.
    Model,
}

/// The frames of one journal partition that are committed.
#[must_use]
pub fn frames(cluster: &Cluster, number: u32) -> Vec<Stored> {
    cluster.committed_records(&Partition::new(topic::JOURNAL, number))
}

/// The entries of one journal partition.
///
/// # Errors
/// What cannot be read, in words.
pub fn lines(frames: &[Stored]) -> Result<Vec<Line>, String> {
    let (mut buffer, mut lines) = (FrameBuffer::default(), Vec::new());
    for frame in frames {
        let unreadable = |error| format!("the frame at offset {}: {error}", frame.offset);
        buffer.load(frame.value.as_deref().unwrap_or_default()).map_err(unreadable)?;
        let mut reader = buffer.reader();
        while let Some(entry) = reader.next_entry().map_err(unreadable)? {
            lines.push(match entry {
                Entry::Activity(activity) => Line::Activity(Told {
                    source: activity.source,
                    partition: activity.partition,
                    offset: activity.offset,
                    time: activity.time.0,
                    account: activity.account.to_owned(),
                }),
                Entry::Watermarks(marks) => Line::Watermarks(marks),
                Entry::Model(_) | Entry::FoldVersion(_) => Line::Model,
            });
        }
    }
    Ok(lines)
}

/// How far time has come, by the rules of the fold and written apart from it.
#[derive(Clone, Debug, Default)]
pub struct Time {
    marks: BTreeMap<Source, Vec<Option<i64>>>,
    reached: BTreeMap<Source, i64>,
}

impl Time {
    /// Takes in what an entry says.
    pub fn take(&mut self, told: &Watermarks) {
        for mark in &told.sources {
            let marks = self.marks.entry(mark.source).or_default();
            let count = marks.len().max(mark.partition_count as usize);
            marks.resize(count, None);
            for part in &mark.partitions {
                let known = &mut marks[part.partition as usize];
                *known = (*known).max(part.watermark.map(|at| at.0));
            }
            if let Some(least) = marks.iter().copied().min().flatten() {
                let reached = self.reached.entry(mark.source).or_insert(least);
                *reached = least.max(*reached);
            }
        }
    }

    /// T of a source.
    #[must_use]
    pub fn of(&self, source: Source) -> Option<i64> {
        self.reached.get(&source).copied()
    }
}
