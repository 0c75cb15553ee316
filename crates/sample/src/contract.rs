//! The account record with its stage, and the subscription.

use crate::account::{Account, Segment};
use crate::course::{StoryKind, TRIAL_DAYS};
use crate::date::{HOUR_MS, MINUTE_MS};
use crate::day::Day;
use crate::random::Random;
use crate::rhythm;
use crate::topic::Topic;

/// Where an account stands with its vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Trial,
    Onboarding,
    Adoption,
    Renewal,
    Churned,
    /// Not a stage but the end: the account is closed.
    Closed,
}

/// A change of the subscription, with the terms that hold from then on.
#[derive(Debug)]
pub(crate) struct Change {
    kind: &'static str,
    seats: i64,
    mrr_cents: i64,
    renews: i64,
    reason: Option<&'static str>,
}

/// A change before its terms are known: day, kind, reason.
type Dated = (i64, &'static str, Option<&'static str>);

const REASONS_TO_LEAVE: [&str; 5] =
    ["price", "missing-feature", "went-to-competitor", "project-cancelled", "company-acquired"];

/// The day on which the account's subscription starts; `None` for a trial that nobody buys.
pub(crate) fn starts(account: &Account) -> Option<i64> {
    let course = &account.course;
    match (course.kind, course.ends) {
        (StoryKind::Trial, Some(_)) => None,
        (StoryKind::Trial, None) => Some(course.joins + TRIAL_DAYS),
        (_, _) => Some(course.joins),
    }
}

/// The changes of the subscription, in order.
pub(crate) fn changes(account: &Account, days: i64) -> Vec<(i64, Change)> {
    let Some(start) = starts(account) else { return Vec::new() };
    let mut random = Random::of(&[account.seed, account.index, 0xc7]);
    let renews = match account.course.kind {
        StoryKind::Onboarding | StoryKind::Trial => start + 365,
        StoryKind::Churned => account.course.ends.unwrap_or(days),
        // Nobody renews in silence.
        StoryKind::Quiet => days + random.between(10, 60),
        StoryKind::Thriving | StoryKind::Steady | StoryKind::Fading | StoryKind::Rescued => {
            random.between(20, 385)
        }
    };
    let mut dates = vec![(start, "started", None)];
    decide(account, days, renews, &mut random, &mut dates);
    pay(account, days, start, &mut random, &mut dates);
    dates.sort_by_key(|(day, _, _)| *day);
    with_terms(account, renews, dates, &mut random)
}

/// What the customer decides: to renew, to buy more or less, to leave.
fn decide(account: &Account, days: i64, renews: i64, random: &mut Random, dates: &mut Vec<Dated>) {
    let share = |permille: i64| days * permille / 1000;
    if account.course.kind == StoryKind::Churned {
        let reason = *random.pick(&REASONS_TO_LEAVE);
        dates.push((renews - share(80), "cancel-scheduled", Some(reason)));
        dates.push((renews, "ended", Some(reason)));
        return;
    }
    dates.push((renews, "renewed", None));
    if account.course.kind == StoryKind::Thriving {
        let first = random.between(250, 450);
        let second = first + random.between(250, 500);
        dates.extend([first, second].map(|at| (share(at), "expanded", None)));
    } else if account.course.kind == StoryKind::Fading {
        let day = account.course.turns.unwrap_or_default() + share(random.between(200, 320));
        dates.push((day, "contracted", Some("fewer-users")));
    }
}

/// Now and then a payment fails; more often where the customer is in doubt.
fn pay(account: &Account, days: i64, start: i64, random: &mut Random, dates: &mut Vec<Dated>) {
    let doubtful = matches!(account.course.kind, StoryKind::Churned | StoryKind::Fading);
    if !random.chance(if doubtful { 500 } else { 60 }) {
        return;
    }
    let last = account.course.ends.unwrap_or(days) - 12;
    let failed = random.between(last * 6 / 10, last).max(start + 1);
    dates.push((failed, "payment-failed", Some("card-declined")));
    if random.chance(500) {
        dates.push((failed + 3, "payment-failed", Some("card-declined")));
    }
    dates.push((failed + random.between(5, 9), "payment-recovered", None));
}

fn with_terms(
    account: &Account,
    mut renews: i64,
    dates: Vec<Dated>,
    random: &mut Random,
) -> Vec<(i64, Change)> {
    let price_cents = match account.segment {
        Segment::Enterprise => 3450,
        Segment::MidMarket => 4275,
        Segment::SmallBusiness => 4900,
    };
    let mut seats = account.users * random.between(105, 150) / 100;
    let mut changes = Vec::with_capacity(dates.len());
    for (day, kind, reason) in dates {
        match kind {
            "renewed" => renews = day + 365,
            "expanded" => seats += (seats * random.between(10, 30) / 100).max(1),
            "contracted" => seats -= seats * random.between(20, 40) / 100,
            _ => {}
        }
        changes.push((day, Change { kind, seats, mrr_cents: seats * price_cents, renews, reason }));
    }
    changes
}

/// The stages of the account, in order; the first is told on its first day.
pub(crate) fn stages(
    account: &Account,
    changes: &[(i64, Change)],
    onboarded: Option<i64>,
) -> Vec<(i64, Stage)> {
    let course = &account.course;
    let first = match course.kind {
        StoryKind::Trial => Stage::Trial,
        StoryKind::Onboarding => Stage::Onboarding,
        StoryKind::Thriving
        | StoryKind::Steady
        | StoryKind::Fading
        | StoryKind::Quiet
        | StoryKind::Rescued
        | StoryKind::Churned => Stage::Adoption,
    };
    let mut stages = vec![(course.joins, first)];
    if course.kind == StoryKind::Trial && course.ends.is_none() {
        stages.push((course.joins + TRIAL_DAYS, Stage::Onboarding));
    }
    stages.extend(onboarded.map(|day| (day + 2, Stage::Adoption)));
    for (day, change) in changes {
        if matches!(change.kind, "renewed" | "cancel-scheduled") {
            stages.push(((day - 60).max(1), Stage::Renewal));
        }
        if change.kind == "renewed" {
            stages.push((*day, Stage::Adoption));
        }
    }
    stages.extend(course.ends.map(|day| (day, Stage::Churned)));
    stages.extend(course.closes.map(|day| (day, Stage::Closed)));
    stages.sort_by_key(|(day, _)| *day);
    stages
}

/// Tells the account as it stands from this day on.
pub(crate) fn tell_account(day: &mut Day<'_>, stage: Stage) {
    let account = day.account;
    let (stage, state) = match stage {
        Stage::Trial => ("trial", "active"),
        Stage::Onboarding => ("onboarding", "active"),
        Stage::Adoption => ("adoption", "active"),
        Stage::Renewal => ("renewal", "active"),
        Stage::Churned => ("churned", "active"),
        Stage::Closed => ("churned", "closed"),
    };
    // First of all on an account's first day, last of all when it closes.
    let at_ms = match (day.number == account.course.joins, state) {
        (true, _) => day.opens_ms + day.random.below(5 * MINUTE_MS),
        (false, "closed") => day.opens_ms,
        (false, _) => day.opens_ms + 6 * HOUR_MS + day.random.below(HOUR_MS),
    };
    day.tell(Topic::Account, at_ms, &account.id, |o| {
        o.text("name", &account.name).text("segment", account.segment.name()).text("stage", stage);
        o.text("owner", account.csm).text("team", account.region.team);
        if let Some(parent) = &account.parent {
            o.text("parent", parent);
        }
        o.text("time_zone", account.region.zone).object("attributes", |o| {
            o.text("industry", account.industry).text("region", account.region.name);
        });
        o.text("state", state);
    });
}

/// Tells a change of the subscription.
pub(crate) fn tell_change(day: &mut Day<'_>, change: &Change) {
    let account = day.account;
    let at_ms = match change.kind {
        "started" => day.opens_ms + 6 * MINUTE_MS + day.random.below(MINUTE_MS),
        _ => day.opens_ms + rhythm::office_hours(&mut day.random),
    };
    let subscription = format!("s-{:05}", account.index);
    let plan = match account.segment {
        Segment::Enterprise => "enterprise",
        Segment::MidMarket => "growth",
        Segment::SmallBusiness => "starter",
    };
    day.tell(Topic::Subscription, at_ms, &subscription, |o| {
        o.text("subscription", &subscription).text("kind", change.kind).text("product", "core");
        o.text("plan", plan).number("seats", change.seats).money("mrr", change.mrr_cents);
        o.text("currency", account.region.currency).time("renews_at", account.opens_ms(change.renews));
        if let Some(reason) = change.reason {
            o.text("reason", reason);
        }
    });
}
