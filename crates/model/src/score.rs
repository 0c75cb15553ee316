//! The block `score`: bands, coverage, and when a change is published.

use crate::block::{Block, Keys, Spot};
use crate::plan::{Band, WHOLE};
use crate::problem::{Report, quoted};
use crate::quantity::shown;
use crate::time::{DAY, HOUR};

pub(crate) const KEYS: Keys = Keys {
    known: &["bands", "band_margin", "min_coverage", "publish_change", "publish_every", "not_scored"],
    later: &["trend_over"],
};
pub(crate) const NOT_SCORED: Keys = Keys { known: &["stage", "segment"], later: &["younger_than"] };
/// The least and the most of `publish_every`.
const PUBLISH_EVERY: (i64, i64) = (HOUR, 366 * DAY);
/// The most bands.
const BANDS: usize = 8;
/// Words that outputs use where there is no band.
const RESERVED: [&str; 2] = ["unknown", "not-scored"];

/// The block as read.
#[derive(Debug)]
pub(crate) struct Score {
    /// From the highest limit to the lowest.
    pub(crate) bands: Vec<Band>,
    /// Hundredths of a point.
    pub(crate) band_margin: u32,
    /// Hundredths of a per cent.
    pub(crate) min_coverage: u32,
    /// Hundredths of a point, at least 1.
    pub(crate) publish_change: u32,
    /// In ms.
    pub(crate) publish_every: i64,
    /// Stages in which an account has no score.
    pub(crate) not_scored_stages: Vec<String>,
    /// Segments of which no account has a score.
    pub(crate) not_scored_segments: Vec<String>,
}

impl Default for Score {
    fn default() -> Self {
        Self {
            bands: Vec::new(),
            band_margin: 200,
            min_coverage: 6_000,
            publish_change: 100,
            publish_every: DAY,
            not_scored_stages: Vec::new(),
            not_scored_segments: Vec::new(),
        }
    }
}

/// Reads the block.
pub(crate) fn read(spot: &Spot<'_>, report: &mut Report) -> Score {
    let mut score = Score::default();
    let Some(block) = Block::with(spot, &KEYS, report) else { return score };
    if let Some(spot) = block.need("bands", "{ healthy: 70, neutral: 45, at-risk: 0 }", report) {
        score.bands = bands(&spot, report);
    }
    if let Some(points) = block.get("band_margin").and_then(|spot| spot.points(report)) {
        score.band_margin = points;
    }
    margin(&score, &block, report);
    if let Some(share) = block.get("min_coverage").and_then(|spot| spot.share(report)) {
        score.min_coverage = share;
    }
    if let Some(spot) = block.get("publish_change") {
        match spot.points(report) {
            Some(0) => {
                spot.problem(report, "every change would be published, even none", "write at least `0.01`");
            }
            Some(points) => score.publish_change = points,
            None => {}
        }
    }
    if let Some(every) =
        block.get("publish_every").and_then(|spot| spot.span(PUBLISH_EVERY.0, PUBLISH_EVERY.1, report))
    {
        score.publish_every = every;
    }
    if let Some(spot) = block.get("not_scored") {
        not_scored(&spot, &mut score, report);
    }
    score
}

fn not_scored(spot: &Spot<'_>, score: &mut Score, report: &mut Report) {
    let Some(block) = Block::with(spot, &NOT_SCORED, report) else { return };
    let of = |key: &str| block.get(key);
    let (stages, segments) = (of("stage"), of("segment"));
    if block.iter().next().is_none() {
        spot.problem(
            report,
            "it names no account",
            "write `stage: [trial, churned]`, `segment: [internal]` or both",
        );
    }
    for (spot, words) in [(stages, &mut score.not_scored_stages), (segments, &mut score.not_scored_segments)]
    {
        let told = spot.and_then(|spot| spot.words(report));
        words.extend(told.into_iter().flatten().map(|(_, word)| word));
    }
}

fn bands(spot: &Spot<'_>, report: &mut Report) -> Vec<Band> {
    let Some(block) = Block::open(spot, report) else { return Vec::new() };
    let mut bands: Vec<Band> = Vec::new();
    let mut all_read = true;
    for (key, spot) in block.named(BANDS, report) {
        if RESERVED.contains(&key.text.as_str()) {
            let message = format!("{} is the word for an account without a band", quoted(&key.text));
            report.problem(key.mark, &spot.path, message, "choose another name");
        }
        let Some(at_least) = spot.points(report) else {
            all_read = false;
            continue;
        };
        if let Some(same) = bands.iter().find(|band| band.at_least == at_least) {
            let message = format!("it begins where `{}` does", same.name);
            spot.problem(report, message, "give each band a limit of its own");
        }
        bands.push(Band { name: key.text.clone(), at_least });
    }
    bands.sort_by_key(|band| std::cmp::Reverse(band.at_least));
    if all_read && bands.last().is_some_and(|lowest| lowest.at_least > 0) {
        spot.problem(report, "no band begins at 0", "give the lowest band the limit 0");
    }
    bands
}

/// A margin that reaches an end of the scale makes a band that is never entered.
fn margin(score: &Score, block: &Block<'_>, report: &mut Report) {
    let limits = || score.bands.iter().map(|band| band.at_least).filter(|limit| *limit > 0);
    let (Some(highest), Some(lowest)) = (limits().max(), limits().min()) else { return };
    let room = lowest.min(WHOLE.saturating_sub(highest));
    if score.band_margin > room {
        let unreachable = if room == lowest { "lowest" } else { "highest" };
        let spot = block.get("band_margin").unwrap_or_else(|| block.spot.clone());
        let message = format!("with this margin no score ever enters the {unreachable} band");
        let most = shown(crate::plan::Unit::Number, i64::from(room) * 10_000);
        spot.problem(report, message, format!("write `band_margin: {most}` or less"));
    }
}
