//! One run of `vitals` over the whole backlog, from nothing to the last activity scored.

use super::process::{children_cpu_seconds, cpu_seconds, peak_mib};
use super::report::{Figures, Sample};
use super::workload::{Record, TOPICS, Workload};
use crate::broker::{delete_groups, delete_topics};
use engine::fingerprint;
use kafka::{Kafka, Settings};
use log::{Appends, Batch, Isolation, Log, Partition, Reader, Transaction, Writer};
use pipeline::{Patience, topic};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Partitions of every topic, as the peer has them.
pub(super) const PARTITIONS: u32 = 4;
/// Activities of one transaction when topics are filled.
const FILLED: usize = 20_000;
/// How long a run, or the broker, may stand still before it is given up.
const STILL: Duration = Duration::from_secs(120);
const PATIENCE: Patience = Patience { busy: STILL, nothing: STILL, pause: Duration::from_millis(50) };
/// Activities that were scored.
pub(super) const SCORED: &str = "vitals_score_activities_total";
const MODEL: &str = include_str!("../../data/benchmark/peer.yaml");

/// A broker that is there, and its process.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Its address.
    pub address: String,
    /// Its process id.
    pub pid: u32,
}

impl Broker {
    fn log(&self) -> Kafka {
        Kafka::new(Settings { bootstrap: vec![self.address.clone()], ..Settings::default() }).unwrap()
    }

    /// Makes the source topics of a workload, empty.
    ///
    /// # Panics
    /// If the broker refuses.
    pub fn make_sources(&self) {
        delete_topics(&self.address, &TOPICS);
        let log = self.log();
        for spec in topic::specs(PARTITIONS, PARTITIONS) {
            if TOPICS.contains(&&*spec.name) {
                patiently(|| log.create(&spec));
            }
        }
    }

    /// Makes the source topics of a workload and fills them.
    ///
    /// # Panics
    /// If the broker refuses.
    pub fn fill(&self, events: u64, accounts: u32) {
        self.make_sources();
        let mut producer = Producer::new(self);
        for (number, record) in (1..).zip(Workload::new(events, accounts)) {
            producer.push(&record);
            if producer.pending() == FILLED || number == events {
                producer.send();
                if number % 500_000 < FILLED as u64 {
                    eprintln!("{number} of {events} activities written");
                }
            }
        }
    }

    /// A reader of committed records of a partition, from its end on.
    pub(super) fn reader_at_end(&self, name: &str, number: u32) -> impl Reader + use<> {
        let log = self.log();
        let topic: Arc<str> = name.into();
        let ends = patiently(|| log.ends(&[Arc::clone(&topic)])).topics.remove(0);
        let partition = Partition::new(topic, number);
        patiently(|| log.read(&partition, ends[number as usize].end, Isolation::Committed))
    }

    /// How many records readers of committed records see in a topic.
    fn count(&self, name: &str) -> u64 {
        let log = self.log();
        let topic: Arc<str> = name.into();
        let ends = patiently(|| log.ends(&[Arc::clone(&topic)])).topics.remove(0);
        let mut batch = Batch::default();
        let count = |(number, ends): (u32, log::Ends)| {
            let partition = Partition::new(Arc::clone(&topic), number);
            let mut reader = patiently(|| log.read(&partition, ends.first, Isolation::Committed));
            let mut count = 0;
            loop {
                match PATIENCE.read_on(&mut reader, &mut batch).unwrap_or_else(|error| panic!("{error}")) {
                    None => count += batch.len() as u64,
                    Some(end) if end >= ends.end => break count,
                    Some(_) => {}
                }
            }
        };
        (0..).zip(ends).map(count).sum()
    }
}

/// Writes activity, some of it at once.
pub(super) struct Producer {
    topics: [Arc<str>; TOPICS.len()],
    writer: <Kafka as Log>::Writer,
    appends: Appends,
}

impl Producer {
    pub(super) fn new(broker: &Broker) -> Self {
        let log = broker.log();
        let writer = patiently(|| log.writer("benchmark"));
        Self { topics: TOPICS.map(Arc::from), writer, appends: Appends::default() }
    }

    /// Takes an activity, to be sent with others.
    pub(super) fn push(&mut self, record: &Record) {
        let number = fingerprint::of(record.key.as_bytes()) % u64::from(PARTITIONS);
        let partition = u32::try_from(number).unwrap();
        let (key, value) = (record.key.as_bytes(), record.value.as_bytes());
        self.appends.push(&self.topics[record.topic], partition, Some(key), Some(value), &[]);
    }

    /// How many activities were taken and not sent.
    pub(super) fn pending(&self) -> usize {
        self.appends.len()
    }

    /// Sends what was taken; returns once it is committed.
    pub(super) fn send(&mut self) {
        self.writer
            .commit(&Transaction { appends: &[&self.appends], offsets: &[], membership: None })
            .unwrap_or_else(|error| panic!("{error}"));
        self.appends.clear();
    }
}

/// Asks until the broker has an answer.
fn patiently<T>(ask: impl FnMut() -> log::Result<T>) -> T {
    PATIENCE.ask(ask).unwrap_or_else(|error| panic!("{error}"))
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program.
    pub vitals: PathBuf,
    /// Moves of so many points are published.
    pub publish: String,
    /// How many activities there are.
    pub events: u64,
    /// Lines for its configuration.
    pub settings: String,
}

impl Run {
    /// Runs it from nothing until everything is scored and committed.
    ///
    /// # Panics
    /// If the program fails or stands still; the message has what it wrote.
    #[must_use]
    pub fn measure(&self, broker: &Broker) -> Figures {
        let dir = self.set_up(broker, &self.model());
        let figures = self.watch(broker, dir.path());
        let topics = [topic::HEALTH, topic::ALERTS, topic::ACCOUNT_HEALTH, topic::DEAD_LETTER];
        let outputs: BTreeMap<_, _> =
            topics.into_iter().map(|name| (name.to_owned(), broker.count(name))).collect();
        clear(broker);
        Figures { outputs, ..figures }
    }

    fn model(&self) -> String {
        MODEL.replace("PUBLISH_CHANGE", &self.publish)
    }

    /// The same for activity that comes as it happens: a source has a clock once its first activity is as old as its max
    /// delay, and before that nothing is known.
    pub(super) fn live_model(&self) -> String {
        self.model().replace("max_delay: 1h", "max_delay: 1s")
    }

    /// Makes everything ready for a run of a model but the source topics, in a folder of its own.
    pub(super) fn set_up(&self, broker: &Broker, model: &str) -> TempDir {
        clear(broker);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("model.yaml"), model).unwrap();
        let text = format!(
            "[log]\nkind = 'kafka'\n[kafka]\nbootstrap = '{}'\n[topics]\npartitions = {PARTITIONS}\n\
             source_partitions = {PARTITIONS}\n{}\n",
            broker.address, self.settings
        );
        std::fs::write(dir.path().join("vitals.toml"), text).unwrap();
        let told = self.command(dir.path(), &["setup", "--model", "model.yaml"]).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        dir
    }

    /// Starts `vitals run` in a folder that is set up.
    pub(super) fn start(&self, dir: &Path, name: &str, args: &[&str]) -> Running {
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let log = dir.join(format!("{name}.txt"));
        let mut command = self.command(dir, &[&["run", "--listen", &listen], args].concat());
        let child = command.stdout(Stdio::null()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        Running { child, listen, log }
    }

    fn command(&self, dir: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(&self.vitals);
        // As the peer's virtual machine is told to.
        command.env("MIMALLOC_ALLOW_LARGE_OS_PAGES", "1");
        command.current_dir(dir).args(args).stdin(Stdio::null());
        command
    }

    fn watch(&self, broker: &Broker, dir: &Path) -> Figures {
        let (broker_before, before) = (cpu_seconds(broker.pid), children_cpu_seconds());
        let began = Instant::now();
        let mut child = self.start(dir, "run", &["--mode", "recorded"]);
        let (mut samples, mut peak): (Vec<Sample>, f64) = (Vec::new(), 0.0);
        let mut moved = Instant::now();
        let status = loop {
            std::thread::sleep(Duration::from_millis(200));
            let sample = Sample { cpu: cpu_seconds(child.pid()), done: child.metric(SCORED) };
            peak = peak.max(peak_mib(child.pid()));
            if let Some(status) = child.child.try_wait().unwrap() {
                break status;
            }
            if samples.last().is_none_or(|last| last.done < sample.done) {
                moved = Instant::now();
            }
            assert!(moved.elapsed() < STILL, "vitals stands still at {}:\n{}", sample.done, child.said());
            samples.push(sample);
        };
        assert!(status.success(), "vitals ended with {status}:\n{}", child.said());
        Figures {
            name: "vitals".to_owned(),
            events: self.events,
            wall_s: began.elapsed().as_secs_f64(),
            cpu_s: children_cpu_seconds() - before,
            broker_cpu_s: cpu_seconds(broker.pid) - broker_before,
            steady: Figures::steady(&samples, self.events),
            peak_mib: peak,
            outputs: BTreeMap::new(),
        }
    }
}

/// A process that ends with this.
pub(super) struct Running {
    child: Child,
    listen: String,
    log: PathBuf,
}

impl Running {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The sum of a metric over its labels; 0 if it does not say.
    pub(super) fn metric(&self, name: &str) -> f64 {
        let page = ureq::get(&format!("http://{}/metrics", self.listen))
            .call()
            .ok()
            .and_then(|mut answer| answer.body_mut().read_to_string().ok())
            .unwrap_or_default();
        sum(&page, name)
    }

    /// Waits until a metric has come to `least`.
    pub(super) fn await_metric(&mut self, name: &str, least: f64) {
        let (mut last, mut moved) = (0.0, Instant::now());
        loop {
            let now = self.metric(name);
            if now >= least {
                return;
            }
            if now > last {
                (last, moved) = (now, Instant::now());
            }
            let status = self.child.try_wait().unwrap();
            assert!(status.is_none(), "vitals ended with {status:?}:\n{}", self.said());
            assert!(moved.elapsed() < STILL, "{name} stands still at {now}:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends it at once (`kill -9`).
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// The sum of a metric over its labels.
fn sum(page: &str, metric: &str) -> f64 {
    let of_metric = |line: &&str| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']));
    page.lines()
        .filter(of_metric)
        .filter_map(|line| line.rsplit(' ').next())
        .filter_map(|value| value.parse::<f64>().ok())
        .sum()
}

/// Leaves nothing of a run on the broker but the activities.
pub(super) fn clear(broker: &Broker) {
    let specs = topic::specs(1, 1);
    let made: Vec<&str> =
        specs.iter().map(|spec| &*spec.name).filter(|name| !TOPICS.contains(name)).collect();
    delete_topics(&broker.address, &made);
    delete_groups(&broker.address, &["vitals-ingest", "vitals-score"]);
}
