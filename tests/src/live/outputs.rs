//! What the workers published, taken out of the log as it comes, so that a long stream needs no more memory than a
//! short one; and the same of the journal folded by nobody's worker. Of both a digest is kept.

use super::run::JOURNAL;
use crate::simulation::crew::INSTANCE;
use engine::effect::{Effect, EffectId, Sink};
use log::Partition;
use log::simulated::Cluster;
use pipeline::topic;
use std::hash::{DefaultHasher, Hasher};
use wire::output::{Encoder, Journal, Output};

/// The output topics, in the order of [`Output::ALL`].
const TOPICS: [&str; 3] = [topic::HEALTH, topic::ALERTS, topic::ACCOUNT_HEALTH];

/// Records of one partition of one topic, in order: how many, and a hash of their bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest {
    pub(super) records: u64,
    hasher: DefaultHasher,
}

impl Digest {
    fn add<'a>(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) {
        self.records += 1;
        self.part(key);
        value.into_iter().for_each(|value| self.part(value));
        for (name, value) in headers {
            self.part(name);
            self.part(value);
        }
    }

    fn part(&mut self, bytes: &[u8]) {
        self.hasher.write_usize(bytes.len());
        self.hasher.write(bytes);
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        (self.records, self.hasher.finish()) == (other.records, other.hasher.finish())
    }
}

/// What stands in the output topics, by journal partition and topic.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) digests: [[Digest; TOPICS.len()]; JOURNAL as usize],
}

impl Published {
    /// Takes out what has come.
    pub(super) fn take(&mut self, cluster: &Cluster) {
        for (number, digests) in (0..).zip(&mut self.digests) {
            for (topic, digest) in TOPICS.into_iter().zip(digests) {
                let partition = Partition::new(topic, number);
                let records = cluster.committed_records(&partition);
                for record in &records {
                    let headers =
                        record.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
                    digest.add(record.key.as_deref().unwrap_or_default(), record.value.as_deref(), headers);
                }
                if let Some(last) = records.last() {
                    cluster.truncate_before(&partition, last.offset + 1);
                }
            }
        }
    }
}

/// Takes what the fold of one journal partition says.
pub(super) struct Folded {
    encoder: Encoder,
    journal: Journal,
    pub(super) digests: [Digest; TOPICS.len()],
}

impl Folded {
    pub(super) fn new(partition: u32) -> Self {
        let journal = Journal { epoch: 1, partition };
        Self { encoder: Encoder::new(INSTANCE), journal, digests: Default::default() }
    }
}

impl Sink for Folded {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        let made = self.encoder.encode(self.journal, id, effect);
        let place = Output::ALL.iter().position(|output| *output == made.output).unwrap_or(0);
        let headers = made.headers.iter().map(|(name, value)| (name.as_bytes(), *value));
        self.digests[place].add(made.key, made.value, headers);
    }
}
