//! The model language: what is watched, how it is scored, when it alerts.
//!
//! A model is one YAML file. [`compile`] parses it, checks all of it and returns a [`plan::Plan`], or every
//! problem at once with line, column and the fix. The plan is all the fold reads: flat, resolved, integer.
//!
//! Nothing here does I/O, reads a clock or depends on the machine: the same text gives the same plan and the
//! same [`plan::ModelId`] everywhere.

pub mod number;
pub mod plan;
pub mod source;
pub mod time;
