//! The model language: what is watched, how it is scored, when it alerts.
//!
//! A model is one YAML file. [`compile`] parses it, checks all of it and returns a [`plan::Plan`], or every
//! problem at once with line, column and the fix. The plan is all the fold reads: flat, resolved, integer.
//!
//! Nothing here does I/O, reads a clock or depends on the machine: the same text gives the same plan and the
//! same [`plan::ModelId`] everywhere.

mod alert;
mod behaviour;
mod benchmark;
mod block;
mod cap;
mod check;
mod compile;
mod condition;
mod curve;
mod feed;
mod fingerprint;
mod goal;
mod inhibition;
mod kpi;
mod mark;
mod nearest;
pub mod number;
pub mod operator;
mod outcome;
pub mod plan;
mod problem;
pub mod quantity;
pub mod review;
mod schema;
mod score;
mod signal;
pub mod source;
pub mod suite;
mod target;
pub mod time;
mod tree;
mod window;

pub use compile::{Compiled, compile};
pub use outcome::Outcomes;
pub use problem::{Problem, Problems};
pub use review::review;
pub use schema::schema;
