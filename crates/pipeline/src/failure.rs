//! Why a worker cannot go on.

use log::{Error, Partition};

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
        "writer {id} was fenced {times} times within a minute: another process runs under the same instance and worker number; give each its own `instance`"
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

impl Failure {
    pub(crate) fn refused(
        partition: &Partition,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Refused { partition: partition.clone(), reason: reason.into(), remedy: remedy.into() }
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
