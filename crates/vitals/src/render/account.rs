//! One account, as its records tell.

use super::{clean, points, shown, table};
use serde_json::Value;
use std::fmt::Write;

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or("-")
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A number as it stands in the record.
fn number(value: &Value, name: &str) -> String {
    value.get(name).filter(|value| !value.is_null()).map_or_else(|| "-".to_owned(), Value::to_string)
}

fn names(value: &Value, name: &str) -> String {
    let names: Vec<&str> = list(value, name).filter_map(Value::as_str).collect();
    clean(&names.join(", "))
}

/// `vitals account show`.
pub(crate) fn account(now: &Value) -> String {
    let who = now.get("account").unwrap_or(&Value::Null);
    let mut out = String::new();
    let mut put = |name: &str, value: &str| {
        if value != "-" && !value.is_empty() {
            // Writing to a string cannot fail.
            writeln!(out, "{name:<14} {}", clean(value)).unwrap_or_default();
        }
    };
    put("account", text(who, "id"));
    put("name", text(who, "name"));
    put("segment", text(who, "segment"));
    put("stage", text(who, "stage"));
    put("owner", text(who, "owner"));
    put("renews at", text(who, "renews_at"));
    put("status", text(now, "status"));
    put("score", &points(now.get("score").and_then(Value::as_f64)));
    put("band", &format!("{} since {}", text(now, "band"), text(now, "band_since")));
    if let Some(set) = now.get("override") {
        put("override", &overridden(set));
    }
    put("as of", text(now, "as_of"));
    put("coverage", &format!("{} %", number(now, "coverage")));
    put("stale", &names(now, "stale"));
    put("unknown", &names(now, "unknown"));
    put("no news from", &names(now, "sources_out"));
    let model = now.get("model").unwrap_or(&Value::Null);
    put("model", &format!("{} {}", text(model, "name"), text(model, "id")));
    out.push('\n');
    let mut goals = table(&["goal", "score", "weight %"], 1..3);
    for (name, goal) in now.get("goals").and_then(Value::as_object).into_iter().flatten() {
        goals.add_row(vec![clean(name), number(goal, "score"), number(goal, "weight")]);
    }
    out += &shown("Goals", &goals);
    let mut wins = table(&["measure", "value", "target", "unit", "points to win"], 1..5);
    for win in list(now, "points_to_win") {
        let unit = text(win, "unit").to_owned();
        wins.add_row(vec![
            clean(text(win, "measure")),
            number(win, "value"),
            number(win, "target"),
            unit,
            number(win, "points"),
        ]);
    }
    out += &shown("Most to win", &wins);
    let mut alerts = table(&["open alert", "severity", "since"], 0..0);
    for alert in list(now, "open_alerts") {
        let key = text(alert, "dedup_key");
        let rule = key.rsplit('/').next().unwrap_or(key);
        alerts.add_row(vec![
            clean(rule),
            text(alert, "severity").to_owned(),
            text(alert, "fired_at").to_owned(),
        ]);
    }
    out + &shown("Open alerts", &alerts)
}

/// `vitals account explain`.
pub(crate) fn explanation(now: &Value, change: &Value) -> String {
    let who = now.get("account").unwrap_or(&Value::Null);
    let score = points(now.get("score").and_then(Value::as_f64));
    let mut out = format!("{}: score {score}, {}\n", clean(text(who, "id")), text(now, "band"));
    if change.is_null() {
        return out + "No change of its score has been published yet.\n";
    }
    let (as_of, reason) = (text(change, "as_of"), clean(text(change, "reason")));
    out += &format!("As of {as_of}: {reason}\n\n");
    let head = [
        "measure",
        "goal",
        "state",
        "value",
        "target",
        "unit",
        "points",
        "weight %",
        "contribution",
        "change",
    ];
    let mut lines = table(&head, 3..10);
    for line in list(change, "contributions") {
        let unit = text(line, "unit").to_owned();
        let mut row =
            vec![clean(text(line, "measure")), clean(text(line, "goal")), text(line, "state").to_owned()];
        row.extend([number(line, "value"), number(line, "target"), unit]);
        row.extend(["points", "weight", "contribution", "change"].map(|name| number(line, name)));
        lines.add_row(row);
    }
    for cap in list(change, "caps") {
        let mut row = vec![format!("cap {}", clean(text(cap, "name")))];
        row.extend(vec![String::new(); 7]);
        row.extend([number(cap, "contribution"), number(change, "cap_change")]);
        lines.add_row(row);
    }
    if let Some(set) = change.get("override") {
        let mut row = vec![format!("override: {}", clean(&overridden(set)))];
        row.extend(vec![String::new(); 7]);
        row.extend([number(set, "contribution"), number(change, "override_change")]);
        lines.add_row(row);
    }
    out += &shown("Contributions: they sum to the score, their changes to its change", &lines);
    let mut complete = table(&["source", "complete to"], 0..0);
    for (source, at) in change.get("complete_to").and_then(Value::as_object).into_iter().flatten() {
        complete.add_row(vec![source.clone(), at.as_str().unwrap_or("-").to_owned()]);
    }
    out + &shown("What it rests on", &complete)
}

/// Who set it, until when and why.
fn overridden(set: &Value) -> String {
    let computed = points(set.get("computed_score").and_then(Value::as_f64));
    format!(
        "by {} until {}: {} (computed: {computed})",
        text(set, "author"),
        text(set, "expires_at"),
        text(set, "reason")
    )
}
