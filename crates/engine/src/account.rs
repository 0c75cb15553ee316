//! One account: all that the fold remembers of it.

mod bytes;
mod info;

pub(crate) use bytes::{read_position, write_position};
pub(crate) use info::Info;

use crate::clock::SPREAD;
use crate::dedup::Seen;
use crate::effect::Identity;
use crate::entry::Position;
use crate::fingerprint;
use crate::operator::milestone::Milestones;
use crate::operator::{Reading, State};
use crate::prepared::Prepared;
use crate::rule;
use crate::timer::NEVER;
use std::sync::Arc;

/// A value that is not known, where an option would cost eight bytes more.
pub(crate) const UNKNOWN: i64 = i64::MIN;

/// What was published last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) score: Option<u32>,
    pub(crate) band: Option<usize>,
    /// The cap in force and what it took.
    pub(crate) cap: Option<(usize, i32)>,
    /// The greatest T then.
    pub(crate) greatest: i64,
    pub(crate) scored: bool,
    /// Value (or [`UNKNOWN`]) and contribution of each measure.
    pub(crate) lines: Vec<(i64, i32)>,
}

/// What a measure came to when last looked at; derived, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scored {
    /// The value, or [`UNKNOWN`].
    pub(crate) value: i64,
    pub(crate) points: u16,
    pub(crate) weight: u16,
    pub(crate) contribution: i16,
}

impl Scored {
    pub(crate) const NEW: Self = Self { value: UNKNOWN, points: 0, weight: 0, contribution: 0 };

    pub(crate) fn of(value: i64, points: u32, weight: u32) -> Self {
        // Points and weights are at most 10,000, and so is what they come to.
        let contribution = i16::try_from(crate::score::contribution(points, weight)).unwrap_or(0);
        let small = |number: u32| u16::try_from(number).unwrap_or(0);
        Self { value, points: small(points), weight: small(weight), contribution }
    }
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: Arc<str>,
    /// Its spread, ms.
    pub(crate) spread: i64,
    /// Its plan among those of the shard.
    pub(crate) plan: usize,
    /// The position that its state reflects: where it last changed.
    pub(crate) position: Position,
    pub(crate) revision: u64,
    pub(crate) as_of: i64,
    pub(crate) info: Option<Box<Info>>,
    pub(crate) seen: Seen,
    pub(crate) milestones: Option<Box<Milestones>>,
    pub(crate) signals: Box<[State]>,
    /// Living time until which a signal is unknown, since its definition is new; by signal.
    pub(crate) blind: Option<Box<[i64]>>,
    pub(crate) band: Option<usize>,
    pub(crate) band_since: i64,
    pub(crate) rules: Box<[rule::State]>,
    pub(crate) published: Option<Box<Published>>,
    /// Whether an account-health record is owed.
    pub(crate) changed: bool,
    /// Whether the end of the account was made known.
    pub(crate) buried: bool,
    /// Whether it may be ahead of its shard, since it was restored.
    pub(crate) ahead: bool,
    // From here on: derived, and worked out anew after a restore.
    pub(crate) readings: Box<[Reading]>,
    pub(crate) scored: Box<[Scored]>,
    /// By clock: the instant at which something may change, and the calendar's minute that it stands in.
    pub(crate) due: Box<[(i64, i64)]>,
}

/// The spread of an account.
pub(crate) fn spread(id: &str) -> i64 {
    i64::try_from(fingerprint::of(id.as_bytes()) % SPREAD.unsigned_abs()).unwrap_or(0)
}

impl Account {
    pub(crate) fn new(id: &str, plan: usize, prepared: &Prepared) -> Self {
        let mut account = Self {
            id: id.into(),
            spread: spread(id),
            plan,
            position: Position::START,
            revision: 0,
            as_of: i64::MIN,
            info: None,
            seen: Seen::default(),
            milestones: prepared.has_milestones.then(Box::default),
            signals: prepared.plan.signals.iter().map(|signal| State::new(&signal.operator)).collect(),
            blind: None,
            band: None,
            band_since: i64::MIN,
            rules: vec![rule::State::default(); prepared.plan.rules.len()].into(),
            published: None,
            changed: false,
            buried: false,
            ahead: false,
            readings: Box::default(),
            scored: Box::default(),
            due: Box::default(),
        };
        account.forget_derived(prepared);
        account
    }

    /// Makes everything derived be worked out anew.
    pub(crate) fn forget_derived(&mut self, prepared: &Prepared) {
        self.readings = vec![Reading::NEW; prepared.plan.signals.len()].into();
        self.scored = vec![Scored::NEW; prepared.plan.measures.len()].into();
        self.due = vec![(NEVER, NEVER); prepared.slots()].into();
    }

    /// Makes every signal be read anew at the next look.
    pub(crate) fn forget_readings(&mut self) {
        self.readings.iter_mut().for_each(|reading| *reading = Reading::NEW);
    }

    /// Whether it reflects `position` already; if not, it never will be ahead again.
    pub(crate) fn is_past(&mut self, position: Position) -> bool {
        self.ahead = self.ahead && self.position >= position;
        self.ahead
    }

    /// Reads a little of each cache line of the account itself.
    pub(crate) fn touch_self(&self) -> usize {
        self.id.len() + self.signals.len() + self.readings.len() + self.due.len() + self.rules.len()
    }

    /// Reads a little of each cache line of its parts.
    pub(crate) fn touch_parts(&self) -> usize {
        let name = usize::from(self.id.as_bytes().first().copied().unwrap_or(0));
        let signals: usize = self.signals.iter().map(State::touch_self).sum();
        let readings = self.readings.iter().step_by(2).filter(|reading| reading.due.plain == 0).count();
        let scored = self.scored.iter().step_by(4).filter(|scored| scored.weight == 1).count();
        let due = self.due.iter().step_by(4).filter(|due| due.0 == 0).count();
        let rules: usize = self.rules.iter().map(|rule| rule.since.len()).sum();
        let published = self.published.as_ref().map_or(0, |published| published.lines.len());
        name + signals + readings + scored + due + rules + published + self.seen.touch()
    }

    /// Reads a little of what its signals hold.
    pub(crate) fn touch_content(&self) -> usize {
        self.signals.iter().map(State::touch_content).sum()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.is_closed())
    }

    pub(crate) fn stage(&self) -> Option<&str> {
        self.info.as_ref()?.stage()
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        self.info.as_ref().map_or_else(|| Info::nothing(&self.id), |info| info.identity(&self.id))
    }

    /// Bytes that it takes, heap included.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>()
            + 16
            + self.id.len()
            + self.info.as_ref().map_or(0, |info| info.heap())
            + self.seen.heap()
            + self.milestones.as_ref().map_or(0, |m| size_of::<Milestones>() + m.heap())
            + self.signals.iter().map(|state| size_of::<State>() + state.heap()).sum::<usize>()
            + self.blind.as_ref().map_or(0, |blind| 8 * blind.len())
            + self
                .rules
                .iter()
                .map(|rule| size_of::<rule::State>() + 8 * rule.since.capacity())
                .sum::<usize>()
            + self.published.as_ref().map_or(0, |p| size_of::<Published>() + 16 * p.lines.capacity())
            + size_of_val(&*self.readings)
            + size_of_val(&*self.scored)
            + size_of_val(&*self.due)
    }
}
