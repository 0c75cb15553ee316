//! Topics: what they are, and how they are made.

use crate::error::{is_missing, of_topic};
use crate::native::{Code, number};
use crate::shared::Shared;
use log::{Cleanup, Error, Result, Stamp, TopicSpec};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How soon to ask again whether a new topic is known.
const AGAIN: Duration = Duration::from_millis(10);

/// What a topic's `max.message.bytes`, which counts a batch, leaves beside a record's key, value and headers: 61
/// bytes of the batch, at most 40 of lengths, and room for the lengths of some 90 headers.
const AROUND_BYTES: usize = 1_024;

impl Shared {
    pub(crate) fn topic(&self, topic: &str) -> Result<Option<TopicSpec>> {
        match self.describe(topic) {
            Ok((spec, _)) => Ok(Some(spec)),
            Err(Error::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn describe(&self, topic: &str) -> Result<(TopicSpec, BTreeMap<String, String>)> {
        let partitions = self.partitions(topic)?;
        let properties = self
            .requests
            .properties(topic, self.settings.answer_within)
            .map_err(|failure| of_topic(topic, &failure, self.trouble().as_deref()))?;
        let is = |name: &str| properties.get(name).map_or("", String::as_str);
        let spec = TopicSpec {
            name: topic.into(),
            partitions,
            stamp: if is("message.timestamp.type") == "LogAppendTime" {
                Stamp::Append
            } else {
                Stamp::Create
            },
            cleanup: if is("cleanup.policy").split(',').any(|policy| policy == "compact") {
                Cleanup::Compact
            } else {
                Cleanup::Keep
            },
            max_record_bytes: is("max.message.bytes")
                .parse::<usize>()
                .map_or(usize::MAX, |bytes| bytes.saturating_sub(AROUND_BYTES)),
        };
        Ok((spec, properties))
    }

    pub(crate) fn create(&self, spec: &TopicSpec) -> Result<()> {
        self.check_batches(spec)?;
        match self.describe(&spec.name) {
            Ok((there, properties)) => return compare(spec, &there, &properties),
            Err(Error::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        let replication = self.settings.replication.map_or(-1, i32::from);
        let created = self.requests.create_topic(
            &spec.name,
            number(spec.partitions),
            replication,
            &self.properties_of(spec),
            self.settings.answer_within,
        );
        match created {
            Ok(()) => self.wait_for(spec),
            Err(failure) if failure.code == Code::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS => {
                let (there, properties) = self.describe(&spec.name).map_err(|error| match error {
                    Error::Missing(topic) => Error::Busy(format!("{topic} is just being created")),
                    Error::Busy(_) | Error::Refused(_) | Error::OutOfRange { .. } | Error::Fatal(_) => error,
                })?;
                compare(spec, &there, &properties)
            }
            Err(failure) if is_refused(failure.code) => {
                Err(Error::Refused(format!("topic {} cannot be created: {failure}", spec.name)))
            }
            // Where a broker knows it already and another does not, it is missing for a moment.
            Err(failure) if is_missing(failure.code) => Err(Error::Busy(failure.to_string())),
            Err(failure) => Err(of_topic(&spec.name, &failure, self.trouble().as_deref())),
        }
    }

    /// The controller answers before brokers know of the topic and lead its partitions.
    fn wait_for(&self, spec: &TopicSpec) -> Result<()> {
        let until = Instant::now() + self.settings.answer_within;
        loop {
            let told = self.ends(std::slice::from_ref(&spec.name));
            match told {
                Ok(_) => return Ok(()),
                Err(Error::Busy(_) | Error::Missing(_)) if Instant::now() < until => {
                    std::thread::sleep(AGAIN)
                }
                Err(Error::Busy(_) | Error::Missing(_)) => {
                    return Err(Error::Busy(format!("topic {} is just being created", spec.name)));
                }
                Err(error @ (Error::Refused(_) | Error::OutOfRange { .. } | Error::Fatal(_))) => {
                    return Err(error);
                }
            }
        }
    }

    /// A batch of small records may be as large as `batch.size`, and its topic must take it.
    fn check_batches(&self, spec: &TopicSpec) -> Result<()> {
        let batch = self.settings.batch_bytes();
        if spec.max_record_bytes < batch {
            return Err(Error::Refused(format!(
                "topic {} with records of at most {} bytes: producers make batches of {batch}; give the topic that \
                 much, or lower producer.batch.size",
                spec.name, spec.max_record_bytes
            )));
        }
        Ok(())
    }

    fn properties_of(&self, spec: &TopicSpec) -> BTreeMap<String, String> {
        let mut all = self.settings.topic.clone();
        let mut add = |name: &str, value: String| {
            all.insert(name.to_owned(), value);
        };
        let most = spec.max_record_bytes.saturating_add(AROUND_BYTES).min(i32::MAX as usize);
        add("max.message.bytes", most.to_string());
        let stamp = match spec.stamp {
            Stamp::Append => "LogAppendTime",
            Stamp::Create => "CreateTime",
        };
        add("message.timestamp.type", stamp.to_owned());
        match spec.cleanup {
            Cleanup::Keep => {
                add("cleanup.policy", "delete".to_owned());
                add("retention.ms", "-1".to_owned());
                add("retention.bytes", "-1".to_owned());
            }
            Cleanup::Compact => {
                add("cleanup.policy", "compact".to_owned());
                add("max.compaction.lag.ms", self.settings.max_compaction_lag.as_millis().to_string());
            }
        }
        all
    }
}

/// The command that gives a topic properties (`name=value`, separated by commas), in words.
#[must_use]
pub fn mend(topic: &str, properties: &str) -> String {
    format!(
        "`kafka-configs.sh --bootstrap-server BROKER --alter --entity-type topics --entity-name {topic} --add-config {properties}` mends it"
    )
}

/// Whether a topic that is there is the one that was asked for; if not, what differs, and the command that mends what
/// can be.
fn compare(spec: &TopicSpec, there: &TopicSpec, properties: &BTreeMap<String, String>) -> Result<()> {
    let (mut differs, mut mends) = (Vec::new(), Vec::new());
    if spec.partitions != there.partitions {
        differs.push(format!("it has {} partitions, not {}", there.partitions, spec.partitions));
    }
    if spec.stamp != there.stamp {
        differs.push(format!("its records are stamped by {:?}, not {:?}", there.stamp, spec.stamp));
    }
    if spec.cleanup != there.cleanup {
        differs.push(format!("its cleanup is {:?}, not {:?}", there.cleanup, spec.cleanup));
    }
    let mut property = |name: &str, is: &str, must: &str, so: &str| {
        differs.push(format!("{name} is {is}, not {must}{so}"));
        mends.push(format!("{name}={must}"));
    };
    if spec.max_record_bytes != there.max_record_bytes {
        let [is, must] =
            [there, spec].map(|spec| spec.max_record_bytes.saturating_add(AROUND_BYTES).to_string());
        property("max.message.bytes", &is, &must, "");
    }
    let policy = properties.get("cleanup.policy").map_or("", String::as_str);
    if spec.cleanup == Cleanup::Compact && there.cleanup == Cleanup::Compact && policy != "compact" {
        property("cleanup.policy", policy, "compact", ", so that what is needed for ever is deleted");
    }
    if spec.cleanup == Cleanup::Keep {
        for name in ["retention.ms", "retention.bytes"] {
            if let Some(value) = properties.get(name).filter(|value| *value != "-1") {
                property(name, value, "-1", ", so that what is needed for ever is deleted");
            }
        }
    }
    if differs.is_empty() {
        return Ok(());
    }
    let mut text = format!("topic {} is there: {}", spec.name, differs.join(", "));
    if !mends.is_empty() {
        text += &format!("; {}", mend(&spec.name, &mends.join(",")));
    }
    Err(Error::Refused(text))
}

/// What no waiting mends.
fn is_refused(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION
            | Code::RD_KAFKA_RESP_ERR_INVALID_PARTITIONS
            | Code::RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR
            | Code::RD_KAFKA_RESP_ERR_INVALID_CONFIG
            | Code::RD_KAFKA_RESP_ERR_INVALID_REQUEST
            | Code::RD_KAFKA_RESP_ERR_POLICY_VIOLATION
            | Code::RD_KAFKA_RESP_ERR__INVALID_ARG
    )
}
