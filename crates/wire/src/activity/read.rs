//! One member's value, read by what it must be.

use super::name;
use super::scan::Token;
use super::time::Dates;
use crate::reason::{Excerpt, Reason};
use engine::activity::Value;
use engine::fingerprint;
use model::number::Number;
use model::source::{Field, FieldType, Source};
use model::time::EventTime;

/// The greatest length of an id, an account and a word, in bytes.
pub(super) const MAX_TEXT: usize = 256;

/// The value of a field, or `None` if it is absent.
#[inline]
pub(super) fn field<'a>(
    source: Source,
    field: Field,
    token: Token<'a>,
    dates: &mut Dates,
) -> Result<Option<Value<'a>>, Reason> {
    Ok(match name::kind(field) {
        FieldType::Word => word(source, field, token)?.map(Value::Word),
        FieldType::Key => key(field, token)?.map(Value::Key),
        FieldType::Number => number(field, token)?.map(Value::Number),
        FieldType::Time => time(field.name(), token, dates)?.map(Value::Time),
        FieldType::Ignored => None,
    })
}

/// The id: a text or a number, 1 to 256 bytes.
#[inline]
pub(super) fn id(token: Token<'_>) -> Result<Option<&str>, Reason> {
    match token {
        Token::Text("") | Token::Null => Ok(None),
        Token::Text(text) | Token::Number(text) => bounded("id", text).map(Some),
        token @ (Token::Escaped(_) | Token::Bool(_) | Token::Object | Token::Array) => {
            Err(wrong("id", "a text", token))
        }
    }
}

/// The account: a text of 1 to 256 bytes without control characters.
#[inline]
pub(super) fn account(token: Token<'_>) -> Result<Option<&str>, Reason> {
    match token {
        Token::Text("") | Token::Null => Ok(None),
        Token::Text(text)
            if text.bytes().any(|b| b < 0x20 || b == 0x7f || b == 0xc2) && has_control(text) =>
        {
            Err(wrong("account", "a text without control characters", token))
        }
        Token::Text(text) => bounded("account", text).map(Some),
        token @ (Token::Escaped(_) | Token::Number(_) | Token::Bool(_) | Token::Object | Token::Array) => {
            Err(wrong("account", "a text", token))
        }
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// An instant.
#[inline]
pub(super) fn time(
    name: &'static str,
    token: Token<'_>,
    dates: &mut Dates,
) -> Result<Option<EventTime>, Reason> {
    let time = match token {
        Token::Null => return Ok(None),
        Token::Text(text) => dates.read(text),
        Token::Escaped(_) | Token::Number(_) | Token::Bool(_) | Token::Object | Token::Array => None,
    };
    time.map(Some).ok_or_else(|| wrong(name, "an RFC 3339 instant with a zone", token))
}

#[inline]
fn word<'a>(source: Source, field: Field, token: Token<'a>) -> Result<Option<&'a str>, Reason> {
    let word = match token {
        Token::Null | Token::Text("") => return Ok(None),
        Token::Text(text) => bounded(field.name(), text)?,
        token @ (Token::Escaped(_) | Token::Number(_) | Token::Bool(_) | Token::Object | Token::Array) => {
            return Err(wrong(field.name(), "a text", token));
        }
    };
    match source.words(field) {
        Some(words) if !words.contains(&word) => {
            Err(Reason::UnknownWord { field: field.name(), found: Excerpt::of(word), words })
        }
        _ => Ok(Some(word)),
    }
}

/// An identity: a text, or a number as it stands.
#[inline]
fn key(field: Field, token: Token<'_>) -> Result<Option<u64>, Reason> {
    match token {
        Token::Null | Token::Text("") => Ok(None),
        Token::Text(text) | Token::Number(text) => Ok(Some(fingerprint::of(text.as_bytes()))),
        token @ (Token::Escaped(_) | Token::Bool(_) | Token::Object | Token::Array) => {
            Err(wrong(field.name(), "a text", token))
        }
    }
}

/// A number; money is a decimal in a text, or a number.
#[inline]
fn number(field: Field, token: Token<'_>) -> Result<Option<Number>, Reason> {
    let (number, expected) = match (field, token) {
        (_, Token::Null) => return Ok(None),
        (_, Token::Number(text)) => {
            (short_number(text).or_else(|| Number::parse(text)), "a number within a thousand million")
        }
        (Field::Mrr, Token::Text(text)) => (Number::parse(text), "a decimal amount such as \"1200.50\""),
        (Field::Mrr, _) => (None, "a decimal amount such as \"1200.50\""),
        _ => (None, "a number"),
    };
    number.map(Some).ok_or_else(|| wrong(field.name(), expected, token))
}

/// What [`Number::parse`] says of a JSON number with at most nine digits before the point, six after it and no
/// exponent; `None` for any other.
#[inline]
fn short_number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut value, mut places) = (0_i64, None);
    if digits.len() > 16 {
        return None;
    }
    for byte in digits {
        match (byte, places) {
            (b'0'..=b'9', _) => {
                value = value * 10 + i64::from(byte - b'0');
                places = places.map(|places: usize| places + 1);
            }
            (b'.', None) => places = Some(0),
            _ => return None,
        }
    }
    let (places, wholes) = places.map_or((0, digits.len()), |places| (places, digits.len() - places - 1));
    // Nine digits before the point and six after it stay below 10^15 millionths.
    let scale = POWERS.get(places).filter(|_| wholes <= 9)?;
    let micros = value * scale;
    Some(Number(if negative { -micros } else { micros }))
}

const POWERS: [i64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

#[inline]
fn bounded<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Reason> {
    if text.len() > MAX_TEXT {
        return Err(Reason::TooLong { field, bytes: text.len(), limit: MAX_TEXT });
    }
    Ok(text)
}

#[cold]
fn wrong(field: &'static str, expected: &'static str, token: Token<'_>) -> Reason {
    let found = match token {
        Token::Text(text) | Token::Escaped(text) | Token::Number(text) => Excerpt::of(text),
        Token::Bool(true) => Excerpt::of("true"),
        Token::Bool(false) => Excerpt::of("false"),
        Token::Null => Excerpt::of("null"),
        Token::Object => Excerpt::of("{…}"),
        Token::Array => Excerpt::of("[…]"),
    };
    Reason::Wrong { field, expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_short_number_is_what_the_long_way_says(text in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?(e[0-9])?") {
            if let Some(number) = short_number(&text) {
                prop_assert_eq!(Some(number), Number::parse(&text));
            } else {
                prop_assert!(text.contains('e') || text.len() > 8);
            }
        }
    }
}
