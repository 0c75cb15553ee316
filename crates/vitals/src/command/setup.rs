//! `vitals setup`: the topics, and a first model.

use super::Context;
use crate::access;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use anyhow::{Context as _, Result};
use clap::Args;
use log::Log;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// A model to publish right away.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl Setup {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        // A model that is not valid shall not leave topics without one behind.
        let model = self.model.as_deref().map(super::model::read_valid).transpose()?;
        let settings = &context.settings;
        let log = access::open(settings)?;
        let topics = &settings.topics;
        let specs = pipeline::topic::specs(topics.partitions, topics.source_partitions);
        let mut made = 0;
        for spec in &specs {
            made += usize::from(log.topic(&spec.name)?.is_none());
            log.create(spec).with_context(|| {
                "topics.partitions and topics.source_partitions are fixed once topics exist; set them as they were, \
                 or name a new directory"
            })?;
        }
        let epoch = settings.identity().epoch;
        let id = model.map(|text| pipeline::publish(&log, &text, epoch)).transpose()?;
        let mut out = Out::new();
        match context.format {
            Format::Programs => {
                let model = id.map(|id| id.to_string());
                out.json(&json!({ "topics": specs.len(), "made": made, "model": model }))?;
            }
            Format::People => {
                let dir = settings.log.dir.display();
                out.line(format_args!("{} topics in {dir}, {made} of them new", specs.len()))?;
                match id {
                    Some(id) => out.line(format_args!("model {id} is published"))?,
                    None => out.line("publish a model with `vitals model publish FILE`")?,
                }
            }
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }
}
