//! The fast decoder says what a slow one says that shares no code with it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use engine::activity::{Activity, Value as Kept};
use engine::fingerprint;
use model::number::Number;
use model::source::{Field, FieldType, Source};
use model::time::EventTime;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use wire::activity::Decoder;

/// What a record means: id, time, account, fields.
type Meaning = (u64, EventTime, String, Vec<(Field, String)>);

/// What a record means, or that it is rejected: through `serde_json`, member by member.
fn slowly(source: Source, text: &str) -> Option<Meaning> {
    let Value::Object(object) = serde_json::from_str(text).ok()? else { return None };
    // A number that names something is the text that was written: "-0" and "1.50" name other things than "0"
    // and "1.5", which a parsed number can't tell apart.
    let written: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let written = |name: &str| written.get(name).map_or("", |raw| raw.get()).to_owned();
    if duplicates(text, source) {
        return None;
    }
    let get = |name: &str| object.get(name).filter(|value| !value.is_null() && *value != "");
    let id = match get("id")? {
        Value::String(text) => text.clone(),
        Value::Number(_) => written("id"),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let account = get("account")?.as_str()?;
    if id.len() > 256 || account.len() > 256 || account.chars().any(char::is_control) {
        return None;
    }
    let time = EventTime::parse(get("time")?.as_str()?)?;
    let mut fields = Vec::new();
    for field in source.fields() {
        let raw = object.get(field.name()).filter(|value| !value.is_null());
        let text = match (field.kind(), raw) {
            (FieldType::Ignored, _) => None,
            (FieldType::Number, Some(Value::String(text))) if *field == Field::Mrr => Some(number(text)?),
            (FieldType::Number, Some(Value::Number(_))) => Some(number(&written(field.name()))?),
            (FieldType::Time, Some(Value::String(text))) => Some(EventTime::parse(text)?.to_string()),
            (FieldType::Key, Some(Value::Number(_))) => Some(key(&written(field.name()))),
            (FieldType::Word | FieldType::Key, Some(Value::String(text))) if text.is_empty() => None,
            (FieldType::Key, Some(Value::String(text))) => Some(key(text)),
            (FieldType::Word, Some(Value::String(text))) => {
                let known = source.words(*field).is_none_or(|words| words.contains(&text.as_str()));
                (known && text.len() <= 256).then(|| Some(text.clone()))?
            }
            (_, Some(_)) => return None,
            (_, None) => None,
        };
        let default = source.default_word(*field).map(str::to_owned);
        let default = if *field == Field::Count { Some("1".to_owned()) } else { default };
        fields.extend(text.or(default).map(|text| (*field, text)));
    }
    let has = |field: Field| fields.iter().any(|(name, _)| *name == field);
    let kind = fields.iter().find(|(field, _)| *field == Field::Kind).map(|(_, kind)| kind.as_str());
    let complete = match (source, kind) {
        (Source::Login | Source::Account, _) => true,
        (Source::FeatureUsage, _) => has(Field::Feature),
        (_, None) => false,
        (Source::Support, _) => has(Field::Ticket),
        (Source::Feedback, _) => has(Field::Score),
        (Source::Milestone, kind) => has(Field::Milestone) && (kind != Some("planned") || has(Field::DueAt)),
        (Source::Command, Some("snooze")) => has(Field::Rule) && has(Field::ExpiresAt),
        (Source::Command, Some("override")) => {
            let score = fields.iter().find(|(field, _)| *field == Field::Score);
            let score = score.map(|(_, score)| Number::parse(score).unwrap());
            (score.is_some() || has(Field::Band))
                && score.is_none_or(|score| score >= Number::whole(0) && score <= Number::whole(100))
                && [Field::Author, Field::Reason, Field::ExpiresAt].into_iter().all(has)
        }
        _ => true,
    };
    fields.sort();
    complete.then(|| (fingerprint::of_activity(source, &id), time, account.to_owned(), fields))
}

fn number(text: &str) -> Option<String> {
    Number::parse(text).map(|number| number.to_string())
}

fn key(text: &str) -> String {
    fingerprint::of(text.as_bytes()).to_string()
}

/// Whether a name that the source reads stands twice; the generator writes names without escapes.
fn duplicates(text: &str, source: Source) -> bool {
    let names =
        source.fields().iter().filter(|field| field.kind() != FieldType::Ignored).map(|field| field.name());
    names.chain(["id", "time", "account"]).any(|name| text.matches(&format!("\"{name}\":")).count() > 1)
}

fn quickly(activity: &Activity<'_>) -> Meaning {
    let text = |value| match value {
        Kept::Word(word) => word.to_owned(),
        Kept::Key(key) => key.to_string(),
        Kept::Number(number) => number.to_string(),
        Kept::Time(time) => time.to_string(),
    };
    let mut fields: Vec<(Field, String)> =
        activity.fields.iter().map(|(field, value)| (field, text(value))).collect();
    fields.sort();
    (activity.id, activity.time, activity.account.to_owned(), fields)
}

fn source() -> impl Strategy<Value = Source> {
    (0_usize..9).prop_map(|index| Source::at(index).unwrap())
}

/// JSON of a text, with or without escapes.
fn quoted(text: &str, escaped: bool) -> String {
    if !escaped {
        return serde_json::to_string(text).unwrap();
    }
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
    format!("\"{}\"", units.collect::<String>())
}

/// A JSON number, often one that could be written shorter.
fn numeral() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,3})?([eE][+-]?[0-9])?"
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("\"\"".to_owned()),
        numeral(),
        ("\\PC{0,12}", any::<bool>()).prop_map(|(text, escaped)| quoted(&text, escaped)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(" ,"))),
            proptest::collection::vec(("[a-z]{0,3}", inner), 0..4).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("\"{name}\" :{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// A value that is likely right for the field.
fn likely(source: Source, name: &'static str) -> BoxedStrategy<String> {
    let time = Just("\"2026-06-15T22:00:00.5+02:00\"".to_owned());
    let text = ("[a-z]{1,12}|\\PC{1,12}", any::<bool>()).prop_map(|(text, escaped)| quoted(&text, escaped));
    let Some(field) = Field::parse(name) else {
        return match name {
            "time" => time.boxed(),
            "id" => prop_oneof![4 => text, 1 => numeral()].boxed(),
            _ => text.boxed(),
        };
    };
    match (source.words(field), field.kind()) {
        (Some(words), _) => prop::sample::select(words).prop_map(|word| quoted(word, false)).boxed(),
        (None, FieldType::Word) => text.boxed(),
        (None, FieldType::Key) => prop_oneof![4 => text, 1 => numeral()].boxed(),
        (None, FieldType::Number) => prop_oneof![
            "-?[1-9][0-9]{0,8}(\\.[0-9]{1,6})?",
            Just("0".to_owned()),
            Just("\"12.50\"".to_owned())
        ]
        .boxed(),
        (None, FieldType::Time) => time.boxed(),
        (None, FieldType::Ignored) => any_json().boxed(),
    }
}

fn member(source: Source) -> impl Strategy<Value = String> {
    let known: Vec<&'static str> =
        source.fields().iter().map(|field| field.name()).chain(["other", "user", "kind", "score"]).collect();
    prop::sample::select(known).prop_flat_map(move |name| {
        let value = prop_oneof![6 => likely(source, name), 1 => any_json().boxed()];
        value.prop_map(move |value| format!("\"{name}\":{value}"))
    })
}

fn record() -> impl Strategy<Value = (Source, String)> {
    source().prop_flat_map(|source| {
        let required: Vec<&'static str> = match source {
            Source::Login | Source::Account => vec![],
            Source::FeatureUsage => vec!["feature"],
            Source::Support => vec!["ticket", "kind"],
            Source::CsmActivity | Source::Subscription => vec!["kind"],
            Source::Feedback => vec!["kind", "score"],
            Source::Milestone => vec!["milestone", "kind", "due_at"],
            Source::Command => vec!["kind", "rule", "score", "author", "reason", "expires_at"],
        };
        let fixed: Vec<_> = ["id", "time", "account"]
            .into_iter()
            .chain(required)
            .map(|name| likely(source, name).prop_map(move |value| format!("\"{name}\":{value}")))
            .collect();
        let members = (fixed, proptest::collection::vec(member(source), 0..5))
            .prop_flat_map(|(fixed, more)| Just([fixed, more].concat()).prop_shuffle());
        (Just(source), members, "[ \n\t]{0,2}", 0_usize..12).prop_map(|(source, mut members, space, drop)| {
            if drop < members.len() && drop > 8 {
                members.remove(drop);
            }
            (source, format!("{space}{{{}{space}}}{space}", members.join(&format!("{space},{space}"))))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_record_means_what_a_slow_decoder_says((source, text) in record()) {
        let mut decoder = Decoder::default();
        let fast = decoder.decode(source, 1, 2, text.as_bytes());
        prop_assert_eq!(fast.as_ref().ok().map(quickly), slowly(source, &text), "{}: {:?}", text, fast);
    }

    #[test]
    fn any_bytes_are_an_activity_or_a_reason(source in source(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut decoder = Decoder::default();
        if let Err(reason) = decoder.decode(source, 1, 2, &bytes) {
            prop_assert!(reason.to_string().len() < 2_000);
        }
    }

    #[test]
    fn a_mutated_record_is_an_activity_or_a_reason(
        (source, text) in record(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = text.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut decoder = Decoder::default();
        let whole = decoder.decode(source, 1, 2, &bytes).is_ok();
        let valid = serde_json::from_slice::<Value>(&bytes).is_ok();
        prop_assert!(valid || !whole);
        let cut = cut.index(bytes.len());
        let cut = &bytes[..cut];
        let valid = serde_json::from_slice::<Value>(cut).is_ok();
        prop_assert!(valid || decoder.decode(source, 1, 2, cut).is_err());
    }
}

#[test]
fn the_records_compared_are_mostly_good_ones() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let good = (0..500).filter(|_| {
        let (source, text) = record().new_tree(&mut runner).unwrap().current();
        Decoder::default().decode(source, 1, 2, text.as_bytes()).is_ok()
    });
    let good = good.count();
    assert!((150..450).contains(&good), "{good} of 500");
}
