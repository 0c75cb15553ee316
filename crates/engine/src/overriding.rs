//! What a person set in place of the score: a contribution line beside what is computed, which ends by itself.
//!
//! The newest command counts, whatever the order of arrival: an override, or that there is none. It is in force until the T
//! of `command` gets to its end.

use crate::activity::{Activity, Value};
use crate::bytes::{Damaged, Reader, Writer};
use crate::effect::OverrideLine;
use crate::operator::order::Order;
use model::number::{SCALE, scale_round};
use model::plan::{Plan, WHOLE};
use model::source::{Field, Source};
use model::time::EventTime;

/// The commands of an account as far as they count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overriding {
    /// Which command is the newest.
    order: Order,
    /// What it set; none where it took that back.
    set: Option<Set>,
    /// Of which command the last published record told, and what it added there.
    pub(crate) told: Option<(Order, i32)>,
}

/// What a person set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Set {
    to: To,
    author: Box<str>,
    reason: Box<str>,
    expires_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    /// Hundredths of a point.
    Score(u32),
    /// The nearest score of the band of this name.
    Band(Box<str>),
}

/// Whether an activity sets or takes back an override.
pub(crate) fn is_one(activity: &Activity<'_>) -> bool {
    activity.source == Source::Command
        && matches!(activity.fields.word(Field::Kind), Some("override" | "clear-override"))
}

impl Default for Overriding {
    fn default() -> Self {
        Self { order: Order::NONE, set: None, told: None }
    }
}

impl Overriding {
    /// Takes in what [`is_one`]. Returns the end of what it takes the place of.
    pub(crate) fn observe(&mut self, activity: &Activity<'_>) -> Option<i64> {
        let order = Order::of(activity);
        if order <= self.order {
            return None;
        }
        self.order = order;
        std::mem::replace(&mut self.set, Set::of(activity)).map(|set| set.expires_at)
    }

    /// When it ends, if anything is set.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        self.set.as_ref().map(|set| set.expires_at)
    }

    /// What it adds to what is computed, hundredths of a point, where it is in force: `at` is the T of `command`.
    pub(crate) fn adds(&self, plan: &Plan, computed: Option<i32>, at: Option<i64>) -> Option<i32> {
        let set = self.set.as_ref().filter(|set| at.is_none_or(|at| at < set.expires_at))?;
        let computed = computed.unwrap_or(0);
        let score = match &set.to {
            To::Score(score) => i32::try_from(*score).unwrap_or(0),
            To::Band(name) => {
                let band = plan.bands.iter().position(|band| *band.name == **name)?;
                // Bands stand from the highest to the lowest.
                let above =
                    band.checked_sub(1).map_or(WHOLE, |above| plan.bands[above].at_least.saturating_sub(1));
                let limit = |limit: u32| i32::try_from(limit).unwrap_or(i32::MAX);
                computed.max(limit(plan.bands[band].at_least)).min(limit(above))
            }
        };
        Some(score - computed)
    }

    /// What a record says of it.
    pub(crate) fn line(&self, contribution: i32) -> Option<OverrideLine<'_>> {
        let Set { author, reason, expires_at, .. } = self.set.as_ref()?;
        Some(OverrideLine { contribution, author, reason, expires_at: EventTime(*expires_at) })
    }

    /// Whether what was told last is of this command, and in force or not as it is now.
    pub(crate) fn is_told(&self, adds: Option<i32>) -> bool {
        self.told.map(|(order, _)| order) == adds.map(|_| self.order)
    }

    /// Remembers what is told now.
    pub(crate) fn tell(&mut self, adds: Option<i32>) {
        self.told = adds.map(|adds| (self.order, adds));
    }

    pub(crate) fn heap(&self) -> usize {
        let set = self.set.as_ref().map_or(0, |set| {
            let band = if let To::Band(name) = &set.to { name.len() } else { 0 };
            set.author.len() + set.reason.len() + band
        });
        size_of::<Self>() + set
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        self.order.write(to);
        to.flag(self.set.is_some());
        if let Some(Set { to: target, author, reason, expires_at }) = &self.set {
            match target {
                To::Score(score) => {
                    to.opt_text(None);
                    to.u64((*score).into());
                }
                To::Band(name) => to.opt_text(Some(name)),
            }
            to.text(author);
            to.text(reason);
            to.i64(*expires_at);
        }
        to.flag(self.told.is_some());
        if let Some((order, adds)) = self.told {
            order.write(to);
            to.i64(adds.into());
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let order = Order::read(from)?;
        let mut set = None;
        if from.flag()? {
            let to = match from.opt_text()? {
                Some(name) => To::Band(name.into()),
                None => To::Score(from.u32()?),
            };
            if matches!(to, To::Score(score) if score > WHOLE) {
                return Err(Damaged("override out of range"));
            }
            let (author, reason) = (from.text()?.into(), from.text()?.into());
            set = Some(Set { to, author, reason, expires_at: from.time()? });
        }
        let mut told = None;
        if from.flag()? {
            let order = Order::read(from)?;
            let adds = i32::try_from(from.i64()?).ok().filter(|adds| adds.unsigned_abs() <= WHOLE);
            told = Some((order, adds.ok_or(Damaged("override out of range"))?));
        }
        if set.is_some() && order.is_none() || told.is_some_and(|(told, _)| told.is_none() || told > order) {
            return Err(Damaged("an override of no command"));
        }
        Ok(Self { order, set, told })
    }
}

impl Set {
    /// What an override sets; `None` of what takes one back, and of one that lacks what it must have.
    fn of(activity: &Activity<'_>) -> Option<Self> {
        let fields = &activity.fields;
        if fields.word(Field::Kind) != Some("override") {
            return None;
        }
        let to = match (fields.get(Field::Score), fields.word(Field::Band)) {
            (Some(Value::Number(score)), _) => {
                let hundredths = scale_round(score.0, 100, SCALE).clamp(0, WHOLE.into());
                To::Score(u32::try_from(hundredths).unwrap_or(0))
            }
            (_, Some(band)) => To::Band(band.into()),
            (_, None) => return None,
        };
        let Some(Value::Time(expires_at)) = fields.get(Field::ExpiresAt) else { return None };
        let text = |field: Field| fields.word(field).unwrap_or_default().into();
        Some(Self { to, author: text(Field::Author), reason: text(Field::Reason), expires_at: expires_at.0 })
    }
}
