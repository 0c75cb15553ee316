//! What `produce` reads: a line of JSON is a record.
//!
//! `{"topic": "vitals.login", "key": "ada", "time": "2026-01-01T00:00:00Z", "value": {…}}`: `key` and `time` (the
//! record's timestamp) may be left out; `value` is an activity, or a string that is the record's bytes as they
//! are, or null for a record without value; `value_hex` gives bytes that are not text. With a source named for
//! all lines, each line is an activity itself. Only source topics can be written.

use crate::access::Octets;
use anyhow::{Context, Result, anyhow, bail, ensure};
use model::source::Source;
use model::time::EventTime;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The longest line, in bytes: twice the greatest record, for its bytes in hexadecimal, and some.
pub(crate) const MAX_LINE_BYTES: usize = 2 * pipeline::topic::MAX_RECORD_BYTES + (64 << 10);

/// A record to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its source: which topic.
    pub(crate) source: Source,
    /// Its key.
    pub(crate) key: Option<String>,
    /// Its timestamp; the time of the append if `None`.
    pub(crate) stamp: Option<i64>,
    /// Its value.
    pub(crate) value: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(default, borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(default, borrow, deserialize_with = "given")]
    value: Option<&'a RawValue>,
    #[serde(default, borrow)]
    value_hex: Option<Cow<'a, str>>,
}

/// Tells a value that is null from one that is absent.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Entry {
    /// Reads a line that names its topic.
    pub(crate) fn parse(line: &str) -> Result<Self> {
        let line: Line<'_> = serde_json::from_str(line).map_err(|error| {
            anyhow!("{error}; a line is {{\"topic\": …, \"key\": …, \"value\": …}}, for bare activities name their `--source`")
        })?;
        let source = pipeline::topic::source_of(&line.topic).ok_or_else(|| {
            let topics: Vec<_> = Source::ALL.iter().map(|source| source.name()).collect();
            anyhow!(
                "topic {:?} is not a source topic; write `vitals.` and one of {}",
                line.topic,
                topics.join(", ")
            )
        })?;
        let stamp = line.time.as_deref().map(instant).transpose()?;
        let value = match (line.value, line.value_hex) {
            (Some(value), None) => bytes(value)?,
            (None, Some(hex)) => Some(
                crate::access::from_hex(&hex).context("`value_hex` must be pairs of hexadecimal digits")?,
            ),
            (None, None) => bail!("`value` is missing; null makes a record without value"),
            (Some(_), Some(_)) => bail!("`value` and `value_hex` exclude each other; leave one out"),
        };
        Ok(Self { source, key: line.key.map(Cow::into_owned), stamp, value })
    }

    /// Takes a line as an activity of `source`. Its key is the account, its timestamp the time of the append.
    pub(crate) fn of(source: Source, line: &str) -> Self {
        #[derive(Deserialize)]
        struct Native<'a> {
            #[serde(default, borrow)]
            account: Option<Cow<'a, str>>,
        }
        // What is no activity is for ingest to reject, with its reason and its bytes.
        let native: Option<Native<'_>> = serde_json::from_str(line).ok();
        let key = native.and_then(|native| native.account).map(Cow::into_owned);
        Self { source, key, stamp: None, value: Some(line.as_bytes().to_vec()) }
    }

    /// As a line that [`Entry::parse`] reads.
    pub(crate) fn line(&self) -> Result<String> {
        #[derive(Serialize)]
        struct Written<'a> {
            topic: &'a str,
            key: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            time: Option<String>,
            #[serde(flatten)]
            value: Value<'a>,
        }
        #[derive(Serialize)]
        enum Value<'a> {
            #[serde(rename = "value")]
            Text(Option<&'a str>),
            #[serde(rename = "value_hex")]
            Hex(String),
        }
        let value = match self.value.as_deref().map(|value| (value, std::str::from_utf8(value))) {
            None => Value::Text(None),
            Some((_, Ok(text))) => Value::Text(Some(text)),
            Some((bytes, Err(_))) => Value::Hex(crate::access::to_hex(bytes)),
        };
        let topic = pipeline::topic::of_source(self.source);
        let time = self.stamp.map(|stamp| EventTime(stamp).to_string());
        Ok(serde_json::to_string(&Written { topic: &topic, key: self.key.as_deref(), time, value })?)
    }

    /// Bytes of key and value.
    pub(crate) fn size(&self) -> usize {
        self.key.as_ref().map_or(0, String::len) + self.value.as_ref().map_or(0, Vec::len)
    }

    /// Refuses what its topic does not take.
    pub(crate) fn check(&self) -> Result<()> {
        let limit = pipeline::topic::MAX_RECORD_BYTES;
        ensure!(self.size() <= limit, "the record has {} bytes, its topic takes {limit}", self.size());
        Ok(())
    }
}

fn instant(text: &str) -> Result<i64> {
    let time = EventTime::parse(text);
    Ok(time
        .with_context(|| {
            format!("`time` must be an RFC 3339 instant such as 2026-01-01T00:00:00Z, found {text:?}")
        })?
        .0)
}

/// The record's bytes: what a string says, nothing for null, and what stands there for all else.
fn bytes(value: &RawValue) -> Result<Option<Vec<u8>>> {
    match value.get() {
        "null" => Ok(None),
        text if text.starts_with('"') => Ok(Some(serde_json::from_str::<Octets>(text)?.0)),
        json => Ok(Some(json.as_bytes().to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: Option<&[u8]>) -> Entry {
        let value = value.map(<[u8]>::to_vec);
        Entry { source: Source::Login, key: Some("ada".to_owned()), stamp: Some(1_500), value }
    }

    #[test]
    fn a_line_is_a_record() {
        for (line, value) in [
            (r#""value":{"id": 1,  "x":[]}"#, Some(br#"{"id": 1,  "x":[]}"#.as_slice())),
            (r#""value":"not \"json\"""#, Some(b"not \"json\"")),
            (r#""value":null"#, None),
            (r#""value_hex":"ff00""#, Some(b"\xff\x00")),
            (r#""value":5"#, Some(b"5")),
        ] {
            let line =
                format!(r#"{{"topic":"vitals.login","key":"ada","time":"1970-01-01T00:00:01.5Z",{line}}}"#);
            assert_eq!(Entry::parse(&line).unwrap(), entry(value), "{line}");
        }
        let least = Entry::parse(r#"{"topic":"vitals.support","value":{}}"#).unwrap();
        assert_eq!((least.source, least.key, least.stamp), (Source::Support, None, None));
    }

    #[test]
    fn what_is_written_as_a_line_is_read_back() {
        for value in
            [None, Some(b"".as_slice()), Some(b"{\"a\":1}"), Some(b"\x00\xff"), Some("\u{e9}\n".as_bytes())]
        {
            let entry = entry(value);
            assert_eq!(Entry::parse(&entry.line().unwrap()).unwrap(), entry);
        }
    }

    #[test]
    fn a_wrong_line_is_refused_with_the_way_out() {
        for (line, hint) in [
            ("{", "for bare activities name their `--source`"),
            (r#"{"id":"1","account":"a"}"#, "--source"),
            (r#"{"topic":"vitals.journal","value":{}}"#, "not a source topic"),
            (r#"{"topic":"vitals.login"}"#, "`value` is missing"),
            (r#"{"topic":"vitals.login","value":{},"value_hex":""}"#, "exclude each other"),
            (r#"{"topic":"vitals.login","value":{},"time":"yesterday"}"#, "RFC 3339"),
            (r#"{"topic":"vitals.login","value_hex":"f"}"#, "hexadecimal"),
        ] {
            let error = format!("{:#}", Entry::parse(line).unwrap_err());
            assert!(error.contains(hint), "{line}: {error}");
        }
    }

    #[test]
    fn a_bare_activity_is_keyed_by_its_account() {
        let entry = Entry::of(Source::Login, r#"{"id":"1","account":"acme"}"#);
        assert_eq!((entry.key.as_deref(), entry.source), (Some("acme"), Source::Login));
        assert_eq!(Entry::of(Source::Login, "no json").key, None);
    }
}
