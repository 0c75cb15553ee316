//! The merge itself: the least head of all lanes is taken, and time is told as it passes.

use super::{Recorded, TICK};
use crate::failure::{Failure, started};
use crate::variant::Variant;
use engine::entry::{Latest, SourceMark, Watermarks};
use log::{Log, Member};
use model::source::Source;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many records one step merges at most.
const STEP: usize = 4_096;

impl<L: Log, V: Variant> Recorded<L, V> {
    /// Merges as far as every lane has a head. Returns how many records.
    pub(super) fn merge(&mut self) -> Result<usize, Failure> {
        let mut merged = 0;
        while merged < STEP {
            if !self.queue_heads(&mut merged)? {
                break;
            }
            let Some(Reverse((time, lane))) = self.heads.peek().copied() else { break };
            if self.until.is_some_and(|until| time > until) {
                self.is_over = true;
                break;
            }
            self.heads.pop();
            self.lanes[lane].queued = false;
            if time.div_euclid(TICK) > self.tick.unwrap_or(i64::MIN) {
                self.tell(time, time.div_euclid(TICK), None);
            } else if self.lanes[lane].feed.is_crowded() {
                // Activity of old is far apart: what stands in an offset's metadata is bounded.
                self.tell(time, self.tick.unwrap_or(i64::MIN), None);
            }
            self.take(lane);
            merged += 1;
            if self.is_full() {
                break;
            }
        }
        Ok(merged)
    }

    /// Puts the head of every lane into the heap. Returns whether all that have one to come have one.
    fn queue_heads(&mut self, merged: &mut usize) -> Result<bool, Failure> {
        let mut all = true;
        for place in 0..self.lanes.len() {
            while !self.lanes[place].queued {
                let lane = &mut self.lanes[place];
                let Some(batch) = lane.batches.front() else {
                    if !lane.exhausted {
                        if lane.paused
                            && let Some(member) = &mut self.member
                            && started(member.start(&lane.partition, lane.start()))?
                        {
                            lane.paused = false;
                        }
                        all = false;
                    }
                    break;
                };
                let record = batch.record(lane.cursor);
                let Some(record) = record.filter(|record| record.offset < lane.end) else {
                    // A batch is empty once its records are merged; beyond the end nothing is.
                    if let Some(mut batch) = lane.batches.pop_front() {
                        batch.clear();
                        self.spare.push(batch);
                    }
                    lane.cursor = 0;
                    continue;
                };
                let plan = self.model.as_ref().map(|model| &*model.plan);
                if let Some(time) = plan.and_then(|plan| self.intake.time(&lane.feed, &record, plan)) {
                    self.heads.push(Reverse((time, place)));
                    lane.queued = true;
                } else {
                    self.take(place);
                    *merged += 1;
                }
            }
        }
        Ok(all)
    }

    /// Takes the head of a lane into the load.
    fn take(&mut self, place: usize) {
        let (Some(model), Some(load)) = (&self.model, &mut self.load) else { return };
        let lane = &mut self.lanes[place];
        let Some(batch) = lane.batches.front() else { return };
        if let Some(record) = batch.record(lane.cursor) {
            self.intake.take(&lane.partition, &record, &model.plan, &mut lane.feed, load, 0);
            // A stop of a live run before ends, and a live run to follow begins to count anew.
            (lane.feed.kept.stopped, lane.feed.kept.row) = (false, 0);
            self.merged += 1;
        }
        lane.cursor += 1;
    }

    /// Moves the watermarks of all sources, and tells them.
    pub(super) fn tell(&mut self, time: i64, tick: i64, last: Option<i64>) {
        let Some(model) = &self.model else { return };
        let skew = model.plan.sources.iter().map(|rules| rules.max_skew).max().unwrap_or(0);
        for lane in &mut self.lanes {
            let delay = model.plan.sources[lane.feed.source.index()].max_delay;
            lane.feed.move_to(last.map_or(time - delay - skew, |last| last - delay));
            lane.feed.kept.tick = Some(tick);
        }
        self.tick = Some(tick);
        let number = if V::TURN_COUNTED { self.merged.cast_signed() } else { tick };
        let turn = u16::try_from(number.rem_euclid(self.turns().into())).unwrap_or(0);
        self.tell_all(Latest::Turn { turn, turns: self.turns() });
    }

    /// How many turns there are.
    fn turns(&self) -> u16 {
        self.settings.latest_turns.clamp(1, Latest::TURNS)
    }

    /// Gives each account its turn. In an entry each: what one publishes stays small.
    pub(super) fn tell_turns(&mut self) {
        let turns = self.turns();
        let Some(load) = &mut self.load else { return };
        for turn in 0..turns {
            let latest = Latest::Turn { turn, turns };
            load.mark(&Watermarks { model: None, latest, sources: Vec::new() });
        }
    }

    /// Tells how every source stands.
    pub(super) fn tell_all(&mut self, latest: Latest) {
        let (Some(model), Some(load)) = (&self.model, &mut self.load) else { return };
        let mut sources: BTreeMap<Source, SourceMark> = BTreeMap::new();
        for lane in &mut self.lanes {
            let told = lane.feed.tell();
            let mark = sources.entry(lane.feed.source).or_insert_with(|| SourceMark {
                source: lane.feed.source,
                partition_count: 0,
                partitions: Vec::new(),
            });
            mark.partition_count = mark.partition_count.max(lane.feed.number + 1);
            mark.partitions.push(told);
        }
        let sources = sources.into_values().collect();
        load.mark(&Watermarks { model: Some(model.plan.id), latest, sources });
    }
}
