//! What a process has used so far, as `/proc` says.

use std::fs;

/// CPU seconds of a process, all threads, user and system. 0 once it is gone.
pub(super) fn cpu_seconds(pid: u32) -> f64 {
    seconds(&pid.to_string(), 11)
}

/// CPU seconds of all processes that this one has started and waited for, and of theirs.
pub(super) fn children_cpu_seconds() -> f64 {
    seconds("self", 13)
}

/// The sum of two times of a process, `after` words behind its name (proc(5)).
fn seconds(process: &str, after: usize) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program stands in parentheses and may hold anything.
    let words = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(after).take(2);
    let ticks: f64 = words.filter_map(|word| word.parse::<f64>().ok()).sum();
    ticks / ticks_per_second()
}

#[expect(clippy::cast_precision_loss, reason = "it is 100")]
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// The most memory that a process has had so far, MiB. 0 once it is gone.
pub(super) fn peak_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
    kib / 1_024.0
}
