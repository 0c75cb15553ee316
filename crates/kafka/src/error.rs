//! What a code of librdkafka or of a broker means for a call that is not a commit.

use crate::native::{Code, Failure, Kind};
use log::Error;

/// What to tell of a failed request. `trouble` is what the client last said of its connections: a time-out alone
/// explains nothing.
pub(crate) fn refusal(what: &str, failure: &Failure, trouble: Option<&str>) -> Error {
    let reason = explain(what, failure, trouble);
    if failure.kind == Kind::Fatal || is_final(failure.code) {
        Error::Fatal(reason)
    } else {
        Error::Busy(reason)
    }
}

/// As [`refusal`], where the matter is one topic.
pub(crate) fn of_topic(topic: &str, failure: &Failure, trouble: Option<&str>) -> Error {
    if is_missing(failure.code) {
        Error::Missing(topic.to_owned())
    } else {
        refusal(&format!("topic {topic}"), failure, trouble)
    }
}

pub(crate) fn is_missing(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
            | Code::RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
    )
}

/// What no waiting mends.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR__FATAL
            | Code::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
            | Code::RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION
            | Code::RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT
    )
}

/// What is needed for offsets that are decided, and for transactions that know of generations.
pub(crate) const NEWER: &str = "Kafka 2.5 or newer is needed";

/// The way out, where the code shows one.
#[allow(clippy::wildcard_enum_match_arm, reason = "there are some two hundred codes")]
pub(crate) fn remedy(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED => {
            "grant this user READ, WRITE, DESCRIBE and DESCRIBE_CONFIGS on the topic"
        }
        Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED => "grant this user READ on the group",
        Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
            "grant this user WRITE and DESCRIBE on the transactional id"
        }
        Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => "grant this user CREATE on the cluster",
        Code::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED | Code::RD_KAFKA_RESP_ERR__AUTHENTICATION => {
            "check the user, the password or token, and the mechanism"
        }
        Code::RD_KAFKA_RESP_ERR__SSL => "check the certificates to trust (`ca_file`)",
        Code::RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT => {
            "`transaction_timeout` is above the broker's transaction.max.timeout.ms"
        }
        Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID => {
            "another process runs under this name; give each process one of its own, with `vitals run --process NAME`"
        }
        Code::RD_KAFKA_RESP_ERR_PRODUCER_FENCED
        | Code::RD_KAFKA_RESP_ERR__FENCED
        | Code::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH => {
            "another process writes under this id, or the broker gave up on a transaction that took longer than \
             `transaction_timeout`"
        }
        Code::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE | Code::RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION => NEWER,
        _ => return None,
    })
}

pub(crate) fn explain(what: &str, failure: &Failure, trouble: Option<&str>) -> String {
    let mut text = format!("{what}: {failure}");
    if let Some(remedy) = remedy(failure.code) {
        text = format!("{text}: {remedy}");
    }
    match trouble.filter(|trouble| !failure.reason.contains(trouble)) {
        Some(trouble) => format!("{text}; the client says: {trouble}"),
        None => text,
    }
}
