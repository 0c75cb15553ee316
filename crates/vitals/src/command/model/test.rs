//! `vitals model test`: the cases of a model, played.

use super::{as_json, list, read, read_valid};
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::render;
use crate::trial::{self, Verdict};
use anyhow::{Context as _, Result, ensure};
use model::suite;
use model::{Problems, plan::Plan};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) fn test(file: &Path, files: &[PathBuf], format: Format) -> Result<Outcome> {
    let text = read_valid(file)?;
    let plan = model::compile(&text)?.plan;
    let own = [beside(file)];
    if files.is_empty() {
        let [own] = &own;
        let name = own.display();
        ensure!(
            own.exists(),
            "model {} has no tests: {name} is not there; write it, or name another file",
            file.display()
        );
    }
    let mut out = Out::new();
    let mut all_fine = true;
    for file in if files.is_empty() { &own } else { files } {
        all_fine &= one(&mut out, file, &text, &plan, format)?;
    }
    out.flush()?;
    Ok(if all_fine { Outcome::Fine } else { Outcome::Findings })
}

/// The test file beside a model: `b2b.test.yaml` of `b2b.yaml`.
fn beside(model: &Path) -> PathBuf {
    model.with_extension("test.yaml")
}

/// Plays the cases of one file; whether everything is as expected.
fn one(out: &mut Out, file: &Path, text: &str, plan: &Plan, format: Format) -> Result<bool> {
    let tests = read("test file", file)?;
    let played = suite::read(&tests, plan).map_err(anyhow::Error::from).and_then(|suite| {
        let dir = file.parent().unwrap_or_else(|| Path::new("."));
        trial::play(&suite, text, dir)
    });
    let verdicts = match played {
        Ok(verdicts) => verdicts,
        Err(error) => {
            // What cannot be played is a finding with a place; what cannot be read is not.
            let problems = error.downcast::<Problems>().context("the tests could not be played")?;
            match format {
                Format::Programs => {
                    let problems: Vec<Value> = problems.0.iter().map(as_json).collect();
                    out.json(&json!({ "file": file, "problems": problems, "cases": [] }))?;
                }
                Format::People => {
                    list(out, file, &problems.0, "")?;
                    out.line(format_args!(
                        "{} has {} problems; no case was played",
                        file.display(),
                        problems.0.len()
                    ))?;
                }
            }
            return Ok(false);
        }
    };
    match format {
        Format::Programs => {
            let cases: Vec<Value> = verdicts.iter().map(Verdict::as_json).collect();
            out.json(&json!({ "file": file, "problems": [], "cases": cases }))?;
        }
        Format::People => out.text(&render::verdicts(&file.display().to_string(), &verdicts))?,
    }
    Ok(verdicts.iter().all(Verdict::is_met))
}
