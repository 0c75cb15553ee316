//! The properties of a client, put together: our defaults, what was given, what the promises need.

use super::Settings;
use crate::native::{Config, Role};

/// librdkafka's own default of `batch.size`.
pub(super) const BATCH_BYTES: usize = 1_000_000;

/// librdkafka's own default of `batch.num.messages`.
pub(super) const BATCH_RECORDS: usize = 10_000;

/// What serves a pipeline, of every client.
const CLIENT: [(&str, &str); 4] = [
    ("client.id", "vitals"),
    ("socket.keepalive.enable", "true"),
    // librdkafka's default of five minutes is how long a new partition would stay unread.
    ("topic.metadata.refresh.interval.ms", "30000"),
    // Its default of 10 s would be added to every outage of a broker.
    ("reconnect.backoff.max.ms", "2000"),
];

const CONSUMER: [(&str, &str); 10] = [
    ("queued.min.messages", "20000"),
    ("queued.max.messages.kbytes", "8192"),
    ("fetch.message.max.bytes", "524288"),
    // With the default of 1,000 a full queue stalls its partition for up to a second.
    ("fetch.queue.backoff.ms", "1"),
    // With 1 byte a stream of tiny batches keeps the broker busy; with a short wait this costs no latency.
    ("fetch.min.bytes", "100000"),
    ("fetch.wait.max.ms", "10"),
    ("check.crcs", "true"),
    ("session.timeout.ms", "30000"),
    ("heartbeat.interval.ms", "1000"),
    // A position that is out of range is fetched again at once, not after half a second.
    ("fetch.error.backoff.ms", "100"),
];

const PRODUCER: [(&str, &str); 5] = [
    ("compression.codec", "lz4"),
    // A transaction is flushed, which ends any waiting: sooner, only part of a batch would go.
    ("linger.ms", "1000"),
    // The default of 100 ms is waited out whenever the markers of the transaction before are still being written.
    ("retry.backoff.ms", "10"),
    ("queue.buffering.max.messages", "1000000"),
    // The topic's limit decides, not the client's.
    ("message.max.bytes", "104857600"),
];

/// What the promises need of a consumer, whatever it is for; `isolation.level` is added by its user.
const CONSUMER_MUST: [(&str, &str); 7] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("group.protocol", "classic"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("allow.auto.create.topics", "false"),
];

const PRODUCER_MUST: [(&str, &str); 3] =
    [("enable.idempotence", "true"), ("acks", "all"), ("delivery.report.only.error", "false")];

impl Settings {
    /// The properties of a client of this role; `id` is its group or its transactional id.
    pub(crate) fn properties(&self, role: Role, id: &str) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| {
            all.retain(|(known, _)| known != name);
            all.push((name.to_owned(), value.to_owned()));
        };
        let none: &[(&str, &str)] = &[];
        let (defaults, given, must) = match role {
            Role::Admin => (none, None, none),
            Role::Consumer => (&CONSUMER[..], Some(&self.consumer), &CONSUMER_MUST[..]),
            Role::Producer => (&PRODUCER[..], Some(&self.producer), &PRODUCER_MUST[..]),
        };
        for (name, value) in CLIENT.iter().chain(defaults) {
            add(name, value);
        }
        for (name, value) in self.client.iter().chain(given.into_iter().flatten()) {
            add(name, value);
        }
        for (name, value) in must {
            add(name, value);
        }
        add("bootstrap.servers", &self.bootstrap.join(","));
        for (name, value) in self.security.properties() {
            add(name, &value);
        }
        match role {
            Role::Admin => {}
            Role::Consumer => add("group.id", id),
            Role::Producer => {
                add("transactional.id", id);
                add("transaction.timeout.ms", &self.transaction_timeout.as_millis().to_string());
            }
        }
        all
    }
}

/// Hands properties to librdkafka; what it says of the first that it does not take.
pub(crate) fn config(properties: &[(String, String)]) -> Result<Config, String> {
    let mut config = Config::new();
    for (name, value) in properties {
        config.set(name, value).map_err(|reason| format!("{name}: {reason}"))?;
    }
    Ok(config)
}
