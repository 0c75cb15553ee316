//! Who serves a client's main queue: errors, tokens, statistics, delivery reports.
//!
//! A consumer is served by its worker, in `poll`. The clients of requests and of transactions are used in calls that
//! wait, so a thread serves them.

use crate::error::remedy;
use crate::native::{Code, Delivery, Event, Failure, Handle, Kind, Queue};
use crate::settings::Tokens;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the thread waits for an event before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(500);

/// What a client has said of itself.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// What was last wrong with a connection, since anything else worked.
    trouble: Mutex<Option<(Code, String)>>,
    /// What came of the records of the transaction under way.
    delivery: Mutex<Delivery>,
}

impl Said {
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|(_, reason)| reason.clone())
    }

    /// A request was answered: what was said of connections before is over.
    pub(crate) fn well(&self) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes what came of the records since the last time.
    pub(crate) fn take_delivery(&self) -> Delivery {
        std::mem::take(&mut *self.delivery.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, delivery: Delivery) {
        let mut sum = self.delivery.lock().unwrap_or_else(PoisonError::into_inner);
        sum.stamp = sum.stamp.max(delivery.stamp);
        if sum.failure.is_none() {
            sum.failure = delivery.failure;
        }
    }

    fn heard(&self, failure: &Failure) {
        if failure.kind == Kind::Fatal {
            tracing::warn!(error = %failure, "the client is of no use any more");
            return;
        }
        // That all brokers are down follows from what was said of the last one, which says more.
        if failure.code == Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
            return;
        }
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = trouble.as_ref().is_some_and(|(code, _)| *code == failure.code);
        // What no waiting mends must be seen, once; that a connection breaks is said by who waits for an answer.
        if is_denied(failure.code) && !is_known {
            tracing::warn!(error = %failure, "the brokers refuse the client");
        } else {
            tracing::debug!(error = %failure, "the client reports an error");
        }
        let remedy = remedy(failure.code).map_or_else(String::new, |remedy| format!("; {remedy}"));
        *trouble = Some((failure.code, format!("{}{remedy}", failure.reason)));
    }
}

/// Whether brokers refuse who we are, or what we may do.
const fn is_denied(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
            | Code::RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED
            | Code::RD_KAFKA_RESP_ERR__AUTHENTICATION
            | Code::RD_KAFKA_RESP_ERR__SSL
    )
}

/// Deals with an event that is of no concern to the caller; returns any other.
pub(crate) fn attend(event: Event, handle: &Handle, said: &Said, tokens: Option<&Tokens>) -> Option<Event> {
    match event {
        Event::Delivery(delivery) => said.add(delivery),
        Event::Error(failure) => said.heard(&failure),
        Event::Statistics(json) => tracing::trace!(target: "librdkafka::statistics", "{json}"),
        Event::Token => {
            let fetched = tokens.map_or_else(|| Err("no source of tokens".to_owned()), Tokens::fetch);
            let token = fetched.as_ref().map_err(String::as_str);
            let token = token.map(|token| (token.value.reveal(), token.principal.as_str(), token.expires_at));
            if let Err(error) = handle.set_token(token) {
                tracing::warn!(error, "there is no token for the brokers");
            }
        }
        Event::Rebalance(..) => return Some(event),
        Event::Other => {}
    }
    None
}

/// A thread that serves a client until this is dropped.
#[derive(Debug)]
pub(crate) struct Attendant {
    said: Arc<Said>,
    queue: Arc<Queue>,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Attendant {
    pub(crate) fn start(handle: &Arc<Handle>, tokens: Option<&Tokens>) -> Result<Self, Failure> {
        let (said, leave) = (Arc::new(Said::default()), Arc::new(AtomicBool::new(false)));
        let queue = Arc::new(handle.main_queue());
        let thread = {
            let (said, leave, queue) = (Arc::clone(&said), Arc::clone(&leave), Arc::clone(&queue));
            let (handle, tokens) = (Arc::clone(handle), tokens.cloned());
            std::thread::Builder::new().name("kafka-events".to_owned()).spawn(move || {
                while !leave.load(Ordering::Relaxed) {
                    queue.serve(LOOK, |event| attend(event, &handle, &said, tokens.as_ref()));
                }
            })
        };
        let thread = thread
            .map_err(|error| Failure::new(Code::RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, error.to_string()))?;
        Ok(Self { said, queue, leave, thread: Some(thread) })
    }

    pub(crate) fn said(&self) -> &Said {
        &self.said
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
        self.queue.interrupt();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("the thread that served a client has panicked");
        }
    }
}
