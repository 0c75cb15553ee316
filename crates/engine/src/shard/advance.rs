//! The advance of time, a minute at a step: first the sources, then the accounts that have something due. A step
//! goes on over the minutes after it in which nothing can happen.

use super::{GROUP, Shard, Step, is_open, second_of};
use crate::account::{Account, Slot};
use crate::activity::Activity;
use crate::clock::SPREAD;
use crate::effect::{Cause, EffectId, Sink};
use crate::entry::{Latest, Position};
use crate::evaluate::{Look, Out, Scope, publish_latest, tighten};
use crate::now::{Clocks, Now};
use crate::timer::NEVER;
use model::plan::SourceSet;
use model::source::{SOURCES, Source};
use model::time::MINUTE;
use std::cmp::Ordering;

/// One account to look at.
#[derive(Clone, Copy, Debug)]
struct Visit {
    /// The instant on the common axis.
    x: i64,
    /// The instant on its own clock.
    instant: i64,
    account: u32,
}

/// An account that stood in a minute of a calendar.
#[derive(Clone, Copy, Debug)]
struct Taken {
    account: u32,
    calendar: usize,
    minute: i32,
    /// Up to where that calendar is due.
    limit: i64,
}

/// An account that stood in a calendar too early.
#[derive(Clone, Copy, Debug)]
struct Early {
    account: u32,
    calendar: usize,
    slot: usize,
    due: i64,
}

/// An instant that concerns all accounts, each at its own instant after it.
#[derive(Clone, Copy, Debug)]
enum Wave {
    /// On the clock of a source.
    Source(Source, i64),
    /// On the greatest T.
    Greatest(i64),
    /// On the common axis.
    Axis(i64),
    /// A model takes effect, on the greatest T.
    Switch(i64, usize),
}

/// What a minute of an advance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Minute {
    /// Sources move in it.
    Moves,
    /// A first T was taken over at once; minutes in which sources move follow.
    Before,
    /// A first T was taken over at once, and nothing else moves.
    Alone,
}

impl Shard {
    /// Goes on with the advance of the entry that [`Shard::fold`] began, by a minute and what follows of time in
    /// which nothing happens.
    pub fn go_on(&mut self, sink: &mut dyn Sink) -> Step {
        if self.advancing.is_none() {
            return Step::Done;
        }
        let jumped = self.begin_sources();
        self.open_gate();
        let next = self.next_minute();
        // A jump is a step of its own, in a minute before the first in which a source moves.
        let before = || next.unwrap_or_else(|| self.now.x.max(0).div_euclid(MINUTE)) - 1;
        let Some(minute) = jumped.then(before).or(next) else { return self.finish(sink) };
        let position = Position { minute, ..self.position };
        let step = match (jumped, next) {
            (false, _) => Minute::Moves,
            (true, Some(_)) => Minute::Before,
            (true, None) => Minute::Alone,
        };
        self.run_minute(minute, step, position, sink);
        let jumps = step == Minute::Moves;
        self.position = if jumps { self.jump(self.position, position) } else { position };
        self.catch_up();
        if self.next_minute().is_some() { Step::More } else { self.finish(sink) }
    }

    /// Gives each source its first instant, if it has none. Returns whether one got it.
    fn begin_sources(&mut self) -> bool {
        let mut any = false;
        for source in Source::ALL {
            let clock = &mut self.clocks[source.index()];
            if clock.at().is_none()
                && let Some(target) = clock.watermark()
            {
                any |= clock.advance(target, &self.rules[source.index()]);
            }
        }
        any
    }

    /// Notes from when on accounts may be published: once every source of the newest model so far has a T.
    fn open_gate(&mut self) {
        let stands = |source: Source| self.clocks[source.index()].at();
        if self.ready_at.is_none() && !self.plans.is_empty() && self.used.iter().all(|s| stands(s).is_some())
        {
            self.ready_at = Source::ALL.into_iter().filter_map(stands).max();
        }
    }

    /// The least minute of the common axis in which a source can still move.
    fn next_minute(&self) -> Option<i64> {
        let movable = Source::ALL.into_iter().filter_map(|source| {
            let clock = &self.clocks[source.index()];
            let (at, target) = (clock.at()?, clock.watermark()?);
            (target > at).then(|| (at + self.rules[source.index()].max_delay).div_euclid(MINUTE))
        });
        movable.min()
    }

    /// Moves each source to the end of a minute, or as far as it goes.
    pub(super) fn move_sources(&mut self, minute: i64) {
        for source in Source::ALL {
            let i = source.index();
            let Some(target) = self.clocks[i].watermark() else { continue };
            let stop = target.min((minute + 1) * MINUTE - self.rules[i].max_delay);
            self.clocks[i].advance(stop, &self.rules[i]);
            if let Some(memory) = self.plans.iter().map(|plan| plan.memory[i]).max() {
                self.clocks[i].forget(memory);
            }
        }
        self.now = Clocks { clocks: &self.clocks, rules: &self.rules }.now();
        self.greatest = self.greatest.max(self.now.greatest);
        self.now.greatest = self.greatest;
    }

    fn run_minute(&mut self, minute: i64, step: Minute, position: Position, sink: &mut dyn Sink) {
        let was = self.now.clone();
        self.move_sources(minute);
        let waves = self.waves(&was, step);
        let mut visits = self.due(&was);
        for wave in waves {
            self.add_wave(wave, &was, &mut visits);
        }
        if step != Minute::Moves {
            // What a first T jumps over is seen where it stands then, by all accounts at once.
            for visit in &mut visits {
                (visit.x, visit.instant) = (self.now.x, self.now.greatest);
            }
            let now = self.now.clone();
            return self.visit(visits, &now, position, sink);
        }
        self.visit(visits, &was, position, sink);
    }

    /// What the movement of the sources means for all accounts.
    fn waves(&mut self, was: &Now, step: Minute) -> Vec<Wave> {
        let mut waves = Vec::new();
        let mut turns = Vec::new();
        for source in self.used.iter() {
            let i = source.index();
            let from = was.sources[i].at.map_or(i64::MIN, |at| at - SPREAD);
            turns.clear();
            self.clocks[i].turns(from, &self.rules[i], &mut turns);
            waves.extend(turns.iter().map(|turn| Wave::Source(source, *turn)));
        }
        waves.extend(self.ready_at.filter(|ready| was.greatest <= ready + SPREAD).map(Wave::Greatest));
        let over = was.greatest.saturating_sub(SPREAD);
        self.switches.retain(|(from, _)| *from >= over);
        waves.extend(self.switches.iter().map(|(from, plan)| Wave::Switch(*from, *plan)));
        let x = self.now.x;
        for prepared in self.plans.iter_mut() {
            for lag in &mut prepared.lags {
                let apart = lag.is_apart_now(&self.now, &self.rules);
                // How far sources lie apart is asked at the end of each minute.
                if step != Minute::Before && apart != lag.turns.back().is_some_and(|(_, apart)| *apart) {
                    lag.turns.push_back((x, apart));
                }
                while lag.turns.len() > 1 && lag.turns[1].0 < was.x.saturating_sub(SPREAD) {
                    lag.turns.pop_front();
                }
                let recent = lag.turns.iter().filter(|(z, _)| *z >= was.x.saturating_sub(SPREAD));
                waves.extend(recent.map(|(z, _)| Wave::Axis(*z)));
            }
        }
        waves
    }

    /// Adds the accounts whose own instant of a wave lies in this minute.
    fn add_wave(&mut self, wave: Wave, was: &Now, visits: &mut Vec<Visit>) {
        let (z, from, to) = match wave {
            Wave::Source(source, z) => {
                let i = source.index();
                (z, was.sources[i].at.unwrap_or(i64::MIN), self.now.sources[i].at.unwrap_or(i64::MIN))
            }
            Wave::Greatest(z) | Wave::Switch(z, _) => (z, was.greatest, self.now.greatest),
            Wave::Axis(z) => (z, was.x, self.now.x),
        };
        // An instant that came to be known only now belongs to this minute, whenever it was. Where the account's own came
        // exactly with the end of the one before, it was looked at then.
        let low = from.saturating_sub(z);
        let low = if low > 0 { low.saturating_add(1) } else { low };
        let high = to.saturating_sub(z).min(SPREAD - 1);
        if high < 0 {
            return;
        }
        for accounts in self.by_spread.get(second_of(low)..=second_of(high)).into_iter().flatten() {
            for index in accounts {
                let account = &self.accounts[*index as usize];
                if account.spread < low || account.spread > high {
                    continue;
                }
                if let Wave::Switch(_, plan) = wave
                    && account.plan >= plan
                {
                    continue;
                }
                let instant = z + account.spread;
                let x = match wave {
                    Wave::Source(source, _) => instant + self.rules[source.index()].max_delay,
                    Wave::Greatest(_) | Wave::Switch(..) => self.axis_of_greatest(instant),
                    Wave::Axis(_) => instant,
                };
                visits.push(Visit { x: x.min(self.now.x), instant, account: *index });
            }
        }
    }

    /// Where on the common axis the greatest T gets to `instant`.
    fn axis_of_greatest(&self, instant: i64) -> i64 {
        let reached = Source::ALL
            .into_iter()
            .filter(|source| self.now.sources[source.index()].at.is_some_and(|at| at >= instant));
        reached.map(|source| instant + self.rules[source.index()].max_delay).min().unwrap_or(self.now.x)
    }

    /// Takes the accounts with something due out of the calendars.
    fn due(&mut self, was: &Now) -> Vec<Visit> {
        let mut taken: Vec<Taken> = Vec::new();
        for calendar in 0..self.calendars.len() {
            let Some(limit) = self.limit(calendar) else { continue };
            self.calendars[calendar]
                .take(limit, |minute, account| taken.push(Taken { account, calendar, minute, limit }));
        }
        let (mut found, mut early) = (Vec::new(), Vec::new());
        for group in taken.chunks(GROUP) {
            self.touch(group.iter().map(|taken| taken.account), Account::touch_standing);
            found.extend(group.iter().filter(|taken| self.is_due(**taken, &mut early)).copied());
        }
        for Early { account, calendar, slot, due } in early {
            let queued = self.calendars[calendar].put(account, due);
            self.accounts[account as usize].set_queued(slot, queued);
        }
        found.sort_unstable_by_key(|taken| taken.account);
        let sources_of = |found: &[Taken]| {
            let sources = found.iter().filter_map(|taken| Source::ALL.get(taken.calendar / 2));
            sources.fold(SourceSet::default(), |all, source| all.union(SourceSet::of(*source)))
        };
        let of_account = found.chunk_by(|one, other| one.account == other.account);
        let found: Vec<_> = of_account.map(|found| (found[0].account, sources_of(found))).collect();
        let mut visits = Vec::new();
        for group in found.chunks(GROUP) {
            self.touch(group.iter().map(|(account, _)| *account), Account::touch_parts);
            for (account, due) in group.iter().copied() {
                let place = account as usize;
                self.tighten(place, was, due);
                if let Some((x, instant)) = self.next_instant(place, was) {
                    visits.push(Visit { x, instant, account });
                } else {
                    self.arm(place);
                }
            }
        }
        self.expire(&mut visits);
        visits
    }

    /// Brings accounts into the cache: one after the other, each would be waited for.
    fn touch(&self, accounts: impl Iterator<Item = u32> + Clone, parts: fn(&Account) -> usize) {
        let accounts = accounts.map(|account| &self.accounts[account as usize]);
        std::hint::black_box(accounts.clone().map(Account::touch_self).sum::<usize>());
        std::hint::black_box(accounts.map(parts).sum::<usize>());
    }

    /// Up to where a calendar is due. `None` while its source has no clock.
    fn limit(&self, calendar: usize) -> Option<i64> {
        match self.now.sources.get(calendar / 2) {
            None => Some(self.now.greatest),
            Some(now) if calendar.is_multiple_of(2) => now.at.map(|_| now.living),
            Some(now) => now.at,
        }
    }

    /// Whether something may be due of an account that was taken out of a calendar. If it will be later, that is added to
    /// `early`; it can be put in again once all are out, since an account may stand in a minute twice.
    fn is_due(&mut self, taken: Taken, early: &mut Vec<Early>) -> bool {
        let Taken { account, calendar, minute, limit } = taken;
        let place = account as usize;
        let of_plan = &self.plans[self.accounts[place].plan].slot_of;
        let account_of = &mut self.accounts[place];
        let slot = match of_plan.get(calendar / 2) {
            Some(slot) => slot.saturating_add(calendar % 2),
            None => account_of.slots() - 1,
        };
        // One that was put in again earlier, or for a plan that is no more, stands here for nothing.
        if slot >= account_of.slots() || account_of.slot(slot).queued != minute {
            return false;
        }
        account_of.set_queued(slot, Slot::NEVER.queued);
        // What is known to be due may be too early, and never is too late.
        let due = account_of.slot(slot).due;
        if due > limit && due != NEVER {
            early.push(Early { account, calendar, slot, due });
        }
        due <= limit
    }

    /// Takes in an override, or that there is none any more.
    pub(super) fn take_override(&mut self, place: usize, activity: &Activity<'_>) {
        let overriding = self.accounts[place].overriding.get_or_insert_default();
        if let Some(ended) = overriding.observe(activity) {
            self.expiries.remove(&(ended, u32::try_from(place).unwrap_or(u32::MAX)));
        }
    }

    /// Waits for the end of an account's override, if it has one.
    pub(super) fn await_expiry(&mut self, place: usize) {
        let expires = self.accounts[place].overriding.as_ref().and_then(|overriding| overriding.expires_at());
        let at = self.clocks[Source::Command.index()].at();
        if let Some(expires) = expires.filter(|expires| at.is_none_or(|at| at < *expires)) {
            self.expiries.insert((expires, u32::try_from(place).unwrap_or(u32::MAX)));
        }
    }

    /// Adds the accounts whose override ends in this minute.
    fn expire(&mut self, visits: &mut Vec<Visit>) {
        let i = Source::Command.index();
        let Some(at) = self.now.sources[i].at else { return };
        while let Some((expires, index)) =
            self.expiries.first().copied().filter(|(expires, _)| *expires <= at)
        {
            self.expiries.pop_first();
            let x = expires.saturating_add(self.rules[i].max_delay).min(self.now.x);
            visits.push(Visit { x, instant: expires, account: index });
        }
    }

    /// Makes an account's timers on the clocks of `due` exact, as they were before this minute.
    fn tighten(&mut self, place: usize, was: &Now, due: SourceSet) {
        let account = &mut self.accounts[place];
        if account.unread || account.ahead || account.is_closed() {
            return;
        }
        let enabled = is_open(self.ready_at, was, account.spread);
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let (as_of, cause, scope) = (account.as_of, Cause::Time, Scope::Due);
        let look = Look { now: was, clocks, as_of, cause, enabled, scope };
        tighten(account, &self.plans[account.plan], &mut self.work, look, due);
    }

    /// The first instant in this minute at which something of the account is due: on the common axis, and on
    /// the clock that it is due on (the greatest, of several at once).
    fn next_instant(&self, place: usize, was: &Now) -> Option<(i64, i64)> {
        let account = &self.accounts[place];
        let waits = &self.plans[account.plan].waits;
        let mut first: Option<(i64, i64)> = None;
        for slot in 0..account.slots() {
            let due = &account.slot(slot).due;
            if *due == NEVER {
                continue;
            }
            let (x, instant) = if let Some(source) = waits.get(slot / 2) {
                let i = source.index();
                let now = self.now.sources[i];
                let Some(at) = now.at else { continue };
                if *due == i64::MIN {
                    return Some((was.x.min(self.now.x), i64::MIN));
                }
                let instant = if slot % 2 == 0 {
                    // Mostly it is not due yet, which is known without asking when it was.
                    if *due > now.living {
                        continue;
                    }
                    let Some(instant) = self.clocks[i].instant(*due) else { continue };
                    instant
                } else if *due <= at {
                    *due
                } else {
                    continue;
                };
                (instant.saturating_add(self.rules[i].max_delay), instant)
            } else if *due <= self.now.greatest {
                (self.axis_of_greatest(*due), *due)
            } else {
                continue;
            };
            // A source that lags advances through minutes of the axis that others have passed.
            let x = x.min(self.now.x);
            first = Some(match first {
                Some((other, at)) if other == x => (x, at.max(instant)),
                Some(other) if other.0 < x => other,
                _ => (x, instant),
            });
        }
        first
    }

    /// Looks at accounts in order of (instant on the common axis, account).
    fn visit(&mut self, mut visits: Vec<Visit>, was: &Now, position: Position, sink: &mut dyn Sink) {
        // The next one is the last.
        visits.sort_unstable_by(|one, other| self.order(other, one));
        let mut touched = GROUP;
        while let Some(Visit { x, mut instant, account }) = visits.pop() {
            // A few were brought into the cache as they were found.
            touched += 1;
            if touched > GROUP && visits.len() > GROUP {
                let next = visits[visits.len() - GROUP..].iter().map(|visit| visit.account);
                self.touch(next, Account::touch_parts);
                touched = 0;
            }
            // The same account at the same instant, for several reasons, is one visit.
            while let Some(next) = visits.pop_if(|next| (next.x, next.account) == (x, account)) {
                instant = instant.max(next.instant);
            }
            let place = account as usize;
            if self.accounts[place].is_past(position) {
                self.arm(place);
                continue;
            }
            let now = self.now_at(x, was);
            // An instant of the common axis is none of any clock's; the greatest there is stands for it.
            let instant = if instant == i64::MIN { now.greatest } else { instant.min(now.greatest) };
            self.switch_at_instant(place, &now, instant, position, sink);
            let cause = Cause::Time;
            self.look(place, position, instant, cause, Some(&now), Scope::Due, sink);
            // What is due at once again would be a fault of the fold; it waits for the next minute then.
            if let Some((next, instant)) = self.next_instant(place, was).filter(|(next, _)| *next > x) {
                let next = Visit { x: next, instant, account };
                let at = visits.partition_point(|other| self.order(other, &next).is_gt());
                visits.insert(at, next);
            }
        }
    }

    fn order(&self, one: &Visit, other: &Visit) -> Ordering {
        let id = |visit: &Visit| &self.accounts[visit.account as usize].id;
        one.x.cmp(&other.x).then_with(|| id(one).cmp(id(other)))
    }

    /// All sources as seen at `x` of this minute.
    fn now_at(&self, x: i64, was: &Now) -> Now {
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let mut now = clocks.at(|source, clock| {
            let i = source.index();
            let after = clock.at()?;
            let before = was.sources[i].at.unwrap_or(after);
            Some(x.saturating_sub(self.rules[i].max_delay).clamp(before, after))
        });
        now.greatest = now.greatest.max(was.greatest).min(self.now.greatest);
        now.x = x.max(was.x);
        now
    }

    /// The end of a watermark entry: accounts that changed are published as they now stand, those whose turn it is.
    fn finish(&mut self, sink: &mut dyn Sink) -> Step {
        let position = Position { minute: Position::DONE, ..self.position };
        if let Some(latest) = self.advancing.take() {
            self.publish_changed(latest, position, sink);
        }
        self.position = position;
        self.catch_up();
        self.drop_plans();
        debug_assert!(self.calendars.len() == 2 * SOURCES + 1);
        Step::Done
    }

    /// Takes the accounts that owe a record and whose turn it is, in order of their ids.
    fn owing(&mut self, latest: Latest) -> Vec<u32> {
        let accounts = &self.accounts;
        let mut owing = match latest {
            Latest::All => std::mem::take(&mut self.changed),
            Latest::Turn { turn, turns } => {
                // What was published in its turn still stands here.
                if turn == 0 {
                    self.changed.retain(|index| accounts[*index as usize].changed);
                    self.changed.sort_unstable();
                    self.changed.dedup();
                }
                let seconds = self.by_spread.iter().skip(turn.into()).step_by(usize::from(turns).max(1));
                seconds.flatten().copied().filter(|index| accounts[*index as usize].changed).collect()
            }
        };
        owing.sort_unstable_by(|a, b| accounts[*a as usize].id.cmp(&accounts[*b as usize].id));
        owing.dedup();
        owing
    }

    fn publish_changed(&mut self, latest: Latest, position: Position, sink: &mut dyn Sink) {
        for index in &self.owing(latest) {
            let place = *index as usize;
            let account = &mut self.accounts[place];
            if account.is_past(position) {
                // It owes its record to a later entry.
                if latest == Latest::All {
                    self.changed.push(*index);
                }
                continue;
            }
            if !account.changed {
                continue;
            }
            let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
            let look = Look {
                now: &self.now,
                clocks,
                as_of: account.as_of,
                cause: Cause::Time,
                enabled: true,
                scope: Scope::Due,
            };
            let id = EffectId { offset: position.offset, entry: position.entry, index: self.effects };
            let mut out = Out { sink: &mut *sink, id };
            publish_latest(account, &mut self.plans[account.plan], &mut self.work, look, &mut out);
            self.effects = out.id.index;
            self.mark_dirty(place, position);
        }
    }
}
