//! One thing a customer or a colleague did, decoded and checked.

use model::number::Number;
use model::source::{Field, Source};
use model::time::EventTime;

/// The most fields an activity can have beside id, time and account.
pub const MAX_FIELDS: usize = 9;

/// The value of a field; which of these it is, [`Field::kind`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A word or short text.
    Word(&'a str),
    /// The fingerprint of an identity ([`crate::fingerprint::of`]).
    Key(u64),
    /// A number.
    Number(Number),
    /// An instant.
    Time(EventTime),
}

/// The fields of an activity, in no particular order, each at most once.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    slots: [(Field, Value<'a>); MAX_FIELDS],
    len: u8,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self { slots: [(Field::Kind, Value::Key(0)); MAX_FIELDS], len: 0 }
    }
}

impl PartialEq for Fields<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().all(|(field, value)| other.get(field) == Some(value))
    }
}

impl<'a> Fields<'a> {
    /// Sets a field, replacing an earlier value. Returns `false` if all places are taken.
    pub fn set(&mut self, field: Field, value: Value<'a>) -> bool {
        let len = usize::from(self.len);
        if let Some(slot) = self.slots.iter_mut().take(len).find(|slot| slot.0 == field) {
            slot.1 = value;
        } else if let Some(slot) = self.slots.get_mut(len) {
            *slot = (field, value);
            self.len += 1;
        } else {
            return false;
        }
        true
    }

    /// Takes all fields out.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<Value<'a>> {
        self.set_slots().iter().find(|slot| slot.0 == field).map(|slot| slot.1)
    }

    /// The word in a field.
    #[must_use]
    pub fn word(&self, field: Field) -> Option<&'a str> {
        match self.get(field) {
            Some(Value::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// The number in a field.
    #[must_use]
    pub fn number(&self, field: Field) -> Option<Number> {
        match self.get(field) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// The instant in a field.
    #[must_use]
    pub fn time(&self, field: Field) -> Option<EventTime> {
        match self.get(field) {
            Some(Value::Time(time)) => Some(time),
            _ => None,
        }
    }

    /// The identity in a field: a key, or the fingerprint of a word.
    #[must_use]
    pub fn identity(&self, field: Field) -> Option<u64> {
        match self.get(field) {
            Some(Value::Key(key)) => Some(key),
            Some(Value::Word(word)) => Some(crate::fingerprint::of(word.as_bytes())),
            _ => None,
        }
    }

    /// All fields that are set.
    pub fn iter(&self) -> impl Iterator<Item = (Field, Value<'a>)> + '_ {
        self.set_slots().iter().copied()
    }

    fn set_slots(&self) -> &[(Field, Value<'a>)] {
        self.slots.get(..usize::from(self.len)).unwrap_or(&self.slots)
    }
}

/// One activity, with the place of the bytes that it was read from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activity<'a> {
    /// Its source.
    pub source: Source,
    /// Partition of the source topic, below 2^31.
    pub partition: u32,
    /// Offset in that partition.
    pub offset: i64,
    /// Fingerprint of (source, id) ([`crate::fingerprint::of_activity`]).
    pub id: u64,
    /// When it happened.
    pub time: EventTime,
    /// Whose it is, 1 to 256 bytes.
    pub account: &'a str,
    /// What else is known of it. Defaults of the contract are filled in by the decoder.
    pub fields: Fields<'a>,
}
