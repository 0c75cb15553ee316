//! What is fetched, taken in batches.

use super::{Code, Failure, Handle, Queue, ms};
use log::{Batch, Stamp};
use rdkafka_sys as sys;
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// How many messages one call takes from librdkafka at most.
const TAKE: usize = 1_000;

/// A private queue of a consumer, and what was taken from it and not yet passed on.
///
/// Batch consumption on the consumer's own queue would answer rebalances in place of the group's owner, so partitions
/// are forwarded here. It is not shared: concurrent batch calls on one consumer are undefined (librdkafka,
/// INTRODUCTION.md, "Note on Batch consume APIs").
#[derive(Debug)]
pub(crate) struct Intake {
    // Messages go before the queue that they came from.
    held: VecDeque<Owned>,
    queue: Queue,
    space: Vec<*mut sys::rd_kafka_message_t>,
}

// SAFETY: `space` holds pointers only during a call; the messages are owned, and may be used from any thread.
unsafe impl Send for Intake {}

/// A message, destroyed when dropped.
#[derive(Debug)]
struct Owned(NonNull<sys::rd_kafka_message_t>);

/// What stands first.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A record of this partition.
    Record { topic: String, partition: i32 },
    /// The end of this partition, at this offset.
    End { topic: String, partition: i32, offset: i64 },
    /// An error of this partition.
    Failed { topic: String, partition: i32, failure: Failure },
}

impl Owned {
    fn message(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: the message is ours and alive.
        unsafe { self.0.as_ref() }
    }

    fn topic(&self) -> String {
        // SAFETY: a message that was consumed from a partition has a topic, which lives as long as it does.
        unsafe { super::text(sys::rd_kafka_topic_name(self.message().rkt)) }
    }

    /// Whether it is of the same partition; topics are compared by their handle, of which a consumer has one each.
    fn is_beside(&self, other: &Self) -> bool {
        let (one, two) = (self.message(), other.message());
        one.rkt == two.rkt && one.partition == two.partition
    }

    fn is_record(&self) -> bool {
        self.message().err == Code::RD_KAFKA_RESP_ERR_NO_ERROR
    }

    fn size(&self) -> usize {
        self.message().len + self.message().key_len
    }

    fn push_to(&self, batch: &mut Batch) {
        let message = self.message();
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive for all of this; key and payload are null or so long; headers belong to it.
        unsafe {
            let stamp = sys::rd_kafka_message_timestamp(message, &raw mut kind);
            let by = if kind == sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME {
                Stamp::Append
            } else {
                Stamp::Create
            };
            let key = bytes(message.key, message.key_len);
            let value = bytes(message.payload, message.len);
            let mut headers = std::ptr::null_mut();
            let has_headers = sys::rd_kafka_message_headers(message, &raw mut headers);
            if has_headers == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                let headers = (0..).map_while(|place| header(headers, place));
                batch.push(message.offset, stamp, by, key, value, headers);
            } else {
                batch.push(message.offset, stamp, by, key, value, []);
            }
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the message is ours.
        unsafe { sys::rd_kafka_message_destroy(self.0.as_ptr()) };
    }
}

/// # Safety
/// `start` is null or the start of `len` bytes that live as long as what they are used for.
unsafe fn bytes<'a>(start: *const std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: by this function's own condition.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}

/// # Safety
/// `headers` belong to a message that lives as long as what is returned.
unsafe fn header<'a>(headers: *const sys::rd_kafka_headers_t, place: usize) -> Option<(&'a [u8], &'a [u8])> {
    let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
    // SAFETY: by this function's own condition; a name ends in a NUL, a value is null or `size` bytes.
    unsafe {
        let code = sys::rd_kafka_header_get_all(headers, place, &raw mut name, &raw mut value, &raw mut size);
        if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        Some((std::ffi::CStr::from_ptr(name).to_bytes(), bytes(value, size).unwrap_or_default()))
    }
}

impl Intake {
    pub(crate) fn new(handle: &Arc<Handle>) -> Self {
        Self { held: VecDeque::new(), queue: handle.new_queue(), space: vec![std::ptr::null_mut(); TAKE] }
    }

    /// The queue to which partitions are forwarded.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What stands first, waiting at most `wait` for it.
    #[allow(clippy::wildcard_enum_match_arm, reason = "there are some two hundred codes")]
    pub(crate) fn first(&mut self, wait: Duration) -> Option<Taken> {
        if self.held.is_empty() {
            // The call waits until it has filled the whole batch: so it is asked for what is there, then for one.
            self.take(TAKE, Duration::ZERO);
            if self.held.is_empty() && !wait.is_zero() {
                self.take(1, wait);
                self.take(TAKE - self.held.len(), Duration::ZERO);
            }
        }
        let first = self.held.front()?;
        let message = first.message();
        let (topic, partition) = (first.topic(), message.partition);
        Some(match message.err {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Taken::Record { topic, partition },
            Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => Taken::End { topic, partition, offset: message.offset },
            code => {
                // SAFETY: the message is alive; its text is copied.
                let reason = unsafe { super::text(sys::rd_kafka_message_errstr(message)) };
                Taken::Failed { topic, partition, failure: Failure::new(code, reason) }
            }
        })
    }

    fn take(&mut self, count: usize, wait: Duration) {
        // SAFETY: queue and space are alive, and the space has `count` places; `&mut self` keeps calls apart.
        let taken = unsafe {
            sys::rd_kafka_consume_batch_queue(self.queue.as_ptr(), ms(wait), self.space.as_mut_ptr(), count)
        };
        let taken = usize::try_from(taken).unwrap_or(0);
        self.held.extend(self.space[..taken].iter().filter_map(|message| NonNull::new(*message)).map(Owned));
    }

    /// Drops what stands first.
    pub(crate) fn skip(&mut self) {
        drop(self.held.pop_front());
    }

    /// Drops all of a partition that was taken and not passed on.
    pub(crate) fn forget(&mut self, topic: &str, partition: i32) {
        self.held.retain(|held| held.message().partition != partition || held.topic() != topic);
    }

    /// Moves records into `batch`: those of the first one's partition that stand together, from the offset `from`
    /// on, at most about `batch.limit` bytes. What stands below `from` is dropped.
    pub(crate) fn fill(&mut self, batch: &mut Batch, from: i64) -> Option<i64> {
        let mut last = None;
        let mut bytes = 0;
        while let Some(first) = self.held.pop_front() {
            if first.message().offset >= from {
                first.push_to(batch);
                bytes += first.size();
                last = Some(first.message().offset);
            }
            let goes_on = self.held.front().is_some_and(|next| {
                next.is_record() && next.is_beside(&first) && bytes + next.size() <= batch.limit
            });
            if !goes_on {
                break;
            }
        }
        last
    }
}
