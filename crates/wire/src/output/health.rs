//! The value of a record of `vitals.health`.

use super::plan_text::PlanText;
use super::standing::{self, Wins};
use super::{json, say};
use engine::effect::{Cause, Health};

/// Writes it.
pub(super) fn write(out: &mut Vec<u8>, say: &mut Vec<u8>, text: &PlanText, health: &Health<'_>) {
    let now = &health.standing;
    out.extend_from_slice(b"{\"account\":");
    json::text(out, now.account.id);
    out.extend_from_slice(b",\"revision\":");
    json::unsigned(out, now.revision);
    out.extend_from_slice(b",\"as_of\":");
    json::time(out, now.as_of);
    out.extend_from_slice(b",\"status\":\"");
    out.extend_from_slice(standing::status(now.status).as_bytes());
    out.extend_from_slice(b"\",\"score\":");
    standing::score(out, now.score);
    out.extend_from_slice(b",\"previous_score\":");
    standing::score(out, health.previous_score);
    out.extend_from_slice(b",\"band\":");
    json::text(out, standing::band_name(now, now.band));
    out.extend_from_slice(b",\"previous_band\":");
    if health.first {
        out.extend_from_slice(b"null");
    } else {
        json::text(out, standing::band_name(now, health.previous_band));
    }
    out.extend_from_slice(b",\"band_since\":");
    json::time(out, now.band_since);
    out.extend_from_slice(b",\"coverage\":");
    json::fixed(out, i64::from(now.coverage));
    out.extend_from_slice(b",\"complete_to\":{");
    for (source, time) in now.complete_to {
        out.push(b'"');
        out.extend_from_slice(source.name().as_bytes());
        out.extend_from_slice(b"\":");
        json::time(out, *time);
        out.push(b',');
    }
    json::close(out, b'}');
    if !now.sources_out.is_empty() {
        out.push(b',');
        standing::sources_out(out, now);
    }
    cause(out, health.cause);
    say.clear();
    say::health(say, text, health, &Wins::of(now.lines));
    out.extend_from_slice(b",\"reason\":\"");
    json::escape(out, say);
    out.extend_from_slice(b"\",");
    standing::contributions(out, text, now.lines, !health.first);
    caps(out, health);
    out.extend_from_slice(&text.model);
    out.push(b',');
    json::optional(out, "owner", now.account.owner);
    json::optional(out, "segment", now.account.segment);
    json::optional(out, "stage", now.account.stage);
    json::close(out, b'}');
}

fn cause(out: &mut Vec<u8>, cause: Cause) {
    out.extend_from_slice(b",\"cause\":{\"kind\":\"");
    out.extend_from_slice(standing::cause_kind(cause).as_bytes());
    if let Cause::Activity(source) = cause {
        out.extend_from_slice(b"\",\"source\":\"");
        out.extend_from_slice(source.name().as_bytes());
    }
    out.extend_from_slice(b"\"}");
}

/// The cap in force and the override; and the changes that no line shows, of these and of measures that a new model left out:
/// with them the changes sum to that of the score.
fn caps(out: &mut Vec<u8>, health: &Health<'_>) {
    out.extend_from_slice(b"\"caps\":[");
    if let Some(line) = health.standing.cap {
        out.extend_from_slice(b"{\"name\":");
        json::text(out, health.standing.plan.caps.get(line.cap).map_or("", |cap| &cap.name));
        out.extend_from_slice(b",\"contribution\":");
        json::fixed(out, i64::from(line.contribution));
        out.push(b'}');
    }
    out.extend_from_slice(b"],");
    if !health.first {
        out.extend_from_slice(b"\"cap_change\":");
        json::fixed(out, i64::from(health.cap_change));
        out.push(b',');
    }
    if let Some(line) = &health.standing.overridden {
        standing::overridden(out, &health.standing, line);
        out.push(b',');
    }
    if !health.first && (health.standing.overridden.is_some() || health.override_change != 0) {
        out.extend_from_slice(b"\"override_change\":");
        json::fixed(out, i64::from(health.override_change));
        out.push(b',');
    }
    if health.removed_change != 0 && !health.first {
        out.extend_from_slice(b"\"removed_change\":");
        json::fixed(out, i64::from(health.removed_change));
        out.push(b',');
    }
}
