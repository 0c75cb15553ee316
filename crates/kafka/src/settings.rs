//! What can be set, and what may not be.
//!
//! Every property of librdkafka can be given, except those on which the promises stand (`rules`): these are
//! refused with the reason. [`Settings::check`] finds what is wrong before anything is connected: it puts
//! together the clients that will be made, without an address to connect to.

mod properties;
mod rules;
mod security;

pub(crate) use properties::config;
pub use security::{Sasl, Secret, Security, Tls, Token, Tokens};

use crate::native::{Handle, Role};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How the cluster is reached, and how clients behave.
#[derive(Clone)]
pub struct Settings {
    /// Brokers to begin with, each `host:port`. At least one.
    pub bootstrap: Vec<String>,
    /// Encryption and authentication. Default: none.
    pub security: Security,
    /// librdkafka properties of every client.
    pub client: BTreeMap<String, String>,
    /// librdkafka properties of consumers, before those of `client`.
    pub consumer: BTreeMap<String, String>,
    /// librdkafka properties of producers, before those of `client`.
    pub producer: BTreeMap<String, String>,
    /// Kafka properties of the topics that are created, beside those that their spec decides.
    pub topic: BTreeMap<String, String>,
    /// Replicas of topics that are created. Default: the cluster's default.
    pub replication: Option<u16>,
    /// How long a request may wait for its answer before it is [`log::Error::Busy`]. Default 1 s.
    pub answer_within: Duration,
    /// After what time the broker gives up on a transaction. Default 15 s; at most the broker's
    /// `transaction.max.timeout.ms`.
    pub transaction_timeout: Duration,
    /// After what time at most a compacted topic that is created is compacted. Default 1 h.
    pub max_compaction_lag: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bootstrap: Vec::new(),
            security: Security::default(),
            client: BTreeMap::new(),
            consumer: BTreeMap::new(),
            producer: BTreeMap::new(),
            topic: BTreeMap::new(),
            replication: None,
            answer_within: Duration::from_secs(1),
            transaction_timeout: Duration::from_secs(15),
            max_compaction_lag: Duration::from_hours(1),
        }
    }
}

/// Properties are shown by name only: some hold passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("bootstrap", &self.bootstrap)
            .field("security", &self.security)
            .field("client", &self.client.keys())
            .field("consumer", &self.consumer.keys())
            .field("producer", &self.producer.keys())
            .field("topic", &self.topic)
            .field("replication", &self.replication)
            .field("answer_within", &self.answer_within)
            .field("transaction_timeout", &self.transaction_timeout)
            .field("max_compaction_lag", &self.max_compaction_lag)
            .finish()
    }
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which one, as `consumer.isolation.level`.
    pub key: String,
    /// What it breaks.
    pub rule: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.rule)
    }
}

/// All that is wrong with some settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))]
pub struct Invalid(pub Vec<Problem>);

impl Settings {
    /// Those for a cluster without encryption, with all defaults.
    #[must_use]
    pub fn plain(bootstrap: impl IntoIterator<Item = String>) -> Self {
        Self { bootstrap: bootstrap.into_iter().collect(), ..Self::default() }
    }

    /// Finds what is wrong, all at once. Reads the files that the settings name, and connects to nothing.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn check(&self) -> Result<(), Invalid> {
        let mut problems = self.check_fields();
        for (section, given) in
            [("client", &self.client), ("consumer", &self.consumer), ("producer", &self.producer)]
        {
            problems.extend(rules::check(section, given));
        }
        problems.extend(rules::check_topic(&self.topic));
        if problems.is_empty() {
            problems.extend(self.check_clients());
        }
        if problems.is_empty() { Ok(()) } else { Err(Invalid(problems)) }
    }

    fn check_fields(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, rule: &str| {
            problems.push(Problem { key: key.to_owned(), rule: rule.to_owned() });
        };
        if self.bootstrap.is_empty() {
            wrong("bootstrap", "names no broker; give at least one host:port");
        }
        for broker in &self.bootstrap {
            let port = broker.rsplit_once(':').and_then(|(host, port)| {
                (!host.is_empty() && !host.contains([',', ' '])).then(|| port.parse::<u16>().ok())?
            });
            if port.is_none_or(|port| port == 0) {
                wrong("bootstrap", &format!("{broker:?} is not host:port"));
            }
        }
        if self.replication == Some(0) {
            wrong("replication", "a topic has at least one replica");
        }
        for (key, time) in [
            ("answer_within", self.answer_within),
            ("transaction_timeout", self.transaction_timeout),
            ("max_compaction_lag", self.max_compaction_lag),
        ] {
            if time < Duration::from_millis(1) || time > Duration::from_hours(24 * 24) {
                wrong(key, "must be between 1 ms and 24 days");
            }
        }
        problems.extend(self.security.check());
        problems
    }

    /// librdkafka compares some properties with each other, and reads certificates, only when a client is made.
    fn check_clients(&self) -> Option<Problem> {
        for (section, role) in
            [("client", Role::Admin), ("consumer", Role::Consumer), ("producer", Role::Producer)]
        {
            let mut properties = self.properties(role, "check");
            properties.retain(|(name, _)| *name != "bootstrap.servers");
            // It would warn of just that.
            properties.push(("log_level".to_owned(), "0".to_owned()));
            let made = config(&properties)
                .and_then(|config| Handle::new(role, config).map_err(|failure| failure.reason));
            if let Err(rule) = made {
                return Some(Problem { key: section.to_owned(), rule });
            }
        }
        None
    }

    /// How many bytes of records a producer puts into one batch at most.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.of_producer("batch.size").unwrap_or(properties::BATCH_BYTES)
    }

    /// How many records it puts into one at most.
    pub(crate) fn batch_records(&self) -> usize {
        self.of_producer("batch.num.messages").unwrap_or(properties::BATCH_RECORDS)
    }

    fn of_producer(&self, property: &str) -> Option<usize> {
        let given = self.producer.get(property).or_else(|| self.client.get(property));
        given.and_then(|given| given.parse().ok())
    }
}

#[cfg(test)]
mod tests;
