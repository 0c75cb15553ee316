//! What one source partition has left in the journal and in the dead letters, and how it goes on from there.

use super::feed::Feed;
use crate::metadata;
use engine::entry::{Lost, PartitionMark};
use model::plan::SourceRules;
use model::source::Source;
use std::collections::BTreeMap;

/// The traces of a source partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    /// Its activities in the journal, and the offset after the last of them.
    accepted: u64,
    after: i64,
    /// Its dead letters, those of them since its last activity, and the offset after the last.
    letters: u64,
    row: u64,
    after_letter: i64,
    /// Whether it was told of, and the watermark and the counts that were told last.
    was_told: bool,
    told: Option<i64>,
    rejected: u64,
    skipped: u64,
    /// What was accepted as lost: that too was passed.
    lost: Lost,
    /// By journal partition, times of activities since it was last told of there.
    untold: BTreeMap<u32, Vec<i64>>,
    /// How many records without a value stand before [`Trace::next`], and the offsets of those that follow it.
    empty: u64,
    trailing: Vec<i64>,
    /// Whether a record with a value follows: it was not taken in.
    ended: bool,
}

impl Trace {
    /// Takes note of an activity in a journal partition.
    pub(super) fn activity(&mut self, journal: u32, offset: i64, time: i64) {
        self.accepted += 1;
        self.after = self.after.max(offset + 1);
        self.untold.entry(journal).or_default().push(time);
    }

    /// Takes note of what a journal partition is told of it.
    pub(super) fn mark(&mut self, journal: u32, mark: &PartitionMark) {
        self.was_told = true;
        self.told = self.told.max(mark.watermark.map(|at| at.0));
        self.rejected = self.rejected.max(mark.rejected);
        self.skipped = self.skipped.max(mark.skipped);
        if mark.lost.offsets > self.lost.offsets {
            self.lost = mark.lost;
        }
        self.untold.remove(&journal);
    }

    /// Takes note of a dead letter, after all activities.
    pub(super) fn letter(&mut self, offset: i64) {
        self.letters += 1;
        self.row += u64::from(offset >= self.after);
        self.after_letter = self.after_letter.max(offset + 1);
    }

    /// Takes note of a record in its topic, after all letters. Returns whether there is more to know.
    pub(super) fn record(&mut self, offset: i64, is_empty: bool) -> bool {
        let next = self.next();
        match (offset < next, is_empty) {
            (true, empty) => self.empty += u64::from(empty),
            (false, true) => self.trailing.push(offset),
            (false, false) => self.ended = true,
        }
        !self.ended
    }

    /// Whether it has left anything but records in its own topic, which anybody writes.
    pub(super) const fn is_trail(&self) -> bool {
        self.accepted > 0 || self.letters > 0 || self.was_told
    }

    /// How many of its records certainly were taken in.
    pub(super) fn taken(&self) -> u64 {
        self.accepted + self.rejected.max(self.letters) + self.skipped
    }

    /// The offset after the last record that left a trace of its own, or that was accepted as lost.
    pub(super) fn next(&self) -> i64 {
        self.after.max(self.after_letter).max(self.lost.to)
    }

    /// Whether it is certain which record that is, where parts of the journal or of the letters were deleted.
    pub(super) const fn is_certain(&self, journal_whole: bool, letters_whole: bool) -> bool {
        (journal_whole || self.accepted > 0) && (letters_whole || self.letters > 0 || self.rejected == 0)
    }

    /// The partition as it goes on. `whole`: nothing of its topic was deleted.
    pub(super) fn feed(&self, source: Source, number: u32, rules: &SourceRules, whole: bool) -> Feed {
        // Of records without a value only the count is told. Those beyond it left no trace and are read again.
        let beyond = if whole { self.skipped.saturating_sub(self.empty) } else { 0 };
        let beyond = usize::try_from(beyond).unwrap_or(usize::MAX).min(self.trailing.len());
        let next = beyond.checked_sub(1).map_or_else(|| self.next(), |last| self.trailing[last] + 1);
        let skipped = if whole { self.empty + beyond as u64 } else { self.skipped };
        let rejected = self.rejected.max(self.letters);
        let kept = metadata::Source {
            told: self.told,
            // A recorded run is over: its merge cannot be taken up in its midst.
            tick: Some(i64::MAX),
            consumed: self.accepted + rejected + skipped,
            rejected,
            skipped,
            lost: self.lost,
            ..metadata::Source::default()
        };
        let mut feed = Feed::new(source, number, next, kept);
        self.untold.values().flatten().for_each(|time| feed.accept(next, *time, rules));
        feed.forget_newest();
        feed.kept.row = self.row;
        feed.touched = true;
        feed
    }
}
