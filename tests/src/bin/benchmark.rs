//! The whole pipeline on a real broker, in CPU time; with `--peer`, beside Kafka Streams doing comparable work, in turn,
//! over the same topics of the same broker.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use vitals_tests::benchmark::peer::Peer;
use vitals_tests::benchmark::product::{Broker, Run};
use vitals_tests::benchmark::report::{Figures, median};
use vitals_tests::broker::{Cluster, Options};

/// Measures `vitals run` over a backlog on a real Kafka.
#[derive(Debug, Parser)]
#[command(name = "benchmark")]
struct Arguments {
    /// Activities in the backlog.
    #[arg(long, default_value_t = 4_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    events: u64,
    /// Accounts that they are about.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    accounts: u32,
    /// Moves of so many points are published.
    #[arg(long, default_value = "1")]
    publish: String,
    /// How often each side runs.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
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

fn print(arguments: &Arguments, figures: &Figures) -> Result<()> {
    if arguments.json {
        println!("{}", serde_json::to_string(figures)?);
    } else {
        println!("{}", figures.line());
    }
    Ok(())
}

fn measure(arguments: &Arguments, broker: &Broker, peer: Option<&Peer>) -> Result<()> {
    let run = Run {
        vitals: vitals()?,
        publish: arguments.publish.clone(),
        events: arguments.events,
        settings: arguments.settings.clone(),
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        let figures = run.measure(broker);
        print(arguments, &figures)?;
        ours.push(figures.rate());
        if let Some(peer) = peer {
            let figures = peer.measure(&arguments.publish, arguments.accounts, arguments.sweep);
            print(arguments, &figures)?;
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
    if let Some(from) = &arguments.peer {
        let own = std::env::current_exe()?;
        let dir = own.parent().and_then(std::path::Path::parent).context("no target folder")?.join("peer");
        let peer = Peer::start(from, &dir);
        peer.fill(arguments.events, arguments.accounts);
        measure(&arguments, &peer.broker(), Some(&peer))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(mut cluster) = Cluster::start(&Options::default()) else { return Ok(ExitCode::FAILURE) };
    let node = cluster.node(0);
    let broker = Broker { address: node.address().to_owned(), pid: node.pid() };
    broker.fill(arguments.events, arguments.accounts);
    measure(&arguments, &broker, None)?;
    Ok(ExitCode::SUCCESS)
}
