//! The course of an account: which story it lives, and how much its people do on each day.
//!
//! Days are numbered from the start of the record. Turns are placed by shares of its length, so that a record
//! of three months tells the same stories as one of a year, faster.

use crate::random::Random;

/// The kinds of story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoryKind {
    /// Uses more and more, and buys more.
    Thriving,
    /// Goes on as always.
    Steady,
    /// Uses less and less over months, and stays so.
    Fading,
    /// Its people stop from one day to the next, with no other sign.
    Quiet,
    /// Fades, is taken care of by its CSM, and comes back.
    Rescued,
    /// Fades, ends its subscription and is closed.
    Churned,
    /// Arrives within the record and is brought into the product.
    Onboarding,
    /// Tries the product for a month; about half of them buy.
    Trial,
}

/// One round of stories; accounts take them in turn. Its first eight are of each kind.
const ROUND: [StoryKind; 20] = [
    StoryKind::Steady,
    StoryKind::Thriving,
    StoryKind::Fading,
    StoryKind::Quiet,
    StoryKind::Rescued,
    StoryKind::Churned,
    StoryKind::Onboarding,
    StoryKind::Trial,
    StoryKind::Steady,
    StoryKind::Steady,
    StoryKind::Thriving,
    StoryKind::Steady,
    StoryKind::Fading,
    StoryKind::Steady,
    StoryKind::Thriving,
    StoryKind::Churned,
    StoryKind::Steady,
    StoryKind::Onboarding,
    StoryKind::Steady,
    StoryKind::Thriving,
];

/// The length of a trial in days.
pub(crate) const TRIAL_DAYS: i64 = 30;

/// The days on which an account's life turns.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) kind: StoryKind,
    /// Its first day.
    pub(crate) joins: i64,
    /// The day of the turn that its story tells.
    pub(crate) turns: Option<i64>,
    /// The day on which its CSM begins to take care.
    pub(crate) rescue: Option<i64>,
    /// From this day on none of its people does anything.
    pub(crate) silent_from: Option<i64>,
    /// The day on which its subscription or trial ends.
    pub(crate) ends: Option<i64>,
    /// The day on which it is closed; nothing is told of it later.
    pub(crate) closes: Option<i64>,
    /// How much is done: points of (day, permille of the ordinary), linear between them.
    levels: Vec<(i64, i64)>,
}

impl Course {
    /// The course of the account with this number in a record of this many days.
    pub(crate) fn of(seed: u64, account: u64, days: i64) -> Self {
        let mut random = Random::of(&[seed, account, 0xc0]);
        let kind = ROUND[crate::random::index(account, ROUND.len())];
        let mut share = |low: i64, high: i64| days * random.between(low, high) / 1000;
        let turn = match kind {
            StoryKind::Thriving | StoryKind::Steady => 0,
            StoryKind::Fading => share(250, 550),
            StoryKind::Quiet => share(300, 750),
            StoryKind::Rescued => share(200, 400),
            StoryKind::Churned => share(120, 450),
            StoryKind::Onboarding => share(20, 750),
            StoryKind::Trial => share(50, 800),
        };
        let length = match kind {
            StoryKind::Fading => share(280, 400),
            StoryKind::Rescued => share(100, 150),
            StoryKind::Churned => share(180, 240),
            _ => 0,
        };
        let end = turn + length + share(50, 90);
        let close = end + share(40, 70);
        let low = random.between(120, 300);
        let course = Self {
            kind,
            joins: 0,
            turns: None,
            rescue: None,
            silent_from: None,
            ends: None,
            closes: None,
            levels: vec![(0, 1000)],
        };
        match kind {
            StoryKind::Steady => course,
            StoryKind::Thriving => Self { levels: vec![(0, 700), (days, 1350)], ..course },
            StoryKind::Fading => {
                Self { turns: Some(turn), levels: vec![(turn, 1000), (turn + length, low)], ..course }
            }
            StoryKind::Quiet => Self { turns: Some(turn), silent_from: Some(turn), ..course },
            StoryKind::Rescued => {
                let (bottom, back) = (turn + length, end + days / 8);
                let levels = vec![(turn, 1000), (bottom, low + 80), (end, low + 120), (back, 1080)];
                Self { turns: Some(turn), rescue: Some(bottom + days / 100), levels, ..course }
            }
            StoryKind::Churned => Self {
                turns: Some(end),
                silent_from: Some(end),
                ends: Some(end),
                closes: Some(close),
                levels: vec![(turn, 1000), (turn + length, low)],
                ..course
            },
            StoryKind::Onboarding => {
                Self { joins: turn, turns: Some(turn), levels: vec![(turn, 250), (turn + 45, 1000)], ..course }
            }
            StoryKind::Trial if random.chance(500) => Self {
                joins: turn,
                turns: Some(turn),
                levels: vec![(turn, 500), (turn + TRIAL_DAYS, 900)],
                ..course
            },
            StoryKind::Trial => {
                let over = turn + TRIAL_DAYS;
                Self {
                    joins: turn,
                    turns: Some(turn),
                    silent_from: Some(over),
                    ends: Some(over),
                    closes: Some(over + 14),
                    levels: vec![(turn, 600), (over, 60)],
                    ..course
                }
            }
        }
    }

    /// How much is done on the day, in permille of what is ordinary for the account.
    pub(crate) fn level(&self, day: i64) -> i64 {
        if self.is_silent(day) {
            return 0;
        }
        let after = self.levels.iter().find(|(at, _)| *at > day);
        let before = self.levels.iter().rfind(|(at, _)| *at <= day);
        match (before, after) {
            (Some((from, low)), Some((to, high))) => low + (high - low) * (day - from) / (to - from),
            (Some((_, level)), None) | (None, Some((_, level))) => *level,
            (None, None) => 1000,
        }
    }

    /// Whether none of its people does anything on the day.
    pub(crate) fn is_silent(&self, day: i64) -> bool {
        day < self.joins || self.silent_from.is_some_and(|from| day >= from)
    }

    /// Whether the account is on its way down: problems are many, and nobody looks.
    pub(crate) fn is_slipping(&self, day: i64) -> bool {
        match self.kind {
            StoryKind::Fading | StoryKind::Churned | StoryKind::Rescued => {
                self.level(day + 10) < self.level(day) && self.rescue.is_none_or(|from| day < from)
            }
            StoryKind::Thriving
            | StoryKind::Steady
            | StoryKind::Quiet
            | StoryKind::Onboarding
            | StoryKind::Trial => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, StoryKind};

    #[test]
    fn eight_accounts_live_all_eight_stories() {
        let kinds: std::collections::BTreeSet<StoryKind> =
            (0..8).map(|account| Course::of(1, account, 365).kind).collect();
        assert_eq!(kinds.len(), 8);
    }

    #[test]
    fn a_fade_falls_and_a_rescue_rises_again() {
        let fading = Course::of(1, 2, 365);
        let rescued = Course::of(1, 4, 365);
        assert!(fading.level(0) == 1000 && fading.level(364) < 310);
        assert!(rescued.level(0) == 1000 && rescued.level(364) > 1000);
        let rescue = rescued.rescue.unwrap();
        assert!(rescued.level(rescue) < 450, "{}", rescued.level(rescue));
    }

    #[test]
    fn a_churned_account_is_silent_from_its_end_and_closed_within_the_year() {
        for account in (5..2000).step_by(20) {
            let course = Course::of(9, account, 365);
            let (ends, closes) = (course.ends.unwrap(), course.closes.unwrap());
            assert!(course.level(ends - 1) > 0 && course.level(ends) == 0);
            assert!(ends < closes && closes < 365, "{ends} {closes}");
        }
    }
}
