//! A rehearsal: activities that are given, folded as a recorded run would fold them, with no log.
//!
//! The same decoder, the same order (event time, then topic), the same watermarks told by event time, the same fold. What
//! stands in for a company around the one account: every source has one partition, in which something happens all the
//! time from the start on, but for the outages. At each instant that is asked for, time has come to it as it would live:
//! the watermark of a source is the instant less its max delay.

use crate::ingest::TICK;
use crate::topic;
use engine::effect::{AlertState, Effect, EffectId, Sink};
use engine::entry::{Entry, Latest, Lost, PartitionMark, Position, Run, SourceMark, Watermarks};
use engine::{Refused, Shard, Step};
use model::plan::{Plan, Severity};
use model::source::{SOURCES, Source};
use model::time::EventTime;
use std::ops::Range;
use std::sync::Arc;
use wire::activity::Decoder;
use wire::reason::Reason;

pub use engine::effect::{CapLine, Evidence, Freshness, Line, Status};

/// What is rehearsed.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// The text of the model.
    pub model: &'a str,
    /// The account that is looked at.
    pub account: &'a str,
    /// From when on all sources live; nothing that is given is older.
    pub start: EventTime,
    /// Records of source topics, in any order: their values, as `vitals produce` takes them.
    pub records: &'a [(Source, Vec<u8>)],
    /// Times in which nothing comes from a source.
    pub outages: &'a [(Source, Range<EventTime>)],
    /// The instants that are asked for, ascending.
    pub asked: &'a [EventTime],
}

/// Where the account stands at an instant.
#[derive(Clone, Debug)]
pub struct Found {
    /// The model.
    pub plan: Arc<Plan>,
    /// Whether it is scored.
    pub status: Status,
    /// Hundredths of a point.
    pub score: Option<u32>,
    /// Index of the band.
    pub band: Option<usize>,
    /// Share of the weight that is known and fresh, hundredths of a per cent.
    pub coverage: u32,
    /// One line a measure.
    pub lines: Vec<Line>,
    /// The cap in force.
    pub cap: Option<CapLine>,
    /// The value of each signal.
    pub signals: Vec<Evidence>,
    /// Open alerts, ascending, by the index of their rule, with their severity.
    pub open: Vec<(usize, Severity)>,
    /// How often the alert of each rule has begun.
    pub fired: Vec<u32>,
}

/// Why there is nothing to find.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A record would be rejected: which, and why.
    #[error("record {0}: {1}")]
    Rejected(usize, Reason),
    /// A record is older than the start.
    #[error("record {0} is older than the start")]
    BeforeStart(usize),
    /// The fold refuses the model.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Rehearses; where the account stands at each instant, `None` where nothing has made it known yet.
///
/// # Errors
/// [`Flaw`], the first.
pub fn rehearse(script: &Script<'_>) -> Result<Vec<Option<Found>>, Flaw> {
    let mut decoder = Decoder::default();
    let order = order(script, &mut decoder)?;
    let mut stage = Stage::new(script)?;
    stage.tell(script.start.0, Reach::Recorded)?;
    let mut records = order.into_iter().peekable();
    let mut found = Vec::new();
    for at in script.asked {
        while let Some((time, record)) = records.next_if(|(time, _)| *time <= at.0) {
            stage.pass(time)?;
            let Some((source, value)) = script.records.get(record) else { continue };
            let offset = i64::try_from(record).unwrap_or(i64::MAX);
            let activity = decoder.decode(*source, 0, offset, value);
            stage.fold(&Entry::Activity(activity.map_err(|reason| Flaw::Rejected(record, reason))?))?;
        }
        stage.tell(at.0, Reach::Live)?;
        found.push(stage.look());
    }
    Ok(found)
}

/// Times and places of the records in the order of a recorded merge.
fn order(script: &Script<'_>, decoder: &mut Decoder) -> Result<Vec<(i64, usize)>, Flaw> {
    let mut order = Vec::with_capacity(script.records.len());
    for (record, (source, value)) in script.records.iter().enumerate() {
        let activity =
            decoder.decode(*source, 0, 0, value).map_err(|reason| Flaw::Rejected(record, reason))?;
        if activity.time < script.start {
            return Err(Flaw::BeforeStart(record));
        }
        order.push((activity.time.0, topic::of_source(*source), record));
    }
    order.sort();
    Ok(order.into_iter().map(|(time, _, record)| (time, record)).collect())
}

/// How far watermarks lie behind the time that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// As in a recorded run that goes on: by max delay and the greatest max skew.
    Recorded,
    /// As at its end, and live: by max delay.
    Live,
}

/// A shard that is played to.
struct Stage<'a> {
    script: &'a Script<'a>,
    shard: Shard,
    plan: Arc<Plan>,
    watch: Watch<'a>,
    offset: i64,
    /// Up to when it was told that sources live.
    told: i64,
    tick: i64,
}

impl<'a> Stage<'a> {
    fn new(script: &'a Script<'a>) -> Result<Self, Flaw> {
        let mut shard = Shard::new();
        let mut watch = Watch { account: script.account, open: Vec::new(), fired: Vec::new() };
        let begin = Position { offset: 0, entry: 0, minute: i64::MIN };
        shard.fold(begin, &Entry::Model(script.model), &mut watch)?;
        let none = || Refused::Model("it is not there".to_owned());
        let plan = Arc::clone(shard.plan().ok_or_else(none)?);
        watch.fired = vec![0; plan.rules.len()];
        Ok(Self { script, shard, plan, watch, offset: 1, told: script.start.0, tick: i64::MIN })
    }

    /// Lets time come to an activity.
    fn pass(&mut self, time: i64) -> Result<(), Flaw> {
        if time.div_euclid(TICK) > self.tick { self.tell(time, Reach::Recorded) } else { Ok(()) }
    }

    /// Tells the watermarks of all sources, and where they lived since that was told last.
    fn tell(&mut self, time: i64, reach: Reach) -> Result<(), Flaw> {
        let skew = match reach {
            Reach::Recorded => self.plan.sources.iter().map(|rules| rules.max_skew).max().unwrap_or(0),
            Reach::Live => 0,
        };
        let mut sources = Vec::with_capacity(SOURCES);
        for source in Source::ALL {
            let Some(rules) = self.plan.sources.get(source.index()) else { continue };
            let watermark = Some(EventTime(time - rules.max_delay - skew));
            let runs = self.alive(source, time);
            let part = PartitionMark {
                partition: 0,
                watermark,
                runs,
                rejected: 0,
                skipped: 0,
                lost: Lost::default(),
            };
            sources.push(SourceMark { source, partition_count: 1, partitions: vec![part] });
        }
        self.tick = time.div_euclid(TICK);
        self.told = self.told.max(time);
        // What is published of the account as a whole is not looked at.
        let latest = Latest::turn(0, Latest::TURNS).unwrap_or_default();
        self.fold(&Entry::Watermarks(Watermarks { model: Some(self.plan.id), latest, sources }))
    }

    /// Where a source lived from what was told last up to `to`.
    fn alive(&self, source: Source, to: i64) -> Vec<Run> {
        let mut runs = vec![(self.told.min(to), to)];
        for (_, outage) in self.script.outages.iter().filter(|(of, _)| *of == source) {
            let around = |(first, last): (i64, i64)| {
                let before = (first, last.min(outage.start.0));
                let after = (first.max(outage.end.0), last);
                [before, after].into_iter().filter(|(first, last)| first <= last)
            };
            runs = runs.into_iter().flat_map(around).collect();
        }
        runs.sort_unstable();
        runs.into_iter().map(|(first, last)| Run { first: EventTime(first), last: EventTime(last) }).collect()
    }

    fn fold(&mut self, entry: &Entry<'_>) -> Result<(), Flaw> {
        let at = Position { offset: self.offset, entry: 0, minute: i64::MIN };
        self.offset += 1;
        let mut step = self.shard.fold(at, entry, &mut self.watch)?;
        while step == Step::More {
            step = self.shard.go_on(&mut self.watch);
        }
        Ok(())
    }

    fn look(&mut self) -> Option<Found> {
        let account = self.script.account;
        let signals = self.shard.signals(account)?;
        let (plan, watch) = (&self.plan, &self.watch);
        self.shard.standing(account, |standing| Found {
            plan: Arc::clone(plan),
            status: standing.status,
            score: standing.score,
            band: standing.band,
            coverage: standing.coverage,
            lines: standing.lines.to_vec(),
            cap: standing.cap,
            signals,
            open: watch.open.clone(),
            fired: watch.fired.clone(),
        })
    }
}

/// Follows the alerts of the account.
struct Watch<'a> {
    account: &'a str,
    open: Vec<(usize, Severity)>,
    fired: Vec<u32>,
}

impl Sink for Watch<'_> {
    fn effect(&mut self, _: EffectId, effect: &Effect<'_>) {
        let Effect::Alert(alert) = effect else { return };
        let Some(rule) = alert.rule_index.filter(|_| alert.standing.account.id == self.account) else {
            return;
        };
        self.open.retain(|(open, _)| *open != rule);
        if alert.state == AlertState::Firing {
            self.open.push((rule, alert.severity));
            self.open.sort_unstable();
            if let Some(fired) = self.fired.get_mut(rule) {
                *fired += 1;
            }
        }
    }
}
