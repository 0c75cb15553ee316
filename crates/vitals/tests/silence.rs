//! Silence is an event, and a silent feed is not a silent customer: on the binary, by the clock and in recorded
//! time.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

#[path = "support/dead_feed.rs"]
#[allow(dead_code, reason = "a run on Kafka is looked at in parts")]
mod dead_feed;
mod support;

use dead_feed::{ACCOUNTS, BACK, DAYS, DeadFeed, HOUR, MODEL, SECOND, activity, text};
use model::time::EventTime;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;
use support::{LIVE, Place, Running, now, wait_for};

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

/// 2026-03-01.
const FEED: DeadFeed = DeadFeed { begin: 1_772_323_200_000 };

#[test]
fn a_feed_that_is_dead_for_days_empties_nothing_raises_nothing_and_is_named() {
    let place = ready(MODEL);
    place.feed(["produce"], &FEED.lines(0, DAYS * 24)).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    assert!(found["compared"].as_u64().unwrap() > 500, "{found}");
    let told = FEED.told(&place);
    FEED.only_the_silent_are_found(&told);
    println!("{} records; {told:?}", FEED.nothing_is_emptied_and_the_dead_are_named(&place));

    let place = ready(MODEL);
    place.feed(["produce"], &FEED.lines(0, BACK * 24 - 4)).fine();
    place.run(["run", "--mode", "recorded"]).fine();
    let last = place.run(["tail", "account-health", "--json"]).fine().json();
    let last: BTreeMap<_, _> = last.iter().map(|record| (text(&record["key"]), record)).collect();
    assert_eq!(last.len(), ACCOUNTS);
    assert!(last.values().all(|record| record["value"]["sources_out"] == json!(["login"])), "{last:#?}");
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

/// How far the logins are complete in every shard.
fn watermark(running: &Running<'_>) -> i64 {
    let token = running.address()["token"].as_str().unwrap().to_owned();
    let status: Value = serde_json::from_str(&running.ask("/status", Some(&token)).1).unwrap();
    let clocks =
        status["shards"].as_array().unwrap().iter().flat_map(|shard| shard["clocks"].as_array().unwrap());
    let logins = clocks.filter(|clock| clock["source"] == "login");
    logins.map(|clock| clock["watermark_ms"].as_i64().unwrap()).min().unwrap_or(i64::MIN)
}
