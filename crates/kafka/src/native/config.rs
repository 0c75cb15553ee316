//! A client's configuration while it is being put together.

use super::Message;
use rdkafka_sys as sys;
use std::ffi::{CString, c_char, c_int};
use std::ptr::NonNull;

/// Properties of a client that does not exist yet.
pub(crate) struct Config {
    conf: NonNull<sys::rd_kafka_conf_t>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It holds passwords.
        f.write_str("Config")
    }
}

impl Config {
    pub(crate) fn new() -> Self {
        // SAFETY: no arguments; the library aborts the process rather than return null.
        let conf = unsafe { sys::rd_kafka_conf_new() };
        // SAFETY: as above; `log` is a function that lives as long as the process.
        let conf = unsafe {
            sys::rd_kafka_conf_set_log_cb(conf, Some(log));
            NonNull::new_unchecked(conf)
        };
        Self { conf }
    }

    /// Sets a property; the reason if librdkafka does not take it.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value)) else {
            return Err("it contains a NUL".to_owned());
        };
        let mut message = Message::new();
        // SAFETY: `conf` is ours and alive; the strings and the buffer outlive the call, which copies.
        let told = unsafe {
            sys::rd_kafka_conf_set(
                self.conf.as_ptr(),
                name.as_ptr(),
                value.as_ptr(),
                message.0.as_mut_ptr(),
                message.0.len(),
            )
        };
        if told == sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK { Ok(()) } else { Err(message.read()) }
    }

    /// Which events come through queues instead of callbacks.
    pub(super) fn set_events(&mut self, events: c_int) {
        // SAFETY: `conf` is ours and alive.
        unsafe { sys::rd_kafka_conf_set_events(self.conf.as_ptr(), events) };
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_conf_t {
        self.conf.as_ptr()
    }

    /// A client has taken it over.
    pub(super) fn given_away(self) {
        std::mem::forget(self);
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: `conf` is ours; no client took it over.
        unsafe { sys::rd_kafka_conf_destroy(self.conf.as_ptr()) };
    }
}

/// librdkafka's log lines, from whatever thread of it. Levels are those of syslog.
unsafe extern "C" fn log(
    rk: *const sys::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    // SAFETY: librdkafka passes a client, or null, and two strings that live for the call.
    let (client, facility, line) = unsafe {
        let client = if rk.is_null() { String::new() } else { super::text(sys::rd_kafka_name(rk)) };
        (client, super::text(facility), super::text(line))
    };
    match level {
        // What becomes of a connection comes as an event too, and is told once; an id that cannot be taken over yet is
        // asked for again, and whoever waits for it says so.
        ..=6 if matches!(&*facility, "FAIL" | "GETPID") => {
            tracing::debug!(target: "librdkafka", client, facility, "{line}")
        }
        ..=3 => tracing::error!(target: "librdkafka", client, facility, "{line}"),
        4 => tracing::warn!(target: "librdkafka", client, facility, "{line}"),
        5 | 6 => tracing::info!(target: "librdkafka", client, facility, "{line}"),
        _ => tracing::debug!(target: "librdkafka", client, facility, "{line}"),
    }
}
