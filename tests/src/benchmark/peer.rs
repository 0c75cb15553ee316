//! The peer: Kafka Streams, in a folder of its own that builds itself and brings its broker along.

use super::product::Broker;
use super::report::Figures;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where its broker listens.
const ADDRESS: &str = "127.0.0.1:29092";

/// A copy of the peer's folder, built, its broker up. The broker ends with it.
#[derive(Debug)]
pub struct Peer {
    dir: PathBuf,
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

impl Peer {
    /// Copies the peer's folder to `dir`, builds it and starts its broker.
    ///
    /// # Panics
    /// If a step fails; what it wrote is on standard error.
    #[must_use]
    pub fn start(from: &Path, dir: &Path) -> Self {
        copy(from, dir).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        let peer = Self { dir: dir.to_path_buf() };
        for args in [
            &["dependency:copy-dependencies", "-DoutputDirectory=libs", "-DincludeScope=runtime"][..],
            &["compile"],
        ] {
            peer.do_it("mvn", &[&["-q", "-B"], args].concat());
        }
        peer.do_it("bash", &["broker.sh", "start"]);
        peer
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.dir).args(args).stdin(Stdio::null());
        command
    }

    fn do_it(&self, program: &str, args: &[&str]) {
        // Its broker outlives the shell, and must not hold what this one writes to.
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("steps.log")).unwrap();
        let mut command = self.command(program, args);
        let status = command.stdout(log.try_clone().unwrap()).stderr(log).status();
        assert!(
            status.as_ref().is_ok_and(std::process::ExitStatus::success),
            "{program} {args:?}: {status:?}; see {}",
            self.dir.join("steps.log").display()
        );
    }

    fn java(&self, class: &str, args: &[&str]) -> Command {
        let java = [
            "-Xmx1g",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            "target/classes:libs/*",
            class,
        ];
        self.command("java", &[&java, args].concat())
    }

    /// Its broker.
    ///
    /// # Panics
    /// If that is not there.
    #[must_use]
    pub fn broker(&self) -> Broker {
        let pid = fs::read_to_string(self.dir.join("broker.pid")).unwrap();
        Broker { address: ADDRESS.to_owned(), pid: pid.trim().parse().unwrap() }
    }

    /// Fills the source topics by its own generator.
    ///
    /// # Panics
    /// If that fails.
    pub fn fill(&self, events: u64, accounts: u32) {
        let (events, accounts) = (events.to_string(), accounts.to_string());
        let status = self.java("peer.Gen", &["vitals", &events, &accounts]).status().unwrap();
        assert!(status.success(), "the peer's generator: {status}");
    }

    /// Runs it over the whole backlog, exactly once. With `sweep` it looks at each account once a day of event time,
    /// active or not.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn measure(&self, publish: &str, accounts: u32, sweep: bool) -> Figures {
        // What its README runs, with the memory that it takes for the more accounts.
        let memory = if accounts > 200_000 { "-Xms3g -Xmx3g" } else { "-Xms2g -Xmx2g" };
        let jvm = format!(
            "jvm=-Dpublish={publish} {memory} -Xmn1g -XX:+UseParallelGC -XX:+UseTransparentHugePages"
        );
        let sweep = if sweep { "sweep=on" } else { "sweep=off" };
        let args = ["prefix=vitals", "store=rocksdb", "guarantee=eos", sweep, &jvm];
        let told = self.java("peer.Bench", &args).stderr(Stdio::inherit()).output().unwrap();
        let text = String::from_utf8_lossy(&told.stdout);
        let line = text.lines().find(|line| line.starts_with('{'));
        let line = line.unwrap_or_else(|| panic!("the peer said nothing: {}", told.status));
        let value: Value = serde_json::from_str(line).unwrap();
        let number = |name: &str| value[name].as_f64().unwrap_or_default();
        let count = |name: &str| value[name].as_u64().unwrap_or_default();
        Figures {
            name: "kafka-streams".to_owned(),
            events: count("events"),
            wall_s: number("wall_s"),
            cpu_s: number("app_cpu_s"),
            broker_cpu_s: number("broker_cpu_s"),
            steady: number("steady_events_per_app_cpu_s"),
            peak_mib: number("peak_rss_mib"),
            outputs: BTreeMap::from([
                ("health".to_owned(), count("health")),
                ("alerts".to_owned(), count("alerts")),
            ]),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It was said already if it did not come up.
        self.command("bash", &["broker.sh", "stop"]).status().map(drop).unwrap_or_default();
    }
}
