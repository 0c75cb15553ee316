//! What CSMs tell the health score: acknowledgements, snoozes, overrides, and whether an alert was of use.
//!
//! The rules named are those of the example model. A command is about the story of its account and does not
//! look at any score: an alert that it acknowledges may have resolved, or never have fired.

use crate::account::Account;
use crate::course::StoryKind;
use crate::date::DAY_MS;
use crate::day::Day;
use crate::random::Random;
use crate::rhythm;
use crate::topic::Topic;

/// A command with what it needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    kind: &'static str,
    rule: Option<&'static str>,
    score: Option<i64>,
    band: Option<&'static str>,
    reason: &'static str,
    lasts_days: Option<i64>,
}

impl Order {
    /// An order about a rule of the model.
    fn about(rule: &'static str, kind: &'static str, reason: &'static str) -> Self {
        Self { kind, rule: Some(rule), reason, ..Self::default() }
    }

    fn lasting(self, days: i64) -> Self {
        Self { lasts_days: Some(days), ..self }
    }
}

/// The commands about an account, by day.
pub(crate) fn orders(account: &Account, days: i64) -> Vec<(i64, Order)> {
    let mut random = Random::of(&[account.seed, account.index, 0xc3]);
    let share = |permille: i64| days * permille / 1000;
    let turn = account.course.turns.unwrap_or_default();
    let at_risk = |kind, reason| Order::about("account-at-risk", kind, reason);
    let usage_drop = |kind, reason| Order::about("usage-drop", kind, reason);
    match account.course.kind {
        StoryKind::Fading if random.chance(600) => vec![
            (turn + share(200), at_risk("acknowledge", "sponsor has left, looking for a new one")),
            (turn + share(215), usage_drop("snooze", "waiting for the new sponsor to start").lasting(14)),
        ],
        StoryKind::Quiet if random.chance(600) => vec![
            (turn + share(50), at_risk("acknowledge", "wrote to everyone we know")),
            (turn + share(90), at_risk("feedback", "useful")),
        ],
        StoryKind::Rescued => {
            let rescue = account.course.rescue.unwrap_or_default();
            vec![
                (rescue, at_risk("acknowledge", "rescue plan agreed with the account manager")),
                (rescue + share(70), at_risk("feedback", "useful")),
            ]
        }
        StoryKind::Churned if random.chance(400) => vec![
            (turn - share(40), at_risk("acknowledge", "cancellation received")),
            (turn - share(10), usage_drop("feedback", "useful")),
        ],
        StoryKind::Steady if random.chance(120) => lift(share(random.between(200, 800)), &mut random),
        StoryKind::Thriving if random.chance(120) => lower(share(random.between(100, 800)), &mut random),
        StoryKind::Steady
        | StoryKind::Thriving
        | StoryKind::Fading
        | StoryKind::Quiet
        | StoryKind::Churned
        | StoryKind::Onboarding
        | StoryKind::Trial => Vec::new(),
    }
}

/// The CSM knows that all is well, whatever the use says; the reason may pass before its time.
fn lift(day: i64, random: &mut Random) -> Vec<(i64, Order)> {
    let reason = "use moves to the parent account during the merger";
    let order = Order { kind: "override", band: Some("healthy"), reason, ..Order::default() };
    let mut orders = vec![(day, order.lasting(45))];
    if random.chance(500) {
        let end = Order { kind: "clear-override", reason: "merger is done", ..Order::default() };
        orders.push((day + 20, end));
    }
    orders
}

/// The CSM knows of a danger that no signal shows.
fn lower(day: i64, random: &mut Random) -> Vec<(i64, Order)> {
    let score = Some(random.between(8, 12) * 5);
    let reason = "sponsor told us in confidence about a re-tender";
    let order = Order { kind: "override", score, reason, ..Order::default() };
    vec![(day, order.lasting(30)), (day + 5, Order::about("no-contact", "feedback", "noise"))]
}

/// Tells a command.
pub(crate) fn tell(day: &mut Day<'_>, order: &Order) {
    let author = day.account.csm;
    let at_ms = day.opens_ms + rhythm::office_hours(&mut day.random);
    day.tell(Topic::Command, at_ms, author, |o| {
        o.text("kind", order.kind);
        if let Some(rule) = order.rule {
            o.text("rule", rule);
        }
        if let Some(score) = order.score {
            o.number("score", score);
        }
        if let Some(band) = order.band {
            o.text("band", band);
        }
        o.text("author", author).text("reason", order.reason);
        if let Some(days) = order.lasts_days {
            o.time("expires_at", at_ms + days * DAY_MS);
        }
    });
}
