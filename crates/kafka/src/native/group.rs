//! A member's standing in its group.

use super::error::{Failure, take};
use super::{Code, Handle};
use rdkafka_sys as sys;
use std::ffi::c_void;
use std::ptr::NonNull;

/// The group's metadata of one moment, as a transaction's offsets carry them.
#[derive(Debug)]
pub(crate) struct Standing {
    metadata: NonNull<sys::rd_kafka_consumer_group_metadata_t>,
}

impl Standing {
    /// What `handle`, a consumer in a group, knows of its standing now.
    pub(crate) fn of(handle: &Handle) -> Option<Self> {
        // SAFETY: the client is alive; what is returned is ours, or null where there is no group.
        let metadata = unsafe { sys::rd_kafka_consumer_group_metadata(handle.as_ptr()) };
        NonNull::new(metadata).map(|metadata| Self { metadata })
    }

    /// As [`Standing::of`], if it can be used: a member that the broker has thrown out has an empty id.
    pub(crate) fn of_use(handle: &Handle) -> Option<Self> {
        Self::of(handle).filter(|standing| standing.generation() >= 0 && !standing.member().is_empty())
    }

    /// Reads what [`Standing::write`] wrote.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let mut metadata = std::ptr::null_mut();
        // SAFETY: the bytes outlive the call, which checks and copies them; the error is ours.
        unsafe {
            take(sys::rd_kafka_consumer_group_metadata_read(
                &raw mut metadata,
                bytes.as_ptr().cast::<c_void>(),
                bytes.len(),
            ))?;
        }
        NonNull::new(metadata)
            .map(|metadata| Self { metadata })
            .ok_or_else(|| Failure::of(Code::RD_KAFKA_RESP_ERR__BAD_MSG))
    }

    /// Serialises it (`CGMDv2`, the library's own format).
    pub(crate) fn write(&self) -> Result<Vec<u8>, Failure> {
        let (mut start, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the metadata are ours and alive; the memory is the library's, and given back after it was copied.
        unsafe {
            take(sys::rd_kafka_consumer_group_metadata_write(self.as_ptr(), &raw mut start, &raw mut size))?;
            let bytes = std::slice::from_raw_parts(start.cast::<u8>(), size).to_vec();
            sys::rd_kafka_mem_free(std::ptr::null_mut(), start);
            Ok(bytes)
        }
    }

    pub(crate) fn member(&self) -> String {
        // SAFETY: the metadata are ours and alive; the text is copied.
        unsafe { super::text(sys::rd_kafka_consumer_group_metadata_member_id(self.as_ptr())) }
    }

    pub(crate) fn generation(&self) -> i32 {
        // SAFETY: the metadata are ours and alive.
        unsafe { sys::rd_kafka_consumer_group_metadata_generation_id(self.as_ptr()) }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_consumer_group_metadata_t {
        self.metadata.as_ptr()
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        // SAFETY: the metadata are ours.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.as_ptr()) };
    }
}
