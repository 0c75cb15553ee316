//! The text committed with each offset: ASCII, words apart by a space, the first the format.
//!
//! What a worker has taken in but not yet told, and cannot find again by reading on, stands here, so that a crash
//! loses none of it.

use crate::commit::Stamp;
use engine::bytes::FAR;
use engine::entry::{Lost, Position, Run};
use engine::fingerprint;
use log::Record;
use model::time::EventTime;
use std::fmt::Write;

/// What stands with the offset of a source partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) stamp: Stamp,
    /// The greatest time of an accepted activity, less the max skew by which it was accepted: at least so late was it
    /// appended, whatever rules came since. Where the log itself stamps records, the greatest stamp of any.
    pub(crate) newest: Option<i64>,
    /// The watermark told last.
    pub(crate) told: Option<i64>,
    /// The last quarter of an hour of the merge that was told, in recorded time; [`i64::MAX`] once all is.
    pub(crate) tick: Option<i64>,
    /// The end of the partition at which a recorded run began, until that has ended.
    pub(crate) end: Option<i64>,
    /// Records consumed: offsets have gaps, so they do not tell.
    pub(crate) consumed: u64,
    pub(crate) rejected: u64,
    pub(crate) skipped: u64,
    /// Records rejected in a row.
    pub(crate) row: u64,
    pub(crate) stopped: bool,
    /// The record that was read last. What stands at its offset later must be the same: a topic that was made anew, or
    /// cut off, may have grown beyond it again.
    pub(crate) last: Option<Last>,
    /// What was deleted before it was read, and accepted as lost.
    pub(crate) lost: Lost,
    /// Runs not told yet.
    pub(crate) runs: Vec<Run>,
}

/// A source record, as far as it must be known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) offset: i64,
    /// [`Last::of`].
    print: u64,
}

impl Last {
    /// The fingerprint of its value, or of its key where it has none.
    pub(crate) fn of(record: &Record<'_>) -> Self {
        let content = record.value.or(record.key).unwrap_or_default();
        Self { offset: record.offset, print: fingerprint::of(content) }
    }
}

/// What stands with the offset of a journal partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) stamp: Stamp,
    pub(crate) position: Position,
    /// The checksum of the frame at that position, as [`Source::last`].
    pub(crate) frame: u32,
}

/// The way out where an offset is not ours.
pub(crate) const DELETE: &str = "delete the group's offsets, then start once with `vitals run --rebuild`, which finds what was done in the log itself";

/// What is wrong with an offset that is not ours.
pub(crate) fn foreign(text: &str) -> String {
    format!("its committed offset has metadata of another program: {text:?}")
}

/// A time, in digits.
fn time(word: &str) -> Option<i64> {
    word.parse().ok().filter(|time| (-FAR..=FAR).contains(time))
}

/// A number that is counted on, in digits: of its range, half is left.
fn counter(word: &str) -> Option<u64> {
    word.parse().ok().filter(|count| *count <= u64::MAX / 2)
}

/// The stamp that the next two words are.
fn stamp<'w>(words: &mut impl Iterator<Item = &'w str>) -> Option<Stamp> {
    Some(Stamp { incarnation: time(words.next()?)?, sequence: counter(words.next()?)? })
}

const SOURCE: &str = "i1";
/// Before what was lost; not there where nothing was.
const LOST: &str = "lost:";
/// Before the end of a recorded run; not there where none is under way.
const END: &str = "end:";
const JOURNAL: &str = "s1";

impl Source {
    pub(crate) fn write(&self) -> String {
        let opt = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let mut text = format!(
            "{SOURCE} {} {} {} {} {} {} {} {} {} {} {}",
            self.stamp.incarnation,
            self.stamp.sequence,
            opt(self.newest),
            opt(self.told),
            opt(self.tick),
            self.consumed,
            self.rejected,
            self.skipped,
            self.row,
            u8::from(self.stopped),
            self.last.map_or_else(|| "-".to_owned(), |last| format!("{}:{:x}", last.offset, last.print)),
        );
        // Writing to a string cannot fail.
        if self.lost != Lost::default() {
            write!(text, " {LOST}{}:{}", self.lost.offsets, self.lost.to).unwrap_or_default();
        }
        if let Some(end) = self.end {
            write!(text, " {END}{end}").unwrap_or_default();
        }
        for run in &self.runs {
            write!(text, " {}:{}", run.first.0, run.last.0).unwrap_or_default();
        }
        text
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != SOURCE {
            return None;
        }
        let stamp = stamp(&mut words)?;
        let mut next = || words.next();
        let opt = |word: &str, read: fn(&str) -> Option<i64>| {
            if word == "-" { Some(None) } else { read(word).map(Some) }
        };
        let (newest, told) = (opt(next()?, time)?, opt(next()?, time)?);
        let tick = opt(next()?, |word| word.parse().ok())?;
        let mut count = || counter(next()?);
        let (consumed, rejected, skipped, row) = (count()?, count()?, count()?, count()?);
        let stopped = match next()? {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        let last = match next()? {
            "-" => None,
            word => {
                let (offset, print) = word.split_once(':')?;
                let offset = offset.parse().ok().filter(|offset| *offset >= 0)?;
                Some(Last { offset, print: u64::from_str_radix(print, 16).ok()? })
            }
        };
        let run = |word: &str| {
            let (first, last) = word.split_once(':')?;
            let run = Run { first: EventTime(time(first)?), last: EventTime(time(last)?) };
            Some(run).filter(|run| run.first <= run.last)
        };
        let mut words = words.peekable();
        let mut lost = Lost::default();
        if let Some(word) = words.peek().and_then(|word| word.strip_prefix(LOST)) {
            let (offsets, to) = word.split_once(':')?;
            lost = Lost { offsets: counter(offsets)?, to: to.parse().ok()? };
            words.next();
        }
        let mut end = None;
        if let Some(word) = words.peek().and_then(|word| word.strip_prefix(END)) {
            end = Some(word.parse().ok().filter(|end| *end >= 0)?);
            words.next();
        }
        let runs = words.map(run).collect::<Option<_>>()?;
        Some(Self {
            stamp,
            newest,
            told,
            tick,
            end,
            consumed,
            rejected,
            skipped,
            row,
            stopped,
            last,
            lost,
            runs,
        })
    }

    pub(crate) fn stamp(text: &str) -> Option<Stamp> {
        Self::read(text).map(|source| source.stamp)
    }
}

impl Journal {
    pub(crate) fn write(&self) -> String {
        let Self { stamp, position, frame } = self;
        let Position { offset, entry, minute } = position;
        let minute = if *minute == Position::DONE { "done".to_owned() } else { minute.to_string() };
        format!("{JOURNAL} {} {} {offset} {entry} {minute} {frame:x}", stamp.incarnation, stamp.sequence)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != JOURNAL {
            return None;
        }
        let stamp = stamp(&mut words)?;
        let mut next = || words.next();
        let (offset, entry) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let minute = match next()? {
            "done" => Position::DONE,
            minute => minute.parse().ok()?,
        };
        let frame = u32::from_str_radix(next()?, 16).ok()?;
        if offset < Position::START.offset || words.next().is_some() {
            return None;
        }
        Some(Self { stamp, position: Position { offset, entry, minute }, frame })
    }

    pub(crate) fn stamp(text: &str) -> Option<Stamp> {
        Self::read(text).map(|journal| journal.stamp)
    }
}

#[cfg(test)]
mod tests;
