//! A company whose logins are dead for days while its usage goes on: the stream, and what must come of it, on whichever
//! log and however it is played.

use super::support::Place;
use model::time::EventTime;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) const MODEL: &str = "
format: 1
model: dead-feed
owner: ops@example.com
score: { bands: { healthy: 70, neutral: 45, at-risk: 0 }, publish_change: 1 }
sources:
  login:         { silent_at_most: 12h, stale_after: 1d }
  feature-usage: { silent_at_most: 12h, stale_after: 1d }
signals:
  last_login: { since_last: login }
  last_usage: { since_last: feature-usage }
  logins:     { count: login, over: 7d }
  usage:      { count: feature-usage, over: 7d }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures:
      logins: { kind: leading, weight: 40, curve: { 0: 0, 14: 100 } }
      usage:  { kind: leading, weight: 60, curve: { 0: 0, 14: 100 } }
alerts:
  silent: { when: { last_login: { at_least: 3d } }, clears_when: { last_login: { below: 1d } }, notify: csm }
  unused: { when: { last_usage: { at_least: 3d } }, clears_when: { last_usage: { below: 1d } }, notify: csm }
  low:    { when: { score: { below: 60 } }, notify: csm }
";

/// Logins stop after ten days, a stray one comes two days later, all are back after fifteen.
const DEAD: i64 = 10;
const STRAY: i64 = 12;
pub(crate) const BACK: i64 = 15;
pub(crate) const DAYS: i64 = 25;
/// From here on the windows are full.
pub(crate) const FULL: i64 = 8;
/// Who logs in no more, before the feed is dead and after it is back, and from which day on.
const SILENT: [(&str, i64); 2] = [("gone-before", 8), ("gone-after", 17)];
/// Who uses nothing any more.
const UNUSED: (&str, i64) = ("gone-off", 18);
/// Twenty that do everything to the end, and these three.
pub(crate) const ACCOUNTS: usize = 23;

/// The stream, from a midnight on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadFeed {
    pub(crate) begin: i64,
}

impl DeadFeed {
    /// The activity of the hours `from` to `to`, as lines for `vitals produce`: everybody logs in and works every four
    /// hours.
    pub(crate) fn lines(self, from: i64, to: i64) -> String {
        let names: Vec<_> = (0..20).map(|number| format!("busy-{number}")).collect();
        let others = SILENT.iter().chain([&UNUSED]).map(|(name, _)| *name);
        let names: Vec<&str> = names.iter().map(String::as_str).chain(others).collect();
        let last_login = |name| SILENT.iter().find(|(other, _)| *other == name).map_or(DAYS, |(_, day)| *day);
        let last_usage = |name| if name == UNUSED.0 { UNUSED.1 } else { DAYS };
        let mut lines = String::new();
        for hour in (from..to).step_by(4) {
            let time = self.begin + hour * HOUR;
            let dead = (DEAD * 24..BACK * 24).contains(&hour);
            for name in &names {
                if hour <= last_usage(*name) * 24 {
                    lines += &activity("feature-usage", name, time);
                }
                let stray = hour == STRAY * 24 && *name == "busy-0";
                if stray || !dead && hour <= last_login(*name) * 24 {
                    lines += &activity("login", name, time);
                }
            }
        }
        lines
    }

    /// The instant of a day.
    pub(crate) fn day(self, day: i64) -> i64 {
        self.begin + day * DAY
    }

    /// The alerts that fired once windows were full: account, rule and instant.
    pub(crate) fn told(self, place: &Place) -> BTreeSet<(String, String, i64)> {
        let alerts = place.fired().into_iter().filter(|alert| at(alert) > self.day(FULL));
        alerts.map(|alert| (text(&alert["key"]), text(&alert["value"]["rule"]), at(&alert))).collect()
    }

    /// The instants at which the two that log in no more are found, the later one first, within the limit of living time:
    /// two days, half a day of each of the two gaps that the stray login makes of one, and four hours before the feed died
    /// and after it came back.
    pub(crate) fn found(self) -> [i64; 2] {
        [self.day(20), self.day(BACK) + 4 * HOUR]
    }

    /// Only who is silent is found, and just then; nobody else has any alert.
    pub(crate) fn only_the_silent_are_found(self, told: &BTreeSet<(String, String, i64)>) {
        let silent: Vec<_> = told.iter().filter(|(_, rule, _)| rule == "silent").collect();
        assert_eq!(silent.iter().map(|(.., at)| *at).collect::<Vec<_>>(), self.found(), "{told:?}");
        assert!(told.iter().all(|(account, ..)| account.starts_with("gone-")), "no storm: {told:?}");
    }

    /// The windows of a dead source are not emptied, and it is named while it is stale, not before and after. How many
    /// records say so.
    pub(crate) fn nothing_is_emptied_and_the_dead_are_named(self, place: &Place) -> usize {
        let records = place.run(["tail", "health", "--json"]).fine().json();
        let busy = |record: &&Value| record["key"].as_str().unwrap().starts_with("busy");
        let during = |record: &&Value| (self.day(FULL)..self.day(DAYS)).contains(&at(record));
        let records: Vec<_> = records.iter().filter(busy).filter(during).collect();
        for record in &records {
            let value = &record["value"];
            assert_eq!((&value["band"], &value["score"]), (&json!("healthy"), &json!(100.0)), "{record}");
            let logins = value["contributions"][0]["value"].as_i64().unwrap();
            assert!((34..=42).contains(&logins), "about six a day, in seven days of a living feed: {record}");
        }
        let named = |from: i64, to: i64| -> BTreeSet<bool> {
            let within = records.iter().filter(|record| (from..to).contains(&at(record)));
            within.map(|record| text(&record["value"]["reason"]).contains("No news from: login")).collect()
        };
        // Dead after half a day, stale after one more, for an account up to a quarter of an hour later.
        let stale = DAY + 13 * HOUR;
        assert_eq!(named(self.day(FULL), self.day(DEAD)), BTreeSet::from([false]));
        assert_eq!(named(self.day(STRAY) + stale, self.day(BACK)), BTreeSet::from([true]));
        assert_eq!(named(self.day(BACK) + HOUR, self.day(DAYS)), BTreeSet::from([false]));
        records.len()
    }
}

/// An activity of an account, as a line for `vitals produce`.
pub(crate) fn activity(source: &str, account: &str, time: i64) -> String {
    let at = EventTime(time).to_string();
    let value = json!({"id": format!("{account}-{time}"), "time": at, "account": account, "user": "ada", "feature": "x"});
    let line = json!({"topic": format!("vitals.{source}"), "key": account, "time": at, "value": value});
    line.to_string() + "\n"
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The instant that a record is of.
pub(crate) fn at(record: &Value) -> i64 {
    EventTime::parse(record["value"]["as_of"].as_str().unwrap()).unwrap().0
}
