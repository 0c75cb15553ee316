//! `vitals run`: the workers, until a signal comes or a recorded run is done.

use super::Context;
use crate::access;
use crate::admin::view::Balance;
use crate::exit::{Outcome, WrongUse};
use crate::print::{Format, Out};
use crate::settings::Role;
use crate::store::Store;
use crate::{render, run};
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use model::time::EventTime;
use pipeline::settings::Rebuild;

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How time passes.
    #[arg(long, value_enum, default_value_t = Mode::Live)]
    mode: Mode,

    /// Recorded: take what happened up to here, and advance time up to here (default: all there is). What is left, a live
    /// run takes in.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    until: Option<i64>,

    /// Fold everything anew from the journal's beginning instead of from the state topic, saying nothing that was said
    /// before; ingest whose offsets are lost finds in the journal how far it was.
    #[arg(long)]
    rebuild: bool,

    /// Where the admin server listens (`admin.listen`).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Which stages to work on: `ingest`, `score` or `all` (`run.role`).
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,

    /// Workers of each stage (`run.workers`).
    #[arg(long, value_name = "NUMBER")]
    workers: Option<String>,

    /// The name of this process among those that share the work (`run.process`).
    #[arg(long, value_name = "NAME")]
    process: Option<String>,

    /// The name of this pipeline (`instance`).
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// By what comes in, and by the clock where nothing does.
    Live,
    /// By the times of the activities alone, as fast as it goes; ends by itself.
    Recorded,
}

fn instant(text: &str) -> Result<i64, String> {
    let time = EventTime::parse(text);
    time.map(|time| time.0).ok_or_else(|| "write it like 2026-01-31T00:00:00Z".to_owned())
}

impl Run {
    /// Settings that its flags change.
    pub(super) fn flags(&self) -> Vec<(String, String, String)> {
        let flag = |key: &str, value: &Option<String>, flag: &str| {
            value.as_ref().map(|value| (key.to_owned(), value.clone(), flag.to_owned()))
        };
        let flags = [
            flag("admin.listen", &self.listen, "--listen"),
            flag("run.process", &self.process, "--process"),
            flag("run.role", &self.role, "--role"),
            flag("run.workers", &self.workers, "--workers"),
            flag("instance", &self.instance, "--instance"),
        ];
        flags.into_iter().flatten().collect()
    }

    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let mode = match (self.mode, self.until) {
            (Mode::Recorded, until) => run::Mode::Recorded { until },
            (Mode::Live, None) => run::Mode::Live,
            (Mode::Live, Some(_)) => {
                bail!(WrongUse("--until is for recorded runs; add --mode recorded or leave it out"))
            }
        };
        let settings = &context.settings;
        if self.mode == Mode::Recorded {
            // One merge of all sources by time is what makes a recorded run the same each time.
            let whole = (Role::All, 1);
            ensure!(
                (settings.run.role, settings.run.workers) == whole,
                WrongUse("a recorded run is one worker of each stage; leave out --role and --workers")
            );
        }
        let log = access::open(settings)?;
        let rebuild = if self.rebuild { Rebuild::Yes } else { Rebuild::No };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("the runtime of the admin server cannot start")?;
        runtime.block_on(run::supervise(&log, settings, run::Plan { mode, rebuild }))?;
        if self.mode == Mode::Live {
            return Ok(Outcome::Fine);
        }
        account(&log, context.format)
    }
}

/// What records are that nothing came of.
const LEFT: &str = "a recorded run takes what was there when it began, up to --until, and once; `vitals run` takes in the rest";

/// Tells what became of every record.
fn account(log: &Store, format: Format) -> Result<Outcome> {
    let balances: Vec<Balance> =
        pipeline::balance(log)?.iter().map(|(place, account)| Balance::of(*place, account)).collect();
    let mut out = Out::new();
    match format {
        Format::Programs => balances.iter().try_for_each(|balance| out.json(balance))?,
        Format::People => out.text(&render::balance(&balances, LEFT))?,
    }
    out.flush()?;
    let all = balances.iter().all(|balance| balance.unaccounted == 0);
    Ok(if all { Outcome::Fine } else { Outcome::Findings })
}
