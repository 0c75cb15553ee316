//! `proto/` compiles, and its messages have the fields that stand in the JSON: in the samples of `proto/README.md`, in
//! the records that are written, and in the list of what is read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test"
)]

use model::source::Source;
use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const README: &str = include_str!("../../../proto/README.md");

/// All of `proto/`, compiled.
fn pool() -> DescriptorPool {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "proto"].iter().collect();
    let mut files = Vec::new();
    find(&root, &mut files);
    assert!(files.len() > 1, "{files:?}");
    let mut compiler = protox::Compiler::new([&root]).unwrap();
    compiler.open_files(&files).unwrap_or_else(|error| panic!("{error:?}"));
    compiler.descriptor_pool()
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
}

fn message(pool: &DescriptorPool, name: &str) -> MessageDescriptor {
    pool.get_message_by_name(&format!("vitals.v1.{name}")).unwrap_or_else(|| panic!("no message {name}"))
}

/// The message of a source: `csm-activity` is `CsmActivity`.
fn message_of(pool: &DescriptorPool, source: Source) -> MessageDescriptor {
    let name = format!("vitals.v1.{}", source.name().replace('-', ""));
    let mut all = pool.all_messages();
    all.find(|message| message.full_name().eq_ignore_ascii_case(&name)).unwrap_or_else(|| panic!("no {name}"))
}

/// Fails unless every field of an object has a field of its name and kind in the message.
fn check(message: &MessageDescriptor, object: &Value) {
    for (name, value) in object.as_object().unwrap_or_else(|| panic!("{}: {object}", message.name())) {
        let place = format!("{}.{name}", message.name());
        let field = message.get_field_by_name(name).unwrap_or_else(|| panic!("{place} is in no .proto"));
        check_field(&place, &field, value);
    }
}

fn check_field(place: &str, field: &FieldDescriptor, value: &Value) {
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { panic!("{place}") };
        let of = entry.map_entry_value_field();
        value.as_object().expect(place).values().for_each(|value| check_one(place, &of, value));
    } else if field.is_list() {
        value.as_array().expect(place).iter().for_each(|value| check_one(place, field, value));
    } else {
        check_one(place, field, value);
    }
}

fn check_one(place: &str, field: &FieldDescriptor, value: &Value) {
    if value.is_null() {
        assert!(field.supports_presence(), "{place} may be absent, and is not optional");
        return;
    }
    let fits = match field.kind() {
        // An identity may be a number, taken as its text.
        Kind::String => value.is_string() || value.is_u64(),
        Kind::Double => value.is_number(),
        Kind::Uint32 | Kind::Uint64 => value.is_u64(),
        Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => value.is_string(),
        Kind::Message(of) if of.full_name() == "google.protobuf.Struct" => value.is_object(),
        Kind::Message(of) => {
            check(&of, value);
            true
        }
        kind => panic!("{place}: a field of kind {kind:?} has no JSON form yet"),
    };
    assert!(fits, "{place} is {:?}, and {value} in JSON", field.kind());
}

#[test]
fn every_field_of_a_source_is_in_its_message_and_no_other() {
    let pool = pool();
    for source in Source::ALL {
        let message = message_of(&pool, source);
        let told: BTreeSet<String> = message.fields().map(|field| field.name().to_owned()).collect();
        let read = ["id", "time", "account"].into_iter();
        let read = read.chain(source.fields().iter().map(|field| field.name()));
        assert_eq!(told, read.map(str::to_owned).collect(), "{source}");
    }
}

#[test]
fn every_sample_of_an_activity_has_the_form_of_its_message() {
    let pool = pool();
    for source in Source::ALL {
        let (_, rest) = README.split_once(&format!("```json {source}\n")).unwrap();
        let sample = serde_json::from_str(rest.split_once("```").unwrap().0).unwrap();
        check(&message_of(&pool, source), &sample);
    }
}

#[test]
fn every_sample_of_an_output_has_the_form_of_its_message() {
    let pool = pool();
    let mut samples = README.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    for name in ["Health", "Alert", "AccountHealth"] {
        check(&message(&pool, name), &serde_json::from_str(samples.next().unwrap()).unwrap());
    }
    assert!(samples.next().is_none());
}

#[test]
fn every_record_that_is_written_has_the_form_of_its_message() {
    let pool = pool();
    for (name, file) in [
        ("Health", "health-v1.txt"),
        ("Health", "health-v1-first.txt"),
        ("Alert", "alert-v1-firing.txt"),
        ("Alert", "alert-v1-resolved.txt"),
        ("AccountHealth", "account-health-v1.txt"),
    ] {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", file].iter().collect();
        let text = std::fs::read_to_string(path).unwrap();
        let (_, value) = text.split_once("\n\n").unwrap();
        check(&message(&pool, name), &serde_json::from_str(value).unwrap());
    }
}
