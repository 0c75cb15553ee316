//! Brings the readings of an account up to an instant: where an activity came, those that it can have changed, and no
//! others.

use crate::account::{Account, UNKNOWN};
use crate::now::{Clocks, Due, Edge, Now};
use crate::operator;
use crate::prepared::Prepared;
use crate::timer::NEVER;
use model::plan::{Operator, SourceSet};
use model::source::Source;

/// Signals whose values were found to be others than before.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Whether each has.
    has: Vec<bool>,
    /// Those that have.
    signals: Vec<usize>,
}

impl Changed {
    /// Nothing has changed, of so many signals.
    pub(crate) fn begin(&mut self, signals: usize) {
        for signal in &self.signals {
            self.has[*signal] = false;
        }
        self.signals.clear();
        self.has.resize(signals, false);
    }

    fn add(&mut self, signal: usize) {
        if !std::mem::replace(&mut self.has[signal], true) {
            self.signals.push(signal);
        }
    }

    pub(crate) const fn any(&self) -> bool {
        !self.signals.is_empty()
    }

    pub(crate) fn has(&self, signal: usize) -> bool {
        self.has[signal]
    }

    /// Those that have.
    pub(crate) fn signals(&self) -> &[usize] {
        &self.signals
    }
}

/// The edges of an account's windows on a source.
pub(crate) fn edge<'a>(clocks: Clocks<'a>, now: &Now, source: Source, spread: i64) -> Edge<'a> {
    let i = source.index();
    Edge { clock: &clocks.clocks[i], now: now.sources[i], rules: &clocks.rules[i], spread }
}

/// Reads every signal, and says of each clock when something is due on it: exactly, whatever was known before.
pub(crate) fn read_all(
    account: &mut Account,
    prepared: &Prepared,
    clocks: Clocks<'_>,
    now: &Now,
    changed: &mut Changed,
) {
    read_sources(account, prepared, clocks, now, prepared.plan.used, changed);
    account.unread = false;
}

/// Reads every signal of some sources, as [`read_all`] does; the others stay as they were last read.
pub(crate) fn read_sources(
    account: &mut Account,
    prepared: &Prepared,
    clocks: Clocks<'_>,
    now: &Now,
    sources: SourceSet,
    changed: &mut Changed,
) {
    for source in prepared.waits.iter().filter(|source| sources.contains(**source)) {
        let (i, slot) = (source.index(), prepared.slot_of[source.index()]);
        account.set_due(slot, NEVER);
        account.set_due(slot + 1, NEVER);
        account.unbegun = account.unbegun.without(*source);
        account.loose = account.loose.without(*source);
        let edge = edge(clocks, now, *source, account.spread);
        for intake in &prepared.fed[i] {
            let signal = intake.signal;
            read(signal, account, prepared, &edge, true, changed);
            if let Some(blind) = &account.blind
                && blind[signal] > edge.now.living
            {
                account.wait_for(slot, blind[signal]);
            }
        }
    }
    read_derived(account, prepared, changed);
}

/// Reads signals that took something in, where nothing else can have changed. From then on something may be due
/// later than is known: what was due before is not asked, neither of the same clock nor, since rules wait on the
/// clocks of all their signals, of another.
pub(crate) fn read_touched(
    account: &mut Account,
    prepared: &Prepared,
    touched: &[usize],
    edge: &Edge<'_>,
    changed: &mut Changed,
) {
    for signal in touched {
        let operator = &prepared.plan.signals[*signal].operator;
        match operator::glance(operator, &account.parts, prepared.layouts[*signal].1) {
            Some(value) => take(*signal, value, account, changed),
            None => read(*signal, account, prepared, edge, false, changed),
        }
    }
    read_derived(account, prepared, changed);
    account.loose = prepared.plan.used;
}

fn read(
    signal: usize,
    account: &mut Account,
    prepared: &Prepared,
    edge: &Edge<'_>,
    is_due: bool,
    changed: &mut Changed,
) {
    let Some(source) = prepared.direct[signal] else { return };
    let operator = &prepared.plan.signals[signal].operator;
    let (at, milestones) = (prepared.layouts[signal].1, account.milestones.as_deref());
    let reading = operator::read(operator, &mut account.parts, at, edge, milestones, is_due);
    let mut due = reading.due;
    if due.living == Due::WHEN_BEGUN.living && !edge.sees_begun() {
        // That the source begins is an occasion of its own.
        account.unbegun = account.unbegun.union(SourceSet::of(source));
        due.living = NEVER;
    }
    if due.is_early {
        account.loose = account.loose.union(SourceSet::of(source));
    }
    let slot = prepared.slot_of[source.index()];
    account.wait_for(slot, due.living);
    account.wait_for(slot + 1, due.plain);
    take(signal, reading.value, account, changed);
}

fn take(signal: usize, value: i64, account: &mut Account, changed: &mut Changed) {
    if account.set_reading(signal, value) {
        changed.add(signal);
    }
}

/// Reads the signals that are made of others.
fn read_derived(account: &mut Account, prepared: &Prepared, changed: &mut Changed) {
    for signal in &prepared.derived {
        let Operator::Ratio { part, whole, min_base } = prepared.plan.signals[*signal].operator else {
            continue;
        };
        if !(account.unread || changed.has(part) || changed.has(whole)) {
            continue;
        }
        let value = operator::ratio(account.reading(part), account.reading(whole), min_base);
        take(*signal, value, account, changed);
    }
}

/// The value of a signal as it was last read.
pub(crate) fn known(account: &Account, signal: usize) -> Option<i64> {
    Some(account.reading(signal)).filter(|value| *value != UNKNOWN)
}
