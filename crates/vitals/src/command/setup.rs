//! `vitals setup`: the topics, and a first model.

use super::Context;
use crate::access::{self, direct::patiently};
use crate::exit::Outcome;
use crate::print::{Format, Out};
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use log::{Cleanup, Error, Log, Stamp, TopicSpec};
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

/// What a topic is, beside what it must be.
#[derive(Debug)]
struct Found {
    spec: TopicSpec,
    is: Option<TopicSpec>,
}

/// The command that gives a topic a property.
fn mend(topic: &str, property: &str, must: &str) -> String {
    format!(
        "`kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config {property}={must}` mends it"
    )
}

impl Found {
    /// Whether it is there and belongs to those who write activity: it may be almost anything.
    fn is_theirs(&self) -> bool {
        self.is.is_some() && pipeline::topic::source_of(&self.spec.name).is_some()
    }

    /// What differs, and what mends it.
    fn differs(&self) -> Vec<String> {
        let Some(is) = &self.is else { return Vec::new() };
        let mut all = Vec::new();
        let name = &self.spec.name;
        if self.is_theirs() {
            if is.cleanup == Cleanup::Compact {
                all.push(format!(
                    "source topic {name} is compacted, so that activity with the same key is lost before it is read: {}",
                    mend(name, "cleanup.policy", "delete")
                ));
            }
            return all;
        }
        if is.partitions != self.spec.partitions {
            all.push(format!(
                "topic {name} has {} partitions and not {}: set topics.partitions as it is, or name an empty log; \
                 partitions of the journal and the outputs never change",
                is.partitions, self.spec.partitions
            ));
        }
        let mut property = |property: &str, is: &str, must: &str| {
            all.push(format!("topic {name} has {property} = {is}: {}", mend(name, property, must)));
        };
        if is.stamp != self.spec.stamp {
            let word = |stamp| if stamp == Stamp::Append { "LogAppendTime" } else { "CreateTime" };
            property("message.timestamp.type", word(is.stamp), word(self.spec.stamp));
        }
        if is.cleanup != self.spec.cleanup {
            let word = |cleanup| if cleanup == Cleanup::Compact { "compact" } else { "delete" };
            property("cleanup.policy", word(is.cleanup), word(self.spec.cleanup));
        }
        all
    }
}

impl Setup {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        // A model that is not valid shall not leave topics without one behind.
        let model = self.model.as_deref().map(super::model::read_valid).transpose()?;
        let settings = &context.settings;
        let log = access::open(settings)?;
        let topics = &settings.topics;
        let specs = pipeline::topic::specs(topics.partitions, topics.source_partitions);
        let find = |spec: &TopicSpec| {
            let is = patiently(|| log.topic(&spec.name)).with_context(|| settings.place())?;
            Ok(Found { spec: spec.clone(), is })
        };
        let found: Vec<Found> = specs.iter().map(find).collect::<Result<_>>()?;
        let mut differs = Vec::new();
        for found in &found {
            let mut all = found.differs();
            if all.is_empty() && found.is.is_some() && !found.is_theirs() {
                // Of a topic that is there, this looks at everything and changes nothing.
                match patiently(|| log.create(&found.spec)) {
                    Ok(()) => {}
                    Err(Error::Refused(reason)) => all.push(reason),
                    Err(error) => return Err(error).with_context(|| settings.place()),
                }
            }
            differs.extend(all);
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
