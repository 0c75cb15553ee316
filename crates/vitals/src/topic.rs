//! Topics as they are, beside what they must be: what `setup` tells or makes, and `run` refuses to work on.

use crate::access::direct::patiently;
use crate::store::Store;
use log::{Cleanup, Error, Log, Stamp, TopicSpec};

/// What a topic is, beside what it must be.
#[derive(Debug)]
pub(crate) struct Found {
    /// What it must be.
    pub(crate) spec: TopicSpec,
    /// What it is, if it is there.
    pub(crate) is: Option<TopicSpec>,
}

impl Found {
    /// Looks what there is.
    pub(crate) fn look(log: &Store, spec: TopicSpec) -> log::Result<Self> {
        let is = patiently(|| log.topic(&spec.name))?;
        Ok(Self { spec, is })
    }

    /// Whether it is there and belongs to those who write activity: it may be almost anything.
    fn is_theirs(&self) -> bool {
        self.is.is_some() && pipeline::topic::source_of(&self.spec.name).is_some()
    }

    /// What differs of that, and what mends it.
    pub(crate) fn differs(&self) -> Vec<String> {
        let Some(is) = &self.is else { return Vec::new() };
        let mut all = Vec::new();
        let name = &self.spec.name;
        if self.is_theirs() {
            if is.cleanup == Cleanup::Compact {
                all.push(format!(
                    "source topic {name} is compacted, so that activity with the same key is lost before it is read: {}",
                    kafka::mend(name, "cleanup.policy=delete")
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
            let mend = kafka::mend(name, &format!("{property}={must}"));
            all.push(format!("topic {name} has {property} = {is}: {mend}"));
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

    /// The same, and of a topic of ours also what the log alone can tell, such as how long its records are kept.
    pub(crate) fn differs_wholly(&self, log: &Store) -> log::Result<Vec<String>> {
        let mut all = self.differs();
        if all.is_empty() && self.is.is_some() && !self.is_theirs() {
            // Of a topic that is there, this looks at everything and changes nothing.
            match patiently(|| log.create(&self.spec)) {
                Ok(()) => {}
                Err(Error::Refused(reason)) => all.push(reason),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }
}
