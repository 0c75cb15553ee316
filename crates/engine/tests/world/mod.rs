//! A small world for tests of the fold: entries are told in words, effects are read as lines.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a part of tests, of which each file uses some"
)]

pub mod random;

use engine::activity::{Activity, Fields, Value};
use engine::effect::{AlertState, Effect, EffectId, Sink};
use engine::entry::{Entry, Lost, PartitionMark, Position, Run, SourceMark, Watermarks};
use engine::{Shard, Step, fingerprint};
use model::number::Number;
use model::source::{Field, FieldType, Source};
use model::time::EventTime;
use std::fmt::Write;

/// Effects as text, one line each.
#[derive(Default)]
pub struct Lines(pub Vec<String>);

impl Sink for Lines {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        self.0.push(line(id, effect));
    }
}

pub fn line(id: EffectId, effect: &Effect<'_>) -> String {
    let mut text = format!("{}.{}.{} ", id.offset, id.entry, id.index);
    let standing = match effect {
        Effect::Health(health) => {
            let change = health.standing.lines.iter().map(|line| line.change).sum::<i32>();
            write!(text, "health {:?} was {:?} ", health.cause, health.previous_score).unwrap();
            let total = change + health.cap_change + health.override_change + health.removed_change;
            let moved = health.standing.score.map_or(0, |s| s.cast_signed())
                - health.previous_score.map_or(0, |s| s.cast_signed());
            assert_eq!(total, moved, "changes add up: {health:?}");
            &health.standing
        }
        Effect::Alert(alert) => {
            let state = match alert.state {
                AlertState::Firing => "fired".to_owned(),
                AlertState::Resolved(why) => format!("resolved {}", why.name()),
            };
            write!(
                text,
                "alert {} #{} {state} {} since {} ",
                alert.rule,
                alert.episode,
                alert.severity.name(),
                alert.started_at
            )
            .unwrap();
            &alert.standing
        }
        Effect::AccountHealth(latest) => {
            write!(
                text,
                "latest open {:?} ",
                latest.open_alerts.iter().map(|open| open.rule).collect::<Vec<_>>()
            )
            .unwrap();
            &latest.standing
        }
        Effect::AccountClosed(closed) => {
            write!(text, "closed {} r{} at {}", closed.account, closed.revision, closed.as_of).unwrap();
            return text;
        }
    };
    let contributions: i32 = standing.lines.iter().map(|line| line.contribution).sum();
    let cap = standing.cap.map_or(0, |cap| cap.contribution);
    let set = standing.overridden.map_or(0, |set| set.contribution);
    assert_eq!(
        standing.score.map_or(0, |s| s.cast_signed()),
        contributions + cap + set,
        "contributions add up"
    );
    let weights: u32 = standing.lines.iter().map(|line| line.weight).sum();
    assert!(weights == 10_000 || weights == 0);
    write!(
        text,
        "{} r{} at {} score {:?} band {:?} coverage {} [",
        standing.account.id,
        standing.revision,
        standing.as_of,
        standing.score,
        standing.band,
        standing.coverage
    )
    .unwrap();
    for line in standing.lines {
        let name = &standing.plan.signals[standing.plan.measures[line.measure].signal].name;
        write!(text, "{name}={:?} ", line.value).unwrap();
    }
    text.push(']');
    if let Some(set) = standing.overridden {
        write!(text, " set by {} to {}", set.author, set.expires_at).unwrap();
    }
    if !standing.sources_out.is_empty() {
        write!(text, " out {:?}", standing.sources_out.iter().map(Source::name).collect::<Vec<_>>()).unwrap();
    }
    text
}

/// An owned activity.
#[derive(Clone, Debug)]
pub struct Told {
    pub source: Source,
    pub partition: u32,
    pub offset: i64,
    pub id: String,
    pub time: i64,
    pub account: String,
    pub fields: Vec<(Field, String)>,
}

impl Told {
    pub fn activity(&self) -> Activity<'_> {
        let mut fields = Fields::default();
        for (field, text) in &self.fields {
            let value = match field.kind() {
                FieldType::Word | FieldType::Ignored => Value::Word(text),
                FieldType::Key => Value::Key(fingerprint::of(text.as_bytes())),
                FieldType::Number => Value::Number(Number::parse(text).unwrap()),
                FieldType::Time => Value::Time(EventTime(text.parse().unwrap())),
            };
            fields.set(*field, value);
        }
        Activity {
            source: self.source,
            partition: self.partition,
            offset: self.offset,
            id: fingerprint::of_activity(self.source, &self.id),
            time: EventTime(self.time),
            account: &self.account,
            fields,
        }
    }
}

/// An owned entry.
#[derive(Clone, Debug)]
pub enum Owned {
    Activity(Told),
    Watermarks(Watermarks),
    Model(String),
}

impl Owned {
    pub fn entry(&self) -> Entry<'_> {
        match self {
            Self::Activity(told) => Entry::Activity(told.activity()),
            Self::Watermarks(marks) => Entry::Watermarks(marks.clone()),
            Self::Model(text) => Entry::Model(text),
        }
    }
}

/// Partition, watermark and runs.
pub type Mark<'a> = (u32, i64, &'a [(i64, i64)]);

pub fn mark(source: Source, partitions: u32, marks: &[Mark<'_>]) -> SourceMark {
    let part = |(partition, watermark, runs): &Mark<'_>| PartitionMark {
        partition: *partition,
        watermark: Some(EventTime(*watermark)),
        runs: runs
            .iter()
            .map(|(first, last)| Run { first: EventTime(*first), last: EventTime(*last) })
            .collect(),
        rejected: 0,
        skipped: 0,
        lost: Lost::default(),
    };
    SourceMark { source, partition_count: partitions, partitions: marks.iter().map(part).collect() }
}

/// Folds one entry to its end.
pub fn fold(shard: &mut Shard, offset: i64, entry: &Entry<'_>, sink: &mut dyn Sink) {
    let at = Position { offset, entry: 0, minute: i64::MIN };
    let mut step = shard.fold(at, entry, sink).unwrap();
    while step == Step::More {
        step = shard.go_on(sink);
    }
}

/// Folds a journal of one entry a record.
pub fn run(journal: &[Owned]) -> (Shard, Vec<String>) {
    let mut shard = Shard::new();
    let mut lines = Lines::default();
    for (offset, entry) in (0..).zip(journal) {
        fold(&mut shard, offset, &entry.entry(), &mut lines);
    }
    (shard, lines.0)
}
