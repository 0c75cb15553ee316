//! `vitals model`: check, publish and show health models.

use super::Context;
use crate::exit::{Invalid, Outcome};
use crate::print::{self, Format, Out};
use crate::render;
use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use model::{Problem, Problems};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The greatest model; as `model::compile`.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Check a model file: all problems at once, with line, column and the fix.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Publish a model: it takes effect at one position of the journal.
    Publish {
        /// The file.
        file: PathBuf,
    },
    /// Show the model in force.
    Show {
        /// Its text as it was published.
        #[arg(long)]
        text: bool,
    },
}

impl Model {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        match self {
            Self::Check { file } => check(file, context.format),
            Self::Publish { file } => publish(file, context),
            Self::Show { text } => show(*text, context),
        }
    }
}

fn read(file: &Path) -> Result<String> {
    let cannot = || format!("model {} cannot be read", file.display());
    let size = fs::metadata(file).with_context(cannot)?.len();
    ensure!(
        size <= MAX_BYTES,
        "model {} has {size} bytes, the limit is {MAX_BYTES}; make it shorter",
        file.display()
    );
    fs::read_to_string(file).with_context(cannot)
}

/// The text of a model that compiles.
pub(super) fn read_valid(file: &Path) -> Result<String> {
    let text = read(file)?;
    let problems = |problems| {
        Invalid(format!("model {} is not valid:\n{}", file.display(), Problems::to_string(&problems)))
    };
    model::compile(&text).map_err(problems)?;
    Ok(text)
}

fn check(file: &Path, format: Format) -> Result<Outcome> {
    let text = read(file)?;
    let compiled = model::compile(&text);
    let mut out = Out::new();
    let (problems, warnings) = match &compiled {
        Ok(compiled) => (&[][..], &compiled.warnings[..]),
        Err(problems) => (&problems.0[..], &[][..]),
    };
    let id = compiled.as_ref().ok().map(|compiled| compiled.plan.id.to_string());
    match format {
        Format::Programs => {
            let list = |list: &[Problem]| list.iter().map(as_json).collect::<Vec<_>>();
            out.json(&json!({ "id": id, "problems": list(problems), "warnings": list(warnings) }))?;
        }
        Format::People => {
            let name = file.display();
            for problem in problems {
                out.line(format_args!("{name}:{}", print::clean(&problem.to_string())))?;
            }
            for warning in warnings {
                out.line(format_args!("{name}:{} (warning)", print::clean(&warning.to_string())))?;
            }
            match id {
                Some(id) => out.line(format_args!("{name} is valid: {id}"))?,
                None => out.line(format_args!("{name} has {} problems", problems.len()))?,
            }
        }
    }
    out.flush()?;
    Ok(if problems.is_empty() { Outcome::Fine } else { Outcome::Findings })
}

fn as_json(problem: &Problem) -> Value {
    let Problem { line, column, path, message, fix } = problem;
    json!({ "line": line, "column": column, "path": path, "message": message, "fix": fix })
}

fn publish(file: &Path, context: &Context) -> Result<Outcome> {
    let text = read_valid(file)?;
    let id = context.access()?.publish(&text)?;
    let mut out = Out::new();
    match context.format {
        Format::Programs => out.json(&json!({ "id": id }))?,
        Format::People => out.line(format_args!("model {id} is published"))?,
    }
    out.flush()?;
    Ok(Outcome::Fine)
}

fn show(text: bool, context: &Context) -> Result<Outcome> {
    let access = context.access()?;
    let current = std::str::from_utf8(pipeline::topic::CURRENT_MODEL).unwrap_or_default();
    let record = access.latest(pipeline::topic::MODEL, current)?;
    let value = record.and_then(|record| record.value);
    let value = value.context("no model is published; publish one with `vitals model publish FILE`")?;
    let published = value.text();
    let mut out = Out::new();
    if text {
        out.text(&published)?;
    } else {
        let plan =
            model::compile(&published).context("the model in force is not valid for this version")?.plan;
        match context.format {
            Format::Programs => {
                out.json(&json!({ "id": plan.id.to_string(), "name": plan.name, "text": published }))?
            }
            Format::People => out.text(&render::model(&plan))?,
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}
