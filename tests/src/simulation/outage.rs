//! A stage goes down, and what tells how far it was is lost or brought back older: it must refuse, say nothing twice and
//! lose nothing, and go on once it is started with a rebuild.
//!
//! ```text
//! down: what was under way is decided ─> harm ─> refused ─> way out, rebuild ─> as before
//! ```

use super::crew::Stage;
use super::deed::Deed;
use super::deletion;
use super::journal::{self, Line};
use super::schedule::Run;
use super::world::SOURCES;
use engine::entry::PartitionMark;
use log::simulated::Cluster;
use log::{Committed, Partition};
use model::source::Source;
use model::time::SECOND;
use pipeline::settings::Rebuild;
use pipeline::topic;
use pipeline::variant::Variant;
use std::collections::{BTreeMap, BTreeSet};

/// After so long whatever dead processes had under way is decided.
const DECIDED: i64 = 20 * SECOND;

/// Committed offsets at some moment.
pub(super) type Offsets = BTreeMap<Partition, Committed>;

/// What is done while a stage is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    /// Offsets are deleted.
    Forgotten,
    /// Offsets are set back, and have no metadata.
    Reset,
    /// Offsets are those of a backup.
    Older,
    /// The first records of the state are deleted.
    StateCut,
    /// The state is deleted.
    StateGone,
}

/// How far an outage has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Down,
    Refused,
    Rebuilding,
}

/// An outage of a stage.
#[derive(Debug)]
pub(super) struct Outage {
    stage: Stage,
    harm: Harm,
    phase: Phase,
    until: i64,
    /// What was harmed, and may be refused.
    harmed: BTreeSet<Partition>,
    /// What must be refused, and what stands committed of it until the rebuild.
    must: BTreeMap<Partition, Option<Committed>>,
}

impl Outage {
    /// Whether it is about the offset of a partition.
    pub(super) fn concerns(&self, partition: &Partition) -> bool {
        self.group() == deletion::GROUP && topic::source_of(&partition.topic).is_some()
    }

    /// Whether the workers of a stage are to stay down.
    pub(super) fn holds(&self, stage: Stage) -> bool {
        self.phase == Phase::Down && self.stage == stage
    }

    /// Whether a partition may be refused. `cut`: records of it were deleted.
    pub(super) fn explains(&self, partition: &Partition, cut: bool) -> bool {
        match self.phase {
            Phase::Down => false,
            Phase::Refused => self.harmed.contains(partition),
            Phase::Rebuilding => cut && self.harmed.contains(partition),
        }
    }

    fn group(&self) -> &'static str {
        group(self.stage)
    }

    fn deed(&self) -> Deed {
        match (self.harm, self.stage) {
            (Harm::Forgotten, Stage::Score) => Deed::ScoreForgotten,
            (Harm::Forgotten, _) => Deed::IngestForgotten,
            (Harm::Reset, Stage::Score) => Deed::ScoreReset,
            (Harm::Reset, _) => Deed::IngestReset,
            (Harm::Older, Stage::Score) => Deed::ScoreOlder,
            (Harm::Older, _) => Deed::IngestOlder,
            (Harm::StateCut, _) => Deed::StateCut,
            (Harm::StateGone, _) => Deed::StateGone,
        }
    }
}

/// The group of a stage.
pub(super) fn group(stage: Stage) -> &'static str {
    if stage == Stage::Score { "vitals-score" } else { deletion::GROUP }
}

/// How many offsets at the journal's end are looked at for what was told last.
const LOOK: i64 = 1_000;

/// What stands in the journal of source partitions.
#[derive(Debug, Default)]
struct Told {
    /// Those of which anything does.
    all: BTreeSet<(Source, u32)>,
    /// At the end of the first journal partition: the last mark, and the greatest offset of an activity.
    marks: BTreeMap<(Source, u32), PartitionMark>,
    offsets: BTreeMap<(Source, u32), i64>,
}

impl Told {
    fn of(cluster: &Cluster, journal: u32) -> Result<Self, String> {
        let mut told = Self::default();
        for number in 0..journal {
            let frames = journal::frames(cluster, number);
            let from = cluster.span(&Partition::new(topic::JOURNAL, number)).1 - LOOK;
            let recent = frames.partition_point(|frame| frame.offset < from);
            for (place, frame) in frames.iter().enumerate() {
                let is_seen = number == 0 && place >= recent;
                for line in journal::lines(std::slice::from_ref(frame))? {
                    told.take(line, is_seen);
                }
            }
        }
        Ok(told)
    }

    fn take(&mut self, line: Line, is_seen: bool) {
        match line {
            Line::Activity(activity) => {
                let of = (activity.source, activity.partition);
                self.all.insert(of);
                if is_seen {
                    self.offsets.insert(of, activity.offset);
                }
            }
            Line::Watermarks(marks) => {
                for mark in marks.sources {
                    for part in mark.partitions {
                        let of = (mark.source, part.partition);
                        self.all.insert(of);
                        if is_seen {
                            self.marks.insert(of, part);
                        }
                    }
                }
            }
            Line::Model => {}
        }
    }

    /// Whether the journal shows that an offset is an older one.
    fn is_older(&self, partition: &Partition, committed: &Committed) -> bool {
        let Some(source) = topic::source_of(&partition.topic) else { return false };
        let of = (source, partition.number);
        let words: Vec<&str> = committed.metadata.split(' ').collect();
        let number = |place: usize| words.get(place).and_then(|word| word.parse::<i64>().ok());
        let is_told = self.marks.get(&of).is_some_and(|mark| {
            let counts = [mark.rejected, mark.skipped].map(u64::cast_signed);
            mark.watermark.map(|at| at.0) > number(4)
                || [Some(counts[0]), Some(counts[1])] > [number(7), number(8)]
        });
        is_told || self.offsets.get(&of).is_some_and(|offset| *offset >= committed.offset)
    }
}

impl<V: Variant> Run<V> {
    /// Makes a backup of offsets, or begins an outage, at times.
    pub(super) fn lose(&mut self) {
        let stage = self.more.pick(&[Stage::Ingest, Stage::Score]);
        if self.outage.is_some() {
            return;
        }
        if self.more.chance(800) {
            self.backups[usize::from(stage == Stage::Score)] = self.committed(stage);
            return;
        }
        let harms: &[Harm] = match stage {
            Stage::Score => {
                &[Harm::Forgotten, Harm::Reset, Harm::Older, Harm::Older, Harm::StateCut, Harm::StateGone]
            }
            Stage::Ingest | Stage::Recorded => &[Harm::Forgotten, Harm::Reset, Harm::Older, Harm::Older],
        };
        let harm = self.more.pick(harms);
        let until = self.cluster.now() + DECIDED;
        self.trace.say(self.elapsed(), format_args!("all of {stage:?} goes down: {harm:?}"));
        self.outage = Some(Outage {
            stage,
            harm,
            phase: Phase::Down,
            until,
            harmed: BTreeSet::new(),
            must: BTreeMap::new(),
        });
        self.end_stage(stage);
    }

    /// Lets an outage go on. `hurry`: there is no time to wait.
    pub(super) fn suffer(&mut self, hurry: bool) -> Result<(), String> {
        let now = self.cluster.now();
        let Some(mut outage) = self.outage.take() else { return Ok(()) };
        match outage.phase {
            Phase::Down if outage.until <= now => {
                self.harm(&mut outage)?;
                outage.phase = Phase::Refused;
                outage.until = now + if hurry { 25 } else { self.more.between(25, 70) } * SECOND;
            }
            Phase::Refused if outage.until <= now => {
                self.check_refused(&outage)?;
                self.give_way(&outage);
                outage.phase = Phase::Rebuilding;
            }
            Phase::Rebuilding => {
                let group = outage.group();
                // Also of what only dead letters tell: no offset is left that was harmed.
                let is_back = |partition: &Partition| {
                    let put = outage.must.get(partition).cloned().flatten();
                    let committed = self.cluster.committed_offset(group, partition);
                    committed.is_some_and(|committed| {
                        put.as_ref() != Some(&committed) && !committed.metadata.is_empty()
                    })
                };
                if outage.harmed.iter().all(is_back) {
                    self.trace.say(self.elapsed(), format_args!("{:?} is back", outage.stage));
                    self.set_rebuild(outage.stage, Rebuild::No);
                    return Ok(());
                }
            }
            Phase::Down | Phase::Refused => {}
        }
        self.outage = Some(outage);
        Ok(())
    }

    /// Ends all processes of a stage, by their leave or by force; they are started again as soon as may be.
    fn end_stage(&mut self, stage: Stage) {
        let leave = self.more.chance(300);
        for zombie in self.zombies.extract_if(.., |zombie| zombie.stage == stage) {
            self.cluster.kill(&zombie.log);
        }
        for worker in self.workers.iter_mut().filter(|worker| worker.stage == stage) {
            if leave {
                worker.stop(&self.cluster);
            }
            worker.kill(&self.cluster, self.cluster.now());
        }
    }

    fn set_rebuild(&mut self, stage: Stage, rebuild: Rebuild) {
        match stage {
            Stage::Score => self.world.score.rebuild = rebuild,
            Stage::Ingest | Stage::Recorded => self.world.ingest.rebuild = rebuild,
        }
        self.end_stage(stage);
    }

    /// What is committed of all partitions of a stage.
    fn committed(&self, stage: Stage) -> Offsets {
        let mut partitions = Vec::new();
        match stage {
            Stage::Score => {
                partitions.extend((0..self.world.journal).map(|n| Partition::new(topic::JOURNAL, n)));
            }
            Stage::Ingest | Stage::Recorded => {
                for (source, count) in SOURCES.into_iter().zip(self.producer.partitions()) {
                    partitions.extend((0..count).map(|n| Partition::new(topic::of_source(source), n)));
                }
            }
        }
        let committed = partitions.into_iter().filter_map(|partition| {
            let committed = self.cluster.committed_offset(group(stage), &partition)?;
            Some((partition, committed))
        });
        committed.collect()
    }

    /// Does what is to be done while everything is down.
    fn harm(&mut self, outage: &mut Outage) -> Result<(), String> {
        let (stage, group) = (outage.stage, outage.group());
        let now = self.committed(stage);
        let backup = self.backups[usize::from(stage == Stage::Score)].clone();
        let told = Told::of(&self.cluster, self.world.journal)?;
        let all = self.more.chance(400);
        let one = self.more.below(now.len());
        for (place, (partition, committed)) in now.into_iter().enumerate() {
            if !all && place != one {
                continue;
            }
            let is_told = topic::source_of(&partition.topic)
                .is_none_or(|source| told.all.contains(&(source, partition.number)));
            let state = Partition::new(topic::STATE, partition.number);
            let put = match outage.harm {
                Harm::Forgotten => None,
                Harm::Reset => {
                    let offset = self
                        .more
                        .between(self.cluster.span(&partition).0.min(committed.offset), committed.offset);
                    Some(Committed { offset, metadata: String::new() })
                }
                // Where nothing shows which is newer, it cannot be refused.
                Harm::Older => match backup.get(&partition) {
                    Some(older) if older.offset < committed.offset => {
                        if stage != Stage::Score && !told.is_older(&partition, older) {
                            continue;
                        }
                        Some(older.clone())
                    }
                    _ => continue,
                },
                Harm::StateCut | Harm::StateGone => {
                    let (first, end) = self.cluster.span(&state);
                    if first == end {
                        continue;
                    }
                    if outage.harm == Harm::StateGone {
                        self.cluster.recreate(&state);
                    } else {
                        let offset = self.more.between(first + 1, end);
                        self.cluster.truncate_before(&state, offset);
                    }
                    Some(committed.clone())
                }
            };
            self.trace.say(self.elapsed(), format_args!("{partition}: {committed:?} is {put:?} now"));
            if put.as_ref() != Some(&committed) {
                self.cluster.put_offset(group, &partition, put.clone());
            }
            if is_told {
                outage.must.insert(partition.clone(), put);
            }
            outage.harmed.insert(partition);
        }
        if !outage.must.is_empty() {
            self.deeds.fire(outage.deed());
        }
        Ok(())
    }

    /// Nothing that must be refused went on; somebody said why.
    fn check_refused(&mut self, outage: &Outage) -> Result<(), String> {
        for (partition, put) in &outage.must {
            let committed = self.cluster.committed_offset(outage.group(), partition);
            if committed != *put {
                return Err(format!(
                    "not refused: {partition} after {:?}: {committed:?} is committed, {put:?} was there",
                    outage.harm
                ));
            }
        }
        let workers = self.workers.iter().filter(|worker| worker.stage == outage.stage);
        let mut refusals = workers.flat_map(super::crew::Worker::refusals);
        if refusals.any(|(partition, _)| outage.must.contains_key(&partition)) {
            self.deeds.change(outage.deed());
        }
        Ok(())
    }

    /// Does what refusals say: an offset that is none of vitals' is deleted; then comes a rebuild.
    fn give_way(&mut self, outage: &Outage) {
        self.trace.say(self.elapsed(), format_args!("{:?} is rebuilt", outage.stage));
        self.set_rebuild(outage.stage, Rebuild::Yes);
        if outage.harm == Harm::Reset {
            for partition in &outage.harmed {
                self.cluster.put_offset(outage.group(), partition, None);
            }
        }
    }
}
