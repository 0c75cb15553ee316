//! What one record costs on its way in and out.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a benchmark")]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::effect::{AccountHealth, Alert, AlertState, Cause, Effect, EffectId, Health};
use engine::entry::Entry;
use model::plan::Severity;
use model::source::Source;
use std::hint::black_box;
use wire::activity::Decoder;
use wire::frame::{FrameBuffer, Writer};
use wire::output::{Encoder, Journal};

const USAGE: &str = r#"{"id":"0b6cf1f8-8d5c-4b6e-9d3c-1f2f3a4b5c6d","account":"acct-00012345","user":"user-07@acct-00012345.example.com","time":"2025-02-03T04:05:06.789Z","feature":"feature-12","count":3}"#;

fn usage(n: usize) -> String {
    let id = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let account = (id >> 40) % 4_000;
    format!(
        r#"{{"id":"{:08x}-8d5c-4b6e-9d3c-{:012x}","account":"acct-{account:08}","user":"user-{:02}@acct-{account:08}.example.com","time":"2025-02-03T04:{:02}:{:02}.{:03}Z","feature":"feature-{}","count":{}}}"#,
        id >> 32,
        id & 0xffff_ffff_ffff,
        id % 20,
        n / 6_000 % 60,
        n / 100 % 60,
        id % 1_000,
        (id >> 20) % 40,
        (id >> 30) % 9 + 1
    )
}

fn decode(c: &mut Criterion) {
    let mut decoder = Decoder::default();
    let records: Vec<String> = (0..1_000).map(usage).collect();
    let mut group = c.benchmark_group("decode");
    group.bench_function("feature-usage of 190 bytes", |b| {
        b.iter(|| decoder.decode(Source::FeatureUsage, 1, 2, black_box(USAGE.as_bytes())).map(|a| a.id));
    });
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("1000 feature-usages", |b| {
        b.iter(|| {
            for record in &records {
                black_box(decoder.decode(Source::FeatureUsage, 1, 2, record.as_bytes()).is_ok());
            }
        });
    });
}

fn frame(c: &mut Criterion) {
    let mut decoder = Decoder::default();
    let mut decoders: Vec<Decoder> = (0..5_000).map(|_| Decoder::default()).collect();
    let records: Vec<String> = (0..5_000).map(usage).collect();
    let entries: Vec<Entry<'_>> = decoders
        .iter_mut()
        .zip(&records)
        .enumerate()
        .map(|(n, (d, r))| {
            Entry::Activity(d.decode(Source::FeatureUsage, 1, n as i64, r.as_bytes()).unwrap())
        })
        .collect();
    let mut writer = Writer::new(1);
    let mut value = Vec::new();
    for entry in &entries {
        writer.push(entry).unwrap();
    }
    let raw = writer.len_bytes();
    writer.finish(&mut value);
    println!("{} entries: {raw} bytes, stored {}", entries.len(), value.len());
    let mut group = c.benchmark_group("frame");
    group.throughput(Throughput::Elements(5_000));
    group.bench_function("push 5000 entries", |b| {
        b.iter(|| {
            writer.clear();
            for entry in &entries {
                writer.push(entry).unwrap();
            }
        });
    });
    group.bench_function("push and finish 5000 entries", |b| {
        b.iter(|| {
            for entry in &entries {
                writer.push(entry).unwrap();
            }
            writer.finish(&mut value);
        });
    });
    let mut buffer = FrameBuffer::default();
    group.bench_function("load 5000 entries", |b| b.iter(|| buffer.load(black_box(&value)).unwrap()));
    group.bench_function("read 5000 entries", |b| {
        b.iter(|| {
            let mut reader = buffer.reader();
            let mut sum = 0;
            while let Some(entry) = reader.next_entry().unwrap() {
                if let Entry::Activity(activity) = &entry {
                    sum += activity.id;
                }
            }
            sum
        });
    });
    group.finish();
    black_box(decoder.decode(Source::FeatureUsage, 1, 2, USAGE.as_bytes()).is_ok());
}

fn output(c: &mut Criterion) {
    let (plan, lines) = (support::plan(), support::lines());
    let standing = support::standing(&plan, &lines);
    let health = Effect::Health(Health {
        standing,
        previous_score: Some(4_743),
        previous_band: Some(1),
        first: false,
        cap_change: 0,
        override_change: 0,
        removed_change: 0,
        cause: Cause::Time,
    });
    let alert = Effect::Alert(Alert {
        standing,
        rule: &plan.rules[0].name,
        rule_index: Some(0),
        episode: 1,
        revision: 1,
        state: AlertState::Firing,
        severity: Severity::Error,
        started_at: support::AS_OF,
        fired_at: support::AS_OF,
        ended_at: None,
        evidence: &[],
        cause: Cause::Time,
    });
    let account = Effect::AccountHealth(AccountHealth { standing, open_alerts: &[] });
    let mut encoder = Encoder::new("acme-prod");
    let (journal, id) =
        (Journal { epoch: 1, partition: 11 }, EffectId { offset: 88_213, entry: 0, index: 0 });
    let mut group = c.benchmark_group("output");
    for (name, effect) in [("health of 7 measures", health), ("alert", alert), ("account-health", account)] {
        let bytes = encoder.encode(journal, id, &effect).value.map_or(0, <[u8]>::len);
        println!("{name}: {bytes} bytes");
        group.bench_function(name, |b| {
            b.iter(|| encoder.encode(journal, id, black_box(&effect)).value.map(<[u8]>::len));
        });
    }
}

criterion_group!(benches, decode, frame, output);
criterion_main!(benches);
