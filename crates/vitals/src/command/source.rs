//! `vitals source`: what concerns one source.

use super::Context;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::settings::LogKind;
use anyhow::Result;
use clap::Subcommand;
use model::source::Source as Name;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(crate) enum Source {
    /// Let a source go on that was stopped since too many of its records were rejected.
    Resume {
        /// The source, such as `login`.
        #[arg(value_parser = super::produce::source)]
        source: Name,
    },
}

impl Source {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let Self::Resume { source } = self;
        context.access()?.resume(*source)?;
        let mut out = Out::new();
        match context.format {
            Format::Programs => out.json(&json!({ "resumed": source.name() }))?,
            Format::People if context.settings.log.kind == LogKind::Kafka => out.line(format_args!(
                "source {source} goes on, as far as that process has its partitions; ask the others too"
            ))?,
            Format::People => out.line(format_args!("source {source} goes on"))?,
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }
}
