//! What a shard has to say and has not committed: effects as output records, in order.

use crate::topic;
use engine::effect::{Effect, EffectId, Sink};
use log::Appends;
use std::sync::Arc;
use wire::output::{Encoder, Journal, Output};

/// The names of the output topics, shared by all outboxes of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    health: Arc<str>,
    alerts: Arc<str>,
    account_health: Arc<str>,
    pub(crate) state: Arc<str>,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            health: topic::HEALTH.into(),
            alerts: topic::ALERTS.into(),
            account_health: topic::ACCOUNT_HEALTH.into(),
            state: topic::STATE.into(),
        }
    }
}

impl Topics {
    pub(crate) const fn of(&self, output: Output) -> &Arc<str> {
        match output {
            Output::Health => &self.health,
            Output::Alerts => &self.alerts,
            Output::AccountHealth => &self.account_health,
        }
    }
}

/// Encodes the effects of one shard into what waits to be sent.
pub(crate) struct Outbox<'a> {
    pub(crate) encoder: &'a mut Encoder,
    pub(crate) journal: Journal,
    pub(crate) topics: &'a Topics,
    pub(crate) appends: &'a mut Appends,
}

impl Sink for Outbox<'_> {
    fn effect(&mut self, id: EffectId, effect: &Effect<'_>) {
        let record = self.encoder.encode(self.journal, id, effect);
        let topic = self.topics.of(record.output);
        self.appends.push(topic, self.journal.partition, Some(record.key), record.value, &record.headers);
    }
}

/// Takes effects and drops them: those of entries folded before.
pub(crate) struct Silent;

impl Sink for Silent {
    fn effect(&mut self, _: EffectId, _: &Effect<'_>) {}

    fn is_silent(&self) -> bool {
        true
    }
}
