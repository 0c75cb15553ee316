//! Defaults of the contract, and what each source and kind requires.

use crate::reason::Reason;
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

/// Fills in defaults and asks for what is required.
pub(super) fn complete(source: Source, fields: &mut Fields<'_>) -> Result<(), Reason> {
    for field in required(source) {
        need(fields, *field, None)?;
    }
    match source {
        Source::Login => default_word(source, Field::Kind, fields),
        Source::CsmActivity | Source::Account => default_word(source, Field::State, fields),
        Source::FeatureUsage => {
            if fields.get(Field::Count).is_none() {
                fields.set(Field::Count, Value::Number(Number::whole(1)));
            }
        }
        Source::Milestone if fields.word(Field::Kind) == Some("planned") => {
            need(fields, Field::DueAt, Some("kind planned"))?;
        }
        Source::Command => command(fields)?,
        Source::Support | Source::Feedback | Source::Subscription | Source::Milestone => {}
    }
    Ok(())
}

fn command(fields: &Fields<'_>) -> Result<(), Reason> {
    match fields.word(Field::Kind) {
        Some("override") => {
            if fields.get(Field::Score).is_none() && fields.get(Field::Band).is_none() {
                return Err(Reason::Missing { field: "score or band", because: Some("kind override") });
            }
            for field in [Field::Author, Field::Reason, Field::ExpiresAt] {
                need(fields, field, Some("kind override"))?;
            }
            Ok(())
        }
        Some("snooze") => {
            need(fields, Field::Rule, Some("kind snooze"))?;
            need(fields, Field::ExpiresAt, Some("kind snooze"))
        }
        _ => Ok(()),
    }
}

fn default_word(source: Source, field: Field, fields: &mut Fields<'_>) {
    if let (None, Some(word)) = (fields.get(field), source.default_word(field)) {
        fields.set(field, Value::Word(word));
    }
}

#[inline]
fn need(fields: &Fields<'_>, field: Field, because: Option<&'static str>) -> Result<(), Reason> {
    match fields.get(field) {
        Some(_) => Ok(()),
        None => Err(Reason::Missing { field: field.name(), because }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_word_of_the_contract_is_filled_in() {
        for source in Source::ALL {
            let words = source.fields().iter().filter(|field| source.default_word(**field).is_some());
            let filled = match source {
                Source::Login => vec![Field::Kind],
                Source::CsmActivity | Source::Account => vec![Field::State],
                _ => vec![],
            };
            assert_eq!(words.copied().collect::<Vec<_>>(), filled, "{source}");
        }
    }
}
