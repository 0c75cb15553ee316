//! Requests about topics. Each waits for its answer on a queue of its own.

use super::error::{Failure, check, take};
use super::list::{Entry, entry};
use super::{Code, Handle, List, Message, ms};
use rdkafka_sys as sys;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use sys::rd_kafka_admin_op_t as Op;

/// Which of the offsets of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The least that can be read.
    First,
    /// The high watermark, whatever the isolation of anybody's consumer.
    End,
}

/// Offsets by topic and partition.
pub(crate) type Offsets = BTreeMap<(String, i32), i64>;

/// The options of one request.
struct Options(NonNull<sys::rd_kafka_AdminOptions_t>);

impl Options {
    fn new(handle: &Handle, op: Op, timeout: Duration) -> Result<Self, Failure> {
        let mut message = Message::new();
        // SAFETY: the client is alive; the options are ours; the buffer outlives the call.
        unsafe {
            let options = NonNull::new(sys::rd_kafka_AdminOptions_new(handle.as_ptr(), op))
                .ok_or_else(|| Failure::of(Code::RD_KAFKA_RESP_ERR__INVALID_ARG))?;
            let options = Self(options);
            check(sys::rd_kafka_AdminOptions_set_request_timeout(
                options.as_ptr(),
                ms(timeout),
                message.0.as_mut_ptr(),
                message.0.len(),
            ))?;
            if op == Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS {
                take(sys::rd_kafka_AdminOptions_set_isolation_level(
                    options.as_ptr(),
                    sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
                ))?;
            }
            Ok(options)
        }
    }

    fn as_ptr(&self) -> *mut sys::rd_kafka_AdminOptions_t {
        self.0.as_ptr()
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the options are ours.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.as_ptr()) };
    }
}

/// An event, destroyed when dropped.
struct Answer(NonNull<sys::rd_kafka_event_t>);

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: the event is ours.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) };
    }
}

impl Handle {
    /// How many partitions each topic has, in the order asked for.
    pub(crate) fn partitions(
        self: &Arc<Self>,
        topics: &[&str],
        timeout: Duration,
    ) -> Result<Vec<Result<u32, Failure>>, Failure> {
        let names: Vec<CString> = topics.iter().filter_map(|topic| CString::new(*topic).ok()).collect();
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let queue = self.new_queue();
        let options = Options::new(self, Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout)?;
        // SAFETY: all that is passed outlives the call, which copies; the collection is ours; an answer of this
        // kind has the parts that are asked for, and they live as long as it does.
        unsafe {
            let collection =
                sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
            sys::rd_kafka_DescribeTopics(self.as_ptr(), collection, options.as_ptr(), queue.as_ptr());
            sys::rd_kafka_TopicCollection_destroy(collection);
            let answer = answer(&queue, timeout)?;
            let mut count = 0;
            let result = sys::rd_kafka_event_DescribeTopics_result(answer.0.as_ptr());
            let described = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
            let mut told = BTreeMap::new();
            for &topic in slice(described, count) {
                let name = super::text(sys::rd_kafka_TopicDescription_name(topic));
                let error = sys::rd_kafka_TopicDescription_error(topic);
                let code = if error.is_null() {
                    Code::RD_KAFKA_RESP_ERR_NO_ERROR
                } else {
                    sys::rd_kafka_error_code(error)
                };
                let mut partitions = 0;
                sys::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions);
                told.insert(name, check(code).map(|()| u32::try_from(partitions).unwrap_or(u32::MAX)));
            }
            let missing = || Err(Failure::of(Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART));
            Ok(topics.iter().map(|topic| told.remove(*topic).unwrap_or_else(missing)).collect())
        }
    }

    /// Offsets of partitions. The answer is complete, or it is none.
    pub(crate) fn offsets(
        self: &Arc<Self>,
        partitions: &[(&str, i32)],
        edges: &[Edge],
        timeout: Duration,
    ) -> Result<Vec<Offsets>, Failure> {
        let mut asked = Vec::new();
        for edge in edges {
            let spec = match edge {
                Edge::First => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST,
                Edge::End => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST,
            };
            let mut list = List::new(partitions.len());
            for (topic, partition) in partitions {
                list.push(topic, *partition, spec as i64, None);
            }
            let queue = self.new_queue();
            let options = Options::new(self, Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout)?;
            // SAFETY: all that is passed outlives the call, which copies.
            unsafe {
                sys::rd_kafka_ListOffsets(self.as_ptr(), list.as_ptr(), options.as_ptr(), queue.as_ptr());
            }
            asked.push(queue);
        }
        asked.iter().map(|queue| listed(&answer(queue, timeout)?, partitions.len())).collect()
    }

    /// The properties of a topic.
    pub(crate) fn properties(
        self: &Arc<Self>,
        topic: &str,
        timeout: Duration,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let name = CString::new(topic).map_err(|_| Failure::of(Code::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION))?;
        let queue = self.new_queue();
        let options = Options::new(self, Op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout)?;
        // SAFETY: as in `partitions`.
        unsafe {
            let mut resource = sys::rd_kafka_ConfigResource_new(
                sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC,
                name.as_ptr(),
            );
            sys::rd_kafka_DescribeConfigs(
                self.as_ptr(),
                &raw mut resource,
                1,
                options.as_ptr(),
                queue.as_ptr(),
            );
            sys::rd_kafka_ConfigResource_destroy(resource);
            let answer = answer(&queue, timeout)?;
            let mut count = 0;
            let result = sys::rd_kafka_event_DescribeConfigs_result(answer.0.as_ptr());
            let resources = sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
            let Some(&resource) = slice(resources, count).first() else {
                return Err(Failure::of(Code::RD_KAFKA_RESP_ERR__BAD_MSG));
            };
            check(sys::rd_kafka_ConfigResource_error(resource))?;
            let mut entries = 0;
            let first = sys::rd_kafka_ConfigResource_configs(resource, &raw mut entries);
            Ok(slice(first, entries)
                .iter()
                .map(|&entry| {
                    (
                        super::text(sys::rd_kafka_ConfigEntry_name(entry)),
                        super::text(sys::rd_kafka_ConfigEntry_value(entry)),
                    )
                })
                .collect())
        }
    }

    /// Creates a topic. `replication` is -1 for the cluster's default.
    pub(crate) fn create_topic(
        self: &Arc<Self>,
        topic: &str,
        partitions: i32,
        replication: i32,
        properties: &BTreeMap<String, String>,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let invalid = |reason: &str| {
            Failure::new(Code::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, format!("{topic:?}: {reason}"))
        };
        let text = |text: &str| CString::new(text).map_err(|_| invalid("contains a NUL"));
        let name = text(topic)?;
        let queue = self.new_queue();
        let options = Options::new(self, Op::RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout)?;
        let mut message = Message::new();
        // SAFETY: as in `partitions`; the new topic is ours, on every way out of the closure too.
        unsafe {
            let new = sys::rd_kafka_NewTopic_new(
                name.as_ptr(),
                partitions,
                replication,
                message.0.as_mut_ptr(),
                message.0.len(),
            );
            let mut new = NonNull::new(new).ok_or_else(|| invalid(&message.read()))?.as_ptr();
            let told = (|| {
                for (name, value) in properties {
                    let (name, value) = (text(name)?, text(value)?);
                    check(sys::rd_kafka_NewTopic_set_config(new, name.as_ptr(), value.as_ptr()))?;
                }
                sys::rd_kafka_CreateTopics(self.as_ptr(), &raw mut new, 1, options.as_ptr(), queue.as_ptr());
                answer(&queue, timeout)
            })();
            sys::rd_kafka_NewTopic_destroy(new);
            let answer = told?;
            let mut count = 0;
            let result = sys::rd_kafka_event_CreateTopics_result(answer.0.as_ptr());
            let topics = sys::rd_kafka_CreateTopics_result_topics(result, &raw mut count);
            let Some(&created) = slice(topics, count).first() else {
                return Err(Failure::of(Code::RD_KAFKA_RESP_ERR__BAD_MSG));
            };
            check(sys::rd_kafka_topic_result_error(created)).map_err(|failure| {
                let reason = super::text(sys::rd_kafka_topic_result_error_string(created));
                if reason.is_empty() { failure } else { Failure { reason, ..failure } }
            })
        }
    }
}

/// # Safety
/// `first` is null or the start of `count` elements that live as long as what is returned.
unsafe fn slice<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: by this function's own condition.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// Waits for the answer of a request.
fn answer(queue: &super::Queue, timeout: Duration) -> Result<Answer, Failure> {
    // The request's own time-out comes first; its answer says what was waited for.
    let wait = timeout + Duration::from_millis(500);
    // SAFETY: the queue is alive; the event is ours.
    let event = unsafe { sys::rd_kafka_queue_poll(queue.as_ptr(), ms(wait)) };
    let event = NonNull::new(event).ok_or_else(|| Failure::of(Code::RD_KAFKA_RESP_ERR__TIMED_OUT))?;
    let answer = Answer(event);
    // SAFETY: the event is alive.
    unsafe {
        check(sys::rd_kafka_event_error(event.as_ptr())).map_err(|failure| {
            let reason = super::text(sys::rd_kafka_event_error_string(event.as_ptr()));
            if reason.is_empty() { failure } else { Failure { reason, ..failure } }
        })?;
    }
    Ok(answer)
}

fn listed(answer: &Answer, asked: usize) -> Result<Offsets, Failure> {
    let mut count = 0;
    // SAFETY: an answer to a request for offsets has these parts, and they live as long as it does.
    let entries: Vec<Entry> = unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(answer.0.as_ptr());
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        slice(infos, count)
            .iter()
            .map(|&info| entry(&*sys::rd_kafka_ListOffsetsResultInfo_topic_partition(info)))
            .collect()
    };
    let mut told = BTreeMap::new();
    for entry in entries {
        check(entry.code)?;
        // A request that timed out on a connection that was in use says -1001 without any error.
        if entry.offset < 0 {
            return Err(Failure::of(Code::RD_KAFKA_RESP_ERR__TIMED_OUT));
        }
        told.insert((entry.topic, entry.partition), entry.offset);
    }
    if told.len() == asked { Ok(told) } else { Err(Failure::of(Code::RD_KAFKA_RESP_ERR__PARTIAL)) }
}
