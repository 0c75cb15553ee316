//! Turns: transactions are decided one batch after another, and those that wait share one.
//!
//! The first writer to come leads: it takes all that wait, decides them (see `commit`), and hands out the outcomes.
//! Those that come meanwhile wait for the next turn, so that under load many commits cost one sync.

use super::prepare::Prepared;
use super::state::Shared;
use crate::{CommitError, Receipt};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What became of a transaction.
pub(super) type Outcome = Result<Receipt, CommitError>;

/// Who waits for a turn.
#[derive(Debug, Default)]
pub(super) struct Queue {
    line: Mutex<Line>,
    turned: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    next: u64,
    waiting: Vec<Request>,
    done: BTreeMap<u64, Outcome>,
    led: bool,
    /// A leader panicked: what became of those that it led is not known.
    broken: bool,
}

/// A transaction that waits for its turn.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) ticket: u64,
    pub(super) writer: Arc<str>,
    pub(super) epoch: u64,
    pub(super) prepared: Prepared,
}

/// The turn that a thread has. However it ends, the next one can begin.
struct Turn<'q> {
    queue: &'q Queue,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut line = self.queue.line();
        line.led = false;
        line.broken |= std::thread::panicking();
        self.queue.turned.notify_all();
    }
}

impl Queue {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lead(&self, line: &mut Line) -> Turn<'_> {
        line.led = true;
        Turn { queue: self }
    }
}

impl Shared {
    /// Takes a turn alone.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut line = self.queue.line();
        while line.led {
            line = self.queue.turned.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        let turn = self.queue.lead(&mut line);
        drop(line);
        let done = work();
        drop(turn);
        done
    }

    /// Commits, alone or together with others.
    pub(super) fn commit(&self, writer: &Arc<str>, epoch: u64, prepared: Prepared) -> Outcome {
        let mut line = self.queue.line();
        let ticket = line.next;
        line.next += 1;
        line.waiting.push(Request { ticket, writer: Arc::clone(writer), epoch, prepared });
        loop {
            if let Some(outcome) = line.done.remove(&ticket) {
                return outcome;
            }
            if line.broken {
                let reason = "a thread of this process panicked during a commit; restart".to_owned();
                self.state().fatal.get_or_insert_with(|| reason.clone());
                return Err(CommitError::Unknown { reason });
            }
            if line.led {
                line = self.queue.turned.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let requests = std::mem::take(&mut line.waiting);
            let turn = self.queue.lead(&mut line);
            drop(line);
            let outcomes = self.decide(requests);
            self.queue.line().done.extend(outcomes);
            drop(turn);
            line = self.queue.line();
        }
    }
}
