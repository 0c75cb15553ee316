//! Why a score changed, in plain words. The sentence is written unescaped and is part of the record's bytes.

use super::json;
use super::plan_text::PlanText;
use super::standing::{Wins, band_name};
use engine::effect::{Cause, Freshness, Health, Line, Standing, Status};
use model::plan::{Plan, WHOLE};

/// How many changes and names are told.
const TOLD: usize = 3;

/// A piece of text.
pub(super) fn text(say: &mut Vec<u8>, text: &str) {
    say.extend_from_slice(text.as_bytes());
}

/// The reason of a health record.
pub(super) fn health(say: &mut Vec<u8>, texts: &PlanText, health: &Health<'_>, wins: &Wins<'_>) {
    let now = &health.standing;
    if now.status == Status::NotScored {
        text(say, "The model does not score this account");
        let is_among = |word: Option<&str>, none: &[String]| none.iter().any(|none| word == Some(none));
        let in_stage = is_among(now.account.stage, &now.plan.not_scored_stages);
        let reason =
            if in_stage { (" in stage ", now.account.stage) } else { (" of segment ", now.account.segment) };
        if let (of, Some(word)) = reason {
            text(say, of);
            text(say, word);
        }
        text(say, ".");
        return;
    }
    moved(say, health);
    bands(say, health);
    if health.cause == Cause::Model {
        text(say, " by a new model");
    }
    if !health.first {
        changes(say, texts, health);
    }
    text(say, ".");
    if now.band.is_none() {
        unknown(say, now);
    }
    if !now.sources_out.is_empty() {
        text(say, " No news from: ");
        list(say, now.sources_out.iter().map(|source| source.name()));
        text(say, ".");
    }
    most_to_win(say, now.plan, wins);
}

/// ` The most points to win: ….`
pub(super) fn most_to_win(say: &mut Vec<u8>, plan: &Plan, wins: &Wins<'_>) {
    if let Some((_, line)) = wins.iter().next() {
        text(say, " The most points to win: ");
        text(say, name_of(plan, line));
        text(say, ".");
    }
}

fn moved(say: &mut Vec<u8>, health: &Health<'_>) {
    let told = |say: &mut Vec<u8>, before: &str, score: u32| {
        text(say, before);
        json::fixed(say, i64::from(score));
    };
    match (health.previous_score, health.standing.score) {
        (Some(was), Some(is)) if was == is => told(say, "Score is unchanged at ", is),
        (Some(was), Some(is)) => {
            told(say, if is < was { "Score fell from " } else { "Score rose from " }, was);
            told(say, " to ", is);
        }
        (None, Some(is)) if health.first => told(say, "First score: ", is),
        (None, Some(is)) => told(say, "Score is known again: ", is),
        (Some(was), None) => told(say, "Score is unknown, it was ", was),
        (None, None) => text(say, "Score is unknown"),
    }
}

fn bands(say: &mut Vec<u8>, health: &Health<'_>) {
    let now = &health.standing;
    text(say, " (");
    if !health.first && health.previous_band != now.band {
        text(say, band_name(now, health.previous_band));
        text(say, " to ");
    }
    text(say, band_name(now, now.band));
    text(say, ")");
}

/// `: login_days is 6 days (was 9), …`: what moved the score most, in the direction in which it went.
fn changes(say: &mut Vec<u8>, texts: &PlanText, health: &Health<'_>) {
    let now = &health.standing;
    let score = |score: Option<u32>| i64::from(score.unwrap_or(0));
    let way = (score(now.score) - score(health.previous_score)).signum();
    let along = |change: i32| change != 0 && way * i64::from(change) >= 0;
    let mut before = ": ";
    if along(health.cap_change) {
        text(say, before);
        match now.cap.and_then(|line| now.plan.caps.get(line.cap)) {
            Some(cap) => {
                text(say, "cap ");
                text(say, &cap.name);
                text(say, " holds it at ");
                json::fixed(say, i64::from(cap.score_at_most));
                text(say, " or less");
            }
            None => text(say, "a cap no longer applies"),
        }
        before = ", ";
    }
    if along(health.override_change) {
        text(say, before);
        match &now.overridden {
            Some(line) => {
                text(say, line.author);
                text(say, " set it until ");
                json::bare_time(say, line.expires_at);
                text(say, " (");
                text(say, line.reason);
                text(say, ")");
            }
            None => text(say, "an override has ended"),
        }
        before = ", ";
    }
    for line in largest(now.lines, along).into_iter().flatten() {
        text(say, before);
        change(say, texts, now.plan, line);
        before = ", ";
    }
}

/// The lines with the largest changes that pass, largest first; of equal ones the earlier first.
fn largest(lines: &[Line], passes: impl Fn(i32) -> bool) -> [Option<&Line>; TOLD] {
    let mut best: [Option<&Line>; TOLD] = [None; TOLD];
    for line in lines.iter().filter(|line| passes(line.change)) {
        let mut next = Some(line);
        for place in &mut best {
            let size = |line: &Option<&Line>| line.map_or(0, |line| line.change.unsigned_abs());
            if size(&next) > size(place) {
                std::mem::swap(place, &mut next);
            }
        }
    }
    best
}

fn change(say: &mut Vec<u8>, texts: &PlanText, plan: &Plan, line: &Line) {
    text(say, name_of(plan, line));
    let Some(measure) = texts.measures.get(line.measure) else { return };
    text(say, " is ");
    match line.value {
        Some(value) => measure.scale.shown(say, value),
        None => text(say, "unknown"),
    }
    if line.freshness == Freshness::Stale {
        text(say, " (stale)");
    }
    match line.previous_value {
        Some(was) if line.value == Some(was) => text(say, " as before, but its weight changed"),
        Some(was) => {
            text(say, " (was ");
            measure.scale.value(say, was);
            if measure.scale.unit() == "%" {
                text(say, "%");
            }
            text(say, ")");
        }
        None => text(say, " (was unknown)"),
    }
}

/// ` Only 45.0% of the weight is known and fresh, 60.0% are needed; unknown: ….`
fn unknown(say: &mut Vec<u8>, now: &Standing<'_>) {
    text(say, " Only ");
    json::shortest(say, i64::from(now.coverage.min(WHOLE)));
    text(say, "% of the weight is known and fresh, ");
    json::shortest(say, i64::from(now.plan.min_coverage));
    text(say, "% is needed");
    for (freshness, before) in [(Freshness::Unknown, "; unknown: "), (Freshness::Stale, "; stale: ")] {
        let lines = || now.lines.iter().filter(|line| line.freshness == freshness && counts(now.plan, line));
        if lines().next().is_some() {
            text(say, before);
            list(say, lines().map(|line| name_of(now.plan, line)));
        }
    }
    text(say, ".");
}

fn counts(plan: &Plan, line: &Line) -> bool {
    plan.measures.get(line.measure).is_some_and(|measure| measure.in_score)
}

/// `a, b, c and 4 more`
fn list<'n>(say: &mut Vec<u8>, names: impl Iterator<Item = &'n str>) {
    let mut more = 0_u64;
    for (place, name) in names.enumerate() {
        if place >= 2 * TOLD {
            more += 1;
            continue;
        }
        if place > 0 {
            text(say, ", ");
        }
        text(say, name);
    }
    if more > 0 {
        text(say, " and ");
        json::unsigned(say, more);
        text(say, " more");
    }
}

fn name_of<'p>(plan: &'p Plan, line: &Line) -> &'p str {
    let signal = plan.measures.get(line.measure).and_then(|measure| plan.signals.get(measure.signal));
    signal.map_or("", |signal| &signal.name)
}
