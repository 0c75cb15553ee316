//! A new model takes effect: at one position of the journal, for each account at its own instant after it.

use super::{Horizons, Refused, Shard, is_open};
use crate::account::{Account, Told, UNKNOWN};
use crate::clock::SPREAD;
use crate::dedup;
use crate::effect::{Cause, EffectId, Resolution, Sink};
use crate::entry::Position;
use crate::evaluate::{Look, Out, Scope, resolve, stand};
use crate::now::{Clocks, Now};
use crate::operator;
use crate::prepared::Prepared;
use crate::rule;
use model::plan::{Condition, MOST_MEASURES, Plan, Rule, SourceRules, SourceSet};
use model::source::SOURCES;

impl Shard {
    pub(super) fn take_model(&mut self, text: &str, position: Position) -> Result<(), Refused> {
        let plan = model::compile(text).map_err(|problems| Refused::Model(problems.to_string()))?.plan;
        if plan.measures.len() > MOST_MEASURES {
            return Err(Refused::TooManyMeasures(plan.measures.len()));
        }
        self.take_plan(plan, text, position);
        self.unpark().map_err(|damaged| Refused::State(damaged.to_string()))
    }

    /// Takes a plan that was compiled from `text`, told at `position`.
    pub(crate) fn take_plan(&mut self, plan: Plan, text: &str, position: Position) {
        if self.plans.last().is_some_and(|prepared| prepared.plan.id == plan.id) {
            return;
        }
        let changes_rules = !self.plans.is_empty() && self.rules != plan.sources;
        if changes_rules {
            self.end_rules(&plan.sources);
        }
        self.rules = plan.sources;
        self.used = plan.used;
        if !self.plans.is_empty() {
            self.switches.push((self.greatest, self.plans.len()));
        }
        let mut prepared = Prepared::new(plan, text.into());
        for lag in &mut prepared.lags {
            // What was seen of the same sources goes on, by the same rules; of others, as they stand is all that is known.
            let mut known = self.plans.iter().rev().flat_map(|old| &old.lags);
            let twin = known.find(|old| (old.sources, old.at_most) == (lag.sources, lag.at_most));
            lag.turns = match twin {
                Some(twin) => twin.turns.clone(),
                None => [(i64::MIN, lag.is_apart_now(&self.now, &self.rules))].into(),
            };
        }
        self.plans.push(prepared);
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        self.now = clocks.now();
        self.greatest = self.greatest.max(self.now.greatest);
        self.now.greatest = self.greatest;
        if changes_rules {
            self.begin_rules(position);
        }
    }

    /// The first plan that an account may be under.
    pub(super) fn least_plan(&self) -> usize {
        let newest = self.plans.len().saturating_sub(1);
        let open = self.switches.iter().filter(|(from, _)| from.saturating_add(SPREAD) > self.greatest);
        open.map(|(_, plan)| plan.saturating_sub(1)).min().unwrap_or(newest)
    }

    /// Drops the plans that all accounts have left: a new one holds for the last of them a spread after it came.
    /// Asked at the end of an entry, so that a replay drops at the same position.
    pub(super) fn drop_plans(&mut self) {
        let least = self.least_plan();
        if least > self.plans.dropped() {
            // One that was stored wrongly, ahead of the shard under a model that it had left by then, keeps its model.
            let kept = self.accounts.iter().map(|account| account.plan).min();
            let least = kept.map_or(least, |kept| kept.min(least));
            self.switches.retain(|(_, plan)| *plan > least);
            self.plans.drop_before(least);
        }
    }

    /// Leaves nothing behind that the rules of sources so far had ended: other rules might take it up again, and
    /// whether it was tidied away by then must not matter.
    fn end_rules(&mut self, to: &[SourceRules; SOURCES]) {
        let horizons = Horizons { clocks: &self.clocks, rules: &self.rules };
        for account in self.accounts.iter_mut().filter(|account| !account.ahead) {
            let seen = self.plans[account.plan].seen;
            dedup::tidy(&mut account.parts.part(seen), &horizons);
        }
        for ((clock, from), to) in self.clocks.iter_mut().zip(&self.rules).zip(to) {
            clock.renew(from, to);
        }
    }

    /// Works out every account anew: when windows move is a matter of the sources' rules, which are in force for all
    /// from here on. They are stored again, since what has left by now may not come back with a restore.
    fn begin_rules(&mut self, position: Position) {
        // Where sources stood on an axis of other delays says nothing: as they stand is all that is known.
        for prepared in self.plans.iter_mut() {
            for lag in &mut prepared.lags {
                lag.turns = [(i64::MIN, lag.is_apart_now(&self.now, &self.rules))].into();
            }
        }
        for place in 0..self.accounts.len() {
            if !self.accounts[place].ahead {
                self.accounts[place].unread = true;
                self.derive(place);
                self.mark_dirty(place, position);
            }
        }
    }

    /// Switches an account to the newest plan, since an entry of its own comes, as of its source's T.
    pub(super) fn switch_at_entry(
        &mut self,
        place: usize,
        as_of: i64,
        position: Position,
        sink: &mut dyn Sink,
    ) {
        let newest = self.plans.len() - 1;
        if self.accounts[place].plan != newest {
            let now = self.now.clone();
            self.switch(place, newest, &now, as_of, position, sink);
            self.look(place, position, as_of, Cause::Model, None, Scope::Anew, sink);
        }
    }

    /// Switches an account to the newest plan whose instant has come for it.
    pub(super) fn switch_at_instant(
        &mut self,
        place: usize,
        now: &Now,
        instant: i64,
        position: Position,
        sink: &mut dyn Sink,
    ) {
        let spread = self.accounts[place].spread;
        let come =
            self.switches.iter().filter(|(from, _)| now.greatest - spread >= *from).map(|(_, plan)| *plan);
        if let Some(plan) = come.max().filter(|plan| *plan > self.accounts[place].plan) {
            // What is due runs under the old model first. What other rules of sources alone have changed may not have
            // been told yet.
            let old = &self.plans[self.accounts[place].plan].plan;
            let cause = if old.sources == self.rules { Cause::Time } else { Cause::Model };
            self.look(place, position, instant, cause, Some(now), Scope::Due, sink);
            self.switch(place, plan, now, instant, position, sink);
            self.look(place, position, instant, Cause::Model, Some(now), Scope::Anew, sink);
        }
    }

    fn switch(
        &mut self,
        place: usize,
        to: usize,
        now: &Now,
        instant: i64,
        position: Position,
        sink: &mut dyn Sink,
    ) {
        let account = &mut self.accounts[place];
        let from = account.plan;
        let enabled = is_open(self.ready_at, now, account.spread);
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let look = Look { now, clocks, as_of: instant, cause: Cause::Model, enabled, scope: Scope::Anew };
        let id = EffectId { offset: position.offset, entry: position.entry, index: self.effects };
        let mut out = Out { sink, id };
        let old = &mut self.plans[from];
        stand(account, old, &mut self.work, clocks, now);
        let (old, new) = (&self.plans[from], &self.plans[to]);
        let last = account.as_of;
        account.as_of = last.max(instant);
        let said = out.id.index;
        let mut rules = vec![rule::State::default(); new.plan.rules.len()];
        for i in old.plan.rule_order.iter().copied() {
            let spec = &old.plan.rules[i];
            let twin = new.plan.rules.iter().position(|other| other.name == spec.name);
            match twin {
                Some(twin) if same(spec, &old.plan, &new.plan.rules[twin], &new.plan) => {
                    rules[twin] = account.rules[i].clone();
                }
                _ => {
                    let why = if twin.is_some() { Resolution::ModelChanged } else { Resolution::RuleRemoved };
                    resolve(i, account, old, &mut self.work, look, &mut out, why);
                    if let Some(twin) = twin {
                        rules[twin].episode = account.rules[i].episode;
                    }
                }
            }
        }
        if out.id.index == said {
            account.as_of = last;
        }
        self.effects = out.id.index;
        account.rules = rules.into();
        let told = carry_published(account, old, new);
        carry_signals(account, old, new, now);
        account.tell(told.into_iter());
        account.band = account.band.and_then(|band| same_band(band, &old.plan, &new.plan));
        account.plan = to;
        if account.changed {
            self.changed.push(u32::try_from(place).unwrap_or(u32::MAX));
        }
        self.mark_dirty(place, position);
    }
}

/// Keeps the state of each signal whose definition is the same; any other begins anew and is unknown until its
/// window has passed.
fn carry_signals(account: &mut Account, old: &Prepared, new: &Prepared, now: &Now) {
    let mut parts = new.template.clone();
    let seen = account.parts.get(old.seen);
    parts.part(new.seen).replace(seen);
    let mut blind = Vec::new();
    for (i, signal) in new.plan.signals.iter().enumerate() {
        let twin = old.plan.signals.iter().position(|other| other.definition == signal.definition);
        let living = new.direct[i].map_or(0, |source| now.sources[source.index()].living);
        let (layout, to) = new.layouts[i];
        // The same definition may come with another least number of activities, which asks for another state.
        let twin = twin.filter(|twin| old.layouts[*twin].0 == layout);
        // At what living time it was new, where its window has not passed since.
        let since = if let Some(twin) = twin {
            let from = old.layouts[twin].1;
            for place in 0..layout.parts() {
                parts.part(to + place).replace(account.parts.get(from + place));
            }
            let until = account.blind.as_ref().map(|blind| blind[twin]).filter(|until| *until != i64::MIN);
            // The same definition may come with another half-life.
            let blind = operator::blind(&old.plan.signals[twin].operator);
            until.zip(blind).map(|(until, blind)| until.saturating_sub(blind))
        } else {
            Some(living)
        };
        let until = since.zip(operator::blind(&signal.operator));
        blind.push(until.map_or(i64::MIN, |(since, blind)| since.saturating_add(blind)));
    }
    (account.parts, account.valued, account.unread) = (parts, 0, true);
    account.forget_scored();
    account.unbegun = SourceSet::default();
    account.blind = blind.iter().any(|until| *until != i64::MIN).then(|| blind.into());
    account.milestones = match (new.has_milestones, account.milestones.take()) {
        (true, kept) => Some(kept.unwrap_or_default()),
        (false, _) => None,
    };
}

/// What was published in the order of the new model; what it no longer has comes last.
fn carry_published(account: &mut Account, old: &Prepared, new: &Prepared) -> Vec<Told> {
    let Some(published) = &mut account.published else { return Vec::new() };
    published.cap = published.cap.map(|(cap, taken)| {
        let name = old.plan.caps.get(cap as usize).map(|cap| &cap.name);
        let twin = new.plan.caps.iter().position(|other| Some(&other.name) == name);
        (twin.and_then(|twin| u32::try_from(twin).ok()).unwrap_or(u32::MAX), taken)
    });
    published.band = published.band.and_then(|band| same_band(band, &old.plan, &new.plan));
    let name = |prepared: &Prepared, measure: usize| {
        prepared.plan.signals[prepared.plan.measures[measure].signal].name.clone()
    };
    let measures = old.plan.measures.len();
    let mut left: Vec<(Option<String>, Told)> =
        account.told().enumerate().map(|(i, told)| ((i < measures).then(|| name(old, i)), told)).collect();
    let mut lines = Vec::new();
    for measure in 0..new.plan.measures.len() {
        let name = name(new, measure);
        let twin = left.iter().position(|(other, _)| other.as_ref() == Some(&name));
        let new = Told { value: UNKNOWN, contribution: 0 };
        lines.push(twin.map_or(new, |twin| left.remove(twin).1));
    }
    lines.extend(left.into_iter().map(|(_, told)| told).filter(|told| told.contribution != 0));
    lines
}

fn same_band(band: u16, old: &Plan, new: &Plan) -> Option<u16> {
    let name = &old.bands.get(usize::from(band))?.name;
    new.bands.iter().position(|other| other.name == *name).and_then(|band| u16::try_from(band).ok())
}

/// Whether two rules mean the same, each in its own model.
fn same(a: &Rule, of_a: &Plan, b: &Rule, of_b: &Plan) -> bool {
    let conditions = |rule: &Rule, plan: &Plan| {
        let part = |condition: &Condition| name_signals(condition, plan);
        (part(&rule.when), rule.clears_when.as_ref().map(part), rule.critical_when.as_ref().map(part))
    };
    let rest = |rule: &Rule| {
        // A rule on the score has all sources of its model, whichever they are.
        let sources = (!rule.on_score).then_some(rule.sources);
        (rule.for_ms, rule.keep_firing_for, rule.cooldown, rule.if_unknown, rule.lag_at_most, sources)
    };
    rest(a) == rest(b) && conditions(a, of_a) == conditions(b, of_b)
}

/// A condition with signals named by their definitions, which do not move when a model changes.
fn name_signals(condition: &Condition, plan: &Plan) -> Condition {
    let parts = |parts: &[Condition]| parts.iter().map(|part| name_signals(part, plan)).collect();
    match condition {
        Condition::All(all) => Condition::All(parts(all)),
        Condition::Any(any) => Condition::Any(parts(any)),
        Condition::Signal { signal, tests } => {
            let definition = plan.signals[*signal].definition;
            Condition::Signal {
                signal: usize::try_from(definition).unwrap_or(usize::MAX),
                tests: tests.clone(),
            }
        }
        Condition::Score { .. } | Condition::Attribute { .. } => condition.clone(),
    }
}
