//! Signals: for each operator its keys, and for each source its fields and words.

use super::value::{list, name, positive_span, quantity, whole, words, words_of};
use super::{reference, told};
use crate::feed;
use crate::operator::Word;
use crate::source::{FieldType, Source};
use serde_json::{Map, Value, json};

/// The sources that signals can be made of.
pub(super) fn activities() -> impl Iterator<Item = Source> {
    feed::activities()
}

/// The name of the definition of what may be tested of a source.
pub(super) fn filter(source: Source) -> String {
    format!("where-{source}")
}

/// Keys under which stand tests on the words of the source.
const FILTERS: [&str; 3] = ["where", "share", "among"];

/// What an operator is taken of, where it is not a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// Its own key names the source.
    Source,
    /// Its own key names a field of one of these types; `from` names the source.
    Field(&'static [FieldType]),
    /// Its own key names, or tests, something else.
    Other,
}

/// An operator: its word, what it is taken of, and what an editor says of it.
const OPERATORS: [(&str, Taken, &str); 17] = [
    ("count", Taken::Source, "How many activities."),
    ("count_days", Taken::Source, "On how many UTC days something happened."),
    ("sum", Taken::Field(&[FieldType::Number]), "The sum of a number."),
    ("distinct", Taken::Field(&[FieldType::Key, FieldType::Word]), "How many different values."),
    ("mean", Taken::Field(&[FieldType::Number]), "The mean of a number."),
    ("nps", Taken::Source, "The Net Promoter Score of the answers."),
    ("share", Taken::Other, "What passes this, in per cent of what passes `among`."),
    ("latest", Taken::Field(&[FieldType::Number]), "The newest value of a number."),
    ("ratio", Taken::Other, "One signal in per cent of another."),
    ("trend", Taken::Other, "A window in per cent of what is usual."),
    ("since_last", Taken::Source, "Living time since the newest activity."),
    ("cadence", Taken::Source, "By how much what is due again and again is overdue."),
    ("open", Taken::Other, "How many tickets are open."),
    ("until", Taken::Field(&[FieldType::Time]), "Plain time until the newest value of an instant."),
    ("reached", Taken::Other, "Planned milestones that are reached, in per cent."),
    ("overdue", Taken::Other, "How many planned milestones are past due and not reached."),
    ("gap_to", Taken::Other, "How far it is from a benchmark; checked and not yet computed, so unknown."),
];

fn operator(word: &str) -> (Taken, &'static str) {
    let row = OPERATORS.iter().find(|(name, ..)| *name == word);
    row.map_or((Taken::Other, ""), |(_, taken, description)| (*taken, *description))
}

/// A signal: the schema of its operator, whichever of them stands there.
pub(super) fn signal() -> Value {
    let words = || Word::ALL.into_iter().map(Word::name);
    let one_of: Vec<Value> = words().map(|word| json!({ "required": [word] })).collect();
    let each: Vec<Value> = words()
        .map(|word| json!({ "if": { "required": [word] }, "then": reference(&format!("signal-{word}")) }))
        .collect();
    let properties: Map<String, Value> =
        words().map(|word| (word.to_owned(), json!({ "description": operator(word).1 }))).collect();
    json!({ "type": "object", "properties": properties, "oneOf": one_of, "allOf": each })
}

/// What [`signal`] and the outcomes refer to.
pub(super) fn definitions() -> impl Iterator<Item = (String, Value)> {
    let operators = Word::ALL.into_iter().map(|word| (format!("signal-{}", word.name()), of_operator(word)));
    operators.chain(activities().map(|source| (filter(source), tests(source))))
}

fn of_operator(word: Word) -> Value {
    let properties: Map<String, Value> = word
        .keys()
        .iter()
        .map(|key| ((*key).to_owned(), under(word, key).unwrap_or(Value::Bool(true))))
        .collect();
    let mut required = vec![word.name()];
    required.extend(needed(word.name()));
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let by_source = by_source(word);
    if let Some(schema) = schema.as_object_mut().filter(|_| !by_source.is_empty()) {
        schema.insert("allOf".to_owned(), Value::Array(by_source));
    }
    schema
}

/// Keys beside its own that an operator must have.
fn needed(word: &str) -> &'static [&'static str] {
    match word {
        "count" | "count_days" | "nps" => &["over"],
        "sum" | "distinct" => &["from", "over"],
        "share" => &["among", "from", "over"],
        "mean" | "latest" | "until" => &["from"],
        "ratio" => &["to"],
        "trend" => &["against"],
        "cadence" => &["every"],
        _ => &[],
    }
}

/// What stands under a key of an operator.
fn under(word: Word, key: &str) -> Option<Value> {
    let sources = || words_of(activities().map(Source::name));
    if key == word.name() {
        let (taken, description) = operator(key);
        let value = match (key, taken) {
            (_, Taken::Source) => sources(),
            (_, Taken::Field(types)) => {
                let mut fields: Vec<&str> = activities().flat_map(|source| fields(source, types)).collect();
                fields.sort_unstable();
                fields.dedup();
                words_of(fields)
            }
            ("share", Taken::Other) => json!({ "type": "object" }),
            ("open", Taken::Other) => words_of([Source::Support.name()]),
            ("reached" | "overdue", Taken::Other) => words_of([Source::Milestone.name()]),
            (_, Taken::Other) => name(),
        };
        return Some(told(value, description));
    }
    Some(match key {
        "from" => told(sources(), "The source."),
        "over" => told(positive_span(), "The window: `28d` is the current day and the 27 before it."),
        "where" => told(json!({ "type": "object" }), "Only activities whose words are among these."),
        "among" => told(json!({ "type": "object" }), "What it is compared with; `{}` is all."),
        "min_base" if word.name() == "ratio" => told(quantity(), "Unknown while `to` is below this."),
        "min_base" => told(whole(1, 1_000_000), "Unknown below so many activities."),
        "half_life" => told(positive_span(), "After so many days a day counts half."),
        "expires" => told(positive_span(), "Unknown once it is so old."),
        "every" => told(positive_span(), "How often it is due."),
        "against" => {
            told(words_of(["previous", "own-average"]), "The window before, or the account's own average.")
        }
        "to" => told(name(), "The signal that is 100%."),
        _ => return None,
    })
}

/// What depends on the source: fields, and words that can be tested.
fn by_source(word: Word) -> Vec<Value> {
    let keys = word.keys();
    let (taken, _) = operator(word.name());
    let at = if taken == Taken::Source || !keys.contains(&"from") { word.name() } else { "from" };
    let filters: Vec<&str> = FILTERS.into_iter().filter(|key| keys.contains(key)).collect();
    let of_source = |source: Source| {
        let mut then = Map::new();
        for key in &filters {
            then.insert((*key).to_owned(), reference(&filter(source)));
        }
        if let Taken::Field(types) = taken {
            then.insert(word.name().to_owned(), words_of(fields(source, types)));
        }
        // Of tickets only the priority can be asked for.
        if word.name() == "open" {
            let priority = list(&words());
            let tests = json!({ "type": "object", "properties": { "priority": priority }, "required": ["priority"], "additionalProperties": false });
            then.insert("where".to_owned(), tests);
        }
        json!({
            "if": { "properties": { at: { "const": source.name() } }, "required": [at] },
            "then": { "properties": then },
        })
    };
    let has_none = filters.is_empty() && !matches!(taken, Taken::Field(_));
    if has_none { Vec::new() } else { activities().map(of_source).collect() }
}

fn fields(source: Source, types: &[FieldType]) -> Vec<&'static str> {
    source.fields().iter().filter(|field| types.contains(&field.kind())).map(|field| field.name()).collect()
}

/// Tests on the words of a source.
fn tests(source: Source) -> Value {
    let fields = source.fields().iter().filter(|field| field.kind() == FieldType::Word);
    let properties: Map<String, Value> = fields
        .map(|field| {
            let each = source.words(*field).map_or_else(words, |known| words_of(known.iter().copied()));
            (field.name().to_owned(), list(&each))
        })
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_of_the_parser_is_told_of() {
        let words: Vec<&str> = Word::ALL.iter().map(|word| word.name()).collect();
        let told: Vec<&str> = OPERATORS.iter().map(|(word, ..)| *word).collect();
        assert_eq!(told, words);
        for word in Word::ALL {
            let needed = needed(word.name());
            assert!(needed.iter().all(|key| word.keys().contains(key)), "{word:?}: {needed:?}");
        }
    }
}
