//! What users say when they are asked: NPS each quarter, the effort of an onboarding once it is over.

use crate::account::Account;
use crate::date::DAY_MS;
use crate::day::Day;
use crate::random::Random;
use crate::rhythm;
use crate::topic::Topic;

const PRAISE: [&str; 4] = [
    "The team said \"finally\" when the forecast came out right.",
    "Saves me a day a month.",
    "Très bien, merci \u{2013} rien à redire.",
    "Support is quick,\nand it stays solved.",
];
const COMPLAINTS: [&str; 4] = [
    "Too slow, and the export drops columns.",
    "Nobody here knows how to use it\\set it up.",
    "Asked for the same fix \"three\" times.",
    "We are looking at other tools.",
];

/// A question to the users of an account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Question {
    Nps,
    Effort,
}

/// The days on which the account is asked.
pub(crate) fn questions(account: &Account, onboarded: Option<i64>, days: i64) -> Vec<(i64, Question)> {
    let mut random = Random::of(&[account.seed, account.index, 0x90]);
    let first = account.course.joins + random.between(5, 90);
    let mut dates: Vec<(i64, Question)> =
        (0..=days / 91).map(|quarter| (first + quarter * 91, Question::Nps)).collect();
    dates.extend(onboarded.map(|day| (day + 3, Question::Effort)));
    dates
}

/// Tells the answers; few answer.
pub(crate) fn tell(day: &mut Day<'_>, question: Question) {
    if day.level == 0 {
        return;
    }
    for number in 0..day.account.users {
        if day.random.chance(180) {
            answer(day, question, number);
        }
    }
}

fn answer(day: &mut Day<'_>, question: Question, number: i64) {
    let user = day.account.user(number);
    let at_ms = day.opens_ms + day.random.below(4) * DAY_MS + rhythm::time_of_day(&mut day.random);
    let mood = (day.level / 125 + day.random.between(-2, 2)).clamp(0, 10);
    let comments = if mood >= 7 { &PRAISE } else { &COMPLAINTS };
    let comment = *day.random.pick(comments);
    let says_why = day.random.chance(400);
    let (kind, score) = match question {
        Question::Nps => ("nps", mood),
        Question::Effort => ("ces", (mood * 7 / 10).max(1)),
    };
    day.tell(Topic::Feedback, at_ms, &user, |o| {
        o.text("user", &user).text("kind", kind).number("score", score);
        if says_why {
            o.text("comment", comment);
        }
    });
}
