//! What an account says of itself: name, segment, stage, owner, contract. The newest of each counts.

use crate::activity::{Activity, Value};
use crate::bytes::{Damaged, Reader, Writer};
use crate::effect::Identity;
use crate::operator::order::{Newest, Order};
use model::number::Number;
use model::source::{Field, Source};
use model::time::EventTime;

const TEXTS: [Field; 6] =
    [Field::Name, Field::Segment, Field::Stage, Field::Owner, Field::Team, Field::Currency];

/// What is known of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    texts: [Newest<Option<Box<str>>>; 6],
    closed: Newest<bool>,
    mrr: Newest<i64>,
    renews_at: Newest<i64>,
}

impl Info {
    /// Takes in an activity of `account` or `subscription`.
    pub(crate) fn observe(&mut self, activity: &Activity<'_>) {
        let order = Order::of(activity);
        for (place, field) in TEXTS.into_iter().enumerate() {
            if let Some(text) = activity.fields.word(field)
                && order > self.texts[place].order
            {
                let same = self.texts[place].value.as_deref() == Some(text);
                let value = if same { self.texts[place].value.take() } else { Some(text.into()) };
                self.texts[place] = Newest { order, value };
            }
        }
        if activity.source == Source::Account {
            self.closed.take(order, activity.fields.word(Field::State) == Some("closed"));
            return;
        }
        if let Some(Value::Number(mrr)) = activity.fields.get(Field::Mrr) {
            self.mrr.take(order, mrr.0);
        }
        if let Some(Value::Time(instant)) = activity.fields.get(Field::RenewsAt) {
            self.renews_at.take(order, instant.0);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.value
    }

    fn text(&self, field: Field) -> Option<&str> {
        let place = TEXTS.iter().position(|text| *text == field)?;
        self.texts[place].value.as_deref()
    }

    pub(crate) fn stage(&self) -> Option<&str> {
        self.text(Field::Stage)
    }

    pub(crate) fn segment(&self) -> Option<&str> {
        self.text(Field::Segment)
    }

    pub(crate) const fn nothing(id: &str) -> Identity<'_> {
        Identity {
            id,
            name: None,
            segment: None,
            stage: None,
            owner: None,
            team: None,
            mrr: None,
            currency: None,
            renews_at: None,
        }
    }

    pub(crate) fn identity<'a>(&'a self, id: &'a str) -> Identity<'a> {
        Identity {
            id,
            name: self.text(Field::Name),
            segment: self.text(Field::Segment),
            stage: self.text(Field::Stage),
            owner: self.text(Field::Owner),
            team: self.text(Field::Team),
            mrr: self.mrr.get().map(|mrr| Number(*mrr)),
            currency: self.text(Field::Currency),
            renews_at: self.renews_at.get().map(|instant| EventTime(*instant)),
        }
    }

    pub(crate) fn heap(&self) -> usize {
        size_of::<Self>()
            + self.texts.iter().filter_map(|text| Some(text.value.as_ref()?.len())).sum::<usize>()
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        for text in &self.texts {
            text.order.write(to);
            to.opt_text(text.value.as_deref());
        }
        self.closed.order.write(to);
        to.flag(self.closed.value);
        for number in [&self.mrr, &self.renews_at] {
            number.order.write(to);
            to.i64(number.value);
        }
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut info = Self::default();
        for text in &mut info.texts {
            *text = Newest { order: Order::read(from)?, value: from.opt_text()?.map(Into::into) };
        }
        info.closed = Newest { order: Order::read(from)?, value: from.flag()? };
        info.mrr = Newest { order: Order::read(from)?, value: from.i64()? };
        info.renews_at = Newest { order: Order::read(from)?, value: from.time()? };
        Ok(info)
    }
}
