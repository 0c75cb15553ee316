//! Support tickets: a ticket is told as a whole on the day on which it is opened, replies and all.

use crate::date::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::day::Day;
use crate::random::Random;
use crate::rhythm;
use crate::topic::Topic;

/// How many tickets a user opens on a busy day, in millionths.
const OPENED_MILLIONTHS: i64 = 4500;

/// A ticket that is being told.
#[derive(Debug)]
struct Ticket {
    id: String,
    user: String,
    priority: &'static str,
    /// Whether the account has trouble: replies take long, solutions do not hold.
    strained: bool,
    at_ms: i64,
}

/// The tickets that are opened on the day.
pub(crate) fn tell(day: &mut Day<'_>) {
    let account = day.account;
    let strained = account.course.is_slipping(day.number);
    // Fewer users ask less; an account in trouble asks more.
    let rate = OPENED_MILLIONTHS * if strained { 2500 } else { day.level } / 1000;
    let chance = account.users * rate * rhythm::of_day(account, day.number) / 1000;
    let opened =
        i64::from(day.random.below(1_000_000) < chance) + i64::from(day.random.below(8_000_000) < chance);
    for number in 0..opened {
        let mut ticket = Ticket {
            id: format!("t-{}-{}-{number}", account.index, day.number),
            user: day.any_user(),
            priority: priority(&mut day.random),
            strained,
            at_ms: day.opens_ms + rhythm::time_of_day(&mut day.random),
        };
        if account.acts_at(ticket.at_ms) {
            live(day, &mut ticket);
        }
    }
}

fn priority(random: &mut Random) -> &'static str {
    match random.below(100) {
        0..20 => "low",
        20..70 => "normal",
        70..92 => "high",
        _ => "urgent",
    }
}

/// The life of a ticket from opened to closed.
fn live(day: &mut Day<'_>, ticket: &mut Ticket) {
    by_customer(day, ticket, "opened");
    if day.random.chance(12) {
        ticket.at_ms += day.random.between(MINUTE_MS, HOUR_MS);
        step(day, ticket, "agent", "deleted");
        return;
    }
    wait_for_agent(day, ticket);
    if day.random.chance(20) {
        step(day, ticket, "agent", "merged");
        return;
    }
    step(day, ticket, "agent", "replied");
    if ticket.priority == "normal" && day.random.chance(if ticket.strained { 200 } else { 50 }) {
        ticket.priority = "high";
        ticket.at_ms += day.random.between(MINUTE_MS, HOUR_MS);
        step(day, ticket, "agent", "priority-changed");
    }
    for _ in 0..day.random.below(3) {
        ticket.at_ms += MINUTE_MS;
        step(day, ticket, "agent", "pending");
        ticket.at_ms += day.random.between(20 * MINUTE_MS, 20 * HOUR_MS);
        if !by_customer(day, ticket, "replied") {
            break;
        }
        wait_for_agent(day, ticket);
        step(day, ticket, "agent", "replied");
    }
    solve(day, ticket);
    if day.random.chance(if ticket.strained { 280 } else { 70 }) {
        ticket.at_ms += day.random.between(HOUR_MS, 40 * HOUR_MS);
        if by_customer(day, ticket, "reopened") {
            wait_for_agent(day, ticket);
            step(day, ticket, "agent", "replied");
            solve(day, ticket);
        }
    }
    rate(day, ticket);
    ticket.at_ms += 3 * DAY_MS;
    step(day, ticket, "agent", "closed");
}

/// The time until support comes back to the customer.
fn wait_for_agent(day: &mut Day<'_>, ticket: &mut Ticket) {
    let (low, high) = match ticket.priority {
        "urgent" => (5 * MINUTE_MS, 90 * MINUTE_MS),
        "high" => (10 * MINUTE_MS, 3 * HOUR_MS),
        _ => (15 * MINUTE_MS, 5 * HOUR_MS),
    };
    ticket.at_ms += day.random.between(low, high) * if ticket.strained { 3 } else { 1 };
}

fn solve(day: &mut Day<'_>, ticket: &mut Ticket) {
    ticket.at_ms += day.random.between(20 * MINUTE_MS, 30 * HOUR_MS);
    step(day, ticket, "agent", "solved");
}

/// The customer may say how it was: on the ticket, or in a survey.
fn rate(day: &mut Day<'_>, ticket: &mut Ticket) {
    let score = if ticket.strained { day.random.between(2, 15) } else { day.random.between(13, 20) } * 5;
    let answer = day.random.below(100);
    ticket.at_ms += day.random.between(10 * MINUTE_MS, 10 * HOUR_MS);
    if answer >= 40 || !day.account.acts_at(ticket.at_ms) {
        return;
    }
    if answer < 22 {
        day.tell(Topic::Support, ticket.at_ms, &ticket.id, |o| {
            o.text("ticket", &ticket.id).text("kind", "rated").text("by", "customer");
            o.text("user", &ticket.user).number("score", score);
        });
    } else {
        day.tell(Topic::Feedback, ticket.at_ms, &ticket.user, |o| {
            o.text("user", &ticket.user).text("kind", "csat").number("score", score);
        });
    }
}

/// Tells a step of the customer, if there still is one; false if not.
fn by_customer(day: &mut Day<'_>, ticket: &Ticket, kind: &str) -> bool {
    let acts = day.account.acts_at(ticket.at_ms);
    if acts {
        step(day, ticket, "customer", kind);
    }
    acts
}

fn step(day: &mut Day<'_>, ticket: &Ticket, by: &str, kind: &str) {
    let mood = if ticket.strained { day.random.between(-90, 10) } else { day.random.between(-35, 60) };
    day.tell(Topic::Support, ticket.at_ms, &ticket.id, |o| {
        o.text("ticket", &ticket.id).text("kind", kind).text("by", by).text("priority", ticket.priority);
        if by == "customer" {
            o.text("user", &ticket.user).hundredths("sentiment", mood);
        }
    });
}
