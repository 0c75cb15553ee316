//! What stands in the source topics: the records of a stream, where each lies, and when it comes.

use crate::oulad::{self, Dataset, Presentation};
use crate::simulation::rng::Rng;
use anyhow::{Context as _, Result};
use model::plan::SourceRules;
use model::source::{SOURCES, Source};
use model::time::{EventTime, MINUTE, SECOND};
use pipeline::topic;
use serde::Deserialize;
use std::collections::HashSet;

const B2B: &str = include_str!("../../../deploy/models/b2b.yaml");
const OULAD: &str = include_str!("../../../deploy/models/oulad.yaml");

/// Partitions of each source topic.
pub(super) const PARTITIONS: u32 = 3;

/// A record of a source topic.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) source: Source,
    pub(super) partition: u32,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// When it is appended at the earliest; also its timestamp.
    pub(super) stamp: i64,
    /// When what it tells happened; `None` where that need not keep max delay: what cannot be read, and what was
    /// told before.
    pub(super) time: Option<i64>,
}

/// Records in the order of their timestamps, and the model that they are scored by.
pub struct Stream {
    pub(super) records: Vec<Record>,
    pub(super) model: &'static str,
    pub(super) rules: [SourceRules; SOURCES],
    /// How much later than at its timestamp a record may be appended, ms: max delay is kept even so.
    lag: i64,
}

#[derive(Deserialize)]
struct Line {
    topic: String,
    key: String,
    time: String,
    value: serde_json::Value,
}

#[derive(Deserialize)]
struct Activity {
    time: String,
}

impl Stream {
    /// The sample company, or a smaller one where the whole is not asked for.
    ///
    /// # Errors
    /// The model is not valid.
    pub fn sample(part: &sample::Settings) -> Result<Self> {
        let settings = if crate::is_whole() { sample::Settings::default() } else { part.clone() };
        // Of the five minutes that most sources allow, the company takes four at most.
        let mut stream = Self::new(B2B, 50 * SECOND)?;
        let mut told = HashSet::new();
        for record in sample::company(&settings) {
            let source = topic::source_of(record.topic).context("not a source topic")?;
            stream.push(&mut told, source, record.key.into_bytes(), record.value, record.time_ms);
        }
        Ok(stream)
    }

    /// OULAD 2013, or the students of 2013J whose number `part` divides where the whole is not asked for.
    ///
    /// # Errors
    /// The data cannot be read, or the model is not valid.
    pub fn oulad(part: u64) -> Result<Self> {
        let only = Presentation::of_code("2013J").filter(|_| !crate::is_whole());
        let mut lines = Vec::new();
        oulad::write(&Dataset::read(&oulad::directory())?, only, &mut lines)?;
        let mut stream = Self::new(OULAD, 4 * MINUTE)?;
        let mut told = HashSet::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line = serde_json::from_slice(line)?;
            let student = line.value["account"].as_str().and_then(|account| account.rsplit('-').next());
            let student: u64 = student.context("an activity without an account")?.parse()?;
            if crate::is_whole() || student.is_multiple_of(part) {
                let source = topic::source_of(&line.topic).context("not a source topic")?;
                let stamp = EventTime::parse(&line.time).context("not an instant")?.0;
                let value = serde_json::to_vec(&line.value)?;
                stream.push(&mut told, source, line.key.into_bytes(), value, stamp);
            }
        }
        Ok(stream)
    }

    fn new(model: &'static str, lag: i64) -> Result<Self> {
        let compiled = model::compile(model).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        Ok(Self { records: Vec::new(), model, rules: compiled.plan.sources, lag })
    }

    fn push(
        &mut self,
        told: &mut HashSet<Vec<u8>>,
        source: Source,
        key: Vec<u8>,
        value: Vec<u8>,
        stamp: i64,
    ) {
        let activity: Option<Activity> = serde_json::from_slice(&value).ok();
        let time = activity.and_then(|activity| EventTime::parse(&activity.time)).map(|time| time.0);
        let time = time.filter(|_| told.insert(value.clone()));
        let partition = wire::partition_of(&String::from_utf8_lossy(&key), PARTITIONS);
        self.records.push(Record { source, partition, key, value, stamp, time });
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The first timestamp, 0 where there is none.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.records.first().map_or(0, |record| record.stamp)
    }

    /// The last timestamp, 0 where there is none.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.records.last().map_or(0, |record| record.stamp)
    }

    /// The most that an activity of a source may be late, ms.
    #[must_use]
    pub fn max_delay(&self, source: Source) -> i64 {
        self.rules[source.index()].max_delay
    }

    /// When each record is appended: soon after its timestamp, and after those before it in its partition.
    pub(super) fn appends(&self, rng: &mut Rng) -> Vec<(i64, usize)> {
        let mut busy = [[i64::MIN; PARTITIONS as usize]; SOURCES];
        let mut appends = Vec::with_capacity(self.records.len());
        for (place, record) in self.records.iter().enumerate() {
            let busy = &mut busy[record.source.index()][record.partition as usize];
            *busy = (*busy).max(record.stamp + rng.between(0, self.lag));
            appends.push((*busy, place));
        }
        // What is equal keeps its order.
        appends.sort_by_key(|(at, _)| *at);
        appends
    }
}
