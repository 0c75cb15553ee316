//! What a case gives, as records of source topics.

use crate::line;
use anyhow::{Context as _, Result, ensure};
use model::Problem;
use model::source::Source;
use model::suite::{Activity, Case, Datum};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// The greatest file of records.
const MAX_BYTES: u64 = 64 << 20;
/// What to do about a record that would be rejected.
const FIX: &str = "see proto/README.md for what an activity of this source holds";

/// The records of a case, those that it writes out first.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) records: Vec<(Source, Vec<u8>)>,
    /// The line of each record that comes from a file.
    lines: Vec<usize>,
}

impl Given {
    /// What is wrong with a record, with its place.
    pub(super) fn problem(&self, case: &Case, record: usize, message: String) -> Problem {
        if let Some(activity) = case.activities.get(record) {
            return activity.place.problem(message, FIX);
        }
        let line = self.lines.get(record.saturating_sub(case.activities.len())).copied().unwrap_or(0);
        let file = case.recorded.as_ref().map_or("", |recorded| &recorded.file);
        let message = format!("{file}, line {line}: {message}");
        let place = case.recorded.as_ref().map(|recorded| &recorded.place);
        place.map_or_else(
            || Problem {
                line: 1,
                column: 1,
                path: String::new(),
                message: message.clone(),
                fix: FIX.to_owned(),
            },
            |place| place.problem(message.clone(), FIX),
        )
    }
}

/// The records of a case; a line of its file that is no record is a problem.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn records(case: &Case, dir: &Path) -> Result<Result<Given, Problem>> {
    let mut given = Given { records: Vec::new(), lines: Vec::new() };
    for activity in &case.activities {
        given.records.push((activity.source, serde_json::to_vec(&value(activity, &case.account))?));
    }
    let Some(recorded) = &case.recorded else { return Ok(Ok(given)) };
    let file = dir.join(&recorded.file);
    let cannot = || format!("file {} of case {} cannot be read", file.display(), case.name);
    let size = fs::metadata(&file).with_context(cannot)?.len();
    ensure!(
        size <= MAX_BYTES,
        "file {} has {size} bytes, the limit is {MAX_BYTES}; take fewer records",
        file.display()
    );
    let text = fs::read_to_string(&file).with_context(cannot)?;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match line::Entry::parse(line) {
            Ok(entry) => {
                given.records.push((entry.source, entry.value.unwrap_or_default()));
                given.lines.push(number);
            }
            Err(error) => {
                let message = format!("{}, line {number}: {error:#}", recorded.file);
                return Ok(Err(recorded
                    .place
                    .problem(message, "write each line as `vitals produce` takes it")));
            }
        }
    }
    Ok(Ok(given))
}

/// An activity as its source topic would have it.
fn value(activity: &Activity, account: &str) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), Value::from(activity.id.as_str()));
    members.insert("time".to_owned(), Value::from(activity.time.to_string()));
    members.insert("account".to_owned(), Value::from(account));
    for (field, datum) in &activity.fields {
        let value = match datum {
            Datum::Text(text) => Value::from(text.as_str()),
            // A number of the language has at most 15 digits, which a float holds.
            Datum::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            Datum::Time(time) => Value::from(time.to_string()),
        };
        members.insert(field.name().to_owned(), value);
    }
    Value::Object(members)
}
