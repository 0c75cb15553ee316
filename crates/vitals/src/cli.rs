//! What can be asked on the command line.

use crate::command::Command;
use crate::print::Format;
use crate::settings::Places;
use clap::Parser;
use std::path::PathBuf;

/// Watches the life signs of customer accounts: activity in, health and alerts out.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 fine, 1 findings, 2 wrong use, 64 bad configuration, 70 it could not be done."
)]
pub(crate) struct Cli {
    /// The settings file (default: ./vitals.toml, if it is there).
    #[arg(long, global = true, value_name = "FILE", env = "VITALS_CONFIG", help_heading = "Settings")]
    pub(crate) config: Option<PathBuf>,

    /// Which log (`log.kind`).
    #[arg(long, global = true, value_name = "KIND", help_heading = "Settings")]
    pub(crate) log: Option<String>,

    /// The directory of the embedded log (`log.dir`).
    #[arg(long, global = true, value_name = "DIR", help_heading = "Settings")]
    pub(crate) dir: Option<String>,

    /// Any setting; `vitals config show` lists them.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = pair, help_heading = "Settings")]
    pub(crate) set: Vec<(String, String)>,

    /// Print JSON instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Where settings come from.
    pub(crate) fn places(&self) -> Places {
        let flag = |key: &str, value: &Option<String>, flag: &str| {
            value.as_ref().map(|value| (key.to_owned(), value.clone(), flag.to_owned()))
        };
        let mut flags: Vec<_> =
            self.set.iter().map(|(k, v)| (k.clone(), v.clone(), "--set".to_owned())).collect();
        flags.extend(flag("log.kind", &self.log, "--log"));
        flags.extend(flag("log.dir", &self.dir, "--dir"));
        flags.extend(self.command.flags());
        // A value that is not text cannot be a value of ours; its name still can be a key.
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Places { file: self.config.clone(), environment, flags }
    }

    /// For whom to print.
    pub(crate) const fn format(&self) -> Format {
        if self.json { Format::Programs } else { Format::People }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it like `log.dir=data`")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
