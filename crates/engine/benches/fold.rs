//! The fold, in CPU time: activities at 50,000 and 1,000,000 accounts under a model of 12 signals, the stored
//! form, and the memory of an account under 20 users and 30 activities a day.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "support/company.rs"]
mod company;
#[path = "support/cpu.rs"]
mod cpu;

use company::{Company, Draw, MODEL, WIDE};
use cpu::Cpu;
use criterion::measurement::Measurement;
use criterion::{BatchSize, Criterion, Throughput};
use engine::effect::{Effect, EffectId, Sink};
use engine::entry::{Entry, Position};
use engine::{Restoring, Shard, Step};
use std::hint::black_box;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Entries whose accounts are warmed at once, and so many such groups that their entries stay in a core's own cache.
const GROUP: usize = 32;
const GROUPS: usize = 32;

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
        Self::of(MODEL, Company::new(accounts, per_day))
    }

    fn of(model: &str, company: Company) -> Self {
        let (mut shard, mut sink) = (Shard::new(), Count::default());
        let at = Position { offset: 0, entry: 0, minute: i64::MIN };
        shard.fold(at, &Entry::Model(model), &mut sink).unwrap();
        Self { shard, company, offset: 1, sink }
    }

    /// Folds entries as a frame brings them: in groups, of which the accounts are known before. Returns the time that
    /// the fold took; that of making the entries is not its.
    fn entries(&mut self, draws: &[Draw]) -> u64 {
        let accounts = Arc::clone(&self.company.accounts);
        let mut spent = 0;
        for draws in draws.chunks(GROUP * GROUPS) {
            let entries: Vec<_> = draws.iter().map(|draw| self.made(*draw, &accounts)).collect();
            let start = Cpu.start();
            for (entries, draws) in entries.chunks(GROUP).zip(draws.chunks(GROUP)) {
                let mut names = [""; GROUP];
                for (name, draw) in names.iter_mut().zip(draws) {
                    *name = accounts[draw.1].as_str();
                }
                black_box(self.shard.warm(&names[..draws.len()]));
                entries.iter().for_each(|made| self.fold(made));
            }
            spent += Cpu.end(start);
        }
        spent
    }

    fn draws(&mut self, count: u64) -> Vec<Draw> {
        (0..count).map(|_| self.company.draw()).collect()
    }

    /// Folds so many entries without more ado.
    fn grow(&mut self, count: usize) {
        let accounts = Arc::clone(&self.company.accounts);
        for _ in 0..count {
            let draw = self.company.draw();
            let made = self.made(draw, &accounts);
            self.fold(&made);
        }
    }

    /// The entries of a draw: an activity, before it a watermark each minute of event time.
    fn made<'a>(&mut self, draw: Draw, accounts: &'a [String]) -> (Option<Entry<'a>>, Entry<'a>) {
        (self.company.pass(), self.company.activity(draw, accounts))
    }

    fn fold(&mut self, (mark, activity): &(Option<Entry<'_>>, Entry<'_>)) {
        let Self { shard, offset, sink, .. } = self;
        for entry in mark.iter().chain([activity]) {
            let mut step =
                shard.fold(Position { offset: *offset, entry: 0, minute: i64::MIN }, entry, sink).unwrap();
            while step == Step::More {
                step = shard.go_on(sink);
            }
            *offset += 1;
        }
    }
}

fn fold(criterion: &mut Criterion<Cpu>) {
    const ENTRIES: u64 = 200_000;
    const PART: usize = 10_000;
    let mut group = criterion.benchmark_group("fold");
    group.sample_size(10);
    for (name, accounts, model) in [
        ("1 k", 1_000, None),
        ("50 k accounts", 50_000, None),
        ("1 M accounts", 1_000_000, None),
        ("50 k accounts, nine sources, 12 signals", 50_000, Some(MODEL)),
        ("50 k accounts, nine sources, 25 signals", 50_000, Some(WIDE)),
    ] {
        let (mut world, mut least) = (None, u64::MAX);
        group.throughput(Throughput::Elements(ENTRIES));
        group.bench_function(name, |bench| {
            // Enough to meet every account, and to fill its windows a little.
            let world = world.get_or_insert_with(|| {
                let mut world = match model {
                    None => World::new(accounts, 30),
                    Some(model) => World::of(model, Company::wide(accounts, 30)),
                };
                world.grow(4 * accounts);
                world
            });
            let mut draws = world.draws(ENTRIES);
            bench.iter_custom(|times| {
                let mut spent = 0;
                for _ in 0..times {
                    for part in draws.chunks(PART) {
                        let part = world.entries(part);
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
    for (name, mut world) in [
        ("memory", World::new(accounts, 30)),
        ("nine sources, 12 signals", World::of(MODEL, Company::wide(accounts, 30))),
        ("nine sources, 25 signals", World::of(WIDE, Company::wide(accounts, 30))),
    ] {
        world.grow(60 * 30 * accounts);
        let size = world.shard.size() / accounts;
        println!("{name}: {size} bytes an account after 60 days of 30 activities a day by 20 users");
    }
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
