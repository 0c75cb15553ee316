//! One source partition as ingest knows it: how far it is read, its watermark, what is not told yet.

use crate::commit::Stamp;
use crate::metadata::{self, Last};
use engine::entry::{Lost, PartitionMark, Run};
use log::{Batch, Partition, Record};
use model::plan::SourceRules;
use model::source::Source;
use model::time::{EventTime, MINUTE};
use std::collections::VecDeque;

/// Over how long the share of rejected records is taken, ms.
const SHARE_OVER: i64 = 5 * MINUTE;
/// The most runs that may wait to be told: what stands in an offset's metadata is bounded.
const MAX_RUNS: usize = 48;
/// By how much event time a watermark may move before it is told, ms.
const MOVED: i64 = 5 * MINUTE;

/// A source partition.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) source: Source,
    pub(crate) number: u32,
    /// The next offset to read.
    pub(crate) next: i64,
    /// The greatest end that was reported, past control records.
    pub(crate) end: i64,
    /// The watermark, told or not.
    pub(crate) watermark: Option<i64>,
    /// The high watermark when last asked: what stands before it was there when the partitions were counted.
    asked: i64,
    /// As [`metadata::Source::newest`], of what was accepted beyond that.
    beyond: Option<i64>,
    pub(crate) kept: metadata::Source,
    /// What was told last of the counts.
    told_counts: (u64, u64, Lost),
    /// The first offset of its topic while that lies after what it reads next: it is refused.
    pub(crate) behind: Option<i64>,
    /// What was read last before it was begun, until it was read again, which shows that its topic is the same.
    unproved: Option<Last>,
    /// What was rejected of the other partitions of its source, as of the batch at hand.
    pub(crate) beside: Beside,
    /// Whether its offset belongs into the next transaction.
    pub(crate) touched: bool,
    /// Records and rejected ones by minute of the wall clock.
    recent: VecDeque<(i64, u64, u64)>,
}

/// What is seen of a topic that may have been made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Nothing says that it is another.
    Same,
    /// Another record stands where the one stood that was read last.
    Other,
    /// None does.
    Gone,
}

/// What was rejected of the other partitions that a worker has of a source: whether it stops is a matter of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    /// In a row.
    pub(crate) row: u64,
    /// Records and rejected ones within the time over which their share counts.
    pub(crate) recent: (u64, u64),
}

impl Feed {
    /// Adds what was rejected of this one.
    pub(crate) fn add_to(&self, beside: &mut Beside, now: i64) {
        let recent = self.recent(now);
        beside.row = beside.row.saturating_add(self.kept.row);
        beside.recent = (beside.recent.0 + recent.0, beside.recent.1 + recent.1);
    }

    /// Records and rejected ones within the time over which their share counts.
    fn recent(&self, now: i64) -> (u64, u64) {
        let recent = self.recent.iter().filter(|(at, ..)| *at >= now - SHARE_OVER);
        recent.fold((0, 0), |sum, minute| (sum.0 + minute.1, sum.1 + minute.2))
    }

    /// Ends its row, since something of its source was accepted.
    pub(crate) const fn end_row(&mut self) {
        self.touched |= self.kept.row > 0;
        self.kept.row = 0;
    }

    pub(crate) fn new(source: Source, number: u32, next: i64, kept: metadata::Source) -> Self {
        Self {
            source,
            number,
            next,
            end: 0,
            watermark: kept.told,
            asked: i64::MIN,
            beyond: None,
            unproved: kept.last,
            kept,
            // What was told of them is not known: it is told again.
            told_counts: (0, 0, Lost::default()),
            behind: None,
            beside: Beside::default(),
            touched: false,
            recent: VecDeque::new(),
        }
    }

    /// Up to where everything was read.
    pub(crate) fn position(&self) -> i64 {
        self.next.max(self.end)
    }

    /// Whether nothing of it is taken in: it is stopped, or refused.
    pub(crate) const fn rests(&self) -> bool {
        self.kept.stopped || self.behind.is_some()
    }

    /// The offset at which reading begins.
    pub(crate) fn start(&self) -> i64 {
        self.unproved.map_or(self.next, |last| last.offset.min(self.next))
    }

    /// Whether it is known that its topic is the one that it was read from before, as far as can be.
    pub(crate) const fn is_proved(&self) -> bool {
        self.unproved.is_none()
    }

    /// What a batch that is delivered tells of its topic.
    pub(crate) fn look_at(&mut self, batch: &Batch) -> Sight {
        let Some(last) = self.unproved else { return Sight::Same };
        match batch.records().find(|record| record.offset >= last.offset) {
            None => Sight::Same,
            Some(record) if record.offset > last.offset => Sight::Gone,
            Some(record) if Last::of(&record) != last => Sight::Other,
            Some(_) => {
                self.unproved = None;
                Sight::Same
            }
        }
    }

    /// What it tells of its topic that all before an offset was delivered.
    pub(crate) fn look_at_end(&self, end: i64) -> Sight {
        if self.unproved.is_some_and(|last| last.offset < end) { Sight::Gone } else { Sight::Same }
    }

    /// Accepts that the record that was read last is not there any more.
    pub(crate) const fn do_without(&mut self) {
        self.unproved = None;
    }

    /// Takes note of the first offset of its topic. Where nothing that it has still to read was deleted, it goes on.
    pub(crate) fn meet(&mut self, first: i64) {
        // What was read last and was deleted since can tell nothing any more.
        self.unproved = self.unproved.filter(|last| last.offset >= first);
        self.behind = Some(first).filter(|first| self.position() < *first);
        if self.behind.is_none() && self.next < first {
            // What lies between is no records but those of transactions.
            self.next = self.position();
        }
    }

    /// Accepts that what was deleted is lost. Returns from which offset to which, if it was refused.
    pub(crate) fn skip(&mut self) -> Option<(i64, i64)> {
        let (from, to) = (self.position(), self.behind.take()?);
        let offsets = to.saturating_sub(from).max(0).unsigned_abs();
        self.kept.lost = Lost { offsets: self.kept.lost.offsets + offsets, to };
        (self.next, self.touched) = (to, true);
        Some((from, to))
    }

    /// Passes over what was deleted and says nothing of it: wrong, and only there to be found so.
    #[doc(hidden)]
    pub(crate) fn pass(&mut self) {
        self.next = self.behind.take().unwrap_or(self.next);
    }

    /// Why it is refused, in words.
    pub(crate) fn refusal(&self, partition: &Partition) -> Option<String> {
        let (at, first) = (self.position(), self.behind?);
        let (source, number) = (self.source, self.number);
        Some(format!(
            "{partition}: its committed offset {at} lies before the first offset {first} of its topic: records between \
             were deleted before they were read; no record is passed over in silence, so nothing more of it is taken in and \
             the time of its source stands; bring the records back from a backup, or accept the loss with \
             `vitals source skip {source} --partition {number}`, which counts it and goes on at the first offset"
        ))
    }

    fn counts(&self) -> (u64, u64, Lost) {
        (self.kept.rejected, self.kept.skipped, self.kept.lost)
    }

    /// A feed whose end is known, and with it all partitions that there are to be.
    pub(crate) fn up_to(mut self, end: i64) -> Self {
        self.asked = end;
        self
    }

    /// Forgets what it took in last: by which rules that was accepted is not known.
    pub(crate) const fn forget_newest(&mut self) {
        (self.kept.newest, self.beyond) = (None, None);
    }

    /// Takes note of the high watermark in an answer of the log that also told all partitions.
    pub(crate) fn ask(&mut self, end: i64) {
        // Whatever was read by now was there when the log was asked.
        self.asked = end;
        self.kept.newest = self.kept.newest.max(self.beyond.take());
    }

    /// Takes note of when a record was appended at the earliest.
    pub(crate) fn appended(&mut self, offset: i64, at: i64) {
        // A partition that was added since the log was asked may hold older activity than what came after that.
        let newest = if offset < self.asked { &mut self.kept.newest } else { &mut self.beyond };
        *newest = (*newest).max(Some(at));
    }

    /// Takes note of an accepted activity.
    pub(crate) fn accept(&mut self, offset: i64, time: i64, rules: &SourceRules) {
        (self.kept.row, self.beside.row) = (0, 0);
        self.appended(offset, time.saturating_sub(rules.max_skew));
        let close = rules.silent_at_most.unwrap_or(i64::MAX);
        // Nearly always it goes on with the last run.
        if let Some(run) = self.kept.runs.last_mut()
            && time.saturating_sub(run.last.0) <= close
            && time >= run.first.0
        {
            run.last.0 = run.last.0.max(time);
            return;
        }
        let mut joined = Run { first: EventTime(time), last: EventTime(time) };
        self.kept.runs.retain(|run| {
            let apart =
                run.first.0.saturating_sub(joined.last.0).max(joined.first.0.saturating_sub(run.last.0));
            if apart <= close {
                joined = Run { first: joined.first.min(run.first), last: joined.last.max(run.last) };
            }
            apart > close
        });
        let place = self.kept.runs.partition_point(|run| run.first < joined.first);
        self.kept.runs.insert(place, joined);
    }

    /// Takes note of a rejected record. Returns whether the source must stop.
    pub(crate) fn reject(&mut self, now: i64, in_a_row: u64, share_of: u64) -> bool {
        self.kept.rejected += 1;
        self.kept.row += 1;
        if let Some(minute) = self.recent.back_mut() {
            minute.2 += 1;
        }
        let (own, beside) = (self.recent(now), self.beside.recent);
        let (all, rejected) = (own.0 + beside.0, own.1 + beside.1);
        self.kept.row.saturating_add(self.beside.row) >= in_a_row || (all >= share_of && 2 * rejected >= all)
    }

    /// Takes note of a record, whatever it is.
    pub(crate) fn count(&mut self, record: &Record<'_>, now: i64) {
        self.next = record.offset + 1;
        self.kept.last = Some(Last::of(record));
        self.touched = true;
        self.kept.consumed += 1;
        if self.recent.back().is_none_or(|(at, ..)| now - at >= MINUTE) {
            self.recent.push_back((now, 0, 0));
            while self.recent.front().is_some_and(|(at, ..)| *at < now - SHARE_OVER) {
                self.recent.pop_front();
            }
        }
        if let Some(minute) = self.recent.back_mut() {
            minute.1 += 1;
        }
    }

    /// Begins anew after a stop.
    pub(crate) fn resume(&mut self) {
        self.kept.stopped = false;
        self.kept.row = 0;
        self.recent.clear();
        self.touched = true;
    }

    /// Moves the watermark forward.
    pub(crate) fn move_to(&mut self, watermark: i64) {
        self.watermark = self.watermark.max(Some(watermark));
    }

    /// Takes back by how much the watermark moved and was not told.
    pub(crate) const fn forget_untold(&mut self) {
        self.watermark = self.kept.told;
    }

    /// Whether there is something to tell.
    pub(crate) fn is_untold(&self) -> bool {
        let has_news = self.watermark > self.kept.told
            || !self.kept.runs.is_empty()
            || self.told_counts != self.counts();
        // What is known of one that rests stood in its metadata.
        has_news && (self.is_proved() || self.rests())
    }

    /// Whether it must be told without waiting.
    pub(crate) fn is_urgent(&self) -> bool {
        let moved = match (self.watermark, self.kept.told) {
            (Some(watermark), Some(told)) => watermark - told > MOVED,
            (watermark, told) => watermark > told,
        };
        // A loss is told in the transaction of the offset that passes it: the journal never lacks it.
        (self.is_proved() || self.rests())
            && (moved || self.is_crowded() || self.told_counts.2 != self.kept.lost)
    }

    /// Whether it has so much to tell that nothing more should be taken in before.
    pub(crate) fn is_crowded(&self) -> bool {
        self.kept.runs.len() >= MAX_RUNS
    }

    /// What an entry says of it; it counts as told from here on. Without a watermark the counts are told all the
    /// same: a source may stop before its first accepted record.
    pub(crate) fn tell(&mut self) -> PartitionMark {
        self.kept.told = self.watermark;
        self.told_counts = self.counts();
        self.touched = true;
        PartitionMark {
            partition: self.number,
            watermark: self.watermark.map(EventTime),
            runs: std::mem::take(&mut self.kept.runs),
            rejected: self.kept.rejected,
            skipped: self.kept.skipped,
            lost: self.kept.lost,
        }
    }

    /// The metadata of its offset in the transaction of `stamp`, with what is untold of its runs.
    pub(crate) fn metadata(&mut self, stamp: Stamp, with_runs: bool) -> String {
        self.kept.stamp = stamp;
        if with_runs {
            return self.kept.write();
        }
        metadata::Source { runs: Vec::new(), ..self.kept.clone() }.write()
    }
}
