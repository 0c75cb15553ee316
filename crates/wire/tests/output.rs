//! Effects become records: exact sums, valid JSON, headers, words.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use engine::effect::{
    AccountHealth, Alert, AlertState, CapLine, Cause, Closed, Effect, EffectId, Evidence, Freshness, Health,
    Line, OpenAlert, OverrideLine, Resolution, Standing, Status,
};
use model::plan::{Plan, Severity, SourceSet};
use model::source::Source;
use model::time::{DAY, EventTime, HOUR};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{AS_OF, lines, plan, standing};
use wire::output::{Encoder, Journal, Output};

const JOURNAL: Journal = Journal { epoch: 1, partition: 11 };
const ID: EffectId = EffectId { offset: 88_213, entry: 0, index: 2 };

fn value(effect: &Effect<'_>) -> Value {
    let mut encoder = Encoder::new("acme-prod");
    serde_json::from_slice(encoder.encode(JOURNAL, ID, effect).value.unwrap()).unwrap()
}

fn health<'a>(plan: &'a Plan, lines: &'a [Line]) -> Health<'a> {
    let standing = standing(plan, lines);
    let change: i32 = lines.iter().map(|line| line.change).sum();
    Health {
        previous_score: standing.score.map(|score| score.saturating_add_signed(-change)),
        previous_band: Some(1),
        first: false,
        cap_change: 0,
        override_change: 0,
        removed_change: 0,
        cause: Cause::Time,
        standing,
    }
}

fn alert<'a>(
    standing: Standing<'a>,
    rule_index: Option<usize>,
    state: AlertState,
    evidence: &'a [Evidence],
) -> Alert<'a> {
    let rule = rule_index.map_or("gone", |index| standing.plan.rules[index].name.as_str());
    let ended = (state != AlertState::Firing).then_some(standing.as_of);
    Alert {
        rule,
        rule_index,
        episode: 3,
        revision: 1,
        state,
        severity: Severity::Critical,
        started_at: EventTime(AS_OF.0 - 2 * DAY),
        fired_at: ended.map_or(AS_OF, |_| EventTime(AS_OF.0 - HOUR)),
        ended_at: ended,
        evidence,
        cause: Cause::Activity(Source::Support),
        standing,
    }
}

#[test]
fn a_record_has_the_headers_of_cloud_events() {
    let (plan, lines) = (plan(), lines());
    let mut encoder = Encoder::new("acme-prod");
    let effect = Effect::Health(health(&plan, &lines));
    let record = encoder.encode(JOURNAL, ID, &effect);
    let headers: Vec<(&str, &str)> =
        record.headers.iter().map(|(name, value)| (*name, std::str::from_utf8(value).unwrap())).collect();
    assert_eq!(
        headers,
        [
            ("ce_specversion", "1.0"),
            ("ce_id", "1-11-88213-0-2"),
            ("ce_type", "vitals.health.v1"),
            ("ce_source", "/vitals/acme-prod"),
            ("ce_subject", "northwind"),
            ("ce_time", "2026-06-15T22:00:00Z"),
            ("ce_partitionkey", "northwind"),
            ("content-type", "application/json"),
        ]
    );
    assert_eq!((record.output, record.key), (Output::Health, b"northwind".as_slice()));
}

#[test]
fn a_health_record_tells_the_standing_and_why_it_changed() {
    let (plan, lines) = (plan(), lines());
    let record = value(&Effect::Health(health(&plan, &lines)));
    assert_eq!(record["score"], json!(40.2));
    assert_eq!(record["previous_score"], json!(47.93));
    assert_eq!((&record["band"], &record["previous_band"]), (&json!("at-risk"), &json!("neutral")));
    assert_eq!(record["coverage"], json!(86.25));
    assert_eq!(
        record["complete_to"],
        json!({"feature-usage": "2026-06-15T22:00:00Z", "support": "2026-06-15T21:58:31.250Z"})
    );
    assert_eq!(record["cause"], json!({"kind": "time"}));
    assert_eq!(
        record["reason"],
        json!(
            "Score fell from 47.93 to 40.2 (neutral to at-risk): usage_trend is 52% (was 73.33%), adoption is 31% \
             (was 32.86%). The most points to win: open_tickets."
        )
    );
    assert_eq!(
        record["contributions"][1],
        json!({"measure": "usage_trend", "goal": "adoption", "state": "fresh", "value": 52, "target": 100, "unit": "%",
               "points": 4.0, "weight": 11.84, "contribution": 0.47, "change": -7.11})
    );
    assert_eq!(
        record["contributions"][4],
        json!({"measure": "first_reply", "goal": "support", "state": "unknown", "weight": 0.0, "contribution": 0.0,
               "change": 0.0})
    );
    assert_eq!(record["contributions"][5]["unit"], json!("d"));
    assert_eq!(record["contributions"][6]["state"], json!("stale"));
    assert_eq!((&record["caps"], &record["cap_change"]), (&json!([]), &json!(0.0)));
    assert_eq!(
        record["model"],
        json!({"name": "acme-customer-health", "id": format!("sha256:{}", "9f".repeat(32))})
    );
    assert_eq!(record["owner"], json!("csm-7@acme.example"));
    for absent in ["trend", "override"] {
        assert_eq!(record.get(absent), None);
    }
}

#[test]
fn a_first_record_shows_no_change() {
    let (plan, lines) = (plan(), lines());
    let mut health = health(&plan, &lines);
    (health.first, health.previous_score, health.previous_band) = (true, None, None);
    let record = value(&Effect::Health(health));
    assert_eq!((&record["previous_score"], &record["previous_band"]), (&Value::Null, &Value::Null));
    assert_eq!((record.get("cap_change"), record["contributions"][0].get("change")), (None, None));
    assert_eq!(record["reason"], json!("First score: 40.2 (at-risk). The most points to win: open_tickets."));
}

#[test]
fn an_override_is_a_line_of_its_own_with_who_why_and_until_when() {
    let (plan, lines) = (plan(), lines());
    let mut health = health(&plan, &lines);
    let expires_at = EventTime(AS_OF.0 + 14 * 86_400_000);
    let line = OverrideLine { contribution: 3_980, author: "ada", reason: "new \"sponsor\"", expires_at };
    health.standing.overridden = Some(line);
    (health.standing.score, health.standing.band) = (Some(8_000), Some(0));
    (health.previous_score, health.override_change) = (Some(4_020), 3_980);
    let set = json!({
        "contribution": 39.8, "computed_score": 40.2, "author": "ada", "reason": "new \"sponsor\"",
        "expires_at": "2026-06-29T22:00:00Z"
    });
    let standing = health.standing;
    let record = value(&Effect::Health(health));
    assert_eq!((&record["override"], &record["override_change"]), (&set, &json!(39.8)));
    let reason = record["reason"].as_str().unwrap();
    assert!(reason.contains(": ada set it until 2026-06-29T22:00:00Z (new \"sponsor\")"), "{reason}");
    let latest = AccountHealth { standing, open_alerts: &[] };
    assert_eq!(value(&Effect::AccountHealth(latest))["override"], set);
}

#[test]
fn an_unknown_band_is_explained() {
    let plan = plan();
    let lines: Vec<Line> = (0..7).map(|measure| support::line(measure, None, 0, 0, 0)).collect();
    let mut health = health(&plan, &lines);
    (health.standing.score, health.standing.band, health.standing.coverage) = (None, None, 0);
    health.standing.sources_out = SourceSet::of(Source::Login).union(SourceSet::of(Source::Support));
    health.previous_score = Some(5_000);
    let record = value(&Effect::Health(health));
    assert_eq!((&record["score"], &record["band"]), (&Value::Null, &json!("unknown")));
    assert_eq!(
        record["reason"],
        json!(
            "Score is unknown, it was 50.0 (neutral to unknown). Only 0% of the weight is known and fresh, 60% is \
             needed; unknown: adoption, usage_trend, login_days, open_tickets, first_reply, last_touch and 1 more. \
             No news from: login, support."
        )
    );
}

#[test]
fn an_account_that_is_not_scored_says_so() {
    let (plan, lines) = (plan(), lines());
    for (stage, segment, reason) in [
        ("trial", "internal", "in stage trial"),
        ("trial", "enterprise", "in stage trial"),
        ("adoption", "internal", "of segment internal"),
    ] {
        let mut health = health(&plan, &lines);
        health.standing.status = Status::NotScored;
        (health.standing.account.stage, health.standing.account.segment) = (Some(stage), Some(segment));
        let record = value(&Effect::Health(health));
        assert_eq!(record["status"], json!("not-scored"));
        assert_eq!(record["reason"], json!(format!("The model does not score this account {reason}.")));
    }
}

#[test]
fn a_cap_is_a_line_of_the_sum() {
    let (plan, lines) = (plan(), lines());
    let mut health = health(&plan, &lines);
    health.standing.cap = Some(CapLine { cap: 0, contribution: -250 });
    health.cap_change = -250;
    health.cause = Cause::Activity(Source::Subscription);
    let record = value(&Effect::Health(health));
    assert_eq!(record["caps"], json!([{"name": "gone-quiet", "contribution": -2.5}]));
    assert_eq!(record["cap_change"], json!(-2.5));
    assert_eq!(record["cause"], json!({"kind": "activity", "source": "subscription"}));
    assert!(
        record["reason"].as_str().unwrap().contains(": cap gone-quiet holds it at 44.0 or less, usage_trend")
    );
}

#[test]
fn a_firing_alert_tells_what_to_do_and_whom_it_concerns() {
    let (plan, lines) = (plan(), lines());
    let evidence = [Evidence { signal: 1, value: Some(52_000_000), freshness: Freshness::Fresh }];
    let alert = alert(standing(&plan, &lines), Some(0), AlertState::Firing, &evidence);
    let record = value(&Effect::Alert(alert));
    assert_eq!(
        record["account"],
        json!({"id": "northwind", "name": "Northwind \"N\" Traders", "segment": "enterprise", "stage": "adoption",
               "owner": "csm-7@acme.example", "team": "emea-1", "arr": "84000.00", "currency": "EUR",
               "renews_at": "2026-08-18T00:00:00Z"})
    );
    assert_eq!(record["dedup_key"], json!("northwind/account-at-risk"));
    assert_eq!(
        record["summary"],
        json!(
            "Northwind \"N\" Traders: account-at-risk is firing: score 40.2, below 45; usage_trend 52%, below 60%, \
             for 2 days; renews in 63 days."
        )
    );
    assert_eq!(record["reason"], json!("Score is 40.2 (at-risk). The most points to win: open_tickets."));
    assert_eq!(
        record["evidence"],
        json!([
            {"signal": "score", "value": 40.2, "unit": "points", "limit": "below 45", "held_for": "2d"},
            {"signal": "usage_trend", "value": 52, "unit": "%", "limit": "below 60%", "held_for": "2d"}
        ])
    );
    for (key, expected) in [
        ("state", json!("firing")),
        ("severity", json!("critical")),
        ("purpose", json!("risk")),
        ("goal", json!("support")),
        ("ended_at", Value::Null),
        ("notify", json!("csm-7@acme.example")),
        ("play", json!("Call the \"main\" contact.")),
        ("cause", json!("activity")),
        ("account_revision", json!(318)),
    ] {
        assert_eq!(record[key], expected, "{key}");
    }
    assert_eq!(record.get("resolution"), None);
}

#[test]
fn a_resolved_alert_tells_why_it_ended() {
    let (plan, lines) = (plan(), lines());
    let recovered = AlertState::Resolved(Resolution::Recovered);
    let evidence = [Evidence { signal: 5, value: Some(3 * HOUR), freshness: Freshness::Fresh }];
    let record = value(&Effect::Alert(alert(standing(&plan, &lines), Some(1), recovered, &evidence)));
    assert_eq!(
        record["summary"],
        json!(
            "Northwind \"N\" Traders: no-contact has recovered: last_touch 3h, at most 30d; the alert was open for 1 hour."
        )
    );
    assert_eq!(
        record["evidence"],
        json!([{"signal": "last_touch", "value": 3, "unit": "h", "limit": "at most 30d"}])
    );
    assert_eq!((&record["resolution"], &record["notify"]), (&json!("recovered"), &json!("support")));
    assert_eq!((record.get("cooldown_until"), record.get("play")), (None, None));

    let record = value(&Effect::Alert(alert(standing(&plan, &lines), Some(0), recovered, &[])));
    assert_eq!(record["cooldown_until"], json!("2026-06-29T22:00:00Z"));
    assert_eq!(record["evidence"][0]["limit"], json!("at least 52"));

    let removed = AlertState::Resolved(Resolution::RuleRemoved);
    let record = value(&Effect::Alert(alert(standing(&plan, &lines), None, removed, &[])));
    assert_eq!((record.get("notify"), record.get("purpose"), record.get("goal")), (None, None, None));
    assert_eq!(record["resolution"], json!("rule-removed"));
}

#[test]
fn an_account_health_record_holds_goals_wins_and_open_alerts() {
    let (plan, lines) = (plan(), lines());
    let open = [OpenAlert { rule: 0, episode: 3, severity: Severity::Error, fired_at: AS_OF }];
    let mut standing = standing(&plan, &lines);
    standing.sources_out = SourceSet::of(Source::CsmActivity);
    let record = value(&Effect::AccountHealth(AccountHealth { standing, open_alerts: &open }));
    assert_eq!(
        record["goals"],
        json!({"adoption": {"score": 23.98, "weight": 37.89}, "support": {"score": 40.0, "weight": 22.11},
               "relationship": {"score": 55.69, "weight": 40.0}, "advocacy": {"score": null, "weight": 0.0}})
    );
    assert_eq!(
        record["points_to_win"],
        json!([
            {"measure": "open_tickets", "value": 3, "target": 0, "unit": "count", "points": 13.27},
            {"measure": "adoption", "value": 31, "target": 80, "unit": "%", "points": 12.23},
            {"measure": "usage_trend", "value": 52, "target": 100, "unit": "%", "points": 11.37}
        ])
    );
    assert_eq!((&record["stale"], &record["unknown"]), (&json!(["sentiment"]), &json!(["first_reply"])));
    assert_eq!((&record["sources_out"], &record["status"]), (&json!(["csm-activity"]), &json!("scored")));
    assert_eq!(
        record["open_alerts"],
        json!([{"dedup_key": "northwind/account-at-risk", "episode": 3, "state": "firing", "severity": "error",
                "fired_at": "2026-06-15T22:00:00Z"}])
    );
}

#[test]
fn a_closed_account_is_a_tombstone() {
    let mut encoder = Encoder::new("x");
    let closed = Effect::AccountClosed(Closed { account: "northwind", revision: 9, as_of: AS_OF });
    let record = encoder.encode(JOURNAL, ID, &closed);
    assert_eq!(
        (record.output, record.key, record.value),
        (Output::AccountHealth, b"northwind".as_slice(), None)
    );
}

#[test]
fn each_record_is_made_from_its_own_model() {
    let (one, lines) = (plan(), lines());
    let mut encoder = Encoder::new("x");
    for number in (0..20).chain(0..20) {
        let mut plan = one.clone();
        plan.id.0[0] = number;
        plan.name = format!("model {number}");
        let effect = Effect::Health(health(&plan, &lines));
        let record = encoder.encode(JOURNAL, ID, &effect);
        let value: Value = serde_json::from_slice(record.value.unwrap()).unwrap();
        assert_eq!(value["model"]["name"], json!(plan.name));
    }
}

/// A decimal of at most two places, in hundredths.
fn hundredths(number: &Value) -> i64 {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let negative = whole.starts_with('-');
    let digits: i64 = format!("{fraction:0<2}").parse().unwrap();
    let magnitude = whole.trim_start_matches('-').parse::<i64>().unwrap() * 100 + digits;
    assert!(fraction.len() <= 2, "{text}");
    if negative { -magnitude } else { magnitude }
}

prop_compose! {
    /// The contributions and weights of seven lines, and what they were before.
    fn change()(now in prop::array::uniform7((0_u32..=10_000, 0_u32..=1_428, any::<bool>())),
                before in prop::array::uniform7(0_i32..=1_428),
                set in prop::option::of(0_u32..=10_000), set_change in -10_000_i32..=10_000,
                cap in 0_i32..500, cap_before in 0_i32..500, applies in any::<bool>(), removed in -300_i32..=0)
              -> (Vec<Line>, i32, i32, i32, Option<u32>, i32) {
        let lines: Vec<Line> = now.iter().zip(before).enumerate().map(|(measure, ((points, weight, known), before))| {
            let value = known.then_some(i64::from(*points) * 7_919);
            let mut line = support::line(measure, value, *points, *weight, 0);
            line.change = line.contribution - before;
            line
        }).collect();
        let sum: i32 = lines.iter().map(|line| line.contribution).sum();
        let cap = if applies { -cap.min(sum) } else { 0 };
        let cap_before = -cap_before.min(before.iter().sum());
        (lines, cap, cap - cap_before, removed, set, set_change)
    }
}

proptest! {
    #[test]
    fn contributions_and_changes_sum_exactly_in_the_published_decimals((lines, cap, cap_change, removed, set, set_change) in change()) {
        let plan = plan();
        let mut health = health(&plan, &lines);
        let computed = i32::try_from(health.standing.score.unwrap()).unwrap() + cap;
        let score = set.map_or(computed, |set| i32::try_from(set).unwrap());
        // What was before is a score too.
        let of_lines = lines.iter().map(|line| line.change).sum::<i32>() + cap_change + removed;
        let change = (of_lines + set_change).clamp(score - 10_000, score);
        health.standing.score = Some(u32::try_from(score).unwrap());
        health.previous_score = Some(u32::try_from(score - change).unwrap());
        (health.cap_change, health.removed_change) = (cap_change, removed);
        health.override_change = change - of_lines;
        let line = |_| OverrideLine { contribution: score - computed, author: "ada", reason: "calls", expires_at: AS_OF };
        health.standing.overridden = set.map(line);
        health.standing.cap = (cap < 0).then_some(CapLine { cap: 0, contribution: cap });
        let record = value(&Effect::Health(health));
        let sum = |key: &str| -> i64 {
            record["contributions"].as_array().unwrap().iter().map(|line| hundredths(&line[key])).sum()
        };
        let caps: i64 = record["caps"].as_array().unwrap().iter().map(|cap| hundredths(&cap["contribution"])).sum();
        let added = record.get("override").map_or(0, |set| hundredths(&set["contribution"]));
        prop_assert_eq!(sum("contribution") + caps + added, hundredths(&record["score"]));
        if let Some(set) = record.get("override") {
            prop_assert_eq!(hundredths(&set["computed_score"]), i64::from(computed));
        }
        let added = record.get("override_change").map_or(0, hundredths);
        let moved = hundredths(&record["score"]) - hundredths(&record["previous_score"]);
        let removed = record.get("removed_change").map_or(0, hundredths);
        prop_assert_eq!(sum("change") + hundredths(&record["cap_change"]) + added + removed, moved);
    }

    #[test]
    fn any_text_of_an_account_makes_valid_json(id in "\\PC{1,20}|[\u{0}-\u{1f}\"\\\\]{1,5}", name in any::<Option<String>>()) {
        let (plan, lines) = (plan(), lines());
        let mut health = health(&plan, &lines);
        health.standing.account.id = &id;
        health.standing.account.name = name.as_deref();
        health.standing.account.owner = name.as_deref();
        let standing = health.standing;
        let record = value(&Effect::Health(health));
        prop_assert_eq!(&record["account"], &json!(id));
        let firing = alert(standing, Some(0), AlertState::Firing, &[]);
        let record = value(&Effect::Alert(firing));
        prop_assert_eq!(&record["dedup_key"], &json!(format!("{id}/account-at-risk")));
        prop_assert_eq!(record["account"].get("name").and_then(Value::as_str), name.as_deref());
    }
}
