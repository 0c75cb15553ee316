//! How the process ends.

use crate::print;
use crate::scratch;
use crate::settings::Problems;
use std::io;
use std::process::ExitCode;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain about.
    Fine,
    /// The command did its work and found something wrong.
    Findings,
}

/// Flags that do not go together: what is wrong, and the way out.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) &'static str);

/// A model that has problems: all of them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Invalid(pub(crate) String);

/// Findings.
const FINDINGS: u8 = 1;
/// Flags that do not go together; as clap says of those that it does not know.
const WRONG_USE: u8 = 2;
/// Bad configuration; as `EX_USAGE` of sysexits.
const CONFIGURATION: u8 = 64;
/// It could not be done; as `EX_SOFTWARE` of sysexits.
const FAILED: u8 = 70;

/// The exit status of a result; says on standard error what went wrong.
pub(crate) fn status(result: anyhow::Result<Outcome>) -> ExitCode {
    scratch::yield_to_signal();
    match result {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(FINDINGS),
        // Who reads our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print::complain(&format!("vitals: {error:#}"));
            ExitCode::from(if error.is::<Problems>() {
                CONFIGURATION
            } else if error.is::<WrongUse>() {
                WRONG_USE
            } else if error.is::<Invalid>() {
                FINDINGS
            } else {
                FAILED
            })
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) && !error.is::<log::Error>()
}
