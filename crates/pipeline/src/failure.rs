//! Why a worker cannot go on.

use crate::topic;
use log::{Batch, Error, Event, Partition, Reader};
use std::time::Duration;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something was done; there may be more.
    Worked,
    /// Nothing could be done now.
    Idle,
    /// Everything is done, for ever: the end of a recorded run.
    Done,
}

/// Why a worker cannot go on. The process stays alive and says it where it is a [`Failure::Refused`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] Error),
    /// To go on would falsify something.
    #[error("{partition}: {reason}; {remedy}")]
    Refused {
        /// What it concerns.
        partition: Partition,
        /// What is wrong.
        reason: String,
        /// The way out.
        remedy: String,
    },
    /// Another live process has the same id.
    #[error(
        "writer {id} was fenced {times} times within a minute: another process runs under the same instance and process name; give each its own with `vitals run --process NAME`"
    )]
    Fenced {
        /// The transactional id.
        id: String,
        /// How often.
        times: usize,
    },
    /// A transaction can never go through.
    #[error("a transaction cannot be committed: {0}")]
    Stuck(String),
}

/// The way out where a source lost records that were not read.
pub(crate) const KEEP_SOURCES: &str =
    "keep source topics for longer than ingest may stand still; to accept the loss, move the group's offset";

/// The way out where what the fold needs is gone.
pub(crate) const BRING_BACK: &str = "bring the deleted records back from a backup, or begin anew with `vitals setup` in an empty place; keep the journal for ever, or at least from the last checkpoint on";

impl Failure {
    pub(crate) fn refused(
        partition: &Partition,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Refused { partition: partition.clone(), reason: reason.into(), remedy: remedy.into() }
    }

    /// The same, as a refusal where it is that records or a topic are gone: they may be brought back.
    pub(crate) fn explain(self) -> Self {
        match self {
            Self::Log(Error::OutOfRange { partition, offset, first, end }) => {
                let reason = if offset < first {
                    format!("records from offset {offset} to {first} were deleted before they were read")
                } else {
                    format!(
                        "offset {offset} is beyond the end at {end}: the topic was truncated or made anew"
                    )
                };
                let is_source = topic::source_of(&partition.topic).is_some();
                Self::refused(&partition, reason, if is_source { KEEP_SOURCES } else { BRING_BACK })
            }
            Self::Log(Error::Missing(name)) => {
                let partition = Partition::new(name, 0);
                Self::refused(&partition, "the topic does not exist", "`vitals setup` creates it")
            }
            Self::Log(_) | Self::Refused { .. } | Self::Fenced { .. } | Self::Stuck(_) => self,
        }
    }
}

/// Why something that is asked for again and again does not answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delay(Option<String>);

impl Delay {
    /// As [`later`], and remembers what was said last.
    pub(crate) fn take<T>(&mut self, result: log::Result<T>) -> Result<Option<T>, Failure> {
        self.0 = match &result {
            Err(Error::Busy(reason)) => Some(reason.clone()),
            Ok(_) | Err(_) => None,
        };
        later(result)
    }

    /// What was said; `None` where it answered.
    pub(crate) fn reason(&self, what: &str) -> Option<String> {
        self.0.as_ref().map(|reason| format!("{what}: {reason}"))
    }
}

/// Why a worker can have no partitions, if that is so.
pub(crate) fn apart(joined: bool, has_place: bool, delay: &Delay) -> Option<String> {
    match (joined, has_place) {
        (_, true) => None,
        (false, false) => delay.reason("it has not joined its group"),
        (true, false) => Some(
            delay
                .reason("it has no place in its group")
                .unwrap_or_else(|| "it has no place in its group yet".to_owned()),
        ),
    }
}

/// How often what reads a log from outside asks again, and how long it waits in between.
const TRIES: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// Asks again while the log says "not now", for half a minute or more: for what reads a log from outside and has
/// nothing else to do.
pub(crate) fn patiently<T>(mut ask: impl FnMut() -> log::Result<T>) -> log::Result<T> {
    for _ in 1..TRIES {
        match ask() {
            Err(Error::Busy(_)) => std::thread::sleep(PAUSE),
            answer => return answer,
        }
    }
    ask()
}

/// Reads on from outside: `None` with records in `batch`, or the end that was reached. A log that gives neither for half a
/// minute is not well.
pub(crate) fn read_on(reader: &mut impl Reader, batch: &mut Batch) -> log::Result<Option<i64>> {
    for _ in 0..TRIES {
        match reader.poll(batch, PAUSE) {
            Ok(Event::Records) => return Ok(None),
            Ok(Event::End { offset, .. }) => return Ok(Some(offset)),
            Ok(Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_)) => {}
            Err(Error::Busy(_)) => std::thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    Err(Error::Busy("a partition gives neither records nor its end".to_owned()))
}

/// Turns "not now" into `None`.
pub(crate) fn later<T>(result: log::Result<T>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Busy(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
