//! Why a worker cannot go on.

use crate::topic;
use log::{Error, Member, Partition};

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

/// The way out where nothing tells how to go on.
pub(crate) const ANEW: &str =
    "bring what was deleted back from a backup, or begin anew with `vitals setup` in an empty place";

/// The way out where what the fold needs is gone.
pub(crate) const BRING_BACK: &str = "bring the deleted records back from a backup, or begin anew with `vitals setup` in an empty place; keep the journal for ever, or at least from the last checkpoint on";

/// Why nothing goes on where the journal had `before` partitions and has `now`, if it does not.
pub(crate) fn widened(before: u32, now: u32) -> Option<String> {
    (before != now).then(|| {
        format!(
            "the journal had {before} partitions and has {now}, which moves accounts to others than hold what was before: \
             it was made anew, or given more"
        )
    })
}

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
                Self::refused(&partition, reason, if is_source { ANEW } else { BRING_BACK })
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

/// Why a worker can have no partitions, if that is so. `member`: its consumer, once it has joined.
pub(crate) fn apart(member: Option<&impl Member>, delay: &Delay) -> Option<String> {
    match member {
        Some(member) if member.membership().is_some() => None,
        Some(_) => {
            let reason = delay.reason("it has no place in its group");
            Some(reason.unwrap_or_else(|| "it has no place in its group yet".to_owned()))
        }
        None => delay.reason("it has not joined its group"),
    }
}

/// Whether a partition was started. One that is not ours any more will be revoked or lost by an event to come.
pub(crate) fn started(result: log::Result<()>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Busy(_) | Error::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Turns "not now" into `None`.
pub(crate) fn later<T>(result: log::Result<T>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Busy(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
