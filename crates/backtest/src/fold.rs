//! The pipeline's own fold, under the models in question, broken off at each cut.
//!
//! A cut at *c* is what a shard holds when its time gets to *c*: everything that stands in the journal before the first
//! activity of *c* or later, and before the first minute in which a source's T + max delay goes beyond *c*. So what happened
//! before *c* and was told later is not in it; nor is anything of *c* or later. An advance is looked at after each of its
//! steps. A step may jump over minutes, but only over such in which nothing changes, so that the scores after it are those of
//! any cut that it passes.

use crate::Question;
use crate::busy::Busy;
use crate::collected::{Account, Collected, Firing, NO_SEGMENT, Row, Series, UNKNOWN, Unscored};
use crate::ledger::Ledger;
use engine::effect::{AlertState, Effect, EffectId, Freshness, Sink, Standing};
use engine::entry::{Entry, Position, SourceMark, Watermarks};
use engine::{Refused, Shard, Step};
use model::plan::{Feed, ModelId};
use model::source::{SOURCES, Source};
use model::time::{DAY, EventTime};
use std::collections::HashMap;
use std::sync::Arc;

/// A journal cannot be folded further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The fold refuses the entry.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There would be more scores than are kept.
    #[error(
        "there are more than {limit} scores by {0}: narrow them with --from and --to, or with a longer --every; if time goes on \
         for so long because a single activity bears a wrong one, --to cuts it off",
        limit = Fold::MOST_ROWS
    )]
    TooManyScores(EventTime),
}

/// The fold of a journal, one partition after the other.
#[derive(Debug)]
pub struct Fold {
    question: Question,
    models: Vec<Box<str>>,
    /// The max delay of each source under the models of the journal, by which its watermarks were made.
    written: HashMap<ModelId, [i64; SOURCES]>,
    lanes: Vec<Lane>,
    ledger: Ledger,
    segments: HashMap<Box<str>, u16>,
    collected: Collected,
    /// The greatest event time of the partition so far.
    newest: i64,
}

impl Fold {
    /// The most scores that are kept, of all models together.
    pub const MOST_ROWS: usize = 1 << 26;

    /// Nothing is folded yet. `models` are the texts of models that compile, one or several.
    ///
    /// # Errors
    /// [`Refused`] where a model is not for this program.
    pub fn new(question: Question, models: &[&str]) -> Result<Self, Refused> {
        let mut series = Vec::new();
        for model in models {
            let lane = Lane::new(model)?;
            series.extend(lane.shard.plan().map(|plan| Series {
                plan: Arc::clone(plan),
                rows: Vec::new(),
                points: Vec::new(),
                firings: Vec::new(),
                unscored: Unscored::default(),
            }));
        }
        let collected = Collected {
            schedule: question.schedule,
            horizon: question.horizon,
            end: i64::MAX,
            accounts: Vec::new(),
            segments: Vec::new(),
            series,
            busy: Busy::default(),
            activities: 0,
            late: 0,
        };
        let mut fold = Self {
            question,
            written: HashMap::new(),
            models: models.iter().map(|model| Box::from(*model)).collect(),
            lanes: Vec::new(),
            ledger: Ledger::default(),
            segments: HashMap::new(),
            collected,
            newest: i64::MIN,
        };
        fold.begin()?;
        Ok(fold)
    }

    fn begin(&mut self) -> Result<(), Refused> {
        self.lanes = self.models.iter().map(|model| Lane::new(model)).collect::<Result<_, _>>()?;
        (self.ledger, self.newest) = (Ledger::default(), i64::MIN);
        Ok(())
    }

    /// Takes the next entry of the partition. The models that stand in the journal only say how its watermarks were made: those
    /// in question are in force from its beginning.
    ///
    /// # Errors
    /// [`Stopped`] where the entry is not for this program, or there are too many scores.
    pub fn take(&mut self, at: Position, entry: &Entry<'_>) -> Result<(), Stopped> {
        let mut again = None;
        match entry {
            Entry::Model(text) => return Ok(self.know(text)?),
            Entry::FoldVersion(_) => {}
            // What a person set in place of a score says nothing of the model.
            Entry::Activity(activity) if activity.source == Source::Command => return Ok(()),
            Entry::Watermarks(marks) => return self.advance(at, marks),
            Entry::Activity(activity) => {
                let time = activity.time.0;
                self.collected.activities += 1;
                self.collected.busy.note(&self.question.schedule, time);
                if time < self.newest.saturating_sub(DAY) {
                    again = self.lanes.first().map(Lane::duplicates);
                }
                self.newest = self.newest.max(time);
                for lane in 0..self.lanes.len() {
                    let Lane { next, is_over, .. } = &mut self.lanes[lane];
                    if next.is_none() && !*is_over {
                        *next = self.question.schedule.first_from(time);
                        // An older activity that follows must not begin with cuts that this one has passed.
                        *is_over = next.is_none();
                    }
                    self.cut_to(lane, time)?;
                }
                let next = self.lanes.first().and_then(|lane| lane.next).unwrap_or(i32::MAX);
                self.ledger.observe(activity, &self.question.outcome, next);
            }
        }
        for lane in 0..self.lanes.len() {
            self.fold(lane, at, entry)?;
        }
        let is_late = again.is_some_and(|before| self.lanes.first().map(Lane::duplicates) == Some(before));
        self.collected.late += u64::from(is_late);
        Ok(())
    }

    /// Takes note of a model of the journal.
    fn know(&mut self, text: &str) -> Result<(), Refused> {
        if let Some(plan) = Lane::new(text)?.shard.plan() {
            self.written.insert(plan.id, plan.sources.map(|rules| rules.max_delay));
        }
        Ok(())
    }

    fn advance(&mut self, at: Position, marks: &Watermarks) -> Result<(), Stopped> {
        for lane in 0..self.lanes.len() {
            let mut own = marks.clone();
            if let Some(delays) = marks.model.and_then(|model| self.written.get(&model)) {
                self.lanes[lane].shift(&mut own, delays);
            }
            let leap = self.lanes[lane].leap(&own);
            self.cut_to(lane, leap)?;
            self.fold(lane, at, &Entry::Watermarks(own))?;
        }
        Ok(())
    }

    fn fold(&mut self, lane: usize, at: Position, entry: &Entry<'_>) -> Result<(), Stopped> {
        let mut step = None;
        while step != Some(Step::Done) {
            let not_before = self.lanes[lane].reached();
            let Lane { shard, open, .. } = &mut self.lanes[lane];
            let base = self.collected.accounts.len();
            let firings = &mut self.collected.series[lane].firings;
            let mut alerts = Alerts { ledger: &self.ledger, base, not_before, firings, open };
            step = Some(match step {
                None => shard.fold(at, entry, &mut alerts)?,
                Some(_) => shard.go_on(&mut alerts),
            });
            let reached = self.lanes[lane].reached();
            self.cut_to(lane, reached)?;
        }
        Ok(())
    }

    /// Takes all cuts that are left up to `instant`, and that one itself.
    fn cut_to(&mut self, lane: usize, instant: i64) -> Result<(), Stopped> {
        while let Some(next) = self.lanes[lane].next {
            if self.question.schedule.instant(next) > instant {
                return Ok(());
            }
            self.cut(lane, next);
            if self.collected.series.iter().map(|series| series.rows.len()).sum::<usize>() > Self::MOST_ROWS {
                return Err(Stopped::TooManyScores(EventTime(self.question.schedule.instant(next))));
            }
            self.lanes[lane].next = self.question.schedule.after(next);
            self.lanes[lane].is_over = self.lanes[lane].next.is_none();
        }
        Ok(())
    }

    /// Notes who has which score now.
    fn cut(&mut self, lane: usize, number: i32) {
        let shard = &mut self.lanes[lane].shard;
        let series = &mut self.collected.series[lane];
        let told_by = self.question.schedule.instant(number).saturating_sub(self.question.min_history);
        let is_ready = shard.is_ready();
        for (place, account) in self.ledger.accounts.iter().enumerate() {
            if account.has_ended() {
                series.unscored.ended += 1;
                continue;
            }
            if account.first > told_by {
                series.unscored.young += 1;
                continue;
            }
            let segments = (&mut self.segments, &mut self.collected.segments);
            let seen = shard.standing(&account.id, |standing| {
                let score =
                    standing.score.filter(|_| is_ready).and_then(|score| u16::try_from(score).ok())?;
                series.points.extend(standing.lines.iter().map(points));
                Some((score, segment_of(standing, segments)))
            });
            match seen.flatten() {
                None => series.unscored.unscored += 1,
                Some((score, segment)) => series.rows.push(Row {
                    account: u32::try_from(self.collected.accounts.len() + place).unwrap_or(u32::MAX),
                    cut: number,
                    segment,
                    score,
                }),
            }
        }
    }

    /// The partition is gone through; the next one may begin.
    ///
    /// # Errors
    /// [`Refused`], as [`Fold::new`].
    pub fn end_partition(&mut self) -> Result<(), Refused> {
        // A partition of which nothing is told has nobody to whom anything could happen.
        if let Some(lane) = self.lanes.first().filter(|_| !self.ledger.accounts.is_empty()) {
            self.collected.end = self.collected.end.min(lane.told(&self.question.outcome));
        }
        let ledger = std::mem::take(&mut self.ledger);
        self.collected.accounts.extend(ledger.accounts.into_iter().map(|account| {
            let mut happened = account.happened;
            // Where one is told again, it was known the first time.
            happened.sort_unstable();
            happened.dedup_by_key(|one| one.time);
            Account { id: account.id, happened }
        }));
        self.begin()
    }

    /// All partitions are gone through.
    #[must_use]
    pub fn finish(self) -> Collected {
        self.collected
    }
}

/// A shard under one of the models.
#[derive(Debug)]
struct Lane {
    shard: Shard,
    /// The next cut; none before the first activity, and after the last cut.
    next: Option<i32>,
    is_over: bool,
    /// The place of the alert that is open, by account and rule.
    open: HashMap<(u32, u32), usize>,
}

impl Lane {
    fn new(model: &str) -> Result<Self, Refused> {
        let mut shard = Shard::new();
        shard.fold(Position::START, &Entry::Model(model), &mut Nobody)?;
        Ok(Self { shard, next: None, is_over: false, open: HashMap::new() })
    }

    /// How long after it happened an activity of a source may come.
    fn max_delay(&self, source: Source) -> i64 {
        self.shard.plan().map_or(0, |plan| plan.sources[source.index()].max_delay)
    }

    /// T + max delay of a source, once it has a T.
    fn stands(&self, source: Source) -> Option<i64> {
        Some(self.shard.clock(source).at()? + self.max_delay(source))
    }

    /// The greatest T + max delay of the sources; the least instant there is before any has a T.
    fn reached(&self) -> i64 {
        Source::ALL.into_iter().filter_map(|source| self.stands(source)).max().unwrap_or(i64::MIN)
    }

    /// Up to when all is told of what these feeds take in; the least instant there is while one of their sources has no T.
    fn told(&self, feeds: &[Feed]) -> i64 {
        feeds.iter().map(|feed| self.stands(feed.source).unwrap_or(i64::MIN)).min().unwrap_or(i64::MIN)
    }

    /// Makes marks that were told under other max delays what ingest would have told under those of this model.
    fn shift(&self, marks: &mut Watermarks, delays: &[i64; SOURCES]) {
        for mark in &mut marks.sources {
            let by = delays[mark.source.index()] - self.max_delay(mark.source);
            for watermark in mark.partitions.iter_mut().filter_map(|part| part.watermark.as_mut()) {
                watermark.0 = watermark.0.saturating_add(by);
            }
        }
    }

    /// How many activities came again so far.
    fn duplicates(&self) -> u64 {
        self.shard.counts().iter().map(|(.., count)| count.duplicate).sum()
    }

    /// How far sources without a T may get by an entry at once, since they do not walk there.
    fn leap(&self, marks: &Watermarks) -> i64 {
        let new = marks.sources.iter().filter(|mark| self.shard.clock(mark.source).at().is_none());
        let told = |mark: &SourceMark| {
            let newest = mark.partitions.iter().filter_map(|part| part.watermark).max()?;
            Some(newest.0.saturating_add(self.max_delay(mark.source)))
        };
        new.filter_map(told).max().unwrap_or(i64::MIN)
    }
}

/// Hundredths of a point of a measure, or [`UNKNOWN`].
fn points(line: &engine::effect::Line) -> u16 {
    match line.freshness {
        Freshness::Unknown => UNKNOWN,
        Freshness::Fresh | Freshness::Stale => u16::try_from(line.points).unwrap_or(UNKNOWN),
    }
}

fn segment_of(
    standing: &Standing<'_>,
    (places, names): (&mut HashMap<Box<str>, u16>, &mut Vec<Box<str>>),
) -> u16 {
    let Some(name) = standing.account.segment else { return NO_SEGMENT };
    if let Some(place) = places.get(name) {
        return *place;
    }
    // Beyond what can be numbered, a segment is none.
    let place = u16::try_from(names.len()).unwrap_or(NO_SEGMENT);
    if place < NO_SEGMENT {
        places.insert(name.into(), place);
        names.push(name.into());
    }
    place
}

/// Takes note of alerts.
struct Alerts<'a> {
    ledger: &'a Ledger,
    /// Accounts of the partitions before.
    base: usize,
    /// How far time has got.
    not_before: i64,
    firings: &'a mut Vec<Firing>,
    open: &'a mut HashMap<(u32, u32), usize>,
}

impl Sink for Alerts<'_> {
    fn effect(&mut self, _: EffectId, effect: &Effect<'_>) {
        let Effect::Alert(alert) = effect else { return };
        let Some(place) = self.ledger.place(alert.standing.account.id) else { return };
        let Some(rule) = alert.rule_index.and_then(|rule| u32::try_from(rule).ok()) else { return };
        let account = u32::try_from(self.base).unwrap_or(u32::MAX).saturating_add(place);
        match alert.state {
            AlertState::Firing => {
                self.open.insert((account, rule), self.firings.len());
                // It bears the T of its source, which may lie before what caused it: an alert that the outcome itself
                // causes would seem to have come first.
                let caused = self.ledger.accounts.get(place as usize).map_or(i64::MIN, |known| known.last);
                let fired = alert.fired_at.0.max(self.not_before).max(caused);
                self.firings.push(Firing { account, rule, fired, resolved: None });
            }
            AlertState::Resolved(_) => {
                let open = self.open.remove(&(account, rule));
                if let Some(firing) = open.and_then(|place| self.firings.get_mut(place)) {
                    firing.resolved = alert.ended_at.map(|ended| ended.0);
                }
            }
        }
    }
}

/// Before anything is folded there is nothing to say.
struct Nobody;

impl Sink for Nobody {
    fn effect(&mut self, _: EffectId, _: &Effect<'_>) {}

    fn is_silent(&self) -> bool {
        true
    }
}
