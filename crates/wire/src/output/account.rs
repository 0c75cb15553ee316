//! The value of a record of `vitals.account-health`.

use super::json;
use super::plan_text::{MeasureText, PlanText};
use super::standing::{self, Wins};
use engine::effect::{AccountHealth, Freshness, Line, OpenAlert, Standing};

/// Writes it.
pub(super) fn write(out: &mut Vec<u8>, text: &PlanText, health: &AccountHealth<'_>) {
    let now = &health.standing;
    out.extend_from_slice(b"{\"account\":");
    standing::account(out, &now.account);
    out.extend_from_slice(b",\"status\":\"");
    out.extend_from_slice(standing::status(now.status).as_bytes());
    out.extend_from_slice(b"\",\"revision\":");
    json::unsigned(out, now.revision);
    out.extend_from_slice(b",\"as_of\":");
    json::time(out, now.as_of);
    out.extend_from_slice(b",\"score\":");
    standing::score(out, now.score);
    out.extend_from_slice(b",\"band\":");
    json::text(out, standing::band_name(now, now.band));
    out.extend_from_slice(b",\"band_since\":");
    json::time(out, now.band_since);
    out.extend_from_slice(b",\"coverage\":");
    json::fixed(out, i64::from(now.coverage));
    goals(out, text, now);
    points_to_win(out, text, now.lines);
    names(out, b",\"stale\":[", text, now.lines, Freshness::Stale);
    names(out, b",\"unknown\":[", text, now.lines, Freshness::Unknown);
    out.push(b',');
    standing::sources_out(out, now);
    if let Some(line) = &now.overridden {
        out.push(b',');
        standing::overridden(out, now, line);
    }
    out.extend_from_slice(b",\"open_alerts\":[");
    for alert in health.open_alerts {
        open_alert(out, now, alert);
    }
    json::close(out, b']');
    out.push(b',');
    out.extend_from_slice(&text.model);
    out.push(b'}');
}

/// Each goal's own score: the mean of its measures' points by their effective weights, half a hundredth up.
fn goals(out: &mut Vec<u8>, text: &PlanText, now: &Standing<'_>) {
    out.extend_from_slice(b",\"goals\":{");
    for (index, goal) in now.plan.goals.iter().enumerate() {
        let (mut points, mut weight) = (0_u64, 0_u64);
        for line in now.lines {
            if text.measures.get(line.measure).is_some_and(|measure| measure.goal == index) {
                points += u64::from(line.points) * u64::from(line.weight);
                weight += u64::from(line.weight);
            }
        }
        json::text(out, &goal.name);
        out.extend_from_slice(b":{\"score\":");
        let score = (points * 2 + weight).checked_div(weight * 2).and_then(|score| u32::try_from(score).ok());
        standing::score(out, score);
        out.extend_from_slice(b",\"weight\":");
        json::fixed(out, i64::try_from(weight).unwrap_or(0));
        out.extend_from_slice(b"},");
    }
    json::close(out, b'}');
}

fn points_to_win(out: &mut Vec<u8>, text: &PlanText, lines: &[Line]) {
    out.extend_from_slice(b",\"points_to_win\":[");
    for (gain, line) in Wins::of(lines).iter() {
        if let (Some(measure), Some(value)) = (text.measures.get(line.measure), line.value) {
            out.extend_from_slice(&measure.win);
            measure.scale.value(out, value);
            out.extend_from_slice(&measure.after);
            json::fixed(out, i64::from(gain));
            out.extend_from_slice(b"},");
        }
    }
    json::close(out, b']');
}

fn names(out: &mut Vec<u8>, open: &[u8], text: &PlanText, lines: &[Line], freshness: Freshness) {
    out.extend_from_slice(open);
    let lines = lines.iter().filter(|line| line.freshness == freshness);
    for MeasureText { name, .. } in lines.filter_map(|line| text.measures.get(line.measure)) {
        out.extend_from_slice(name);
    }
    json::close(out, b']');
}

fn open_alert(out: &mut Vec<u8>, now: &Standing<'_>, alert: &OpenAlert) {
    out.extend_from_slice(b"{\"dedup_key\":\"");
    json::escape(out, now.account.id.as_bytes());
    out.push(b'/');
    json::escape(out, now.plan.rules.get(alert.rule).map_or("", |rule| &rule.name).as_bytes());
    out.extend_from_slice(b"\",\"episode\":");
    json::unsigned(out, u64::from(alert.episode));
    out.extend_from_slice(b",\"state\":\"firing\",\"severity\":\"");
    out.extend_from_slice(alert.severity.name().as_bytes());
    out.extend_from_slice(b"\",\"fired_at\":");
    json::time(out, alert.fired_at);
    out.extend_from_slice(b"},");
}
