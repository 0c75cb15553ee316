//! CPU time of the embedded log: records of 100 bytes, journal frames of 64 KiB, and many writers at once.
//! `cargo run --release -p vitals-log --example embedded_throughput [directory]`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example that prints figures")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vitals_log::embedded::{Embedded, Options};
use vitals_log::{Appends, Batch, Cleanup, Event, Isolation, Log, Partition, Reader, Stamp, TopicSpec};
use vitals_log::{Transaction, Writer};

const PARTITIONS: u32 = 16;

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

fn timed(what: &str, records: u64, bytes: u64, work: impl FnOnce()) {
    let (wall, used) = (Instant::now(), cpu());
    work();
    let (wall, used) = (wall.elapsed(), cpu() - used);
    let each = used.as_secs_f64() * 1e9 / f64::from(u32::try_from(records).unwrap());
    let rate = f64::from(u32::try_from(bytes >> 10).unwrap()) / 1024.0 / used.as_secs_f64();
    println!("{what:<52} wall {wall:>9.3?}  cpu {used:>9.3?}  {each:>9.0} ns/record  {rate:>6.0} MiB/cpu-s");
}

fn create(log: &Embedded, name: &str, cleanup: Cleanup) -> Arc<str> {
    let name: Arc<str> = name.into();
    let spec = TopicSpec {
        name: Arc::clone(&name),
        partitions: PARTITIONS,
        stamp: Stamp::Append,
        cleanup,
        max_record_bytes: 1 << 20,
    };
    log.create(&spec).unwrap();
    name
}

fn commit(writer: &mut impl Writer, appends: &Appends) {
    writer.commit(&Transaction { appends: &[appends], offsets: &[], membership: None }).unwrap();
}

fn read(log: &Embedded, topic: &Arc<str>) -> u64 {
    let mut count = 0;
    for number in 0..PARTITIONS {
        let partition = Partition::new(Arc::clone(topic), number);
        let mut reader = log.read(&partition, 0, Isolation::Committed).unwrap();
        let mut batch = Batch::default();
        while reader.poll(&mut batch, Duration::ZERO).unwrap() == Event::Records {
            count += u64::try_from(batch.len()).unwrap();
        }
    }
    count
}

fn filler(seed: &mut u64, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&seed.to_be_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn run(dir: &Path) {
    let log = Embedded::open(dir, Options::default()).unwrap();
    let mut writer = log.writer("bench").unwrap();
    let mut seed = 1;

    let small = create(&log, "small", Cleanup::Keep);
    let per_commit = 10_000;
    timed("append 1 M records of 100 B, 10 k a transaction", 1_000_000, 100_000_000, || {
        let mut appends = Appends::default();
        for _ in 0..1_000_000 / per_commit {
            appends.clear();
            for record in 0..per_commit {
                let value = filler(&mut seed, 88);
                appends.push(&small, record % PARTITIONS, Some(&value[..12]), Some(&value), &[]);
            }
            commit(&mut writer, &appends);
        }
    });
    timed("read them", 1_000_000, 100_000_000, || assert_eq!(read(&log, &small), 1_000_000));

    let frames = create(&log, "frames", Cleanup::Keep);
    timed("append 10 k frames of 64 KiB, 16 a transaction", 10_000, 10_000 << 16, || {
        let value = filler(&mut seed, 64 << 10);
        let mut appends = Appends::default();
        for _ in 0..10_000 / PARTITIONS {
            appends.clear();
            for partition in 0..PARTITIONS {
                appends.push(&frames, partition, None, Some(&value), &[]);
            }
            commit(&mut writer, &appends);
        }
    });
    timed("read them", 10_000, 10_000 << 16, || assert_eq!(read(&log, &frames), 10_000));

    let state = create(&log, "state", Cleanup::Compact);
    timed("overwrite 50 k keys of 1 KiB ten times, 1 k a transaction", 500_000, 500_000 << 10, || {
        let mut appends = Appends::default();
        for round in 0..500u32 {
            appends.clear();
            for at in 0..1_000 {
                let key = (round * 1_000 + at) % 50_000;
                let value = filler(&mut seed, 1 << 10);
                appends.push(&state, key % PARTITIONS, Some(&key.to_be_bytes()), Some(&value), &[]);
            }
            commit(&mut writer, &appends);
        }
    });
    timed("read what is left", 50_000, 50_000 << 10, || println!("  {} records", read(&log, &state)));
    println!("on disk: {} MiB", log.disk_bytes().unwrap() >> 20);

    for writers in [1u32, 4, 16] {
        let (start, commits) = (Instant::now(), 500);
        let threads: Vec<_> = (0..writers)
            .map(|number| {
                let (log, small) = (log.clone(), Arc::clone(&small));
                std::thread::spawn(move || {
                    let mut writer = log.writer(&format!("bench-{number}")).unwrap();
                    let mut appends = Appends::default();
                    appends.push(&small, number, None, Some(b"one small record"), &[]);
                    (0..commits).for_each(|_| commit(&mut writer, &appends));
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let rate = f64::from(writers * commits) / start.elapsed().as_secs_f64();
        println!("{writers:>2} writers of small transactions, synced: {rate:.0} commits/s");
    }

    drop(writer);
    drop(log);
    timed("open again", 1, 1 << 10, || drop(Embedded::open(dir, Options::default()).unwrap()));
}

fn main() {
    match std::env::args().nth(1) {
        Some(dir) => run(Path::new(&dir)),
        None => run(tempfile::tempdir().unwrap().path()),
    }
}
