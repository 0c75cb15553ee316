//! What is known of the accounts of one partition beside their scores: since when, whether they have ended, what happened.

use crate::collected::Happened;
use engine::activity::Activity;
use model::plan::Feed;
use model::source::{Field, Source};
use std::collections::HashMap;

/// Which of two activities is the newer one: event time, then partition, then offset.
type Order = (i64, u32, i64);

#[derive(Debug)]
struct Subscription {
    key: u64,
    order: Order,
    ended: bool,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: Box<str>,
    /// The earliest that was told of it.
    pub(crate) first: i64,
    /// The latest.
    pub(crate) last: i64,
    pub(crate) happened: Vec<Happened>,
    subscriptions: Vec<Subscription>,
    closed: Option<(Order, bool)>,
}

impl Known {
    /// Whether it is no customer any more, as far as was told: it is closed, or had subscriptions and all have ended.
    pub(crate) fn has_ended(&self) -> bool {
        let none_left = !self.subscriptions.is_empty() && self.subscriptions.iter().all(|of| of.ended);
        none_left || self.closed.is_some_and(|(_, closed)| closed)
    }

    fn subscribe(&mut self, key: u64, order: Order, ended: bool) {
        match self.subscriptions.iter_mut().find(|of| of.key == key) {
            Some(of) if of.order < order => (of.order, of.ended) = (order, ended),
            Some(_) => {}
            None => self.subscriptions.push(Subscription { key, order, ended }),
        }
    }
}

/// The accounts of one partition, in the order in which they were first told of.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    places: HashMap<Box<str>, u32>,
    pub(crate) accounts: Vec<Known>,
}

impl Ledger {
    /// The place of an account.
    pub(crate) fn place(&self, id: &str) -> Option<u32> {
        self.places.get(id).copied()
    }

    /// Takes in an activity; `next` is the first cut at which it is known.
    pub(crate) fn observe(&mut self, activity: &Activity<'_>, outcome: &[Feed], next: i32) {
        let place = self.place(activity.account).unwrap_or_else(|| self.add(activity));
        let Some(account) = self.accounts.get_mut(place as usize) else { return };
        account.first = account.first.min(activity.time.0);
        account.last = account.last.max(activity.time.0);
        let order = (activity.time.0, activity.partition, activity.offset);
        match activity.source {
            Source::Subscription => {
                let key = activity.fields.identity(Field::Subscription).unwrap_or_default();
                account.subscribe(key, order, activity.fields.word(Field::Kind) == Some("ended"));
            }
            Source::Account if account.closed.is_none_or(|(known, _)| known < order) => {
                account.closed = Some((order, activity.fields.word(Field::State) == Some("closed")));
            }
            Source::Account
            | Source::Login
            | Source::FeatureUsage
            | Source::Support
            | Source::CsmActivity
            | Source::Feedback
            | Source::Milestone
            | Source::Command => {}
        }
        if outcome.iter().any(|feed| takes_in(feed, activity)) {
            account.happened.push(Happened { time: activity.time.0, known: next });
        }
    }

    fn add(&mut self, activity: &Activity<'_>) -> u32 {
        let place = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        self.places.insert(activity.account.into(), place);
        self.accounts.push(Known {
            id: activity.account.into(),
            first: activity.time.0,
            last: activity.time.0,
            happened: Vec::new(),
            subscriptions: Vec::new(),
            closed: None,
        });
        place
    }
}

/// Whether a feed takes an activity in.
fn takes_in(feed: &Feed, activity: &Activity<'_>) -> bool {
    feed.source == activity.source
        && feed.filter.iter().all(|test| {
            let word = activity.fields.word(test.field);
            word.is_some_and(|word| test.any_of.iter().any(|accepted| accepted == word))
        })
}
