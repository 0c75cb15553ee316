//! The nine sources of activity and their fields: the closed vocabulary that models and records share.

use std::fmt;

/// A kind of activity; each is read from one topic, `vitals.<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Source {
    /// Users signing in and out.
    Login,
    /// Use of a feature of the product.
    FeatureUsage,
    /// Life of a support ticket.
    Support,
    /// What customer success does with the account.
    CsmActivity,
    /// NPS, CSAT and CES answers.
    Feedback,
    /// The contract: started, renewed, expanded, ended.
    Subscription,
    /// The account itself: name, segment, stage, owner.
    Account,
    /// Milestones planned and reached.
    Milestone,
    /// What people tell vitals to do: overrides, snoozes, acknowledgements.
    Command,
}

/// How many sources there are.
pub const SOURCES: usize = 9;

impl Source {
    /// All sources in their fixed order.
    pub const ALL: [Self; SOURCES] = [
        Self::Login,
        Self::FeatureUsage,
        Self::Support,
        Self::CsmActivity,
        Self::Feedback,
        Self::Subscription,
        Self::Account,
        Self::Milestone,
        Self::Command,
    ];

    /// The name in models, metrics and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::FeatureUsage => "feature-usage",
            Self::Support => "support",
            Self::CsmActivity => "csm-activity",
            Self::Feedback => "feedback",
            Self::Subscription => "subscription",
            Self::Account => "account",
            Self::Milestone => "milestone",
            Self::Command => "command",
        }
    }

    /// The source of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// Its place in [`Source::ALL`], for arrays indexed by source.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The source at a place of [`Source::ALL`].
    #[must_use]
    pub fn at(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// The fields of its activities beside `id`, `time` and `account`.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        use Field as F;
        match self {
            Self::Login => &[F::User, F::Kind],
            Self::FeatureUsage => &[F::User, F::Feature, F::Count, F::Value, F::Product],
            Self::Support => &[F::Ticket, F::Kind, F::By, F::Priority, F::User, F::Sentiment, F::Score],
            Self::CsmActivity => &[
                F::Csm,
                F::Kind,
                F::State,
                F::Direction,
                F::Contact,
                F::Role,
                F::Minutes,
                F::Sentiment,
                F::Score,
            ],
            Self::Feedback => &[F::User, F::Kind, F::Score, F::Comment],
            Self::Subscription => &[
                F::Subscription,
                F::Kind,
                F::Product,
                F::Plan,
                F::Seats,
                F::Mrr,
                F::Currency,
                F::RenewsAt,
                F::Reason,
            ],
            Self::Account => &[
                F::Name,
                F::Segment,
                F::Stage,
                F::Owner,
                F::Team,
                F::Parent,
                F::TimeZone,
                F::Attributes,
                F::State,
            ],
            Self::Milestone => &[F::Milestone, F::Kind, F::DueAt, F::Value, F::Evidence],
            Self::Command => &[F::Kind, F::Rule, F::Score, F::Band, F::Author, F::Reason, F::ExpiresAt],
        }
    }

    /// The words that `field` may hold, or `None` where any word may stand.
    #[must_use]
    pub const fn words(self, field: Field) -> Option<&'static [&'static str]> {
        match (self, field) {
            (Self::Login, Field::Kind) => Some(&["signed-in", "signed-out", "signed-up", "invited"]),
            (Self::Support, Field::Kind) => Some(&[
                "opened",
                "replied",
                "pending",
                "reopened",
                "solved",
                "closed",
                "priority-changed",
                "merged",
                "deleted",
                "rated",
            ]),
            (Self::Support, Field::By) => Some(&["customer", "agent"]),
            (Self::CsmActivity, Field::State) => Some(&["scheduled", "held", "cancelled"]),
            (Self::Feedback, Field::Kind) => Some(&["nps", "csat", "ces"]),
            (Self::Subscription, Field::Kind) => Some(&[
                "started",
                "renewed",
                "expanded",
                "contracted",
                "cancel-scheduled",
                "ended",
                "payment-failed",
                "payment-recovered",
            ]),
            (Self::Account, Field::State) => Some(&["active", "closed"]),
            (Self::Milestone, Field::Kind) => Some(&["planned", "reached", "verified", "dropped"]),
            (Self::Command, Field::Kind) => {
                Some(&["override", "clear-override", "snooze", "acknowledge", "feedback"])
            }
            _ => None,
        }
    }

    /// The word that stands for an absent `field`, where the contract names one.
    #[must_use]
    pub const fn default_word(self, field: Field) -> Option<&'static str> {
        match (self, field) {
            (Self::Login, Field::Kind) => Some("signed-in"),
            (Self::CsmActivity, Field::State) => Some("held"),
            (Self::Account, Field::State) => Some("active"),
            _ => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the value of a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A word or a short text that models may test and outputs may show.
    Word,
    /// An identity of which only sameness matters; the journal holds a 64-bit fingerprint.
    Key,
    /// A decimal number, kept in millionths.
    Number,
    /// An instant.
    Time,
    /// Accepted and not kept: no signal can use it.
    Ignored,
}

/// A field of an activity; one name means the same thing in every source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the contract's field of that name")]
pub enum Field {
    User = 1,
    Kind = 2,
    Feature = 3,
    Count = 4,
    Value = 5,
    Product = 6,
    Ticket = 7,
    By = 8,
    Priority = 9,
    Sentiment = 10,
    Score = 11,
    Csm = 12,
    State = 13,
    Direction = 14,
    Contact = 15,
    Role = 16,
    Minutes = 17,
    Comment = 18,
    Subscription = 19,
    Plan = 20,
    Seats = 21,
    Mrr = 22,
    Currency = 23,
    RenewsAt = 24,
    Reason = 25,
    Name = 26,
    Segment = 27,
    Stage = 28,
    Owner = 29,
    Team = 30,
    Parent = 31,
    TimeZone = 32,
    Attributes = 33,
    Milestone = 34,
    DueAt = 35,
    Evidence = 36,
    Rule = 37,
    Band = 38,
    Author = 39,
    ExpiresAt = 40,
}

/// Name, field and type of each field.
const FIELDS: [(&str, Field, FieldType); 40] = [
    ("user", Field::User, FieldType::Key),
    ("kind", Field::Kind, FieldType::Word),
    ("feature", Field::Feature, FieldType::Word),
    ("count", Field::Count, FieldType::Number),
    ("value", Field::Value, FieldType::Number),
    ("product", Field::Product, FieldType::Word),
    ("ticket", Field::Ticket, FieldType::Key),
    ("by", Field::By, FieldType::Word),
    ("priority", Field::Priority, FieldType::Word),
    ("sentiment", Field::Sentiment, FieldType::Number),
    ("score", Field::Score, FieldType::Number),
    ("csm", Field::Csm, FieldType::Key),
    ("state", Field::State, FieldType::Word),
    ("direction", Field::Direction, FieldType::Word),
    ("contact", Field::Contact, FieldType::Key),
    ("role", Field::Role, FieldType::Word),
    ("minutes", Field::Minutes, FieldType::Number),
    ("comment", Field::Comment, FieldType::Ignored),
    ("subscription", Field::Subscription, FieldType::Key),
    ("plan", Field::Plan, FieldType::Word),
    ("seats", Field::Seats, FieldType::Number),
    ("mrr", Field::Mrr, FieldType::Number),
    ("currency", Field::Currency, FieldType::Word),
    ("renews_at", Field::RenewsAt, FieldType::Time),
    ("reason", Field::Reason, FieldType::Word),
    ("name", Field::Name, FieldType::Word),
    ("segment", Field::Segment, FieldType::Word),
    ("stage", Field::Stage, FieldType::Word),
    ("owner", Field::Owner, FieldType::Word),
    ("team", Field::Team, FieldType::Word),
    ("parent", Field::Parent, FieldType::Word),
    ("time_zone", Field::TimeZone, FieldType::Word),
    ("attributes", Field::Attributes, FieldType::Ignored),
    ("milestone", Field::Milestone, FieldType::Key),
    ("due_at", Field::DueAt, FieldType::Time),
    ("evidence", Field::Evidence, FieldType::Ignored),
    ("rule", Field::Rule, FieldType::Word),
    ("band", Field::Band, FieldType::Word),
    ("author", Field::Author, FieldType::Word),
    ("expires_at", Field::ExpiresAt, FieldType::Time),
];

impl Field {
    /// The name in activities and models.
    #[must_use]
    pub fn name(self) -> &'static str {
        FIELDS[self.row()].0
    }

    /// The field of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        FIELDS.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// What its value is.
    #[must_use]
    pub fn kind(self) -> FieldType {
        FIELDS[self.row()].2
    }

    /// The stable number in frames, 1 to 40; a number is never given to another field.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The field of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        let row = usize::from(number).checked_sub(1)?;
        FIELDS.get(row).map(|row| row.1)
    }

    const fn row(self) -> usize {
        self as usize - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_fields_is_in_the_order_of_their_numbers() {
        for (row, (name, field, _)) in FIELDS.iter().enumerate() {
            assert_eq!(usize::from(field.number()), row + 1, "{name}");
            assert_eq!(Field::from_number(field.number()), Some(*field));
            assert_eq!(Field::parse(name), Some(*field));
        }
        assert_eq!((Field::from_number(0), Field::from_number(41)), (None, None));
    }

    #[test]
    fn a_source_is_found_by_its_name() {
        for source in Source::ALL {
            assert_eq!(Source::parse(source.name()), Some(source));
            assert_eq!(Source::at(source.index()), Some(source));
        }
    }
}
