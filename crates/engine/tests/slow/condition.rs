//! Conditions on one account at one moment.

use model::plan::{Attribute, Condition};

use super::signal::Reading;

/// All that a condition may ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facing<'a> {
    pub(crate) readings: &'a [Reading],
    /// `None` while it is unknown, which it is while the band is.
    pub(crate) score: Option<u32>,
    pub(crate) segment: Option<&'a str>,
    pub(crate) stage: Option<&'a str>,
}

impl Facing<'_> {
    pub(crate) fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Condition::Signal { signal, tests } => {
                let value = self.readings[*signal].value;
                value.is_some_and(|value| tests.iter().all(|test| test.passes(value)))
            }
            Condition::Score { tests } => {
                self.score.is_some_and(|score| tests.iter().all(|test| test.passes(i64::from(score))))
            }
            Condition::Attribute { attribute, any_of } => {
                let text = match attribute {
                    Attribute::Segment => self.segment,
                    Attribute::Stage => self.stage,
                };
                text.is_some_and(|text| any_of.iter().any(|one| one == text))
            }
        }
    }
}
