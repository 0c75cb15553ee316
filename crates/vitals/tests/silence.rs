//! Silence is an event, and a silent feed is not a silent customer: on the binary, by the clock and in recorded
//! time.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod support;

use model::time::EventTime;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use std::{iter, thread};
use support::{LIVE, Place, Running, now, wait_for};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Of each of these accounts, when it was last active, in seconds after t.
const LAST: [(&str, i64); 5] = [("a", 0), ("b", 3), ("c", 8), ("d", 11), ("e", 15)];

#[test]
fn a_silent_account_is_found_with_no_input_and_one_of_a_silent_feed_is_not() {
    let place = ready(LIVE);
    // An hour ago, in recorded time: so the accounts are known, and none waits for its spread.
    let before = now() - HOUR;
    let old: String = LAST.iter().map(|(account, _)| login(account, before)).collect();
    place.feed(["produce"], &old).fine();
    place.run(["run", "--mode", "recorded"]).fine();

    let running = place.start();
    wait_for("readiness", || (running.get("/readyz").0 == 200).then_some(()));
    let t = now();
    let mut a_at = t;
    for second in 0..=15 {
        let wait = t + second * SECOND - now();
        thread::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
        let at = now();
        if second == 0 {
            a_at = at;
        }
        let active = LAST.iter().filter(|(_, last)| *last >= second);
        let lines: String = active.map(|(account, _)| login(account, at)).collect();
        place.feed(["produce"], &lines).fine();
    }
    // Nothing comes in from here on.
    let alert = wait_for("the alert of a", || place.fired().into_iter().find(|alert| alert["key"] == "a"));
    let seen = now();
    assert_eq!(alert["value"]["as_of"], EventTime(a_at + 20 * SECOND).to_string(), "{alert}");
    println!("readable {} ms after its last activity", seen - a_at);
    assert!(seen - a_at <= 26 * SECOND + 20 * SECOND, "a busy machine may add some seconds: {}", seen - a_at);

    // Long after everybody's limit by the clock on the wall, the clock of the source stands.
    wait_for("the time to pass", || (watermark(&running) > t + 45 * SECOND).then_some(()));
    let alerts = place.fired();
    let accounts: BTreeSet<_> = alerts.iter().map(|alert| alert["key"].as_str().unwrap()).collect();
    assert!(accounts.is_subset(&BTreeSet::from(["a", "b"])), "{accounts:?}");
    assert_eq!(alerts.iter().filter(|alert| alert["key"] == "a").count(), 1, "{alerts:#?}");
    assert_eq!(running.terminate(), Some(0));
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    assert!(found["compared"].as_u64().unwrap() > 0 && found["different"] == 0, "{found}");
    assert!(place.fired().contains(&alert));
}

const RECORDED: &str = "
format: 1
model: dead-feed
owner: ops@example.com
score: { bands: { healthy: 70, neutral: 45, at-risk: 0 }, publish_change: 1 }
sources:
  login:         { silent_at_most: 12h, stale_after: 1d }
  feature-usage: { silent_at_most: 12h, stale_after: 1d }
signals:
  last_login: { since_last: login }
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
  low:    { when: { score: { below: 60 } }, notify: csm }
";

/// 2026-03-01.
const BEGIN: i64 = 1_772_323_200_000;
/// Logins stop after ten days, a stray one comes two days later, all are back after fifteen.
const DEAD: i64 = 10;
const STRAY: i64 = 12;
const BACK: i64 = 15;
const DAYS: i64 = 25;
/// From here on the windows are full.
const FULL: i64 = 8;
/// Silent before the feed is, and after it is back.
const SILENT: [(&str, i64); 2] = [("gone-before", 8), ("gone-after", 17)];

#[test]
fn a_feed_that_is_dead_for_days_empties_nothing_raises_nothing_and_is_named() {
    let place = ready(RECORDED);
    place.feed(["produce"], &dead_feed(DAYS * 24)).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    assert!(found["compared"].as_u64().unwrap() > 500, "{found}");

    // Only who is silent is found, within the limit of living time: two days, half a day of each of the two
    // gaps that the stray login makes of one, and four hours before the feed died and after it came back.
    let alerts = place.fired().into_iter().filter(|alert| at(alert) > BEGIN + FULL * DAY);
    let told: BTreeSet<_> =
        alerts.map(|alert| (text(&alert["key"]), text(&alert["value"]["rule"]), at(&alert))).collect();
    let silent: Vec<_> = told.iter().filter(|(_, rule, _)| rule == "silent").collect();
    let (before, after) = (BEGIN + BACK * DAY + 4 * HOUR, BEGIN + 20 * DAY);
    assert_eq!(silent.iter().map(|(_, _, at)| *at).collect::<Vec<_>>(), [after, before], "{told:?}");
    assert!(told.iter().all(|(account, ..)| account.starts_with("gone-")), "no storm: {told:?}");

    let records = place.run(["tail", "health", "--json"]).fine().json();
    let busy = |record: &&Value| record["key"].as_str().unwrap().starts_with("busy");
    for record in records.iter().filter(busy).filter(|record| at(record) >= BEGIN + FULL * DAY) {
        let value = &record["value"];
        assert_eq!((&value["band"], &value["score"]), (&json!("healthy"), &json!(100.0)), "{record}");
        let logins = value["contributions"][0]["value"].as_i64().unwrap();
        assert!((34..=42).contains(&logins), "about six a day, in seven days of a living feed: {record}");
    }
    // The dead source is named while it is stale, and not before and after.
    let named = |from: i64, to: i64| -> BTreeSet<bool> {
        let within = records.iter().filter(busy).filter(|record| (from..to).contains(&at(record)));
        within.map(|record| text(&record["value"]["reason"]).contains("No news from: login")).collect()
    };
    // Dead after half a day, stale after one more, for an account up to a quarter of an hour later.
    let stale = DAY + 13 * HOUR;
    assert_eq!(named(BEGIN + FULL * DAY, BEGIN + DEAD * DAY), BTreeSet::from([false]));
    assert_eq!(named(BEGIN + STRAY * DAY + stale, BEGIN + BACK * DAY), BTreeSet::from([true]));
    assert_eq!(named(BEGIN + BACK * DAY + HOUR, i64::MAX), BTreeSet::from([false]));
    println!("{} health records; {told:?}", records.len());

    let place = ready(RECORDED);
    place.feed(["produce"], &dead_feed(BACK * 24 - 4)).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let last = place.run(["tail", "account-health", "--json"]).fine().json();
    let last: BTreeMap<_, _> = last.iter().map(|record| (text(&record["key"]), record)).collect();
    assert_eq!(last.len(), 22);
    assert!(last.values().all(|record| record["value"]["sources_out"] == json!(["login"])), "{last:#?}");
}

/// Twenty accounts that log in and work every few hours, and two that fall silent; up to an hour.
fn dead_feed(end: i64) -> String {
    let names: Vec<_> = (0..20).map(|number| format!("busy-{number}")).collect();
    let last = |name: &str| SILENT.iter().find(|(silent, _)| *silent == name).map_or(DAYS, |(_, last)| *last);
    let mut lines = String::new();
    for hour in (0..end).step_by(4) {
        let time = BEGIN + hour * HOUR;
        let dead = (DEAD * 24..BACK * 24).contains(&hour);
        for name in names.iter().map(String::as_str).chain(SILENT.iter().map(|(name, _)| *name)) {
            lines += &activity("feature-usage", name, time);
            let stray = hour == STRAY * 24 && name == "busy-0";
            if stray || !dead && hour <= last(name) * 24 {
                lines += &activity("login", name, time);
            }
        }
    }
    lines
}

fn ready(model: &str) -> Place {
    let place = Place::ready(None);
    place.write("model.yaml", model);
    place.run(["model", "publish", "model.yaml"]).fine();
    place
}

fn login(account: &str, time: i64) -> String {
    activity("login", account, time)
}

fn activity(source: &str, account: &str, time: i64) -> String {
    let at = EventTime(time).to_string();
    let value = json!({"id": format!("{account}-{time}"), "time": at, "account": account, "user": "ada", "feature": "x"});
    let line = json!({"topic": format!("vitals.{source}"), "key": account, "time": at, "value": value});
    iter::once(line.to_string()).chain(iter::once("\n".to_owned())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn at(record: &Value) -> i64 {
    EventTime::parse(record["value"]["as_of"].as_str().unwrap()).unwrap().0
}

/// How far the logins are complete in every shard.
fn watermark(running: &Running<'_>) -> i64 {
    let token = running.address()["token"].as_str().unwrap().to_owned();
    let status: Value = serde_json::from_str(&running.ask("/status", Some(&token)).1).unwrap();
    let clocks =
        status["shards"].as_array().unwrap().iter().flat_map(|shard| shard["clocks"].as_array().unwrap());
    let logins = clocks.filter(|clock| clock["source"] == "login");
    logins.map(|clock| clock["watermark_ms"].as_i64().unwrap()).min().unwrap_or(i64::MIN)
}
