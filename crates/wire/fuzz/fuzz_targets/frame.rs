//! Any bytes are a frame's entries or an error. The checksum is set right, so that what is behind it is reached.
//!
//! `cargo +nightly fuzz run frame -- -max_len=4096`

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::frame::{FrameBuffer, Writer};

fuzz_target!(|bytes: &[u8]| {
    let mut value = bytes.to_vec();
    if value.len() >= 8 {
        let crc = crc32fast::hash(&value[8..]);
        value[4..8].copy_from_slice(&crc.to_le_bytes());
    }
    let mut buffer = FrameBuffer::default();
    if buffer.load(&value).is_err() {
        return;
    }
    let mut writer = Writer::new(buffer.epoch());
    for entry in buffer.reader().map_while(Result::ok) {
        if writer.push(&entry).is_err() {
            return;
        }
    }
    let (mut again, mut second) = (Vec::new(), FrameBuffer::default());
    writer.finish(&mut again);
    second.load(&again).unwrap();
    let first: Vec<_> = buffer.reader().map_while(Result::ok).collect();
    assert_eq!(second.reader().map(Result::unwrap).collect::<Vec<_>>().len(), first.len());
});
