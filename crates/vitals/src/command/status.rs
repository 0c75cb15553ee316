//! `vitals status`: where topics, workers and accounts stand.

use super::Context;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::render;
use crate::settings::LogKind;
use anyhow::Result;
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Count what became of every record; reads all source topics.
    #[arg(long)]
    balance: bool,
}

impl Status {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let access = context.access()?;
        let topics = access.topics()?;
        let standing = access.standing()?;
        let balance = if self.balance { Some(access.balance()?) } else { None };
        let mut out = Out::new();
        match context.format {
            Format::Programs => {
                out.json(&json!({ "topics": topics, "workers": standing, "balance": balance }))?;
            }
            Format::People => {
                match &standing {
                    Some(standing) => out.text(&render::standing(standing))?,
                    None if context.settings.log.kind == LogKind::Kafka => out.line(
                        "of processes nothing is known: say where one listens with admin.listen and admin.token\n",
                    )?,
                    None => out.line("no `vitals run` holds this log\n")?,
                }
                out.text(&render::topics(&topics))?;
                if let Some(balance) = &balance {
                    out.line("")?;
                    out.text(&render::balance(balance, render::UNDER_WAY))?;
                }
            }
        }
        out.flush()?;
        let is_ready = standing.is_none_or(|standing| standing.reasons.is_empty());
        let all = balance.is_none_or(|balance| balance.iter().all(|of| of.unaccounted == 0));
        Ok(if is_ready && all { Outcome::Fine } else { Outcome::Findings })
    }
}
