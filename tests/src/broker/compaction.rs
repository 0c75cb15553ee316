//! Compaction on demand.
//!
//! A broker compacts what is dirty: what lies behind the offset up to which it has compacted, which it keeps in a
//! file and reads anew each time. Without its line in that file a topic is dirty as a whole. Tombstones and
//! markers go in a later pass than the one that first finds them (KIP-534).

use super::Node;
use std::fs;
use std::time::{Duration, Instant};

const PASSES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn compact(node: &Node, topic: &str) {
    for _ in 0..PASSES {
        let until = Instant::now() + PATIENCE;
        forget(node, topic);
        while !is_compacted(node, topic) {
            assert!(
                Instant::now() < until,
                "the cleaner does not come round to {topic}; see {}",
                node.log().display()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn lines(node: &Node) -> Vec<String> {
    let text = fs::read_to_string(node.data().join("cleaner-offset-checkpoint")).unwrap_or_default();
    // A version, how many lines follow, then topic, partition and offset.
    text.lines().skip(2).map(str::to_owned).collect()
}

fn is_of(line: &str, topic: &str) -> bool {
    line.split_whitespace().next() == Some(topic)
}

fn is_compacted(node: &Node, topic: &str) -> bool {
    lines(node).iter().any(|line| is_of(line, topic))
}

fn forget(node: &Node, topic: &str) {
    let (file, draft) =
        (node.data().join("cleaner-offset-checkpoint"), node.data().join("cleaner-offset-checkpoint.draft"));
    let mut kept = lines(node);
    let before = kept.len();
    kept.retain(|line| !is_of(line, topic));
    if kept.len() < before {
        let body: String = kept.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&draft, format!("0\n{}\n{body}", kept.len())).unwrap();
        fs::rename(&draft, &file).unwrap();
    }
}
