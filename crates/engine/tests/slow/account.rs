//! One account: what it remembers from one evaluation to the next, and what an evaluation says.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::effect::{Cause, Line, OpenAlert, Status};
use model::plan::{Plan, Rule};
use model::source::{Field, Source};
use model::time::EventTime;

use super::condition::Facing;
use super::effect::{AccountHealth, Health, SlowEffect, Standing};
use super::now::Now;
use super::rule::Watch;
use super::score::{self, Tally, To, tally};
use super::signal::{Learned, Past, Reading};

/// The spread of accounts over time: 15 minutes.
const SPREAD: u64 = 15 * 60 * 1_000;

/// Which of two activities is the newer one.
type Rank = (i64, u32, i64);

/// An override in force.
struct Override {
    rank: Rank,
    to: To,
    author: String,
    reason: String,
    expires_at: i64,
}

/// What the last health record said; what a plan numbers stands here by name.
#[derive(Clone, Debug)]
pub(super) struct Published {
    greatest: i64,
    score: Option<u32>,
    band: Option<String>,
    cap: Option<String>,
    cap_contribution: i32,
    /// Of which command, and what it added.
    added: Option<(Rank, i32)>,
    status: Status,
    lines: BTreeMap<String, Line>,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) plan: Arc<Plan>,
    /// Which of the journal's models that is.
    pub(crate) model: usize,
    pub(crate) past: Past,
    /// By the rule's name.
    pub(crate) watches: BTreeMap<String, Watch>,
    pub(super) band: Option<String>,
    pub(super) band_since: Option<i64>,
    pub(super) published: Option<Published>,
    pub(super) as_of: i64,
    pub(super) revision: u64,
    /// Whether there was a health or alert record since the last account-health record.
    pub(crate) has_news: bool,
}

/// When and why an account is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) instant: i64,
    pub(crate) cause: Cause,
}

impl Account {
    pub(crate) fn new(id: &str, plan: &Arc<Plan>, model: usize) -> Self {
        let spread = engine::fingerprint::of(id.as_bytes()) % SPREAD;
        let ever = Learned { from_entry: 0, living_then: None };
        let learned = plan.signals.iter().map(|signal| (signal.definition, ever)).collect();
        let sigma = i64::try_from(spread).unwrap();
        Self {
            id: id.into(),
            plan: Arc::clone(plan),
            model,
            past: Past { sigma, applied: Vec::new(), learned },
            watches: BTreeMap::new(),
            band: None,
            band_since: None,
            published: None,
            as_of: i64::MIN,
            revision: 0,
            has_news: false,
        }
    }

    /// The newest text of `field` that the source `account` told.
    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        let told = self.past.applied.iter().map(|one| &one.1);
        let of_account = told.filter(|one| one.source == Source::Account && one.word(field).is_some());
        of_account.max_by_key(|one| one.rank())?.word(field)
    }

    pub(crate) fn readings(&self, now: &Now<'_>) -> Vec<Reading> {
        (0..self.plan.signals.len()).map(|index| self.past.reading(&self.plan, index, now)).collect()
    }

    /// The newest command that sets or takes back a score, if it sets one.
    fn overriding(&self) -> Option<Override> {
        let told = self.past.applied.iter().map(|one| &one.1);
        let commands = told.filter(|one| one.source == Source::Command);
        let newest = commands.max_by_key(|one| one.rank())?;
        let text = |field| newest.word(field).unwrap_or_default().to_owned();
        if text(Field::Kind) != "override" {
            return None;
        }
        // Millionths to hundredths.
        let score =
            newest.number(Field::Score).map(|score| (score + 5_000).div_euclid(10_000).clamp(0, 10_000));
        let to = match score {
            Some(score) => To::Score(u32::try_from(score).unwrap()),
            None => To::Band(newest.word(Field::Band)?.into()),
        };
        let expires_at = newest.time(Field::ExpiresAt)?;
        let (author, reason) = (text(Field::Author), text(Field::Reason));
        Some(Override { rank: newest.rank(), to, author, reason, expires_at })
    }

    /// When the override that counts ends.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        self.overriding().map(|one| one.expires_at)
    }

    /// What the readings come to, with the override that is in force; and the band.
    fn tally(&self, now: &Now<'_>, readings: &[Reading]) -> (Tally, Option<usize>) {
        let mut tally = tally(&self.plan, &self.facing(readings));
        let ends = |one: &Override| now.source(Source::Command).is_some_and(|at| at.a >= one.expires_at);
        if let Some(one) = self.overriding().filter(|one| !ends(one)) {
            tally = score::overridden(&self.plan, tally, &one.to);
        }
        let was_added = self.published.as_ref().is_some_and(|published| published.added.is_some());
        let present = self.band_index(self.band.as_ref()).filter(|_| tally.added.is_none() && !was_added);
        let band = score::band(&self.plan, present, &tally);
        (tally, band)
    }

    pub(super) fn facing<'a>(&'a self, readings: &'a [Reading]) -> Facing<'a> {
        Facing { readings, score: None, segment: self.text(Field::Segment), stage: self.text(Field::Stage) }
    }

    fn band_index(&self, name: Option<&String>) -> Option<usize> {
        self.plan.bands.iter().position(|band| Some(&band.name) == name)
    }

    /// The G at which a record is due though nothing changes.
    pub(crate) fn repeat_at(&self) -> Option<i64> {
        self.published.as_ref().map(|published| published.greatest + self.plan.publish_every)
    }

    /// Works out everything anew and says what has changed: health first, then the rules in the order in
    /// which they are decided.
    pub(crate) fn evaluate(&mut self, now: &Now<'_>, moment: Moment) -> Vec<SlowEffect> {
        if self.text(Field::State) == Some("closed") {
            return self.close(now, moment);
        }
        let as_of = self.as_of.max(moment.instant);
        let readings = self.readings(now);
        let (tally, band) = self.tally(now, &readings);
        let band_name = band.map(|band| self.plan.bands[band].name.clone());
        if self.band_since.is_none() || band_name != self.band {
            self.band_since = Some(as_of);
            self.band = band_name;
        }
        let mut said: Vec<SlowEffect> = Vec::new();
        said.extend(self.publish(now, &tally, moment.cause, as_of).map(SlowEffect::Health));
        for rule in self.rules_in_order() {
            said.extend(self.rule(&rule, now, &readings, &tally, (moment.cause, as_of)));
        }
        if !said.is_empty() {
            self.as_of = as_of;
            self.has_news = true;
        }
        said
    }

    /// "Publication".
    fn publish(&mut self, now: &Now<'_>, tally: &Tally, cause: Cause, as_of: i64) -> Option<Health> {
        let greatest = now.greatest()?;
        let cap = tally.cap.map(|line| self.plan.caps[line.cap].name.clone());
        let cap_contribution = tally.cap.map_or(0, |line| line.contribution);
        let added = tally.added.map(|added| (self.overriding().unwrap().rank, added));
        let previous = self.published.take();
        let change = previous.as_ref().is_none_or(|previous| {
            let moved = match (previous.score, tally.score) {
                (Some(old), Some(new)) => {
                    let beneath = |score: u32, added: Option<(Rank, i32)>| {
                        score.cast_signed() - added.map_or(0, |one| one.1)
                    };
                    let moved = beneath(old, previous.added).abs_diff(beneath(new, added));
                    moved >= self.plan.publish_change
                }
                (old, new) => old != new,
            };
            let is_same = previous.added.map(|one| one.0) == added.map(|one| one.0);
            moved
                || !is_same
                || previous.band != self.band
                || previous.cap != cap
                || previous.status != tally.status
        });
        let since = previous.as_ref().map(|previous| greatest - previous.greatest);
        if !change && since.is_none_or(|since| since < self.plan.publish_every) {
            self.published = previous;
            return None;
        }
        self.revision += 1;
        let old_lines = previous.as_ref().map(|previous| &previous.lines);
        let standing = self.standing(tally, as_of, old_lines);
        self.published = Some(Published {
            greatest,
            score: tally.score,
            band: self.band.clone(),
            cap,
            cap_contribution,
            added,
            status: tally.status,
            lines: standing.lines.iter().map(|line| (self.measure(line.measure), *line)).collect(),
        });
        let known: Vec<String> = (0..self.plan.measures.len()).map(|index| self.measure(index)).collect();
        let removed = old_lines.into_iter().flatten().filter(|line| !known.contains(line.0));
        let removed_change = -removed.map(|line| line.1.contribution).sum::<i32>();
        Some(Health {
            standing,
            removed_change,
            first: previous.is_none(),
            previous_score: previous.as_ref().and_then(|previous| previous.score),
            previous_band: previous.as_ref().and_then(|previous| self.band_index(previous.band.as_ref())),
            cap_change: cap_contribution - previous.as_ref().map_or(0, |previous| previous.cap_contribution),
            override_change: added.map_or(0, |one| one.1)
                - previous.and_then(|previous| previous.added).map_or(0, |one| one.1),
            cause: if change { cause } else { Cause::Repeat },
        })
    }

    /// Takes measures that another plan does not have for gone, whatever comes later under their names.
    pub(super) fn remove_measures(&mut self, plan: &Plan) {
        let stays = |name: &str| plan.measures.iter().any(|one| plan.signals[one.signal].name == name);
        if let Some(published) = &mut self.published {
            let lines = std::mem::take(&mut published.lines);
            let number = lines.len();
            // No name has a space in it.
            let name = |name: String| if stays(&name) { name } else { format!("{name} {number}") };
            published.lines = lines.into_iter().map(|(old, line)| (name(old), line)).collect();
        }
    }

    fn measure(&self, index: usize) -> String {
        self.plan.signals[self.plan.measures[index].signal].name.clone()
    }

    fn standing(&self, tally: &Tally, as_of: i64, old: Option<&BTreeMap<String, Line>>) -> Standing {
        let with_change = |line: &Line| {
            let old = old.and_then(|old| old.get(&self.measure(line.measure)));
            let change = line.contribution - old.map_or(0, |old| old.contribution);
            Line { previous_value: old.and_then(|old| old.value), change, ..*line }
        };
        Standing {
            account: self.id.clone(),
            revision: self.revision,
            as_of,
            score: tally.score,
            band: self.band_index(self.band.as_ref()),
            band_since: self.band_since.unwrap(),
            coverage: tally.coverage,
            lines: tally.lines.iter().map(with_change).collect(),
            cap: tally.cap,
            overridden: tally
                .added
                .zip(self.overriding())
                .map(|(added, one)| (added, one.author, one.reason, one.expires_at)),
            status: tally.status,
        }
    }

    /// The record at the end of a watermark entry: as the account stands then, as of its last record. Its
    /// lines know of no previous ones.
    pub(crate) fn account_health(&mut self, now: &Now<'_>) -> SlowEffect {
        self.has_news = false;
        self.revision += 1;
        let readings = self.readings(now);
        let (tally, band) = self.tally(now, &readings);
        let lines = tally.lines.clone();
        let standing = Standing { lines, band, ..self.standing(&tally, self.as_of, None) };
        let open = |(rule, one): (usize, &Rule)| {
            let watch = self.watches.get(&one.name)?;
            let turn = watch.turn(false)?;
            let fired_at = EventTime(turn.fired_at);
            Some(OpenAlert { rule, episode: watch.episode, severity: turn.severity, fired_at })
        };
        let open_alerts = self.plan.rules.iter().enumerate().filter_map(open).collect();
        SlowEffect::AccountHealth(AccountHealth { standing, open_alerts })
    }
}
