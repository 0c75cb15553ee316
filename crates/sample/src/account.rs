//! Who an account is: what stays the same all year.

use crate::course::{Course, StoryKind};
use crate::date::{DAY_MS, HOUR_MS};
use crate::name::{self, INDUSTRIES, REGIONS, Region};
use crate::random::Random;
use crate::{Settings, Story};

/// The size of a customer, from which the care follows that it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment {
    Enterprise,
    MidMarket,
    SmallBusiness,
}

impl Segment {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::MidMarket => "mid-market",
            Self::SmallBusiness => "small-business",
        }
    }
}

/// A customer account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) seed: u64,
    pub(crate) index: u64,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) segment: Segment,
    pub(crate) region: &'static Region,
    pub(crate) csm: &'static str,
    pub(crate) industry: &'static str,
    pub(crate) parent: Option<String>,
    /// How many people use the product when all is well.
    pub(crate) users: i64,
    /// Whether its people work at weekends too.
    pub(crate) open_at_weekends: bool,
    /// Whether a machine of the customer calls the product around the clock.
    pub(crate) synchronised: bool,
    pub(crate) course: Course,
    start_ms: i64,
}

impl Account {
    fn of(settings: &Settings, index: u64) -> Self {
        let mut random = Random::of(&[settings.seed, index, 0xac]);
        let name = name::company(index + settings.seed % 1000 * 7);
        let (segment, users) = match random.below(1000) {
            0..120 => (Segment::Enterprise, random.between(24, 60)),
            120..450 => (Segment::MidMarket, random.between(9, 26)),
            _ => (Segment::SmallBusiness, random.between(3, 10)),
        };
        let region = random.pick(&REGIONS);
        let course = Course::of(settings.seed, index, i64::from(settings.days));
        let healthy = matches!(course.kind, StoryKind::Steady | StoryKind::Thriving);
        Self {
            seed: settings.seed,
            index,
            id: name::slug(&name),
            segment,
            region,
            csm: *random.pick(&region.csms),
            industry: *random.pick(&INDUSTRIES),
            parent: None,
            users,
            open_at_weekends: random.chance(150),
            synchronised: healthy && random.chance(250),
            course,
            start_ms: settings.start_ms,
            name,
        }
    }

    /// The user with this number.
    pub(crate) fn user(&self, number: i64) -> String {
        name::user(self.index, &self.id, number.unsigned_abs())
    }

    /// Local midnight of the day: the first at or after UTC midnight, so that no activity of a day comes
    /// before the day.
    pub(crate) fn opens_ms(&self, day: i64) -> i64 {
        self.start_ms + day * DAY_MS + (-self.region.utc_offset_hours).rem_euclid(24) * HOUR_MS
    }

    /// The calendar date of that midnight where the account lives, as an instant of that date in UTC.
    pub(crate) fn local_date_ms(&self, day: i64) -> i64 {
        self.opens_ms(day) + self.region.utc_offset_hours * HOUR_MS
    }

    /// Whether the account's people can still have done something at this instant.
    pub(crate) fn acts_at(&self, at_ms: i64) -> bool {
        self.course.silent_from.is_none_or(|day| at_ms < self.opens_ms(day))
    }

    /// What the account lives through.
    pub(crate) fn story(&self) -> Story {
        Story {
            account: self.id.clone(),
            name: self.name.clone(),
            kind: self.course.kind,
            turns_at_ms: self.course.turns.map(|day| self.opens_ms(day)),
        }
    }
}

/// All accounts of the company.
pub(crate) fn all(settings: &Settings) -> Vec<Account> {
    let mut accounts: Vec<Account> =
        (0..u64::from(settings.accounts)).map(|index| Account::of(settings, index)).collect();
    // The steady account that opens a round of stories owns the one that closes the round before it.
    for number in (20..accounts.len()).step_by(40) {
        accounts[number - 1].parent = Some(accounts[number].id.clone());
    }
    accounts
}
