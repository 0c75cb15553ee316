//! `vitals run`: the workers, until a signal comes or a recorded run is done.

use super::Context;
use crate::access;
use crate::admin::view::Balance;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::{render, run};
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use log::Log;
use log::embedded::Embedded;
use model::time::EventTime;
use pipeline::settings::Rebuild;
use std::collections::BTreeMap;

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How time passes.
    #[arg(long, value_enum, default_value_t = Mode::Live)]
    mode: Mode,

    /// Recorded: advance time up to here (default: the greatest time of any activity).
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    until: Option<i64>,

    /// Fold everything anew from the journal's beginning instead of reading the state topic.
    #[arg(long)]
    rebuild: bool,

    /// Where the admin server listens (`admin.listen`).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// The name of this process (`instance`).
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
        let flags =
            [flag("admin.listen", &self.listen, "--listen"), flag("instance", &self.instance, "--instance")];
        flags.into_iter().flatten().collect()
    }

    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let mode = match (self.mode, self.until) {
            (Mode::Recorded, until) => run::Mode::Recorded { until },
            (Mode::Live, None) => run::Mode::Live,
            (Mode::Live, Some(_)) => {
                bail!("--until is for recorded runs; add --mode recorded or leave it out")
            }
        };
        let settings = &context.settings;
        let log = access::open(settings)?;
        check(&log)?;
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

/// The topics must be there, and those that are partitioned alike must be so.
fn check(log: &Embedded) -> Result<()> {
    use pipeline::topic::{ACCOUNT_HEALTH, ALERTS, HEALTH, JOURNAL, STATE, specs};
    let mut counts = BTreeMap::new();
    let mut missing = Vec::new();
    for spec in specs(1, 1) {
        match log.topic(&spec.name)? {
            Some(found) => drop(counts.insert(found.name.to_string(), found.partitions)),
            None => missing.push(spec.name.to_string()),
        }
    }
    ensure!(missing.is_empty(), "topics {} do not exist; `vitals setup` creates them", missing.join(", "));
    let journal = counts.get(JOURNAL).copied().unwrap_or_default();
    for name in [STATE, HEALTH, ALERTS, ACCOUNT_HEALTH] {
        let count = counts.get(name).copied().unwrap_or_default();
        ensure!(
            count == journal,
            "topic {name} has {count} partitions and the journal has {journal}; they must have as many: make a new \
             directory with `vitals setup`"
        );
    }
    Ok(())
}

/// Tells what became of every record.
fn account(log: &Embedded, format: Format) -> Result<Outcome> {
    let balances: Vec<Balance> =
        pipeline::balance(log)?.iter().map(|(place, account)| Balance::of(*place, account)).collect();
    let mut out = Out::new();
    match format {
        Format::Programs => balances.iter().try_for_each(|balance| out.json(balance))?,
        Format::People => out.text(&render::balance(&balances))?,
    }
    out.flush()?;
    let all = balances.iter().all(|balance| balance.unaccounted == 0);
    Ok(if all { Outcome::Fine } else { Outcome::Findings })
}
