//! The whole pipeline on a real broker, in CPU time; with `--peer`, beside Kafka Streams doing comparable work, in turn,
//! over the same topics of the same broker.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use vitals_tests::benchmark::peer::Peer;
use vitals_tests::benchmark::product::{Broker, Run};
use vitals_tests::benchmark::report::median;
use vitals_tests::benchmark::{comeback, latency};
use vitals_tests::broker::{Cluster, Options};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// CPU time over a backlog, in recorded time; with `--peer`, in turn with the peer.
    Backlog,
    /// From an activity to its alert, while others come at a steady rate.
    Latency,
    /// From `kill -9` of the score process, with entries of the journal before it, to the next output.
    Comeback,
}

/// Measures `vitals run` on a real Kafka.
#[derive(Debug, Parser)]
#[command(name = "benchmark")]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value_t = What::Backlog)]
    what: What,
    /// Activities in the backlog; for `comeback`, that come while nobody scores them (default: 300000).
    #[arg(long, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    events: Option<u64>,
    /// Accounts that they are about.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    accounts: u32,
    /// Moves of so many points are published.
    #[arg(long, default_value = "1")]
    publish: String,
    /// How often each side runs.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Activities a second for `latency`.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// For how many seconds `latency` measures.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// The folder of the peer, which is copied, built and run in turn; its broker is used.
    #[arg(long)]
    peer: Option<PathBuf>,
    /// The peer looks at each account once a day of event time. Else it looks at those that are active only, and what
    /// comes of time alone it does not see.
    #[arg(long, requires = "peer")]
    sweep: bool,
    /// Lines for the configuration of `vitals`.
    #[arg(long, default_value = "")]
    settings: String,
    /// Print each run as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Where the program stands that is measured, built if this runs under cargo.
fn vitals() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("vitals");
    if let Some(cargo) = std::env::var_os("CARGO") {
        ensure!(!cfg!(debug_assertions), "measure with `cargo run --release`");
        let built = Command::new(cargo).args(["build", "--release", "-p", "vitals"]).status()?;
        ensure!(built.success(), "vitals does not build");
    }
    ensure!(path.exists(), "{} is not there: run `cargo build --release` first", path.display());
    Ok(path)
}

/// Activities in the backlog, unless told otherwise.
const BACKLOG: u64 = 4_000_000;
/// Activities that come while nobody scores them, unless told otherwise.
const BEHIND: u64 = 300_000;

impl Arguments {
    fn run(&self) -> Result<Run> {
        Ok(Run {
            vitals: vitals()?,
            publish: self.publish.clone(),
            events: self.events.unwrap_or(BACKLOG),
            settings: self.settings.clone(),
        })
    }

    fn print<T: Serialize>(&self, figures: &T, line: &str) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(figures)?);
        } else {
            println!("{line}");
        }
        Ok(())
    }
}

fn live(arguments: &Arguments, broker: &Broker) -> Result<()> {
    let run = arguments.run()?;
    let mut all = Vec::new();
    for _ in 0..arguments.rounds {
        if arguments.what == What::Latency {
            let told = latency::measure(&run, broker, arguments.accounts, arguments.rate, arguments.seconds);
            arguments.print(&told, &told.line())?;
            all.push(told.p99_ms);
        } else {
            let behind = arguments.events.unwrap_or(BEHIND);
            let told = comeback::measure(&run, broker, arguments.accounts, behind);
            arguments.print(&told, &told.line())?;
            all.push(told.first_output_s);
        }
    }
    match arguments.what {
        What::Latency => eprintln!("median of p99: {:.0} ms", median(all)),
        What::Backlog | What::Comeback => eprintln!("median: first output after {:.2} s", median(all)),
    }
    Ok(())
}

fn measure(arguments: &Arguments, broker: &Broker, peer: Option<&Peer>) -> Result<()> {
    let run = arguments.run()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        let figures = run.measure(broker);
        arguments.print(&figures, &figures.line())?;
        ours.push(figures.rate());
        if let Some(peer) = peer {
            let figures = peer.measure(&arguments.publish, arguments.accounts, arguments.sweep);
            arguments.print(&figures, &figures.line())?;
            theirs.push(figures.rate());
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    eprintln!("median: {:.1} k activities per CPU-second", ours / 1_000.0);
    if peer.is_some() {
        eprintln!("peer:   {:.1} k; {:.2} times as many", theirs / 1_000.0, ours / theirs);
    }
    Ok(())
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    ensure!(
        arguments.peer.is_none() || arguments.what == What::Backlog,
        "the peer works through a backlog only: leave out --peer"
    );
    if let Some(from) = &arguments.peer {
        let own = std::env::current_exe()?;
        let dir = own.parent().and_then(std::path::Path::parent).context("no target folder")?.join("peer");
        let peer = Peer::start(from, &dir);
        peer.fill(arguments.events.unwrap_or(BACKLOG), arguments.accounts);
        measure(&arguments, &peer.broker(), Some(&peer))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(mut cluster) = Cluster::start(&Options::default()) else { return Ok(ExitCode::FAILURE) };
    let node = cluster.node(0);
    let broker = Broker { address: node.address().to_owned(), pid: node.pid() };
    if arguments.what != What::Backlog {
        live(&arguments, &broker)?;
        return Ok(ExitCode::SUCCESS);
    }
    broker.fill(arguments.events.unwrap_or(BACKLOG), arguments.accounts);
    measure(&arguments, &broker, None)?;
    Ok(ExitCode::SUCCESS)
}
