//! Watermarks: what was read and what was proved, told to every journal partition.

use super::Ingest;
use crate::failure::{Failure, later};
use crate::settings::has_passed;
use crate::variant::Variant;
use engine::entry::{Latest, SourceMark, Watermarks};
use log::{Ends, Log, Partition, Round};
use model::plan::Plan;
use model::source::Source;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An answer of the log: ends and numbers of partitions, and for when it proves something.
#[derive(Debug)]
pub(super) struct Proof {
    round: Round,
    /// The wall time that it proves something for is at most this, by what the log's own clock last said before.
    at_most: Option<i64>,
}

impl Proof {
    /// First offset, end and number of all partitions of a topic.
    fn place(topics: &[Arc<str>], topic: &str) -> Option<usize> {
        topics.iter().position(|known| **known == *topic)
    }

    fn ends(&self, topics: &[Arc<str>], partition: &Partition) -> Option<Ends> {
        let place = Self::place(topics, &partition.topic)?;
        self.round.topics.get(place)?.get(partition.number as usize).copied()
    }

    pub(super) fn end(&self, topics: &[Arc<str>], partition: &Partition) -> Option<i64> {
        self.ends(topics, partition).map(|ends| ends.end)
    }

    fn count(&self, topics: &[Arc<str>], topic: &str) -> u32 {
        let count =
            Self::place(topics, topic).and_then(|place| self.round.topics.get(place)).map_or(0, Vec::len);
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// By how much the wall clock may be off: the least of what any source allows.
fn skew(plan: &Plan) -> i64 {
    plan.sources.iter().map(|rules| rules.max_skew).min().unwrap_or(0)
}

/// By how much clocks may be off whatever a model says, ms: clocks that a network sets right keep within it, and the log's own
/// stamps bound how far time is moved.
const ALWAYS: i64 = 1_000;

impl<L: Log, V: Variant> Ingest<L, V> {
    /// Asks for the ends and the partitions of all source topics: about once a second, and when much is untold.
    pub(super) fn ask_ends(&mut self, now: i64) -> Result<(), Failure> {
        let Some(model) = &self.model else { return Ok(()) };
        let crowded = self.feeds.values().any(super::Feed::is_crowded);
        if !crowded && !has_passed(now, self.asked_at, self.settings.mark_interval) {
            return Ok(());
        }
        let Some(round) = later(self.log.ends(&self.topics))? else { return Ok(()) };
        let at_most = self.clock.map(|clock| clock.stamp.saturating_add(skew(&model.plan)));
        let proof = Proof { round, at_most };
        let mut is_back = false;
        for (partition, feed) in &mut self.feeds {
            let Some(ends) = proof.ends(&self.topics, partition) else { continue };
            feed.ask(if V::COUNT_UNASKED { i64::MAX } else { ends.end });
            // What is read tells by itself. What rests may have lost more, or have been brought back.
            if feed.rests() {
                let was_behind = feed.behind.is_some();
                feed.meet(ends.first);
                is_back |= was_behind && feed.behind.is_none();
            }
        }
        if is_back {
            // The next step starts what is held.
            self.hold();
        }
        self.proof = Some(proof);
        self.asked_at = now;
        Ok(())
    }

    /// By how much this machine's clock was off the log's when last compared, if that is more than is allowed.
    fn off(&self) -> Option<i64> {
        let skew = skew(&self.model.as_ref()?.plan);
        self.clock.map(|clock| clock.off).filter(|off| off.abs() > skew.max(ALWAYS))
    }

    /// What is wrong with this machine's clock, for as long as it is.
    pub(super) fn clock_trouble(&self) -> Option<String> {
        let off = self.off()?;
        Some(format!(
            "the clock of this machine is {off} ms off that of the log, more than max_skew; set it right: until then time stands still where nothing comes in"
        ))
    }

    /// Moves the watermarks by what was read and by what was proved, and tells of them when it is time.
    pub(super) fn mark(&mut self, now: i64) {
        let (Some(model), Some(proof)) = (&self.model, &self.proof) else { return };
        let off = self.off();
        let answered = if V::PROOF_AT_ANSWER { now } else { proof.round.sent_at };
        let proved = if V::CLOCK_UNCHECKED {
            Some(answered)
        } else {
            // Whatever this clock did between two looks at it, the log's was not behind its last stamp then.
            proof.at_most.filter(|_| off.is_none()).map(|at_most| answered.min(at_most))
        };
        for (partition, feed) in &mut self.feeds {
            let rules = &model.plan.sources[feed.source.index()];
            if let Some(newest) = feed.kept.newest {
                feed.move_to(newest - rules.max_delay);
            }
            let end = proof.end(&self.topics, partition);
            let end = if V::PROOF_BY_STABLE_END { end.map(|end| end.min(feed.end)) } else { end };
            if let (Some(proved), Some(end), false) = (proved, end, feed.kept.stopped)
                && feed.position() >= end
                && feed.is_proved()
            {
                feed.move_to(proved - rules.max_delay);
            }
        }
        if has_passed(now, self.marked_at, self.settings.mark_interval)
            || self.feeds.values().any(super::Feed::is_urgent)
        {
            self.tell(now);
        }
        if proved != Some(answered)
            && self.feeds.values().any(super::Feed::is_proved)
            && let Some(load) = &mut self.load
        {
            // Nothing recent to compare the clocks by: a frame is written, for its stamp to be reported back.
            load.probe();
        }
    }

    fn tell(&mut self, now: i64) {
        let (Some(model), Some(proof), Some(load)) = (&self.model, &self.proof, &mut self.load) else {
            return;
        };
        let mut sources: BTreeMap<Source, SourceMark> = BTreeMap::new();
        for (partition, feed) in self.feeds.iter_mut().filter(|(_, feed)| feed.is_untold()) {
            let count = proof.count(&self.topics, &partition.topic).max(feed.number + 1);
            let told = feed.tell();
            let mark = sources.entry(feed.source).or_insert_with(|| SourceMark {
                source: feed.source,
                partition_count: count,
                partitions: Vec::new(),
            });
            mark.partition_count = mark.partition_count.max(count);
            mark.partitions.push(told);
        }
        self.marked_at = now;
        if !sources.is_empty() {
            let sources = sources.into_values().collect();
            let marks = Watermarks { model: Some(model.plan.id), latest: Latest::All, sources };
            if V::MARK_FIRST { load.mark_first(&marks) } else { load.mark(&marks) }
        }
    }

    pub(super) fn is_due(&self, now: i64) -> bool {
        let (Some(load), Some(_)) = (&self.load, &self.proof) else { return false };
        if self.feeds.is_empty() {
            return false;
        }
        let has = !load.is_empty() || self.feeds.values().any(|feed| feed.touched);
        let waited = has_passed(now, self.committed_at, self.settings.commit_interval);
        let marks = has_passed(now, self.marked_at, self.settings.mark_interval);
        has && (!self.leaving.is_empty() || self.is_full()) || waited && (has || marks)
    }

    /// Whether nothing more should be taken in before something is sent.
    pub(super) fn is_full(&self) -> bool {
        self.load.as_ref().is_some_and(|load| load.size() >= self.settings.transaction_bytes)
            || self.feeds.values().any(|feed| feed.is_crowded() && feed.is_proved())
    }
}
