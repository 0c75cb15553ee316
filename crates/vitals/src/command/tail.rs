//! `vitals tail`: an output topic, as it was written and as it grows.

use super::Context;
use crate::access::{Access, Record};
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::render;
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use std::collections::VecDeque;
use std::thread;
use std::time::Duration;

/// How many records are read ahead of each partition.
const AHEAD: usize = 500;
/// How often it is looked for more.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Which topic.
    #[arg(value_enum)]
    topic: Output,

    /// Go on as records come.
    #[arg(long, short)]
    follow: bool,

    /// Begin with the oldest record; this is the default. To see the newest few, use --last.
    #[arg(long, conflicts_with = "from_end")]
    from_beginning: bool,

    /// Begin with what comes from now on.
    #[arg(long, requires = "follow")]
    from_end: bool,

    /// Begin with the newest so many of those that are there.
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["from_beginning", "from_end"], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    last: Option<u32>,

    /// End after so many records.
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,

    /// Only records of this account.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Every published change of a score or band.
    Health,
    /// Every transition of an alert.
    Alerts,
    /// The latest health and open alerts of each account.
    AccountHealth,
    /// What could not be used, with the reason.
    DeadLetter,
}

impl Output {
    const fn name(self) -> &'static str {
        match self {
            Self::Health => pipeline::topic::HEALTH,
            Self::Alerts => pipeline::topic::ALERTS,
            Self::AccountHealth => pipeline::topic::ACCOUNT_HEALTH,
            Self::DeadLetter => pipeline::topic::DEAD_LETTER,
        }
    }
}

impl Tail {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let access = context.access()?;
        let topic = self.topic.name();
        let ends = access.topic(topic)?.partitions;
        let start = |(first, end): &(i64, i64)| if self.from_end { *end } else { *first };
        let lanes = (0..).zip(&ends).map(|(partition, ends)| Lane::new(partition, start(ends)));
        let mut merge = Merge { access: &access, topic, lanes: lanes.collect() };
        let mut out = Out::new();
        let mut left = self.limit.unwrap_or(u64::MAX);
        // The newest are known once the end was seen.
        let mut newest = self.last.map(|most| Newest { most: most as usize, records: VecDeque::new() });
        while left > 0 {
            let Some((partition, record)) = merge.next()? else {
                for (partition, record) in newest.take().into_iter().flat_map(|newest| newest.records) {
                    if left > 0 {
                        left -= 1;
                        self.print(&mut out, context.format, partition, &record)?;
                    }
                }
                out.flush()?;
                if !self.follow {
                    break;
                }
                thread::sleep(PAUSE);
                continue;
            };
            if !self.wants(&record) {
                continue;
            }
            if let Some(newest) = &mut newest {
                newest.take(partition, record);
                continue;
            }
            left -= 1;
            self.print(&mut out, context.format, partition, &record)?;
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }

    fn print(&self, out: &mut Out, format: Format, partition: u32, record: &Record) -> Result<()> {
        match format {
            Format::Programs => out.json(&render::record_json(self.topic.name(), partition, record))?,
            Format::People => out.line(render::record_line(self.topic, record))?,
        }
        Ok(())
    }

    fn wants(&self, record: &Record) -> bool {
        let Some(account) = &self.account else { return true };
        record.key.as_ref().is_some_and(|key| key.0 == account.as_bytes())
    }
}

/// The newest records so far, each with its partition.
struct Newest {
    most: usize,
    records: VecDeque<(u32, Record)>,
}

impl Newest {
    fn take(&mut self, partition: u32, record: Record) {
        if self.records.len() == self.most {
            self.records.pop_front();
        }
        self.records.push_back((partition, record));
    }
}

/// What is read ahead of one partition.
struct Lane {
    partition: u32,
    next: i64,
    at_end: bool,
    ahead: VecDeque<Record>,
}

impl Lane {
    const fn new(partition: u32, next: i64) -> Self {
        Self { partition, next, at_end: false, ahead: VecDeque::new() }
    }
}

/// The partitions of a topic in the order in which they were written, as far as their stamps tell.
struct Merge<'a> {
    access: &'a Access,
    topic: &'a str,
    lanes: Vec<Lane>,
}

impl Merge<'_> {
    /// The next record; `None` if there is none now. A lane that has come to its end is looked at again when all
    /// have.
    fn next(&mut self) -> Result<Option<(u32, Record)>> {
        for lane in &mut self.lanes {
            while lane.ahead.is_empty() && !lane.at_end {
                let page = self.access.page(self.topic, lane.partition, lane.next, AHEAD);
                let page = page.with_context(|| format!("partition {} of {}", lane.partition, self.topic))?;
                lane.next = page.next;
                lane.at_end = page.at_end;
                lane.ahead = page.records.into();
            }
        }
        let head = |lane: &Lane| lane.ahead.front().map(|record| (record.stamp, lane.partition));
        let least = self.lanes.iter_mut().filter(|lane| !lane.ahead.is_empty()).min_by_key(|lane| head(lane));
        let next = least.and_then(|lane| lane.ahead.pop_front().map(|record| (lane.partition, record)));
        if next.is_none() {
            self.lanes.iter_mut().for_each(|lane| lane.at_end = false);
        }
        Ok(next)
    }
}
