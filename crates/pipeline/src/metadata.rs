//! The text committed with each offset: ASCII, words apart by a space, the first the format.
//!
//! What a worker has taken in but not yet told, and cannot find again by reading on, stands here, so that a crash
//! loses none of it.

use crate::commit::Stamp;
use engine::entry::{Lost, Position, Run};
use model::time::EventTime;
use std::fmt::Write;

/// What stands with the offset of a source partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) stamp: Stamp,
    /// The greatest time of an accepted activity, less the max skew by which it was accepted: at least so late was it
    /// appended, whatever rules came since.
    pub(crate) newest: Option<i64>,
    /// The watermark told last.
    pub(crate) told: Option<i64>,
    /// The last quarter of an hour of the merge that was told, in recorded time; [`i64::MAX`] once all is.
    pub(crate) tick: Option<i64>,
    /// Records consumed: offsets have gaps, so they do not tell.
    pub(crate) consumed: u64,
    pub(crate) rejected: u64,
    pub(crate) skipped: u64,
    /// Records rejected in a row.
    pub(crate) row: u64,
    pub(crate) stopped: bool,
    /// What was deleted before it was read, and accepted as lost.
    pub(crate) lost: Lost,
    /// Runs not told yet.
    pub(crate) runs: Vec<Run>,
}

/// What stands with the offset of a journal partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) stamp: Stamp,
    pub(crate) position: Position,
}

/// The way out where an offset is not ours.
pub(crate) const DELETE: &str = "delete the group's offsets, then start once with `vitals run --rebuild`, which finds what was done in the log itself";

/// What is wrong with an offset that is not ours.
pub(crate) fn foreign(text: &str) -> String {
    format!("its committed offset has metadata of another program: {text:?}")
}

const SOURCE: &str = "i1";
/// Before what was lost; not there where nothing was.
const LOST: &str = "lost:";
const JOURNAL: &str = "s1";

impl Source {
    pub(crate) fn write(&self) -> String {
        let opt = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let mut text = format!(
            "{SOURCE} {} {} {} {} {} {} {} {} {} {}",
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
        );
        // Writing to a string cannot fail.
        if self.lost != Lost::default() {
            write!(text, " {LOST}{}:{}", self.lost.offsets, self.lost.to).unwrap_or_default();
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
        let mut next = || words.next();
        let stamp = Stamp { incarnation: next()?.parse().ok()?, sequence: next()?.parse().ok()? };
        let opt = |word: &str| if word == "-" { Some(None) } else { word.parse().ok().map(Some) };
        let (newest, told, tick) = (opt(next()?)?, opt(next()?)?, opt(next()?)?);
        let mut count = || next()?.parse().ok();
        let (consumed, rejected, skipped) = (count()?, count()?, count()?);
        let (row, stopped) = (next()?.parse().ok()?, next()? == "1");
        let run = |word: &str| {
            let (first, last) = word.split_once(':')?;
            Some(Run { first: EventTime(first.parse().ok()?), last: EventTime(last.parse().ok()?) })
        };
        let mut words = words.peekable();
        let mut lost = Lost::default();
        if let Some(word) = words.peek().and_then(|word| word.strip_prefix(LOST)) {
            let (offsets, to) = word.split_once(':')?;
            lost = Lost { offsets: offsets.parse().ok()?, to: to.parse().ok()? };
            words.next();
        }
        let runs = words.map(run).collect::<Option<_>>()?;
        Some(Self { stamp, newest, told, tick, consumed, rejected, skipped, row, stopped, lost, runs })
    }

    pub(crate) fn stamp(text: &str) -> Option<Stamp> {
        Self::read(text).map(|source| source.stamp)
    }
}

impl Journal {
    pub(crate) fn write(&self) -> String {
        let Self { stamp, position } = self;
        let Position { offset, entry, minute } = position;
        let minute = if *minute == Position::DONE { "done".to_owned() } else { minute.to_string() };
        format!("{JOURNAL} {} {} {offset} {entry} {minute}", stamp.incarnation, stamp.sequence)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != JOURNAL {
            return None;
        }
        let mut next = || words.next();
        let stamp = Stamp { incarnation: next()?.parse().ok()?, sequence: next()?.parse().ok()? };
        let (offset, entry) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let minute = match next()? {
            "done" => Position::DONE,
            minute => minute.parse().ok()?,
        };
        Some(Self { stamp, position: Position { offset, entry, minute } })
    }

    pub(crate) fn stamp(text: &str) -> Option<Stamp> {
        Self::read(text).map(|journal| journal.stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let run = Run { first: EventTime(-5), last: EventTime(7) };
        let source = Source {
            stamp: Stamp { incarnation: 17, sequence: 3 },
            newest: Some(-1),
            told: None,
            tick: Some(i64::MAX),
            consumed: 99,
            rejected: 4,
            skipped: 5,
            row: 6,
            stopped: true,
            lost: Lost::default(),
            runs: vec![run, run],
        };
        let lost = Source { lost: Lost { offsets: 6, to: 4_711 }, ..source.clone() };
        for source in [source, Source { runs: Vec::new(), ..lost.clone() }, lost] {
            assert_eq!(Source::read(&source.write()), Some(source));
        }
        for minute in [-3, Position::DONE] {
            let position = Position { offset: 9, entry: 2, minute };
            let journal = Journal { stamp: Stamp { incarnation: 1, sequence: 2 }, position };
            assert_eq!(Journal::read(&journal.write()), Some(journal));
        }
        assert_eq!(Source::read("i1 1 2"), None);
        assert_eq!(Journal::read(""), None);
    }
}
