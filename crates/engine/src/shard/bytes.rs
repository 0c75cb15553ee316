//! The stored forms of a shard.
//!
//! - The *marker*: all of the shard that is not an account, as of one position.
//! - An *account*: as of the position of its own last change.
//! - The *head*: counts that entries do not tell again, as of the position of the transaction that holds it.
//!
//! A restore begins at the marker's position and folds the journal on to the committed one; an account that was
//! stored later than that skips what it reflects already.

use super::plans::Plans;
use super::{Parked, Shard, second_of};
use crate::account::Account;
use crate::bytes::{Damaged, Reader, Writer};
use crate::clock::{Clock, Gap, Stand};
use crate::count::Counts;
use crate::entry::{Latest, Position, Run};
use crate::fingerprint;
use crate::now::Clocks;
use crate::prepared::Prepared;
use model::plan::{MOST_MEASURES, ModelId};
use model::time::EventTime;
use std::cmp::Reverse;

/// The first byte of a head, and of a marker of a shard that has dropped no plan.
const FORMAT: u8 = 1;
/// The first byte of a marker that says how many plans were dropped.
const FORMAT_DROPPED: u8 = 2;

impl Shard {
    /// Appends the marker as of now.
    pub fn write_marker(&self, bytes: &mut Vec<u8>) {
        let dropped = self.plans.dropped();
        bytes.push(if dropped == 0 { FORMAT } else { FORMAT_DROPPED });
        let mut to = Writer(bytes);
        crate::account::write_position(self.position, &mut to);
        to.u64(u64::from(super::FOLD_VERSION));
        if dropped > 0 {
            to.len(dropped);
        }
        to.len(self.plans.iter().len());
        for prepared in self.plans.iter() {
            to.0.extend_from_slice(&prepared.plan.id.0);
            to.len(prepared.lags.len());
            for lag in &prepared.lags {
                to.len(lag.turns.len());
                for (z, apart) in &lag.turns {
                    to.i64(*z);
                    to.flag(*apart);
                }
            }
        }
        to.len(self.switches.len());
        for (from, plan) in &self.switches {
            to.i64(*from);
            to.len(*plan);
        }
        to.opt(self.ready_at);
        to.i64(self.greatest);
        for clock in &self.clocks {
            write_clock(clock, &mut to);
        }
        match self.advancing {
            None => to.0.push(0),
            Some(Latest::All) => to.0.push(1),
            Some(Latest::Turn { turn, turns }) => {
                to.0.push(2);
                to.u64(turn.into());
                to.u64(turns.into());
            }
        }
        write_head(&self.counts, self.effects, &mut to);
    }

    /// Appends the head as of now.
    pub fn write_head(&self, bytes: &mut Vec<u8>) {
        bytes.push(FORMAT);
        let mut to = Writer(bytes);
        crate::account::write_position(self.position, &mut to);
        write_head(&self.counts, self.effects, &mut to);
    }

    /// What a head says without its shard: the position at which it was written, and the counts.
    ///
    /// # Errors
    /// [`Damaged`] if the bytes are not a head.
    pub fn peek_head(bytes: &[u8]) -> Result<(Position, Counts), Damaged> {
        let (position, counts, _) = take_head(bytes)?;
        Ok((position, counts))
    }

    /// Takes over the counts of a head, written at the position at which the shard now is.
    ///
    /// # Errors
    /// [`Damaged`] if the bytes are not a head, or not of this position.
    pub fn read_head(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let (position, counts, effects) = take_head(bytes)?;
        if position != self.position {
            return Err(Damaged("head of another position"));
        }
        (self.counts, self.effects) = (counts, effects);
        Ok(())
    }

    /// How many accounts changed since they were last taken by [`Shard::take_dirty`].
    #[must_use]
    pub fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// Takes the accounts that changed, least recently first, as far as `each` wants more. `each` gets the key
    /// and the stored form.
    pub fn take_dirty(&mut self, mut each: impl FnMut(&str, &[u8]) -> bool) {
        let mut bytes = Vec::new();
        let mut taken = 0;
        for index in &self.dirty {
            let place = *index as usize;
            let account = &self.accounts[place];
            bytes.clear();
            account.write(&self.plans[account.plan], &mut bytes);
            self.is_dirty[place] = false;
            taken += 1;
            if !each(&account.id, &bytes) {
                break;
            }
        }
        self.dirty.drain(..taken);
    }

    /// The stored form of one account, for people and tests.
    #[must_use]
    pub fn account_bytes(&self, id: &str) -> Option<Vec<u8>> {
        let account = &self.accounts[self.find(id)?];
        let mut bytes = Vec::new();
        account.write(&self.plans[account.plan], &mut bytes);
        Some(bytes)
    }
}

fn read_turn(from: &mut Reader<'_>) -> Result<Latest, Damaged> {
    let mut number = || u16::try_from(from.u64()?).map_err(|_| Damaged("number out of range"));
    Latest::turn(number()?, number()?).ok_or(Damaged("a turn that is none"))
}

/// A shard that is being put together from what was stored.
#[derive(Debug)]
pub struct Restoring {
    shard: Shard,
}

impl Restoring {
    /// The models that a marker names.
    ///
    /// # Errors
    /// [`Damaged`] if the bytes are not a marker.
    pub fn models(marker: &[u8]) -> Result<Vec<ModelId>, Damaged> {
        let mut from = Reader(marker);
        let plans = start(&mut from)?.2;
        (0..plans).map(|_| Ok(read_plan(&mut from)?.0)).collect()
    }

    /// Begins with the marker; `text` gives the text of each model that it names.
    ///
    /// # Errors
    /// [`Damaged`] if the bytes are not a marker, or a model is missing or does not compile.
    pub fn new<'t>(marker: &[u8], text: impl Fn(ModelId) -> Option<&'t str>) -> Result<Self, Damaged> {
        let mut from = Reader(marker);
        let mut shard = Shard::new();
        let (position, dropped, plans) = start(&mut from)?;
        shard.position = position;
        shard.plans = Plans::after(dropped);
        for _ in 0..plans {
            let (id, turns) = read_plan(&mut from)?;
            let text = text(id).ok_or(Damaged("a model is not stored"))?;
            let plan = model::compile(text).map_err(|_| Damaged("a stored model does not compile"))?.plan;
            let mut prepared = Prepared::new(plan, text.into());
            if prepared.plan.measures.len() > MOST_MEASURES {
                return Err(Damaged("a stored model has too many measures"));
            }
            if prepared.plan.id != id || turns.len() != prepared.lags.len() {
                return Err(Damaged("a stored model is another"));
            }
            for (lag, turns) in prepared.lags.iter_mut().zip(turns) {
                lag.turns = turns.into();
            }
            shard.plans.push(prepared);
        }
        for _ in 0..from.len()? {
            let switch = (from.time_or(i64::MIN)?, from.u32()? as usize);
            if switch.1 <= dropped || switch.1 >= shard.plans.len() {
                return Err(Damaged("a switch to no model"));
            }
            shard.switches.push(switch);
        }
        shard.ready_at = from.opt_time()?;
        shard.greatest = from.time_or(i64::MIN)?;
        for clock in &mut shard.clocks {
            *clock = read_clock(&mut from)?;
        }
        shard.advancing = match from.byte()? {
            0 => None,
            1 => Some(Latest::All),
            2 => Some(read_turn(&mut from)?),
            _ => return Err(Damaged("an advance of no kind")),
        };
        (shard.counts, shard.effects) = read_head(&mut from)?;
        from.end()?;
        shard.check_times()?;
        if let Some(prepared) = shard.plans.last() {
            (shard.rules, shard.used) = (prepared.plan.sources, prepared.plan.used);
        }
        let clocks = Clocks { clocks: &shard.clocks, rules: &shard.rules };
        shard.now = clocks.now();
        shard.now.greatest = shard.greatest;
        Ok(Self { shard })
    }

    /// The position of the marker.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.shard.position
    }

    /// Makes room for about so many accounts.
    pub fn reserve(&mut self, accounts: usize) {
        // A little more, so that the first new one does not move them all.
        let accounts = accounts + accounts / 16;
        self.shard.accounts.reserve_exact(accounts);
        self.shard.is_dirty.reserve_exact(accounts);
        self.shard.index.reserve(accounts);
    }

    /// Adds an account.
    ///
    /// # Errors
    /// [`Damaged`] if the bytes are not an account, or it is there already.
    pub fn add(&mut self, bytes: &[u8]) -> Result<Position, Damaged> {
        let (plan, position, id) = Account::peek(bytes)?;
        if self.shard.find(id).is_some() || self.shard.is_parked(id) {
            return Err(Damaged("an account is stored twice"));
        }
        if plan >= self.shard.plans.len() {
            self.shard.parked.insert(id.into(), Parked { plan, bytes: bytes.into() });
            return Ok(position);
        }
        self.shard.put_back(bytes)?;
        Ok(position)
    }

    /// Lets no account be ahead of its shard: wrong, and only there to be found so.
    #[doc(hidden)]
    pub fn skip_nothing(&mut self) {
        self.shard.accounts.iter_mut().for_each(|account| account.position = Position::START);
        let ahead = std::mem::take(&mut self.shard.ahead);
        self.shard.ahead =
            ahead.into_iter().map(|Reverse((_, place))| Reverse((Position::START, place))).collect();
    }

    /// The shard at the marker's position.
    #[must_use]
    pub fn finish(mut self) -> Shard {
        self.shard.catch_up();
        self.shard
    }
}

impl Shard {
    /// Checks that the clocks stand as they do at the end of a step.
    fn check_times(&self) -> Result<(), Damaged> {
        let known = [self.ready_at].into_iter().chain(self.clocks.iter().map(|clock| clock.at)).flatten();
        let instants = known.chain(self.switches.iter().map(|(from, _)| *from));
        let is_behind = self.clocks.iter().any(|clock| clock.at != clock.target);
        let is_within = self.position.minute != Position::DONE;
        if instants.max().is_some_and(|last| last > self.greatest)
            || self.advancing.is_some() != is_within
            || (is_behind && !is_within)
        {
            return Err(Damaged("clocks that do not agree"));
        }
        Ok(())
    }

    /// Whether an account was stored under a model that the shard has not come to yet.
    pub(super) fn is_parked(&self, id: &str) -> bool {
        self.parked.contains_key(id)
    }

    /// Puts back the accounts that were stored under the model that came last.
    pub(super) fn unpark(&mut self) -> Result<(), Damaged> {
        let plans = self.plans.len();
        let come: Vec<_> = self.parked.extract_if(.., |_, parked| parked.plan < plans).collect();
        come.iter().try_for_each(|(_, parked)| self.put_back(&parked.bytes))
    }

    fn put_back(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let shard = self;
        let mut account = Account::read(bytes, |place| shard.plans.get(place))?;
        if account.plan < shard.least_plan() {
            return Err(Damaged("account of a model that all have left"));
        }
        account.ahead = account.position > shard.position;
        let place = u32::try_from(shard.accounts.len()).map_err(|_| Damaged("too many accounts"))?;
        let hash = fingerprint::of(account.id.as_bytes());
        shard.by_spread[second_of(account.spread)].push(place);
        if account.changed {
            shard.changed.push(place);
        }
        if account.ahead {
            shard.ahead.push(Reverse((account.position, place)));
        }
        let derives = !account.ahead;
        shard.accounts.push(account);
        shard.is_dirty.push(false);
        shard.index.insert(hash, place);
        if derives {
            shard.derive(place as usize);
        }
        Ok(())
    }

    /// Works out what is derived of accounts that the shard has caught up with. They are not looked at: what there
    /// is to say is said when it is due, as it would have been.
    pub(super) fn catch_up(&mut self) {
        while self.ahead.peek().is_some_and(|Reverse((position, _))| *position <= self.position)
            && let Some(Reverse((_, place))) = self.ahead.pop()
        {
            self.accounts[place as usize].ahead = false;
            self.derive(place as usize);
        }
    }
}

/// The position of a marker, how many plans were dropped, and how many follow.
fn start(from: &mut Reader<'_>) -> Result<(Position, usize, usize), Damaged> {
    let format = from.byte()?;
    if format != FORMAT && format != FORMAT_DROPPED {
        return Err(Damaged("marker of an unknown format"));
    }
    let position = crate::account::read_position(from)?;
    if from.u64()? != u64::from(super::FOLD_VERSION) {
        return Err(Damaged("marker of another fold version"));
    }
    let dropped = if format == FORMAT_DROPPED { from.u32()? as usize } else { 0 };
    let plans = from.len()?;
    if dropped > 0 && plans == 0 {
        return Err(Damaged("the newest model is dropped"));
    }
    Ok((position, dropped, plans))
}

type Turns = Vec<Vec<(i64, bool)>>;

fn read_plan(from: &mut Reader<'_>) -> Result<(ModelId, Turns), Damaged> {
    let mut id = [0; 32];
    id.copy_from_slice(from.take(32)?);
    let mut lags = Vec::new();
    for _ in 0..from.len()? {
        let mut turns = Vec::new();
        for _ in 0..from.len()? {
            turns.push((from.time_or(i64::MIN)?, from.flag()?));
        }
        lags.push(turns);
    }
    Ok((ModelId(id), lags))
}

fn write_head(counts: &Counts, effects: u32, to: &mut Writer<'_>) {
    to.u64(u64::from(effects));
    counts.write(to);
}

fn take_head(bytes: &[u8]) -> Result<(Position, Counts, u32), Damaged> {
    let mut from = Reader(bytes);
    if from.byte()? != FORMAT {
        return Err(Damaged("head of an unknown format"));
    }
    let position = crate::account::read_position(&mut from)?;
    let (counts, effects) = read_head(&mut from)?;
    from.end()?;
    Ok((position, counts, effects))
}

fn read_head(from: &mut Reader<'_>) -> Result<(Counts, u32), Damaged> {
    // As those of an entry are counted on, half of the range is left.
    let effects = from.u32()?;
    if effects > u32::MAX / 2 {
        return Err(Damaged("number out of range"));
    }
    Ok((Counts::read(from)?, effects))
}

fn write_clock(clock: &Clock, to: &mut Writer<'_>) {
    to.len(clock.marks.len());
    clock.marks.iter().for_each(|mark| to.opt(*mark));
    to.opt(clock.target);
    to.opt(clock.at);
    to.opt(clock.begin);
    to.len(clock.runs.len());
    for run in &clock.runs {
        to.i64(run.first.0);
        to.i64(run.last.0);
    }
    to.len(clock.gaps.len());
    for gap in &clock.gaps {
        to.i64(gap.start);
        to.i64(gap.end);
        to.i64(gap.living);
    }
    to.len(clock.stands.len());
    for stand in &clock.stands {
        to.i64(stand.at);
        to.i64(stand.max_delay);
        to.i64(stand.max_skew);
    }
}

fn read_clock(from: &mut Reader<'_>) -> Result<Clock, Damaged> {
    let mut clock = Clock::default();
    for _ in 0..from.len()? {
        clock.marks.push(from.opt_time()?);
    }
    clock.target = from.opt_time()?;
    clock.at = from.opt_time()?;
    clock.begin = from.opt_time()?;
    for _ in 0..from.len()? {
        clock.runs.push(Run { first: EventTime(from.time()?), last: EventTime(from.time()?) });
    }
    for _ in 0..from.len()? {
        clock.gaps.push(Gap { start: from.time()?, end: from.time_or(i64::MAX)?, living: from.time()? });
    }
    for _ in 0..from.len()? {
        clock.stands.push(Stand { at: from.time()?, max_delay: from.time()?, max_skew: from.time()? });
    }
    if clock.is_sound() { Ok(clock) } else { Err(Damaged("a clock that cannot be")) }
}

#[cfg(test)]
mod tests;
