//! All accounts of a shard, counted: for people and metrics, never for the fold.

use super::{Shard, is_open};
use crate::account::Account;
use crate::assess::is_blind;
use crate::clock::View;
use crate::now::Clocks;
use crate::prepared::Prepared;
use crate::reading::known;
use model::plan::{IfUnknown, Operator, Rule};
use std::collections::BTreeMap;
use std::ops::Range;

/// What is counted. Names are those of the model that the account is under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Accounts by band; `unknown` where there is none.
    pub bands: BTreeMap<String, u64>,
    /// Open alerts by rule.
    pub open_alerts: BTreeMap<String, u64>,
    /// Accounts by rule, of rules that have been held for longer than their `for`, in event time: meanwhile nothing
    /// fires or resolves. Since when a signal is unknown is not remembered, nor since when sources lie apart if
    /// that is since before their rules changed: such a rule counts at once.
    pub held: BTreeMap<String, u64>,
}

impl Shard {
    /// Counts all accounts that are not closed.
    #[must_use]
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        self.count(0..self.len(), &mut census);
        census
    }

    /// Adds those of the accounts at `places`, of 0 to [`Shard::len`], that are not closed. An account keeps its
    /// place. Each costs about as much as an activity.
    pub fn count(&self, places: Range<usize>, census: &mut Census) {
        let accounts = self.accounts.get(places).unwrap_or_default();
        for account in accounts.iter().filter(|account| !account.buried) {
            let prepared = &self.plans[account.plan];
            let plan = &prepared.plan;
            let band = account.band.and_then(|band| plan.bands.get(usize::from(band)));
            add_one(&mut census.bands, band.map_or("unknown", |band| &band.name));
            let runs_rules = self.runs_rules(account, prepared);
            for (place, (rule, state)) in plan.rules.iter().zip(&account.rules).enumerate() {
                if state.is_open() {
                    add_one(&mut census.open_alerts, &rule.name);
                }
                if runs_rules && self.is_held(place, rule, account, prepared) {
                    add_one(&mut census.held, &rule.name);
                }
            }
        }
    }

    /// Whether the rules of an account are gone through at all.
    fn runs_rules(&self, account: &Account, prepared: &Prepared) -> bool {
        !account.unread
            && account.is_scored(&prepared.plan)
            && is_open(self.ready_at, &self.now, account.spread)
    }

    /// Whether a rule has been held for longer than its `for`. See "Rules" in `crates/README.md`.
    fn is_held(&self, place: usize, rule: &Rule, account: &Account, prepared: &Prepared) -> bool {
        let is_long = |since: i64, now: i64| now.saturating_sub(since) > rule.for_ms;
        let seen = self.now.x.saturating_sub(account.spread);
        let lag = prepared.rule_lag[place].map(|lag| &prepared.lags[lag]);
        if lag.and_then(|lag| lag.apart_since(seen)).is_some_and(|since| is_long(since, seen)) {
            return true;
        }
        // One that names what is never known holds for ever, which whoever publishes the model is told.
        let is_gap = |signal: &usize| matches!(prepared.plan.signals[*signal].operator, Operator::GapTo);
        rule.if_unknown == IfUnknown::Hold
            && !rule.signals.iter().any(is_gap)
            && ((rule.on_score && account.band.is_none())
                || rule.signals.iter().any(|signal| self.is_unsure(*signal, account, prepared, is_long)))
    }

    /// Whether a signal is unknown, or has been stale for as long as `is_long` asks.
    fn is_unsure(
        &self,
        signal: usize,
        account: &Account,
        prepared: &Prepared,
        is_long: impl Fn(i64, i64) -> bool + Copy,
    ) -> bool {
        if let Operator::Ratio { part, whole, .. } = prepared.plan.signals[signal].operator
            && [part, whole].iter().any(|part| self.is_unsure(*part, account, prepared, is_long))
        {
            return true;
        }
        let clocks = Clocks { clocks: &self.clocks, rules: &self.rules };
        let is_stale_for_long = |i: usize| {
            let Some(at) = self.now.sources[i].at else { return false };
            let seen = at - account.spread;
            let dead = self.clocks[i].dead_since(seen);
            dead.is_some_and(|dead| is_long(dead.saturating_add(self.rules[i].stale_after), seen))
        };
        known(account, signal).is_none()
            || is_blind(account, prepared, &self.now, signal)
            || prepared.plan.signals[signal].sources.iter().any(|source| {
                clocks.view_of(&self.now, source, account.spread) == View::Unbegun
                    || is_stale_for_long(source.index())
            })
    }
}

fn add_one(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}
