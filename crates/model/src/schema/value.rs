//! Schemas of single values, as YAML gives them: numbers as numbers, all else as texts.

use serde_json::{Value, json};

/// A number, a percentage or a span, as the key of a curve.
pub(super) const QUANTITY: &str = "^(-?[0-9]+(\\.[0-9]{1,6})?%?|[0-9]+[wdhms])$";
const NAME: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";
const SPAN: &str = "^[0-9]+[wdhms]$";
const POSITIVE_SPAN: &str = "^0*[1-9][0-9]*[wdhms]$";
const PERCENTAGE: &str = "^(100(\\.0{1,2})?|[0-9]{1,2}(\\.[0-9]{1,2})?)%$";
const DATE: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

pub(super) fn name() -> Value {
    json!({ "type": "string", "pattern": NAME })
}

pub(super) fn text(most: u32) -> Value {
    // A text may look like a number.
    json!({ "type": ["string", "number"], "minLength": 1, "maxLength": most })
}

pub(super) fn date() -> Value {
    json!({ "type": "string", "pattern": DATE })
}

/// Points of 0 to 100.
pub(super) fn points() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 100 })
}

pub(super) fn whole(least: u32, most: u32) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

fn bare() -> Value {
    json!({ "type": "number" })
}

pub(super) fn span() -> Value {
    json!({ "type": "string", "pattern": SPAN })
}

pub(super) fn positive_span() -> Value {
    json!({ "type": "string", "pattern": POSITIVE_SPAN })
}

/// A percentage of 0 to 100.
pub(super) fn percentage() -> Value {
    json!({ "type": "string", "pattern": PERCENTAGE })
}

/// A value in whatever unit.
pub(super) fn quantity() -> Value {
    any_of(&[bare(), json!({ "type": "string", "pattern": QUANTITY })])
}

fn any_of(schemas: &[Value]) -> Value {
    json!({ "anyOf": schemas })
}

/// Any word.
pub(super) fn words() -> Value {
    json!({ "type": ["string", "number", "boolean"], "minLength": 1, "maxLength": 128 })
}

/// One of these words.
pub(super) fn words_of<'a>(known: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "enum": known.into_iter().collect::<Vec<_>>() })
}

/// One value, or a list of them.
pub(super) fn list(each: &Value) -> Value {
    any_of(&[each.clone(), json!({ "type": "array", "items": each, "minItems": 1 })])
}
