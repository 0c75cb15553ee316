//! Looks at one account at one instant: publishes what changed, moves its rules, and says when to look again.
//!
//! Invariant: looking once more at the same instant, or at one at which nothing was due, says and changes nothing. But
//! where it coincides with a look at which something is, its instant would be in what that says: timers are exact.

mod rules;

use crate::account::{Account, Published, Told as Said, UNKNOWN};
use crate::assess::Assessment;
use crate::effect::{
    AccountHealth, Cause, Closed, Effect, EffectId, Health, Line, OpenAlert, Resolution, Sink, Status,
};
use crate::now::{Clocks, Now};
use crate::prepared::Prepared;
use crate::reading::{edge, read_all, read_sources, read_touched};
use crate::rule::Phase;
use crate::timer::NEVER;
use model::plan::SourceSet;
use model::source::Source;
use model::time::EventTime;
pub(crate) use rules::resolve;
use rules::{move_rules, resolve_all};

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

    /// Counts an effect that would be dropped. Returns whether it was.
    fn passes_over(&mut self) -> bool {
        let is_silent = self.sink.is_silent();
        self.id.index += u32::from(is_silent);
        is_silent
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
    /// What can have changed.
    pub(crate) scope: Scope<'a>,
}

/// What can have changed since an account was last looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    /// Everything.
    Anew,
    /// What is due, and what depends on the state of sources.
    Due,
    /// Signals of this source that took something in, and nothing else.
    Signals(Source, &'a [usize]),
    /// Signals of this source that took something in, and what the account says of itself.
    All(Source, &'a [usize]),
}

impl<'a> Scope<'a> {
    const fn touched(self) -> &'a [usize] {
        match self {
            Self::Anew | Self::Due => &[],
            Self::Signals(_, touched) | Self::All(_, touched) => touched,
        }
    }
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
        account.unread |= !look.scope.touched().is_empty();
        return bury(account, prepared, work, look, out);
    }
    let is_first = account.unread || account.published.is_none();
    let left = read(account, prepared, work, look);
    let is_only_signals = matches!(look.scope, Scope::Signals(..)) && !is_first;
    if is_only_signals && !work.changed.any() {
        // No value has changed, and nothing was due: there is nothing to be found out.
        return false;
    }
    work.assess(account, prepared, look.clocks, look.now);
    let mut changed = false;
    if look.enabled {
        // Where nothing is said, having looked must leave no trace.
        let (last, said) = (account.as_of, out.id.index);
        account.as_of = last.max(look.as_of);
        account.buried = false;
        changed |= publish(account, prepared, work, look, out);
        if move_rules(account, prepared, work, look, is_only_signals, out) {
            changed = true;
            // A rule waits on the clocks of all its signals. What it waited for before on those that were not read is
            // over, and would be in the instant of what is due there next.
            read_sources(account, prepared, look.clocks, look.now, left, &mut work.changed);
        }
        if out.id.index == said {
            account.as_of = last;
        }
    }
    if changed || !is_only_signals {
        wait(account, prepared, look);
    }
    changed
}

/// Brings the readings of an account up to now. Returns the sources that were left out, since nothing was due on them.
fn read(account: &mut Account, prepared: &Prepared, work: &mut Assessment, look: Look<'_>) -> SourceSet {
    work.changed.begin(prepared.plan.signals.len());
    let mut left = SourceSet::default();
    if account.unread || matches!(look.scope, Scope::Anew | Scope::All(..)) {
        read_all(account, prepared, look.clocks, look.now, &mut work.changed);
    } else if matches!(look.scope, Scope::Due) {
        let due = due_sources(account, prepared, look.now);
        left = prepared.plan.used.difference(due);
        read_sources(account, prepared, look.clocks, look.now, due, &mut work.changed);
    }
    if let Scope::Signals(source, touched) | Scope::All(source, touched) = look.scope {
        let edge = edge(look.clocks, look.now, source, account.spread);
        read_touched(account, prepared, touched, &edge, &mut work.changed);
    }
    left
}

/// The sources on whose clocks something is due: nothing else of an account changes by itself.
fn due_sources(account: &Account, prepared: &Prepared, now: &Now) -> SourceSet {
    let is_due = |source: &Source| {
        let (clock, slot) = (&now.sources[source.index()], prepared.slot_of[source.index()]);
        let by_living = account.slot(slot).due <= clock.living;
        clock.at.is_some_and(|at| by_living || account.slot(slot + 1).due <= at)
    };
    let due = prepared.waits.iter().copied().filter(is_due);
    // That a source begins is in no calendar.
    due.fold(account.unbegun, |all, source| all.union(SourceSet::of(source)))
}

/// Brings the readings of an account up to now and works out where it stands.
pub(crate) fn stand(
    account: &mut Account,
    prepared: &mut Prepared,
    work: &mut Assessment,
    clocks: Clocks<'_>,
    now: &Now,
) {
    work.changed.begin(prepared.plan.signals.len());
    read_all(account, prepared, clocks, now, &mut work.changed);
    work.assess(account, prepared, clocks, now);
}

/// Works out what is derived of an account that was restored, and what it waits for; nothing else changes.
pub(crate) fn derive(account: &mut Account, prepared: &Prepared, work: &mut Assessment, look: Look<'_>) {
    if !account.is_closed() {
        account.forget_scored();
        read(account, prepared, work, look);
        wait(account, prepared, look);
    }
}

/// Finds out exactly when something is due next on the clocks of `due`, as of an instant up to which nothing was;
/// nothing else changes.
///
/// What an activity leaves behind may be too early. A look that is too early says nothing, but where it coincides with
/// one that is due, it would be in the instant of what that says.
pub(crate) fn tighten(
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    due: SourceSet,
) {
    // A source may have begun since; that it has is an occasion of its own.
    let loose = account.loose.intersection(due).difference(account.unbegun);
    if loose.is_empty() {
        return;
    }
    work.changed.begin(prepared.plan.signals.len());
    read_sources(account, prepared, look.clocks, look.now, loose, &mut work.changed);
    debug_assert!(!work.changed.any(), "what was not due has changed");
    wait(account, prepared, look);
}

fn publish(
    account: &mut Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) -> bool {
    // A change of band is published, so this is stored too.
    let band = work.band.map(|band| u16::try_from(band).unwrap_or(u16::MAX));
    if account.band != band || account.published.is_none() {
        account.band = band;
        account.band_since = account.as_of;
    }
    let cap = work.cap.map(|cap| (u32::try_from(cap.cap).unwrap_or(u32::MAX), cap.contribution));
    let scored = work.status == Some(Status::Scored);
    let last = account.published;
    let told = added(account);
    let moved = last.is_none_or(|last| {
        // What is computed moves on beneath an override.
        let computed = |score: u32, added: i32| score.cast_signed() - added;
        let change = match (last.score, work.score) {
            (Some(before), Some(now)) => {
                let before = computed(before, told.unwrap_or(0));
                let now = computed(now, work.overridden.unwrap_or(0));
                before.abs_diff(now) >= prepared.plan.publish_change
            }
            (before, now) => before.is_some() != now.is_some(),
        };
        change
            || last.band != band
            || last.cap.map(|cap| cap.0) != cap.map(|cap| cap.0)
            || last.scored != scored
            || account.overriding.as_ref().is_some_and(|overriding| !overriding.is_told(work.overridden))
    });
    let again = look.now.greatest >= repeats_at(account, prepared);
    if !moved && !again {
        return false;
    }
    account.revision += 1;
    if out.passes_over() {
        work.line_up(account, prepared);
    } else {
        let cause = if moved { look.cause } else { Cause::Repeat };
        say_health(account, prepared, work, Look { cause, ..look }, out);
    }
    account.published = Some(Published { greatest: look.now.greatest, score: work.score, cap, band, scored });
    let said = |line: &Line| Said { value: line.value.unwrap_or(UNKNOWN), contribution: line.contribution };
    account.tell(work.lines.iter().map(said));
    if let Some(overriding) = &mut account.overriding {
        overriding.tell(work.overridden);
    }
    account.changed = true;
    true
}

/// What an override added to the score that was published last.
fn added(account: &Account) -> Option<i32> {
    Some(account.overriding.as_ref()?.told?.1)
}

/// The greatest T at which the account is published again, however little has changed.
fn repeats_at(account: &Account, prepared: &Prepared) -> i64 {
    account
        .published
        .map_or(NEVER, |published| published.greatest.saturating_add(prepared.plan.publish_every))
}

/// Says where an account stands, and what has changed since it was last said.
fn say_health(
    account: &Account,
    prepared: &Prepared,
    work: &mut Assessment,
    look: Look<'_>,
    out: &mut Out<'_>,
) {
    let last = account.published;
    work.show(account, prepared, look.clocks, look.now);
    let mut removed_change = 0;
    if last.is_some() {
        let mut told = account.told();
        for (line, told) in work.lines.iter_mut().zip(told.by_ref()) {
            line.previous_value = Some(told.value).filter(|value| *value != UNKNOWN);
            line.change = line.contribution - told.contribution;
        }
        removed_change = -told.map(|told| told.contribution).sum::<i32>();
    } else {
        work.lines.iter_mut().for_each(|line| line.change = line.contribution);
    }
    let (previous_score, previous_band, first) =
        last.map_or((None, None, true), |last| (last.score, last.band.map(usize::from), false));
    let taken_before = last.and_then(|last| last.cap).map_or(0, |cap| cap.1);
    let health = Health {
        standing: work.standing(account, prepared),
        previous_score,
        previous_band,
        first,
        cap_change: work.cap.map_or(0, |cap| cap.contribution) - taken_before,
        override_change: work.overridden.unwrap_or(0) - added(account).unwrap_or(0),
        removed_change,
        cause: look.cause,
    };
    out.emit(&Effect::Health(health));
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
    stand(account, prepared, work, look.clocks, look.now);
    account.as_of = account.as_of.max(look.as_of);
    resolve_all(account, prepared, work, look, out, Resolution::AccountClosed);
    account.revision += 1;
    if !out.passes_over() {
        let as_of = EventTime(account.as_of);
        out.emit(&Effect::AccountClosed(Closed { account: &account.id, revision: account.revision, as_of }));
    }
    account.changed = false;
    account.published = None;
    account.band = None;
    if let Some(overriding) = &mut account.overriding {
        overriding.tell(None);
    }
    account.wait_for_nothing();
    account.unread = true;
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
    account.revision += 1;
    account.changed = false;
    if out.passes_over() {
        return;
    }
    // Its readings are those of its last look: nothing has been due since.
    work.changed.begin(prepared.plan.signals.len());
    work.assess(account, prepared, look.clocks, look.now);
    work.show(account, prepared, look.clocks, look.now);
    let open: Vec<OpenAlert> = (0..account.rules.len())
        .filter(|rule| account.rules[*rule].is_open())
        .map(|rule| OpenAlert {
            rule,
            episode: account.rules[rule].episode,
            severity: account.rules[rule].severity.unwrap_or(prepared.plan.rules[rule].severity),
            fired_at: EventTime(account.rules[rule].fired_at()),
        })
        .collect();
    out.emit(&Effect::AccountHealth(AccountHealth {
        standing: work.standing(account, prepared),
        open_alerts: &open,
    }));
}

/// Works out when the account must be looked at next; what its signals wait for is known from reading them.
fn wait(account: &mut Account, prepared: &Prepared, look: Look<'_>) {
    let last = account.slots() - 1;
    if !look.enabled {
        account.set_due(last, NEVER);
        return;
    }
    let mut greatest = repeats_at(account, prepared);
    for rule in 0..account.rules.len() {
        let machine = &account.rules[rule];
        let spec = &prepared.plan.rules[rule];
        let span = match machine.phase {
            Phase::Idle | Phase::Firing => continue,
            Phase::Pending => spec.for_ms,
            Phase::Clearing => spec.keep_firing_for,
            Phase::Cooldown => spec.cooldown,
        };
        // In a hold nothing is counted, and the end of the hold is an occasion of its own.
        let Some(first) = machine.since().first() else { continue };
        let left = span.saturating_sub(machine.counted());
        if spec.on_score || spec.signals.is_empty() {
            // One that is inhibited though its time is over waits for another rule, not for a clock.
            let due = first.saturating_add(left);
            if machine.phase != Phase::Pending || due > look.now.greatest {
                greatest = greatest.min(due);
            }
            continue;
        }
        // Due when the last of its clocks gets there. All that have not are waited for: which is the last is not
        // known yet, and must not depend on when the account was looked at.
        for (place, source) in spec.sources.iter().enumerate() {
            let Some(since) = account.rules[rule].since().get(place) else { continue };
            let due = since.saturating_add(left);
            if due > look.now.sources[source.index()].living {
                account.wait_for(prepared.slot_of[source.index()], due);
            }
        }
    }
    account.set_due(last, greatest);
}
