//! Tests of the whole: end to end, simulation, faults, recorded data.

pub mod oulad;
pub mod simulation;
