//! One alert rule of one account: a small machine that cannot flap.
//!
//! Time is counted on the clocks that the rule is about and stands still in a hold; see "Rules" in
//! `crates/README.md`. An alert that fired is resolved exactly once.

use crate::bytes::{Damaged, Reader, Writer};
use model::plan::Severity;

/// Where a rule stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing is wrong.
    #[default]
    Idle,
    /// The condition holds, not yet for long enough, or while another alert inhibits this one.
    Pending,
    /// An alert is open and the condition for its end does not hold.
    Firing,
    /// An alert is open; the condition for its end holds, not yet for long enough.
    Clearing,
    /// An alert was resolved not long ago.
    Cooldown,
}

/// The state of one rule of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) severity: Option<Severity>,
    /// How often it fired.
    pub(crate) episode: u32,
    /// What it holds while it is not idle, which most rules are.
    run: Option<Box<Run>>,
}

/// What a rule that is not idle holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Run {
    /// Time of the phase that counts, up to `since`, ms.
    counted: i64,
    /// The clocks when counting began or went on; empty in a hold and while idle.
    since: Box<[i64]>,
    /// When the condition began to hold.
    started_at: i64,
    /// When it fired.
    fired_at: i64,
}

/// What the machine is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    /// The clocks that time is counted on; the least growth counts.
    pub(crate) clocks: &'a [i64],
    pub(crate) hold: bool,
    /// Whether an alert is open that keeps this one from firing.
    pub(crate) inhibited: bool,
    /// Whether `when` holds.
    pub(crate) begins: bool,
    /// Whether the clearing condition holds.
    pub(crate) clears: bool,
    pub(crate) for_ms: i64,
    pub(crate) keep_firing_for: i64,
    pub(crate) cooldown: i64,
    pub(crate) as_of: i64,
}

/// A transition that the world is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    Fired,
    Resolved,
}

impl State {
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Firing | Phase::Clearing)
    }

    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// The clocks when counting began or went on; empty in a hold and while idle.
    pub(crate) fn since(&self) -> &[i64] {
        self.run.as_ref().map_or(&[], |run| &run.since)
    }

    /// Time of the phase that counts, up to [`State::since`], ms.
    pub(crate) fn counted(&self) -> i64 {
        self.run.as_ref().map_or(0, |run| run.counted)
    }

    /// When the condition began to hold.
    pub(crate) fn started_at(&self) -> i64 {
        self.run.as_ref().map_or(0, |run| run.started_at)
    }

    /// When it fired.
    pub(crate) fn fired_at(&self) -> i64 {
        self.run.as_ref().map_or(0, |run| run.fired_at)
    }

    /// Time of the phase that has counted.
    fn elapsed(&self, clocks: &[i64]) -> i64 {
        let growth = self.since().iter().zip(clocks).map(|(since, now)| now.saturating_sub(*since)).min();
        self.counted().saturating_add(growth.unwrap_or(0).max(0))
    }

    fn enter(&mut self, phase: Phase, clocks: &[i64]) {
        self.phase = phase;
        let run = self.run.get_or_insert_default();
        run.counted = 0;
        let counts = !matches!(phase, Phase::Idle | Phase::Firing);
        run.since = if counts { clocks.into() } else { Box::default() };
    }

    /// Lets go of what an idle rule holds no longer, once the world was told.
    pub(crate) fn tidy(&mut self) {
        if self.is_idle() {
            self.run = None;
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap(&self) -> usize {
        self.run.as_ref().map_or(0, |run| size_of::<Run>() + 8 * run.since.len())
    }

    /// Takes the next step, if there is one. Called until there is none.
    pub(crate) fn step(&mut self, told: &Told<'_>) -> (bool, Option<Transition>) {
        if told.hold {
            if self.since().is_empty() {
                return (false, None);
            }
            let counted = self.elapsed(told.clocks);
            let run = self.run.get_or_insert_default();
            run.counted = counted;
            run.since = Box::default();
            return (true, None);
        }
        let counting = !matches!(self.phase, Phase::Idle | Phase::Firing);
        if counting && self.since().is_empty() {
            self.run.get_or_insert_default().since = told.clocks.into();
            return (true, None);
        }
        let elapsed = self.elapsed(told.clocks);
        match self.phase {
            Phase::Idle if told.begins => {
                self.enter(Phase::Pending, told.clocks);
                self.run.get_or_insert_default().started_at = told.as_of;
                (true, None)
            }
            Phase::Pending if !told.begins => {
                self.enter(Phase::Idle, told.clocks);
                (true, None)
            }
            Phase::Pending if elapsed >= told.for_ms && !told.inhibited => {
                self.enter(Phase::Firing, told.clocks);
                self.episode = self.episode.saturating_add(1);
                self.run.get_or_insert_default().fired_at = told.as_of;
                (true, Some(Transition::Fired))
            }
            Phase::Firing if told.clears => {
                self.enter(Phase::Clearing, told.clocks);
                (true, None)
            }
            Phase::Clearing if !told.clears => {
                self.enter(Phase::Firing, told.clocks);
                (true, None)
            }
            Phase::Clearing if elapsed >= told.keep_firing_for => {
                self.resolve(told.cooldown, told.clocks);
                (true, Some(Transition::Resolved))
            }
            Phase::Cooldown if elapsed >= told.cooldown => {
                self.enter(Phase::Idle, told.clocks);
                (true, None)
            }
            Phase::Idle | Phase::Pending | Phase::Firing | Phase::Clearing | Phase::Cooldown => (false, None),
        }
    }

    /// Ends an open alert, for whatever reason.
    pub(crate) fn resolve(&mut self, cooldown: i64, clocks: &[i64]) {
        self.enter(if cooldown > 0 { Phase::Cooldown } else { Phase::Idle }, clocks);
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        let phase = match self.phase {
            Phase::Idle => 0,
            Phase::Pending => 1,
            Phase::Firing => 2,
            Phase::Clearing => 3,
            Phase::Cooldown => 4,
        };
        let severity = self.severity.map_or(0, |severity| match severity {
            Severity::Info => 1,
            Severity::Warning => 2,
            Severity::Error => 3,
            Severity::Critical => 4,
        });
        to.u64(phase + 8 * severity);
        to.u64(u64::from(self.episode));
        if self.phase == Phase::Idle {
            return;
        }
        to.i64(self.counted());
        to.len(self.since().len());
        self.since().iter().for_each(|since| to.i64(*since));
        to.i64(self.started_at());
        to.i64(self.fired_at());
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let head = from.u64()?;
        let phase = match head % 8 {
            0 => Phase::Idle,
            1 => Phase::Pending,
            2 => Phase::Firing,
            3 => Phase::Clearing,
            4 => Phase::Cooldown,
            _ => return Err(Damaged("no such phase")),
        };
        let severity = match head / 8 {
            0 => None,
            1 => Some(Severity::Info),
            2 => Some(Severity::Warning),
            3 => Some(Severity::Error),
            4 => Some(Severity::Critical),
            _ => return Err(Damaged("no such severity")),
        };
        let mut state = Self { phase, severity, episode: from.u32()?, ..Self::default() };
        if phase == Phase::Idle {
            return Ok(state);
        }
        let mut run = Run { counted: from.time()?, ..Run::default() };
        run.since = (0..from.len()?).map(|_| from.time()).collect::<Result<_, _>>()?;
        (run.started_at, run.fired_at) = (from.time_or(i64::MIN)?, from.time_or(i64::MIN)?);
        state.run = Some(Box::new(run));
        Ok(state)
    }
}
