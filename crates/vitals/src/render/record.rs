//! Records of the output topics, a line each.

use super::node::Node;
use super::{clean, points};
use crate::access::{Octets, Record};
use crate::command::Output;
use model::time::EventTime;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A record for programs: where it stands, key, headers, and the value as JSON where it is JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'r> {
    // In this order, which is that of the names: what is printed is to be compared.
    headers: BTreeMap<&'r str, &'r Octets>,
    key: Option<&'r Octets>,
    offset: i64,
    partition: u32,
    time: String,
    topic: &'r str,
    value: Option<Content<'r>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'r> {
    /// As it was written, in one line.
    AsWritten(&'r RawValue),
    Json(Node<'r>),
    Other(&'r Octets),
}

impl<'r> Content<'r> {
    /// The value of a record that vitals wrote. Whatever it is, it is printed in one line.
    fn of_ours(octets: &'r Octets) -> Self {
        let is_one_line = !octets.0.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        let as_written = if is_one_line { serde_json::from_slice(&octets.0).ok() } else { None };
        as_written.map_or_else(|| Self::of_anyone(octets), Self::AsWritten)
    }

    /// A value of which nothing is known: JSON that is nested too deep for most who read it is printed as text.
    fn of_anyone(octets: &'r Octets) -> Self {
        serde_json::from_slice(&octets.0).map_or(Self::Other(octets), Self::Json)
    }
}

/// For programs.
pub(crate) fn record_json<'r>(topic: &'r str, partition: u32, record: &'r Record) -> Shown<'r> {
    let value = if topic == pipeline::topic::DEAD_LETTER { Content::of_anyone } else { Content::of_ours };
    Shown {
        headers: record.headers.iter().map(|(name, value)| (&**name, value)).collect(),
        key: record.key.as_ref(),
        offset: record.offset,
        partition,
        time: EventTime(record.stamp).to_string(),
        topic,
        value: record.value.as_ref().map(value),
    }
}

/// For people.
pub(crate) fn record_line(topic: Output, record: &Record) -> String {
    let key = record.key.as_ref().map_or_else(|| "-".to_owned(), |key| clean(&key.text()));
    if topic == Output::DeadLetter {
        return dead_letter(&key, record);
    }
    let Some(octets) = &record.value else { return format!("{key}  closed") };
    let value: Value = serde_json::from_slice(&octets.0).unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or("-");
    let score = |name: &str| points(value.get(name).and_then(Value::as_f64));
    let (as_of, band) = (text("as_of"), text("band"));
    match topic {
        Output::Health => {
            let moved = format!("{} -> {}", score("previous_score"), score("score"));
            format!("{as_of}  {key}  {moved}  {band}  {}", clean(text("reason")))
        }
        Output::Alerts => {
            let state = value.get("resolution").and_then(Value::as_str).unwrap_or_else(|| text("state"));
            format!(
                "{as_of}  {key}  {}  {}  {state}  {}",
                text("rule"),
                text("severity"),
                clean(text("summary"))
            )
        }
        Output::AccountHealth | Output::DeadLetter => {
            let alerts = value.get("open_alerts").and_then(Value::as_array).map_or(0, Vec::len);
            format!("{as_of}  {key}  {}  {band}  {alerts} open alerts", score("score"))
        }
    }
}

fn dead_letter(key: &str, record: &Record) -> String {
    let headers = record.headers.iter().map(|(name, value)| (name.as_bytes(), value.0.as_slice()));
    let key_bytes = record.key.as_ref().map(|key| key.0.as_slice());
    let value = record.value.as_ref().map(|value| value.0.as_slice());
    match wire::dead_letter::decode(headers, key_bytes, value) {
        Ok(letter) => {
            let begin: String =
                String::from_utf8_lossy(letter.value.unwrap_or_default()).chars().take(120).collect();
            let (topic, partition, offset) = (clean(letter.topic), letter.partition, letter.offset);
            format!(
                "{topic}/{partition}@{offset}  {}  {}  key {key}: {}",
                letter.reason,
                clean(letter.message),
                clean(&begin)
            )
        }
        Err(error) => format!("offset {}: {error}", record.offset),
    }
}
