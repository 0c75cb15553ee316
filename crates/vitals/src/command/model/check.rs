//! `vitals model check`: every problem, or a review.

use super::{as_json, list, read};
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::render;
use anyhow::Result;
use model::review::Review;
use model::time::EventTime;
use model::{Problem, Problems};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// What every note is about, for programs.
const NOT_YET_COMPUTED: &str = "not-yet-computed";

pub(super) fn check(file: &Path, strict: bool, format: Format) -> Result<Outcome> {
    let text = read("model", file)?;
    let mut out = Out::new();
    let outcome = match model::review(&text, today()) {
        Err(problems) => {
            wrong(&mut out, file, &problems, format)?;
            Outcome::Findings
        }
        Ok(review) => {
            match format {
                Format::Programs => out.json(&reviewed(&review))?,
                Format::People => {
                    list(&mut out, file, &review.compiled.warnings, " (warning)")?;
                    let remarks: Vec<Problem> =
                        review.remarks.iter().map(|remark| remark.at.clone()).collect();
                    list(&mut out, file, &remarks, " (remark)")?;
                    list(&mut out, file, &review.compiled.notes, " (note)")?;
                    out.line(format_args!("{} is valid: {}\n", file.display(), review.compiled.plan.id))?;
                    out.text(&render::review(&review))?;
                }
            }
            // A note is not of the model but of this version: whoever wrote it can mend nothing.
            let said = !review.compiled.warnings.is_empty() || !review.remarks.is_empty();
            if strict && said { Outcome::Findings } else { Outcome::Fine }
        }
    };
    out.flush()?;
    Ok(outcome)
}

/// The day by the clock of this machine: whether a date has passed is no matter of the fold.
fn today() -> EventTime {
    let ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    EventTime(i64::try_from(ms).unwrap_or(EventTime::MAX.0))
}

fn wrong(out: &mut Out, file: &Path, problems: &Problems, format: Format) -> Result<()> {
    match format {
        Format::Programs => {
            let problems: Vec<Value> = problems.0.iter().map(as_json).collect();
            let none: [Value; 0] = [];
            out.json(&json!({
                "id": null, "problems": problems, "warnings": none, "remarks": none, "notes": none,
            }))?;
        }
        Format::People => {
            list(out, file, &problems.0, "")?;
            let count = problems.0.len();
            let problems = if count == 1 { "problem" } else { "problems" };
            out.line(format_args!("{} has {count} {problems}", file.display()))?;
        }
    }
    Ok(())
}

fn reviewed(review: &Review) -> Value {
    let none: [Value; 0] = [];
    let warnings: Vec<Value> = review.compiled.warnings.iter().map(as_json).collect();
    let about = |at: &Problem, subject: &str| {
        let mut value = as_json(at);
        if let Some(value) = value.as_object_mut() {
            value.insert("subject".to_owned(), json!(subject));
        }
        value
    };
    let remarks: Vec<Value> =
        review.remarks.iter().map(|remark| about(&remark.at, remark.subject.name())).collect();
    let notes: Vec<Value> = review.compiled.notes.iter().map(|note| about(note, NOT_YET_COMPUTED)).collect();
    let weight = |hundredths: u32| f64::from(hundredths) / 100.0;
    let kinds: serde_json::Map<String, Value> =
        review.kinds.iter().map(|(kind, share)| (kind.name().to_owned(), json!(weight(*share)))).collect();
    let feeds: Vec<Value> = review
        .feeds
        .iter()
        .map(|(sources, share)| {
            let sources: Vec<&str> = sources.iter().map(|source| source.name()).collect();
            json!({ "sources": sources, "weight": weight(*share) })
        })
        .collect();
    let memory = review.memory;
    json!({
        "id": review.compiled.plan.id.to_string(),
        "problems": none,
        "warnings": warnings,
        "remarks": remarks,
        "notes": notes,
        "weights": { "kinds": kinds, "feeds": feeds },
        "bytes_per_account": {
            "signals": memory.signals,
            "account": memory.account,
            "duplicates": memory.duplicates,
            "total": memory.total(),
        },
    })
}
