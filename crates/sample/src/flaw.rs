//! What is wrong with the record: an outage of one source, and records that nobody can use.

use crate::date::{self, DAY_MS, HOUR_MS, MINUTE_MS};
use crate::json::Object;
use crate::random::Random;
use crate::topic::Topic;
use crate::{Record, Settings};

/// The length of the outage.
const OUTAGE_MS: i64 = 2 * DAY_MS;
/// One day in so many sees a bad record: some forty a year.
const BAD_EVERY_DAYS: i64 = 9;

/// A time in which a source was dead: its topic has no record of it, and what happened was never recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The topic of the dead source.
    pub topic: &'static str,
    /// Its first instant, in Unix milliseconds.
    pub from_ms: i64,
    /// The first instant after it, in Unix milliseconds.
    pub until_ms: i64,
}

impl Outage {
    /// Whether the outage swallows a record that was to be appended to this topic at this time.
    pub(crate) fn swallows(&self, topic: &str, appended_ms: i64) -> bool {
        topic == self.topic && (self.from_ms..self.until_ms).contains(&appended_ms)
    }
}

/// The outage of a record with these settings: from a Tuesday morning in its second half to the Thursday.
#[must_use]
pub fn outage(settings: &Settings) -> Outage {
    let near = i64::from(settings.days) * 55 / 100;
    let is_tuesday = |day: &i64| date::weekday(settings.start_ms + day * DAY_MS) == 1;
    let day = (near..near + 7).find(is_tuesday).unwrap_or(near);
    let from_ms = settings.start_ms + day * DAY_MS + 9 * HOUR_MS + 17 * MINUTE_MS;
    Outage { topic: Topic::FeatureUsage.name(), from_ms, until_ms: from_ms + OUTAGE_MS }
}

/// The bad record of the day, if it has one.
pub(crate) fn bad_record(settings: &Settings, day: i64) -> Option<Record> {
    let mut random = Random::of(&[settings.seed, 0xbad, (day / BAD_EVERY_DAYS).unsigned_abs()]);
    if random.below(BAD_EVERY_DAYS) != day % BAD_EVERY_DAYS {
        return None;
    }
    let time_ms = settings.start_ms + day * DAY_MS + random.below(DAY_MS);
    let id = format!("bad-{day}");
    let mut object = Object::new();
    object.text("id", &id);
    let (topic, value) = match random.below(7) {
        0 => (Topic::Login, cut_short(object.time("time", time_ms).text("account", "cut-short"))),
        1 => (Topic::Login, object.time("time", time_ms).text("user", "ada@nowhere.example").bytes()),
        2 => (Topic::FeatureUsage, (0..48).map(|_| random.below(256).to_le_bytes()[0] | 0x80).collect()),
        3 => (Topic::Support, b"<html><body>502 Bad Gateway</body></html>".to_vec()),
        4 => {
            let future_ms = time_ms + random.between(2 * HOUR_MS, 400 * DAY_MS);
            object.time("time", future_ms).text("account", "clock-ahead").text("feature", "report");
            (Topic::FeatureUsage, object.bytes())
        }
        5 => (Topic::Feedback, object.time("time", time_ms).number("account", 42).number("score", 9).bytes()),
        _ => (Topic::Login, object.text("time", "yesterday").text("account", "no-time").bytes()),
    };
    Some(Record { topic: topic.name(), key: id, value, time_ms })
}

/// The first half of an object.
fn cut_short(object: &Object) -> Vec<u8> {
    let mut bytes = object.bytes();
    bytes.truncate(bytes.len() / 2);
    bytes
}
