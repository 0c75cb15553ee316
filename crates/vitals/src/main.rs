//! The binary of vitals: reads what is asked, settles what is set, and does one command.
//!
//! Exit status: 0 fine, 1 findings, 2 wrong use, 64 bad configuration (nothing was opened), 70 it could not be
//! done. What is printed for people or programs goes to standard output through [`mod@print`], all else to
//! standard error.

mod access;
mod admin;
mod backtest;
mod cli;
mod command;
mod demo;
mod exit;
mod line;
mod metrics;
mod print;
mod render;
mod run;
mod scratch;
mod settings;
mod store;
mod topic;
mod trace;
mod trial;

use clap::Parser;
use exit::Outcome;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    exit::status(act(&cli))
}

fn act(cli: &cli::Cli) -> anyhow::Result<Outcome> {
    let settings = settings::load(&cli.places())?;
    trace::start(&settings.trace, cli.command.default_filter())?;
    let context = command::Context { settings, format: cli.format(), dir: cli.dir.clone() };
    command::perform(&cli.command, &context)
}
