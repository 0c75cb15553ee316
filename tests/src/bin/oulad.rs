//! Prints the OULAD data set as native activity, one line a record, for `vitals produce`.

use std::env;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use vitals_tests::oulad::{self, Dataset, Presentation};

const HELP: &str = "\
Prints the OULAD data set as native activity, one line a record, in the order of the times.

usage: oulad [--data DIR] [--presentation 2013B|2013J] | vitals produce

  --data DIR           the directory of the data set (default: the one in the repository)
  --presentation CODE  one presentation only (default: both)
  --help               this text
";

fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    match print(env::args().skip(1), &mut out).and_then(|()| Ok(out.flush()?)) {
        // A reader that has seen enough is no failure.
        Err(error) if !is_broken_pipe(&error) => {
            // Where even this cannot be written, the exit code still tells.
            writeln!(io::stderr(), "oulad: {error:#}").unwrap_or_default();
            ExitCode::FAILURE
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

fn print(mut arguments: impl Iterator<Item = String>, out: &mut impl Write) -> Result<()> {
    let mut data = oulad::directory();
    let mut only = None;
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{name} needs a value; see --help"));
        match name.as_str() {
            "--data" => data = PathBuf::from(value()?),
            "--presentation" => {
                let code = value()?;
                let known = Presentation::of_code(&code);
                only =
                    Some(known.with_context(|| format!("--presentation {code}: neither 2013B nor 2013J"))?);
            }
            "--help" => return Ok(out.write_all(HELP.as_bytes())?),
            _ => bail!("unknown argument `{name}`; see --help"),
        }
    }
    oulad::write(&Dataset::read(&data)?, only, out)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io_kind = |cause: &(dyn std::error::Error + 'static)| {
        let of_json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        of_json.or_else(|| cause.downcast_ref::<io::Error>().map(io::Error::kind))
    };
    error.chain().any(|cause| io_kind(cause) == Some(io::ErrorKind::BrokenPipe))
}
