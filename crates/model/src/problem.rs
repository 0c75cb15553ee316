//! What is wrong with a model: where, what and how to mend it.

use std::fmt;

/// More problems than this are not listed: a file that wrong is mended from the top.
const LISTED: usize = 1_000;

/// One thing to mend in a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Keys from the top to the place, joined by dots; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// `line:column: path: message; fix`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.fix.is_empty() {
            write!(f, "; {}", self.fix)?;
        }
        Ok(())
    }
}

/// All problems of a model, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

/// One problem a line.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// A place in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column in characters, from 1.
    pub(crate) column: u32,
}

/// Collects problems, warnings and notes while a model is read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    notes: Vec<Problem>,
}

impl Report {
    /// Adds a problem: the model does not compile.
    pub(crate) fn problem(
        &mut self,
        mark: Mark,
        path: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        list(&mut self.problems, mark, path, message.into(), fix.into());
    }

    /// Adds a warning: the model compiles, and does perhaps not say what was meant.
    pub(crate) fn warn(
        &mut self,
        mark: Mark,
        path: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        list(&mut self.warnings, mark, path, message.into(), fix.into());
    }

    /// Adds a note: the model says what was meant, and this version does less with it than it says.
    pub(crate) fn note(
        &mut self,
        mark: Mark,
        path: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        list(&mut self.notes, mark, path, message.into(), fix.into());
    }

    /// The notes in the order of the text.
    pub(crate) fn notes(&mut self) -> Vec<Problem> {
        self.notes.sort();
        std::mem::take(&mut self.notes)
    }

    /// Whether no more problems are listed, so that none need be looked for.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= LISTED
    }

    /// Whether there is no problem yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The warnings, or the problems if there are any.
    pub(crate) fn close(mut self) -> Result<Vec<Problem>, Problems> {
        self.warnings.sort();
        if self.problems.is_empty() {
            return Ok(self.warnings);
        }
        self.problems.sort();
        Err(Problems(self.problems))
    }
}

fn list(into: &mut Vec<Problem>, mark: Mark, path: &str, message: String, fix: String) {
    if into.len() < LISTED {
        into.push(Problem { line: mark.line, column: mark.column, path: path.to_owned(), message, fix });
    }
}

/// A text from the model as messages quote it: cut short and on one line.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", short(text))
}

/// At most 64 characters of a text, control characters replaced.
pub(crate) fn short(text: &str) -> String {
    let mut out: String =
        text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}
