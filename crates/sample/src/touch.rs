//! What CSMs do: calls, e-mails, meetings, business reviews, trainings, and the pulse that they feel.

use crate::account::{Account, Segment};
use crate::date::MINUTE_MS;
use crate::day::Day;
use crate::name::ROLES;
use crate::random::{Random, index};
use crate::rhythm;
use crate::topic::Topic;

/// For how many days a CSM takes special care of an account that is to be rescued.
const CARE_DAYS: i64 = 60;

/// A meeting, or a judgement, with a date.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Appointment {
    ReviewScheduled,
    Review,
    Training,
    Pulse,
}

/// The appointments of an account.
pub(crate) fn appointments(account: &Account, days: i64) -> Vec<(i64, Appointment)> {
    let mut random = Random::of(&[account.seed, account.index, 0x70]);
    let mut dates = Vec::new();
    let course = &account.course;
    let high_touch = account.segment != Segment::SmallBusiness;
    if high_touch || random.chance(250) {
        let every = if high_touch { 84 } else { 364 };
        let mut day = course.joins + random.between(12, every);
        while day < days {
            dates.push((day - 10, Appointment::ReviewScheduled));
            dates.push((day, Appointment::Review));
            day += every;
        }
    }
    if high_touch {
        let first = course.joins + random.between(3, 28);
        dates.extend((0..days / 28).map(|month| (first + month * 28, Appointment::Pulse)));
    }
    let trainings = if course.kind.is_new() {
        vec![4, 11, 24]
    } else if random.chance(600) {
        vec![random.between(10, days.max(20))]
    } else {
        Vec::new()
    };
    dates.extend(trainings.into_iter().map(|after| (course.joins + after, Appointment::Training)));
    if let Some(rescue) = course.rescue {
        dates.push((rescue + 6, Appointment::Training));
        dates.push((rescue + 9, Appointment::Review));
        dates.push((rescue + 20, Appointment::Training));
    }
    dates
}

/// The unplanned touches of the day.
pub(crate) fn tell(day: &mut Day<'_>) {
    let account = day.account;
    let course = &account.course;
    if !rhythm::is_working(account, day.number) || course.ends.is_some_and(|ends| day.number >= ends) {
        return;
    }
    let ordinary = match account.segment {
        Segment::Enterprise => 200,
        Segment::MidMarket => 110,
        Segment::SmallBusiness => 40,
    };
    let cared_for = course.rescue.is_some_and(|from| (from..from + CARE_DAYS).contains(&day.number));
    let new = course.joins > 0 && day.number < course.joins + 60;
    let chance = match () {
        () if cared_for => (ordinary * 4).min(600),
        () if course.is_silent(day.number) || course.is_slipping(day.number) => ordinary / 2,
        () if new => ordinary * 2,
        () => ordinary,
    };
    if !day.random.chance(chance) {
        return;
    }
    let answers = !course.is_silent(day.number);
    let at_ms = day.opens_ms + rhythm::office_hours(&mut day.random);
    match day.random.below(100) {
        0..35 if answers => meet(day, at_ms, "call", "held"),
        35..50 if answers => meet(day, at_ms, "meeting", "held"),
        50..60 => note(day, at_ms),
        // Someone who is silent is written to, and does not write back.
        other => email(day, at_ms, if answers && other % 2 == 0 { "inbound" } else { "outbound" }),
    }
}

/// Tells what was planned for the day.
pub(crate) fn tell_appointment(day: &mut Day<'_>, appointment: Appointment) {
    let course = &day.account.course;
    if course.ends.is_some_and(|ends| day.number >= ends) {
        return;
    }
    let silent = course.is_silent(day.number);
    let slipping = course.is_slipping(day.number);
    let at_ms = day.opens_ms + rhythm::office_hours(&mut day.random);
    match appointment {
        Appointment::ReviewScheduled => meet(day, at_ms, "qbr", "scheduled"),
        Appointment::Review => {
            let cancelled = silent || day.random.chance(if slipping { 450 } else { 100 });
            meet(day, at_ms, "qbr", if cancelled { "cancelled" } else { "held" });
        }
        // Nobody comes, and there is no pulse to feel.
        Appointment::Training | Appointment::Pulse if silent => {}
        Appointment::Training => train(day, at_ms),
        Appointment::Pulse => {
            let score = (day.level / 280 + day.random.between(0, 1)).clamp(1, 5);
            let csm = day.account.csm;
            day.tell(Topic::CsmActivity, at_ms, csm, |o| {
                o.text("csm", csm).text("kind", "pulse").number("score", score);
            });
        }
    }
}

/// What is felt in a talk, in hundredths of -1..1.
fn sentiment(day: &mut Day<'_>) -> i64 {
    ((day.level - 600) / 8 + day.random.between(-30, 30)).clamp(-100, 100)
}

/// One of the people that the CSM knows, with a role. Fewer are known in a small account.
fn contact(day: &mut Day<'_>) -> (String, &'static str) {
    let number = day.random.below(day.account.users.min(8));
    (day.account.user(number), ROLES[index(number.unsigned_abs(), ROLES.len())])
}

fn meet(day: &mut Day<'_>, at_ms: i64, kind: &str, state: &str) {
    let csm = day.account.csm;
    let (contact, role) = contact(day);
    let minutes = day.random.between(3, 12) * 5;
    let mood = sentiment(day);
    day.tell(Topic::CsmActivity, at_ms, csm, |o| {
        o.text("csm", csm).text("kind", kind).text("state", state);
        o.text("contact", &contact).text("role", role);
        if state == "held" {
            o.number("minutes", minutes).hundredths("sentiment", mood);
        }
    });
}

fn email(day: &mut Day<'_>, at_ms: i64, direction: &str) {
    let csm = day.account.csm;
    let (contact, role) = contact(day);
    let mood = sentiment(day);
    day.tell(Topic::CsmActivity, at_ms, csm, |o| {
        o.text("csm", csm).text("kind", "email").text("direction", direction);
        o.text("contact", &contact).text("role", role);
        if direction == "inbound" {
            o.hundredths("sentiment", mood);
        }
    });
}

fn note(day: &mut Day<'_>, at_ms: i64) {
    let csm = day.account.csm;
    day.tell(Topic::CsmActivity, at_ms, csm, |o| {
        o.text("csm", csm).text("kind", "note");
    });
}

/// A training is logged once for each of those who came.
fn train(day: &mut Day<'_>, at_ms: i64) {
    let csm = day.account.csm;
    let came = day.random.between(2, 6).min(day.account.users);
    let first = day.random.below(day.account.users);
    for number in 0..came {
        let contact = day.account.user((first + number) % day.account.users);
        let logged_ms = at_ms + number * MINUTE_MS;
        day.tell(Topic::CsmActivity, logged_ms, csm, |o| {
            o.text("csm", csm).text("kind", "training").text("state", "held");
            o.text("contact", &contact).text("role", "user").number("minutes", 60);
        });
    }
}
