//! The parts that records share: the account, its contributions, what there is to win.

use super::json;
use super::plan_text::PlanText;
use engine::effect::{Cause, Freshness, Identity, Line, OverrideLine, Standing, Status};
use model::number::{SCALE, scale_round};
use model::plan::WHOLE;
use model::source::Source;

/// `{"id":…,…}`: the account with what is known of it.
pub(super) fn account(out: &mut Vec<u8>, account: &Identity<'_>) {
    out.extend_from_slice(b"{\"id\":");
    json::text(out, account.id);
    out.push(b',');
    json::optional(out, "name", account.name);
    json::optional(out, "segment", account.segment);
    json::optional(out, "stage", account.stage);
    json::optional(out, "owner", account.owner);
    json::optional(out, "team", account.team);
    if let Some(mrr) = account.mrr {
        // A year's revenue in cents, half a cent up.
        let cents = scale_round(mrr.0, 12 * 100, SCALE);
        out.extend_from_slice(b"\"arr\":\"");
        json::fixed(out, cents);
        if cents % 10 == 0 {
            out.push(b'0');
        }
        out.extend_from_slice(b"\",");
    }
    json::optional(out, "currency", account.currency);
    if let Some(renews_at) = account.renews_at {
        out.extend_from_slice(b"\"renews_at\":");
        json::time(out, renews_at);
    }
    json::close(out, b'}');
}

/// Hundredths, or null.
pub(super) fn score(out: &mut Vec<u8>, score: Option<u32>) {
    match score {
        Some(score) => json::fixed(out, i64::from(score)),
        None => out.extend_from_slice(b"null"),
    }
}

/// `"sources_out":[…]`: sources whose news have stopped, or not begun.
pub(super) fn sources_out(out: &mut Vec<u8>, standing: &Standing<'_>) {
    out.extend_from_slice(b"\"sources_out\":[");
    for source in standing.sources_out.iter().map(Source::name) {
        json::text(out, source);
        out.push(b',');
    }
    json::close(out, b']');
}

/// `"override":{…}`: what a person set in place of the score, while it is in force.
pub(super) fn overridden(out: &mut Vec<u8>, standing: &Standing<'_>, line: &OverrideLine<'_>) {
    out.extend_from_slice(b"\"override\":{\"contribution\":");
    json::fixed(out, i64::from(line.contribution));
    out.extend_from_slice(b",\"computed_score\":");
    json::fixed(out, i64::from(standing.score.unwrap_or(0)) - i64::from(line.contribution));
    out.extend_from_slice(b",\"author\":");
    json::text(out, line.author);
    out.extend_from_slice(b",\"reason\":");
    json::text(out, line.reason);
    out.extend_from_slice(b",\"expires_at\":");
    json::time(out, line.expires_at);
    out.push(b'}');
}

/// The name of a band.
pub(super) fn band_name<'p>(standing: &Standing<'p>, band: Option<usize>) -> &'p str {
    band.and_then(|band| standing.plan.bands.get(band)).map_or("unknown", |band| &band.name)
}

/// The contract's word for a status.
pub(super) const fn status(status: Status) -> &'static str {
    match status {
        Status::Scored => "scored",
        Status::NotScored => "not-scored",
    }
}

/// The contract's word for the kind of a cause.
pub(super) const fn cause_kind(cause: Cause) -> &'static str {
    match cause {
        Cause::Activity(_) => "activity",
        Cause::Time => "time",
        Cause::Model => "model",
        Cause::Repeat => "repeat",
    }
}

/// `"contributions":[…],`: a line for each measure, with its change if there was something to change from.
pub(super) fn contributions(out: &mut Vec<u8>, text: &PlanText, lines: &[Line], with_change: bool) {
    out.extend_from_slice(b"\"contributions\":[");
    for line in lines {
        let Some(measure) = text.measures.get(line.measure) else { continue };
        out.extend_from_slice(&measure.line);
        match (line.freshness, line.value) {
            (Freshness::Unknown, _) | (_, None) => out.extend_from_slice(b"unknown\""),
            (freshness, Some(value)) => {
                let fresh = b"fresh\",\"value\":".as_slice();
                let stale = b"stale\",\"value\":".as_slice();
                out.extend_from_slice(if freshness == Freshness::Stale { stale } else { fresh });
                measure.scale.value(out, value);
                out.extend_from_slice(&measure.after);
                json::fixed(out, i64::from(line.points));
            }
        }
        out.extend_from_slice(b",\"weight\":");
        json::fixed(out, i64::from(line.weight));
        out.extend_from_slice(b",\"contribution\":");
        json::fixed(out, i64::from(line.contribution));
        if with_change {
            out.extend_from_slice(b",\"change\":");
            json::fixed(out, i64::from(line.change));
        }
        out.extend_from_slice(b"},");
    }
    json::close(out, b']');
    out.push(b',');
}

/// The lines with most points to win, best first, with hundredths of a point of the score.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wins<'l> {
    best: [Option<(u32, &'l Line)>; 3],
}

impl<'l> Wins<'l> {
    pub(super) fn of(lines: &'l [Line]) -> Self {
        let mut wins = Self::default();
        for line in lines {
            let missing = WHOLE.saturating_sub(line.points);
            let gain = scale_round(i64::from(missing), i64::from(line.weight), i64::from(WHOLE));
            if line.value.is_some() && gain > 0 {
                wins.offer(u32::try_from(gain).unwrap_or(0), line);
            }
        }
        wins
    }

    /// Takes a line in, if it is better than one that is there; an equal one stays behind the earlier.
    fn offer(&mut self, gain: u32, line: &'l Line) {
        let mut next = Some((gain, line));
        for place in &mut self.best {
            let better = match (&next, &place) {
                (Some((gain, _)), Some((held, _))) => gain > held,
                (next, _) => next.is_some(),
            };
            if better {
                std::mem::swap(place, &mut next);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &'l Line)> + '_ {
        self.best.iter().filter_map(|place| *place)
    }
}
