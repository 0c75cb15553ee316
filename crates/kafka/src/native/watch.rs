//! What is seen of a client's requests on their way, and librdkafka says nothing of: one whose fate nobody knows, one in a
//! form that is too old.

use super::Config;
use rdkafka_sys as sys;
use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// By what librdkafka knows our interceptor.
const NAME: &std::ffi::CStr = c"vitals";

/// Produce, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit: the requests of a transaction (Kafka protocol,
/// "Api Keys").
const OF_TRANSACTIONS: [i16; 5] = [0, 24, 25, 26, 28];

/// OffsetFetch (Kafka protocol, "Api Keys").
const OFFSET_FETCH: i16 = 9;
/// The first version of it that can ask for stable offsets only; of Kafka 2.5.
const STABLE: i16 = 7;

/// Whether something was seen that must not be.
///
/// Of a producer: a request of a transaction that got no answer. librdkafka repeats it by itself, and says nothing of it
/// once the other was granted. The first may reach the broker later all the same, and be taken for one of the transaction
/// that is open then (KIP-890, which librdkafka 2.12 has no part of).
///
/// Of a consumer: a request for committed offsets that cannot ask for stable ones. librdkafka leaves that out in silence
/// where the broker is too old for it.
#[derive(Debug, Default)]
pub(super) struct Watch(Arc<AtomicBool>);

impl Watch {
    /// Watches the requests of the client that is made of `config`, which must not outlive this.
    pub(super) fn begin(&self, config: &mut Config) {
        // SAFETY: the configuration is alive, the name is copied; whoever makes the client keeps the flag alive as
        // long as it.
        unsafe {
            sys::rd_kafka_conf_interceptor_add_on_new(
                config.as_ptr(),
                NAME.as_ptr(),
                Some(begin),
                Arc::as_ptr(&self.0).cast_mut().cast(),
            );
        }
    }

    pub(super) fn any(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A client was made: from now on its requests and answers are looked at. Each role makes requests of its own only.
unsafe extern "C" fn begin(
    rk: *mut sys::rd_kafka_t,
    _: *const sys::rd_kafka_conf_t,
    flag: *mut c_void,
    _: *mut c_char,
    _: usize,
) -> sys::rd_kafka_resp_err_t {
    // SAFETY: librdkafka passes the client, and what was given for `flag`.
    let sending =
        unsafe { sys::rd_kafka_interceptor_add_on_request_sent(rk, NAME.as_ptr(), Some(sent), flag) };
    if sending != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return sending;
    }
    // SAFETY: as above.
    unsafe { sys::rd_kafka_interceptor_add_on_response_received(rk, NAME.as_ptr(), Some(answered), flag) }
}

/// A request was sent.
unsafe extern "C" fn sent(
    _: *mut sys::rd_kafka_t,
    _: c_int,
    _: *const c_char,
    _: i32,
    api: i16,
    version: i16,
    _: i32,
    _: usize,
    flag: *mut c_void,
) -> sys::rd_kafka_resp_err_t {
    if api == OFFSET_FETCH && version < STABLE {
        // SAFETY: the flag lives as long as the client.
        unsafe { &*flag.cast::<AtomicBool>() }.store(true, Ordering::Release);
    }
    sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// A request was answered, or is given up.
unsafe extern "C" fn answered(
    _: *mut sys::rd_kafka_t,
    _: c_int,
    _: *const c_char,
    _: i32,
    api: i16,
    _: i16,
    _: i32,
    _: usize,
    _: i64,
    error: sys::rd_kafka_resp_err_t,
    flag: *mut c_void,
) -> sys::rd_kafka_resp_err_t {
    // Errors of brokers stand in their answers; what is said here without one comes of the client itself.
    if error != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && OF_TRANSACTIONS.contains(&api) {
        // SAFETY: the flag lives as long as the client.
        unsafe { &*flag.cast::<AtomicBool>() }.store(true, Ordering::Release);
    }
    sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}
