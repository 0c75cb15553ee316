//! `vitals demo`: a year of a sample company, and what was found in it.

use super::Context;
use crate::demo;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::render;
use crate::scratch::Scratch;
use crate::settings::Settings;
use anyhow::{Context as _, Result};
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many customer accounts the company has.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(8..=10_000))]
    accounts: u32,

    /// The seed of all that happens.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Demo {
    /// In the directory that a flag names, which is kept; else in one that is thrown away. The directory of the
    /// settings is not touched: real activity may be in it.
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let mut settings: Settings = context.settings.clone();
        let mut passing = None;
        if context.dir.is_none() {
            let dir = Scratch::new().context("name a directory with --dir")?;
            settings.log.dir = dir.path().to_owned();
            settings.log.reserve_bytes = 0;
            passing = Some(dir);
        }
        let Self { accounts, seed } = *self;
        let company = sample::Settings { accounts, seed, ..sample::Settings::default() };
        let found = demo::play(&settings, &company)?;
        let mut out = Out::new();
        match context.format {
            Format::Programs => out.json(&found)?,
            Format::People => out.text(&render::demo(&found, context.dir.as_deref()))?,
        }
        out.flush()?;
        drop(passing);
        let all = found.balance.iter().all(|balance| balance.unaccounted == 0);
        Ok(if all { Outcome::Fine } else { Outcome::Findings })
    }
}
