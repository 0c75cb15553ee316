//! Tests of the whole: end to end, simulation, faults, recorded data.

pub mod benchmark;
pub mod broker;
pub mod live;
pub mod oulad;
pub mod simulation;

/// Whether the whole of a recorded stream is to be played, where a part would do: `VITALS_FULL=1`.
#[must_use]
pub fn is_whole() -> bool {
    std::env::var_os("VITALS_FULL").is_some_and(|set| set == "1")
}
