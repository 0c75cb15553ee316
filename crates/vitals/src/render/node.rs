//! A JSON value that is read to be printed at once: what [`serde_json::Value`] would print, without owning it.

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// A JSON value within the bytes that it was read from.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Positive(u64),
    Negative(i64),
    Decimal(f64),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    /// Ascending by key, each once.
    Object(Vec<(Key<'a>, Self)>),
}

/// The key of a member.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub(super) struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Nodes)
    }
}

struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = Node<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node::Positive(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node::Negative(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Node::Decimal(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Node::Text(value.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = all.next_element()? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Key<'de>, Node<'de>)> = Vec::new();
        while let Some(member) = all.next_entry()? {
            members.push(member);
        }
        // Of those of one key the last counts.
        members.reverse();
        members.sort_by(|one, other| one.0.cmp(&other.0));
        members.dedup_by(|later, kept| later.0 == kept.0);
        Ok(Node::Object(members))
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Positive(value) => serializer.serialize_u64(*value),
            Self::Negative(value) => serializer.serialize_i64(*value),
            Self::Decimal(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(key, node)| (&key.0, node))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn it_prints_what_a_value_prints() {
        for text in [
            "null",
            " [true, false , -1, 18446744073709551615, -9223372036854775808, 18446744073709551616]",
            "[1.50, 4.0, 1e5, 1E-7, -0, -0.0, 0.1, 123456789012345678901234567890]",
            r#"{"b": 1, "a": {"d": [], "c": {}}, "b": "last", "é": "\u00e9\n\u0041\"", "A": "/"}"#,
            r#"{"\u0061": 1, "a": 2}"#,
            r#""text""#,
            "\"\u{1f600}\"",
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let node: Node<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&node).unwrap(), value.to_string(), "{text}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        for broken in ["", "{", "[1,]", "nul", "1 2", "\"\n\"", "{1: 2}", "{\"a\" 1}", &deep] {
            assert!(serde_json::from_str::<Value>(broken).is_err(), "{broken}");
            assert!(serde_json::from_str::<Node<'_>>(broken).is_err(), "{broken}");
        }
    }
}
