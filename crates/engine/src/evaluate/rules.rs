//! The rules of one account: moved as far as they go at one instant, and what that is said of.

use super::{Look, Out};
use crate::account::Account;
use crate::assess::Assessment;
use crate::effect::{Alert, AlertState, Effect, Evidence, Freshness, Resolution, Status};
use crate::now::Now;
use crate::prepared::Prepared;
use crate::reading::known;
use crate::rule::{Told, Transition};
use crate::score::holds;
use model::plan::{IfUnknown, Rule, Severity};
use model::time::EventTime;

/// The clocks that a rule's time is counted on.
fn rule_clocks(rule: &Rule, now: &Now, clocks: &mut Vec<i64>) {
    clocks.clear();
    if rule.on_score || rule.signals.is_empty() {
        clocks.push(now.greatest);
    } else {
        clocks.extend(rule.sources.iter().map(|source| now.sources[source.index()].living));
    }
}

/// What a rule is told of the account as it stands.
fn tell<'c>(
    rule: usize,
    account: &Account,
    prepared: &Prepared,
    work: &Assessment,
    look: Look<'_>,
    clocks: &'c mut Vec<i64>,
) -> Told<'c> {
    let spec = &prepared.plan.rules[rule];
    rule_clocks(spec, look.now, clocks);
    let asked = work.asked(account);
    let unsure = spec.signals.iter().any(|signal| work.freshness[*signal] != Freshness::Fresh)
        || (spec.on_score && asked.score.is_none());
    let apart =
        prepared.rule_lag[rule].is_some_and(|lag| prepared.lags[lag].is_apart(look.now.x - account.spread));
    let begins = holds(&spec.when, &asked);
    Told {
        clocks,
        hold: apart || (unsure && spec.if_unknown == IfUnknown::Hold),
        // These were moved before.
        inhibited: spec.inhibited_by.iter().any(|other| account.rules[*other].is_open()),
        begins,
        clears: !begins && spec.clears_when.as_ref().is_none_or(|clears| holds(clears, &asked)),
        for_ms: spec.for_ms,
        keep_firing_for: spec.keep_firing_for,
        cooldown: spec.cooldown,
        as_of: account.as_of,
    }
}

/// Moves each rule as far as it goes at this instant, after those that inhibit it. Returns whether any moved.
/// `only_signals`: nothing else can have changed since the account was last looked at.
///
/// One that another inhibits is pending, so it is asked at every look: also at the one at which the other resolves,
/// whatever that is about. All its signals are up to date then, since nothing that is due of an account is left undone.
pub(super) fn move_rules(
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    only_signals: bool,
    out: &mut Out<'_>,
) -> bool {
    if work.status == Some(Status::NotScored) {
        return resolve_all(account, prepared, work, look, out, Resolution::NotScored);
    }
    let mut changed = false;
    let mut clocks = std::mem::take(&mut work.clocks);
    for rule in prepared.plan.rule_order.iter().copied() {
        let spec = &prepared.plan.rules[rule];
        if account.rules[rule].is_idle() {
            // One that idles though its condition holds is in a hold, of which the end is an occasion of its own.
            let is_as_before = only_signals
                && !spec.on_score
                && !spec.signals.iter().any(|signal| work.changed.has(*signal));
            if is_as_before || !begins(rule, account, prepared, work) {
                continue;
            }
        }
        let told = tell(rule, account, prepared, work, look, &mut clocks);
        // A rule passes each phase at most once at one instant, so this ends.
        for _ in 0..6 {
            let (moved, transition) = account.rules[rule].step(&told);
            if !moved {
                break;
            }
            changed = true;
            match transition {
                None => {}
                Some(Transition::Fired) => {
                    let severity = severity(rule, account, prepared, work);
                    account.rules[rule].severity = Some(severity);
                    announce(rule, AlertState::Firing, account, prepared, work, look, out);
                }
                Some(Transition::Resolved) => {
                    let is_set = spec.on_score && work.overridden.is_some();
                    let why = if is_set { Resolution::Overridden } else { Resolution::Recovered };
                    let state = AlertState::Resolved(why);
                    announce(rule, state, account, prepared, work, look, out);
                }
            }
        }
        account.rules[rule].tidy();
    }
    work.clocks = clocks;
    changed
}

/// Whether the condition of a rule holds.
fn begins(rule: usize, account: &Account, prepared: &Prepared, work: &Assessment) -> bool {
    holds(&prepared.plan.rules[rule].when, &work.asked(account))
}

fn severity(rule: usize, account: &Account, prepared: &Prepared, work: &Assessment) -> Severity {
    let spec = &prepared.plan.rules[rule];
    match &spec.critical_when {
        Some(critical) if holds(critical, &work.asked(account)) => Severity::Critical,
        _ => spec.severity,
    }
}

fn announce(
    rule: usize,
    state: AlertState,
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) {
    let spec = &prepared.plan.rules[rule];
    account.changed = true;
    if out.passes_over() {
        return;
    }
    work.show(account, prepared, look.clocks, look.now);
    work.evidence.clear();
    for signal in &spec.signals {
        let freshness = work.freshness.get(*signal).copied().unwrap_or(Freshness::Unknown);
        let value = known(account, *signal).filter(|_| freshness != Freshness::Unknown);
        work.evidence.push(Evidence { signal: *signal, value, freshness });
    }
    let machine = &account.rules[rule];
    let resolved = state != AlertState::Firing;
    let alert = Alert {
        standing: work.standing(account, prepared),
        rule: &spec.name,
        rule_index: Some(rule),
        episode: machine.episode,
        revision: if resolved { 2 } else { 1 },
        state,
        severity: machine.severity.unwrap_or(spec.severity),
        started_at: EventTime(machine.started_at()),
        fired_at: EventTime(machine.fired_at()),
        ended_at: resolved.then_some(EventTime(account.as_of)),
        evidence: &work.evidence,
        cause: look.cause,
    };
    out.emit(&Effect::Alert(alert));
}

/// Ends every open alert for one reason.
pub(crate) fn resolve_all(
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
    why: Resolution,
) -> bool {
    let mut changed = false;
    for rule in prepared.plan.rule_order.iter().copied() {
        changed |= resolve(rule, account, prepared, work, look, out, why);
    }
    changed
}

/// Ends one rule for a reason of its own; an alert that was open is resolved.
pub(crate) fn resolve(
    rule: usize,
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
    why: Resolution,
) -> bool {
    let was_open = account.rules[rule].is_open();
    let was_idle = account.rules[rule].is_idle();
    account.rules[rule].resolve(0, &[]);
    if was_open {
        announce(rule, AlertState::Resolved(why), account, prepared, work, look, out);
    }
    account.rules[rule].tidy();
    !was_idle
}
