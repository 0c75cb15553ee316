//! Output records, as far as the demo reads them.

use crate::access::{Direct, Record};
use crate::store::Store;
use anyhow::{Context, Result};
use model::time::EventTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// A record of `vitals.health`.
#[derive(Debug, Deserialize)]
pub(super) struct Health {
    pub(super) account: String,
    pub(super) as_of: String,
    pub(super) status: String,
    pub(super) band: String,
    pub(super) reason: String,
}

/// A record of `vitals.alerts`.
#[derive(Debug, Deserialize)]
pub(super) struct Alert {
    pub(super) account: Account,
    pub(super) as_of: String,
    pub(super) rule: String,
    #[serde(default)]
    pub(super) purpose: Option<String>,
    #[serde(default)]
    pub(super) resolution: Option<String>,
}

/// A record of `vitals.account-health`.
#[derive(Debug, Deserialize)]
pub(super) struct AccountHealth {
    pub(super) account: Account,
    pub(super) status: String,
    pub(super) score: Option<f64>,
    pub(super) band: String,
    pub(super) open_alerts: Vec<Open>,
}

/// The account of a record.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) renews_at: Option<String>,
}

/// An open alert.
#[derive(Debug, Deserialize)]
pub(super) struct Open {
    dedup_key: String,
}

impl Health {
    pub(super) fn at(&self) -> i64 {
        instant(&self.as_of)
    }

    /// The sources that the reason says there is no news from.
    pub(super) fn sources_out(&self) -> impl Iterator<Item = &str> {
        let named = self.reason.split_once("No news from: ").and_then(|(_, rest)| rest.split('.').next());
        named
            .into_iter()
            .flat_map(|names| names.split([',', ' ']))
            .filter(|name| model::source::Source::parse(name).is_some())
    }
}

impl Alert {
    pub(super) fn at(&self) -> i64 {
        instant(&self.as_of)
    }
}

impl AccountHealth {
    /// The rules of its open alerts.
    pub(super) fn rules(&self) -> impl Iterator<Item = &str> {
        self.open_alerts.iter().map(|open| open.dedup_key.rsplit('/').next().unwrap_or_default())
    }
}

fn instant(text: &str) -> i64 {
    EventTime::parse(text).map_or(0, |time| time.0)
}

/// Gives every record of a topic that has a value, partition by partition.
pub(super) fn each<T: DeserializeOwned>(
    direct: &Direct<Store>,
    topic: &str,
    mut take: impl FnMut(T),
) -> Result<()> {
    records(direct, topic, |record| {
        if let Some(value) = &record.value {
            let at = record.offset;
            take(
                serde_json::from_slice(&value.0)
                    .with_context(|| format!("the record at offset {at} of {topic}"))?,
            );
        }
        Ok(())
    })
}

/// Dead letters by reason.
pub(super) fn dead_letters(direct: &Direct<Store>) -> Result<BTreeMap<String, u64>> {
    let mut reasons = BTreeMap::new();
    records(direct, pipeline::topic::DEAD_LETTER, |record| {
        let reason = record.headers.iter().find(|(name, _)| name == "vitals-reason");
        let reason = reason.map_or_else(|| "unknown".into(), |(_, reason)| reason.text());
        *reasons.entry(reason.into_owned()).or_default() += 1;
        Ok(())
    })?;
    Ok(reasons)
}

fn records(direct: &Direct<Store>, topic: &str, mut take: impl FnMut(&Record) -> Result<()>) -> Result<()> {
    let found = direct.topics()?.into_iter().find(|found| found.name == topic);
    let found = found.with_context(|| format!("topic {topic} does not exist"))?;
    for (partition, (first, _)) in (0..).zip(found.partitions) {
        let mut next = first;
        loop {
            let page = direct.page(topic, partition, next, usize::MAX)?;
            page.records.iter().try_for_each(&mut take)?;
            next = page.next;
            if page.at_end {
                break;
            }
        }
    }
    Ok(())
}
