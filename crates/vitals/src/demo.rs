//! The demo: a year of a sample company, played in recorded time, and what vitals found in it.
//!
//! `fill` (the company into the source topics) → `play` (the real workers) → `outcome` (read from the output
//! topics, as any consumer would) → [`crate::render::demo`]. It uses nothing that a run does not use.

mod fill;
pub(crate) mod outcome;
mod play;

use crate::print;
use crate::settings::Settings;
use crate::store::Store;
use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use log::Log;
use log::embedded::{Durability, Embedded, Options};
use outcome::Found;
use std::time::Instant;

/// The model of the demo.
const MODEL: &str = include_str!("../../../deploy/models/b2b.yaml");
/// Partitions of the journal: few, since every watermark is told to each.
const PARTITIONS: u32 = 4;
/// Partitions of each source topic.
const SOURCE_PARTITIONS: u32 = 2;

/// Plays the company in the directory that the settings name, which must be empty.
pub(crate) fn play(settings: &Settings, company: &sample::Settings) -> Result<Found> {
    let begun = Instant::now();
    let dir = &settings.log.dir;
    let options = Options { durability: Durability::Buffered, ..settings.log_options() };
    let log = Store::from(Embedded::open(dir, options)?);
    let used = log.topic(pipeline::topic::JOURNAL)?.is_some();
    ensure!(!used, "directory {} holds a log already; name an empty or a new one", dir.display());
    for spec in pipeline::topic::specs(PARTITIONS, SOURCE_PARTITIONS) {
        log.create(&spec)?;
    }
    let model = model::compile(MODEL).context("the model of the demo")?.plan;
    pipeline::publish(&log, MODEL, settings.identity().epoch)?;
    let records = fill::fill(&log, settings, company)?;
    play::play(&log, settings, company.end_ms())?;
    let mut found = outcome::read(&log, settings, company, &model)?;
    found.records = records;
    found.seconds = begun.elapsed().as_secs_f64();
    Ok(found)
}

/// A bar for people who watch.
fn bar(length: u64, what: &'static str) -> Result<ProgressBar> {
    if !print::is_watched() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{msg:24} {bar:40} {percent:>3}%  {human_pos} of {human_len}")?;
    Ok(ProgressBar::new(length).with_style(style).with_message(what))
}
