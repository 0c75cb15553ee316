//! The names of members, told apart quickly.

use model::source::{Field, FieldType, SOURCES, Source};

/// What a member of an activity's object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `id`.
    Id,
    /// `time`.
    Time,
    /// `account`.
    Account,
    /// A field of some source.
    Field(Field),
    /// None that any source has.
    Unknown,
}

/// What a name means; the same as [`Field::parse`], as a decision tree over the bytes.
pub(super) const fn name_of(name: &[u8]) -> Name {
    Name::Field(match name {
        b"id" => return Name::Id,
        b"time" => return Name::Time,
        b"account" => return Name::Account,
        b"user" => Field::User,
        b"kind" => Field::Kind,
        b"feature" => Field::Feature,
        b"count" => Field::Count,
        b"value" => Field::Value,
        b"product" => Field::Product,
        b"ticket" => Field::Ticket,
        b"by" => Field::By,
        b"priority" => Field::Priority,
        b"sentiment" => Field::Sentiment,
        b"score" => Field::Score,
        b"csm" => Field::Csm,
        b"state" => Field::State,
        b"direction" => Field::Direction,
        b"contact" => Field::Contact,
        b"role" => Field::Role,
        b"minutes" => Field::Minutes,
        b"comment" => Field::Comment,
        b"subscription" => Field::Subscription,
        b"plan" => Field::Plan,
        b"seats" => Field::Seats,
        b"mrr" => Field::Mrr,
        b"currency" => Field::Currency,
        b"renews_at" => Field::RenewsAt,
        b"reason" => Field::Reason,
        b"name" => Field::Name,
        b"segment" => Field::Segment,
        b"stage" => Field::Stage,
        b"owner" => Field::Owner,
        b"team" => Field::Team,
        b"parent" => Field::Parent,
        b"time_zone" => Field::TimeZone,
        b"attributes" => Field::Attributes,
        b"milestone" => Field::Milestone,
        b"due_at" => Field::DueAt,
        b"evidence" => Field::Evidence,
        b"rule" => Field::Rule,
        b"band" => Field::Band,
        b"author" => Field::Author,
        b"expires_at" => Field::ExpiresAt,
        _ => return Name::Unknown,
    })
}

/// The fields of each source, a bit per field number.
const FIELDS: [u64; SOURCES] = {
    let mut masks = [0; SOURCES];
    let mut source = 0;
    while source < SOURCES {
        let fields = Source::ALL[source].fields();
        let mut field = 0;
        while field < fields.len() {
            masks[source] |= bit(fields[field]);
            field += 1;
        }
        source += 1;
    }
    masks
};

/// The bit of a field in a set of them.
pub(super) const fn bit(field: Field) -> u64 {
    1 << field.number()
}

/// Whether `source` has `field`.
pub(super) const fn has(source: Source, field: Field) -> bool {
    FIELDS[source.index()] & bit(field) != 0
}

/// The bits of `id`, `time` and `account`, which are no field's.
pub(super) const ID: u64 = 1;
pub(super) const TIME: u64 = 1 << 62;
pub(super) const ACCOUNT: u64 = 1 << 63;

/// What the value of a field is; the same as [`Field::kind`].
pub(super) const fn kind(field: Field) -> FieldType {
    match field {
        Field::User
        | Field::Ticket
        | Field::Csm
        | Field::Contact
        | Field::Subscription
        | Field::Milestone => FieldType::Key,
        Field::Count
        | Field::Value
        | Field::Sentiment
        | Field::Score
        | Field::Minutes
        | Field::Seats
        | Field::Mrr => FieldType::Number,
        Field::RenewsAt | Field::DueAt | Field::ExpiresAt => FieldType::Time,
        Field::Comment | Field::Attributes | Field::Evidence => FieldType::Ignored,
        Field::Kind
        | Field::Feature
        | Field::Product
        | Field::By
        | Field::Priority
        | Field::State
        | Field::Direction
        | Field::Role
        | Field::Plan
        | Field::Currency
        | Field::Reason
        | Field::Name
        | Field::Segment
        | Field::Stage
        | Field::Owner
        | Field::Team
        | Field::Parent
        | Field::TimeZone
        | Field::Rule
        | Field::Band
        | Field::Author => FieldType::Word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_model() {
        for number in 1..=40 {
            let field = Field::from_number(number).unwrap();
            assert_eq!(name_of(field.name().as_bytes()), Name::Field(field));
            assert_eq!(kind(field), field.kind());
            for source in Source::ALL {
                assert_eq!(has(source, field), source.fields().contains(&field));
            }
        }
        for name in ["", "i", "Id", "user ", "users", "time_zone2", "mr"] {
            assert_eq!(name_of(name.as_bytes()), Name::Unknown);
        }
    }
}
