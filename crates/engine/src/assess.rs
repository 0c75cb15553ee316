//! Where an account stands at one instant: readings, weights, contributions, score. Changes nothing that counts.

use crate::account::{Account, Scored, UNKNOWN};
use crate::clock::View;
use crate::effect::{CapLine, Evidence, Freshness, Line, Standing, Status};
use crate::now::{Clocks, Edge, Now};
use crate::operator::Reading;
use crate::prepared::Prepared;
use crate::score::{self, Facts};
use model::plan::{Attribute, Operator, SourceSet};
use model::source::{SOURCES, Source};
use model::time::EventTime;

/// The work space of assessments, kept so that none allocates.
#[derive(Debug, Default)]
pub(crate) struct Assessment {
    /// How each source of the model is seen.
    views: [Option<View>; SOURCES],
    /// How well each signal is known.
    pub(crate) freshness: Vec<Freshness>,
    pub(crate) lines: Vec<Line>,
    pub(crate) complete_to: Vec<(Source, EventTime)>,
    pub(crate) evidence: Vec<Evidence>,
    /// The clocks of a rule.
    pub(crate) clocks: Vec<i64>,
    pub(crate) sources_out: SourceSet,
    pub(crate) status: Option<Status>,
    pub(crate) score: Option<u32>,
    pub(crate) band: Option<usize>,
    pub(crate) cap: Option<CapLine>,
    pub(crate) coverage: u32,
}

/// What conditions may ask.
pub(crate) struct Asked<'a> {
    pub(crate) readings: &'a [Reading],
    pub(crate) freshness: &'a [Freshness],
    pub(crate) score: Option<u32>,
    pub(crate) account: &'a Account,
}

impl Facts for Asked<'_> {
    fn signal(&self, signal: usize) -> Option<i64> {
        if self.freshness[signal] == Freshness::Unknown { None } else { self.readings[signal].value() }
    }

    fn score(&self) -> Option<u32> {
        self.score
    }

    fn attribute(&self, attribute: Attribute) -> Option<&str> {
        let info = self.account.info.as_ref()?;
        match attribute {
            Attribute::Segment => info.segment(),
            Attribute::Stage => info.stage(),
        }
    }
}

/// Brings the readings of an account up to `now`. `touched`: signals that took something in.
pub(crate) fn read(
    account: &mut Account,
    prepared: &Prepared,
    clocks: Clocks<'_>,
    now: &Now,
    touched: &[usize],
) {
    for (i, signal) in prepared.plan.signals.iter().enumerate() {
        let old = account.readings[i];
        let edge = prepared.direct[i].map(|source| edge(clocks, now, source, account.spread));
        let is_derived = matches!(signal.operator, Operator::Ratio { .. });
        let due = edge.as_ref().is_some_and(|edge| old.due.is_reached(&edge.now));
        // What is not touched and not due reads as before: its state is not even looked at.
        if !(due || is_derived || old == Reading::NEW || touched.contains(&i)) {
            continue;
        }
        let edge = edge.unwrap_or_else(|| self::edge(clocks, now, Source::Login, account.spread));
        let (before, _) = account.readings.split_at(i);
        let milestones = account.milestones.as_deref();
        let reading = account.signals[i].read_value(&signal.operator, &edge, before, milestones, old);
        account.readings[i] = reading;
    }
}

/// The edges of an account's windows on a source.
pub(crate) fn edge<'a>(clocks: Clocks<'a>, now: &Now, source: Source, spread: i64) -> Edge<'a> {
    let i = source.index();
    Edge { clock: &clocks.clocks[i], now: now.sources[i], rules: &clocks.rules[i], spread }
}

impl Assessment {
    /// Works out where the account stands, from its readings.
    pub(crate) fn assess(
        &mut self,
        account: &mut Account,
        prepared: &mut Prepared,
        clocks: Clocks<'_>,
        now: &Now,
    ) {
        let plan = std::sync::Arc::clone(&prepared.plan);
        self.see(account, prepared, clocks, now);
        let scored =
            account.stage().is_none_or(|stage| !plan.not_scored_stages.iter().any(|none| none == stage));
        self.status = Some(if scored { Status::Scored } else { Status::NotScored });
        let mut known = 0_u128;
        for (i, measure) in plan.measures.iter().enumerate() {
            if scored && self.freshness[measure.signal] != Freshness::Unknown {
                known |= 1 << i;
            }
        }
        let weights = prepared.weights(known);
        let mut raw = 0;
        self.lines.clear();
        for (i, measure) in plan.measures.iter().enumerate() {
            let freshness = self.freshness[measure.signal];
            let value = account.readings[measure.signal].value().filter(|_| freshness != Freshness::Unknown);
            let was = account.scored[i];
            let (told, weight) = (value.unwrap_or(UNKNOWN), weights[i]);
            if was.value != told || u32::from(was.weight) != weight {
                let points = value.map_or(0, |value| measure.curve.points(value));
                account.scored[i] = Scored::of(told, points, weight);
            }
            let is = account.scored[i];
            let contribution = i32::from(is.contribution);
            raw += contribution;
            self.lines.push(Line {
                measure: i,
                freshness,
                value,
                previous_value: None,
                points: u32::from(is.points),
                weight,
                contribution,
                change: 0,
            });
        }
        self.score = None;
        self.cap = None;
        self.coverage = 0;
        if scored {
            self.coverage = score::coverage(&plan, |i| self.freshness[plan.measures[i].signal]);
            if weights.iter().any(|weight| *weight > 0) {
                let asked =
                    Asked { readings: &account.readings, freshness: &self.freshness, score: None, account };
                self.cap = score::cap(&plan, raw, &asked);
                let total = raw + self.cap.map_or(0, |cap| cap.contribution);
                self.score = Some(u32::try_from(total).unwrap_or(0));
            }
        }
        let score = self.score.filter(|_| self.coverage >= plan.min_coverage);
        self.band = score.map(|score| score::band(&plan, score, account.band));
    }

    /// Looks at the sources, and from them at the signals.
    fn see(&mut self, account: &Account, prepared: &Prepared, clocks: Clocks<'_>, now: &Now) {
        self.complete_to.clear();
        self.sources_out = SourceSet::default();
        for source in &prepared.waits {
            let i = source.index();
            self.views[i] = Some(clocks.view_of(now, *source, account.spread));
            if clocks.clocks[i].is_out() {
                self.sources_out = self.sources_out.union(SourceSet::of(*source));
            }
            if let Some(at) = now.sources[i].at {
                self.complete_to.push((*source, EventTime(at)));
            }
        }
        self.freshness.clear();
        for (i, signal) in prepared.plan.signals.iter().enumerate() {
            let mut freshness = Freshness::Fresh;
            for source in signal.sources.iter() {
                match self.views[source.index()] {
                    Some(View::Live) => {}
                    Some(View::Stale) if freshness == Freshness::Fresh => freshness = Freshness::Stale,
                    Some(View::Stale) => {}
                    Some(View::Unbegun) | None => freshness = Freshness::Unknown,
                }
            }
            if account.readings[i].value().is_none() || is_blind(account, prepared, now, i) {
                freshness = Freshness::Unknown;
            }
            if let Operator::Ratio { part, whole, .. } = signal.operator
                && [part, whole].iter().any(|part| self.freshness[*part] == Freshness::Unknown)
            {
                freshness = Freshness::Unknown;
            }
            self.freshness.push(freshness);
        }
    }

    /// Where the account stands, as effects show it.
    pub(crate) fn standing<'a>(&'a self, account: &'a Account, prepared: &'a Prepared) -> Standing<'a> {
        Standing {
            account: account.identity(),
            plan: &prepared.plan,
            revision: account.revision,
            as_of: EventTime(account.as_of),
            score: self.score,
            band: self.band,
            band_since: EventTime(account.band_since.max(EventTime::MIN.0)),
            coverage: self.coverage,
            complete_to: &self.complete_to,
            sources_out: self.sources_out,
            lines: &self.lines,
            cap: self.cap,
            status: self.status.unwrap_or(Status::Scored),
        }
    }
}

/// Whether a signal's definition is too new for its window.
fn is_blind(account: &Account, prepared: &Prepared, now: &Now, signal: usize) -> bool {
    let until = account.blind.as_ref().map_or(i64::MIN, |blind| blind[signal]);
    prepared.direct[signal].is_some_and(|source| now.sources[source.index()].living < until)
}
