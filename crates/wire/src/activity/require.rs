//! Defaults of the contract, and what each source and kind requires.

use super::name;
use crate::reason::{Excerpt, Reason};
use engine::activity::{Fields, Value};
use model::number::Number;
use model::source::{Field, Source};

/// The fields that every activity of a source must have.
const fn required(source: Source) -> &'static [Field] {
    match source {
        Source::Login | Source::Account => &[],
        Source::FeatureUsage => &[Field::Feature],
        Source::Support => &[Field::Ticket, Field::Kind],
        Source::CsmActivity | Source::Subscription | Source::Command => &[Field::Kind],
        Source::Feedback => &[Field::Kind, Field::Score],
        Source::Milestone => &[Field::Milestone, Field::Kind],
    }
}

/// Fills in defaults and asks for what is required; `present` is the set of fields that have a value.
#[inline]
pub(super) fn complete(source: Source, fields: &mut Fields<'_>, present: u64) -> Result<(), Reason> {
    for field in required(source) {
        need(present, *field, None)?;
    }
    let has = |field| present & name::bit(field) != 0;
    match source {
        Source::Login if !has(Field::Kind) => default_word(source, Field::Kind, fields),
        Source::CsmActivity | Source::Account if !has(Field::State) => {
            default_word(source, Field::State, fields)
        }
        Source::FeatureUsage if !has(Field::Count) => {
            fields.set(Field::Count, Value::Number(Number::whole(1)));
        }
        Source::Milestone if fields.word(Field::Kind) == Some("planned") => {
            need(present, Field::DueAt, Some("kind planned"))?;
        }
        Source::Command => command(fields, present)?,
        Source::Login
        | Source::FeatureUsage
        | Source::Support
        | Source::CsmActivity
        | Source::Feedback
        | Source::Subscription
        | Source::Account
        | Source::Milestone => {}
    }
    Ok(())
}

fn command(fields: &Fields<'_>, present: u64) -> Result<(), Reason> {
    match fields.word(Field::Kind) {
        Some("override") => {
            if present & (name::bit(Field::Score) | name::bit(Field::Band)) == 0 {
                return Err(Reason::Missing { field: "score or band", because: Some("kind override") });
            }
            for field in [Field::Author, Field::Reason, Field::ExpiresAt] {
                need(present, field, Some("kind override"))?;
            }
            match fields.get(Field::Score) {
                Some(Value::Number(score)) if !(Number::whole(0)..=Number::whole(100)).contains(&score) => {
                    let found = Excerpt::of(&score.to_string());
                    Err(Reason::Wrong { field: "score", expected: "0 to 100", found })
                }
                _ => Ok(()),
            }
        }
        Some("snooze") => {
            need(present, Field::Rule, Some("kind snooze"))?;
            need(present, Field::ExpiresAt, Some("kind snooze"))
        }
        _ => Ok(()),
    }
}

fn default_word(source: Source, field: Field, fields: &mut Fields<'_>) {
    if let Some(word) = source.default_word(field) {
        fields.set(field, Value::Word(word));
    }
}

#[inline]
fn need(present: u64, field: Field, because: Option<&'static str>) -> Result<(), Reason> {
    if present & name::bit(field) != 0 {
        return Ok(());
    }
    Err(Reason::Missing { field: field.name(), because })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_word_of_the_contract_is_filled_in() {
        for source in Source::ALL {
            let words = source.fields().iter().filter(|field| source.default_word(**field).is_some());
            let mut fields = Fields::default();
            let present = required(source).iter().fold(0, |set, field| set | name::bit(*field));
            complete(source, &mut fields, present).unwrap();
            let words: Vec<Field> =
                words.copied().filter(|field| !required(source).contains(field)).collect();
            let filled = fields.iter().map(|(field, _)| field).filter(|field| *field != Field::Count);
            assert_eq!(words, filled.collect::<Vec<_>>(), "{source}");
        }
    }
}
