//! Where an account stands at one instant: weights, contributions, score. Changes nothing that counts.
//!
//! [`Assessment::assess`] works out what decides whether there is anything to say; what is needed only to say it,
//! [`Assessment::show`] adds.

use crate::account::{Account, Scored, UNKNOWN, part};
use crate::clock::View;
use crate::effect::{CapLine, Evidence, Freshness, Line, Standing, Status};
use crate::now::{Clocks, Now};
use crate::parts::number;
use crate::prepared::{NO_WEIGHTS, Prepared};
use crate::reading::{Changed, known};
use crate::score::{self, Facts};
use model::plan::{Attribute, Operator, SourceSet};
use model::source::Source;
use model::time::EventTime;

/// The work space of assessments, kept so that none allocates.
#[derive(Debug, Default)]
pub(crate) struct Assessment {
    pub(crate) changed: Changed,
    /// How well each signal is known.
    pub(crate) freshness: Vec<Freshness>,
    /// Measures of which the signal is known, a bit each.
    known: u128,
    /// The share of the weight that is known and fresh.
    fresh_weight: u32,
    /// Of which accounts these three hold, if not of one alone.
    shape: Option<Shape>,
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
    /// What an override in force adds.
    pub(crate) overridden: Option<i32>,
    pub(crate) coverage: u32,
    /// Whether lines and sources are those of the last assessment.
    shown: bool,
}

/// What decides how well each signal is known, while every source is alive and no definition is new: accounts that
/// agree in it agree in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    plan: usize,
    /// Signals that have a value, a bit each.
    valued: u64,
}

impl Shape {
    /// That of an account; `None` where there is more to it.
    fn of(account: &Account, prepared: &Prepared, all_live: bool) -> Option<Self> {
        let is_plain = all_live && account.blind.is_none() && prepared.direct.len() <= 64;
        debug_assert!(
            (0..prepared.direct.len().min(64)).all(|signal| {
                (account.reading(signal) != UNKNOWN) == (account.valued >> signal & 1 == 1)
            })
        );
        is_plain.then_some(Self { plan: account.plan, valued: account.valued })
    }
}

/// What conditions may ask.
pub(crate) struct Asked<'a> {
    pub(crate) freshness: &'a [Freshness],
    pub(crate) score: Option<u32>,
    pub(crate) account: &'a Account,
}

impl Facts for Asked<'_> {
    fn signal(&self, signal: usize) -> Option<i64> {
        if self.freshness[signal] == Freshness::Unknown { None } else { known(self.account, signal) }
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

impl Assessment {
    /// Works out where the account stands, from its readings.
    pub(crate) fn assess(
        &mut self,
        account: &mut Account,
        prepared: &mut Prepared,
        clocks: Clocks<'_>,
        now: &Now,
    ) {
        self.shown = false;
        self.see(account, prepared, clocks, now);
        let scored = account.is_scored(&prepared.plan);
        self.status = Some(if scored { Status::Scored } else { Status::NotScored });
        prepared.weigh(if scored { self.known } else { 0 });
        // Without a score, the weights do not say which signals are known.
        let number = if scored { prepared.weights_number() } else { NO_WEIGHTS };
        let raw = self.add_up(account, prepared, number);
        let plan = &*prepared.plan;
        (self.score, self.cap, self.overridden, self.coverage) = (None, None, None, 0);
        if scored {
            self.coverage = self.fresh_weight;
            let mut computed = None;
            if prepared.has_weight() {
                let asked = Asked { freshness: &self.freshness, score: None, account };
                self.cap = score::cap(plan, raw, &asked);
                computed = Some(raw + self.cap.map_or(0, |cap| cap.contribution));
            }
            if let Some(overriding) = &account.overriding {
                let at = now.sources[Source::Command.index()].at;
                self.overridden = overriding.adds(plan, computed, at);
            }
            let total = self.overridden.map_or(computed, |added| Some(computed.unwrap_or(0) + added));
            self.score = total.map(|total| u32::try_from(total).unwrap_or(0));
        }
        let is_set = self.overridden.is_some();
        // What was set is no band to be slow to leave.
        let was_set = account.overriding.as_ref().is_some_and(|overriding| overriding.told.is_some());
        let before = account.band.map(usize::from).filter(|_| !is_set && !was_set);
        let score = self.score.filter(|_| is_set || self.coverage >= plan.min_coverage);
        self.band = score.map(|score| score::band(plan, score, before));
    }

    /// What rules may ask. The score is unknown to them while the band is.
    pub(crate) fn asked<'a>(&'a self, account: &'a Account) -> Asked<'a> {
        let score = self.score.filter(|_| self.band.is_some());
        Asked { freshness: &self.freshness, score, account }
    }

    /// Scores the measures whose signals or weights have changed, of which `weighed` is the number. Returns what all
    /// come to.
    fn add_up(&self, account: &mut Account, prepared: &Prepared, weighed: u32) -> i32 {
        let weights = prepared.weights();
        let (readings, scored) = account.parts.pair_mut(part::READINGS);
        let (readings, scored) = (readings.as_chunks::<2>().0, scored.as_chunks_mut::<{ Scored::WORDS }>().0);
        let score = |measure: usize| {
            let signal = prepared.measured[measure].0;
            if self.freshness[signal] == Freshness::Unknown {
                return Scored::UNKNOWN;
            }
            let points = prepared.plan.measures[measure].curve.points(number(&readings[signal], 0));
            Scored::of(points, weights[measure])
        };
        let mut raw = account.raw;
        if account.weighed == weighed && weighed != NO_WEIGHTS {
            for measure in self.changed.signals().iter().flat_map(|signal| &prepared.measures_of[*signal]) {
                let now = score(*measure);
                raw += now.contribution - Scored::get(&scored[*measure]).contribution;
                scored[*measure] = now.words();
            }
        } else {
            raw = 0;
            for (measure, words) in scored.iter_mut().enumerate() {
                let now = score(measure);
                raw += now.contribution;
                *words = now.words();
            }
        }
        (account.weighed, account.raw) = (weighed, raw);
        raw
    }

    /// Looks at the sources, and from them at the signals and measures.
    fn see(&mut self, account: &Account, prepared: &Prepared, clocks: Clocks<'_>, now: &Now) {
        let plan = &prepared.plan;
        let all_live = plan.used.is_within(now.live);
        let shape = Shape::of(account, prepared, all_live);
        if shape.is_some() && shape == self.shape {
            return;
        }
        self.shape = shape;
        self.freshness.clear();
        self.freshness.extend(account.parts.get(part::READINGS).as_chunks::<2>().0.iter().map(|reading| {
            if number(reading, 0) == UNKNOWN { Freshness::Unknown } else { Freshness::Fresh }
        }));
        if !all_live {
            for (freshness, signal) in self.freshness.iter_mut().zip(&plan.signals) {
                for source in signal.sources.iter().filter(|source| !now.live.contains(*source)) {
                    match clocks.view_of(now, source, account.spread) {
                        View::Live => {}
                        View::Stale if *freshness == Freshness::Fresh => *freshness = Freshness::Stale,
                        View::Stale => {}
                        View::Unbegun => *freshness = Freshness::Unknown,
                    }
                }
            }
        }
        if account.blind.is_some() {
            for signal in (0..plan.signals.len()).filter(|i| is_blind(account, prepared, now, *i)) {
                self.freshness[signal] = Freshness::Unknown;
            }
        }
        for signal in &prepared.derived {
            if let Operator::Ratio { part, whole, .. } = plan.signals[*signal].operator
                && [part, whole].iter().any(|part| self.freshness[*part] == Freshness::Unknown)
            {
                self.freshness[*signal] = Freshness::Unknown;
            }
        }
        (self.known, self.fresh_weight) = (0, 0);
        for (measure, (signal, weight)) in prepared.measured.iter().enumerate() {
            let freshness = self.freshness[*signal];
            self.known |= u128::from(freshness != Freshness::Unknown) << measure;
            self.fresh_weight += if freshness == Freshness::Fresh { *weight } else { 0 };
        }
    }

    /// Adds what is needed to say where the account stands.
    pub(crate) fn show(&mut self, account: &Account, prepared: &Prepared, clocks: Clocks<'_>, now: &Now) {
        if std::mem::replace(&mut self.shown, true) {
            return;
        }
        self.complete_to.clear();
        self.sources_out = SourceSet::default();
        for source in &prepared.waits {
            let i = source.index();
            if clocks.clocks[i].is_out() {
                self.sources_out = self.sources_out.union(SourceSet::of(*source));
            }
            if let Some(at) = now.sources[i].at {
                self.complete_to.push((*source, EventTime(at)));
            }
        }
        self.line_up(account, prepared);
    }

    /// What each measure comes to.
    pub(crate) fn line_up(&mut self, account: &Account, prepared: &Prepared) {
        self.lines.clear();
        let readings = account.parts.get(part::READINGS).as_chunks::<2>().0;
        let scored = account.parts.get(part::SCORED).as_chunks::<{ Scored::WORDS }>().0;
        let measures = prepared.measured.iter().zip(prepared.weights()).zip(scored);
        self.lines.extend(measures.enumerate().map(|(measure, (((signal, _), weight), scored))| {
            let freshness = self.freshness[*signal];
            let is_known = freshness != Freshness::Unknown;
            let scored = Scored::get(scored);
            let value = number(&readings[*signal], 0);
            Line {
                measure,
                freshness,
                value: (is_known && value != UNKNOWN).then_some(value),
                previous_value: None,
                points: if is_known { u32::from(scored.points) } else { 0 },
                weight: *weight,
                contribution: scored.contribution,
                change: 0,
            }
        }));
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
            overridden: self.overridden.and_then(|added| account.overriding.as_ref()?.line(added)),
            status: self.status.unwrap_or(Status::Scored),
        }
    }
}

/// Whether a signal's definition is too new for its window.
pub(crate) fn is_blind(account: &Account, prepared: &Prepared, now: &Now, signal: usize) -> bool {
    let until = account.blind.as_ref().map_or(i64::MIN, |blind| blind[signal]);
    prepared.direct[signal].is_some_and(|source| now.sources[source.index()].living < until)
}
