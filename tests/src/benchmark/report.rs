//! Figures of runs, and what they come to.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// What was run.
    pub name: String,
    /// Activities read.
    pub events: u64,
    /// Wall time, s: says little on a machine that is shared.
    pub wall_s: f64,
    /// CPU time of the process and all its threads, from its start on, s.
    pub cpu_s: f64,
    /// CPU time of the broker meanwhile, s.
    pub broker_cpu_s: f64,
    /// Activities per CPU-second of the process between a quarter and three quarters of all.
    pub steady: f64,
    /// The most memory that the process had, MiB.
    pub peak_mib: f64,
    /// Committed records by output topic.
    pub outputs: BTreeMap<String, u64>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// CPU time so far, s.
    pub cpu: f64,
    /// Activities scored so far.
    pub done: f64,
}

impl Figures {
    /// Activities per CPU-second of the process, over the whole run.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
    pub fn rate(&self) -> f64 {
        self.events as f64 / self.cpu_s
    }

    /// Activities per CPU-second between a quarter and three quarters of `events`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
    pub fn steady(samples: &[Sample], events: u64) -> f64 {
        let at = |share: f64| samples.iter().find(|sample| sample.done >= share * events as f64).copied();
        match (at(0.25), at(0.75)) {
            (Some(from), Some(to)) if to.cpu > from.cpu => (to.done - from.done) / (to.cpu - from.cpu),
            _ => 0.0,
        }
    }

    /// A line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!(
            "{:<28} {:>7.1} k/CPU-s ({:.1} steady), {:.1} s CPU, broker {:.1} s, wall {:.1} s, {:.0} MiB",
            self.name,
            self.rate() / 1_000.0,
            self.steady / 1_000.0,
            self.cpu_s,
            self.broker_cpu_s,
            self.wall_s,
            self.peak_mib
        );
        for (topic, count) in &self.outputs {
            // Writing to a string cannot fail.
            write!(line, ", {topic} {count}").unwrap_or_default();
        }
        line
    }
}

/// The one in the middle; of an even number, the mean of the two.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.into_iter().collect();
    all.sort_by(f64::total_cmp);
    match all.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => all[len / 2],
        len => f64::midpoint(all[len / 2 - 1], all[len / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).is_nan());
    }

    #[test]
    fn the_steady_part_begins_at_a_quarter_and_ends_at_three_quarters() {
        let samples: Vec<Sample> =
            (0..=10_u32).map(|i| Sample { cpu: f64::from(i).powi(2), done: f64::from(i * 10) }).collect();
        // From 30 at 9 s to 80 at 64 s.
        assert!((Figures::steady(&samples, 100) - 50.0 / 55.0).abs() < 1e-9);
    }
}
