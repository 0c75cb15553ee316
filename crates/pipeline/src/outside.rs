//! Reading a log from outside of any group, by who has nothing else to do meanwhile.

use log::{Batch, Error, Event, Reader, Result};
use std::time::{Duration, Instant};

/// For how long something is asked again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// While the log says "not now".
    pub busy: Duration,
    /// While a partition gives neither records nor its end.
    pub nothing: Duration,
    /// How long to wait in between.
    pub pause: Duration,
}

/// That of what reads a whole journal: half a minute is nothing beside that.
pub(crate) const WHOLE: Patience = Patience {
    busy: Duration::from_secs(30),
    nothing: Duration::from_secs(30),
    pause: Duration::from_millis(100),
};

impl Patience {
    /// Asks again while the log says "not now".
    ///
    /// # Errors
    /// The last answer.
    pub fn ask<T>(self, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            match ask() {
                Err(Error::Busy(_)) if begun.elapsed() < self.busy => std::thread::sleep(self.pause),
                answer => return answer,
            }
        }
    }

    /// Reads on: `None` with records in `batch`, or the end that was reached.
    ///
    /// # Errors
    /// Those of the reader; [`Error::Busy`] if it gives nothing for too long.
    pub fn read_on(self, reader: &mut impl Reader, batch: &mut Batch) -> Result<Option<i64>> {
        let begun = Instant::now();
        loop {
            match self.ask(|| reader.poll(batch, self.pause))? {
                Event::Records => return Ok(None),
                Event::End { offset, .. } => return Ok(Some(offset)),
                // Nothing has been fetched yet, or an undecided transaction holds the end back.
                Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_) => {}
            }
            if begun.elapsed() >= self.nothing {
                let span = self.nothing;
                return Err(Error::Busy(format!(
                    "neither records nor the end for {span:?}; is the log well?"
                )));
            }
        }
    }
}
