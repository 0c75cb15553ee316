//! Milestones planned for one account: shared by the signals `reached` and `overdue`.

use super::order::{Newest, Order};
use crate::activity::Activity;
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, SourceNow};
use model::number::{SCALE, scale_round};
use model::source::Field;

/// The most milestones kept for one account.
pub const CEILING: usize = 1_024;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Milestone {
    key: u64,
    /// The newest plan: its due instant, or `None` where it was dropped.
    planned: Newest<Option<i64>>,
    reached: bool,
}

/// The milestones of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Milestones {
    milestones: Vec<Milestone>,
    overflow: bool,
}

impl Milestones {
    /// Takes in an activity. Returns whether it found a place.
    pub(crate) fn observe(&mut self, activity: &Activity<'_>) -> bool {
        let Some(key) = activity.fields.identity(Field::Milestone) else { return true };
        let place = match self.milestones.binary_search_by_key(&key, |milestone| milestone.key) {
            Ok(place) => place,
            Err(_) if self.milestones.len() >= CEILING => {
                self.overflow = true;
                return false;
            }
            Err(place) => {
                self.milestones.insert(place, Milestone { key, ..Milestone::default() });
                place
            }
        };
        let milestone = &mut self.milestones[place];
        match activity.fields.word(Field::Kind) {
            Some("planned") => {
                let due = activity.fields.time(Field::DueAt).map_or(i64::MAX, |due| due.0);
                milestone.planned.take(Order::of(activity), Some(due));
            }
            Some("dropped") => milestone.planned.take(Order::of(activity), None),
            Some("reached" | "verified") => milestone.reached = true,
            _ => {}
        }
        true
    }

    fn planned(&self) -> impl Iterator<Item = (i64, bool)> {
        self.milestones.iter().filter_map(|milestone| Some((milestone.planned.value?, milestone.reached)))
    }

    /// The share that is reached, in millionths of a per cent.
    pub(crate) fn reached(&self) -> Option<i64> {
        let all = i64::try_from(self.planned().count()).unwrap_or(i64::MAX);
        let reached =
            i64::try_from(self.planned().filter(|(_, reached)| *reached).count()).unwrap_or(i64::MAX);
        (all > 0 && !self.overflow).then(|| scale_round(100 * SCALE, reached, all))
    }

    /// How many are overdue, in millionths, and when the next one is.
    pub(crate) fn overdue(&self, now: &SourceNow) -> (Option<i64>, Due) {
        let Some(at) = now.at else { return (None, Due::AT_ONCE) };
        let mut any = false;
        let (mut overdue, mut next) = (0, i64::MAX);
        for (due, reached) in self.planned() {
            any = true;
            if !reached && due <= at {
                overdue += SCALE;
            } else if !reached {
                next = next.min(due);
            }
        }
        ((any && !self.overflow).then_some(overdue), Due::plain(next))
    }

    pub(crate) fn heap(&self) -> usize {
        self.milestones.capacity() * size_of::<Milestone>()
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        to.flag(self.overflow);
        to.len(self.milestones.len());
        for milestone in &self.milestones {
            to.fixed(milestone.key);
            milestone.planned.order.write(to);
            to.opt(milestone.planned.value);
            to.flag(milestone.reached);
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let overflow = from.flag()?;
        let len = from.len()?;
        if len > CEILING {
            return Err(Damaged("too many milestones"));
        }
        let mut milestones = Vec::with_capacity(len);
        for _ in 0..len {
            let key = from.fixed()?;
            let order = Order::read(from)?;
            let due = if from.flag()? { Some(from.time_or(i64::MAX)?) } else { None };
            let planned = Newest { order, value: due };
            milestones.push(Milestone { key, planned, reached: from.flag()? });
        }
        if milestones.windows(2).any(|pair| pair[0].key >= pair[1].key) {
            return Err(Damaged("milestones out of order"));
        }
        Ok(Self { milestones, overflow })
    }
}
