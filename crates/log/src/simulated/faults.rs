//! What may go wrong, how often, and the count of what did.
//!
//! A fault *fires* when the dice say so and *changes* something when a call then answers otherwise than it
//! would have: a stall that nobody polled into has fired and changed nothing. A simulation in which a kind never
//! changed anything has not tested it.

use std::fmt;
use std::sync::Arc;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A call answers [`crate::Error::Busy`]; nothing has happened.
    Busy,
    /// A commit is aborted by the log, at any of its steps.
    Abort,
    /// The generation moves on between the begin of a commit and its offsets.
    Stale,
    /// A commit goes through, and its answer is lost.
    UnknownCommitted,
    /// The request to commit is lost: the transaction is aborted, at once or when somebody sees to it.
    UnknownAborted,
    /// The request to commit is delayed: it arrives later, before or after the writer's id begins anew.
    UnknownDelayed,
    /// The writer is fenced within a commit.
    Fenced,
    /// The coordinator gives up on a transaction within a commit.
    Timeout,
    /// The process dies before, between or after the appends of a commit.
    CrashAppending,
    /// The process dies after the offsets of a commit; its request to commit may be under way.
    CrashUndecided,
    /// The process dies after its commit, before the answer.
    CrashCommitted,
    /// A partition delivers nothing for a while; its end goes on.
    Stall,
    /// The group is rebalanced, and some partitions go elsewhere.
    Rebalance,
    /// The group is rebalanced, and nothing moves.
    EmptyRebalance,
    /// The group forgets a member.
    Loss,
    /// Offsets are skipped before an append.
    Gap,
    /// The wall clock of a process is wrong for a while.
    Clock,
    /// A foreign transaction stands open in a source for a while, and is aborted.
    Foreign,
    /// The marker of a decided transaction is late, for one partition or for the offsets.
    MarkerDelay,
    /// A poll brings few records.
    SmallBatch,
    /// A commit takes its time: before the log stamps its records, before its request to commit, before its answer. It
    /// changes something where the answer tells of a stamp that lies back, or the coordinator gives up before.
    SlowCommit,
}

/// Where dice are thrown, once a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site {
    Query,
    Poll,
    Commit,
}

const KINDS: usize = 21;

impl Fault {
    /// Every kind.
    pub const ALL: [Self; KINDS] = [
        Self::Busy,
        Self::Abort,
        Self::Stale,
        Self::UnknownCommitted,
        Self::UnknownAborted,
        Self::UnknownDelayed,
        Self::Fenced,
        Self::Timeout,
        Self::CrashAppending,
        Self::CrashUndecided,
        Self::CrashCommitted,
        Self::Stall,
        Self::Rebalance,
        Self::EmptyRebalance,
        Self::Loss,
        Self::Gap,
        Self::Clock,
        Self::Foreign,
        Self::MarkerDelay,
        Self::SmallBatch,
        Self::SlowCommit,
    ];

    /// Those that kill a process.
    pub const CRASHES: [Self; 3] = [Self::CrashAppending, Self::CrashUndecided, Self::CrashCommitted];

    pub(super) fn at(site: Site) -> &'static [Self] {
        match site {
            Site::Query => &[Self::Busy],
            Site::Poll => &[
                Self::Busy,
                Self::Stall,
                Self::Rebalance,
                Self::EmptyRebalance,
                Self::Loss,
                Self::Clock,
                Self::Foreign,
            ],
            Site::Commit => &[
                Self::Abort,
                Self::Stale,
                Self::UnknownCommitted,
                Self::UnknownAborted,
                Self::UnknownDelayed,
                Self::Fenced,
                Self::Timeout,
                Self::CrashAppending,
                Self::CrashUndecided,
                Self::CrashCommitted,
            ],
        }
    }
}

/// How often what goes wrong, and how long things take.
#[derive(Clone, Debug)]
pub struct Faults {
    rates: [u32; KINDS],
    /// How late a marker may be, ms.
    pub marker_delay_ms: i64,
    /// How late a request to commit may arrive, ms.
    pub late_ms: i64,
    /// How long a stall, a foreign transaction or a wrong clock may last, ms.
    pub spell_ms: i64,
    /// How wrong a clock may be, ms either way.
    pub clock_ms: i64,
    /// How long a slow commit takes at least and at most, ms.
    pub commit_ms: (i64, i64),
    /// The topics in which foreign transactions open.
    pub foreign_topics: Vec<Arc<str>>,
    /// After which time a dead process leaves its groups, ms.
    pub session_timeout_ms: i64,
    /// How long a living member may go without a poll, ms.
    pub poll_timeout_ms: i64,
    /// How long a rebalance waits for a member, ms.
    pub rebalance_timeout_ms: i64,
    /// How long a transaction may be undecided, ms.
    pub transaction_timeout_ms: i64,
}

impl Faults {
    /// None at all, and members that may be left unpolled: a plain log in memory.
    #[must_use]
    pub fn none() -> Self {
        Self {
            rates: [0; KINDS],
            marker_delay_ms: 200,
            late_ms: 10_000,
            spell_ms: 5_000,
            clock_ms: 3_600_000,
            commit_ms: (1, 20_000),
            foreign_topics: Vec::new(),
            session_timeout_ms: 10_000,
            poll_timeout_ms: i64::MAX / 4,
            rebalance_timeout_ms: 60_000,
            transaction_timeout_ms: 15_000,
        }
    }

    /// Every kind: those of a poll or a query `per_million` times in a million calls, those of a commit ten times
    /// as often, late markers and small batches often.
    #[must_use]
    pub fn every(per_million: u32) -> Self {
        let mut faults = Self { poll_timeout_ms: 30_000, ..Self::none() };
        for fault in Fault::ALL {
            faults = faults.with(fault, per_million);
        }
        for fault in Fault::at(Site::Commit) {
            faults = faults.with(*fault, per_million.saturating_mul(10).min(60_000));
        }
        let often = per_million.saturating_mul(50).min(300_000);
        faults.with(Fault::MarkerDelay, often).with(Fault::SmallBatch, often)
    }

    /// Those that delay and never change what is true: busy answers, late markers, stalls, gaps, small batches.
    #[must_use]
    pub fn benign(per_million: u32) -> Self {
        let kinds = [Fault::Busy, Fault::MarkerDelay, Fault::Stall, Fault::Gap, Fault::SmallBatch];
        kinds.into_iter().fold(Self::none(), |faults, kind| faults.with(kind, per_million))
    }

    /// With `fault` so often in a million throws.
    #[must_use]
    pub fn with(mut self, fault: Fault, per_million: u32) -> Self {
        self.rates[fault as usize] = per_million;
        self
    }

    /// With foreign transactions in `topics`.
    #[must_use]
    pub fn foreign_in(mut self, topics: &[Arc<str>]) -> Self {
        self.foreign_topics = topics.to_vec();
        self
    }

    /// How often `fault` fires, in a million throws.
    #[must_use]
    pub fn rate(&self, fault: Fault) -> u32 {
        self.rates[fault as usize]
    }
}

/// How often each kind fired, and how often it changed what a call answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    fired: [u64; KINDS],
    changed: [u64; KINDS],
}

impl Tally {
    /// How often `fault` fired.
    #[must_use]
    pub fn fired(&self, fault: Fault) -> u64 {
        self.fired[fault as usize]
    }

    /// How often `fault` changed what a call answered.
    #[must_use]
    pub fn changed(&self, fault: Fault) -> u64 {
        self.changed[fault as usize]
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in self.fired.iter_mut().zip(other.fired) {
            *own += more;
        }
        for (own, more) in self.changed.iter_mut().zip(other.changed) {
            *own += more;
        }
    }

    pub(super) fn fire(&mut self, fault: Fault) {
        self.fired[fault as usize] += 1;
    }

    pub(super) fn change(&mut self, fault: Fault) {
        self.changed[fault as usize] += 1;
    }

    /// Fired, and changed the answer in the same moment.
    pub(super) fn strike(&mut self, fault: Fault) {
        self.fire(fault);
        self.change(fault);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18}{:>10}{:>10}", "fault", "fired", "changed")?;
        for fault in Fault::ALL {
            writeln!(f, "{:<18}{:>10}{:>10}", format!("{fault:?}"), self.fired(fault), self.changed(fault))?;
        }
        Ok(())
    }
}
