//! The course of an account: which story it lives, and how much its people do on each day.
//!
//! Days are numbered from the start of the record. Turns are placed by shares of its length, so that a record
//! of three months tells the same stories as one of a year, faster.

use crate::random::{Random, index};

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

impl StoryKind {
    /// Whether the account does less and less for a time.
    pub(crate) const fn fades(self) -> bool {
        matches!(self, Self::Fading | Self::Rescued | Self::Churned)
    }

    /// Whether the account may arrive within the record, and is new then.
    pub(crate) const fn is_new(self) -> bool {
        matches!(self, Self::Onboarding | Self::Trial)
    }
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

/// The level of an account with which all is as always.
const ORDINARY: i64 = 1000;

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
        let mut draw = Draw { random: Random::of(&[seed, account, 0xc0]), days };
        let course = Self {
            kind: ROUND[index(account, ROUND.len())],
            joins: 0,
            turns: None,
            rescue: None,
            silent_from: None,
            ends: None,
            closes: None,
            levels: vec![(0, ORDINARY)],
        };
        match course.kind {
            StoryKind::Steady => course,
            StoryKind::Thriving => Self { levels: vec![(0, 700), (days, 1350)], ..course },
            StoryKind::Fading => course.fading(&mut draw),
            StoryKind::Quiet => course.quiet(&mut draw),
            StoryKind::Rescued => course.rescued(&mut draw),
            StoryKind::Churned => course.churned(&mut draw),
            StoryKind::Onboarding => course.onboarding(&mut draw),
            StoryKind::Trial => course.trial(&mut draw),
        }
    }

    fn fading(self, draw: &mut Draw) -> Self {
        let from = draw.share(200, 450);
        let bottom = from + draw.share(250, 350);
        Self { turns: Some(from), levels: vec![(from, ORDINARY), (bottom, draw.low())], ..self }
    }

    fn quiet(self, draw: &mut Draw) -> Self {
        let from = draw.share(300, 750);
        Self { turns: Some(from), silent_from: Some(from), ..self }
    }

    fn rescued(self, draw: &mut Draw) -> Self {
        let from = draw.share(200, 400);
        let bottom = from + draw.share(100, 150);
        let better = bottom + draw.share(50, 90);
        let back = better + draw.share(120, 130);
        let low = draw.low() + 80;
        let levels = vec![(from, ORDINARY), (bottom, low), (better, low + 40), (back, 1080)];
        Self { turns: Some(from), rescue: Some(bottom + draw.share(10, 20)), levels, ..self }
    }

    fn churned(self, draw: &mut Draw) -> Self {
        let from = draw.share(120, 450);
        let bottom = from + draw.share(180, 240);
        let end = bottom + draw.share(50, 90);
        Self {
            turns: Some(end),
            silent_from: Some(end),
            ends: Some(end),
            closes: Some(end + draw.share(40, 70)),
            levels: vec![(from, ORDINARY), (bottom, draw.low())],
            ..self
        }
    }

    fn onboarding(self, draw: &mut Draw) -> Self {
        let from = draw.share(20, 750);
        Self { joins: from, turns: Some(from), levels: vec![(from, 250), (from + 45, ORDINARY)], ..self }
    }

    fn trial(self, draw: &mut Draw) -> Self {
        let from = draw.share(50, 800);
        let over = from + TRIAL_DAYS;
        let tried = Self { joins: from, turns: Some(from), ..self };
        if draw.random.chance(500) {
            return Self { levels: vec![(from, 500), (over, 900)], ..tried };
        }
        Self {
            silent_from: Some(over),
            ends: Some(over),
            closes: Some(over + 14),
            levels: vec![(from, 600), (over, 60)],
            ..tried
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
            (None, None) => ORDINARY,
        }
    }

    /// Whether none of its people does anything on the day.
    pub(crate) fn is_silent(&self, day: i64) -> bool {
        day < self.joins || self.silent_from.is_some_and(|from| day >= from)
    }

    /// Whether the account is on its way down: problems are many, and nobody looks.
    pub(crate) fn is_slipping(&self, day: i64) -> bool {
        let falls = self.level(day + 10) < self.level(day);
        let noticed = self.rescue.is_some_and(|from| day >= from);
        self.kind.fades() && falls && !noticed
    }
}

/// Dice for the days of a course.
struct Draw {
    random: Random,
    days: i64,
}

impl Draw {
    /// A number of days between two shares of the record, in permille.
    fn share(&mut self, low: i64, high: i64) -> i64 {
        self.days * self.random.between(low, high) / 1000
    }

    /// The level at the bottom of a fade.
    fn low(&mut self) -> i64 {
        self.random.between(120, 300)
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
