//! A score worker that comes back over the embedded log, in CPU time: the journal folded again from its beginning,
//! and a shard restored from its state. The worker is the one that runs; it is driven until its shard is live.
//!
//! `VITALS_BENCH_ACCOUNTS` says how many accounts there are (default 50,000; an account is stored in about 1 KiB).

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a benchmark")]

#[path = "../../engine/benches/support/company.rs"]
mod company;
#[path = "../../engine/benches/support/cpu.rs"]
mod cpu;

use company::{Company, MODEL};
use cpu::Cpu;
use criterion::measurement::Measurement;
use criterion::{Criterion, SamplingMode, Throughput};
use log::embedded::{Durability, Embedded, Options};
use log::{
    Appends, Batch, Event, Isolation, Log, Member, OffsetCommit, Partition, Reader, Transaction, Writer,
};
use pipeline::settings::{self, Identity, Rebuild};
use pipeline::status::Phase;
use pipeline::{Progress, Score, topic};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Activities of each account; so many make a stored account of about 1 KiB.
const EACH: usize = 40;
/// Entries of a journal record, as ingest makes them under load.
const FRAME: usize = 1_000;
/// Records of the journal in one transaction.
const RECORDS: usize = 100;
/// Activities between two commits while the state is stored.
const BETWEEN: usize = 1_000;

/// A log with a journal that was folded, and the state that this left.
struct Folded {
    log: Embedded,
    company: Company,
    journal: Arc<str>,
    frame: wire::frame::Writer,
    value: Vec<u8>,
    appends: Appends,
    writer: <Embedded as Log>::Writer,
    activities: u64,
}

fn open(dir: &Path) -> Embedded {
    Embedded::open(dir, Options { durability: Durability::Buffered, reserve_bytes: 0, ..Options::default() })
        .unwrap()
}

impl Folded {
    /// A journal of `accounts`, and nothing folded yet.
    fn new(dir: &Path, accounts: usize) -> Self {
        let log = open(dir);
        for spec in topic::specs(1, 1) {
            log.create(&spec).unwrap();
        }
        pipeline::publish(&log, MODEL, 1).unwrap();
        let mut folded = Self {
            company: Company::new(accounts, 30),
            journal: topic::JOURNAL.into(),
            frame: wire::frame::Writer::new(1),
            value: Vec::new(),
            appends: Appends::default(),
            writer: log.writer("ingest").unwrap(),
            activities: 0,
            log,
        };
        let mut left = EACH * accounts;
        while left > 0 {
            for _ in 0..RECORDS {
                folded.frame(left.min(FRAME));
                left -= left.min(FRAME);
            }
            folded.commit();
        }
        folded
    }

    /// A journal record of so many activities.
    fn frame(&mut self, activities: usize) {
        let accounts = Arc::clone(&self.company.accounts);
        for _ in 0..activities {
            if let Some(mark) = self.company.pass() {
                self.frame.push(&mark).unwrap();
            }
            let draw = self.company.draw();
            self.frame.push(&self.company.activity(draw, &accounts)).unwrap();
            self.activities += 1;
        }
        if !self.frame.is_empty() {
            self.frame.finish(&mut self.value);
            self.appends.push(&self.journal, 0, None, Some(&self.value), &[]);
        }
    }

    fn commit(&mut self) {
        let transaction = Transaction { appends: &[&self.appends], offsets: &[], membership: None };
        self.writer.commit(&transaction).unwrap();
        self.appends.clear();
    }

    /// Commits the journal's end for the score workers, as if all effects up to it had been sent: the first fold
    /// is silent then, and there are no outputs to make room for.
    fn send_nothing(&mut self) {
        let partition = Partition::new(Arc::clone(&self.journal), 0);
        let mut batch = Batch::default();
        let mut reader = self.log.read(&partition, 0, Isolation::Committed).unwrap();
        let (mut last, mut entries, mut checksum) = (0, 0, 0);
        while reader.poll(&mut batch, Duration::ZERO).unwrap() == Event::Records {
            let record = batch.records().last().unwrap();
            let mut frame = wire::frame::FrameBuffer::default();
            frame.load(record.value.unwrap()).unwrap();
            (last, entries, checksum) = (record.offset, frame.reader().count(), frame.checksum());
        }
        let journal = std::slice::from_ref(&self.journal);
        let mut member = self.log.join("vitals-score", "first", journal, Isolation::Committed).unwrap();
        while !matches!(member.poll(&mut batch, Duration::ZERO).unwrap(), Event::Assigned(_)) {}
        let metadata = format!("s1 0 0 {last} {} done {checksum:x}", entries - 1);
        let offsets = [OffsetCommit { partition, offset: last + 1, metadata }];
        let membership = member.membership();
        let transaction = Transaction { appends: &[], offsets: &offsets, membership: membership.as_ref() };
        self.writer.commit(&transaction).unwrap();
        member.leave();
    }

    /// Lets a worker store every account, while the journal goes on: up to the marker of its first sweep. Some
    /// accounts are ahead of that. Returns how many bytes an account is stored in.
    fn store(&mut self) -> usize {
        let settings = settings::Score {
            checkpoint_interval: Duration::ZERO,
            checkpoint_bytes: usize::MAX,
            commit_least: Duration::ZERO,
            commit_most: Duration::ZERO,
            ..back(Rebuild::Yes)
        };
        let mut score = Score::new(self.log.clone(), Identity::default(), settings);
        let state = Partition::new(topic::STATE, 0);
        let mut reader = self.log.read(&state, 0, Isolation::Committed).unwrap();
        let mut batch = Batch::default();
        let (mut accounts, mut bytes, mut markers) = (0, 0, 0);
        // The first marker says that there is none yet.
        while markers < 2 {
            drive(&mut score, self.end());
            self.frame(BETWEEN);
            self.commit();
            drive(&mut score, self.end());
            while reader.poll(&mut batch, Duration::ZERO).unwrap() == Event::Records {
                for record in batch.records() {
                    let kind = record.key.map_or(0, |key| key[0]);
                    markers += usize::from(kind == b'k');
                    accounts += usize::from(kind == b'a');
                    bytes += record.value.filter(|_| kind == b'a').map_or(0, <[u8]>::len);
                }
            }
        }
        score.stop();
        bytes / accounts
    }

    /// The end of the journal.
    fn end(&self) -> i64 {
        self.log.ends(std::slice::from_ref(&self.journal)).unwrap().topics[0][0].end
    }
}

fn back(rebuild: Rebuild) -> settings::Score {
    settings::Score { rebuild, wait: Duration::ZERO, ..settings::Score::default() }
}

/// Drives a worker until its shard is live, has folded the journal to its end, and has committed that.
fn drive(score: &mut Score<Embedded>, end: i64) {
    while !score.has_reached(&[end]) {
        if score.step().unwrap() == Progress::Idle
            && let Some(Phase::Refused(reason)) = score.status().shards.first().map(|shard| &shard.phase)
        {
            panic!("{reason}");
        }
    }
}

/// Measures a worker on its way back.
fn measure(
    criterion: &mut Criterion<Cpu>,
    name: &str,
    log: &Embedded,
    end: i64,
    elements: u64,
    rebuild: Rebuild,
) {
    let mut group = criterion.benchmark_group("restart");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(elements));
    let (mut least, mut wall) = (u64::MAX, Duration::MAX);
    group.bench_function(name, |bench| {
        bench.iter_custom(|times| {
            let mut spent = 0;
            for _ in 0..times {
                let mut score = Score::new(log.clone(), Identity::default(), back(rebuild));
                let (start, began) = (Cpu.start(), Instant::now());
                drive(&mut score, end);
                let once = Cpu.end(start);
                (spent, least, wall) = (spent + once, least.min(once), wall.min(began.elapsed()));
                score.stop();
            }
            spent
        });
    });
    group.finish();
    if least < u64::MAX {
        let rate = elements * 1_000_000 / (least / 1_000).max(1);
        let cpu = Duration::from_nanos(least);
        println!("{name}: at best {rate} a CPU-second; all in {cpu:.2?} of CPU, {wall:.2?} of wall time");
    }
}

fn main() {
    let mut criterion = Criterion::default().with_measurement(Cpu).configure_from_args();
    let accounts = std::env::var("VITALS_BENCH_ACCOUNTS").map_or(50_000, |number| number.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut folded = Folded::new(dir.path(), accounts);
    folded.send_nothing();
    let bytes = folded.store();
    let (end, activities) = (folded.end(), folded.activities);
    println!("{accounts} accounts of {bytes} bytes stored, {activities} activities in the journal");
    drop(folded);
    // Whatever the log is still busy with is not the worker's.
    let log = open(dir.path());
    // In this order: a worker that replays stores its accounts anew, which a restore would have to read.
    measure(&mut criterion, "restore accounts", &log, end, accounts as u64, Rebuild::No);
    measure(&mut criterion, "replay activities", &log, end, activities, Rebuild::Yes);
    criterion.final_summary();
}
