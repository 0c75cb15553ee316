//! The journal as the slow fold keeps it: owned entries, each with its place.

use std::sync::Arc;

use engine::activity::{Activity, Fields, Value};
use engine::entry::Watermarks;
use model::number::Number;
use model::plan::Plan;
use model::source::{Field, Source};
use model::time::EventTime;

/// One entry.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Activity(Happening),
    Watermarks(Watermarks),
    /// A model, compiled: the slow fold does not read model texts.
    Model(Arc<Plan>),
}

/// An entry and where it stands in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) offset: i64,
    pub(crate) entry: u32,
    pub(crate) what: Entry,
}

/// The value of a field, owned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    Word(String),
    Key(u64),
    Number(i64),
    Time(i64),
}

/// An activity, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Happening {
    pub(crate) source: Source,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) id: u64,
    pub(crate) time: i64,
    pub(crate) account: String,
    pub(crate) fields: Vec<(Field, Held)>,
}

impl Happening {
    pub(crate) fn of(activity: &Activity<'_>) -> Self {
        let held = |value| match value {
            Value::Word(word) => Held::Word(String::from(word)),
            Value::Key(key) => Held::Key(key),
            Value::Number(number) => Held::Number(number.0),
            Value::Time(time) => Held::Time(time.0),
        };
        Self {
            source: activity.source,
            partition: activity.partition,
            offset: activity.offset,
            id: activity.id,
            time: activity.time.0,
            account: activity.account.into(),
            fields: activity.fields.iter().map(|(field, value)| (field, held(value))).collect(),
        }
    }

    /// The same activity for the engine.
    pub(crate) fn view(&self) -> Activity<'_> {
        let mut fields = Fields::default();
        for (field, held) in &self.fields {
            let value = match held {
                Held::Word(word) => Value::Word(word),
                Held::Key(key) => Value::Key(*key),
                Held::Number(number) => Value::Number(Number(*number)),
                Held::Time(time) => Value::Time(EventTime(*time)),
            };
            assert!(fields.set(*field, value), "too many fields");
        }
        Activity {
            source: self.source,
            partition: self.partition,
            offset: self.offset,
            id: self.id,
            time: EventTime(self.time),
            account: &self.account,
            fields,
        }
    }

    /// What "newest" compares.
    pub(crate) const fn rank(&self) -> (i64, u32, i64) {
        (self.time, self.partition, self.offset)
    }

    fn field(&self, field: Field) -> Option<&Held> {
        self.fields.iter().find(|held| held.0 == field).map(|held| &held.1)
    }

    pub(crate) fn word(&self, field: Field) -> Option<&str> {
        match self.field(field)? {
            Held::Word(word) => Some(word),
            Held::Key(_) | Held::Number(_) | Held::Time(_) => None,
        }
    }

    /// Millionths.
    pub(crate) fn number(&self, field: Field) -> Option<i64> {
        match self.field(field)? {
            Held::Number(number) => Some(*number),
            Held::Word(_) | Held::Key(_) | Held::Time(_) => None,
        }
    }

    pub(crate) fn time(&self, field: Field) -> Option<i64> {
        match self.field(field)? {
            Held::Time(time) => Some(*time),
            Held::Word(_) | Held::Key(_) | Held::Number(_) => None,
        }
    }

    /// What makes two values the same: the key, or the word itself.
    pub(crate) fn identity(&self, field: Field) -> Option<&Held> {
        self.field(field).filter(|held| matches!(held, Held::Key(_) | Held::Word(_)))
    }
}
