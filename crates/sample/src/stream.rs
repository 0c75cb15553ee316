//! The record as the broker holds it: the days of all accounts, in the order of their append times.
//!
//! Nothing that happens on a day is appended before it, so once a day is made, all that lies before the next
//! one is complete. What is still pending then are the rest of open tickets and what CSMs log later.

use std::collections::{BTreeMap, btree_map};

use crate::account::{self, Account};
use crate::date::DAY_MS;
use crate::day::{Day, Delivery};
use crate::flaw::{self, Outage};
use crate::plan::Plan;
use crate::{Record, Settings, ticket, touch, usage};

/// Append time, then the order in which the records were made.
type Place = (i64, u64);

/// The records, made a day at a time.
#[derive(Debug)]
pub(crate) struct Stream {
    settings: Settings,
    outage: Outage,
    accounts: Vec<(Account, Plan)>,
    /// The next day to be made.
    day: i64,
    made: u64,
    ready: btree_map::IntoValues<Place, Record>,
    pending: BTreeMap<Place, Record>,
}

impl Stream {
    pub(crate) fn of(settings: &Settings) -> Self {
        let days = i64::from(settings.days);
        let accounts = account::all(settings).into_iter().map(|account| {
            let plan = Plan::of(&account, days);
            (account, plan)
        });
        Self {
            settings: settings.clone(),
            outage: flaw::outage(settings),
            accounts: accounts.collect(),
            day: 0,
            made: 0,
            ready: BTreeMap::new().into_values(),
            pending: BTreeMap::new(),
        }
    }

    /// Makes the next day, and hands out what is complete with it.
    fn make_day(&mut self) {
        for index in 0..self.accounts.len() {
            let (account, plan) = &self.accounts[index];
            for delivery in live(account, plan, self.day) {
                self.deliver(delivery);
            }
        }
        if let Some(record) = flaw::bad_record(&self.settings, self.day) {
            self.append(record);
        }
        self.day += 1;
        let later = self.pending.split_off(&(self.settings.start_ms + self.day * DAY_MS, 0));
        self.ready = std::mem::replace(&mut self.pending, later).into_values();
    }

    fn deliver(&mut self, delivery: Delivery) {
        let topic = delivery.topic.name();
        // What happened during the outage is lost even where it would have been delivered after it.
        if !self.outage.swallows(topic, delivery.at_ms) {
            let Delivery { key, value, appended_ms: time_ms, .. } = delivery;
            self.append(Record { topic, key, value, time_ms });
        }
    }

    fn append(&mut self, record: Record) {
        if !self.outage.swallows(record.topic, record.time_ms) {
            self.pending.insert((record.time_ms, self.made), record);
            self.made += 1;
        }
    }
}

impl Iterator for Stream {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.ready.next() {
                return Some(record);
            }
            // What would be appended after the end is not in the log yet.
            if self.day >= i64::from(self.settings.days) {
                return None;
            }
            self.make_day();
        }
    }
}

/// What happens in an account on one day.
fn live(account: &Account, plan: &Plan, number: i64) -> Vec<Delivery> {
    let course = &account.course;
    if number < course.joins || course.closes.is_some_and(|day| number > day) {
        return Vec::new();
    }
    let mut day = Day::of(account, number);
    plan.tell(&mut day);
    // A new account arrives on its first day and begins to work on the next.
    if number == course.joins && number > 0 {
        usage::arrive(&mut day);
    } else {
        usage::tell(&mut day);
        ticket::tell(&mut day);
    }
    touch::tell(&mut day);
    day.into_deliveries()
}
