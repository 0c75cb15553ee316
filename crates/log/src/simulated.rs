//! The log in memory, seeded, with virtual time and with faults: at least as nasty as Kafka.
//!
//! A [`Cluster`] is the world: it gives out processes, kills them, lets time pass. A [`Simulated`] is the log as
//! one process sees it. With [`Faults::none`] it is a plain log in memory.
//!
//! Invariants:
//! - The seed, the faults and the order of calls are the whole of the behaviour: nothing else is asked.
//! - Time passes in [`Cluster::advance`], and within a commit that [`Fault::SlowCommit`] strikes; no other call waits.
//! - What a call answers is true: `Aborted` and `Fenced` mean that nothing is or will be visible. Only `Unknown`
//!   leaves it open, and its truth may be decided later.
//!
//! It is kept as Kafka is: markers take offsets and arrive one by one, offsets in a transaction are checked for
//! the generation and not for ownership, an epoch fences writers, rebalances are cooperative and sticky, an
//! instance's name gives a member its place back.

mod faults;
mod foreign;
mod group;
mod member;
mod oracle;
mod partition;
mod process;
mod reader;
mod rng;
mod session;
mod state;
mod transaction;
mod writer;

#[cfg(test)]
mod tests;

pub use faults::{Fault, Faults, Tally};
pub use member::Member;
pub use oracle::{Cluster, Foreign, Held};
pub use partition::Stored;
pub use process::Simulated;
pub use reader::Reader;
pub use transaction::Outcome;
pub use writer::Writer;
