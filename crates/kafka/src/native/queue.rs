//! Queues of events.

use super::list::{Entry, entries};
use super::{Code, Failure, Handle, Kind, ms};
use rdkafka_sys as sys;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// A queue of a client, which it keeps alive.
#[derive(Debug)]
pub(crate) struct Queue {
    queue: NonNull<sys::rd_kafka_queue_t>,
    _handle: Arc<Handle>,
}

// SAFETY: queues may be used from any thread (librdkafka, INTRODUCTION.md).
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

/// What a rebalance asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebalance {
    /// Partitions are added.
    Assign,
    /// Partitions are taken away.
    Revoke,
}

/// What some messages came to.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// The greatest stamp that the log has given, ms since the epoch.
    pub(crate) stamp: Option<i64>,
    /// The first failure that says something: that a message was purged follows from another.
    pub(crate) failure: Option<Failure>,
}

/// An event.
#[derive(Debug)]
pub(crate) enum Event {
    Rebalance(Rebalance, Vec<Entry>),
    Delivery(Delivery),
    Error(Failure),
    Statistics(String),
    /// A token for SASL OAUTHBEARER is wanted.
    Token,
    Other,
}

impl Queue {
    /// # Safety
    /// `queue` is a queue of `handle`, not null, and the reference is given away.
    pub(super) unsafe fn own(queue: *mut sys::rd_kafka_queue_t, handle: &Arc<Handle>) -> Self {
        // SAFETY: by this function's own condition.
        Self { queue: unsafe { NonNull::new_unchecked(queue) }, _handle: Arc::clone(handle) }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.queue.as_ptr()
    }

    /// Takes the next event, waiting at most `wait`, and shows it to `look`. librdkafka forgets a delivered
    /// message (and lets a flush end) only after `look` has returned.
    pub(crate) fn serve<T>(&self, wait: Duration, look: impl FnOnce(Event) -> T) -> Option<T> {
        // SAFETY: the queue is alive; the event is ours until it is destroyed, and what is shown are copies.
        unsafe {
            let event = NonNull::new(sys::rd_kafka_queue_poll(self.as_ptr(), ms(wait)))?;
            let shown = look(read(event.as_ptr()));
            sys::rd_kafka_event_destroy(event.as_ptr());
            Some(shown)
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: the queue is alive.
        unsafe { sys::rd_kafka_queue_length(self.as_ptr()) == 0 }
    }

    /// Lets who waits on this queue go on.
    pub(crate) fn interrupt(&self) {
        // SAFETY: the queue is alive.
        unsafe { sys::rd_kafka_queue_yield(self.as_ptr()) };
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and the client still lives.
        unsafe { sys::rd_kafka_queue_destroy(self.as_ptr()) };
    }
}

/// # Safety
/// `event` is valid until this returns.
unsafe fn read(event: *mut sys::rd_kafka_event_t) -> Event {
    // SAFETY: by this function's own condition, for all that follows; each part is asked for from an event of its
    // type.
    unsafe {
        match sys::rd_kafka_event_type(event) {
            sys::RD_KAFKA_EVENT_REBALANCE => {
                let partitions = entries(sys::rd_kafka_event_topic_partition_list(event));
                let kind = if sys::rd_kafka_event_error(event) == Code::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
                    Rebalance::Assign
                } else {
                    Rebalance::Revoke
                };
                Event::Rebalance(kind, partitions)
            }
            sys::RD_KAFKA_EVENT_DR => Event::Delivery(delivery(event)),
            sys::RD_KAFKA_EVENT_ERROR => {
                let kind =
                    if sys::rd_kafka_event_error_is_fatal(event) != 0 { Kind::Fatal } else { Kind::Other };
                let reason = super::text(sys::rd_kafka_event_error_string(event));
                Event::Error(Failure { code: sys::rd_kafka_event_error(event), kind, reason })
            }
            sys::RD_KAFKA_EVENT_STATS => Event::Statistics(super::text(sys::rd_kafka_event_stats(event))),
            sys::RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH => Event::Token,
            _ => Event::Other,
        }
    }
}

/// # Safety
/// `event` is a delivery report that is valid until this returns.
unsafe fn delivery(event: *mut sys::rd_kafka_event_t) -> Delivery {
    let mut told = Delivery::default();
    let mut messages = [std::ptr::null(); 256];
    loop {
        // SAFETY: by this function's own condition; the event fills at most so many places.
        let count =
            unsafe { sys::rd_kafka_event_message_array(event, messages.as_mut_ptr(), messages.len()) };
        if count == 0 {
            return told;
        }
        for &message in &messages[..count] {
            // SAFETY: the messages are valid as long as the event is.
            unsafe { tell(&mut told, message) };
        }
    }
}

/// # Safety
/// `message` is valid until this returns.
unsafe fn tell(told: &mut Delivery, message: *const sys::rd_kafka_message_t) {
    use sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME as BY_LOG;
    // SAFETY: by this function's own condition.
    unsafe {
        let code = (*message).err;
        if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            let mut kind = BY_LOG;
            let stamp = sys::rd_kafka_message_timestamp(message, &raw mut kind);
            if kind == BY_LOG {
                told.stamp = told.stamp.max(Some(stamp));
            }
            return;
        }
        let purged =
            matches!(code, Code::RD_KAFKA_RESP_ERR__PURGE_QUEUE | Code::RD_KAFKA_RESP_ERR__PURGE_INFLIGHT);
        if !purged && told.failure.is_none() {
            let topic = super::text(sys::rd_kafka_topic_name((*message).rkt));
            let why = super::error::describe(code);
            told.failure = Some(Failure::new(code, format!("{topic}/{}: {why}", (*message).partition)));
        }
    }
}
