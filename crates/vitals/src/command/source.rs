//! `vitals source`: what concerns one source.

use super::Context;
use crate::admin::view::Skipped;
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
    /// Accept that records of a partition are lost: they were deleted before they were read. The partition goes on at the
    /// first offset that its topic still has; what is gone is counted as lost.
    Skip {
        /// The source, such as `login`.
        #[arg(value_parser = super::produce::source)]
        source: Name,

        /// The partition that is refused.
        #[arg(long, value_name = "NUMBER")]
        partition: u32,
    },
}

impl Source {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let access = context.access()?;
        let mut out = Out::new();
        match self {
            Self::Resume { source } => {
                access.resume(*source)?;
                match context.format {
                    Format::Programs => out.json(&json!({ "resumed": source.name() }))?,
                    Format::People if context.settings.log.kind == LogKind::Kafka => out.line(format_args!(
                        "source {source} goes on, as far as that process has its partitions; ask the others too"
                    ))?,
                    Format::People => out.line(format_args!("source {source} goes on"))?,
                }
            }
            Self::Skip { source, partition } => {
                let Skipped { from, to } = access.skip(*source, *partition)?;
                match context.format {
                    Format::Programs => out.json(
                        &json!({ "skipped": source.name(), "partition": partition, "from": from, "to": to }),
                    )?,
                    Format::People => out.line(format_args!(
                        "partition {partition} of source {source} goes on at offset {to}; what stood from offset {from} on \
                         is lost, and counted as that"
                    ))?,
                }
            }
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }
}
