//! A client of the cluster: its threads, its connections.

use super::error::{Failure, check, take};
use super::list::List;
use super::watch::Watch;
use super::{Config, Message, Queue, ms};
use crate::native::Code;
use rdkafka_sys as sys;
use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Requests only: no group, no records.
    Admin,
    /// Fetches, in a group or not.
    Consumer,
    /// Appends in transactions.
    Producer,
}

/// A client. Dropped with its last user.
#[derive(Debug)]
pub(crate) struct Handle {
    rk: NonNull<sys::rd_kafka_t>,
    role: Role,
    // Goes after the client, which writes to it.
    watch: Watch,
}

// SAFETY: a client may be used by any number of threads at once (librdkafka, INTRODUCTION.md, "Threads and
// callbacks"). The one exception, batch consumption, goes through `Intake`, which is not shared.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub(crate) fn new(role: Role, mut config: Config) -> Result<Arc<Self>, Failure> {
        let common = sys::RD_KAFKA_EVENT_ERROR
            | sys::RD_KAFKA_EVENT_STATS
            | sys::RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH;
        let (kind, events) = match role {
            Role::Admin => (sys::rd_kafka_type_t::RD_KAFKA_PRODUCER, 0),
            Role::Consumer => (sys::rd_kafka_type_t::RD_KAFKA_CONSUMER, sys::RD_KAFKA_EVENT_REBALANCE),
            Role::Producer => (sys::rd_kafka_type_t::RD_KAFKA_PRODUCER, sys::RD_KAFKA_EVENT_DR),
        };
        config.set_events(common | events);
        let watch = Watch::default();
        if role != Role::Admin {
            watch.begin(&mut config);
        }
        let mut message = Message::new();
        // SAFETY: the configuration is valid, and taken over if (and only if) a client is returned.
        let rk = unsafe { sys::rd_kafka_new(kind, config.as_ptr(), message.0.as_mut_ptr(), message.0.len()) };
        let Some(rk) = NonNull::new(rk) else {
            // librdkafka may have freed the list of interceptors already, which it shares with the configuration, and
            // may have a thread left: what is watched is leaked rather than freed twice.
            if role != Role::Admin {
                config.given_away();
                std::mem::forget(watch);
            }
            return Err(Failure::new(Code::RD_KAFKA_RESP_ERR__INVALID_ARG, message.read()));
        };
        config.given_away();
        Ok(Arc::new(Self { rk, role, watch }))
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_t {
        self.rk.as_ptr()
    }

    /// The queue of what concerns the client as a whole: errors, statistics, tokens, delivery reports.
    pub(crate) fn main_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the client is alive; the reference is owned by the `Queue`.
        unsafe { Queue::own(sys::rd_kafka_queue_get_main(self.as_ptr()), self) }
    }

    /// The queue of the group's events; of a consumer only.
    pub(crate) fn group_queue(self: &Arc<Self>) -> Queue {
        debug_assert_eq!(self.role, Role::Consumer);
        // SAFETY: the client is alive and a consumer; the reference is owned by the `Queue`.
        unsafe { Queue::own(sys::rd_kafka_queue_get_consumer(self.as_ptr()), self) }
    }

    /// A new queue.
    pub(crate) fn new_queue(self: &Arc<Self>) -> Queue {
        // SAFETY: the client is alive; the queue is owned by the `Queue`.
        unsafe { Queue::own(sys::rd_kafka_queue_new(self.as_ptr()), self) }
    }

    /// Lets what is fetched of a partition arrive in `target`. Holds until the partition is forwarded elsewhere, over
    /// assignments too.
    pub(crate) fn forward(self: &Arc<Self>, topic: &str, partition: i32, target: &Queue) {
        let Ok(topic) = CString::new(topic) else { return };
        // SAFETY: the client is alive and a consumer; the partition is created where it is not known; the forwarding
        // keeps a reference of its own to `target`.
        unsafe {
            let source = sys::rd_kafka_queue_get_partition(self.as_ptr(), topic.as_ptr(), partition);
            if !source.is_null() {
                sys::rd_kafka_queue_forward(source, target.as_ptr());
                sys::rd_kafka_queue_destroy(source);
            }
        }
    }

    /// Why the client is of no use any more, if so.
    pub(crate) fn fatal(&self) -> Option<Failure> {
        let mut message = Message::new();
        // SAFETY: the client is alive, the buffer outlives the call.
        let code =
            unsafe { sys::rd_kafka_fatal_error(self.as_ptr(), message.0.as_mut_ptr(), message.0.len()) };
        check(code).err().map(|failure| Failure {
            reason: message.read(),
            kind: super::Kind::Fatal,
            ..failure
        })
    }

    /// Whether a request of a transaction ever got no answer, of a producer: it may still reach the broker, whatever was
    /// granted since.
    pub(crate) fn has_lost_answers(&self) -> bool {
        self.role == Role::Producer && self.watch.any()
    }

    /// Whether committed offsets were asked of a broker that cannot tell which are decided, of a consumer.
    pub(crate) fn has_met_old_broker(&self) -> bool {
        self.role == Role::Consumer && self.watch.any()
    }

    pub(crate) fn subscribe(&self, topics: &List) -> Result<(), Failure> {
        // SAFETY: client and list are alive; the list is copied.
        check(unsafe { sys::rd_kafka_subscribe(self.as_ptr(), topics.as_ptr()) })
    }

    pub(crate) fn unsubscribe(&self) -> Result<(), Failure> {
        // SAFETY: the client is alive.
        check(unsafe { sys::rd_kafka_unsubscribe(self.as_ptr()) })
    }

    /// Assigns partitions without a group, each from its offset.
    pub(crate) fn assign(&self, partitions: &List) -> Result<(), Failure> {
        // SAFETY: client and list are alive; the list is copied.
        check(unsafe { sys::rd_kafka_assign(self.as_ptr(), partitions.as_ptr()) })
    }

    pub(crate) fn incremental_assign(&self, partitions: &List) -> Result<(), Failure> {
        // SAFETY: client and list are alive; the list is copied; the error is ours.
        unsafe { take(sys::rd_kafka_incremental_assign(self.as_ptr(), partitions.as_ptr())) }
    }

    pub(crate) fn incremental_unassign(&self, partitions: &List) -> Result<(), Failure> {
        // SAFETY: client and list are alive; the list is copied; the error is ours.
        unsafe { take(sys::rd_kafka_incremental_unassign(self.as_ptr(), partitions.as_ptr())) }
    }

    pub(crate) fn pause(&self, partitions: &mut List) -> Result<(), Failure> {
        // SAFETY: client and list are alive; the codes of single partitions are written into the list.
        check(unsafe { sys::rd_kafka_pause_partitions(self.as_ptr(), partitions.as_ptr()) })
    }

    pub(crate) fn resume(&self, partitions: &mut List) -> Result<(), Failure> {
        // SAFETY: as for `pause`.
        check(unsafe { sys::rd_kafka_resume_partitions(self.as_ptr(), partitions.as_ptr()) })
    }

    /// Moves the positions of assigned partitions. What was fetched before is not delivered any more. The codes of
    /// single partitions stand in the list.
    pub(crate) fn seek(&self, partitions: &mut List, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: client and list are alive; the error is ours.
        unsafe { take(sys::rd_kafka_seek_partitions(self.as_ptr(), partitions.as_ptr(), ms(timeout))) }
    }

    /// Asks for the committed offsets of the partitions of the list, and writes them into it.
    pub(crate) fn committed(&self, partitions: &mut List, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: client and list are alive.
        check(unsafe { sys::rd_kafka_committed(self.as_ptr(), partitions.as_ptr(), ms(timeout)) })
    }

    /// Whether the partitions that are to be unassigned now were lost: their offsets must not be committed.
    pub(crate) fn is_assignment_lost(&self) -> bool {
        // SAFETY: the client is alive.
        unsafe { sys::rd_kafka_assignment_lost(self.as_ptr()) != 0 }
    }

    /// Asks the consumer to leave off; what is left to be answered comes through `queue`.
    pub(crate) fn close(&self, queue: &Queue) -> Result<(), Failure> {
        // SAFETY: client and queue are alive; the error is ours.
        unsafe { take(sys::rd_kafka_consumer_close_queue(self.as_ptr(), queue.as_ptr())) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        // SAFETY: the client is alive.
        unsafe { sys::rd_kafka_consumer_closed(self.as_ptr()) != 0 }
    }

    /// Hands over a token for SASL OAUTHBEARER, or says why there is none.
    pub(crate) fn set_token(&self, token: Result<(&str, &str, i64), &str>) -> Result<(), String> {
        let failed = |reason: &str| {
            let reason = CString::new(reason.replace('\0', " ")).unwrap_or_default();
            // SAFETY: the client is alive; the text is copied.
            unsafe { sys::rd_kafka_oauthbearer_set_token_failure(self.as_ptr(), reason.as_ptr()) };
            Err(reason.to_string_lossy().into_owned())
        };
        let (value, principal, expires_at) = match token {
            Ok(token) => token,
            Err(reason) => return failed(reason),
        };
        let (Ok(value), Ok(principal)) = (CString::new(value), CString::new(principal)) else {
            return failed("the token contains a NUL");
        };
        let mut message = Message::new();
        // SAFETY: the client is alive; the strings are copied; there are no extensions.
        let code = unsafe {
            sys::rd_kafka_oauthbearer_set_token(
                self.as_ptr(),
                value.as_ptr(),
                expires_at,
                principal.as_ptr(),
                std::ptr::null_mut(),
                0,
                message.0.as_mut_ptr(),
                message.0.len(),
            )
        };
        if check(code).is_err() { failed(&message.read()) } else { Ok(()) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A consumer in a group has been closed: closing here would wait for answers that nobody gives any more.
        let flags = if self.role == Role::Consumer { sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE } else { 0 };
        // SAFETY: the last user is gone: all queues keep the handle alive, and messages their queue.
        unsafe { sys::rd_kafka_destroy_flags(self.as_ptr(), flags) };
    }
}
