//! What a back-test says of one model.

use crate::alert::{self, RuleReport, Warning};
use crate::auc::{Case, Estimate, count, mean_auc};
use crate::collected::{Collected, Fate, NO_SEGMENT, Row, Series, UNKNOWN, Unscored};
use crate::rank::Ranked;
use crate::trail::{self, Week};
use crate::{Question, Side};
use model::time::EventTime;
use serde::Serialize;
use std::collections::BTreeMap;

/// The shares of accounts that a team might look at first.
const TOPS: [f64; 3] = [0.01, 0.05, 0.1];

/// An area nearer than this to a half tells nothing that helps, however sure it is.
const NEAR: f64 = 0.05;

/// Bounds that lie farther than this from a half on both sides leave everything open.
const FAR: f64 = 0.2;

/// A figure with its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// The lower bound of the 95 % interval.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Interval {
    pub(crate) fn of(estimate: &Estimate) -> Self {
        let (low, high) = estimate.interval();
        Self { value: estimate.mean, low, high }
    }
}

/// Rows that are not judged, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Accounts without a score at a cut.
    #[serde(flatten)]
    pub unscored: Unscored,
    /// Scores whose horizon ends after the data.
    pub censored: u64,
    /// Scores at cuts around which nothing is told of anyone for as long as the horizon.
    pub idle: u64,
    /// Scores of accounts to which it had happened by then, which was told later.
    pub untold: u64,
}

/// One cut.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CutReport {
    /// Its instant, RFC 3339.
    pub at: String,
    /// Accounts that are judged.
    pub accounts: usize,
    /// Those to which it happened.
    pub outcomes: usize,
    /// The area under the ROC curve; none where all had the same fate.
    pub auc: Option<f64>,
}

/// The accounts that a ranking puts first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Top {
    /// Which share of each cut, at least one account.
    pub share: f64,
    /// The share of these to which it happened.
    pub precision: f64,
    /// The share of those to whom it happened that is among these.
    pub recall: f64,
}

/// A tenth of each cut.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Decile {
    /// 1 for the tenth that the ranking puts first.
    pub decile: u8,
    /// The share of it to which it happened.
    pub rate: f64,
    /// The same, in multiples of the share among all.
    pub lift: f64,
}

/// What a measure is worth by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It tells those to whom it will happen from the others.
    Tells,
    /// It does not: its area is about a half.
    Vanity,
    /// It says the opposite of what the model takes it for.
    Backwards,
    /// Too few outcomes: its area may as well be far above a half as far below.
    Unclear,
    /// It is never known where it could be compared.
    Unknown,
}

impl Verdict {
    fn of(auc: Option<Interval>) -> Self {
        match auc {
            None => Self::Unknown,
            Some(auc) if auc.high < 0.5 && auc.value < 0.5 - NEAR => Self::Backwards,
            Some(auc) if auc.low < 0.5 - FAR && auc.high > 0.5 + FAR => Self::Unclear,
            Some(auc) if auc.low <= 0.5 || auc.value < 0.5 + NEAR => Self::Vanity,
            Some(_) => Self::Tells,
        }
    }
}

/// A measure by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureReport {
    /// Its name.
    pub measure: String,
    /// Its share of the score when everything is known, 0 to 1.
    pub weight: f64,
    /// The share of the judged rows in which it is known.
    pub known: f64,
    /// Its area, of the rows in which it is known.
    pub auc: Option<Interval>,
    /// What that means.
    pub verdict: Verdict,
}

/// A segment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentReport {
    /// Its name; empty for accounts that have none.
    pub segment: String,
    /// Judged rows.
    pub rows: usize,
    /// Those after which it happened.
    pub outcomes: usize,
    /// Its area.
    pub auc: Option<Interval>,
    /// Its worst tenth.
    pub top: Option<Top>,
}

/// What a back-test says of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The model's name.
    pub model: String,
    /// Its identity.
    pub id: String,
    /// Accounts with a judged row.
    pub accounts: usize,
    /// Judged rows: a score of an account at a cut of which it is known what followed.
    pub rows: usize,
    /// Those after which it happened.
    pub outcomes: usize,
    /// What is not judged.
    pub left_out: LeftOut,
    /// The mean area over cuts; none where no cut has both fates.
    pub auc: Option<Interval>,
    /// Each cut.
    pub cuts: Vec<CutReport>,
    /// The accounts that come first.
    pub top: Vec<Top>,
    /// The tenths.
    pub deciles: Vec<Decile>,
    /// The measures by themselves, in the model's order.
    pub measures: Vec<MeasureReport>,
    /// The segments by name.
    pub segments: Vec<SegmentReport>,
    /// The rules that are meant for this outcome.
    pub rules: Vec<RuleReport>,
    /// What all of these foretold together.
    pub warning: Warning,
    /// The scores of those to whom it happened over the time before.
    pub before: Vec<Week>,
}

/// Whole milliseconds as they are calculated with; exact for 285,000 years.
#[allow(clippy::cast_precision_loss, reason = "spans are shorter than that")]
pub(crate) const fn ms(span: i64) -> f64 {
    span as f64
}

/// What a value is ranked by: the lower, the nearer the outcome should be.
pub(crate) fn ranked_by(side: Side, value: u16) -> i32 {
    match side {
        Side::Bad => i32::from(value),
        Side::Good => -i32::from(value),
    }
}

/// The judged rows of a series: their places, and whether it happened.
fn judged(collected: &Collected, series: &Series) -> (Vec<(usize, bool)>, LeftOut) {
    let mut left_out = LeftOut { unscored: series.unscored, ..LeftOut::default() };
    let mut rows = Vec::new();
    for (place, row) in series.rows.iter().enumerate() {
        match collected.fate(row) {
            Fate::Outcome => rows.push((place, true)),
            Fate::None => rows.push((place, false)),
            Fate::Censored => left_out.censored += 1,
            Fate::Idle => left_out.idle += 1,
            Fate::Untold => left_out.untold += 1,
        }
    }
    (rows, left_out)
}

/// What a series says. `question` is the one that was asked when it was collected.
#[must_use]
pub fn report(collected: &Collected, series: &Series, question: &Question) -> Report {
    let (judged, left_out) = judged(collected, series);
    let case = |row: &Row, outcome: bool| Case {
        cut: row.cut,
        account: row.account,
        value: ranked_by(question.side, row.score),
        outcome,
    };
    let of = |(place, outcome): &(usize, bool)| series.rows.get(*place).map(|row| (row, *outcome));
    let rows = || judged.iter().filter_map(of);
    let mut cases: Vec<Case> = rows().map(|(row, outcome)| case(row, outcome)).collect();
    let number = collected.accounts.len();
    let estimate = mean_auc(&mut cases, number);
    let cuts = cuts(collected, &cases, estimate.as_ref());
    let ranked = Ranked::new(&mut cases);
    let (all, outcomes) = ranked.totals();
    let deciles = deciles(&ranked);
    let top: Vec<Top> = TOPS.iter().filter_map(|share| top(&ranked, *share)).collect();
    let mut by_segment: BTreeMap<u16, Vec<Case>> = BTreeMap::new();
    for (row, outcome) in rows() {
        by_segment.entry(row.segment).or_default().push(case(row, outcome));
    }
    let mut segments: Vec<SegmentReport> = by_segment
        .into_iter()
        .map(|(segment, mut cases)| {
            let auc = mean_auc(&mut cases, number).as_ref().map(Interval::of);
            let ranked = Ranked::new(&mut cases);
            let (rows, outcomes) = ranked.totals();
            let name = if segment == NO_SEGMENT { "" } else { collected.segment(segment) };
            SegmentReport { segment: name.to_owned(), rows, outcomes, auc, top: top_of(&ranked) }
        })
        .collect();
    segments.sort_by(|one, other| one.segment.cmp(&other.segment));
    let (rules, warning) = alert::judge(collected, series, question);
    let mut accounts: Vec<u32> = rows().map(|(row, _)| row.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    Report {
        model: series.plan.name.clone(),
        id: series.plan.id.to_string(),
        accounts: accounts.len(),
        rows: all,
        outcomes,
        left_out,
        auc: estimate.as_ref().map(Interval::of),
        cuts,
        top,
        deciles,
        measures: measures(collected, series, question.side, &judged),
        segments,
        rules,
        warning,
        before: trail::look_back(collected, series),
    }
}

fn cuts(collected: &Collected, cases: &[Case], estimate: Option<&Estimate>) -> Vec<CutReport> {
    let areas: BTreeMap<i32, f64> =
        estimate.into_iter().flat_map(|found| found.cuts.iter().copied()).collect();
    let of_cut = |cases: &[Case]| CutReport {
        at: EventTime(collected.schedule.instant(cases[0].cut)).to_string(),
        accounts: cases.len(),
        outcomes: cases.iter().filter(|case| case.outcome).count(),
        auc: areas.get(&cases[0].cut).copied(),
    };
    cases.chunk_by(|one, other| one.cut == other.cut).map(of_cut).collect()
}

fn top_of(ranked: &Ranked<'_>) -> Option<Top> {
    TOPS.last().and_then(|share| top(ranked, *share))
}

/// None where the outcome never happened.
fn top(ranked: &Ranked<'_>, share: f64) -> Option<Top> {
    let outcomes = count(ranked.totals().1);
    let (taken, hits) = ranked.top(share);
    (outcomes > 0.0).then(|| Top { share, precision: hits / taken, recall: hits / outcomes })
}

fn deciles(ranked: &Ranked<'_>) -> Vec<Decile> {
    let (rows, outcomes) = ranked.totals();
    if outcomes == 0 {
        return Vec::new();
    }
    let whole = count(outcomes) / count(rows);
    let of_tenth = |tenth: u8| {
        let (taken, hits) = ranked.tenth(tenth);
        let rate = hits / taken;
        Decile { decile: tenth + 1, rate, lift: rate / whole }
    };
    (0..10).map(of_tenth).collect()
}

fn measures(
    collected: &Collected,
    series: &Series,
    side: Side,
    judged: &[(usize, bool)],
) -> Vec<MeasureReport> {
    let plan = &series.plan;
    let width = plan.measures.len();
    let mut reports = Vec::new();
    let mut cases = Vec::with_capacity(judged.len());
    for (index, measure) in plan.measures.iter().enumerate() {
        cases.clear();
        cases.extend(judged.iter().filter_map(|(place, outcome)| {
            let points = series.points.get(place * width + index).copied()?;
            let row = series.rows.get(*place).filter(|_| points != UNKNOWN)?;
            let value = ranked_by(side, points);
            Some(Case { cut: row.cut, account: row.account, value, outcome: *outcome })
        }));
        let known = count(cases.len()) / count(judged.len().max(1));
        let auc = mean_auc(&mut cases, collected.accounts.len()).as_ref().map(Interval::of);
        reports.push(MeasureReport {
            measure: plan.signals.get(measure.signal).map_or_else(String::new, |signal| signal.name.clone()),
            weight: f64::from(measure.base_weight) / f64::from(model::plan::WHOLE),
            known,
            auc,
            verdict: Verdict::of(auc),
        });
    }
    reports
}

#[cfg(test)]
mod tests {
    use super::{Interval, Verdict};

    #[test]
    fn a_measure_is_called_what_it_is() {
        for (value, low, high, verdict) in [
            (0.7, 0.66, 0.74, Verdict::Tells),
            (0.56, 0.49, 0.63, Verdict::Vanity),
            (0.54, 0.29, 0.71, Verdict::Unclear),
            (1.0, 0.0, 1.0, Verdict::Unclear),
            (0.52, 0.51, 0.53, Verdict::Vanity),
            (0.47, 0.46, 0.48, Verdict::Vanity),
            (0.3, 0.2, 0.4, Verdict::Backwards),
            (0.3, 0.0, 0.7, Verdict::Vanity),
        ] {
            assert_eq!(Verdict::of(Some(Interval { value, low, high })), verdict, "{value}");
        }
        assert_eq!(Verdict::of(None), Verdict::Unknown);
    }
}
