//! The commands, one a file.

mod account;
mod backtest;
mod config;
mod demo;
mod model;
mod produce;
mod replay;
mod run;
mod setup;
mod source;
mod status;
mod tail;

pub(crate) use produce::{append_files, of_sample};
pub(crate) use tail::Output;

use crate::access::Access;
use crate::exit::Outcome;
use crate::print::Format;
use crate::settings::Settings;
use anyhow::Result;
use clap::Subcommand;

/// What a command finds around it.
#[derive(Debug)]
pub(crate) struct Context {
    /// What is set.
    pub(crate) settings: Settings,
    /// For whom to print.
    pub(crate) format: Format,
    /// The directory, if a flag names it.
    pub(crate) dir: Option<String>,
}

impl Context {
    /// The log: through the process that holds it, or by itself.
    pub(crate) fn access(&self) -> Result<Access> {
        Access::find(&self.settings)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a year of a sample company, and show what was found.
    Demo(demo::Demo),
    /// Make the topics, and publish a first model.
    Setup(setup::Setup),
    /// Run the workers: ingest and score.
    Run(run::Run),
    /// Append activity: JSON Lines from files or standard input, or the sample company.
    Produce(produce::Produce),
    /// Check, publish or show a health model.
    #[command(subcommand)]
    Model(model::Model),
    /// Show or explain the health of one account.
    #[command(subcommand)]
    Account(account::Account),
    /// Read an output topic.
    Tail(tail::Tail),
    /// Where sources, workers and topics stand.
    Status(status::Status),
    /// Let a stopped source go on, or accept that records were deleted unread.
    #[command(subcommand)]
    Source(source::Source),
    /// Fold the journal again and compare with what was published.
    Replay(replay::Replay),
    /// Whether the score of a model says beforehand what happens: recorded activity, scored at regular cuts.
    Backtest(backtest::Backtest),
    /// Show the settings in force.
    #[command(subcommand)]
    Config(config::Config),
}

impl Command {
    /// Settings that a command's own flags change: key, value and flag.
    pub(crate) fn flags(&self) -> Vec<(String, String, String)> {
        if let Self::Run(run) = self { run.flags() } else { Vec::new() }
    }

    /// Which events are written unless the settings say otherwise.
    pub(crate) const fn default_filter(&self) -> &'static str {
        if matches!(self, Self::Run(_)) {
            "info,fjall=warn,lsm_tree=warn"
        } else {
            "warn,fjall=error,lsm_tree=error"
        }
    }
}

/// Does a command.
pub(crate) fn perform(command: &Command, context: &Context) -> Result<Outcome> {
    of(command, context).map_err(|error| {
        let busy = |cause: &(dyn std::error::Error + 'static)| {
            matches!(cause.downcast_ref(), Some(log::Error::Busy(_)))
                || matches!(cause.downcast_ref(), Some(pipeline::Failure::Log(log::Error::Busy(_))))
        };
        let place = context.settings.place();
        let names_it = error.chain().any(|cause| cause.to_string() == place);
        if error.chain().any(busy) && !names_it { error.context(place) } else { error }
    })
}

fn of(command: &Command, context: &Context) -> Result<Outcome> {
    match command {
        Command::Demo(demo) => demo.perform(context),
        Command::Setup(setup) => setup.perform(context),
        Command::Run(run) => run.perform(context),
        Command::Produce(produce) => produce.perform(context),
        Command::Model(model) => model.perform(context),
        Command::Account(account) => account.perform(context),
        Command::Tail(tail) => tail.perform(context),
        Command::Status(status) => status.perform(context),
        Command::Source(source) => source.perform(context),
        Command::Replay(replay) => replay.perform(context),
        Command::Backtest(backtest) => backtest.perform(context),
        Command::Config(config) => config.perform(context),
    }
}
