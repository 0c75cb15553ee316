//! `vitals replay --verify`: folds the journal again and compares, byte for byte.

use super::Context;
use crate::exit::Outcome;
use crate::print::{self, Format, Out};
use crate::render;
use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Compare what the journal gives with what stands in the output topics.
    #[arg(long, required = true)]
    verify: bool,
}

impl Replay {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let access = context.access()?;
        let bar = if print::is_watched() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let found = access.verify(&mut |entries| {
            bar.set_message(format!("{entries} entries folded"));
            bar.tick();
        })?;
        bar.finish_and_clear();
        let mut out = Out::new();
        match context.format {
            Format::Programs => out.json(&found)?,
            Format::People => out.text(&render::verified(&found))?,
        }
        out.flush()?;
        Ok(if found.is_equal() { Outcome::Fine } else { Outcome::Findings })
    }
}
