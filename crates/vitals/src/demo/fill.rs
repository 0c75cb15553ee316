//! The sample company into the source topics.

use crate::access::Direct;
use crate::command::of_sample;
use crate::settings::Settings;
use crate::store::Store;
use anyhow::Result;

/// How many records one transaction takes.
const BATCH: usize = 5_000;

/// Appends all of it; how many records that were.
pub(super) fn fill(log: &Store, settings: &Settings, company: &sample::Settings) -> Result<u64> {
    let mut direct = Direct::new(log.clone(), &settings.instance);
    let bar = super::bar(u64::from(company.days), "days lived by the company")?;
    let mut batch = Vec::with_capacity(BATCH);
    let mut appended = 0;
    for record in sample::company(company) {
        let day = (record.time_ms - company.start_ms) / model::time::DAY;
        batch.push(of_sample(record)?);
        if batch.len() >= BATCH {
            direct.append(&batch)?;
            appended += u64::try_from(batch.len())?;
            batch.clear();
            bar.set_position(u64::try_from(day)?);
        }
    }
    direct.append(&batch)?;
    bar.finish_and_clear();
    Ok(appended + u64::try_from(batch.len())?)
}
