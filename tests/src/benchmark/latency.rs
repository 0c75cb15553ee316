//! From the append of an activity to its alert, read as committed, while others come at a steady rate.

use super::present::{Watch, activity, sour};
use super::process::cpu_seconds;
use super::product::{Broker, Producer, Run, clear};
use engine::fingerprint;
use pipeline::topic;
use serde::Serialize;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often activity is sent.
const TICK: Duration = Duration::from_millis(10);
/// The first so many seconds do not count: the groups are joined, the clocks of the sources begin.
const WARM: Duration = Duration::from_secs(20);
/// How long the last alerts are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Accounts differ in when they are first published, by up to a quarter of an hour (`engine`, `spread`). Those that
/// are watched are among the first.
const SPREAD_MS: u64 = 1_000;
const ALERT: &str = "  sour: { when: { sentiment: { below: -0.999 } }, notify: csm }\n";

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// Activities a second that were sent.
    pub rate: f64,
    /// Alerts that were waited for.
    pub alerts: usize,
    /// From just before the producer's transaction began to the alert in a reader's hands, ms, at these per cent of all.
    pub p50_ms: f64,
    /// See [`Self::p50_ms`].
    pub p99_ms: f64,
    /// See [`Self::p50_ms`].
    pub most_ms: f64,
    /// CPU time of the process for each second, s.
    pub cpu_share: f64,
    /// The same of the broker.
    pub broker_cpu_share: f64,
}

impl Latency {
    /// A line for people.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{:.0} activities/s, {} alerts: p50 {:.0} ms, p99 {:.0} ms, most {:.0} ms; {:.2} CPU-s/s, broker {:.2}",
            self.rate,
            self.alerts,
            self.p50_ms,
            self.p99_ms,
            self.most_ms,
            self.cpu_share,
            self.broker_cpu_share
        )
    }
}

/// The id of an account that is among the first to be published.
fn watched(number: usize) -> String {
    let early = |id: &String| fingerprint::of(id.as_bytes()) % 900_000 < SPREAD_MS;
    (0..).map(|salt| format!("watched-{number}-{salt}")).find(early).unwrap()
}

/// Sends `rate` activities a second of `accounts` accounts for `seconds`, and watches for the alert of one every tick.
///
/// # Panics
/// If the program or the broker fails, or an alert does not come.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures"
)]
pub fn measure(run: &Run, broker: &Broker, accounts: u32, rate: u32, seconds: u32) -> Latency {
    broker.make_sources();
    let dir = run.set_up(broker, &(run.live_model() + ALERT));
    let running = run.start(dir.path(), "run", &[]);
    let watch = Watch::over(broker, &[topic::ALERTS]);
    let mut producer = Producer::new(broker);
    let mut activity = activity(accounts);
    let began = Instant::now();
    let end = WARM + Duration::from_secs(seconds.into());
    let mut sent: HashMap<String, Instant> = HashMap::new();
    let (mut count, mut counted_from) = (0_u64, 0);
    let mut cpu = (0.0, 0.0);
    while began.elapsed() < end {
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        while count < due {
            producer.push(&activity.next().unwrap());
            count += 1;
        }
        if began.elapsed() >= WARM {
            if sent.is_empty() {
                counted_from = count;
                cpu = (cpu_seconds(running.pid()), cpu_seconds(broker.pid));
            }
            let account = watched(sent.len());
            producer.push(&sour(&account));
            sent.insert(account, Instant::now());
            count += 1;
        }
        producer.send();
        let next = began + TICK * (began.elapsed().as_millis() / TICK.as_millis() + 1) as u32;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let span = (began.elapsed() - WARM).as_secs_f64();
    let cpu = (cpu_seconds(running.pid()) - cpu.0, cpu_seconds(broker.pid) - cpu.1);
    let last = Instant::now();
    let mut took: HashMap<String, f64> = HashMap::new();
    while took.len() < sent.len() {
        let left = PATIENCE.saturating_sub(last.elapsed());
        let Ok((account, at)) = watch.seen.recv_timeout(left) else {
            panic!("{} of {} alerts did not come:\n{}", sent.len() - took.len(), sent.len(), running.said());
        };
        if let Some(sent) = sent.get(&account) {
            took.entry(account).or_insert_with(|| at.duration_since(*sent).as_secs_f64() * 1_000.0);
        }
    }
    drop((watch, running));
    clear(broker);
    let mut took: Vec<f64> = took.into_values().collect();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    Latency {
        rate: (count - counted_from) as f64 / span,
        alerts: took.len(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        most_ms: at(1.0),
        cpu_share: cpu.0 / span,
        broker_cpu_share: cpu.1 / span,
    }
}
