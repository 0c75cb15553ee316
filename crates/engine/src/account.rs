//! One account: all that the fold remembers of it.

mod bytes;
mod info;

pub(crate) use bytes::{read_position, write_position};
pub(crate) use info::Info;

use crate::clock::SPREAD;
use crate::effect::Identity;
use crate::entry::Position;
use crate::fingerprint;
use crate::operator::milestone::Milestones;
use crate::overriding::Overriding;
use crate::parts::{Parts, number, set_number, split};
use crate::prepared::{self, Prepared};
use crate::rule;
use crate::timer::NEVER;
use model::plan::{Plan, SourceSet};
use std::sync::Arc;

/// A value that is not known, where an option would cost eight bytes more.
pub(crate) const UNKNOWN: i64 = i64::MIN;

/// The parts of an account that are there under every plan.
pub(crate) mod part {
    /// The value of each signal; derived.
    pub(crate) const READINGS: usize = 0;
    /// What each measure came to; derived. See [`super::Scored`].
    pub(crate) const SCORED: usize = 1;
    /// When something may change, by clock; derived. See [`super::Slot`].
    pub(crate) const DUE: usize = 2;
    /// What was published last of each measure. See [`super::Told`].
    pub(crate) const PUBLISHED: usize = 3;
    /// The first part of the first signal.
    pub(crate) const SIGNALS: usize = 4;
}

/// What was published last of the account as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Published {
    /// The greatest T then.
    pub(crate) greatest: i64,
    pub(crate) score: Option<u32>,
    /// The cap in force and what it took.
    pub(crate) cap: Option<(u32, i32)>,
    pub(crate) band: Option<u16>,
    pub(crate) scored: bool,
}

/// What was published last of a measure: its value (or [`UNKNOWN`]) and its contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) value: i64,
    pub(crate) contribution: i32,
}

impl Told {
    const WORDS: usize = 3;

    pub(crate) fn words(self) -> [u32; Self::WORDS] {
        let [low, high] = split(self.value);
        [low, high, self.contribution.cast_unsigned()]
    }

    fn of(words: &[u32]) -> Self {
        Self { value: number(words, 0), contribution: words[2].cast_signed() }
    }
}

/// What a measure came to when last looked at; derived, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scored {
    pub(crate) points: u16,
    pub(crate) contribution: i32,
}

impl Scored {
    pub(crate) const WORDS: usize = 2;

    /// Of a measure whose signal is not known.
    pub(crate) const UNKNOWN: Self = Self { points: 0, contribution: 0 };

    pub(crate) fn of(points: u32, weight: u32) -> Self {
        // Points are at most 10,000.
        let contribution = crate::score::contribution(points, weight);
        Self { points: u16::try_from(points).unwrap_or(0), contribution }
    }

    #[inline]
    pub(crate) fn words(self) -> [u32; Self::WORDS] {
        [self.points.into(), self.contribution.cast_unsigned()]
    }

    #[inline]
    pub(crate) fn get(words: &[u32; Self::WORDS]) -> Self {
        Self { points: u16::try_from(words[0]).unwrap_or(0), contribution: words[1].cast_signed() }
    }
}

/// When something may change on one clock, and where the account stands in the calendar of that clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The instant, or one before it.
    pub(crate) due: i64,
    /// The minute of the calendar.
    pub(crate) queued: i32,
}

impl Slot {
    pub(crate) const NEVER: Self = Self { due: NEVER, queued: i32::MAX };
    pub(crate) const WORDS: usize = 3;

    pub(crate) fn words(self) -> [u32; Self::WORDS] {
        let [low, high] = split(self.due);
        [low, high, self.queued.cast_unsigned()]
    }

    #[inline]
    pub(crate) fn get(words: &[u32]) -> Self {
        Self { due: number(words, 0), queued: words[2].cast_signed() }
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
    /// All that grows and shrinks: see [`part`].
    pub(crate) parts: Parts,
    pub(crate) info: Option<Box<Info>>,
    pub(crate) milestones: Option<Box<Milestones>>,
    /// Whether a person set another score, if one ever did.
    pub(crate) overriding: Option<Box<Overriding>>,
    /// Living time until which a signal is unknown, since its definition is new; by signal.
    pub(crate) blind: Option<Box<[i64]>>,
    pub(crate) rules: Box<[rule::State]>,
    /// The number of the weights under which all measures were scored, and what they came to; derived.
    pub(crate) weighed: u32,
    pub(crate) raw: i32,
    pub(crate) band_since: i64,
    pub(crate) published: Option<Published>,
    pub(crate) band: Option<u16>,
    /// Whether an account-health record is owed.
    pub(crate) changed: bool,
    /// Whether the end of the account was made known.
    pub(crate) buried: bool,
    /// Whether it may be ahead of its shard, since it was restored.
    pub(crate) ahead: bool,
    /// Whether what is derived is still to be worked out; itself derived.
    pub(crate) unread: bool,
    /// Sources on whose clocks something may be due later than its slots say; derived.
    pub(crate) loose: SourceSet,
    /// Whether its slots have changed since it was last put into calendars; derived.
    pub(crate) rescheduled: bool,
    /// Sources that had not begun when their signals were last read; derived.
    pub(crate) unbegun: SourceSet,
    /// Signals that have a value, a bit each, of the first 64; derived.
    pub(crate) valued: u64,
}

/// The spread of an account.
pub(crate) fn spread(id: &str) -> i64 {
    i64::try_from(fingerprint::of(id.as_bytes()) % SPREAD.unsigned_abs()).unwrap_or(0)
}

impl Account {
    pub(crate) fn new(id: &str, plan: usize, prepared: &Prepared) -> Self {
        Self::with_room(id, plan, prepared, 0)
    }

    /// A new account with room for so many words more in its parts.
    fn with_room(id: &str, plan: usize, prepared: &Prepared, words: usize) -> Self {
        Self {
            id: id.into(),
            spread: spread(id),
            plan,
            position: Position::START,
            revision: 0,
            as_of: i64::MIN,
            parts: prepared.template.clone_with_room(words),
            info: None,
            milestones: prepared.has_milestones.then(Box::default),
            overriding: None,
            blind: None,
            rules: vec![rule::State::default(); prepared.plan.rules.len()].into(),
            weighed: prepared::NO_WEIGHTS,
            raw: 0,
            band_since: i64::MIN,
            published: None,
            band: None,
            changed: false,
            buried: false,
            ahead: false,
            unread: true,
            loose: SourceSet::default(),
            rescheduled: false,
            unbegun: SourceSet::default(),
            valued: 0,
        }
    }

    /// The value of a signal, or [`UNKNOWN`].
    #[inline]
    pub(crate) fn reading(&self, signal: usize) -> i64 {
        number(self.parts.get(part::READINGS), 2 * signal)
    }

    /// Sets the value of a signal. Returns whether it was another.
    pub(crate) fn set_reading(&mut self, signal: usize, value: i64) -> bool {
        let reading = &mut self.parts.get_mut(part::READINGS)[2 * signal..];
        if number(reading, 0) == value {
            return false;
        }
        set_number(reading, 0, value);
        let bit = 1_u64.unbounded_shl(u32::try_from(signal).unwrap_or(u32::MAX));
        self.valued = if value == UNKNOWN { self.valued & !bit } else { self.valued | bit };
        true
    }

    /// Makes every measure be scored anew.
    pub(crate) const fn forget_scored(&mut self) {
        self.weighed = prepared::NO_WEIGHTS;
    }

    /// How many clocks it waits on.
    pub(crate) fn slots(&self) -> usize {
        self.parts.get(part::DUE).len() / Slot::WORDS
    }

    #[inline]
    pub(crate) fn slot(&self, slot: usize) -> Slot {
        Slot::get(&self.parts.get(part::DUE)[Slot::WORDS * slot..])
    }

    pub(crate) fn set_due(&mut self, slot: usize, due: i64) {
        let part = self.parts.get_mut(part::DUE);
        if number(part, Slot::WORDS * slot) != due {
            set_number(part, Slot::WORDS * slot, due);
            self.rescheduled = true;
        }
    }

    pub(crate) fn set_queued(&mut self, slot: usize, queued: i32) {
        self.parts.get_mut(part::DUE)[Slot::WORDS * slot + 2] = queued.cast_unsigned();
        self.rescheduled = true;
    }

    /// Makes a slot due at `due`, unless it is sooner.
    #[inline]
    pub(crate) fn wait_for(&mut self, slot: usize, due: i64) {
        if due != NEVER && due < self.slot(slot).due {
            self.set_due(slot, due);
        }
    }

    /// Waits for nothing any more.
    pub(crate) fn wait_for_nothing(&mut self) {
        (0..self.slots()).for_each(|slot| self.set_due(slot, NEVER));
    }

    /// What was published last of each measure.
    pub(crate) fn told(&self) -> impl ExactSizeIterator<Item = Told> {
        self.parts.get(part::PUBLISHED).chunks_exact(Told::WORDS).map(Told::of)
    }

    /// Remembers what was published of each measure.
    pub(crate) fn tell(&mut self, lines: impl ExactSizeIterator<Item = Told>) {
        let mut part = self.parts.part(part::PUBLISHED);
        let words = Told::WORDS * lines.len();
        if part.len() != words {
            part.replace(&vec![0; words]);
        }
        for (words, told) in part.chunks_exact_mut(Told::WORDS).zip(lines) {
            words.copy_from_slice(&told.words());
        }
    }

    /// Whether it reflects `position` already; if not, it never will be ahead again.
    pub(crate) fn is_past(&mut self, position: Position) -> bool {
        self.ahead = self.ahead && self.position >= position;
        self.ahead
    }

    /// Reads a little of each cache line of the account itself: where the fields lie is the compiler's matter, so
    /// most of them are read.
    pub(crate) fn touch_self(&self) -> usize {
        let instants =
            self.spread ^ self.as_of ^ self.band_since ^ self.position.offset ^ self.position.minute;
        let published = self.published.map_or(0, |published| published.greatest);
        let words = (instants ^ published).cast_unsigned() ^ self.revision ^ self.valued;
        let places = self.plan ^ self.id.len() ^ self.rules.len() ^ self.parts.heap();
        let boxes = [self.info.is_some(), self.milestones.is_some(), self.blind.is_some(), self.unread];
        words.count_ones() as usize + places + boxes.into_iter().filter(|has| *has).count()
    }

    /// Reads a little of each cache line of what is read of it whatever is due.
    pub(crate) fn touch_standing(&self) -> usize {
        self.parts.touch_before(part::SIGNALS)
    }

    /// Reads a little of each cache line of its parts.
    pub(crate) fn touch_parts(&self) -> usize {
        let name = usize::from(self.id.as_bytes().first().copied().unwrap_or(0));
        name + self.rules.iter().step_by(3).filter(|rule| rule.is_idle()).count() + self.parts.touch()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.is_closed())
    }

    /// Whether a model scores it, by its stage and segment.
    pub(crate) fn is_scored(&self, plan: &Plan) -> bool {
        let Some(info) = &self.info else { return true };
        let is_of = |word: Option<&str>, none: &[String]| none.iter().any(|none| word == Some(none));
        !is_of(info.stage(), &plan.not_scored_stages) && !is_of(info.segment(), &plan.not_scored_segments)
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        self.info.as_ref().map_or_else(|| Info::nothing(&self.id), |info| info.identity(&self.id))
    }

    /// Bytes that it takes, heap included.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>()
            + 16
            + self.id.len()
            + self.parts.heap()
            + self.info.as_ref().map_or(0, |info| info.heap())
            + self.milestones.as_ref().map_or(0, |m| size_of::<Milestones>() + m.heap())
            + self.overriding.as_ref().map_or(0, |overriding| overriding.heap())
            + self.blind.as_ref().map_or(0, |blind| 8 * blind.len())
            + self.rules.iter().map(|rule| size_of::<rule::State>() + rule.heap()).sum::<usize>()
    }
}
