//! The nine source topics and how their records come to the broker.

use crate::date::{HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::random::Random;

/// A source topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Login,
    FeatureUsage,
    Support,
    CsmActivity,
    Feedback,
    Subscription,
    Account,
    Milestone,
    Command,
}

impl Topic {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Login => "vitals.login",
            Self::FeatureUsage => "vitals.feature-usage",
            Self::Support => "vitals.support",
            Self::CsmActivity => "vitals.csm-activity",
            Self::Feedback => "vitals.feedback",
            Self::Subscription => "vitals.subscription",
            Self::Account => "vitals.account",
            Self::Milestone => "vitals.milestone",
            Self::Command => "vitals.command",
        }
    }

    /// The beginning of the ids of its records.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Login => "lgn",
            Self::FeatureUsage => "use",
            Self::Support => "sup",
            Self::CsmActivity => "csm",
            Self::Feedback => "fbk",
            Self::Subscription => "sub",
            Self::Account => "acc",
            Self::Milestone => "mil",
            Self::Command => "cmd",
        }
    }

    /// Whether only the customer's own people cause its records.
    pub(crate) const fn is_customers(self) -> bool {
        matches!(self, Self::Login | Self::FeatureUsage | Self::Feedback)
    }

    /// How long after it happened an activity is appended.
    pub(crate) fn delay_ms(self, random: &mut Random) -> i64 {
        match (self, random.below(1000)) {
            // A CSM logs a call on the same day, or the day after, or when reminded.
            (Self::CsmActivity, 0..600) => random.between(5 * MINUTE_MS, 6 * HOUR_MS),
            (Self::CsmActivity, 600..900) => random.between(6 * HOUR_MS, 24 * HOUR_MS),
            (Self::CsmActivity, _) => random.between(24 * HOUR_MS, 47 * HOUR_MS),
            (_, 0..940) => random.between(150, 5 * SECOND_MS),
            (_, 940..990) => random.between(5 * SECOND_MS, MINUTE_MS),
            _ => random.between(MINUTE_MS, 4 * MINUTE_MS),
        }
    }
}
