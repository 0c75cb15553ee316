//! Looks at one account at one instant: publishes what changed, moves its rules, and says when to look again.
//!
//! Invariant: looking once more at the same instant, or at one at which nothing was due, changes nothing. Timers
//! may therefore come too early, and a restored account may be looked at more often than the first time.

use crate::account::{Account, UNKNOWN};
use crate::assess::{Asked, Assessment, read};
use crate::effect::{
    AccountHealth, Alert, AlertState, Cause, Closed, Effect, EffectId, Evidence, Freshness, Health,
    OpenAlert, Resolution, Sink, Status,
};
use crate::now::{Clocks, Due, Now};
use crate::operator::Reading;
use crate::prepared::Prepared;
use crate::rule::{Told, Transition};
use crate::score::holds;
use crate::timer::NEVER;
use model::plan::{IfUnknown, Rule, Severity};
use model::time::{DAY, EventTime};

/// Effects of the entry at hand.
pub(crate) struct Out<'a> {
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) id: EffectId,
}

impl Out<'_> {
    fn emit(&mut self, effect: &Effect<'_>) {
        self.sink.effect(self.id, effect);
        self.id.index += 1;
    }
}

/// The instant of an evaluation and why it takes place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) now: &'a Now,
    pub(crate) clocks: Clocks<'a>,
    pub(crate) as_of: i64,
    pub(crate) cause: Cause,
    /// Whether the account may be published and its rules may run.
    pub(crate) enabled: bool,
    pub(crate) touched: &'a [usize],
}

/// Evaluates an account. Returns whether anything changed that must be stored.
pub(crate) fn evaluate(
    account: &mut Account,
    prepared: &mut Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) -> bool {
    if account.is_closed() {
        // What comes in while it is closed is read once it is open again.
        look.touched.iter().for_each(|signal| account.readings[*signal] = Reading::NEW);
        return bury(account, prepared, work, look, out);
    }
    read(account, prepared, look.clocks, look.now, look.touched);
    work.assess(account, prepared, look.clocks, look.now);
    let mut changed = false;
    if look.enabled {
        // Where nothing is said, having looked must leave no trace.
        let (last, said) = (account.as_of, out.id.index);
        account.as_of = last.max(look.as_of);
        account.buried = false;
        changed |= publish(account, prepared, work, look, out);
        changed |= move_rules(account, prepared, work, look, out);
        if out.id.index == said {
            account.as_of = last;
        }
    }
    wait(account, prepared, look);
    changed
}

/// Works out what is derived of an account that was restored, and what it waits for; nothing else changes.
pub(crate) fn derive(account: &mut Account, prepared: &Prepared, look: Look<'_>) {
    if !account.is_closed() {
        read(account, prepared, look.clocks, look.now, &[]);
        wait(account, prepared, look);
    }
}

fn publish(
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) -> bool {
    // A change of band is published, so this is stored too.
    if account.band != work.band || account.published.is_none() {
        account.band = work.band;
        account.band_since = account.as_of;
    }
    let cap = work.cap.map(|cap| (cap.cap, cap.contribution));
    let scored = work.status == Some(Status::Scored);
    let last = account.published.as_deref();
    let moved = last.is_none_or(|last| {
        let change = match (last.score, work.score) {
            (Some(before), Some(now)) => before.abs_diff(now) >= prepared.plan.publish_change,
            (before, now) => before.is_some() != now.is_some(),
        };
        change
            || last.band != work.band
            || last.cap.map(|cap| cap.0) != cap.map(|cap| cap.0)
            || last.scored != scored
    });
    let daily = last.is_some_and(|last| look.now.greatest >= last.greatest + DAY);
    if !moved && !daily {
        return false;
    }
    let mut removed_change = 0;
    if let Some(last) = last {
        for (line, (value, contribution)) in work.lines.iter_mut().zip(&last.lines) {
            line.previous_value = Some(*value).filter(|value| *value != UNKNOWN);
            line.change = line.contribution - contribution;
        }
        removed_change = -last.lines.iter().skip(work.lines.len()).map(|line| line.1).sum::<i32>();
    } else {
        work.lines.iter_mut().for_each(|line| line.change = line.contribution);
    }
    let taken = |cap: Option<(usize, i32)>| cap.map_or(0, |cap| cap.1);
    let (previous_score, previous_band, first) =
        last.map_or((None, None, true), |last| (last.score, last.band, false));
    let cap_change = taken(cap) - taken(last.and_then(|last| last.cap));
    account.revision += 1;
    let health = Health {
        standing: work.standing(account, prepared),
        previous_score,
        previous_band,
        first,
        cap_change,
        removed_change,
        cause: if moved { look.cause } else { Cause::Daily },
    };
    out.emit(&Effect::Health(health));
    let published = account.published.get_or_insert_default();
    (published.score, published.band, published.cap) = (work.score, work.band, cap);
    (published.greatest, published.scored) = (look.now.greatest, scored);
    published.lines.clear();
    published.lines.extend(work.lines.iter().map(|line| (line.value.unwrap_or(UNKNOWN), line.contribution)));
    if published.lines.capacity() > work.lines.len() {
        published.lines.shrink_to_fit();
    }
    account.changed = true;
    true
}

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
    let score = work.score.filter(|_| work.band.is_some());
    let unsure = spec.signals.iter().any(|signal| work.freshness[*signal] != Freshness::Fresh)
        || (spec.on_score && score.is_none());
    let apart =
        prepared.rule_lag[rule].is_some_and(|lag| prepared.lags[lag].is_apart(look.now.x - account.spread));
    let asked = Asked { readings: &account.readings, freshness: &work.freshness, score, account };
    let begins = holds(&spec.when, &asked);
    Told {
        clocks,
        hold: apart || (unsure && spec.if_unknown == IfUnknown::Hold),
        begins,
        clears: !begins && spec.clears_when.as_ref().is_none_or(|clears| holds(clears, &asked)),
        for_ms: spec.for_ms,
        keep_firing_for: spec.keep_firing_for,
        cooldown: spec.cooldown,
        as_of: account.as_of,
    }
}

fn move_rules(
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) -> bool {
    if work.status == Some(Status::NotScored) {
        return resolve_all(account, prepared, work, look, out, Resolution::NotScored);
    }
    let mut changed = false;
    let mut clocks = std::mem::take(&mut work.clocks);
    for rule in 0..prepared.plan.rules.len() {
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
                    let state = AlertState::Resolved(Resolution::Recovered);
                    announce(rule, state, account, prepared, work, look, out);
                }
            }
        }
    }
    work.clocks = clocks;
    changed
}

fn severity(rule: usize, account: &Account, prepared: &Prepared, work: &Assessment) -> Severity {
    let spec = &prepared.plan.rules[rule];
    let asked = Asked { readings: &account.readings, freshness: &work.freshness, score: work.score, account };
    match &spec.critical_when {
        Some(critical) if holds(critical, &asked) => Severity::Critical,
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
    work.evidence.clear();
    for signal in &spec.signals {
        let freshness = work.freshness.get(*signal).copied().unwrap_or(Freshness::Unknown);
        let value = account.readings.get(*signal).and_then(|reading| reading.value());
        let value = value.filter(|_| freshness != Freshness::Unknown);
        work.evidence.push(Evidence { signal: *signal, value, freshness });
    }
    account.changed = true;
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
        started_at: EventTime(machine.started_at),
        fired_at: EventTime(machine.fired_at),
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
    for rule in 0..account.rules.len() {
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
    let was_idle = account.rules[rule].phase == crate::rule::Phase::Idle;
    account.rules[rule].resolve(0, &[]);
    if was_open {
        announce(rule, AlertState::Resolved(why), account, prepared, work, look, out);
    }
    !was_idle
}

/// The end of an account: alerts are resolved, its latest record is removed, nothing is waited for.
fn bury(
    account: &mut Account,
    prepared: &mut Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) -> bool {
    if account.buried || !look.enabled {
        return false;
    }
    account.buried = true;
    if account.published.is_none() {
        // Nobody knows of it, so there is nothing to end.
        return true;
    }
    read(account, prepared, look.clocks, look.now, &[]);
    work.assess(account, prepared, look.clocks, look.now);
    account.as_of = account.as_of.max(look.as_of);
    resolve_all(account, prepared, work, look, out, Resolution::AccountClosed);
    account.revision += 1;
    let closed = Closed { account: &account.id, revision: account.revision, as_of: EventTime(account.as_of) };
    out.emit(&Effect::AccountClosed(closed));
    account.changed = false;
    account.published = None;
    account.band = None;
    account.due.iter_mut().for_each(|(due, _)| *due = NEVER);
    true
}

/// Publishes the account's latest record.
pub(crate) fn publish_latest(
    account: &mut Account,
    prepared: &mut Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) {
    read(account, prepared, look.clocks, look.now, look.touched);
    work.assess(account, prepared, look.clocks, look.now);
    account.revision += 1;
    account.changed = false;
    let open: Vec<OpenAlert> = (0..account.rules.len())
        .filter(|rule| account.rules[*rule].is_open())
        .map(|rule| OpenAlert {
            rule,
            episode: account.rules[rule].episode,
            severity: account.rules[rule].severity.unwrap_or(prepared.plan.rules[rule].severity),
            fired_at: EventTime(account.rules[rule].fired_at),
        })
        .collect();
    out.emit(&Effect::AccountHealth(AccountHealth {
        standing: work.standing(account, prepared),
        open_alerts: &open,
    }));
}

/// Works out when the account must be looked at next, by clock.
fn wait(account: &mut Account, prepared: &Prepared, look: Look<'_>) {
    let last = account.due.len() - 1;
    account.due.iter_mut().for_each(|(due, _)| *due = NEVER);
    for (i, reading) in account.readings.iter().enumerate() {
        let Some(source) = prepared.direct[i] else { continue };
        let slot = prepared.slot_of[source.index()];
        let mut due = reading.due;
        if let Some(blind) = &account.blind
            && blind[i] > look.now.sources[source.index()].living
        {
            due = due.sooner(Due::living(blind[i]));
        }
        if due.living == Due::WHEN_BEGUN.living && !look.clocks.clocks[source.index()].has_begun() {
            due.living = NEVER;
        }
        account.due[slot].0 = account.due[slot].0.min(due.living);
        account.due[slot + 1].0 = account.due[slot + 1].0.min(due.plain);
    }
    if !look.enabled {
        return;
    }
    if let Some(published) = &account.published {
        account.due[last].0 = published.greatest + DAY;
    }
    for (rule, machine) in account.rules.iter().enumerate() {
        let spec = &prepared.plan.rules[rule];
        let span = match machine.phase {
            crate::rule::Phase::Idle | crate::rule::Phase::Firing => continue,
            crate::rule::Phase::Pending => spec.for_ms,
            crate::rule::Phase::Clearing => spec.keep_firing_for,
            crate::rule::Phase::Cooldown => spec.cooldown,
        };
        // In a hold nothing is counted, and the end of the hold is an occasion of its own.
        if machine.since.is_empty() {
            continue;
        }
        let left = span.saturating_sub(machine.counted);
        if spec.on_score || spec.signals.is_empty() {
            let due = machine.since[0].saturating_add(left);
            account.due[last].0 = account.due[last].0.min(due);
            continue;
        }
        // Due when the last of its clocks gets there. All that have not are waited for: which is the last is not
        // known yet, and must not depend on when the account was looked at.
        for (source, since) in spec.sources.iter().zip(&machine.since) {
            let (slot, due) = (prepared.slot_of[source.index()], since.saturating_add(left));
            if due > look.now.sources[source.index()].living {
                account.due[slot].0 = account.due[slot].0.min(due);
            }
        }
    }
}
