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
    signals: Vec<bool>,
    any: bool,
}

impl Changed {
    /// Nothing has changed, of so many signals.
    pub(crate) fn begin(&mut self, signals: usize) {
        if self.any || self.signals.len() != signals {
            self.signals.clear();
            self.signals.resize(signals, false);
            self.any = false;
        }
    }

    fn add(&mut self, signal: usize) {
        self.signals[signal] = true;
        self.any = true;
    }

    pub(crate) const fn any(&self) -> bool {
        self.any
    }

    pub(crate) fn has(&self, signal: usize) -> bool {
        self.signals[signal]
    }
}

/// The edges of an account's windows on a source.
pub(crate) fn edge<'a>(clocks: Clocks<'a>, now: &Now, source: Source, spread: i64) -> Edge<'a> {
    let i = source.index();
    Edge { clock: &clocks.clocks[i], now: now.sources[i], rules: &clocks.rules[i], spread }
}

/// Reads every signal, and says of each clock when something is due on it: exactly, whatever was known before.
///
/// `except`: sources whose signals are left as they were last read.
pub(crate) fn read_all(
    account: &mut Account,
    prepared: &Prepared,
    clocks: Clocks<'_>,
    now: &Now,
    except: SourceSet,
    changed: &mut Changed,
) {
    for source in prepared.waits.iter().filter(|source| !except.contains(**source)) {
        let (i, slot) = (source.index(), prepared.slot_of[source.index()]);
        account.set_due(slot, NEVER);
        account.set_due(slot + 1, NEVER);
        account.unbegun = account.unbegun.without(*source);
        let edge = edge(clocks, now, *source, account.spread);
        for signal in &prepared.fed[i] {
            read(*signal, account, prepared, &edge, true, changed);
            if let Some(blind) = &account.blind
                && blind[*signal] > edge.now.living
            {
                account.wait_for(slot, blind[*signal]);
            }
        }
    }
    read_derived(account, prepared, changed);
    (account.unread, account.loose) = (false, false);
}

/// Reads signals that took something in, where nothing else can have changed. From then on something may be due
/// later than is known, since what was due on the same clock before is not asked.
pub(crate) fn read_touched(
    account: &mut Account,
    prepared: &Prepared,
    touched: &[usize],
    edge: &Edge<'_>,
    changed: &mut Changed,
) {
    for signal in touched {
        read(*signal, account, prepared, edge, false, changed);
    }
    read_derived(account, prepared, changed);
    account.loose = true;
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
    if due.living == Due::WHEN_BEGUN.living && !edge.clock.has_begun() {
        // That the source begins is an occasion of its own.
        account.unbegun = account.unbegun.union(SourceSet::of(source));
        due.living = NEVER;
    }
    let slot = prepared.slot_of[source.index()];
    account.wait_for(slot, due.living);
    account.wait_for(slot + 1, due.plain);
    if account.reading(signal) != reading.value {
        account.set_reading(signal, reading.value);
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
        if account.reading(*signal) != value {
            account.set_reading(*signal, value);
            changed.add(*signal);
        }
    }
}

/// The value of a signal as it was last read.
pub(crate) fn known(account: &Account, signal: usize) -> Option<i64> {
    Some(account.reading(signal)).filter(|value| *value != UNKNOWN)
}
