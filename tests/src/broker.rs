//! A real Kafka for tests: one node, or three, on this machine, with nothing to install but Java and Maven.
//!
//! ```text
//! fetch ─> Kafka's jars, once, under the target folder
//! node ──> a formatted directory, a process, its log file
//! proxy ─> between clients and a node, if asked for: what goes wrong on the way
//! client > Kafka's own client, in Java, for a second opinion
//! wire ──> the few requests that no client of ours makes: what a test does to a log from outside
//! ```
//! Nodes listen on 127.0.0.1 on ports that were free. A node ends with its [`Node`], and also with the process
//! that started it, whatever that dies of: a shell holds it, and ends it when its own input ends. Where Java or
//! Maven are missing, [`Cluster::start`] says so and gives nothing: the test is skipped, unless `CI=true`, where
//! it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a library of tests: a failure is a panic"
)]

mod client;
mod compaction;
mod fetch;
mod node;
pub mod proxy;
mod secure;
mod wire;

pub use node::Node;
pub use secure::{PASSWORD, Secure};
pub use wire::{delete_groups, delete_topics};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many nodes, each broker and controller.
    pub nodes: u32,
    /// Properties of the brokers, before those that are set here.
    pub properties: Vec<(String, String)>,
    /// How clients reach the brokers: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT`, `SASL_SSL`. Brokers speak to each
    /// other without.
    pub protocol: &'static str,
    /// More arguments for the formatting of the storage, such as `--add-scram`.
    pub format: Vec<String>,
    /// Whether clients reach each node through a proxy of its own ([`Node::proxy`]).
    pub proxied: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { nodes: 1, properties: Vec::new(), protocol: "PLAINTEXT", format: Vec::new(), proxied: false }
    }
}

/// A cluster that runs until this is dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    dir: PathBuf,
}

/// Kafka's jars. `None` if this machine lacks what it takes; then the reason was said.
fn libs() -> Option<&'static Path> {
    static LIBS: LazyLock<Result<PathBuf, String>> = LazyLock::new(fetch::libs);
    match &*LIBS {
        Ok(libs) => Some(libs),
        Err(missing) => {
            witness::skip(&format!("no Kafka to test with: {missing}"));
            None
        }
    }
}

impl Cluster {
    /// Whether a cluster can be started here; if not, the reason was said.
    ///
    /// # Panics
    /// If something is missing and `CI` is `true`.
    #[must_use]
    pub fn can_start() -> bool {
        libs().is_some()
    }

    /// Starts a cluster and waits until each node serves. `None` if this machine lacks what it takes; then the
    /// reason was said.
    ///
    /// # Panics
    /// If it does not come up; the message names the log file. If something is missing and `CI` is `true`.
    #[must_use]
    pub fn start(options: &Options) -> Option<Self> {
        let libs = libs()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = fetch::run_dir(number);
        // The ports are free when they are chosen; somebody else may take one before the node does.
        let mut attempt = 0;
        let nodes = loop {
            match node::start_all(libs, &dir, options) {
                Ok(nodes) => break nodes,
                Err(reason) if attempt == 2 => panic!("{reason}"),
                Err(_) => attempt += 1,
            }
        };
        Some(Self { nodes, dir })
    }

    /// The nodes' addresses for clients.
    #[must_use]
    pub fn bootstrap(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address().to_owned()).collect()
    }

    /// The nodes' addresses where nothing stands between.
    #[must_use]
    pub fn direct(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.local().to_owned()).collect()
    }

    /// A node, from 0.
    ///
    /// # Panics
    /// If there is none of this number.
    pub fn node(&mut self, number: usize) -> &mut Node {
        &mut self.nodes[number]
    }

    fn only(&self) -> &Node {
        assert_eq!(self.nodes.len(), 1, "the one node is leader and coordinator of everything");
        &self.nodes[0]
    }

    /// Gives a topic more partitions.
    ///
    /// # Panics
    /// If the broker refuses.
    pub fn add_partitions(&self, topic: &str, count: u32) {
        wire::create_partitions(self.only().local(), topic, count);
    }

    /// Gives a topic a property.
    ///
    /// # Panics
    /// If the broker refuses.
    pub fn set_property(&self, topic: &str, name: &str, value: &str) {
        wire::set_property(self.only().local(), topic, name, value);
    }

    /// Deletes topics.
    ///
    /// # Panics
    /// If the broker refuses.
    pub fn delete_topics(&self, topics: &[&str]) {
        delete_topics(self.only().local(), topics);
    }

    /// Deletes the records of a partition before `offset`.
    ///
    /// # Panics
    /// If the broker refuses.
    pub fn truncate_before(&self, topic: &str, partition: u32, offset: i64) {
        wire::delete_records(self.only().local(), topic, partition, offset);
    }

    /// Lets a group forget a member by its instance, as after its session's time-out. Whether it was there.
    #[must_use]
    pub fn expel(&self, group: &str, instance: &str) -> bool {
        wire::leave_group(self.only().local(), group, instance)
    }

    /// How many records of a topic a client reads that is none of ours, by partition: committed ones.
    ///
    /// # Panics
    /// If it reads something else, or not all that it says.
    #[must_use]
    pub fn count(&self, topic: &str) -> BTreeMap<u32, u64> {
        client::count(self.only(), topic)
    }

    /// Has the broker compact a topic, all but the last segments, until nothing more goes.
    ///
    /// The topic rolls a segment with each append (`segment.ms=1`), and keeps no tombstones
    /// (`delete.retention.ms=0`).
    ///
    /// # Panics
    /// If the cleaner does not come round; the message names the broker's log.
    pub fn compact(&self, topic: &str) {
        compaction::compact(self.only(), topic);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes.clear();
        if std::thread::panicking() {
            eprintln!("the brokers' logs and data are in {}", self.dir.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            eprintln!("{} was not removed: {error}", self.dir.display());
        }
    }
}
