//! The stored form of an account: format 1, varints, no alignment. Only what cannot be worked out anew.

use super::{Account, Info, Published, Told, UNKNOWN};
use crate::bytes::{Damaged, Reader, Writer};
use crate::dedup;
use crate::entry::Position;
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

fn index<T: TryFrom<i64>>(from: &mut Reader<'_>) -> Result<Option<T>, Damaged> {
    from.opt()?.map(|value| T::try_from(value).map_err(|_| Damaged("index out of range"))).transpose()
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
        dedup::write(self.parts.get(prepared.seen), &mut to);
        to.flag(self.milestones.is_some());
        if let Some(milestones) = &self.milestones {
            milestones.write(&mut to);
        }
        for (layout, at) in &prepared.layouts {
            layout.write(&self.parts, *at, &mut to);
        }
        to.flag(self.blind.is_some());
        for until in self.blind.iter().flatten() {
            to.i64(*until);
        }
        to.opt(self.band.map(i64::from));
        to.i64(self.band_since);
        self.rules.iter().for_each(|rule| rule.write(&mut to));
        to.flag(self.published.is_some());
        if let Some(published) = &self.published {
            published.write(&mut to);
            to.len(self.told().len());
            for told in self.told() {
                to.opt(Some(told.value).filter(|value| *value != UNKNOWN));
                to.i64(i64::from(told.contribution));
            }
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
        // About two bytes a word.
        let mut account = Self::with_room(from.text()?, plan, prepared, bytes.len() / 2);
        account.position = position;
        account.revision = from.u64()?;
        account.as_of = from.i64()?;
        let flags = from.u64()?;
        (account.changed, account.buried) = (flags & 1 != 0, flags & 2 != 0);
        account.info = if from.flag()? { Some(Box::new(Info::read(&mut from)?)) } else { None };
        let (mut seen, mut words) = (Vec::new(), Vec::new());
        dedup::read(&mut from, &mut seen)?;
        account.milestones = if from.flag()? { Some(Box::new(Milestones::read(&mut from)?)) } else { None };
        for (layout, at) in &prepared.layouts {
            let mut place = *at;
            layout.read(&mut from, &mut words, |words| {
                account.parts.part(place).replace(words);
                place += 1;
            })?;
        }
        // The last part, and the longest: put in before the others, it would be moved by each.
        account.parts.part(prepared.seen).replace(&seen);
        if from.flag()? {
            let blind = prepared.plan.signals.iter().map(|_| from.i64());
            account.blind = Some(blind.collect::<Result<_, _>>()?);
        }
        account.band = index(&mut from)?;
        account.band_since = from.i64()?;
        for rule in &mut account.rules {
            *rule = rule::State::read(&mut from)?;
        }
        if from.flag()? {
            account.published = Some(Published::read(&mut from)?);
            let len = from.len()?;
            let mut lines = Vec::with_capacity(len);
            for _ in 0..len {
                let value = from.opt()?.unwrap_or(UNKNOWN);
                let contribution =
                    i32::try_from(from.i64()?).map_err(|_| Damaged("contribution out of range"))?;
                lines.push(Told { value, contribution });
            }
            account.tell(lines.into_iter());
        }
        account.parts.trim();
        from.end()?;
        Ok(account)
    }
}

impl Published {
    fn write(&self, to: &mut Writer<'_>) {
        to.opt(self.score.map(i64::from));
        to.opt(self.band.map(i64::from));
        to.opt(self.cap.map(|cap| i64::from(cap.0)));
        to.i64(self.cap.map_or(0, |cap| i64::from(cap.1)));
        to.i64(self.greatest);
        to.flag(self.scored);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (score, band, cap) = (index(from)?, index(from)?, index(from)?);
        let taken = i32::try_from(from.i64()?).map_err(|_| Damaged("contribution out of range"))?;
        let cap = cap.map(|cap| (cap, taken));
        Ok(Self { score, band, cap, greatest: from.i64()?, scored: from.flag()? })
    }
}
