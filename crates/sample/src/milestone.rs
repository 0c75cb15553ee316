//! Key moments: the steps of an onboarding, and the review of the value that a customer got.

use crate::account::{Account, Segment};
use crate::course::StoryKind;
use crate::date::MINUTE_MS;
use crate::day::Day;
use crate::random::Random;
use crate::rhythm;
use crate::topic::Topic;

/// The steps of an onboarding: name, days until due, and within which days it is reached.
const ONBOARDING: [(&str, i64, (i64, i64)); 4] = [
    ("data-imported", 14, (3, 12)),
    ("team-invited", 21, (2, 18)),
    ("report-received", 30, (10, 28)),
    ("integration-live", 60, (25, 56)),
];

/// A step on the way of one milestone.
#[derive(Debug)]
pub(crate) struct Progress {
    milestone: &'static str,
    kind: &'static str,
    due: i64,
    evidence: Option<&'static str>,
}

/// What is planned and reached, by day, for an account whose subscription starts on this day.
pub(crate) fn progress(account: &Account, starts: i64, days: i64) -> Vec<(i64, Progress)> {
    let mut random = Random::of(&[account.seed, account.index, 0x31]);
    let mut progress = Vec::new();
    let mut add = |day: i64, milestone, kind, due, evidence| {
        progress.push((day, Progress { milestone, kind, due, evidence }));
    };
    if account.course.kind.is_new() {
        let late = random.chance(350);
        let without_integration = random.chance(120);
        for (milestone, within, (low, high)) in ONBOARDING {
            let due = starts + within;
            add(starts, milestone, "planned", due, None);
            let behind = if late && within >= 30 { within - low + random.between(4, 25) } else { 0 };
            if milestone == "integration-live" && without_integration {
                add(starts + 40, milestone, "dropped", due, Some("no system to integrate with"));
                continue;
            }
            let reached = starts + random.between(low, high) + behind;
            add(reached, milestone, "reached", due, None);
            if milestone == "report-received" {
                add(reached + random.between(1, 6), milestone, "verified", due, Some("confirmed on a call"));
            }
        }
    } else if account.segment != Segment::SmallBusiness && random.chance(400) {
        let planned = days * random.between(50, 500) / 1000;
        let due = planned + 60;
        add(planned, "value-review", "planned", due, None);
        if account.course.kind != StoryKind::Churned {
            let reached = planned + random.between(35, 75);
            add(reached, "value-review", "reached", due, Some("saved hours agreed with the sponsor"));
            add(
                reached + random.between(3, 14),
                "value-review",
                "verified",
                due,
                Some("signed by the sponsor"),
            );
        }
    }
    progress.sort_by_key(|(day, _)| *day);
    progress
}

/// The day on which the last step of the onboarding is behind the account; `None` without an onboarding.
pub(crate) fn completed(progress: &[(i64, Progress)]) -> Option<i64> {
    let of_onboarding = |step: &Progress| step.milestone != "value-review" && step.kind != "planned";
    progress.iter().filter(|(_, step)| of_onboarding(step)).map(|(day, _)| *day).max()
}

/// Tells a step, and what the customer did to reach it.
pub(crate) fn tell(day: &mut Day<'_>, progress: &Progress) {
    let account = day.account;
    let mut at_ms = match progress.kind {
        "planned" => day.opens_ms + 10 * MINUTE_MS,
        _ => day.opens_ms + rhythm::office_hours(&mut day.random),
    };
    if progress.kind == "reached" {
        if !account.acts_at(at_ms) {
            return;
        }
        reach(day, progress.milestone, at_ms);
        at_ms += day.random.between(MINUTE_MS, 5 * MINUTE_MS);
    }
    let value = day.random.between(8, 120);
    let key = format!("{}/{}", account.id, progress.milestone);
    day.tell(Topic::Milestone, at_ms, &key, |o| {
        o.text("milestone", progress.milestone).text("kind", progress.kind);
        o.time("due_at", account.opens_ms(progress.due));
        if progress.kind != "planned" && progress.milestone == "value-review" {
            o.number("value", value);
        }
        if let Some(evidence) = progress.evidence {
            o.text("evidence", evidence);
        }
    });
}

fn reach(day: &mut Day<'_>, milestone: &str, at_ms: i64) {
    let user = day.account.user(0);
    let feature = match milestone {
        "data-imported" => "import",
        "report-received" => "report",
        "integration-live" => "integration",
        "team-invited" => {
            for number in 1..4 {
                let invited = day.account.user(number);
                let at_ms = at_ms - number * MINUTE_MS;
                day.tell(Topic::Login, at_ms, &invited, |o| {
                    o.text("user", &invited).text("kind", "invited");
                });
            }
            return;
        }
        _ => return,
    };
    day.tell(Topic::FeatureUsage, at_ms, &user, |o| {
        o.text("user", &user).text("feature", feature).text("product", "core");
    });
}
