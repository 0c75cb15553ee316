//! What the output topics say after the year.

mod reading;

use crate::access::Direct;
use crate::admin::view::Balance;
use crate::settings::Settings;
use crate::store::Store;
use anyhow::Result;
use model::plan::Plan;
use model::time::{DAY, EventTime};
use reading::{AccountHealth, Alert, Health, each};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many accounts at risk are told.
const TOLD: usize = 8;
/// By the model of the demo an account is published at least once a day: one without a record for longer is not there any more.
const GONE: i64 = 2 * DAY;
/// Records that name a dead source further apart than this speak of different outages.
const APART: i64 = DAY;

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Found {
    /// Records of the company.
    pub(crate) records: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// The model's bands, best first; then `unknown`, then those not scored.
    pub(crate) bands: Vec<String>,
    /// Accounts by band at some instants, the last the end.
    pub(crate) over_time: Vec<(String, BTreeMap<String, u64>)>,
    /// The accounts most at risk, worst first.
    pub(crate) at_risk: Vec<AtRisk>,
    /// How many accounts are in the lowest band.
    pub(crate) at_risk_count: usize,
    /// What became of each rule's alerts.
    pub(crate) alerts: BTreeMap<String, Alerts>,
    /// What each account lived through, and how vitals saw it.
    pub(crate) stories: BTreeMap<String, Told>,
    /// Times in which the records name a dead source.
    pub(crate) outages: Vec<Outage>,
    /// Dead letters by reason.
    pub(crate) dead_letters: BTreeMap<String, u64>,
    /// The accounting of promise 2, by source.
    pub(crate) balance: Vec<Balance>,
}

/// An account at risk.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AtRisk {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) score: f64,
    pub(crate) since: String,
    pub(crate) renews_at: Option<String>,
    pub(crate) open_alerts: Vec<String>,
    /// What it lived through, by the sample's own account.
    pub(crate) story: String,
    /// Why it came to be at risk.
    pub(crate) reason: String,
}

/// Alerts of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Alerts {
    pub(crate) opened: u64,
    pub(crate) resolved: BTreeMap<String, u64>,
    pub(crate) open: u64,
}

/// The accounts of one kind of story.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Told {
    pub(crate) accounts: u64,
    /// How many of them had an alert about a risk after their turn, or at all where nothing turns.
    pub(crate) alerted: u64,
    /// By band at the end; `gone` if there is no record any more.
    pub(crate) bands: BTreeMap<String, u64>,
}

/// A time without news from a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outage {
    pub(crate) source: String,
    pub(crate) from: String,
    pub(crate) until: String,
    /// Health records that name it.
    pub(crate) records: u64,
}

/// Reads the output topics.
pub(super) fn read(
    log: &Store,
    settings: &Settings,
    company: &sample::Settings,
    model: &Plan,
) -> Result<Found> {
    let direct = Direct::new(log.clone(), &settings.instance);
    let mut found = Found { bands: bands(model), ..Found::default() };
    let mut courses: BTreeMap<String, Course> = BTreeMap::new();
    let mut silences: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    each(&direct, pipeline::topic::HEALTH, |health: Health| {
        health
            .sources_out()
            .for_each(|source| silences.entry(source.to_owned()).or_default().push(health.at()));
        courses.entry(health.account.clone()).or_default().take(&health);
    })?;
    let mut fired: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    each(&direct, pipeline::topic::ALERTS, |alert: Alert| {
        let alerts = found.alerts.entry(alert.rule.clone()).or_default();
        match &alert.resolution {
            None => {
                alerts.opened += 1;
                alerts.open += 1;
                if alert.purpose.as_deref() == Some("risk") {
                    fired.entry(alert.account.id.clone()).or_default().push(alert.at());
                }
            }
            Some(resolution) => {
                alerts.open = alerts.open.saturating_sub(1);
                *alerts.resolved.entry(resolution.clone()).or_default() += 1;
            }
        }
    })?;
    let stories: BTreeMap<String, sample::Story> =
        sample::stories(company).into_iter().map(|story| (story.account.clone(), story)).collect();
    found.at_risk = at_risk(&direct, model, &courses, &stories)?;
    found.at_risk_count = found.at_risk.len();
    found.at_risk.truncate(TOLD);
    found.over_time = over_time(company, &courses);
    found.stories = told(company, &stories, &courses, &fired);
    found.outages = outages(silences, company.start_ms + 28 * DAY);
    found.dead_letters = reading::dead_letters(&direct)?;
    found.balance = by_source(direct.balance()?);
    Ok(found)
}

/// The bands of a model and what else can stand in their place.
fn bands(model: &Plan) -> Vec<String> {
    let names = model.bands.iter().map(|band| band.name.clone());
    names.chain(["unknown".to_owned(), "not-scored".to_owned()]).collect()
}

/// What happened to the score of one account, in the order of its records.
#[derive(Clone, Debug, Default)]
struct Course {
    /// When a band began.
    bands: Vec<(i64, String)>,
    last: i64,
    /// The last band that was known, when it began, and why: an outage in between changes none of it.
    known: String,
    since: i64,
    reason: String,
}

impl Course {
    fn take(&mut self, health: &Health) {
        let band = if health.status == "scored" { health.band.as_str() } else { "not-scored" };
        self.last = health.at();
        if self.bands.last().is_none_or(|(_, last)| last != band) {
            self.bands.push((self.last, band.to_owned()));
        }
        if band != "unknown" && self.known != band {
            band.clone_into(&mut self.known);
            self.since = self.last;
            self.reason.clone_from(&health.reason);
        }
    }

    fn band_at(&self, at: i64) -> Option<&str> {
        let began = self.bands.iter().rev().find(|(began, _)| *began <= at);
        began.filter(|_| at - self.last < GONE).map(|(_, band)| band.as_str())
    }
}

/// Accounts by band at the ends of the quarters.
fn over_time(
    company: &sample::Settings,
    courses: &BTreeMap<String, Course>,
) -> Vec<(String, BTreeMap<String, u64>)> {
    let year = company.end_ms() - company.start_ms;
    // At the very beginning nothing is known yet; the last instant lies just within what was played.
    let instants =
        [28 * DAY, year / 4, year / 2, year / 4 * 3, year].map(|span| company.start_ms + span.min(year));
    let count = |at: i64| {
        let mut bands = BTreeMap::new();
        for band in courses.values().filter_map(|course| course.band_at(at)) {
            *bands.entry(band.to_owned()).or_default() += 1;
        }
        (date(at), bands)
    };
    instants.map(count).into()
}

fn at_risk(
    direct: &Direct<Store>,
    model: &Plan,
    courses: &BTreeMap<String, Course>,
    stories: &BTreeMap<String, sample::Story>,
) -> Result<Vec<AtRisk>> {
    let lowest = model.bands.last().map_or("", |band| band.name.as_str());
    let mut found: BTreeMap<String, Option<AtRisk>> = BTreeMap::new();
    each(direct, pipeline::topic::ACCOUNT_HEALTH, |health: AccountHealth| {
        let id = health.account.id.clone();
        let score = health.score.filter(|_| health.status == "scored" && health.band == lowest);
        let one = score.map(|score| AtRisk {
            name: health.account.name.as_deref().unwrap_or(&id).to_owned(),
            score,
            since: courses.get(&id).map_or_else(String::new, |course| date(course.since)),
            renews_at: health.account.renews_at.as_deref().map(day),
            open_alerts: health.rules().map(str::to_owned).collect(),
            story: stories.get(&id).map_or_else(String::new, |story| kind(story.kind)),
            reason: courses.get(&id).map_or_else(String::new, |course| course.reason.clone()),
            id: id.clone(),
        });
        found.insert(id, one);
    })?;
    let mut found: Vec<AtRisk> = found.into_values().flatten().collect();
    found.sort_by(|a, b| a.score.total_cmp(&b.score).then_with(|| a.id.cmp(&b.id)));
    Ok(found)
}

fn told(
    company: &sample::Settings,
    stories: &BTreeMap<String, sample::Story>,
    courses: &BTreeMap<String, Course>,
    fired: &BTreeMap<String, Vec<i64>>,
) -> BTreeMap<String, Told> {
    let mut all: BTreeMap<String, Told> = BTreeMap::new();
    for (id, story) in stories {
        let told = all.entry(kind(story.kind)).or_default();
        let after = story.turns_at_ms.unwrap_or(company.start_ms);
        told.accounts += 1;
        told.alerted += u64::from(fired.get(id).is_some_and(|fired| fired.iter().any(|at| *at >= after)));
        let band = courses.get(id).and_then(|course| course.band_at(company.end_ms())).unwrap_or("gone");
        *told.bands.entry(band.to_owned()).or_default() += 1;
    }
    all
}

/// Instants at which a source was named, drawn together. Before `begin`, sources have not begun rather than ended.
fn outages(silences: BTreeMap<String, Vec<i64>>, begin: i64) -> Vec<Outage> {
    let mut outages = Vec::new();
    for (source, mut instants) in silences {
        instants.retain(|at| *at >= begin);
        instants.sort_unstable();
        for together in instants.chunk_by(|a, b| b - a <= APART) {
            let (Some(from), Some(until)) = (together.first(), together.last()) else { continue };
            outages.push(Outage {
                source: source.clone(),
                from: EventTime(*from).to_string(),
                until: EventTime(*until).to_string(),
                records: u64::try_from(together.len()).unwrap_or(u64::MAX),
            });
        }
    }
    outages
}

/// The partitions of each source together.
fn by_source(parts: Vec<Balance>) -> Vec<Balance> {
    let mut all: Vec<Balance> = Vec::new();
    let mut seen = BTreeSet::new();
    for part in parts {
        if seen.insert(part.source.clone()) {
            all.push(part);
        } else if let Some(whole) = all.iter_mut().find(|whole| whole.source == part.source) {
            whole.add(&part);
        }
    }
    all
}

fn kind(kind: sample::StoryKind) -> String {
    format!("{kind:?}").to_lowercase()
}

fn date(at: i64) -> String {
    day(&EventTime(at).to_string())
}

/// The day of an RFC 3339 instant.
fn day(text: &str) -> String {
    text.split('T').next().unwrap_or(text).to_owned()
}
