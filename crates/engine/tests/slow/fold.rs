//! The whole fold: entry by entry, and between them instant by instant.

use engine::entry::Latest;
use std::collections::BTreeMap;
use std::sync::Arc;

use engine::effect::{Cause, EffectId};
use model::plan::Plan;
use model::source::Source;

use super::account::{Account, Moment};
use super::clock::{Clock, News};
use super::effect::{Caused, SlowEffect};
use super::fact::{Fact, of_rules, of_signals, of_sources};
use super::intake::{Memory, Outcome, outcome};
use super::journal::{Entry, Happening, Placed};
use super::now::{Advance, Now, Places};
use super::{Search, Told};

pub(crate) struct Run<'a> {
    entries: &'a [Placed],
    search: Search,
    clocks: Vec<Clock>,
    ends: Vec<Places>,
    /// Each with the G at which it came.
    models: Vec<(Arc<Plan>, Option<i64>)>,
    /// The G at which every source of the newest model so far had a T.
    gate: Option<i64>,
    accounts: BTreeMap<String, Account>,
    memories: BTreeMap<String, Memory>,
    told: Told,
}

/// What is known of all sources after the first `upto` entries.
pub(crate) fn clocks(entries: &[Placed], upto: usize) -> Vec<Clock> {
    let news = |source: Source| {
        entries[..upto].iter().filter_map(move |one| match &one.what {
            Entry::Watermarks(told) => Some(News::Watermarks(told)),
            Entry::Model(plan) => Some(News::Rules(plan.sources[source.index()])),
            Entry::Activity(_) => None,
        })
    };
    Source::ALL.into_iter().map(|source| Clock::after(source, news(source))).collect()
}

fn places(clocks: &[Clock]) -> Places {
    std::array::from_fn(|i| clocks[i].t)
}

impl<'a> Run<'a> {
    pub(crate) fn new(entries: &'a [Placed], search: Search) -> Self {
        Self {
            entries,
            search,
            clocks: clocks(entries, 0),
            ends: Vec::new(),
            models: Vec::new(),
            gate: None,
            accounts: BTreeMap::new(),
            memories: BTreeMap::new(),
            told: Told::default(),
        }
    }

    pub(crate) fn all(mut self) -> Told {
        for (index, placed) in self.entries.iter().enumerate() {
            match &placed.what {
                Entry::Model(plan) => self.model(index, plan),
                Entry::Activity(happening) => self.activity(index, happening),
                Entry::Watermarks(told) => self.watermarks(index, told.latest),
            }
        }
        self.told.accounts = self.accounts;
        self.told
    }

    fn say(&mut self, index: usize, said: Vec<SlowEffect>) {
        let Placed { offset, entry, .. } = self.entries[index];
        let before =
            self.told.effects.iter().rev().take_while(|one| (one.id.offset, one.id.entry) == (offset, entry));
        let next = u32::try_from(before.count()).unwrap();
        let id = |index| EffectId { offset, entry, index };
        self.told.effects.extend((next..).map(id).zip(said).map(|(id, effect)| Caused { id, effect }));
    }

    fn model(&mut self, index: usize, plan: &Arc<Plan>) {
        if self.models.last().is_none_or(|(last, _)| last.sources != plan.sources) {
            self.end_rules();
        }
        self.clocks = clocks(self.entries, index + 1);
        let now = Now { clocks: &self.clocks, a: places(&self.clocks), ends: &self.ends };
        self.models.push((Arc::clone(plan), now.greatest()));
        let mut said = Vec::new();
        for account in self.accounts.values_mut() {
            said.extend(switch_if_due(account, &self.models, index, &now));
        }
        self.say(index, said);
    }

    /// What has expired under the rules so far has for good; how far sources lay apart under them is nobody's matter.
    fn end_rules(&mut self) {
        self.ends = vec![places(&self.clocks)];
        let now = Now { clocks: &self.clocks, a: places(&self.clocks), ends: &self.ends };
        self.memories.values_mut().for_each(|memory| memory.forget(&now));
    }

    fn activity(&mut self, index: usize, happening: &Happening) {
        let newest = self.models.len().checked_sub(1).expect("a model is the first entry");
        let id = &happening.account;
        let now = Now { clocks: &self.clocks, a: places(&self.clocks), ends: &self.ends };
        let instant = now.a[happening.source.index()].or_else(|| now.greatest()).unwrap_or(i64::MIN);
        let mut said = Vec::new();
        let is_new = !self.accounts.contains_key(id);
        let account = self.accounts.entry(id.clone());
        let account = account.or_insert_with(|| Account::new(id, &self.models[newest].0, newest));
        if account.model != newest {
            account.model = newest;
            said.extend(account.switch(&self.models[newest].0, index, &now, instant));
        }
        let memory = self.memories.entry(id.clone()).or_default();
        let outcome = outcome(&account.plan, memory, happening, &now, account.past.sigma);
        self.told.outcomes.push((index, outcome));
        if outcome == Outcome::Applied {
            let moment = Moment { instant, cause: Cause::Activity(happening.source) };
            account.past.applied.push((index, happening.clone()));
            if may_speak(account, self.gate, &now) {
                said.extend(account.evaluate(&now, moment));
            }
        } else if is_new {
            self.accounts.remove(id);
        }
        self.say(index, said);
    }

    fn watermarks(&mut self, index: usize, latest: Latest) {
        let after = clocks(self.entries, index + 1);
        let before = std::mem::replace(&mut self.clocks, after.clone());
        let advance = Advance::between(&before, &after);
        self.ends.extend(advance.minute_ends());
        let advance = advance.with_ends(&self.ends);
        let used = self.models.last().expect("a model is the first entry").0.used;
        if used.iter().all(|source| advance.start().a[source.index()].is_some()) {
            self.gate = self.gate.or_else(|| advance.start().greatest());
        }
        let mut said = Vec::new();
        for account in self.accounts.values_mut() {
            let alone = Alone { advance: &advance, models: &self.models, gate: self.gate, index };
            said.extend(alone.advance(account, self.search));
        }
        // Accounts do not touch each other: all that is left of "together" is the order (x, account).
        said.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let mut said: Vec<SlowEffect> = said.into_iter().flat_map(|one| one.2).collect();
        let end = advance.end();
        let has_turn = |account: &Account| match latest {
            Latest::All => true,
            Latest::Turn { turn, turns } => account.past.sigma / 1_000 % i64::from(turns) == i64::from(turn),
        };
        let news = self.accounts.values_mut().filter(|account| account.has_news && has_turn(account));
        said.extend(news.map(|account| account.account_health(&end)));
        self.say(index, said);
    }
}

/// Whether anything of the account is published, and its rules run.
fn may_speak(account: &Account, gate: Option<i64>, now: &Now<'_>) -> bool {
    gate.is_some_and(|gate| now.greatest().is_some_and(|g| g - account.past.sigma >= gate))
}

type Models = [(Arc<Plan>, Option<i64>)];

/// The G at which the account takes the next model.
fn next_model_at(account: &Account, models: &Models) -> Option<i64> {
    models.get(account.model + 1).map(|(_, g)| g.map_or(i64::MIN, |g| g + account.past.sigma))
}

fn has_next_model(account: &Account, models: &Models, now: &Now<'_>) -> bool {
    next_model_at(account, models).is_some_and(|g| now.greatest().is_some_and(|greatest| greatest >= g))
}

fn switch_if_due(account: &mut Account, models: &Models, index: usize, now: &Now<'_>) -> Vec<SlowEffect> {
    let greatest = now.greatest().unwrap_or(i64::MIN);
    let has_come = |g: &Option<i64>| g.is_none_or(|g| greatest >= g + account.past.sigma);
    match models.iter().rposition(|(_, g)| has_come(g)) {
        Some(model) if model > account.model => {
            account.model = model;
            account.switch(&models[model].0, index, now, greatest)
        }
        _ => Vec::new(),
    }
}

/// One account through one entry's advance.
struct Alone<'a> {
    advance: &'a Advance<'a>,
    models: &'a Models,
    gate: Option<i64>,
    index: usize,
}

impl Alone<'_> {
    /// All that it says, with the x at which it says it.
    fn advance(&self, account: &mut Account, search: Search) -> Vec<(i64, String, Vec<SlowEffect>)> {
        let mut said = Vec::new();
        let mut at = |account: &mut Account, x: i64, now: &Now<'_>, instant: i64| {
            said.push((x, account.id.clone(), self.evaluate(account, now, instant)));
        };
        let start = self.advance.start();
        if self.advance.begins() {
            at(account, i64::MIN, &start, start.greatest().unwrap_or(i64::MIN));
        } else if let Some((x, instant)) = self.advance.turns(&account.past, account.plan.used) {
            at(account, x, &start, instant);
        }
        for (mut after, upto) in self.advance.stretches() {
            while let Some((x, instant)) = self.next(account, after, upto, search) {
                at(account, x, &self.advance.at(x), instant);
                after = x;
            }
        }
        said.retain(|one| !one.2.is_empty());
        said
    }

    fn evaluate(&self, account: &mut Account, now: &Now<'_>, instant: i64) -> Vec<SlowEffect> {
        let mut said = Vec::new();
        if may_speak(account, self.gate, now) {
            let takes_rules = has_next_model(account, self.models, now)
                && self.models.last().is_some_and(|(last, _)| last.sources != account.plan.sources);
            let cause = if takes_rules { Cause::Model } else { Cause::Time };
            said.extend(account.evaluate(now, Moment { instant, cause }));
        }
        said.extend(switch_if_due(account, self.models, self.index, now));
        said
    }

    /// The next x at which to look, and the greatest of the instants that the clocks have reached there by
    /// which something may have changed.
    fn next(&self, account: &Account, after: i64, upto: i64, search: Search) -> Option<(i64, i64)> {
        if let Search::Every(step) = search {
            let x = ((after.div_euclid(step) + 1) * step).min(upto);
            let moving = Source::ALL.into_iter().filter(|source| self.advance.moves(*source, x));
            let instant = moving.filter_map(|source| self.advance.at(x).a[source.index()]).max();
            return (after < upto).then_some((x, instant?));
        }
        let facts = self.facts(account, &self.advance.at(after));
        let changes = |fact: &Fact| Some((fact.changes_at(self.advance, after, upto)?, *fact));
        let changes: Vec<(i64, Fact)> = facts.iter().filter_map(changes).collect();
        let x = changes.iter().map(|change| change.0).min()?;
        let here = changes.iter().filter(|change| change.0 == x);
        let instant = here.filter_map(|change| change.1.instant(self.advance, x)).max();
        Some((x, instant.expect("a fact changes only as a clock moves")))
    }

    fn facts(&self, account: &Account, now: &Now<'_>) -> Vec<Fact> {
        let sigma = account.past.sigma;
        let g = self.gate.map(|gate| gate + sigma).into_iter();
        let g = g.chain(next_model_at(account, self.models)).chain(account.repeat_at());
        let mut facts: Vec<Fact> = g.map(|g| Fact::Greatest { g }).collect();
        let expires = account.expires_at();
        facts.extend(expires.map(|a| Fact::Reached { source: Source::Command, a }));
        facts.extend(of_sources(&account.plan, &account.past, now));
        facts.extend(of_signals(&account.plan, &account.past, now));
        facts.extend(of_rules(&account.plan, &account.past, now, |rule| account.watches.get(rule)));
        facts.sort_unstable();
        facts.dedup();
        facts
    }
}
