//! A client that is none of ours: Kafka's own, in Java.

use super::node::Node;
use std::collections::BTreeMap;
use std::process::Command;

/// How long it waits for another record, ms: for the first it must find its group, on a machine that does much else.
const PATIENCE: &str = "20000";

/// How many records of a topic it reads, by partition: committed ones.
pub(super) fn count(node: &Node, topic: &str) -> BTreeMap<u32, u64> {
    let java = node.java();
    let told = Command::new(&java[0])
        .args(&java[1..])
        .args(["org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", node.local()])
        .args(["--topic", topic, "--from-beginning", "--isolation-level", "read_committed"])
        .args([
            "--timeout-ms",
            PATIENCE,
            "--property",
            "print.partition=true",
            "--property",
            "print.value=false",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&told.stderr);
    let mut counts = BTreeMap::new();
    for line in String::from_utf8_lossy(&told.stdout).lines() {
        let number = line.trim().strip_prefix("Partition:").and_then(|number| number.parse().ok());
        *counts.entry(number.unwrap_or_else(|| panic!("{line:?}"))).or_default() += 1;
    }
    let all: u64 = counts.values().sum();
    assert!(said.contains(&format!("Processed a total of {all} messages")), "{topic}: {said}");
    counts
}
