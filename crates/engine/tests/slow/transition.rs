//! What becomes of an account's alerts: by its rules, by a new model, by its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::effect::{AlertState, Cause, Evidence, Resolution, Status};
use model::plan::{Operator, Plan, Rule};

use super::account::{Account, Moment};
use super::clock::Reached;
use super::condition::Facing;
use super::definition::is_same;
use super::effect::{Alert, SlowEffect};
use super::now::Now;
use super::rule::{Leave, Turn, Watch, is_on_hold, marks};
use super::score::Tally;
use super::signal::{Learned, Reading};

impl Account {
    /// Takes the steps of one rule.
    pub(super) fn rule(
        &mut self,
        rule: &Rule,
        now: &Now<'_>,
        readings: &[Reading],
        tally: &Tally,
        (cause, as_of): (Cause, i64),
    ) -> Vec<SlowEffect> {
        let mut watch = self.watches.remove(&rule.name).unwrap_or_default();
        let turns = if tally.status == Status::NotScored {
            let open = watch.turn(false);
            watch = Watch { episode: watch.episode, ..Watch::default() };
            open.into_iter().map(|turn| (turn, Resolution::NotScored)).collect::<Vec<_>>()
        } else {
            let score = tally.score.filter(|_| self.band.is_some());
            let facing = Facing { score, ..self.facing(readings) };
            let leave = if is_on_hold(rule, &facing, now, self.past.sigma) {
                Leave::Nothing
            } else if self.is_inhibited(rule) {
                Leave::NotToFire
            } else {
                Leave::Everything
            };
            let turns = watch.evaluate(rule, &facing, leave, &marks(rule, now), as_of);
            let is_set = rule.on_score && tally.added.is_some();
            let why = if is_set { Resolution::Overridden } else { Resolution::Recovered };
            turns.into_iter().map(|turn| (turn, why)).collect()
        };
        let said = turns
            .into_iter()
            .map(|(turn, why)| self.alert(&rule.name, watch.episode, turn, why, readings, (cause, as_of)))
            .collect();
        self.watches.insert(rule.name.clone(), watch);
        said
    }

    /// The rules of the plan in the order in which they are decided: the first that is left or, as long as one that
    /// inhibits it is left, the first of those in its place.
    pub(super) fn rules_in_order(&self) -> Vec<Rule> {
        let rules = &self.plan.rules;
        let mut left: BTreeSet<usize> = (0..rules.len()).collect();
        let mut order = Vec::new();
        while let Some(first) = left.first() {
            let mut next = *first;
            while let Some(before) = rules[next].inhibited_by.iter().filter(|one| left.contains(*one)).min() {
                next = *before;
            }
            left.remove(&next);
            order.push(rules[next].clone());
        }
        order
    }

    /// Whether an alert is open that keeps this one from firing.
    fn is_inhibited(&self, rule: &Rule) -> bool {
        let mut names = rule.inhibited_by.iter().map(|other| &self.plan.rules[*other].name);
        names.any(|name| self.watches.get(name).is_some_and(Watch::is_open))
    }

    /// The record of a transition. The rule need not be one of the present plan.
    fn alert(
        &self,
        rule: &str,
        episode: u32,
        turn: Turn,
        why: Resolution,
        readings: &[Reading],
        (cause, as_of): (Cause, i64),
    ) -> SlowEffect {
        let rule_index = self.plan.rules.iter().position(|one| one.name == rule);
        let evidence = |signal: &usize| {
            let Reading { value, freshness } = readings[*signal];
            Evidence { signal: *signal, value, freshness }
        };
        let signals = rule_index.map(|index| &self.plan.rules[index].signals);
        SlowEffect::Alert(Alert {
            account: self.id.clone(),
            as_of,
            rule: rule.into(),
            rule_index,
            episode,
            revision: if turn.fired { 1 } else { 2 },
            state: if turn.fired { AlertState::Firing } else { AlertState::Resolved(why) },
            severity: turn.severity,
            started_at: turn.started_at,
            fired_at: turn.fired_at,
            ended_at: (!turn.fired).then_some(as_of),
            evidence: signals.into_iter().flatten().map(evidence).collect(),
            cause,
        })
    }

    /// Ends what is open of one rule, for a reason of its own, and forgets where the rule stood.
    fn end_rule(
        &mut self,
        rule: &str,
        why: Resolution,
        readings: &[Reading],
        at: (Cause, i64),
    ) -> Option<SlowEffect> {
        let watch = self.watches.get_mut(rule)?;
        let (turn, episode) = (watch.turn(false), watch.episode);
        *watch = Watch { episode, ..Watch::default() };
        turn.map(|turn| self.alert(rule, episode, turn, why, readings, at))
    }

    /// Ends the account, if it has not ended: its alerts, then its record. What it did stays known.
    pub(super) fn close(&mut self, now: &Now<'_>, moment: Moment) -> Vec<SlowEffect> {
        if self.published.is_none() {
            return Vec::new();
        }
        self.as_of = self.as_of.max(moment.instant);
        let (readings, at) = (self.readings(now), (moment.cause, self.as_of));
        let mut said = Vec::new();
        for rule in &self.rules_in_order() {
            said.extend(self.end_rule(&rule.name, Resolution::AccountClosed, &readings, at));
        }
        self.revision += 1;
        (self.published, self.band, self.band_since, self.has_news) = (None, None, None, false);
        said.push(SlowEffect::Closed {
            account: self.id.clone(),
            revision: self.revision,
            as_of: self.as_of,
        });
        said
    }

    /// Takes a later model, before entry `index` is taken in, and says what that alone changes: under the old
    /// model the ends of alerts whose rules are gone or others, then health and alerts under the new one.
    pub(crate) fn switch(
        &mut self,
        plan: &Arc<Plan>,
        index: usize,
        now: &Now<'_>,
        instant: i64,
    ) -> Vec<SlowEffect> {
        let readings = self.readings(now);
        let at = (Cause::Model, self.as_of.max(instant));
        let mut said = Vec::new();
        for rule in &self.rules_in_order() {
            let same = plan.rules.iter().find(|one| one.name == rule.name);
            if !same.is_some_and(|same| is_same(&self.plan, rule, plan, same)) {
                let why = if same.is_some() { Resolution::ModelChanged } else { Resolution::RuleRemoved };
                said.extend(self.end_rule(&rule.name, why, &readings, at));
            }
        }
        if !said.is_empty() {
            (self.as_of, self.has_news) = (at.1, true);
        }
        // What is known of milestones is of both operators alike.
        let of_milestones = |operator: &Operator| matches!(operator, Operator::Reached | Operator::Overdue);
        let milestones = self.plan.signals.iter().find(|signal| of_milestones(&signal.operator));
        let milestones = milestones.and_then(|signal| self.past.learned.get(&signal.definition)).copied();
        self.remove_measures(plan);
        // A rule that comes back begins anew.
        self.watches.retain(|name, _| plan.rules.iter().any(|rule| rule.name == *name));
        self.plan = Arc::clone(plan);
        let anew = |operator: &Operator| Learned {
            from_entry: index,
            living_then: match operator {
                Operator::Rolling { feed, .. }
                | Operator::DecayedMean { feed, .. }
                | Operator::Share { feed, .. }
                | Operator::Trend { feed, .. }
                | Operator::OwnAverage { feed, .. } => {
                    Some(now.source(feed.source).map_or(0, Reached::reading))
                }
                Operator::Latest { .. }
                | Operator::Ratio { .. }
                | Operator::SinceLast { .. }
                | Operator::Cadence { .. }
                | Operator::Open { .. }
                | Operator::Until { .. }
                | Operator::Reached
                | Operator::Overdue
                | Operator::GapTo => None,
            },
        };
        let known = &self.past.learned;
        let learned = plan.signals.iter().map(|signal| {
            let kept = known.get(&signal.definition).copied();
            let kept = kept.or_else(|| milestones.filter(|_| of_milestones(&signal.operator)));
            (signal.definition, kept.unwrap_or_else(|| anew(&signal.operator)))
        });
        self.past.learned = learned.collect();

        if self.published.is_some() {
            said.extend(self.evaluate(now, Moment { instant, cause: Cause::Model }));
        }
        said
    }
}
