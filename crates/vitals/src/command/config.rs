//! `vitals config show`: the settings in force, secrets hidden.

use super::Context;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::settings::key::{KEYS, Secrecy};
use anyhow::Result;
use clap::Subcommand;
use std::collections::BTreeMap;

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print every setting with its value and meaning, as a file that can be read again.
    Show,
}

impl Config {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let Self::Show = self;
        let mut out = Out::new();
        let values = KEYS.iter().map(|key| (key, (key.show)(&context.settings)));
        match context.format {
            Format::Programs => {
                let values: BTreeMap<&str, toml::Value> =
                    values.map(|(key, value)| (key.name, value)).collect();
                out.json(&values)?;
            }
            Format::People => {
                let mut table = "";
                for (key, value) in values {
                    let (of, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
                    if of != table {
                        out.line(format_args!("\n[{of}]"))?;
                        table = of;
                    }
                    out.line(format_args!("# {}", key.about))?;
                    // What is hidden must not be read back as if it were the value.
                    let quote = if key.secrecy == Secrecy::Hidden { "# " } else { "" };
                    out.line(format_args!("{quote}{name} = {value}"))?;
                }
            }
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }
}
