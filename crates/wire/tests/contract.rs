//! `proto/README.md` keeps its word: its samples are read, its tables say what the decoder asks for, and its
//! lists are the code's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use model::source::Source;
use serde_json::Value;
use wire::activity::Decoder;
use wire::reason::Reason;

const README: &str = include_str!("../../../proto/README.md");

/// The sample of a source.
fn sample(source: Source) -> &'static str {
    let fence = format!("```json {source}\n");
    let (_, rest) = README.split_once(&fence).unwrap_or_else(|| panic!("no sample of {source}"));
    rest.split_once("```").unwrap().0
}

#[test]
fn every_source_has_a_sample_that_is_read() {
    for source in Source::ALL {
        let mut decoder = Decoder::default();
        let activity = decoder.decode(source, 0, 0, sample(source).as_bytes()).unwrap();
        assert_eq!(activity.account, "northwind", "{source}");
    }
}

#[test]
fn a_field_that_the_contract_requires_is_missed() {
    for (source, fields) in [
        (Source::FeatureUsage, vec!["feature"]),
        (Source::Support, vec!["ticket", "kind"]),
        (Source::CsmActivity, vec!["kind"]),
        (Source::Feedback, vec!["kind", "score"]),
        (Source::Subscription, vec!["kind"]),
        (Source::Milestone, vec!["milestone", "kind", "due_at"]),
        (Source::Command, vec!["kind", "rule", "expires_at"]),
    ] {
        for field in ["id", "time", "account"].into_iter().chain(fields) {
            let Value::Object(mut object) = serde_json::from_str(sample(source)).unwrap() else { panic!() };
            object.remove(field).unwrap();
            let text = serde_json::to_vec(&object).unwrap();
            let mut decoder = Decoder::default();
            let reason = decoder.decode(source, 0, 0, &text).unwrap_err();
            assert!(
                matches!(reason, Reason::Missing { field: name, .. } if name == field),
                "{source}: {reason}"
            );
        }
    }
}

#[test]
fn fields_words_and_codes_are_all_told() {
    for source in Source::ALL {
        let heading = format!("### {source}\n");
        let section = README.split_once(&heading).unwrap().1;
        let section = section.split_once("```json").unwrap().0;
        for field in source.fields() {
            assert!(section.contains(&format!("`{}`", field.name())), "{source}: {}", field.name());
            for word in source.words(*field).unwrap_or_default() {
                assert!(section.contains(&format!("`{word}`")), "{source}: {word}");
            }
            if let Some(word) = source.default_word(*field) {
                assert!(section.contains(&format!("default `{word}`")), "{source}: default {word}");
            }
        }
    }
    for code in Reason::CODES {
        assert!(README.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn output_samples_are_json() {
    let mut samples = 0;
    for rest in README.split("```json\n").skip(1) {
        let (text, _) = rest.split_once("```").unwrap();
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
        samples += 1;
    }
    assert_eq!(samples, 3);
}
