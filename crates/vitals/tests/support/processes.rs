//! `vitals run` on a Kafka of its own, several processes beside each other.
#![allow(dead_code, reason = "not every test uses all of it")]

use super::support::{Place, Said, get, signal, terminate};
use serde_json::Value;
use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use vitals_tests::broker::Cluster;

/// A place whose log is on the cluster.
pub(crate) fn place(cluster: &Cluster, more: &str) -> Place {
    place_at(&cluster.bootstrap(), more)
}

/// The same, by these addresses of it.
pub(crate) fn place_at(bootstrap: &[String], more: &str) -> Place {
    let place = Place::new();
    let bootstrap = bootstrap.join(",");
    let text = format!(
        "[log]\nkind = 'kafka'\n[kafka]\nbootstrap = '{bootstrap}'\n{more}\n\
         [topics]\npartitions = 4\nsource_partitions = 2\n[admin]\nlisten = '127.0.0.1:0'\n"
    );
    place.write("vitals.toml", &text);
    place
}

/// A `vitals run` beside others.
pub(crate) struct Process<'p> {
    place: &'p Place,
    name: &'static str,
    child: Child,
    listen: String,
}

/// What commands say who ask a process.
const TOKEN: &str = "let me in";

impl<'p> Process<'p> {
    pub(crate) fn start(place: &'p Place, name: &'static str) -> Self {
        Self::start_with(place, name, &[])
    }

    /// The same with flags.
    pub(crate) fn start_with(place: &'p Place, name: &'static str, flags: &[&str]) -> Self {
        // Free now; whoever takes it before the process does makes the test fail with that message.
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let log = File::options().create(true).append(true).open(place.path(name)).unwrap();
        let mut command = place.command(["run", "--process", name, "--workers", "2", "--listen", &listen]);
        command.args(flags);
        command.env("VITALS_ADMIN_TOKEN", TOKEN);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { place, name, child, listen }
    }

    /// Kills it, and starts it again.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self = Self::start(self.place, self.name);
    }

    /// Lets it stand still, or go on: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.place.path(self.name)).unwrap()
    }

    /// Fails if it has ended by itself.
    pub(crate) fn must_live(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{} ended: {ended:?}\n{}", self.name, self.said());
    }

    /// What it says of its readiness; nothing while it does not listen.
    pub(crate) fn readiness(&mut self) -> Option<(u16, String)> {
        self.probe("/readyz")
    }

    /// Whether it says that it lives.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.probe("/livez").is_some_and(|(status, _)| status == 200)
    }

    fn probe(&mut self, path: &str) -> Option<(u16, String)> {
        self.must_live();
        get(&format!("http://{}{path}", self.listen), None).ok()
    }

    pub(crate) fn is_ready(&mut self) -> bool {
        self.readiness().is_some_and(|(status, _)| status == 200)
    }

    /// How it and its workers stand, of one that listens.
    pub(crate) fn standing(&mut self) -> Value {
        self.must_live();
        let (_, body) = get(&format!("http://{}/status", self.listen), Some(TOKEN)).unwrap();
        serde_json::from_str(&body).unwrap()
    }

    /// Runs a command that asks this process.
    pub(crate) fn ask<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        let mut command = self.place.command(arguments);
        let output = command
            .env("VITALS_ADMIN_TOKEN", TOKEN)
            .env("VITALS_ADMIN_LISTEN", &self.listen)
            .output()
            .unwrap();
        Said::of(output)
    }

    /// Asks it to end; its exit status.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        terminate(&mut self.child)
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}
