//! `vitals account`: where one account stands, and why.

use super::Context;
use crate::exit::Outcome;
use crate::print::{Format, Out};
use crate::render;
use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Its latest health and open alerts.
    Show {
        /// The account.
        id: String,
    },
    /// Where its score comes from: every measure's contribution, and what changed last.
    Explain {
        /// The account.
        id: String,
    },
}

impl Account {
    pub(super) fn perform(&self, context: &Context) -> Result<Outcome> {
        let access = context.access()?;
        let read = |topic: &str, id: &str| -> Result<Option<Value>> {
            let record = access.latest(topic, id)?.and_then(|record| record.value);
            let value = record.map(|value| serde_json::from_slice(&value.0));
            value.transpose().with_context(|| format!("the record of {id:?} in {topic}"))
        };
        let mut out = Out::new();
        let (Self::Show { id } | Self::Explain { id }) = self;
        let Some(now) = read(pipeline::topic::ACCOUNT_HEALTH, id)? else {
            // Findings, not a failure: the answer is that there is none.
            match context.format {
                Format::Programs => out.json(&Value::Null)?,
                Format::People => out.line(format_args!(
                    "account {id:?} has no health: it is not known, closed, not yet scored, or not yet told by a recorded run that is under way"
                ))?,
            }
            out.flush()?;
            return Ok(Outcome::Findings);
        };
        match (self, context.format) {
            (Self::Show { .. }, Format::Programs) => out.json(&now)?,
            (Self::Show { .. }, Format::People) => out.text(&render::account(&now))?,
            (Self::Explain { .. }, format) => {
                let change = read(pipeline::topic::HEALTH, id)?.unwrap_or(Value::Null);
                match format {
                    Format::Programs => out.json(&json!({ "now": now, "last_change": change }))?,
                    Format::People => out.text(&render::explanation(&now, &change))?,
                }
            }
        }
        out.flush()?;
        Ok(Outcome::Fine)
    }
}
