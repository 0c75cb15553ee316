//! The stored form of an account: format 1, varints, no alignment. Only what cannot be worked out anew.

use super::{Account, Info, Published, Told, UNKNOWN};
use crate::bytes::{Damaged, Reader, Writer};
use crate::dedup;
use crate::entry::Position;
use crate::operator::milestone::Milestones;
use crate::overriding::Overriding;
use crate::prepared::Prepared;
use crate::rule;
use model::plan::{MOST_MEASURES, Plan, WHOLE};

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
    if offset < Position::START.offset {
        return Err(Damaged("offset out of range"));
    }
    let minute = if from.flag()? { Position::DONE } else { from.i64()? };
    Ok(Position { offset, entry, minute })
}

fn index<T: TryFrom<i64>>(from: &mut Reader<'_>) -> Result<Option<T>, Damaged> {
    from.opt()?.map(|value| T::try_from(value).map_err(|_| Damaged("index out of range"))).transpose()
}

fn read_band(from: &mut Reader<'_>, plan: &Plan) -> Result<Option<u16>, Damaged> {
    let band = index::<u16>(from)?;
    let is_there = band.is_none_or(|band| usize::from(band) < plan.bands.len());
    if is_there { Ok(band) } else { Err(Damaged("no such band")) }
}

/// A part of a score, or what is taken from it, in hundredths of a point: at most all of it.
fn read_part(from: &mut Reader<'_>) -> Result<i32, Damaged> {
    let part = i32::try_from(from.i64()?).ok().filter(|part| part.unsigned_abs() <= WHOLE);
    part.ok_or(Damaged("contribution out of range"))
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
        to.flag(self.overriding.is_some());
        if let Some(overriding) = &self.overriding {
            overriding.write(&mut to);
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
        account.revision = from.counter()?;
        account.as_of = from.time_or(i64::MIN)?;
        let flags = from.byte()?;
        if flags > 3 {
            return Err(Damaged("no such flag"));
        }
        (account.changed, account.buried) = (flags & 1 != 0, flags & 2 != 0);
        account.info = if from.flag()? { Some(Box::new(Info::read(&mut from)?)) } else { None };
        account.overriding = if from.flag()? { Some(Box::new(Overriding::read(&mut from)?)) } else { None };
        let (mut seen, mut words) = (Vec::new(), Vec::new());
        dedup::read(&mut from, &mut seen)?;
        account.milestones = if from.flag()? { Some(Box::new(Milestones::read(&mut from)?)) } else { None };
        if account.milestones.is_some() != prepared.has_milestones {
            return Err(Damaged("milestones that no signal asks for, or none where one does"));
        }
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
            let blind = prepared.plan.signals.iter().map(|_| from.time_or(i64::MIN));
            account.blind = Some(blind.collect::<Result<_, _>>()?);
        }
        account.band = read_band(&mut from, &prepared.plan)?;
        account.band_since = from.time_or(i64::MIN)?;
        for rule in &mut account.rules {
            *rule = rule::State::read(&mut from)?;
        }
        if from.flag()? {
            let published = Published::read(&mut from, &prepared.plan)?;
            let len = from.len()?;
            let mut lines = Vec::with_capacity(len.min(MOST_MEASURES));
            let added = account.overriding.as_ref().and_then(|overriding| overriding.told);
            let mut total = published.cap.map_or(0, |cap| i64::from(cap.1));
            total += added.map_or(0, |(_, added)| i64::from(added));
            for _ in 0..len {
                let value = from.opt()?.unwrap_or(UNKNOWN);
                let contribution = read_part(&mut from)?;
                if contribution < 0 {
                    return Err(Damaged("contribution out of range"));
                }
                total += i64::from(contribution);
                lines.push(Told { value, contribution });
            }
            if total != published.score.map_or(0, i64::from) || lines.len() < prepared.plan.measures.len() {
                return Err(Damaged("what was published does not add up"));
            }
            account.tell(lines.into_iter());
            account.published = Some(published);
        }
        let is_told = account.overriding.as_ref().is_some_and(|overriding| overriding.told.is_some());
        if is_told && account.published.is_none() {
            return Err(Damaged("an override that was told of an account that was not"));
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

    fn read(from: &mut Reader<'_>, plan: &Plan) -> Result<Self, Damaged> {
        let (score, band, cap) = (index::<u32>(from)?, read_band(from, plan)?, index::<u32>(from)?);
        // One that the model has no longer stands as the last that there could be.
        let is_there = |cap: u32| cap == u32::MAX || (cap as usize) < plan.caps.len();
        let taken = read_part(from)?;
        if score.is_some_and(|score| score > WHOLE) || !cap.is_none_or(is_there) || taken > 0 {
            return Err(Damaged("score or cap out of range"));
        }
        let cap = cap.map(|cap| (cap, taken));
        Ok(Self { score, band, cap, greatest: from.time_or(i64::MIN)?, scored: from.flag()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "
format: 1
model: small
owner: tests
score: { bands: { fine: 50, bad: 0 } }
signals: { logins: { count: login, over: 7d } }
goals:
  all:
    statement: All is well.
    owner: csm
    weight: 1
    measures: { logins: { kind: leading, weight: 1, curve: { 0: 0, 9: 100 } } }
caps: [ { name: low, when: { logins: { below: 1 } }, score_at_most: 20 } ]
";

    const SOUND: Published =
        Published { greatest: 5, score: Some(4_000), cap: Some((0, -2_000)), band: Some(1), scored: true };

    /// Whether an account is read once it was changed and written.
    fn read(change: impl FnOnce(&mut Account)) -> Result<(), Damaged> {
        let prepared = Prepared::new(model::compile(MODEL).unwrap().plan, MODEL.into());
        let mut account = Account::new("northwind", 0, &prepared);
        account.position = Position::after(7, 0);
        account.published = Some(SOUND);
        account.tell([Told { value: 3, contribution: 6_000 }].into_iter());
        change(&mut account);
        let mut bytes = Vec::new();
        account.write(&prepared, &mut bytes);
        Account::read(&bytes, |_| Some(&prepared)).map(drop)
    }

    fn publish(published: Published) -> Result<(), Damaged> {
        read(|account| account.published = Some(published))
    }

    #[test]
    fn an_account_that_cannot_be_is_not_read() {
        assert_eq!(read(|_| {}), Ok(()));
        assert_eq!(publish(Published { cap: Some((u32::MAX, -2_000)), ..SOUND }), Ok(()));
        // Each of these would be counted on, or be looked up, or be added.
        assert!(read(|account| account.revision = u64::MAX).is_err());
        assert!(read(|account| account.as_of = i64::MAX).is_err());
        assert!(read(|account| account.band = Some(2)).is_err());
        assert!(read(|account| account.blind = Some([i64::MAX].into())).is_err());
        assert!(read(|account| account.position.offset = -2).is_err());
        assert!(publish(Published { band: Some(2), ..SOUND }).is_err());
        assert!(publish(Published { cap: Some((1, -2_000)), ..SOUND }).is_err());
        assert!(publish(Published { cap: Some((0, i32::MIN)), ..SOUND }).is_err());
        assert!(publish(Published { score: Some(u32::MAX), ..SOUND }).is_err());
        assert!(publish(Published { greatest: i64::MAX, ..SOUND }).is_err());
    }

    #[test]
    fn what_was_published_adds_up() {
        let lost = Err(Damaged("what was published does not add up"));
        assert_eq!(publish(Published { score: Some(4_001), ..SOUND }), lost);
        assert_eq!(publish(Published { score: None, cap: None, ..SOUND }), lost);
        assert_eq!(read(|account| account.tell(std::iter::empty())), lost);
        let told = Told { value: 3, contribution: i32::MIN };
        assert_eq!(
            read(|account| account.tell([told].into_iter())),
            Err(Damaged("contribution out of range"))
        );
    }
}
