//! The fold, in CPU time: activities at 50,000 and 1,000,000 accounts under a model of 12 signals, the stored
//! form, and the memory of an account under 20 users and 30 activities a day.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "support/company.rs"]
mod company;
#[path = "support/cpu.rs"]
mod cpu;

use company::{Company, Draw, MODEL};
use cpu::Cpu;
use criterion::measurement::Measurement;
use criterion::{BatchSize, Criterion, Throughput};
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::{Entry, Position};
use engine::{Restoring, Shard, Step};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn effect(&mut self, _: EffectId, effect: &Effect<'_>) {
        self.0 += u64::from(matches!(effect, Effect::Health(_) | Effect::Alert(_)));
    }
}

struct World {
    shard: Shard,
    company: Company,
    offset: i64,
    sink: Count,
}

impl World {
    fn new(accounts: usize, per_day: i64) -> Self {
        let mut shard = Shard::new();
        let mut sink = Count::default();
        shard
            .fold(Position { offset: 0, entry: 0, minute: i64::MIN }, &Entry::Model(MODEL), &mut sink)
            .unwrap();
        Self { shard, company: Company::new(accounts, per_day), offset: 1, sink }
    }

    /// Entries as a frame brings them: in groups, of which the accounts are known before.
    fn entries(&mut self, draws: &[Draw]) {
        for draws in draws.chunks(32) {
            let mut names = [""; 32];
            for (name, draw) in names.iter_mut().zip(draws) {
                *name = self.company.accounts[draw.1].as_str();
            }
            black_box(self.shard.warm(&names[..draws.len()]));
            draws.iter().for_each(|draw| self.entry(*draw));
        }
    }

    fn draws(&mut self, count: u64) -> Vec<Draw> {
        (0..count).map(|_| self.company.draw()).collect()
    }

    /// Folds so many entries without more ado.
    fn grow(&mut self, count: usize) {
        for _ in 0..count {
            let draw = self.company.draw();
            self.entry(draw);
        }
    }

    /// One entry: mostly an activity, a watermark each minute of event time.
    fn entry(&mut self, draw: Draw) {
        let Self { shard, company, offset, sink } = self;
        let mut at = || {
            *offset += 1;
            Position { offset: *offset - 1, entry: 0, minute: i64::MIN }
        };
        if let Some(mark) = company.pass() {
            let mut step = shard.fold(at(), &mark, sink).unwrap();
            while step == Step::More {
                step = shard.go_on(sink);
            }
        }
        shard.fold(at(), &company.activity(draw), sink).unwrap();
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
    let accounts = 5_000;
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
