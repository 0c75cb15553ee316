//! The fold, in CPU time: activities at 50,000 and 1,000,000 accounts under a model of 12 signals, the stored
//! form, and the memory of an account under 20 users and 30 activities a day.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{BatchSize, Criterion, Throughput};
use engine::activity::{Activity, Fields, Value};
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::{Entry, PartitionMark, Position, Run, SourceMark, Watermarks};
use engine::{Restoring, Shard, Step, fingerprint};
use model::number::Number;
use model::source::{Field, Source};
use model::time::{DAY, EventTime, MINUTE};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;

const MODEL: &str = include_str!("twelve.yaml");
const START: i64 = 1_767_225_600_000;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// CPU time of this process, in nanoseconds.
struct Cpu;

impl Measurement for Cpu {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
    }

    fn end(&self, start: u64) -> u64 {
        self.start() - start
    }

    fn add(&self, a: &u64, b: &u64) -> u64 {
        a + b
    }

    fn zero(&self) -> u64 {
        0
    }

    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        criterion::measurement::WallTime.formatter_static()
    }
}

/// The formatter of wall time serves nanoseconds of CPU as well.
trait Static {
    fn formatter_static(&self) -> &'static dyn ValueFormatter;
}

impl Static for criterion::measurement::WallTime {
    fn formatter_static(&self) -> &'static dyn ValueFormatter {
        static WALL: criterion::measurement::WallTime = criterion::measurement::WallTime;
        WALL.formatter()
    }
}

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn effect(&mut self, _: EffectId, effect: &Effect<'_>) {
        self.0 += u64::from(matches!(effect, Effect::Health(_) | Effect::Alert(_)));
    }
}

/// What happens, to whom, by whom, with which ticket and id.
type Draw = (u64, usize, usize, u64, u64);

struct World {
    shard: Shard,
    accounts: Vec<String>,
    users: Vec<u64>,
    state: u64,
    offset: i64,
    now: i64,
    step: i64,
    sink: Count,
}

impl World {
    fn new(accounts: usize, per_day: i64) -> Self {
        let mut shard = Shard::new();
        let mut sink = Count::default();
        shard
            .fold(Position { offset: 0, entry: 0, minute: i64::MIN }, &Entry::Model(MODEL), &mut sink)
            .unwrap();
        let names = (0..accounts).map(|i| format!("acct-{i:08}")).collect();
        let users = (0..20).map(|i: u64| fingerprint::of(&i.to_le_bytes())).collect();
        let step = DAY * 1_000 / (per_day * i64::try_from(accounts).unwrap());
        Self { shard, accounts: names, users, state: 1, offset: 1, now: START * 1_000, step, sink }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }

    /// Entries as a frame brings them: in groups, of which the accounts are known before.
    fn entries(&mut self, draws: &[Draw]) {
        for draws in draws.chunks(32) {
            let mut names = [""; 32];
            for (name, draw) in names.iter_mut().zip(draws) {
                *name = self.accounts[draw.1].as_str();
            }
            black_box(self.shard.warm(&names[..draws.len()]));
            draws.iter().for_each(|draw| self.entry(*draw));
        }
    }

    fn draws(&mut self, count: u64) -> Vec<Draw> {
        (0..count).map(|_| self.draw()).collect()
    }

    /// Folds so many entries without more ado.
    fn grow(&mut self, count: usize) {
        for _ in 0..count {
            let draw = self.draw();
            self.entry(draw);
        }
    }

    fn draw(&mut self) -> Draw {
        let which = self.random(100);
        let account = usize::try_from(self.random(self.accounts.len() as u64)).unwrap();
        let id = self.random(u64::MAX);
        let user = usize::try_from(self.random(20)).unwrap();
        (which, account, user, self.random(6), id)
    }

    /// One entry: mostly an activity, a watermark each minute of event time.
    fn entry(&mut self, (which, account, user, ticket, id): Draw) {
        let before = self.now / 1_000;
        self.now += self.step;
        let time = self.now / 1_000;
        if before.div_euclid(MINUTE) != time.div_euclid(MINUTE) {
            self.mark(time);
        }
        let user = self.users[user];
        let mut fields = Fields::default();
        let source = match which {
            0..30 => {
                fields.set(Field::User, Value::Key(user));
                fields.set(Field::Kind, Value::Word("signed-in"));
                Source::Login
            }
            30..90 => {
                fields.set(Field::User, Value::Key(user));
                let feature = ["import", "report", "search", "share", "export", "chart"];
                fields.set(Field::Feature, Value::Word(feature[usize::try_from(ticket).unwrap()]));
                fields.set(Field::Count, Value::Number(Number::whole(1)));
                Source::FeatureUsage
            }
            90..96 => {
                fields.set(Field::Ticket, Value::Key(ticket));
                fields.set(Field::Kind, Value::Word(if which % 2 == 0 { "opened" } else { "solved" }));
                fields.set(Field::Priority, Value::Word("high"));
                Source::Support
            }
            _ => {
                fields.set(Field::Kind, Value::Word("call"));
                fields.set(Field::State, Value::Word("held"));
                fields.set(Field::Sentiment, Value::Number(Number(200_000)));
                Source::CsmActivity
            }
        };
        let activity = Activity {
            source,
            partition: 0,
            offset: self.offset,
            id,
            time: EventTime(time),
            account: &self.accounts[account],
            fields,
        };
        let at = Position { offset: self.offset, entry: 0, minute: i64::MIN };
        self.shard.fold(at, &Entry::Activity(activity), &mut self.sink).unwrap();
        self.offset += 1;
    }

    fn mark(&mut self, time: i64) {
        let sources = [Source::Login, Source::FeatureUsage, Source::Support, Source::CsmActivity];
        let sources = sources.map(|source| SourceMark {
            source,
            partition_count: 1,
            partitions: vec![PartitionMark {
                partition: 0,
                watermark: Some(EventTime(time - 6 * MINUTE)),
                runs: vec![Run { first: EventTime(time - 7 * MINUTE), last: EventTime(time) }],
                rejected: 0,
                skipped: 0,
            }],
        });
        let entry = Entry::Watermarks(Watermarks { model: None, sources: sources.to_vec() });
        let at = Position { offset: self.offset, entry: 0, minute: i64::MIN };
        let mut step = self.shard.fold(at, &entry, &mut self.sink).unwrap();
        while step == Step::More {
            step = self.shard.go_on(&mut self.sink);
        }
        self.offset += 1;
    }
}

fn fold(criterion: &mut Criterion<Cpu>) {
    const ENTRIES: u64 = 200_000;
    const PART: usize = 10_000;
    let mut group = criterion.benchmark_group("fold");
    group.sample_size(10);
    for (name, accounts) in [("1 k", 1_000), ("50 k accounts", 50_000), ("1 M accounts", 1_000_000)] {
        let (mut world, mut least) = (None, u64::MAX);
        group.throughput(Throughput::Elements(ENTRIES));
        group.bench_function(name, |bench| {
            // Enough to meet every account, and to fill its windows a little.
            let world = world.get_or_insert_with(|| {
                let mut world = World::new(accounts, 30);
                world.grow(4 * accounts);
                world
            });
            let mut draws = world.draws(ENTRIES);
            bench.iter_custom(|times| {
                let mut spent = 0;
                for _ in 0..times {
                    for part in draws.chunks(PART) {
                        let start = Cpu.start();
                        world.entries(part);
                        let part = Cpu.end(start);
                        (spent, least) = (spent + part, least.min(part));
                    }
                    draws = world.draws(ENTRIES);
                }
                spent
            });
        });
        if let Some(world) = &world {
            let (size, outputs) = (world.shard.size() / accounts, world.sink.0);
            println!("{name}: {size} bytes an account, {outputs} outputs of {} entries", world.offset);
            // On a machine that is shared, what others do to caches and cores is in every mean.
            println!("{name}: {} ns an entry in the best {PART}", least / PART as u64);
        }
    }
    group.finish();
}

fn memory() {
    // 60 days of 30 activities a day, 20 users.
    let accounts = 2_000;
    let mut world = World::new(accounts, 30);
    world.grow(60 * 30 * accounts);
    println!(
        "memory: {} bytes an account after 60 days of 30 activities a day by 20 users",
        world.shard.size() / accounts
    );
}

fn stored(criterion: &mut Criterion<Cpu>) {
    let accounts = 20_000;
    let mut world = World::new(accounts, 30);
    world.grow(60 * accounts);
    let mut marker = Vec::new();
    world.shard.write_marker(&mut marker);
    let mut records = Vec::new();
    world.shard.take_dirty(|_, bytes| {
        records.push(bytes.to_vec());
        true
    });
    let bytes: usize = records.iter().map(Vec::len).sum();
    println!("stored: {} bytes an account", bytes / records.len());
    let mut group = criterion.benchmark_group("stored");
    group.sample_size(10);
    group.throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("restore accounts", |bench| {
        bench.iter_batched(
            || Restoring::new(&marker, |_| Some(MODEL)).unwrap(),
            |mut restoring| {
                for record in &records {
                    restoring.add(record).unwrap();
                }
                black_box(restoring.finish())
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().with_measurement(Cpu).configure_from_args();
    if !std::env::args().any(|a| a == "--profile-time") {
        memory();
    }
    fold(&mut criterion);
    if !std::env::args().any(|a| a == "--profile-time") {
        stored(&mut criterion);
    }
    criterion.final_summary();
}
