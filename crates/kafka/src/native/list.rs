//! Lists of partitions with offsets.

use super::Code;
use log::Partition;
use rdkafka_sys as sys;
use std::ffi::CString;
use std::ptr::NonNull;

/// Partitions, each with an offset, a text and, after a call, a code.
#[derive(Debug)]
pub(crate) struct List {
    list: NonNull<sys::rd_kafka_topic_partition_list_t>,
}

// SAFETY: it is plain memory that nobody else refers to.
unsafe impl Send for List {}

/// One of a list.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// `None` if it is not UTF-8.
    pub(crate) metadata: Option<String>,
    pub(crate) code: Code,
}

/// What stands for "no offset" (`RD_KAFKA_OFFSET_INVALID`).
pub(crate) const NO_OFFSET: i64 = sys::RD_KAFKA_OFFSET_INVALID as i64;

impl List {
    pub(crate) fn new(size: usize) -> Self {
        // SAFETY: the library aborts the process rather than return null.
        let list = unsafe {
            let size = i32::try_from(size).unwrap_or(i32::MAX);
            NonNull::new_unchecked(sys::rd_kafka_topic_partition_list_new(size))
        };
        Self { list }
    }

    /// Partitions without an offset.
    pub(crate) fn of<'a>(partitions: impl IntoIterator<Item = &'a Partition>) -> Self {
        let mut list = Self::new(8);
        for partition in partitions {
            list.push(&partition.topic, number(partition.number), NO_OFFSET, None);
        }
        list
    }

    /// Names of topics, as for a subscription.
    pub(crate) fn of_topics<'a>(topics: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Self::new(8);
        for topic in topics {
            list.push(topic, -1, NO_OFFSET, None);
        }
        list
    }

    /// Adds one. A name with a NUL, which no topic has, is left out.
    pub(crate) fn push(&mut self, topic: &str, partition: i32, offset: i64, metadata: Option<&str>) {
        let Ok(topic) = CString::new(topic) else { return };
        // SAFETY: the list is ours; the name is copied; the element is valid until the next call on the list; the
        // memory of the metadata comes from the library's allocator, which frees it with the list.
        unsafe {
            let element =
                &mut *sys::rd_kafka_topic_partition_list_add(self.as_ptr(), topic.as_ptr(), partition);
            element.offset = offset;
            if let Some(metadata) = metadata.filter(|metadata| !metadata.is_empty()) {
                let memory = sys::rd_kafka_mem_malloc(std::ptr::null_mut(), metadata.len());
                std::ptr::copy_nonoverlapping(metadata.as_ptr(), memory.cast::<u8>(), metadata.len());
                element.metadata = memory;
                element.metadata_size = metadata.len();
            }
        }
    }

    /// Forgets what a call has said of single partitions.
    pub(crate) fn clear_codes(&mut self) {
        // SAFETY: the list is ours and alive; `elems` holds `cnt` elements.
        unsafe {
            let list = self.list.as_mut();
            for place in 0..usize::try_from(list.cnt).unwrap_or(0) {
                (*list.elems.add(place)).err = Code::RD_KAFKA_RESP_ERR_NO_ERROR;
            }
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        // SAFETY: the list is ours and alive.
        unsafe { entries(self.as_ptr()) }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.list.as_ptr()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list is ours.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.as_ptr()) };
    }
}

/// A partition's number as the protocol has it. Kafka knows none above `i32::MAX`.
pub(crate) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Copies what stands in a list.
///
/// # Safety
/// `list` is null or a list that lives until this returns.
pub(super) unsafe fn entries(list: *const sys::rd_kafka_topic_partition_list_t) -> Vec<Entry> {
    // SAFETY: by this function's own condition; `elems` holds `cnt` elements, each with a valid name.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        let count = usize::try_from(list.cnt).unwrap_or(0);
        if count == 0 {
            return Vec::new();
        }
        std::slice::from_raw_parts(list.elems, count).iter().map(|element| entry(element)).collect()
    }
}

/// Copies an element.
///
/// # Safety
/// Its name and its metadata are valid.
pub(super) unsafe fn entry(element: &sys::rd_kafka_topic_partition_t) -> Entry {
    // SAFETY: by this function's own condition.
    unsafe {
        let metadata = if element.metadata.is_null() || element.metadata_size == 0 {
            Some(String::new())
        } else {
            let bytes = std::slice::from_raw_parts(element.metadata.cast::<u8>(), element.metadata_size);
            String::from_utf8(bytes.to_vec()).ok()
        };
        Entry {
            topic: super::text(element.topic),
            partition: element.partition,
            offset: element.offset,
            metadata,
            code: element.err,
        }
    }
}
