//! Recorded runs and what they gave: to be compared with one another.

use super::support::Place;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use vitals_tests::oulad::{self, Dataset, Presentation};

/// The values and headers of each key of each output topic, in order; of the whole stream a hash of each.
pub(crate) type Outputs = BTreeMap<(String, String), Vec<String>>;

/// A record as `vitals tail --json` prints it, as far as it is compared.
#[derive(Deserialize)]
struct Record<'l> {
    #[serde(borrow)]
    key: &'l RawValue,
    #[serde(borrow)]
    headers: BTreeMap<String, &'l RawValue>,
    #[serde(borrow)]
    value: &'l RawValue,
}

/// The activity of 2013J of every `part`th student, as lines for `vitals produce`; of both presentations and every
/// student where the whole is wanted.
pub(crate) fn oulad_lines(part: u64) -> String {
    let dataset = Dataset::read(&oulad::directory()).unwrap();
    let only = Presentation::of_code("2013J").filter(|_| !vitals_tests::is_whole());
    let mut all = Vec::new();
    oulad::write(&dataset, only, &mut all).unwrap();
    let all = String::from_utf8(all).unwrap();
    if vitals_tests::is_whole() {
        return all;
    }
    let mut lines = String::new();
    for line in all.lines() {
        let (_, rest) = line.split_once(r#""account":""#).unwrap();
        let (account, _) = rest.split_once('"').unwrap();
        let student: u64 = account.rsplit('-').next().unwrap().parse().unwrap();
        if student.is_multiple_of(part) {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    lines
}

/// What stands in the output topics, without what may differ between equal runs: offsets, the time of the append
/// and `ce_id`. Of the compacted topic the latest of each key.
pub(crate) fn outputs(place: &Place) -> Outputs {
    let mut outputs = Outputs::new();
    for topic in ["health", "alerts", "account-health", "dead-letter"] {
        place.each_line(["tail", topic, "--json"], |line| {
            let mut record: Record<'_> = serde_json::from_str(line).unwrap();
            let key = record.key.to_string();
            assert!(record.headers.remove("ce_id").is_some() || topic == "dead-letter", "{line}");
            let mut text = format!("{:?} {}", record.headers, record.value);
            if vitals_tests::is_whole() {
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                text = format!("{:016x}", hasher.finish());
            }
            let of_key = outputs.entry((topic.to_owned(), key)).or_default();
            if topic == "account-health" {
                of_key.clear();
            }
            of_key.push(text);
        });
    }
    outputs
}

/// Fails at the first key of which two runs say something else.
pub(crate) fn assert_equal(one: &Outputs, other: &Outputs) {
    for key in one.keys().chain(other.keys()) {
        assert_eq!(one.get(key), other.get(key), "{key:?}");
    }
}

/// How many records there are of a topic.
pub(crate) fn count(outputs: &Outputs, topic: &str) -> usize {
    outputs.iter().filter(|((of, _), _)| of == topic).map(|(_, records)| records.len()).sum()
}

/// Fails unless every record is accounted for and a replay gives the same bytes; what the replay found.
pub(crate) fn assert_exact(place: &Place) -> Value {
    let status = place.run(["status", "--balance", "--json"]).fine().json().remove(0);
    let balance = status["balance"].as_array().unwrap();
    assert!(!balance.is_empty() && balance.iter().all(|of| of["unaccounted"] == 0), "{status}");
    let found = place.run(["replay", "--verify", "--json"]).fine().json().remove(0);
    for count in ["missing", "extra", "different"] {
        assert_eq!(found[count], 0, "{found}");
    }
    assert_eq!(found["untouched"].as_array().unwrap().len(), 0, "{found}");
    found
}
