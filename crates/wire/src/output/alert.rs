//! The value of a record of `vitals.alerts`.

use super::limit::{self, Of};
use super::plan_text::{PlanText, Scale};
use super::say::text;
use super::standing::{self, Wins};
use super::{json, say};
use engine::effect::{Alert, AlertState, Freshness, Resolution};
use model::plan::{Purpose, Rule, Unit};

/// Writes it.
pub(super) fn write(out: &mut Vec<u8>, say: &mut Vec<u8>, texts: &PlanText, alert: &Alert<'_>) {
    let now = &alert.standing;
    let rule = alert.rule_index.and_then(|index| now.plan.rules.get(index));
    let wins = Wins::of(now.lines);
    out.extend_from_slice(b"{\"account\":");
    standing::account(out, &now.account);
    out.extend_from_slice(b",\"rule\":");
    json::text(out, alert.rule);
    out.extend_from_slice(b",\"dedup_key\":\"");
    json::escape(out, now.account.id.as_bytes());
    out.push(b'/');
    json::escape(out, alert.rule.as_bytes());
    out.extend_from_slice(b"\",\"episode\":");
    json::unsigned(out, u64::from(alert.episode));
    out.extend_from_slice(b",\"revision\":");
    json::unsigned(out, u64::from(alert.revision));
    out.extend_from_slice(b",\"state\":\"");
    text(out, if alert.state == AlertState::Firing { "firing" } else { "resolved" });
    out.extend_from_slice(b"\",\"severity\":\"");
    text(out, alert.severity.name());
    out.extend_from_slice(b"\",");
    json::optional(out, "purpose", rule.map(purpose));
    json::optional(out, "goal", goal(alert, rule, &wins));
    times(out, alert, rule);
    sentence(out, say, "summary", |say| summary(say, alert, rule));
    sentence(out, say, "reason", |say| reason(say, alert, &wins));
    evidence(out, say, alert, rule);
    if !now.sources_out.is_empty() {
        standing::sources_out(out, now);
        out.push(b',');
    }
    if alert.state == AlertState::Firing {
        json::optional(out, "play", rule.map(|rule| rule.play.as_str()).filter(|play| !play.is_empty()));
    }
    json::optional(out, "notify", rule.map(|rule| notify(alert, rule)));
    json::optional(out, "cause", Some(standing::cause_kind(alert.cause)));
    out.extend_from_slice(&texts.model);
    out.extend_from_slice(b",\"account_revision\":");
    json::unsigned(out, now.revision);
    out.push(b'}');
}

const fn purpose(rule: &Rule) -> &'static str {
    match rule.purpose {
        Purpose::Risk => "risk",
        Purpose::Opportunity => "opportunity",
    }
}

/// The role `csm` is the account's owner, once one is known.
fn notify<'a>(alert: &Alert<'a>, rule: &'a Rule) -> &'a str {
    match alert.standing.account.owner {
        Some(owner) if rule.notify == "csm" => owner,
        _ => &rule.notify,
    }
}

/// The goal that a rule is about: that of the first measure among its signals, and for a rule on the score that
/// of the measure with most points to win.
fn goal<'p>(alert: &Alert<'p>, rule: Option<&Rule>, wins: &Wins<'_>) -> Option<&'p str> {
    let plan = alert.standing.plan;
    let best = || wins.iter().next().and_then(|(_, line)| plan.measures.get(line.measure));
    let of_signal = |signal: &usize| plan.measures.iter().find(|measure| measure.signal == *signal);
    let rule = rule?;
    let first = rule.signals.iter().find_map(of_signal);
    let measure = if rule.on_score { best().or(first) } else { first }?;
    plan.goals.get(measure.goal).map(|goal| goal.name.as_str())
}

fn times(out: &mut Vec<u8>, alert: &Alert<'_>, rule: Option<&Rule>) {
    out.extend_from_slice(b"\"as_of\":");
    json::time(out, alert.standing.as_of);
    out.extend_from_slice(b",\"started_at\":");
    json::time(out, alert.started_at);
    out.extend_from_slice(b",\"fired_at\":");
    json::time(out, alert.fired_at);
    out.extend_from_slice(b",\"ended_at\":");
    match alert.ended_at {
        Some(ended_at) => json::time(out, ended_at),
        None => out.extend_from_slice(b"null"),
    }
    if let AlertState::Resolved(resolution) = alert.state {
        out.extend_from_slice(b",\"resolution\":\"");
        text(out, resolution.name());
        out.push(b'"');
    }
    if let (Some(ended_at), Some(rule)) = (alert.ended_at, rule.filter(|rule| rule.cooldown > 0)) {
        out.extend_from_slice(b",\"cooldown_until\":");
        json::time(out, ended_at.plus(rule.cooldown));
    }
    out.push(b',');
}

fn sentence(out: &mut Vec<u8>, say: &mut Vec<u8>, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
    say.clear();
    write(say);
    out.push(b'"');
    text(out, name);
    out.extend_from_slice(b"\":\"");
    json::escape(out, say);
    out.extend_from_slice(b"\",");
}

/// `Northwind Traders: account-at-risk is firing: score 38.78, below 45, for 2 days; renews in 63 days.`
fn summary(say: &mut Vec<u8>, alert: &Alert<'_>, rule: Option<&Rule>) {
    let account = &alert.standing.account;
    text(say, account.name.unwrap_or(account.id));
    text(say, ": ");
    text(say, alert.rule);
    text(
        say,
        match alert.state {
            AlertState::Firing => " is firing",
            AlertState::Resolved(Resolution::Recovered) => " has recovered",
            AlertState::Resolved(Resolution::Overridden) => " has ended, the score was set by hand",
            AlertState::Resolved(Resolution::AccountClosed) => " has ended, the account is closed",
            AlertState::Resolved(Resolution::NotScored) => " has ended, the account is not scored any more",
            AlertState::Resolved(Resolution::RuleRemoved) => {
                " has ended, the model has no such rule any more"
            }
            AlertState::Resolved(Resolution::ModelChanged) => " has ended, the model changed",
        },
    );
    let mut before = ": ";
    for_each_evidence(alert, rule, |of, value, _| {
        if let Some(value) = value {
            text(say, before);
            before = "; ";
            text(say, name_of(alert, of));
            text(say, " ");
            shown(say, alert, of, value);
            let start = say.len();
            text(say, ", ");
            let named = say.len();
            limit::write(say, alert, rule, of);
            if say.len() == named {
                say.truncate(start);
            }
        }
    });
    if alert.state == AlertState::Firing {
        let held = alert.fired_at.since(alert.started_at);
        if held > 0 {
            text(say, ", for ");
            limit::long_span(say, held);
        }
        let renews = account.renews_at.map_or(0, |renews_at| renews_at.since(alert.standing.as_of));
        if renews > 0 {
            text(say, "; renews in ");
            limit::long_span(say, renews);
        }
    } else if let Some(ended_at) = alert.ended_at {
        text(say, "; the alert was open for ");
        limit::long_span(say, ended_at.since(alert.fired_at).max(0));
    }
    text(say, ".");
}

/// `Score is 38.78 (at-risk). The most points to win: adoption.`
fn reason(say: &mut Vec<u8>, alert: &Alert<'_>, wins: &Wins<'_>) {
    let now = &alert.standing;
    match now.score {
        Some(score) => {
            text(say, "Score is ");
            json::fixed(say, i64::from(score));
        }
        None => text(say, "Score is unknown"),
    }
    text(say, " (");
    text(say, standing::band_name(now, now.band));
    text(say, ").");
    say::most_to_win(say, now.plan, wins);
}

/// The score, if the rule names it, then each signal that it names.
fn for_each_evidence(
    alert: &Alert<'_>,
    rule: Option<&Rule>,
    mut each: impl FnMut(Of, Option<i64>, Freshness),
) {
    if rule.is_some_and(|rule| rule.on_score) {
        let score = alert.standing.score.map(i64::from);
        each(Of::Score, score, if score.is_some() { Freshness::Fresh } else { Freshness::Unknown });
    }
    for evidence in alert.evidence {
        each(Of::Signal(evidence.signal), evidence.value, evidence.freshness);
    }
}

fn evidence(out: &mut Vec<u8>, say: &mut Vec<u8>, alert: &Alert<'_>, rule: Option<&Rule>) {
    let held = if alert.state == AlertState::Firing { alert.fired_at.since(alert.started_at) } else { 0 };
    out.extend_from_slice(b"\"evidence\":[");
    for_each_evidence(alert, rule, |of, value, freshness| {
        out.extend_from_slice(b"{\"signal\":");
        json::text(out, name_of(alert, of));
        match value {
            Some(value) => {
                out.extend_from_slice(b",\"value\":");
                let unit = number(out, alert, of, value);
                out.extend_from_slice(b",\"unit\":");
                json::text(out, unit);
            }
            None => out.extend_from_slice(b",\"value\":null"),
        }
        if freshness != Freshness::Fresh {
            let state = if freshness == Freshness::Stale { "stale" } else { "unknown" };
            out.extend_from_slice(b",\"state\":");
            json::text(out, state);
        }
        say.clear();
        limit::write(say, alert, rule, of);
        if !say.is_empty() {
            out.extend_from_slice(b",\"limit\":\"");
            json::escape(out, say);
            out.push(b'"');
            if held > 0 {
                out.extend_from_slice(b",\"held_for\":\"");
                limit::span(out, held);
                out.push(b'"');
            }
        }
        out.extend_from_slice(b"},");
    });
    json::close(out, b']');
    out.push(b',');
}

fn name_of<'p>(alert: &Alert<'p>, of: Of) -> &'p str {
    match of {
        Of::Score => "score",
        Of::Signal(signal) => alert.standing.plan.signals.get(signal).map_or("", |signal| &signal.name),
    }
}

fn scale(alert: &Alert<'_>, signal: usize, value: i64) -> Scale {
    let unit = alert.standing.plan.signals.get(signal).map_or(Unit::Number, |signal| signal.unit);
    Scale::readable(unit, value)
}

/// A value as a JSON number; returns its unit.
fn number(out: &mut Vec<u8>, alert: &Alert<'_>, of: Of, value: i64) -> &'static str {
    match of {
        Of::Score => {
            json::fixed(out, value);
            "points"
        }
        Of::Signal(signal) => {
            let scale = scale(alert, signal, value);
            scale.value(out, value);
            scale.unit()
        }
    }
}

/// A value with its unit, for people.
fn shown(say: &mut Vec<u8>, alert: &Alert<'_>, of: Of, value: i64) {
    match of {
        Of::Score => json::fixed(say, value),
        Of::Signal(signal) => scale(alert, signal, value).shown(say, value),
    }
}
