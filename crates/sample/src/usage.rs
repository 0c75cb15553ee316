//! Logins and use of features: the bulk of the record.

use crate::account::{Account, Segment};
use crate::date::{HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::day::Day;
use crate::name::FEATURES;
use crate::random::{Random, index};
use crate::rhythm;
use crate::topic::Topic;

/// What the account's people and machines do on an ordinary day.
pub(crate) fn tell(day: &mut Day<'_>) {
    let account = day.account;
    let busy = rhythm::of_day(account, day.number);
    // A fade loses people as well as days of the people who stay.
    let people = (account.users * (1000 + day.level) / 2000).min(account.users);
    for number in 0..people {
        let diligence = diligence(account, number);
        if day.random.below(1_000_000_000) < diligence * day.level * busy {
            session(day, number);
        }
    }
    if account.synchronised {
        synchronise(day);
    }
}

/// How often a user works in the product, in permille of working days. In a small account it is everyone's
/// tool, in a large one many only look in.
fn diligence(account: &Account, user: i64) -> i64 {
    let mut random = Random::of(&[account.seed, account.index, 0xd1, user.unsigned_abs()]);
    match (account.segment, random.below(10)) {
        (Segment::SmallBusiness, 0..6) => random.between(300, 600),
        (Segment::SmallBusiness, _) => random.between(120, 300),
        (Segment::Enterprise | Segment::MidMarket, 0..2) => random.between(250, 500),
        (Segment::Enterprise | Segment::MidMarket, 2..7) => random.between(80, 240),
        (Segment::Enterprise | Segment::MidMarket, _) => random.between(25, 100),
    }
}

/// The first of a new account's people signs up, as soon as the account is there.
pub(crate) fn arrive(day: &mut Day<'_>) {
    let user = day.account.user(0);
    let at_ms = day.opens_ms + rhythm::office_hours(&mut day.random);
    day.tell(Topic::Login, at_ms, &user, |o| {
        o.text("user", &user).text("kind", "signed-up");
    });
}

/// A user signs in and works for a while.
fn session(day: &mut Day<'_>, number: i64) {
    let user = day.account.user(number);
    let mut at_ms = day.opens_ms + rhythm::time_of_day(&mut day.random);
    day.tell(Topic::Login, at_ms, &user, |o| {
        o.text("user", &user).text("kind", "signed-in");
    });
    for _ in 0..day.random.between(1, 2) {
        at_ms += day.random.between(20 * SECOND_MS, 25 * MINUTE_MS);
        use_feature(day, at_ms, &user);
    }
    if day.random.chance(150) {
        at_ms += day.random.between(SECOND_MS, 20 * MINUTE_MS);
        day.tell(Topic::Login, at_ms, &user, |o| {
            o.text("user", &user).text("kind", "signed-out");
        });
    }
}

fn use_feature(day: &mut Day<'_>, at_ms: i64, user: &str) {
    // An account that does little uses little of the product; everyday features come first.
    let known = (3 + day.level * 7 / 1000).clamp(2, 12);
    let chosen = day.random.below(known).min(day.random.below(known));
    let feature = FEATURES[index(chosen.unsigned_abs(), FEATURES.len())];
    let count = if day.random.chance(350) { day.random.between(2, 9) } else { 1 };
    let rows = day.random.between(20, 5000);
    day.tell(Topic::FeatureUsage, at_ms, user, |o| {
        o.text("user", user).text("feature", feature);
        if count > 1 {
            o.number("count", count);
        }
        if matches!(feature, "import" | "export") {
            o.number("value", rows);
        }
        o.text("product", if feature == "forecast" { "insights" } else { "core" });
    });
}

/// The customer's own machine calls the product every eight hours, day and night.
fn synchronise(day: &mut Day<'_>) {
    let user = format!("sync@{}.example", day.account.id);
    for turn in 0..3 {
        let at_ms = day.opens_ms + turn * 8 * HOUR_MS + day.random.below(20 * MINUTE_MS);
        let count = day.random.between(40, 400);
        day.tell(Topic::FeatureUsage, at_ms, &user, |o| {
            o.text("user", &user).text("feature", "api").number("count", count).text("product", "core");
        });
    }
}
