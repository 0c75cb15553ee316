//! About how much memory an account takes.
//!
//! An estimate of the fold's own state in memory, for an ordinary customer: 20 users, 30 activities a day, 10 tickets,
//! 10 milestones. It leaves out what the process needs beside that: buffers, the outbox, and the outputs under way. An
//! account may take more: users, tickets and milestones are kept one by one, up to the ceilings of the page on models.
//! A test of the engine compares it with what accounts take that were given just that.

use crate::operator;
use crate::plan::{Operator, Plan};

/// Activities of an ordinary account in a day.
const A_DAY: u64 = 30;
/// What is kept of each account under every model: what it is called, where it stands, its places in indexes.
const ACCOUNT: u64 = 560;
/// The value of a signal.
const SIGNAL: u64 = 8;
/// What a measure came to, and what was last published of it.
const MEASURE: u64 = 20;
/// Where an alert stands.
const RULE: u64 = 56;
/// When something is due on one of the two clocks of a source, with its place in a calendar.
const TIMER: u64 = 24;
/// A fingerprint by which an activity that comes again is known.
const FINGERPRINT: u64 = 10;

/// Bytes an account, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The state of the signals.
    pub signals: u64,
    /// The account itself: identity, measures, alerts, timers.
    pub account: u64,
    /// Fingerprints of its activities.
    pub duplicates: u64,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.signals + self.account + self.duplicates
    }
}

/// That of a model.
pub(super) fn of(plan: &Plan) -> Memory {
    let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let sources = count(plan.used.len());
    let account = ACCOUNT
        + SIGNAL * count(plan.signals.len())
        + MEASURE * count(plan.measures.len())
        + RULE * count(plan.rules.len())
        + TIMER * 2 * sources;
    // They are forgotten by time, which is as far behind what comes as that may be late.
    let rules = plan.used.iter().filter_map(|source| plan.sources.get(source.index()));
    let kept = rules.map(|rules| rules.dedup.saturating_add(rules.max_delay)).max().unwrap_or(0);
    let kept = u64::try_from(kept).unwrap_or(0);
    let duplicates = FINGERPRINT * (kept.saturating_mul(A_DAY)).div_ceil(crate::time::DAY.unsigned_abs());
    // Both of these look at the same list of milestones.
    let (mut of_milestones, mut signals) = (0, 0);
    for signal in &plan.signals {
        let bytes = operator::bytes(&signal.operator);
        if matches!(signal.operator, Operator::Reached | Operator::Overdue) {
            of_milestones = bytes;
        } else {
            signals += bytes;
        }
    }
    Memory { signals: signals + of_milestones, account, duplicates }
}
