//! One node: its directory, its process, its log file.

use super::proxy::Proxy;
use super::{Options, wire};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a node may take to serve.
const PATIENCE: Duration = Duration::from_secs(120);

/// The shell that holds a node: it tells the node's process id, and ends the node when its own input ends.
const HOLD: &str =
    r#""$@" </dev/null >>"$LOG" 2>&1 & node=$!; echo "$node"; read -r _; kill -9 "$node"; wait"#;

/// Any id will do, the same for all nodes of a cluster.
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qg";

/// A node that was started, and whatever has become of it.
#[derive(Debug)]
pub struct Node {
    libs: PathBuf,
    dir: PathBuf,
    address: String,
    /// Where tests and other nodes speak to it, without encryption whatever its clients do.
    local: String,
    heap_mb: u32,
    process: Option<Process>,
    proxy: Option<Proxy>,
}

#[derive(Debug)]
struct Process {
    shell: Child,
    pid: Pid,
}

/// Formats and starts all nodes of a cluster in `dir`, and waits until they serve.
pub(super) fn start_all(libs: &Path, dir: &Path, options: &Options) -> Result<Vec<Node>, String> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(|error| error.to_string())?;
    }
    let count = options.nodes;
    let ports: Vec<[u16; 4]> =
        free_ports(4 * count as usize).chunks_exact(4).map(|ports| ports.try_into().unwrap()).collect();
    let voters: Vec<String> = (1..=count)
        .zip(&ports)
        .map(|(id, [_, _, controller, _])| format!("{id}@127.0.0.1:{controller}"))
        .collect();
    let mut nodes = Vec::new();
    for (id, ports) in (1..=count).zip(&ports) {
        let dir = dir.join(format!("node-{id}"));
        fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
        let properties = properties(id, *ports, &voters.join(","), &dir, options);
        fs::write(dir.join("server.properties"), properties).map_err(|error| error.to_string())?;
        let [client, local, _, proxy] = ports.map(|port| format!("127.0.0.1:{port}"));
        let heap_mb = if count == 1 { 512 } else { 384 };
        let started = options.proxied.then(|| Proxy::start(&proxy, &client)).transpose();
        let (address, proxy) = match started.map_err(|error| error.to_string())? {
            None => (client, None),
            started => (proxy, started),
        };
        nodes.push(Node { libs: libs.to_path_buf(), dir, address, local, heap_mb, process: None, proxy });
    }
    let formats: Vec<_> = nodes.iter().map(|node| node.format(&options.format)).collect();
    for (node, format) in nodes.iter().zip(formats) {
        let told = format.and_then(|mut format| format.wait()).map_err(|error| error.to_string())?;
        if !told.success() {
            return Err(format!("the storage could not be formatted; see {}", node.log().display()));
        }
    }
    for node in &mut nodes {
        node.spawn();
    }
    nodes.iter().try_for_each(Node::wait_until_it_serves)?;
    Ok(nodes)
}

fn free_ports(count: usize) -> Vec<u16> {
    // All are held until all are chosen, so that they differ.
    let held: Vec<_> = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

fn properties(id: u32, ports: [u16; 4], voters: &str, dir: &Path, options: &Options) -> String {
    let [client, local, controller, proxy] = ports.map(|port| format!("127.0.0.1:{port}"));
    let advertised = if options.proxied { &proxy } else { &client };
    let count = options.nodes;
    let replicas = count.min(3).to_string();
    let in_sync = count.min(2).to_string();
    let mut all: Vec<(&str, String)> = vec![
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", id.to_string()),
        ("controller.quorum.voters", voters.to_owned()),
        ("listeners", format!("CLIENT://{client},LOCAL://{local},CONTROLLER://{controller}")),
        ("advertised.listeners", format!("CLIENT://{advertised},LOCAL://{local}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("inter.broker.listener.name", "LOCAL".to_owned()),
        (
            "listener.security.protocol.map",
            format!("CLIENT:{},LOCAL:PLAINTEXT,CONTROLLER:PLAINTEXT", options.protocol),
        ),
        ("log.dirs", dir.join("data").display().to_string()),
        ("default.replication.factor", replicas.clone()),
        ("min.insync.replicas", in_sync.clone()),
        ("auto.create.topics.enable", "false".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("group.min.session.timeout.ms", "1000".to_owned()),
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("transaction.state.log.num.partitions", "4".to_owned()),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "200".to_owned()),
        ("log.cleaner.backoff.ms", "50".to_owned()),
        ("log.cleaner.dedupe.buffer.size", "4194304".to_owned()),
    ];
    for topic in ["offsets.topic", "transaction.state.log", "share.coordinator.state.topic"] {
        let name = |what: &str| -> &'static str { format!("{topic}.{what}").leak() };
        all.push((name("replication.factor"), replicas.clone()));
        if topic != "offsets.topic" {
            all.push((name("min.isr"), in_sync.clone()));
        }
    }
    // Of a property that is given twice the last one counts.
    let given = options.properties.iter().map(|(name, value)| (name.as_str(), value.clone()));
    all.into_iter().chain(given).map(|(name, value)| format!("{name}={value}\n")).collect()
}

impl Node {
    /// Its address for clients.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn local(&self) -> &str {
        &self.local
    }

    /// What stands between it and its clients.
    ///
    /// # Panics
    /// If the cluster was started without proxies.
    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("the cluster has proxies")
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.join("log.txt")
    }

    /// Where its partitions are.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(super) fn java(&self) -> Vec<String> {
        let classes = self.libs.join("*").display().to_string();
        let heap = format!("-Xmx{}m", self.heap_mb);
        ["java", &heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &classes]
            .map(str::to_owned)
            .to_vec()
    }

    fn format(&self, more: &[String]) -> std::io::Result<Child> {
        let java = self.java();
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        Command::new(&java[0])
            .args(&java[1..])
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
            .arg(self.dir.join("server.properties"))
            .args(more)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }

    fn spawn(&mut self) {
        let mut shell = Command::new("sh")
            .args(["-c", HOLD, "sh"])
            .args(self.java())
            .arg("kafka.Kafka")
            .arg(self.dir.join("server.properties"))
            .env("LOG", self.log())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).expect("the shell tells the process id");
        self.process = Some(Process { shell, pid });
    }

    fn wait_until_it_serves(&self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        while !wire::answers(&self.local) {
            let said = fs::read_to_string(self.log()).unwrap_or_default();
            if Instant::now() > until || said.contains("Exiting Kafka") || said.contains("shut down complete")
            {
                return Err(format!("the broker does not serve; see {}", self.log().display()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Its process id.
    ///
    /// # Panics
    /// If it was killed.
    #[must_use]
    pub fn pid(&self) -> u32 {
        let process = self.process.as_ref().expect("the node was not killed");
        u32::try_from(process.pid.as_raw_pid()).expect("process ids are positive")
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("the node was not killed");
        kill_process(process.pid, signal).expect("the node is there");
    }

    /// Lets it stand still (`SIGSTOP`): its connections stay open, and nothing answers.
    ///
    /// # Panics
    /// If it was killed.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (`SIGCONT`).
    ///
    /// # Panics
    /// If it was killed.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it without a goodbye (`SIGKILL`). Its data stay.
    ///
    /// # Panics
    /// If the shell that holds it cannot be waited for.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The shell's input ends, and it kills the node.
            drop(process.shell.stdin.take());
            process.shell.wait().expect("the shell ends");
        }
    }

    /// Starts it again on the data that it had, and waits until it serves.
    ///
    /// # Panics
    /// If it runs, or does not come up; the message names the log file.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "the node runs");
        self.spawn();
        if let Err(reason) = self.wait_until_it_serves() {
            panic!("{reason}");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
