//! Runs a real Kafka on this machine, to try `vitals --log kafka` with: one node, or as many as the first argument says.
//! It ends with this process.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::io::Read;
use std::process::ExitCode;
use vitals_tests::broker::{Cluster, Options};

fn main() -> ExitCode {
    let nodes = match std::env::args().nth(1).map(|number| number.parse()) {
        None => 1,
        Some(Ok(nodes @ 1..=5)) => nodes,
        Some(_) => {
            eprintln!("usage: broker [NODES], from 1 to 5");
            return ExitCode::from(2);
        }
    };
    let Some(cluster) = Cluster::start(&Options { nodes, ..Options::default() }) else {
        return ExitCode::FAILURE;
    };
    println!("{}", cluster.bootstrap().join(","));
    eprintln!("Kafka serves there until Ctrl-C, or until standard input ends");
    let mut rest = Vec::new();
    match std::io::stdin().read_to_end(&mut rest) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("standard input: {error}");
            ExitCode::FAILURE
        }
    }
}
