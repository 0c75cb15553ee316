//! `vitals config show`: the settings in force, secrets hidden.

use super::Context;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::settings::kafka::TABLES;
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
                let mut values: BTreeMap<String, toml::Value> =
                    values.map(|(key, value)| (key.name.to_owned(), value)).collect();
                for (table, name, value) in context.settings.kafka.shown() {
                    let value = toml::Value::String(value.unwrap_or("(hidden)").to_owned());
                    values.insert(format!("kafka.{table}.{name}"), value);
                }
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
                for of in TABLES {
                    let about = match of {
                        "topic" => "Kafka properties of topics that `setup` makes".to_owned(),
                        "client" => "librdkafka properties of every client".to_owned(),
                        _ => format!("librdkafka properties of {of}s, before those of every client"),
                    };
                    out.line(format_args!("\n# {about}\n[kafka.{of}]"))?;
                    for (_, name, value) in
                        context.settings.kafka.shown().filter(|(table, _, _)| *table == of)
                    {
                        let (name, value) = (
                            toml::Value::String(name.to_owned()),
                            value.map(|value| toml::Value::String(value.to_owned())),
                        );
                        match value {
                            Some(value) => out.line(format_args!("{name} = {value}"))?,
                            None => out.line(format_args!("# {name} = (hidden)"))?,
                        }
                    }
                }
            }
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }
}
