//! The binary as a user has it: commands in a directory of their own.
#![allow(dead_code, reason = "not every test uses all of it")]

use log::embedded::{Durability, Embedded, Options};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fs, thread};
use tempfile::TempDir;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The JSON of each line of its output.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Fails unless it ended well.
    pub(crate) fn fine(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }
}

/// Who has not logged in for twenty seconds is silent; a feed without any logins for ten seconds is dead.
pub(crate) const LIVE: &str = "
format: 1
model: live-silence
owner: ops@example.com
score: { bands: { healthy: 70, at-risk: 0 } }
sources: { login: { max_delay: 2s, max_skew: 1s, silent_at_most: 10s } }
signals: { last_login: { since_last: login } }
goals:
  use:
    statement: They come back.
    owner: csm
    weight: 100
    measures: { last_login: { kind: leading, weight: 100, curve: { 5s: 100, 20s: 0 } } }
alerts: { silent: { when: { last_login: { at_least: 20s } }, notify: csm } }
";

/// A directory to work in, with a log in `data`.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// One whose log is set up with few partitions, and a model if one is named.
    pub(crate) fn ready(model: Option<&Path>) -> Self {
        let place = Self::new();
        place.set_up(model);
        place
    }

    /// Sets the log up with few partitions, and a model if one is named.
    pub(crate) fn set_up(&self, model: Option<&Path>) {
        self.write(
            "vitals.toml",
            "[log]\ndir = 'data'\ndurability = 'buffered'\nreserve_bytes = 0\n[topics]\npartitions = 2\nsource_partitions = 2\n[admin]\nlisten = '127.0.0.1:0'\n",
        );
        let setup = self.run(["setup"]);
        assert_eq!(setup.status, Some(0), "{setup:?}");
        if let Some(model) = model {
            self.run([OsStr::new("model"), OsStr::new("publish"), model.as_os_str()]).fine();
        }
    }

    /// Opens the log, which no process may hold.
    pub(crate) fn open_log(&self) -> Embedded {
        let options = Options { durability: Durability::Buffered, reserve_bytes: 0, ..Options::default() };
        Embedded::open(self.path("data"), options).unwrap()
    }

    /// What became of the records of each source partition; nothing while the log does not answer.
    pub(crate) fn balance(&self) -> Vec<Value> {
        let said = self.run(["status", "--balance", "--json"]).json();
        said.first().and_then(|status| status["balance"].as_array()).cloned().unwrap_or_default()
    }

    /// Whether every record is accounted for, and so many of them are applied.
    pub(crate) fn is_balanced(&self, applied: i64) -> bool {
        let balance = self.balance();
        let sum: i64 = balance.iter().map(|of| of["applied"].as_i64().unwrap()).sum();
        !balance.is_empty() && sum == applied && balance.iter().all(|of| of["unaccounted"] == 0)
    }

    /// These counts of a source, over its partitions.
    pub(crate) fn counts<const N: usize>(&self, source: &str, names: [&str; N]) -> [i64; N] {
        let all = self.balance();
        let of: Vec<_> = all.iter().filter(|of| of["source"] == source).collect();
        names.map(|name| of.iter().map(|of| of[name].as_i64().unwrap()).sum())
    }

    /// The dead letters.
    pub(crate) fn letters(&self) -> Vec<Value> {
        self.run(["tail", "dead-letter", "--json"]).fine().json()
    }

    /// The alerts that fire, in the order in which they were written.
    pub(crate) fn fired(&self) -> Vec<Value> {
        let alerts = self.run(["tail", "alerts", "--json"]).fine().json();
        alerts.into_iter().filter(|alert| alert["value"]["state"] == "firing").collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vitals"));
        command.args(arguments).current_dir(self.dir.path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VITALS_"))
        {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        said(self.command(arguments).stdin(Stdio::null()))
    }

    /// Runs, and takes what it prints a line at a time: more than should be held at once.
    pub(crate) fn each_line<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        mut take: impl FnMut(&str),
    ) {
        let mut command = self.command(arguments);
        let log = fs::File::create(self.path("lines.err")).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        BufReader::new(child.stdout.take().unwrap()).lines().for_each(|line| take(&line.unwrap()));
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}: {}", fs::read_to_string(self.path("lines.err")).unwrap());
    }

    /// Runs with text on standard input.
    pub(crate) fn feed<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &str) -> Said {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Said::of(child.wait_with_output().unwrap())
    }

    /// Starts `vitals run`, and waits until its admin server answers.
    pub(crate) fn start(&self) -> Running<'_> {
        self.start_with(&[])
    }

    /// The same with flags.
    pub(crate) fn start_with(&self, flags: &[&str]) -> Running<'_> {
        let log = fs::File::create(self.path("run.err")).unwrap();
        let mut command = self.command(["run"].iter().chain(flags));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut running = Running { place: self, child };
        wait_for("the admin server", || {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("run ended: {status}; {}", fs::read_to_string(self.path("run.err")).unwrap());
            }
            // A killed one may have left its file behind.
            let text = fs::read_to_string(self.path("data/admin")).ok()?;
            let address: Value = serde_json::from_str(&text).ok()?;
            (address["pid"] == running.child.id()).then_some(())
        });
        running
    }
}

fn said(command: &mut Command) -> Said {
    Said::of(command.output().unwrap())
}

/// A `vitals run` that ends with this value.
#[derive(Debug)]
pub(crate) struct Running<'p> {
    place: &'p Place,
    child: Child,
}

impl Running<'_> {
    /// Status and body of a request without a token.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.ask(path, None)
    }

    /// Status and body of a request with a token.
    pub(crate) fn ask(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let url = format!("http://{}{path}", self.address()["address"].as_str().unwrap());
        get(&url, token).unwrap()
    }

    pub(crate) fn address(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.place.path("data/admin")).unwrap()).unwrap()
    }

    /// Kills it, as a power failure would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Why it is not ready, all at once; empty if it is.
    pub(crate) fn reasons(&self) -> String {
        let (status, body) = self.get("/readyz");
        let ready: Value = serde_json::from_str(&body).unwrap();
        let reasons: Vec<_> =
            ready["reasons"].as_array().unwrap().iter().map(|of| of.as_str().unwrap()).collect();
        assert_eq!(status == 200, reasons.is_empty(), "{body}");
        reasons.join("\n")
    }

    /// Waits until it ends by itself; its exit status and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let status = wait_for("the end of run", || self.child.try_wait().unwrap()).code();
        (status, fs::read_to_string(self.place.path("run.err")).unwrap())
    }

    /// Asks it to end; its exit status.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        terminate(&mut self.child)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Status and body of a request.
pub(crate) fn get(url: &str, token: Option<&str>) -> Result<(u16, String), ureq::Error> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let mut request = agent.get(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.call()?;
    Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
}

/// Sends a signal to a process: `TERM`, `STOP`, `CONT`.
pub(crate) fn signal(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
}

/// Asks a run to end; its exit status.
pub(crate) fn terminate(child: &mut Child) -> Option<i32> {
    signal(child, "TERM");
    wait_for("the end of run", || child.try_wait().unwrap()).code()
}

/// The time now, ms since the epoch.
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Looks until there is something, and fails after a while.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A model of this repository.
pub(crate) fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/models").join(name)
}
