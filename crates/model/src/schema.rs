//! The language as a JSON Schema (draft 2020-12), for editors: it completes keys and words and marks most mistakes.
//!
//! Which keys stand where comes from the tables that the parser reads by, so that neither has a key that the other has
//! not; what stands under a key is told here. What a schema cannot say (that the operator comes first, that a measure
//! bears the name of a signal, that units fit) only the parser knows: whatever it accepts, with numbers and words
//! unquoted, the schema accepts.

mod signal;
mod value;

use crate::block::Keys;
use crate::plan::Kind;
use crate::source::Source;
use crate::{alert, behaviour, benchmark, cap, compile, condition, goal, kpi, outcome, score, target};
use serde_json::{Map, Value, json};
use value::{
    date, list, name, percentage, points, positive_span, quantity, span, text, whole, words, words_of,
};

/// Keys that must be there.
const REQUIRED: [(&str, &[&str]); 9] = [
    ("model", &["format", "model", "score", "signals", "goals"]),
    ("score", &["bands"]),
    ("goal", &["statement", "owner", "weight", "measures"]),
    ("measure", &["kind", "weight", "curve"]),
    ("cap", &["name", "when", "score_at_most"]),
    ("alert", &["when", "notify"]),
    ("benchmark", benchmark::KEYS.known),
    ("cohort", benchmark::COHORT.known),
    ("kpi", &["plan", "per", "by"]),
];

/// The schema of a model file.
#[must_use]
pub fn schema() -> Value {
    let mut root = block("model", &compile::KEYS, top);
    let mut definitions = Map::new();
    definitions.insert("condition".to_owned(), conditions());
    definitions.insert("signal".to_owned(), signal::signal());
    definitions.extend(signal::definitions());
    if let Some(root) = root.as_object_mut() {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("title".to_owned(), json!("vitals health model"));
        root.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

/// A mapping with the keys of a table, of which nothing else may stand there.
fn block(of: &str, keys: &Keys, under: impl Fn(&str) -> Option<Value>) -> Value {
    let properties: Map<String, Value> = keys
        .known
        .iter()
        // A key of which nothing is said may hold anything; a test finds it.
        .map(|key| ((*key).to_owned(), under(key).unwrap_or(Value::Bool(true))))
        .collect();
    let required = REQUIRED.iter().find(|(name, _)| *name == of).map_or(&[][..], |(_, keys)| keys);
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A mapping from names to what `each` says, at most `most` of them.
fn named(each: &Value, most: usize) -> Value {
    json!({
        "type": "object",
        "propertyNames": name(),
        "additionalProperties": each,
        "minProperties": 1,
        "maxProperties": most,
    })
}

/// Adds what an editor shows.
fn told(mut schema: Value, description: &str) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(description));
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn top(key: &str) -> Option<Value> {
    Some(match key {
        "format" => told(json!({ "const": 1 }), "The version of the language: 1."),
        "model" => told(name(), "Its name."),
        "owner" => told(text(256), "Who answers for the model."),
        "change_note" => told(text(1_000), "What this version changes, and why."),
        "review_by" => {
            told(date(), "When it is to be looked at again; `vitals model check` says when that has passed.")
        }
        "score" => told(block("score", &score::KEYS, of_score), "Bands, and when a change is published."),
        "sources" => told(sources(), "How each feed behaves."),
        "signals" => told(named(&reference("signal"), 512), "What is watched, by name."),
        "goals" => told(
            named(&block("goal", &goal::KEYS, of_goal), 64),
            "Why it is watched, and what it means in points.",
        ),
        "caps" => {
            let cap = block("cap", &cap::KEYS, of_cap);
            told(
                json!({ "type": "array", "items": cap, "minItems": 1, "maxItems": 64 }),
                "Grave signs that are not averaged away.",
            )
        }
        "alerts" => {
            told(named(&block("alert", &alert::KEYS, of_alert), 256), "What must not be overlooked, by name.")
        }
        "outcomes" => told(
            block("outcomes", &outcome::KEYS, of_outcomes),
            "Labels for later comparison; no part of the score.",
        ),
        "benchmarks" => told(
            named(&block("benchmark", &benchmark::KEYS, of_benchmark), benchmark::MOST),
            "What a cohort of accounts does, by name; checked and not yet computed.",
        ),
        "kpis" => told(
            named(&block("kpi", &kpi::KEYS, of_kpi), kpi::MOST),
            "Plan against actual, by name; checked and not yet computed.",
        ),
        _ => return None,
    })
}

fn of_score(key: &str) -> Option<Value> {
    Some(match key {
        "bands" => {
            let limits = json!({
                "type": "object",
                "propertyNames": name(),
                "additionalProperties": points(),
                "minProperties": 1,
                "maxProperties": 8,
            });
            told(limits, "Lower limits; one of them is 0.")
        }
        "band_margin" => told(points(), "By how many points a limit must be passed; 2 unless it is written."),
        "min_coverage" => {
            told(percentage(), "With less known weight the band is unknown; 60% unless it is written.")
        }
        "publish_change" => {
            told(points(), "The least change that is published; 1 point unless it is written.")
        }
        "publish_every" => told(
            positive_span(),
            "After how long an account is published in any case; 1d unless it is written.",
        ),
        "not_scored" => {
            let accounts = block("not_scored", &score::NOT_SCORED, |key| {
                ["stage", "segment"].contains(&key).then(|| list(&words()))
            });
            told(accounts, "Accounts in these stages, or of these segments, have no score.")
        }
        _ => return None,
    })
}

fn sources() -> Value {
    let rules = block("source", &behaviour::KEYS, of_source);
    let each: Map<String, Value> =
        Source::ALL.iter().map(|source| (source.name().to_owned(), rules.clone())).collect();
    json!({ "type": "object", "properties": each, "additionalProperties": false })
}

fn of_source(key: &str) -> Option<Value> {
    Some(match key {
        "max_delay" => {
            told(span(), "How long after it happened an activity may still come; 5m unless it is written.")
        }
        "max_skew" => told(span(), "How far it may lie ahead of its record's time; 1m unless it is written."),
        "silent_at_most" => told(
            positive_span(),
            "The longest gap of the whole feed that counts as silence: above the longest that is normal.",
        ),
        "stale_after" => {
            told(positive_span(), "After so much dead time its signals are stale; 1d unless it is written.")
        }
        "dedup" => told(span(), "How far back an id that comes again is known; 48h unless it is written."),
        _ => return None,
    })
}

fn of_goal(key: &str) -> Option<Value> {
    Some(match key {
        "statement" => told(text(1_000), "What it says, for people."),
        "owner" => told(text(256), "Who answers for it."),
        "priority" => told(whole(1, 1_000), "For readers; 1 is the most important."),
        "weight" => told(whole(0, 1_000_000), "Its weight among the goals, in proportion."),
        "target" => told(of_target(), "A value for many of the accounts; checked and not yet computed."),
        "measures" => told(
            named(&block("measure", &goal::MEASURE, of_measure), 64),
            "Signals turned into points; each bears the name of its signal.",
        ),
        _ => return None,
    })
}

/// A target: one measure with its value, at how many, and one of the two that say when.
fn of_target() -> Value {
    let [share, by, within] = target::KEYS;
    let properties = Map::from_iter([
        (share.to_owned(), told(percentage(), "At how many of the accounts.")),
        (by.to_owned(), told(date(), "By which day.")),
        (within.to_owned(), told(positive_span(), "Within how long from the start of each account.")),
    ]);
    json!({
        "type": "object",
        "properties": properties,
        "propertyNames": name(),
        "additionalProperties": told(quantity(), "The value to come to, by the name of a measure of the goal."),
        "required": [share],
        "oneOf": [{ "required": [by] }, { "required": [within] }],
        "minProperties": 3,
        "maxProperties": 3,
    })
}

fn of_measure(key: &str) -> Option<Value> {
    Some(match key {
        "kind" => told(words_of(goal::KINDS.map(|(word, _)| word)), "What kind of evidence it is."),
        "in_score" => {
            let lagging = Kind::Lagging.name();
            told(
                json!({ "type": "boolean" }),
                &format!("Whether it counts; `{lagging}` measures do not unless this is true."),
            )
        }
        "weight" => told(whole(0, 1_000_000), "Its weight within the goal, in proportion."),
        "target" => told(quantity(), "The value aimed at: shown, not scored."),
        "curve" => {
            let curve = json!({
                "type": "object",
                "propertyNames": { "pattern": value::QUANTITY },
                "additionalProperties": points(),
                "minProperties": 2,
                "maxProperties": 32,
            });
            told(
                curve,
                "Values to points of 0 to 100, from the least value up: linear in between, flat beyond.",
            )
        }
        _ => return None,
    })
}

fn of_cap(key: &str) -> Option<Value> {
    Some(match key {
        "name" => told(name(), "Its name."),
        "when" => told(reference("condition"), "When it holds; it may not ask for the score."),
        "score_at_most" => told(points(), "The greatest score while it holds."),
        _ => return None,
    })
}

fn of_alert(key: &str) -> Option<Value> {
    Some(match key {
        "when" => told(reference("condition"), "When it begins."),
        "clears_when" => told(reference("condition"), "When it ends; while `when` holds it never does."),
        "for" => told(span(), "How long `when` must hold before it fires."),
        "keep_firing_for" => told(span(), "How long the end must hold before it resolves."),
        "cooldown" => told(span(), "How long after that nothing begins."),
        "severity" => told(
            words_of(alert::SEVERITIES.map(|(word, _)| word)),
            "How grave it is; `warning` unless it is written.",
        ),
        "critical_when" => {
            told(reference("condition"), "When it is critical instead, at the moment of firing.")
        }
        "purpose" => told(
            words_of(alert::PURPOSES.map(|(word, _)| word)),
            "A danger or a chance; `risk` unless it is written.",
        ),
        "notify" => told(text(256), "Who is told: a role (`csm` is the account's owner) or an address."),
        "play" => told(text(1_000), "What to do about it."),
        "if_unknown" => told(
            words_of(alert::UNKNOWNS.map(|(word, _)| word)),
            "What to do while something that it names is unknown or stale; `hold` unless it is written.",
        ),
        "lag_at_most" => {
            told(span(), "It holds while its sources are further apart; 1h unless it is written.")
        }
        "inhibited_by" => told(
            list(&name()),
            "Other alerts of the model: while one of them is open, this one does not fire.",
        ),
        _ => return None,
    })
}

fn of_outcomes(key: &str) -> Option<Value> {
    outcome::KEYS.known.contains(&key).then(|| {
        let sources = signal::activities();
        let each: Map<String, Value> =
            sources.map(|source| (source.name().to_owned(), reference(&signal::filter(source)))).collect();
        told(json!({ "type": "object", "properties": each, "additionalProperties": false, "minProperties": 1 }), "Activities that say so.")
    })
}

fn of_benchmark(key: &str) -> Option<Value> {
    Some(match key {
        "cohort" => told(
            block("cohort", &benchmark::COHORT, of_cohort),
            "The accounts that others are compared with.",
        ),
        "by" => told(one_of(&benchmark::BY), "What it is worked out for, each by itself."),
        "value" => told(one_of(&benchmark::VALUES), "What is taken of the values of the cohort."),
        "signals" => told(list(&name()), "What is compared."),
        "refresh" => told(positive_span(), "How often it is worked out anew."),
        "min_accounts" => told(whole(1, benchmark::GREATEST), "With fewer in the cohort a gap is unknown."),
        _ => return None,
    })
}

fn of_cohort(key: &str) -> Option<Value> {
    Some(match key {
        "outcome" => {
            told(words_of(outcome::KEYS.known.iter().copied()), "What they came to: one of `outcomes`.")
        }
        "within" => told(positive_span(), "How long ago at most."),
        _ => return None,
    })
}

fn of_kpi(key: &str) -> Option<Value> {
    Some(match key {
        "plan" => told(
            quantity(),
            "The figure that is planned, in the unit of its signal if it bears the name of one.",
        ),
        "per" => told(one_of(&kpi::PER), "Of what time the plan is."),
        "by" => told(list(&one_of(&kpi::BY)), "Whose figure it is."),
        "share_of" => {
            told(one_of(&kpi::SHARE_OF), "What it is a share of, where not of the number of accounts.")
        }
        _ => return None,
    })
}

/// One of the words of a table of the parser.
fn one_of(table: &[(&'static str, ())]) -> Value {
    words_of(table.iter().map(|(word, ())| *word))
}

/// What a condition may be: signals are known by their names only, so any name may stand.
fn conditions() -> Value {
    let comparisons: Map<String, Value> =
        condition::COMPARISONS.iter().map(|word| ((*word).to_owned(), quantity())).collect();
    let compared = json!({
        "type": "object",
        "properties": comparisons,
        "additionalProperties": false,
        "minProperties": 1,
    });
    let of_score: Map<String, Value> =
        condition::COMPARISONS.iter().map(|word| ((*word).to_owned(), points())).collect();
    let score = json!({ "type": "object", "properties": of_score, "additionalProperties": false, "minProperties": 1 });
    let texts = list(&words());
    json!({
        "type": "object",
        "properties": {
            "score": told(score, "The score, in points."),
            "stage": told(texts.clone(), "The account's stage is one of these."),
            "segment": told(texts, "The account's segment is one of these."),
            "any": told(json!({ "type": "array", "items": reference("condition"), "minItems": 1 }), "One of these holds."),
        },
        "propertyNames": name(),
        "additionalProperties": told(compared, "A signal, compared with its limits; several mean all."),
        "minProperties": 1,
        "description": "All of its keys must hold: signals, `score`, `stage`, `segment`, or `any` of several conditions.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_said_of_every_key_of_the_parser() {
        fn silent(schema: &Value, path: &str, found: &mut Vec<String>) {
            let Some(entries) = schema.as_object() else { return };
            for (key, value) in entries {
                let path = format!("{path}/{key}");
                if *value == Value::Bool(true) && path.contains("/properties/") {
                    found.push(path.clone());
                }
                silent(value, &path, found);
            }
        }
        let mut found = Vec::new();
        silent(&schema(), "", &mut found);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn what_must_be_there_is_known() {
        let tables = [
            &compile::KEYS,
            &score::KEYS,
            &goal::KEYS,
            &goal::MEASURE,
            &cap::KEYS,
            &alert::KEYS,
            &benchmark::KEYS,
            &benchmark::COHORT,
            &kpi::KEYS,
        ];
        for ((of, required), keys) in REQUIRED.iter().zip(tables) {
            for key in *required {
                assert!(keys.known.contains(key), "{of}: {key}");
            }
        }
    }
}
