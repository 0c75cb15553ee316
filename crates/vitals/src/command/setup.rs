//! `vitals setup`: the topics, and a first model.

use super::Context;
use crate::access::{self, direct::patiently};
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::settings::LogKind;
use crate::topic::Found;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use log::{Log, TopicSpec};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// A model to publish right away.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,

    /// Only say what would be made and what differs.
    #[arg(long)]
    dry_run: bool,
}

impl Setup {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        // A model that is not valid shall not leave topics without one behind.
        let model = self.model.as_deref().map(super::model::read_valid).transpose()?;
        let settings = &context.settings;
        if settings.log.kind == LogKind::Embedded {
            access::ensure_no_run(&settings.log.dir)?;
        }
        let log = access::open(settings)?;
        let topics = &settings.topics;
        let specs = pipeline::topic::specs(topics.partitions, topics.source_partitions);
        let find = |spec: &TopicSpec| Found::look(&log, spec.clone()).with_context(|| settings.place());
        let found: Vec<Found> = specs.iter().map(find).collect::<Result<_>>()?;
        let mut differs = Vec::new();
        for found in &found {
            differs.extend(found.differs_wholly(&log).with_context(|| settings.place())?);
        }
        let missing: Vec<&str> =
            found.iter().filter(|found| found.is.is_none()).map(|found| &*found.spec.name).collect();
        if self.dry_run {
            return tell(context, &missing, &differs);
        }
        ensure!(differs.is_empty(), "{}", differs.join("\n"));
        let made = missing.len();
        for found in found.iter().filter(|found| found.is.is_none()) {
            patiently(|| log.create(&found.spec)).with_context(|| settings.place())?;
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
                let place = settings.place();
                out.line(format_args!("{} topics in {place}, {made} of them new", specs.len()))?;
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

/// Says what would be made and what differs.
fn tell(context: &Context, missing: &[&str], differs: &[String]) -> Result<Outcome> {
    let mut out = Out::new();
    match context.format {
        Format::Programs => out.json(&json!({ "missing": missing, "differs": differs }))?,
        Format::People => {
            for name in missing {
                out.line(format_args!("topic {name} would be made"))?;
            }
            for difference in differs {
                out.line(difference)?;
            }
            if missing.is_empty() && differs.is_empty() {
                out.line("all topics are there as they must be")?;
            }
        }
    }
    out.flush()?;
    Ok(if differs.is_empty() { Outcome::Fine } else { Outcome::Findings })
}
