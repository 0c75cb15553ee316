//! `vitals model`: check, test, publish and show health models.

mod check;
mod test;

use super::Context;
use crate::exit::{Invalid, Outcome};
use crate::print::{self, Format, Out};
use crate::render;
use anyhow::{Context as _, Result, ensure};
use clap::Subcommand;
use model::{Compiled, Problem, Problems};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The greatest model, and test file; as `model::compile`.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Check a model file: all problems at once, with line, column and the fix; then a review of what is right by the
    /// language and perhaps not meant.
    Check {
        /// The file.
        file: PathBuf,
        /// Warnings and remarks are findings too: exit with status 1 if there is one. Notes on what is not yet computed are not.
        #[arg(long)]
        strict: bool,
    },
    /// Play the test cases of a model, and show where an account does not stand as expected.
    Test {
        /// The model.
        model: PathBuf,
        /// Test files; by default the one beside the model: of `b2b.yaml` that is `b2b.test.yaml`.
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of the language, for editors.
    Schema,
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
            Self::Check { file, strict } => check::check(file, *strict, context.format),
            Self::Test { model, files } => test::test(model, files, context.format),
            Self::Schema => schema(),
            Self::Publish { file } => publish(file, context),
            Self::Show { text } => show(*text, context),
        }
    }
}

/// The text of a file; `what` it is, for messages.
fn read(what: &str, file: &Path) -> Result<String> {
    let cannot = || format!("{what} {} cannot be read", file.display());
    let size = fs::metadata(file).with_context(cannot)?.len();
    ensure!(
        size <= MAX_BYTES,
        "{what} {} has {size} bytes, the limit is {MAX_BYTES}; make it shorter",
        file.display()
    );
    fs::read_to_string(file).with_context(cannot)
}

/// The text of a model that compiles.
pub(super) fn read_valid(file: &Path) -> Result<String> {
    let text = read("model", file)?;
    let problems = |problems| {
        Invalid(format!("model {} is not valid:\n{}", file.display(), Problems::to_string(&problems)))
    };
    model::compile(&text).map_err(problems)?;
    Ok(text)
}

/// A line for each problem, with the name of the file before it.
fn list(out: &mut Out, file: &Path, problems: &[Problem], mark: &str) -> Result<()> {
    for problem in problems {
        out.line(format_args!("{}:{}{mark}", file.display(), print::clean(&problem.to_string())))?;
    }
    Ok(())
}

fn as_json(problem: &Problem) -> Value {
    let Problem { line, column, path, message, fix } = problem;
    json!({ "line": line, "column": column, "path": path, "message": message, "fix": fix })
}

fn schema() -> Result<Outcome> {
    let mut out = Out::new();
    out.line(serde_json::to_string_pretty(&model::schema())?)?;
    out.flush()?;
    Ok(Outcome::Fine)
}

fn publish(file: &Path, context: &Context) -> Result<Outcome> {
    let text = read_valid(file)?;
    // It is valid, and goes on whatever these say.
    if let Ok(Compiled { warnings, notes, .. }) = model::compile(&text) {
        for said in warnings.iter().chain(&notes) {
            tracing::warn!(file = %file.display(), "{said}");
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_beside_the_models_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/models/schema.json");
        if std::env::var_os("UPDATE_PAGES").is_some() {
            let text = serde_json::to_string_pretty(&model::schema()).unwrap();
            fs::write(path, text + "\n").unwrap();
        } else {
            let stands: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            assert_eq!(stands, model::schema(), "{path} is out of date; run this test with UPDATE_PAGES=1");
        }
    }
}
