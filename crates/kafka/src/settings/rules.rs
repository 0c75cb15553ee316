//! What a property may be: what librdkafka takes, and not what the promises forbid.

use super::Problem;
use crate::native::Config;
use std::collections::BTreeMap;

/// Properties that may not be given, and why.
const REFUSED: &[(&[&str], &str)] = &[
    (&["bootstrap.servers", "metadata.broker.list"], "brokers are named by the setting `bootstrap`"),
    (
        &[
            "security.protocol",
            "sasl.mechanism",
            "sasl.mechanisms",
            "sasl.username",
            "sasl.password",
            "ssl.ca.location",
            "ssl.certificate.location",
            "ssl.key.location",
            "ssl.key.password",
        ],
        "encryption and authentication are set by `security`",
    ),
    (
        &["isolation.level"],
        "what a reader may see is decided by what it reads for: an uncommitted record of the journal would be folded twice",
    ),
    (
        &["enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store"],
        "offsets are committed with the transaction that holds what was made of them, and nowhere else",
    ),
    (
        &["auto.offset.reset"],
        "a position that the log does not hold any more is an error, not a new beginning",
    ),
    (&["enable.partition.eof"], "the end of a partition is read from these events"),
    (
        &["group.id", "group.instance.id"],
        "groups and instances are named by the pipeline, so that they are stable over restarts",
    ),
    (
        &["group.protocol", "group.remote.assignor", "partition.assignment.strategy"],
        "the hand-over of partitions is made for the classic protocol with cooperative-sticky",
    ),
    (&["allow.auto.create.topics"], "topics are created by `vitals setup`, with what they need"),
    (
        &["transactional.id", "transaction.timeout.ms"],
        "transactional ids are named by the pipeline; the time-out is the setting `transaction_timeout`",
    ),
    (
        &[
            "enable.idempotence",
            "acks",
            "request.required.acks",
            "retries",
            "message.send.max.retries",
            "max.in.flight",
            "max.in.flight.requests.per.connection",
            "enable.gapless.guarantee",
            "queuing.strategy",
        ],
        "exactly once stands on idempotent appends that all replicas in sync have acknowledged",
    ),
    (&["delivery.report.only.error"], "the reports bring the log's clock"),
    (&["log.queue"], "log lines go to the process's own log"),
];

/// Properties of topics that may not be given, and why.
const TOPIC_REFUSED: &[&str] = &[
    "cleanup.policy",
    "message.timestamp.type",
    "max.message.bytes",
    "max.compaction.lag.ms",
    "retention.ms",
    "retention.bytes",
];

/// What is wrong with the properties of a section.
pub(super) fn check(section: &str, given: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut scratch = Config::new();
    for (name, value) in given {
        let refused = REFUSED.iter().find(|(names, _)| names.contains(&name.as_str()));
        let rule = match refused {
            Some((_, reason)) => Some(format!("may not be set: {reason}")),
            None => scratch.set(name, value).err(),
        };
        problems.extend(rule.map(|rule| Problem { key: format!("{section}.{name}"), rule }));
    }
    problems
}

/// What is wrong with the properties of new topics. Their names and values are the broker's to judge.
pub(super) fn check_topic(given: &BTreeMap<String, String>) -> Vec<Problem> {
    let refused = given.keys().filter(|name| TOPIC_REFUSED.contains(&name.as_str()));
    refused
        .map(|name| Problem {
            key: format!("topic.{name}"),
            rule: "may not be set: it follows from what the topic is for".to_owned(),
        })
        .collect()
}
