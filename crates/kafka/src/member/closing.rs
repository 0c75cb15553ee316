//! The end of a consumer in a group.
//!
//! A client that is destroyed while a rebalance waits for its answer spins for ever, and one that is told the
//! answer after its group handler has ended waits for ever (librdkafka 2.12). Which of the two it would be,
//! nobody can see in time: another holder of its name may fence it at any moment. So the closing runs on a thread
//! of its own, and a client that did not close is left as it is, idle, until the process ends.

use crate::native::{Code, Event, Failure, Handle, List, Queue, Rebalance};
use log::Partition;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// How long a client may take to close.
const WITHIN: Duration = Duration::from_secs(5);

/// How long one wait for an event of the group may be.
const LOOK: Duration = Duration::from_millis(10);

/// Closes a client; `leaving` is what the group waits for, if it does. Whether it can be destroyed.
pub(super) fn close(handle: &Arc<Handle>, rebalances: &Arc<Queue>, leaving: Option<Vec<Partition>>) -> bool {
    let (done, closed) = channel();
    let (handle, rebalances) = (Arc::clone(handle), Arc::clone(rebalances));
    let spawned = std::thread::Builder::new().name("kafka-closing".to_owned()).spawn(move || {
        let told = run(&handle, &rebalances, leaving);
        if let Err(error) = &told {
            tracing::debug!(%error, "a consumer could not be closed");
        }
        // Before it is said: whoever waits for it destroys the client.
        drop((rebalances, handle));
        if done.send(told.is_ok()).is_err() {
            tracing::debug!("a consumer was closed too late to be destroyed");
        }
    });
    spawned.is_ok() && closed.recv_timeout(WITHIN).unwrap_or(false)
}

fn run(handle: &Handle, rebalances: &Queue, leaving: Option<Vec<Partition>>) -> Result<(), Failure> {
    if let Some(failure) = handle.fatal() {
        return Err(failure);
    }
    if let Some(leaving) = leaving {
        handle.incremental_unassign(&List::of(&leaving))?;
    }
    handle.unsubscribe()?;
    handle.close(rebalances)?;
    let until = Instant::now() + WITHIN;
    while !handle.is_closed() {
        match rebalances.serve(LOOK, |event| event) {
            Some(Event::Rebalance(Rebalance::Assign, _)) => handle.incremental_assign(&List::new(0))?,
            Some(Event::Rebalance(Rebalance::Revoke, partitions)) => {
                let mut list = List::new(partitions.len());
                for entry in &partitions {
                    list.push(&entry.topic, entry.partition, 0, None);
                }
                handle.incremental_unassign(&list)?;
            }
            Some(
                Event::Delivery(_) | Event::Error(_) | Event::Statistics(_) | Event::Token | Event::Other,
            )
            | None => {}
        }
        if Instant::now() > until {
            return Err(Failure::new(Code::RD_KAFKA_RESP_ERR__TIMED_OUT, "it did not close"));
        }
    }
    Ok(())
}
