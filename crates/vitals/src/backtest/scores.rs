//! Every score of a back-test, one a line, for whoever wants to count again.

use anyhow::{Context as _, Result};
use backtest::{Collected, Fate};
use model::time::EventTime;
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

#[derive(Serialize)]
struct Line<'a> {
    model: &'a str,
    account: &'a str,
    /// The cut, RFC 3339.
    cut: String,
    /// Points, exact to the hundredth.
    score: f64,
    /// What followed: `outcome` or `none`; `censored`, `idle` and `untold` are not judged.
    fate: &'static str,
}

/// Writes a line of JSON for each score of each model, in the order of partitions, cuts and accounts.
pub(crate) fn write(file: &Path, collected: &Collected) -> Result<()> {
    let cannot = || format!("file {} cannot be written", file.display());
    let mut out = BufWriter::new(File::create(file).with_context(cannot)?);
    for series in &collected.series {
        for row in &series.rows {
            let account = collected.accounts.get(row.account as usize).map_or("", |account| &account.id);
            let line = Line {
                model: &series.plan.name,
                account,
                cut: EventTime(collected.schedule.instant(row.cut)).to_string(),
                score: f64::from(row.score) / 100.0,
                fate: match collected.fate(row) {
                    Fate::Outcome => "outcome",
                    Fate::None => "none",
                    Fate::Censored => "censored",
                    Fate::Idle => "idle",
                    Fate::Untold => "untold",
                },
            };
            serde_json::to_writer(&mut out, &line).with_context(cannot)?;
            out.write_all(b"\n").with_context(cannot)?;
        }
    }
    out.flush().with_context(cannot)
}
