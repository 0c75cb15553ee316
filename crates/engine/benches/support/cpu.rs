//! CPU time as what a benchmark measures: on a machine that is shared, wall time says little. Benchmarks of other
//! crates take this file in by its path.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Cpu;

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

    /// The formatter of wall time serves nanoseconds of CPU as well.
    fn formatter(&self) -> &dyn ValueFormatter {
        static WALL: WallTime = WallTime;
        WALL.formatter()
    }
}
