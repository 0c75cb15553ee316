//! librdkafka, called directly: the only module with unsafe code.
//!
//! What is safe to call from the rest of the crate stands here: types that own what the C library hands out and give
//! it back in the right order. A [`Queue`] keeps its [`Handle`] alive; messages live in an [`Intake`], which drops
//! them before its queue; an event is destroyed after the closure that looks at it.
//!
//! It decides nothing: what a code means for a transaction or a member is said outside.

#![allow(unsafe_code, reason = "the one module that calls librdkafka")]

mod admin;
mod config;
mod error;
mod group;
mod handle;
mod intake;
mod list;
mod producer;
mod queue;
mod watch;

pub(crate) use admin::Edge;
pub(crate) use config::Config;
pub(crate) use error::{Code, Failure, Kind};
pub(crate) use group::Standing;
pub(crate) use handle::{Handle, Role};
pub(crate) use intake::{Intake, Taken};
pub(crate) use list::{Entry, List, NO_OFFSET, number};
pub(crate) use producer::Topic;
pub(crate) use queue::{Delivery, Event, Queue, Rebalance};

use std::ffi::{CStr, c_char, c_int};
use std::time::Duration;

/// A time-out as librdkafka takes it: whole milliseconds, rounded up, at most some three weeks.
fn ms(time: Duration) -> c_int {
    c_int::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
}

/// The text at `text`, or nothing if there is none.
///
/// # Safety
/// `text` is null or a string that ends in a NUL and lives until this returns.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by this function's own condition.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// A buffer for the message of an error.
struct Message([c_char; 512]);

impl Message {
    fn new() -> Self {
        Self([0; 512])
    }

    fn read(&self) -> String {
        // SAFETY: librdkafka ends what it writes with a NUL, and the buffer begins as one of NULs.
        unsafe { text(self.0.as_ptr()) }
    }
}
