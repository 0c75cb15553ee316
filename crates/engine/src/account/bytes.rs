//! The stored form of an account: format 1, varints, no alignment. Only what cannot be worked out anew.

use super::{Account, Info, Published, UNKNOWN};
use crate::bytes::{Damaged, Reader, Writer};
use crate::dedup::Seen;
use crate::entry::Position;
use crate::operator::State;
use crate::operator::milestone::Milestones;
use crate::prepared::Prepared;
use crate::rule;

/// The first byte of a stored account.
const FORMAT: u8 = 1;

pub(crate) fn write_position(position: Position, to: &mut Writer<'_>) {
    to.i64(position.offset);
    to.u64(u64::from(position.entry));
    to.flag(position.minute == Position::DONE);
    if position.minute != Position::DONE {
        to.i64(position.minute);
    }
}

pub(crate) fn read_position(from: &mut Reader<'_>) -> Result<Position, Damaged> {
    let (offset, entry) = (from.i64()?, from.u32()?);
    let minute = if from.flag()? { Position::DONE } else { from.i64()? };
    Ok(Position { offset, entry, minute })
}

fn index(from: &mut Reader<'_>) -> Result<Option<usize>, Damaged> {
    from.opt()?.map(|value| usize::try_from(value).map_err(|_| Damaged("index out of range"))).transpose()
}

fn opt_index(value: Option<usize>) -> Option<i64> {
    value.map(|value| i64::try_from(value).unwrap_or(i64::MAX))
}

impl Account {
    /// Appends its stored form.
    pub(crate) fn write(&self, prepared: &Prepared, bytes: &mut Vec<u8>) {
        bytes.push(FORMAT);
        let mut to = Writer(bytes);
        to.0.extend_from_slice(&prepared.plan.id.0);
        to.len(self.plan);
        write_position(self.position, &mut to);
        to.text(&self.id);
        to.u64(self.revision);
        to.i64(self.as_of);
        to.u64(u64::from(self.changed) | u64::from(self.buried) << 1);
        to.flag(self.info.is_some());
        if let Some(info) = &self.info {
            info.write(&mut to);
        }
        self.seen.write(&mut to);
        to.flag(self.milestones.is_some());
        if let Some(milestones) = &self.milestones {
            milestones.write(&mut to);
        }
        self.signals.iter().for_each(|state| state.write(&mut to));
        to.flag(self.blind.is_some());
        for until in self.blind.iter().flatten() {
            to.i64(*until);
        }
        to.opt(opt_index(self.band));
        to.i64(self.band_since);
        self.rules.iter().for_each(|rule| rule.write(&mut to));
        to.flag(self.published.is_some());
        if let Some(published) = &self.published {
            published.write(&mut to);
        }
    }

    /// What a stored account says first: the place of its plan among those of its shard, its position, its id.
    pub(crate) fn peek(bytes: &[u8]) -> Result<(usize, Position, &str), Damaged> {
        let mut from = Reader(bytes);
        if from.byte()? != FORMAT {
            return Err(Damaged("account of an unknown format"));
        }
        from.take(32)?;
        let plan = from.u32()? as usize;
        Ok((plan, read_position(&mut from)?, from.text()?))
    }

    /// Reads a stored account; `plan` gives the plan at a place among those of the shard.
    pub(crate) fn read<'p>(
        bytes: &[u8],
        plan: impl FnOnce(usize) -> Option<&'p Prepared>,
    ) -> Result<Self, Damaged> {
        let mut from = Reader(bytes);
        if from.byte()? != FORMAT {
            return Err(Damaged("account of an unknown format"));
        }
        let mut id = [0; 32];
        id.copy_from_slice(from.take(32)?);
        let place = from.u32()? as usize;
        let prepared = plan(place).filter(|prepared| prepared.plan.id.0 == id);
        let (plan, prepared) =
            (place, prepared.ok_or(Damaged("account of a model that is not its shard's"))?);
        let position = read_position(&mut from)?;
        let mut account = Self::new(from.text()?, plan, prepared);
        account.position = position;
        account.revision = from.u64()?;
        account.as_of = from.i64()?;
        let flags = from.u64()?;
        (account.changed, account.buried) = (flags & 1 != 0, flags & 2 != 0);
        account.info = if from.flag()? { Some(Box::new(Info::read(&mut from)?)) } else { None };
        account.seen = Seen::read(&mut from)?;
        account.milestones = if from.flag()? { Some(Box::new(Milestones::read(&mut from)?)) } else { None };
        for (state, signal) in account.signals.iter_mut().zip(&prepared.plan.signals) {
            *state = State::read(&signal.operator, &mut from)?;
        }
        if from.flag()? {
            let blind = prepared.plan.signals.iter().map(|_| from.i64());
            account.blind = Some(blind.collect::<Result<_, _>>()?);
        }
        account.band = index(&mut from)?;
        account.band_since = from.i64()?;
        for rule in &mut account.rules {
            *rule = rule::State::read(&mut from)?;
        }
        account.published = if from.flag()? { Some(Box::new(Published::read(&mut from)?)) } else { None };
        from.end()?;
        Ok(account)
    }
}

impl Published {
    fn write(&self, to: &mut Writer<'_>) {
        to.opt(self.score.map(i64::from));
        to.opt(opt_index(self.band));
        to.opt(opt_index(self.cap.map(|cap| cap.0)));
        to.i64(self.cap.map_or(0, |cap| i64::from(cap.1)));
        to.i64(self.greatest);
        to.flag(self.scored);
        to.len(self.lines.len());
        for (value, contribution) in &self.lines {
            to.opt(Some(*value).filter(|value| *value != UNKNOWN));
            to.i64(i64::from(*contribution));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let points = |value: i64| i32::try_from(value).map_err(|_| Damaged("points out of range"));
        let score = from.opt()?.map(|score| u32::try_from(score).map_err(|_| Damaged("score out of range")));
        let score = score.transpose()?;
        let band = index(from)?;
        let cap = index(from)?;
        let taken = points(from.i64()?)?;
        let mut published = Self {
            score,
            band,
            cap: cap.map(|cap| (cap, taken)),
            greatest: from.i64()?,
            scored: from.flag()?,
            lines: Vec::new(),
        };
        for _ in 0..from.len()? {
            published.lines.push((from.opt()?.unwrap_or(UNKNOWN), points(from.i64()?)?));
        }
        Ok(published)
    }
}
