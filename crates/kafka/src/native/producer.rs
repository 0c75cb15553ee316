//! Appends and transactions.

use super::error::{Failure, check, take};
use super::{Handle, List, Standing, ms};
use crate::native::Code;
use log::batch::Append;
use rdkafka_sys as sys;
use std::ffi::{CString, c_char, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// A topic as a producer knows it, which it keeps alive.
#[derive(Debug)]
pub(crate) struct Topic {
    topic: NonNull<sys::rd_kafka_topic_t>,
    handle: Arc<Handle>,
}

// SAFETY: as the client that it belongs to.
unsafe impl Send for Topic {}
// SAFETY: as above; a topic is counted memory of its client, which guards it.
unsafe impl Sync for Topic {}

impl Topic {
    pub(crate) fn new(handle: &Arc<Handle>, name: &str) -> Result<Self, Failure> {
        let unknown = || Failure::of(Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC);
        let name = CString::new(name).map_err(|_| unknown())?;
        // SAFETY: the client is alive, the name is copied; without a configuration the client's own is used.
        let topic = unsafe { sys::rd_kafka_topic_new(handle.as_ptr(), name.as_ptr(), std::ptr::null_mut()) };
        let topic = NonNull::new(topic).ok_or_else(unknown)?;
        Ok(Self { topic, handle: Arc::clone(handle) })
    }

    /// Has the producer learn the topic's partitions. A topic that does not exist may be created by this.
    pub(crate) fn refresh(&self, timeout: Duration) -> Result<(), Failure> {
        let mut metadata = std::ptr::null();
        // SAFETY: client and topic are alive; what is returned is ours.
        unsafe {
            check(sys::rd_kafka_metadata(
                self.handle.as_ptr(),
                0,
                self.topic.as_ptr(),
                &raw mut metadata,
                ms(timeout),
            ))?;
            sys::rd_kafka_metadata_destroy(metadata);
        }
        Ok(())
    }

    /// Queues a record, which is copied.
    pub(crate) fn produce(&self, record: &Append<'_>) -> Result<(), Failure> {
        use sys::rd_kafka_vtype_t as T;
        let mut values: [sys::rd_kafka_vu_t; 7] = [
            value(T::RD_KAFKA_VTYPE_RKT, sys::rd_kafka_vu_s__bindgen_ty_1 { rkt: self.topic.as_ptr() }),
            value(
                T::RD_KAFKA_VTYPE_PARTITION,
                sys::rd_kafka_vu_s__bindgen_ty_1 { i32_: super::list::number(record.partition) },
            ),
            value(
                T::RD_KAFKA_VTYPE_MSGFLAGS,
                sys::rd_kafka_vu_s__bindgen_ty_1 { i: sys::RD_KAFKA_MSG_F_COPY },
            ),
            value(T::RD_KAFKA_VTYPE_VALUE, sys::rd_kafka_vu_s__bindgen_ty_1 { mem: memory(record.value) }),
            value(T::RD_KAFKA_VTYPE_KEY, sys::rd_kafka_vu_s__bindgen_ty_1 { mem: memory(record.key) }),
            value(
                T::RD_KAFKA_VTYPE_TIMESTAMP,
                // 0 is "now".
                sys::rd_kafka_vu_s__bindgen_ty_1 { i64_: record.stamp.unwrap_or(0) },
            ),
            value(T::RD_KAFKA_VTYPE_END, sys::rd_kafka_vu_s__bindgen_ty_1 { i: 0 }),
        ];
        let mut count = values.len() - 1;
        let mut headers = std::ptr::null_mut();
        // SAFETY: client, topic and the record's memory outlive the call, which copies; each value has the member
        // of the union that its type names; headers are taken over if (and only if) the call succeeds.
        unsafe {
            let own = record.headers();
            if own.len() > 0 {
                headers = sys::rd_kafka_headers_new(own.len());
                for (name, value) in own {
                    check(sys::rd_kafka_header_add(
                        headers,
                        name.as_ptr().cast::<c_char>(),
                        name.len().cast_signed(),
                        value.as_ptr().cast::<c_void>(),
                        value.len().cast_signed(),
                    ))
                    .inspect_err(|_| sys::rd_kafka_headers_destroy(headers))?;
                }
                values[count] =
                    value(T::RD_KAFKA_VTYPE_HEADERS, sys::rd_kafka_vu_s__bindgen_ty_1 { headers });
                count += 1;
            }
            let told = take(sys::rd_kafka_produceva(self.handle.as_ptr(), values.as_ptr(), count));
            if told.is_err() && !headers.is_null() {
                sys::rd_kafka_headers_destroy(headers);
            }
            told
        }
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and the client still lives.
        unsafe { sys::rd_kafka_topic_destroy(self.topic.as_ptr()) };
    }
}

fn value(vtype: sys::rd_kafka_vtype_t, u: sys::rd_kafka_vu_s__bindgen_ty_1) -> sys::rd_kafka_vu_t {
    sys::rd_kafka_vu_t { vtype, u }
}

/// Null is nothing; what is empty has an address.
fn memory(bytes: Option<&[u8]>) -> sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    let (ptr, size) = bytes.map_or((std::ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()));
    sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: ptr.cast_mut().cast::<c_void>(), size }
}

/// Transactions. Each call may block up to its time-out; [`Handle::send_offsets`] up to that of the transaction,
/// whatever it is told.
impl Handle {
    pub(crate) fn init_transactions(&self, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: the client is alive; the error is ours.
        unsafe { take(sys::rd_kafka_init_transactions(self.as_ptr(), ms(timeout))) }
    }

    pub(crate) fn begin(&self) -> Result<(), Failure> {
        // SAFETY: as above.
        unsafe { take(sys::rd_kafka_begin_transaction(self.as_ptr())) }
    }

    /// Adds offsets. Negative ones are left out in silence, bytes of metadata that are not ASCII are replaced.
    pub(crate) fn send_offsets(
        &self,
        offsets: &List,
        standing: &Standing,
        timeout: Duration,
    ) -> Result<(), Failure> {
        // SAFETY: client, list and metadata are alive and copied; the error is ours.
        unsafe {
            take(sys::rd_kafka_send_offsets_to_transaction(
                self.as_ptr(),
                offsets.as_ptr(),
                standing.as_ptr(),
                ms(timeout),
            ))
        }
    }

    /// Waits until every record has been answered and its report served by another thread. Nothing lingers meanwhile.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: the client is alive.
        check(unsafe { sys::rd_kafka_flush(self.as_ptr(), ms(timeout)) })
    }

    pub(crate) fn commit(&self, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: the client is alive; the error is ours.
        unsafe { take(sys::rd_kafka_commit_transaction(self.as_ptr(), ms(timeout))) }
    }

    pub(crate) fn abort(&self, timeout: Duration) -> Result<(), Failure> {
        // SAFETY: the client is alive; the error is ours.
        unsafe { take(sys::rd_kafka_abort_transaction(self.as_ptr(), ms(timeout))) }
    }
}
