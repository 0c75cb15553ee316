//! Journals written by hand, for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::entry::{Lost, PartitionMark, Run, SourceMark, Watermarks};
use model::plan::Plan;
use model::source::{Field, SOURCES, Source};
use model::time::EventTime;

use super::journal::{Entry, Happening, Held};
use super::{Fold, Search, Told};

/// A source, the number of its partitions, and the watermarks of some of them.
pub(crate) type Mark = (Source, u32, Vec<(u32, i64)>);

/// A journal in the making: it tells runs by itself, as ingest would.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    pub(crate) fold: Fold,
    offset: i64,
    untold: BTreeMap<(Source, u32), Vec<i64>>,
    silent_at_most: [Option<i64>; SOURCES],
}

impl Journal {
    pub(crate) fn of(plan: &Arc<Plan>) -> Self {
        let mut journal = Self::default();
        journal.model(plan);
        journal
    }

    fn push(&mut self, what: Entry) {
        self.fold.push(self.offset, 0, what);
        self.offset += 1;
    }

    pub(crate) fn model(&mut self, plan: &Arc<Plan>) {
        self.silent_at_most = std::array::from_fn(|i| plan.sources[i].silent_at_most);
        self.push(Entry::Model(Arc::clone(plan)));
    }

    /// Something happens, with an id of its own.
    pub(crate) fn happens(&mut self, source: Source, account: &str, time: i64, fields: &[(Field, Held)]) {
        let id = u64::try_from(self.offset).unwrap();
        let (offset, account, fields) = (self.offset, account.into(), fields.to_vec());
        self.activity(Happening { source, partition: 0, offset, id, time, account, fields });
    }

    pub(crate) fn activity(&mut self, happening: Happening) {
        self.untold.entry((happening.source, happening.partition)).or_default().push(happening.time);
        self.push(Entry::Activity(happening));
    }

    /// Sources with one partition each get to these watermarks.
    pub(crate) fn watermarks(&mut self, marks: &[(Source, i64)]) {
        let all: Vec<Mark> =
            marks.iter().map(|(source, watermark)| (*source, 1, vec![(0, *watermark)])).collect();
        self.marks(&all);
    }

    /// Sources, each with its number of partitions and the watermarks of some of these.
    pub(crate) fn marks(&mut self, marks: &[Mark]) {
        let mut sources: Vec<SourceMark> = Vec::new();
        for (source, partition_count, partitions) in marks {
            let mark = |(partition, watermark): &(u32, i64)| PartitionMark {
                partition: *partition,
                watermark: Some(EventTime(*watermark)),
                runs: self.take_runs(*source, *partition),
                rejected: 0,
                skipped: 0,
                lost: Lost::default(),
            };
            let partitions = partitions.iter().map(mark).collect();
            sources.push(SourceMark { source: *source, partition_count: *partition_count, partitions });
        }
        self.push(Entry::Watermarks(Watermarks { sources, ..Default::default() }));
    }

    fn take_runs(&mut self, source: Source, partition: u32) -> Vec<Run> {
        let mut times = self.untold.remove(&(source, partition)).unwrap_or_default();
        times.sort_unstable();
        let mut runs: Vec<Run> = Vec::new();
        for time in times.into_iter().map(EventTime) {
            let closes = self.silent_at_most[source.index()].unwrap_or(i64::MAX);
            match runs.last_mut() {
                Some(run) if time.since(run.last) <= closes => run.last = time,
                _ => runs.push(Run { first: time, last: time }),
            }
        }
        runs
    }

    /// Leaves out an offset, for an entry pushed by hand.
    pub(crate) const fn skip(&mut self) {
        self.offset += 1;
    }

    pub(crate) fn run(&self) -> Told {
        self.fold.run(Search::Halving)
    }
}
