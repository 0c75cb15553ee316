//! Any bytes, as a record of any source, are an activity or a reason; what is an activity survives a frame.
//!
//! `cargo +nightly fuzz run decode -- -max_len=2048`

#![no_main]

use engine::entry::Entry;
use libfuzzer_sys::fuzz_target;
use model::source::Source;
use wire::activity::Decoder;
use wire::frame::{FrameBuffer, Writer};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, value)) = bytes.split_first() else { return };
    let source = Source::ALL[usize::from(*first) % Source::ALL.len()];
    let mut decoder = Decoder::default();
    match decoder.decode(source, 3, 42, value) {
        Ok(activity) => {
            let entry = Entry::Activity(activity);
            let (mut writer, mut frame, mut buffer) = (Writer::new(1), Vec::new(), FrameBuffer::default());
            writer.push(&entry).unwrap();
            writer.finish(&mut frame);
            buffer.load(&frame).unwrap();
            assert_eq!(buffer.reader().next(), Some(Ok(entry)));
        }
        Err(reason) => assert!(reason.to_string().len() < 2_000),
    }
});
